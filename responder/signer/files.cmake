set(SOURCES
  control.cc
  control_message.cc
  feeds.cc
  identity.cc
  live_service.cc
  live_signer.cc
  local_socket.cc
  mirror.cc
  press.cc
  publication.cc
  publication_load.cc
  publisher.cc
  schedule.cc
  signing_context.cc
  workers.cc
)
set(LIBRARIES spdlog json libevent)
