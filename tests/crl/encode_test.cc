#include "responder/crl/encode.h"

#include <boost/test/unit_test.hpp>
#include <random>

#include "tests/crl/made_crls.h"

using namespace eightbells;
using namespace eightbells::crl;
using namespace eightbells::test;

namespace {

constexpr UtcTime noon{seconds{1'795'348'800}};  // 2026-11-22T12:00:00Z
const auto here = std::filesystem::temp_directory_path();

// A signature that says what was signed: for the form alone.
struct Echo {
    crypto::Sha256 sha256;
    TbsSigner signer() {
        return {[this](ByteView part) {
                    sha256.update(part);
                    return Status{};
                },
                [this]() -> Result<Bytes> {
                    const auto digest = sha256.finish();
                    return Bytes{digest.begin(), digest.end()};
                }};
    }
};

Bytes from(std::string_view hex) {
    return *from_hex(hex);
}

const Bytes ecdsa_sha256 = from("300a06082a8648ce3d040302");
const Bytes some_name = from("300f310d300b06035504030c0454657374");
const Bytes key_identifier(20, 0xab);

CrlFields plain() {
    CrlFields fields;
    fields.signature_algorithm = ecdsa_sha256;
    fields.issuer_name = some_name;
    fields.this_update = noon;
    fields.next_update = noon + std::chrono::hours{48};
    static const Bytes number{0x01};
    fields.crl_number = number;
    fields.authority_key_identifier = key_identifier;
    return fields;
}

EntrySpool spool_of(const std::vector<CrlEntry>& entries) {
    auto spool = EntrySpool::make(here);
    BOOST_REQUIRE(spool);
    for (const auto& entry : entries)
        BOOST_REQUIRE(spool->add(entry));
    BOOST_REQUIRE(spool->finish());
    return std::move(*spool);
}

Bytes write(const CrlFields& fields, const std::vector<CrlEntry>& entries = {}) {
    Echo echo;
    const auto spool = spool_of(entries);
    const auto der = write_crl(fields, spool, echo.signer(), here);
    BOOST_REQUIRE_MESSAGE(der, der.error().message);
    const auto bytes = (*der)->bytes();
    return {bytes.begin(), bytes.end()};
}

std::string refusal(const CrlFields& fields) {
    Echo echo;
    const auto spool = spool_of({});
    const auto der = write_crl(fields, spool, echo.signer(), here);
    return der ? std::string{} : der.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(encode)

// What is written is read back the same, and what was fed to the key is the tbsCertList octet by octet.
BOOST_AUTO_TEST_CASE(random_crls_are_read_back_as_they_were_meant) {
    std::mt19937_64 random{20261122};
    for (int round = 0; round < 300; ++round) {
        std::vector<CrlEntry> entries;
        const unsigned many = round % 50 == 0 ? 4000 : static_cast<unsigned>(random() % 40);
        for (unsigned n = 0; n < many; ++n) {
            Bytes serial(1 + random() % 20);
            for (auto& octet : serial)
                octet = static_cast<std::uint8_t>(random());
            const auto made = Serial::from_magnitude(serial);
            if (!made)
                continue;
            CrlEntry entry{*made, {}};
            entry.revocation.time = from_unix(static_cast<std::int64_t>(random() % 5'000'000'000));
            if (random() % 2 == 0)
                entry.revocation.reason =
                    *reason_from_code(std::array{1U, 2U, 3U, 4U, 5U, 6U, 9U, 10U}[random() % 8]);
            if (random() % 3 == 0)
                entry.revocation.invalidity_date =
                    from_unix(static_cast<std::int64_t>(random() % 9'000'000'000) - 3'000'000'000);
            entries.push_back(entry);
        }
        CrlFields fields = plain();
        Bytes number(1 + random() % 19, 0x80);
        fields.crl_number = number;
        const bool delta = random() % 3 == 0;
        if (delta)
            fields.base_crl_number = Bytes{0x7f, 0xff};
        else if (random() % 2 == 0)
            fields.freshest_crl = "http://crl.example.org/delta.crl";
        if (random() % 2 == 0)
            fields.distribution_point = "http://crl.example.org/" + std::string(random() % 300, 'x') + ".crl";
        if (random() % 2 == 0)
            fields.expired_certs_on_crl = noon - std::chrono::days{1000};
        if (random() % 2 == 0)
            fields.next_publish = noon + std::chrono::hours{12};
        if (random() % 4 == 0)
            fields.next_update = year_9999;

        const Bytes der = write(fields, entries);
        const auto view = view_of(der);
        BOOST_TEST((view.departures.empty()));
        BOOST_TEST(equal(view.issuer_name, some_name));
        BOOST_TEST((view.this_update == noon));
        BOOST_TEST((view.next_update == fields.next_update));
        BOOST_TEST(equal(view.crl_number, number));
        BOOST_TEST(equal(view.authority_key_identifier, key_identifier));
        BOOST_TEST(view.is_delta == delta);
        BOOST_TEST(view.issuing_distribution_point.empty() == fields.distribution_point.empty());
        BOOST_TEST((view.expired_certs_on_crl == fields.expired_certs_on_crl));
        BOOST_TEST(view.unknown_critical_extensions.empty());
        BOOST_TEST(equal(view.signature, crypto::sha256(view.tbs)));
        std::size_t at = 0;
        BOOST_REQUIRE(for_each_entry(view, [&](const CrlEntry& entry) {
            BOOST_REQUIRE(at < entries.size());
            BOOST_TEST((entry.serial == entries[at].serial));
            BOOST_TEST((entry.revocation == entries[at].revocation));
            ++at;
            return Status{};
        }));
        BOOST_TEST(at == entries.size());
    }
}

// Covers: F-05
BOOST_AUTO_TEST_CASE(f_05_dates_are_utctime_up_to_2049_and_generalizedtime_from_2050) {
    const auto at = [](const char* text) { return *from_iso8601(text); };
    CrlFields fields = plain();
    fields.next_update = at("2049-12-31T23:59:59Z");
    BOOST_TEST(contains(to_hex(write(fields)), "170d" + to_hex(as_bytes("491231235959Z"))));
    fields.next_update = at("2050-01-01T00:00:00Z");
    BOOST_TEST(contains(to_hex(write(fields)), "180f" + to_hex(as_bytes("20500101000000Z"))));
    fields.next_update = year_9999;
    BOOST_TEST(contains(to_hex(write(fields)), "180f" + to_hex(as_bytes("99991231235959Z"))));
    const CrlEntry old{*Serial::from_hex("01"), {at("1949-06-01T00:00:00Z"), {}, {}}};
    BOOST_TEST(contains(to_hex(write(plain(), {old})), "180f" + to_hex(as_bytes("19490601000000Z"))));
    const CrlEntry first{*Serial::from_hex("01"), {at("1950-01-01T00:00:00Z"), {}, {}}};
    BOOST_TEST(contains(to_hex(write(plain(), {first})), "170d" + to_hex(as_bytes("500101000000Z"))));
}

// The digest decides whether what was read back is what was meant.
BOOST_AUTO_TEST_CASE(entries_that_differ_in_anything_have_another_digest) {
    const auto digest = [](const CrlEntry& entry) {
        EntryDigest of;
        of.add(entry);
        return to_hex(of.finish());
    };
    const CrlEntry entry{*Serial::from_hex("0a01"), {noon, CrlReason::superseded, noon}};
    const std::vector<CrlEntry> others{
        {*Serial::from_hex("0a02"), entry.revocation},
        {*Serial::from_hex("0a0100"), entry.revocation},
        {entry.serial, {noon + seconds{1}, CrlReason::superseded, noon}},
        {entry.serial, {noon, CrlReason::key_compromise, noon}},
        {entry.serial, {noon, {}, noon}},
        {entry.serial, {noon, CrlReason::superseded, noon - seconds{1}}},
        {entry.serial, {noon, CrlReason::superseded, {}}},
    };
    BOOST_TEST(digest(entry) == digest(CrlEntry{entry}));
    for (const auto& other : others)
        BOOST_TEST(digest(other) != digest(entry));
}

// Covers: F-06, F-08
BOOST_AUTO_TEST_CASE(f_06_no_entries_no_field_and_no_reason_when_it_is_unspecified) {
    const Bytes empty = write(plain());
    BOOST_TEST(view_of(empty).revoked_certificates.empty());  // parse_crl refuses an empty SEQUENCE
    const CrlEntry entry{*Serial::from_hex("01"), {noon, CrlReason::unspecified, {}}};
    const Bytes one = write(plain(), {entry});
    BOOST_TEST(to_hex(view_of(one).revoked_certificates) ==
               "3012020101170d" + to_hex(as_bytes("261122120000Z")));
}

// Covers: F-03, F-04, F-15, F-17
BOOST_AUTO_TEST_CASE(what_must_not_be_published_is_not_written) {
    CrlFields fields = plain();
    fields.authority_key_identifier = {};
    BOOST_TEST(contains(refusal(fields), "F-03"));
    fields = plain();
    const Bytes too_large(20, 0x80);
    fields.crl_number = too_large;
    BOOST_TEST(contains(refusal(fields), "F-04"));
    fields.crl_number = {};
    BOOST_TEST(contains(refusal(fields), "F-04"));
    fields = plain();
    fields.base_crl_number = Bytes{1};
    fields.freshest_crl = "http://a/b.crl";
    BOOST_TEST(contains(refusal(fields), "F-15"));
    fields = plain();
    fields.expired_certs_on_crl = noon;
    BOOST_TEST(contains(refusal(fields), "F-17"));
    fields = plain();
    fields.next_update = noon;
    BOOST_TEST(contains(refusal(fields), "nextUpdate"));
    BOOST_TEST(refusal(plain()) == "");
}

// Covers: F-04
BOOST_AUTO_TEST_CASE(f_04_numbers_are_counted_up_to_2_159) {
    const auto after = [](const char* hex) {
        const auto next = crl_number_after(from(hex));
        return next ? to_hex(*next) : next.error().message;
    };
    BOOST_TEST(after("") == "01");
    BOOST_TEST(after("00") == "01");
    BOOST_TEST(after("ff") == "0100");
    BOOST_TEST(after("01ffff") == "020000");
    BOOST_TEST(after("7ffffffffffffffffffffffffffffffffffffffe") ==
               "7fffffffffffffffffffffffffffffffffffffff");
    BOOST_TEST(contains(after("7fffffffffffffffffffffffffffffffffffffff"), "F-04"));
    BOOST_TEST(to_hex(crl_number_of(0)) == "00");
    BOOST_TEST(to_hex(crl_number_of(0x1'0000'00ff)) == "01000000ff");
}

BOOST_AUTO_TEST_CASE(a_key_that_fails_leaves_no_crl) {
    const auto spool = spool_of({});
    int parts = 0;
    const TbsSigner broken{[&](ByteView) -> Status {
                               ++parts;
                               return fail("the module went away");
                           },
                           []() -> Result<Bytes> { return Bytes(64, 1); }};
    const auto der = write_crl(plain(), spool, broken, here);
    BOOST_REQUIRE(!der);
    BOOST_TEST(der.error().message == "the module went away");
    BOOST_TEST(parts == 1);
}

BOOST_AUTO_TEST_SUITE_END()
