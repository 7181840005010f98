set(SOURCES digest.cc ed25519.cc)
set(LIBRARIES botan fmt)
