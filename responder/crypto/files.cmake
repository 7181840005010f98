set(SOURCES algorithms.cc certificate.cc crl_rules.cc digest.cc ed25519.cc issuer.cc pem.cc signature_verifier.cc signer_rules.cc text.cc)
set(LIBRARIES botan fmt)
