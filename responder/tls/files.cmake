set(SOURCES context.cc refusals.cc socket.cc)
set(LIBRARIES openssl fmt spdlog)
