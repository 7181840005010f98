set(SOURCES key_file.cc key_use.cc signing_key.cc store_key.cc token.cc token_key.cc)
set(LIBRARIES botan fmt p11kit)
