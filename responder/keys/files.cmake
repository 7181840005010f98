set(SOURCES store_key.cc)
set(LIBRARIES botan fmt)
