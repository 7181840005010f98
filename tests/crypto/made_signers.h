#ifndef EIGHTBELLS_TESTS_CRYPTO_MADE_SIGNERS_H
#define EIGHTBELLS_TESTS_CRYPTO_MADE_SIGNERS_H

#include <boost/test/unit_test.hpp>

#include "responder/crypto/certificate.h"
#include "tests/crypto/made_folder.h"

namespace eightbells::test {

// What data/make_signers.py makes, once a run.
inline const MadeFolder& made_signers() {
    static const MadeFolder folder;
    static const bool made = [] {
        folder.run("/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR "/tests/crypto/data/make_signers.py' .");
        return true;
    }();
    BOOST_REQUIRE(made);
    return folder;
}

inline crypto::Certificate parse_certificate(ByteView bytes) {
    auto certificate = crypto::Certificate::parse(bytes);
    BOOST_REQUIRE_MESSAGE(certificate, certificate.error().message);
    return *certificate;
}

inline crypto::Certificate made_certificate(const std::string& name) {
    return parse_certificate(made_signers().read(name + ".der"));
}

inline crypto::IssuerIdentity issuer_of(const crypto::Certificate& certificate) {
    auto issuer = crypto::IssuerIdentity::from_certificate(certificate);
    BOOST_REQUIRE_MESSAGE(issuer, issuer.error().message);
    return *issuer;
}

}  // namespace eightbells::test

#endif
