set(SOURCES bytes.cc clock.cc durable_file.cc mapped_file.cc network.cc serial.cc service_manager.cc status.cc)
set(LIBRARIES fmt)
