#ifndef EIGHTBELLS_TESTS_CRL_MADE_CRLS_H
#define EIGHTBELLS_TESTS_CRL_MADE_CRLS_H

#include <boost/test/unit_test.hpp>

#include "responder/crl/crl.h"
#include "responder/crl/octets.h"
#include "tests/crypto/made_folder.h"

namespace eightbells::test {

// What data/make_crls.py makes, once a run.
inline const MadeFolder& made_crls() {
    static const MadeFolder folder;
    static const bool made = [] {
        folder.run("/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR "/tests/crl/data/make_crls.py' .");
        return true;
    }();
    BOOST_REQUIRE(made);
    return folder;
}

inline crypto::IssuerIdentity issuer_in(ByteView certificate) {
    const auto parsed = crypto::Certificate::parse(certificate);
    BOOST_REQUIRE_MESSAGE(parsed, parsed.error().message);
    const auto issuer = crypto::IssuerIdentity::from_certificate(*parsed);
    BOOST_REQUIRE_MESSAGE(issuer, issuer.error().message);
    return *issuer;
}

inline crl::CrlView view_of(ByteView der) {
    const auto view = crl::parse_crl(der);
    BOOST_REQUIRE_MESSAGE(view, view.error().message);
    return *view;
}

// "SERIAL TIME REASON INVALIDITY", one entry a line, as data/list_crl.py writes it.
inline std::string listing(const crl::CrlView& view) {
    std::string text;
    const auto done = crl::for_each_entry(view, [&](const crl::CrlEntry& entry) {
        const auto& [time, reason, invalidity] = entry.revocation;
        text += entry.serial.to_hex() + " " + to_iso8601(time) + " " +
                (reason ? std::string{to_string(*reason)} : std::string{"-"}) + " " +
                (invalidity ? to_iso8601(*invalidity) : std::string{"-"}) + "\n";
        return Status{};
    });
    BOOST_TEST_REQUIRE(done.has_value(), (done ? "" : done.error().message));
    return text;
}

// What decode_crl_pem hands out, put together; nullopt: DER.
inline Result<std::optional<Bytes>> decoded_pem(ByteView octets) {
    Bytes all;
    const auto decoded = crl::decode_crl_pem(octets, [&](ByteView piece) {
        all.insert(all.end(), piece.begin(), piece.end());
        return Status{};
    });
    if (!decoded)
        return tl::unexpected<Error>(decoded.error());
    return *decoded ? std::optional{std::move(all)} : std::nullopt;
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace eightbells::test

#endif
