#define BOOST_TEST_MODULE ocsp_answer_peers
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>

#include "responder/ocsp/extension.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/response.h"
#include "tests/ocsp/signer.h"

using namespace eightbells;
using namespace eightbells::ocsp;

namespace {

using Buffer = std::array<std::uint8_t, limits::answer_octets>;

// The system's clock, because the openssl command compares with it.
const UtcTime now = SystemClock{}.now();
const Bytes serial = spell::hex("9edcba98765432100123456789abcdef01234567");  // a sign octet is due
const std::string serial_text = "9edcba98765432100123456789abcdef01234567";

SingleAnswer answer(const CertStatus& status) {
    SingleAnswer single;
    single.serial = serial;
    single.status = status;
    single.produced_at = now - seconds{60};
    single.this_update = now - seconds{120};
    single.next_update = now + seconds{86400};
    return single;
}

struct Case {
    std::string name;
    CertStatus status;
};

// Good, and revoked without a reason and with each that an answer may carry.
std::vector<Case> every_status() {
    std::vector<Case> cases{{"good", std::nullopt}, {"none", Revocation{now - seconds{5000}, {}, {}}}};
    for (std::uint64_t code = 1; code <= 10; ++code) {
        const auto reason = reason_from_code(code);
        if (reason && *reason != CrlReason::remove_from_crl)
            cases.push_back({std::string(to_string(*reason)), Revocation{now - seconds{5000}, reason, {}}});
    }
    return cases;
}

// "Nov 22 06:40:00 2026 GMT"
std::string openssl_time(UtcTime time) {
    const std::time_t seconds_since_1970 = to_unix(time);
    std::tm parts{};
    gmtime_r(&seconds_since_1970, &parts);
    char text[64];
    strftime(text, sizeof text, "%b %e %H:%M:%S %Y GMT", &parts);
    return text;
}

// Lets openssl find, verify and print the answer for our serial.
std::string ask_openssl(const peer::Signer& signer, const Bytes& der, HashAlgorithm hash) {
    peer::write(signer.folder / "answer.der", der);
    return peer::must_run(
        signer.folder, "openssl ocsp -issuer ca.pem -" + std::string(to_string(hash)) + " -serial 0x" +
                           serial_text + " -no_nonce -CAfile ca.pem -respin answer.der -respout again.der");
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string describe(const SingleAnswer& single) {
    const auto& status = single.status;
    std::string reason = "-";
    if (status && status->reason)
        reason = to_string(*status->reason);
    return (status ? "revoked " + to_iso8601(status->time) : std::string("good -")) + " " + reason + " " +
           to_iso8601(single.this_update) + " " + to_iso8601(single.next_update);
}

std::string python(const peer::Folder& folder, const std::string& what) {
    return peer::must_run(folder,
                          "/usr/bin/python3 " EIGHTBELLS_SOURCE_DIR "/tests/ocsp/peers.py " + what + " .");
}

}  // namespace

// Covers: B-01, B-02, B-03, B-05, B-08, B-12, B-14, B-15
BOOST_AUTO_TEST_CASE(b_05_openssl_verifies_and_matches_every_status_under_both_hashes) {
    const peer::Signer signer(peer::p256);
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256}) {
        const AnswerProfile profile = signer.profile(hash);
        for (const Case& one : every_status()) {
            const SingleAnswer single = answer(one.status);
            const Bytes der = signer.signed_answer(profile, single);
            const std::string said = ask_openssl(signer, der, hash);
            BOOST_TEST(has(said, "Response verify OK"), said);
            BOOST_TEST(has(said, one.status ? ": revoked" : ": good"), said);
            BOOST_TEST(!has(said, "WARNING"), said);
            BOOST_TEST(has(said, "This Update: " + openssl_time(single.this_update)), said);
            BOOST_TEST(has(said, "Next Update: " + openssl_time(single.next_update)), said);
            const bool reason = one.status && one.status->reason;
            BOOST_TEST(has(said, "Reason:") == reason, said);
            if (reason) {  // OpenSSL 3.0 has no names for the codes 9 and 10
                const bool unnamed = *one.status->reason >= CrlReason::privilege_withdrawn;
                BOOST_TEST((has(said, "Reason: " + one.name) || (unnamed && has(said, "Reason: (UNKNOWN)"))),
                           said);
            }
            if (one.status)
                BOOST_TEST(has(said, "Revocation Time: " + openssl_time(one.status->time)), said);
            BOOST_TEST((peer::read(signer.folder / "again.der") == der));  // B-02
        }
    }
}

// Covers: B-02, B-03, B-04, B-05, B-08, B-12, B-14, B-15, B-20
BOOST_AUTO_TEST_CASE(b_02_python_reads_equal_fields_and_encodes_the_same_bytes) {
    const peer::Signer signer(peer::p256);
    const peer::Folder folder;
    std::map<std::string, std::string> expected;
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256}) {
        const AnswerProfile profile = signer.profile(hash);
        for (const Case& one : every_status()) {
            const SingleAnswer single = answer(one.status);
            const std::string name = std::string(to_string(hash)) + "-" + one.name;
            peer::write(folder / (name + ".der"), signer.signed_answer(profile, single));
            expected[name] = name + " same successful " + to_hex(signer.responder_key_hash()) + " " +
                             to_iso8601(single.produced_at) +
                             " 1.2.840.10045.4.3.2 certs=1 nonce=- extensions=0 single=- | " +
                             std::string(to_string(hash)) + " " + to_hex(profile.issuer_name_hash) + " " +
                             to_hex(profile.issuer_key_hash) + " " + serial_text + " " + describe(single) +
                             "\n";
        }
    }
    std::string all;
    for (const auto& [name, line] : expected)
        all += line;
    BOOST_TEST(python(folder, "read") == all);
}

// Covers: B-02, B-15
BOOST_AUTO_TEST_CASE(b_02_python_makes_the_same_response_data) {
    const peer::Signer signer(peer::p256, false);
    const peer::Folder& folder = signer.folder;
    peer::must_run(
        folder,
        "openssl req -new -key ca.key -subj /CN=leaf -out leaf.csr && openssl x509 -req -in leaf.csr "
        "-CA ca.pem -CAkey ca.key -days 2 -set_serial 0x" +
            serial_text + " -out leaf.pem");
    std::string cases;
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256}) {
        for (const Case& one : every_status()) {
            const SingleAnswer single = answer(one.status);
            const std::string reason = one.status && one.status->reason ? one.name : "-";
            cases += std::string(to_string(hash)) + "-" + one.name + " " + std::string(to_string(hash)) +
                     " " + (one.status ? to_iso8601(one.status->time) : "-") + " " + reason + " " +
                     to_iso8601(single.this_update) + " " + to_iso8601(single.next_update) + " -\n";
        }
    }
    peer::write(folder / "cases", as_bytes(cases));
    python(folder, "build");
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256}) {
        const AnswerProfile profile = signer.profile(hash);
        for (const Case& one : every_status()) {
            const Bytes theirs =
                peer::read(folder / (std::string(to_string(hash)) + "-" + one.name + ".tbs"));
            SingleAnswer single = answer(one.status);
            // Python always signs now; its producedAt stands behind the responder ID.
            der::Reader fields = *der::Reader{theirs}.read_into(der::Tag::sequence);
            fields.read_any();
            single.produced_at = fields.read_generalized_time().value();
            Buffer buffer;
            const ByteView ours = encode_response_data(profile, single, buffer);
            BOOST_TEST(to_hex(ours) == to_hex(theirs), one.name);
        }
    }
}

// Covers: B-03, B-04, B-08, B-09
BOOST_AUTO_TEST_CASE(b_09_openssl_verifies_answers_of_every_kind_of_key_delegated_and_direct) {
    for (const peer::Algorithm& algorithm : peer::algorithms) {
        for (const bool delegated : {true, false}) {
            const peer::Signer signer(algorithm, delegated);
            const AnswerProfile profile = signer.profile(HashAlgorithm::sha256);
            const Bytes der = signer.signed_answer(profile, answer(std::nullopt));
            const std::string said = ask_openssl(signer, der, HashAlgorithm::sha256);
            BOOST_TEST(has(said, "Response verify OK"), algorithm.name << ": " << said);
            BOOST_TEST(has(said, ": good"), algorithm.name << ": " << said);
            BOOST_TEST((peer::read(signer.folder / "again.der") == der));
            const auto parsed = parse_response(der);
            BOOST_REQUIRE_MESSAGE(parsed, algorithm.name << ": " << parsed.error().message);
            BOOST_TEST(to_hex(parsed->signature_algorithm) == algorithm.identifier);
            BOOST_TEST(parsed->certificates.size() == (delegated ? 1U : 0U));
            BOOST_TEST(to_hex(parsed->responder_key_hash) == to_hex(signer.responder_key_hash()));
        }
    }
}

// Covers: B-12, B-14, B-16, B-19, B-20
BOOST_AUTO_TEST_CASE(b_12_openssls_asn1_printer_sees_only_the_times_and_extensions_that_belong_there) {
    const peer::Signer signer(peer::p256);
    AnswerProfile profile = signer.profile(HashAlgorithm::sha256);
    profile.single_extensions = encode_archive_cutoff(from_unix(1700000000));
    const Bytes more =
        spell::join({encode_invalidity_date(from_unix(1600000000)), encode_cert_hash(Bytes(32, 0xcc))});
    SingleAnswer single = answer(Revocation{now - seconds{5000}, CrlReason::key_compromise, {}});
    single.next_update = year_9999;
    single.extensions = more;
    Buffer buffer;
    peer::write(signer.folder / "data.der", encode_response_data(profile, single, buffer));
    const std::string text =
        peer::must_run(signer.folder, "openssl asn1parse -inform DER -in data.der -dump");
    std::size_t times = 0;
    for (const std::string& time : peer::lines_after(text, "GENERALIZEDTIME   :")) {
        const bool seconds_in_utc =
            time.size() == 15 && time.back() == 'Z' &&
            std::all_of(time.begin(), time.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
        BOOST_TEST(seconds_in_utc, time);
        ++times;
    }
    BOOST_TEST(times == 4U,
               text);  // produced, revoked, this, next; those of the extensions are inside octets
    BOOST_TEST(!has(text, "UTCTIME"), text);
    BOOST_TEST(has(text, "GENERALIZEDTIME   :99991231235959Z"), text);
    BOOST_TEST(has(text, "OCSP Archive Cutoff"), text);
    BOOST_TEST(has(text, "Invalidity Date"), text);
    BOOST_TEST(has(text, "1.3.36.8.3.13"), text);
    BOOST_TEST(!has(text, "CRL Reason Code"), text);       // B-16
    BOOST_TEST(!has(text, "1.3.6.1.5.5.7.48.1.9"), text);  // B-19
    BOOST_TEST(!has(text, "BOOLEAN"), text);               // none critical
    const Bytes der = signer.signed_answer(profile, single);
    const std::string said = ask_openssl(signer, der, HashAlgorithm::sha256);
    BOOST_TEST(has(said, "Response verify OK"), said);
    const peer::Folder folder;
    peer::write(folder / "extended.der", der);
    BOOST_TEST(has(python(folder, "read"), "extended same successful"));
    BOOST_TEST(
        has(python(folder, "read"), "extensions=0 single=1.3.6.1.5.5.7.48.1.6,2.5.29.24,1.3.36.8.3.13 |"));
}

// Covers: A-04, B-05, B-20, A-16
BOOST_AUTO_TEST_CASE(a_04_openssl_matches_a_live_answer_for_several_certificates_and_its_nonce) {
    const peer::Signer signer(peer::p256);
    const AnswerProfile profile = signer.profile(HashAlgorithm::sha256);
    peer::must_run(
        signer.folder,
        "openssl ocsp -issuer ca.pem -serial 5 -sha256 -serial 6 -sha384 -serial 7 -reqout several.der");
    const Bytes request = peer::read(signer.folder / "several.der");
    RequestView view;
    BOOST_REQUIRE(!parse_request(request, view));
    BOOST_REQUIRE_EQUAL(view.cert_ids().size(), 3U);
    std::vector<LiveSingle> singles(3);
    for (std::size_t i = 0; i < singles.size(); ++i) {
        singles[i].cert_id = view.cert_ids()[i].tlv;
        singles[i].this_update = now - seconds{60};
        singles[i].next_update = now + seconds{600};
    }
    singles[1].status = Revocation{now - seconds{5000}, CrlReason::certificate_hold, {}};
    singles[2].unknown = true;
    Buffer data_buffer;
    const ByteView data =
        encode_live_response_data(profile.responder_key_hash, now, singles, view.nonce(), data_buffer);
    const Bytes raw = signer.sign(data);
    std::array<std::uint8_t, 80> value_buffer;
    const ByteView value = encode_signature_value(profile.signature_form, raw, value_buffer);
    Buffer buffer;
    const ByteView der =
        encode_signed_response(data, profile.signature_algorithm, value, profile.signer_certificate, buffer);
    peer::write(signer.folder / "answer.der", der);
    const std::string said = peer::must_run(
        signer.folder,
        "openssl ocsp -reqin several.der -respin answer.der -CAfile ca.pem -resp_text -respout again.der");
    BOOST_TEST(has(said, "Response verify OK"), said);
    BOOST_TEST(!has(said, "WARNING"), said);  // the nonce is there and equal
    BOOST_TEST(peer::lines_after(said, "Cert Status: ") ==
               (std::vector<std::string>{"good", "revoked", "unknown"}));
    BOOST_TEST(peer::lines_after(said, "Hash Algorithm: ") ==
               (std::vector<std::string>{"sha1", "sha256", "sha384"}));
    BOOST_TEST((peer::read(signer.folder / "again.der") == Bytes(der.begin(), der.end())));
    const peer::Folder folder;
    peer::write(folder / "live.der", der);
    const std::string read = python(folder, "read");
    BOOST_TEST(has(read, "live same successful"), read);
    BOOST_TEST(has(read, "nonce=" + to_hex(*view.nonce()) + " extensions=1 |"), read);
    const auto parsed = parse_response(der);
    BOOST_REQUIRE_MESSAGE(parsed, parsed.error().message);
    BOOST_TEST(parsed->singles.size() == 3U);
    BOOST_TEST(equal(*parsed->nonce, *view.nonce()));
}

// Covers: A-02, B-01
BOOST_AUTO_TEST_CASE(b_01_peers_read_the_five_octets_of_an_error) {
    const peer::Folder folder;
    const std::pair<ResponseStatus, const char*> statuses[] = {
        {ResponseStatus::malformed_request, "malformedrequest (1)"},
        {ResponseStatus::internal_error, "internalerror (2)"},
        {ResponseStatus::try_later, "trylater (3)"},
        {ResponseStatus::unauthorized, "unauthorized (6)"}};
    for (const auto& [status, text] : statuses) {
        peer::write(folder / "error.der", encode_error(status));
        const auto said = peer::run(folder, "openssl ocsp -respin error.der");
        BOOST_TEST(has(said.text, std::string("Responder Error: ") + text), said.text);
        peer::write(folder / (std::to_string(static_cast<int>(status)) + ".der"), encode_error(status));
    }
    std::filesystem::remove(folder / "error.der");
    BOOST_TEST(python(folder, "read") ==
               "1 same malformed_request\n2 same internal_error\n3 same try_later\n6 same unauthorized\n");
}
