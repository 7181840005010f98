set(SOURCES key_file.cc signing_key.cc store_key.cc)
set(LIBRARIES botan fmt)
