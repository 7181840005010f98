set(SOURCES context.cc loop.cc refusals.cc socket.cc)
set(LIBRARIES libevent openssl fmt spdlog)
