set(SOURCES reader.cc writer.cc)
set(LIBRARIES)
