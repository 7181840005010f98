set(SOURCES bytes.cc clock.cc durable_file.cc mapped_file.cc network.cc serial.cc socket_address.cc status.cc supervision.cc)
set(LIBRARIES fmt)
