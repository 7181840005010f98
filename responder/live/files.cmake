set(SOURCES message.cc secret.cc)
set(LIBRARIES fmt openssl)
