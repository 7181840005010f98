set(SOURCES message.cc)
set(LIBRARIES)
