#define BOOST_TEST_MODULE ocsp_request
#include "responder/ocsp/request.h"

#include <boost/test/unit_test.hpp>

#include "responder/base/serial.h"
#include "responder/der/limits.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/limits.h"
#include "tests/ocsp/spell.h"

using namespace eightbells;
using namespace eightbells::ocsp;
using spell::hex;

namespace {

// "ok" or the fault's name.
std::string_view verdict(const Bytes& der, RequestView& view) {
    const auto fault = parse_request(der, view);
    return fault ? to_string(*fault) : "ok";
}
std::string_view verdict(const Bytes& der) {
    RequestView view;
    return verdict(der, view);
}

Bytes with_extensions(std::initializer_list<Bytes> list) {
    return spell::request({spell::sequence({spell::cert_id()})}, spell::extensions(2, list));
}

std::vector<Bytes> requests(std::size_t count) {
    return std::vector<Bytes>(count, spell::sequence({spell::cert_id()}));
}

}  // namespace

//
BOOST_AUTO_TEST_CASE(a_01_every_field_of_a_request_is_found) {
    const Bytes name = spell::tlv(0xa1, {spell::tlv(0x82, hex("612e62"))});
    const Bytes signature = spell::tlv(
        0xa0, {spell::sequence({hex("300a06082a8648ce3d040302"), hex("0303003000"),
                                spell::tlv(0xa0, {spell::sequence({hex("3000"), hex("3000")})})})});
    const Bytes single = spell::sequence(
        {spell::cert_id(), spell::extensions(0, {spell::extension(spell::oid_unknown, hex("05"))})});
    const Bytes der = spell::request({single, spell::sequence({spell::cert_id(spell::sha1_null, hex("05"))})},
                                     spell::extensions(2, {spell::nonce(16)}),
                                     spell::join({hex("a003020100"), name}), signature);
    RequestView view;
    BOOST_REQUIRE_EQUAL(verdict(der, view), "ok");
    BOOST_REQUIRE_EQUAL(view.cert_ids().size(), 2U);
    const CertIdView& first = view.cert_ids()[0];
    BOOST_TEST((first.hash == HashAlgorithm::sha256));
    BOOST_TEST(equal(first.hash_oid, hex("608648016503040201")));
    BOOST_TEST(equal(first.hash_algorithm, spell::sha256_null));
    BOOST_TEST(equal(first.issuer_name_hash, spell::name_hash));
    BOOST_TEST(equal(first.issuer_key_hash, spell::key_hash));
    BOOST_TEST(equal(first.serial, spell::serial));
    BOOST_TEST(equal(first.tlv, spell::cert_id()));
    BOOST_TEST((view.cert_ids()[1].hash == HashAlgorithm::sha1));
    BOOST_TEST(equal(view.cert_ids()[1].serial, hex("05")));
    BOOST_REQUIRE(view.nonce().has_value());
    BOOST_TEST(equal(*view.nonce(), Bytes(16, 0x6e)));
}

//
BOOST_AUTO_TEST_CASE(a_02_what_is_no_request_is_malformed) {
    const Bytes good = spell::one_request();
    BOOST_TEST(verdict(good) == "ok");
    for (std::size_t size = 0; size < good.size(); ++size)
        BOOST_TEST(verdict(Bytes(good.begin(), good.begin() + std::ptrdiff_t(size))) == "not_der");
    BOOST_TEST(verdict(spell::join({good, hex("00")})) == "trailing_bytes");
    BOOST_TEST(verdict(spell::join({good, good})) == "trailing_bytes");
    BOOST_TEST(verdict(spell::request({})) == "empty_list");
    BOOST_TEST(verdict(hex("")) == "not_der");
    BOOST_TEST(verdict(hex("3000")) == "not_der");
    BOOST_TEST(verdict(hex("30030a0101")) == "not_der");
    // every element under a wrong tag, one at a time
    BOOST_TEST(verdict(spell::tlv(0x31, {spell::sequence({spell::sequence({})})})) == "not_der");
    for (const std::size_t at : {0U, 2U, 4U})
        for (const std::uint8_t tag : hex("3104a0b01070")) {
            Bytes wrong = good;
            BOOST_REQUIRE_EQUAL(wrong[at], 0x30);
            wrong[at] = tag;
            BOOST_TEST(verdict(wrong) != "ok");
        }
    // indefinite and non-minimal lengths
    BOOST_TEST(verdict(spell::join({hex("3080"), Bytes(good.begin() + 2, good.end()), hex("0000")})) ==
               "not_der");
    BOOST_TEST(verdict(spell::join({hex("3082006f"), Bytes(good.begin() + 2, good.end())})) == "not_der");
    const auto malformed = encode_error(ResponseStatus::malformed_request);
    BOOST_TEST(equal(malformed, hex("30030a0101")));
}

//
BOOST_AUTO_TEST_CASE(a_02_bytes_between_and_behind_the_fields_are_refused) {
    const Bytes one = spell::sequence({spell::cert_id()});
    const Bytes null = hex("0500");
    BOOST_TEST(verdict(spell::request({one}, null)) == "extension");
    BOOST_TEST(verdict(spell::request({one}, spell::join({spell::extensions(2, {spell::nonce(8)}), null}))) ==
               "not_der");
    BOOST_TEST(verdict(spell::request({one}, {}, {}, null)) == "signature");
    const Bytes signature =
        spell::tlv(0xa0, {spell::sequence({hex("300a06082a8648ce3d040302"), hex("0303003000")})});
    BOOST_TEST(verdict(spell::request({one}, {}, {}, signature)) == "ok");
    BOOST_TEST(verdict(spell::request({one}, {}, {}, spell::join({signature, null}))) == "signature");
    BOOST_TEST(verdict(spell::request({one}, {}, {}, spell::join({signature, signature}))) == "signature");
    BOOST_TEST(verdict(spell::request({spell::sequence({spell::cert_id(), null})})) == "extension");
    BOOST_TEST(verdict(spell::request({null})) == "cert_id");
    BOOST_TEST(verdict(spell::request({spell::sequence({null})})) == "cert_id");
    BOOST_TEST(verdict(spell::request({spell::sequence({})})) == "cert_id");
    BOOST_TEST(verdict(spell::request({one}, {}, hex("a1020500"))) == "not_der");  // no GeneralName
    BOOST_TEST(verdict(spell::request({one}, {}, hex("a100"))) == "not_der");
    BOOST_TEST(verdict(spell::request({one}, {}, hex("a10482008200"))) == "not_der");  // two of them
}

//
BOOST_AUTO_TEST_CASE(a_02_a_cert_id_of_another_shape_is_refused) {
    const auto with = [](const Bytes& cert_id) {
        return verdict(spell::request({spell::sequence({cert_id})}));
    };
    const Bytes algorithm = spell::sha256_null;
    const Bytes name = spell::octets(spell::name_hash);
    const Bytes key = spell::octets(spell::key_hash);
    const Bytes serial = hex("020101");
    BOOST_TEST(with(spell::sequence({algorithm, name, key, serial})) == "ok");
    BOOST_TEST(with(spell::sequence({algorithm, name, key})) == "cert_id");
    BOOST_TEST(with(spell::sequence({algorithm, name, serial})) == "cert_id");
    BOOST_TEST(with(spell::sequence({name, key, serial})) == "cert_id");
    BOOST_TEST(with(spell::sequence({algorithm, name, key, serial, serial})) == "cert_id");
    BOOST_TEST(with(spell::sequence({algorithm, name, key, hex("0200")})) == "cert_id");
    BOOST_TEST(with(spell::sequence({algorithm, name, key, hex("040101")})) == "cert_id");
    BOOST_TEST(with(spell::sequence({hex("3000"), name, key, serial})) == "cert_id");
    BOOST_TEST(with(spell::sequence({hex("30020600"), name, key, serial})) == "cert_id");
    BOOST_TEST(with(spell::sequence({hex("3003060180"), name, key, serial})) == "cert_id");
    // SHA-256 takes NULL or nothing; another algorithm may have parameters of its own
    BOOST_TEST(with(spell::sequence({hex("300e0609608648016503040201040100"), name, key, serial})) ==
               "cert_id");
    BOOST_TEST(with(spell::sequence({hex("300f060960864801650304020105000500"), name, key, serial})) ==
               "cert_id");
    BOOST_TEST(with(spell::sequence({hex("300e0609608648016503040202040100"), name, key, serial})) == "ok");
}

//
BOOST_AUTO_TEST_CASE(a_03_only_version_one_exists) {
    const auto with = [](const Bytes& version) { return verdict(spell::request(requests(1), {}, version)); };
    BOOST_TEST(with({}) == "ok");
    BOOST_TEST(with(hex("a003020100")) == "ok");
    BOOST_TEST(with(hex("a003020101")) == "version");
    BOOST_TEST(with(hex("a0030201ff")) == "version");
    BOOST_TEST(with(hex("a00402020000")) == "version");
    BOOST_TEST(with(hex("a00b0209010000000000000000")) == "version");
    BOOST_TEST(with(hex("a000")) == "version");
    BOOST_TEST(with(hex("a006020100020100")) == "version");
    BOOST_TEST(with(hex("a003040100")) == "version");
}

//
BOOST_AUTO_TEST_CASE(a_04_all_certificates_are_read_up_to_the_cap_and_none_beyond) {
    RequestView view;
    for (std::size_t count = 1; count <= limits::cert_ids_per_request; ++count) {
        const Bytes der = spell::request(requests(count));
        BOOST_TEST(verdict(der, view) == "ok");
        BOOST_TEST(view.cert_ids().size() == count);
    }
    BOOST_TEST(verdict(spell::request(requests(limits::cert_ids_per_request + 1))) == "too_many_cert_ids");
    // What stands behind the cap is not looked at.
    auto many = requests(limits::cert_ids_per_request);
    many.push_back(hex("ffff"));
    BOOST_TEST(verdict(spell::request(many)) == "too_many_cert_ids");
    // A view that is used again holds only the new request's.
    const Bytes two = spell::request(requests(2));
    BOOST_TEST(verdict(two, view) == "ok");
    BOOST_TEST(view.cert_ids().size() == 2U);
}

//
BOOST_AUTO_TEST_CASE(a_06_null_and_absent_parameters_name_the_same_algorithm) {
    for (const auto& [spelled, hash] : {std::pair{spell::sha1_null, HashAlgorithm::sha1},
                                        std::pair{spell::sha1_absent, HashAlgorithm::sha1},
                                        std::pair{spell::sha256_null, HashAlgorithm::sha256},
                                        std::pair{spell::sha256_absent, HashAlgorithm::sha256}}) {
        RequestView view;
        const Bytes der = spell::request({spell::sequence({spell::cert_id(spelled)})});
        BOOST_REQUIRE_EQUAL(verdict(der, view), "ok");
        const CertIdView& cert_id = view.cert_ids()[0];
        BOOST_TEST((cert_id.hash == hash));
        BOOST_TEST(equal(cert_id.hash_algorithm, spelled));
        BOOST_TEST(cert_id.issuer_name_hash.size() == digest_octets(hash));
    }
    // a hash that is not known is not a parse failure.
    for (const auto* other :
         {"300c06082a864886f70d02050500" /* MD5 */, "300d06096086480165030402030500" /* SHA-512 */}) {
        RequestView view;
        const Bytes der = spell::request({spell::sequence({spell::cert_id(hex(other))})});
        BOOST_REQUIRE_EQUAL(verdict(der, view), "ok");
        BOOST_TEST(!view.cert_ids()[0].hash.has_value());
    }
}

//
BOOST_AUTO_TEST_CASE(a_09_every_serial_is_read_and_only_a_serial_becomes_one) {
    const auto serial_of = [](const Bytes& content) -> std::optional<Serial> {
        RequestView view;
        const Bytes der = spell::request({spell::sequence({spell::cert_id(spell::sha256_null, content)})});
        BOOST_REQUIRE_EQUAL(verdict(der, view), "ok");
        BOOST_REQUIRE(equal(view.cert_ids()[0].serial, content));
        return Serial::from_der_content(view.cert_ids()[0].serial);
    };
    const auto known = serial_of(spell::serial);
    BOOST_REQUIRE(known.has_value());
    BOOST_TEST(
        (serial_of(spell::join({hex("0000"), spell::serial})) == known));  // sloppy, but the same number
    BOOST_TEST((serial_of(hex("01")) == Serial::from_hex("1").value()));
    BOOST_TEST((serial_of(hex("0080")) == Serial::from_hex("80").value()));
    BOOST_TEST((serial_of(Bytes(20, 0x7f)).has_value()));
    BOOST_TEST(!serial_of(Bytes(21, 0x7f)).has_value());
    BOOST_TEST(!serial_of(Bytes(4096, 0x7f)).has_value());
    BOOST_TEST(!serial_of(hex("00")).has_value());
    BOOST_TEST(!serial_of(hex("ff")).has_value());
    BOOST_TEST(!serial_of(Bytes(4096, 0x00)).has_value());
}

//
BOOST_AUTO_TEST_CASE(a_10_a_requestor_name_changes_nothing) {
    for (const Bytes& name :
         {spell::tlv(0x82, hex("612e62")), spell::tlv(0xa4, {hex("3000")}), hex("8700")}) {
        RequestView with;
        RequestView without;
        const Bytes named = spell::request(requests(1), {}, spell::tlv(0xa1, name));
        const Bytes plain = spell::request(requests(1));
        BOOST_REQUIRE_EQUAL(verdict(named, with), "ok");
        BOOST_REQUIRE_EQUAL(verdict(plain, without), "ok");
        BOOST_TEST(with.cert_ids().size() == without.cert_ids().size());
        BOOST_TEST(equal(with.cert_ids()[0].tlv, without.cert_ids()[0].tlv));
        BOOST_TEST(!with.nonce().has_value());
    }
}

//
BOOST_AUTO_TEST_CASE(a_11_a_signature_is_passed_over_whatever_it_is_worth) {
    const auto with = [](const Bytes& signature) {
        return verdict(spell::request(requests(1), {}, {}, spell::tlv(0xa0, signature)));
    };
    const Bytes algorithm = hex("300a06082a8648ce3d040302");
    const Bytes bits = hex("0303003000");
    BOOST_TEST(with(spell::sequence({algorithm, bits})) == "ok");
    BOOST_TEST(with(spell::sequence({algorithm, hex("030100")})) == "ok");
    BOOST_TEST(with(spell::sequence({algorithm, bits, hex("a0023000")})) == "ok");
    BOOST_TEST(with(spell::sequence({algorithm, bits, hex("a00430023000")})) == "ok");
    BOOST_TEST(with(spell::sequence({algorithm})) == "signature");
    BOOST_TEST(with(spell::sequence({bits, algorithm})) == "signature");
    BOOST_TEST(with(spell::sequence({algorithm, hex("0300")})) == "signature");
    BOOST_TEST(with(spell::sequence({algorithm, bits, hex("a000")})) == "signature");
    BOOST_TEST(with(spell::sequence({algorithm, bits, hex("a00430020500")})) == "signature");
    BOOST_TEST(with(spell::sequence({algorithm, bits, hex("a0023000"), hex("0500")})) == "signature");
    BOOST_TEST(with(spell::join({spell::sequence({algorithm, bits}), hex("0500")})) == "signature");
    BOOST_TEST(with({}) == "signature");
    // sigRequired is no status that we have.
    for (const auto status :
         {ResponseStatus::successful, ResponseStatus::malformed_request, ResponseStatus::internal_error,
          ResponseStatus::try_later, ResponseStatus::unauthorized})
        BOOST_TEST(encode_error(status)[4] != 5);
}

//
BOOST_AUTO_TEST_CASE(a_13_only_an_unknown_critical_extension_is_refused) {
    const Bytes anything = hex("deadbeef");  // the content is not ours to judge
    const auto outer = [&](const Bytes& oid, const Bytes& flag) {
        return verdict(with_extensions({spell::extension(oid, anything, flag)}));
    };
    const auto single = [&](const Bytes& oid, const Bytes& flag) {
        return verdict(spell::request({spell::sequence(
            {spell::cert_id(), spell::extensions(0, {spell::extension(oid, anything, flag)})})}));
    };
    const Bytes acceptable = hex("06092b0601050507300104");
    const Bytes preferred = hex("06092b0601050507300108");
    const Bytes locator = hex("06092b0601050507300107");
    BOOST_TEST(outer(spell::oid_unknown, {}) == "ok");
    BOOST_TEST(outer(spell::oid_unknown, hex("010100")) == "ok");  // the default, written out
    BOOST_TEST(outer(spell::oid_unknown, spell::critical) == "critical_extension");
    BOOST_TEST(single(spell::oid_unknown, {}) == "ok");
    BOOST_TEST(single(spell::oid_unknown, spell::critical) == "critical_extension");
    for (const Bytes& flag : {Bytes{}, spell::critical}) {
        BOOST_TEST(outer(acceptable, flag) == "ok");
        BOOST_TEST(outer(preferred, flag) == "ok");
        BOOST_TEST(single(locator, flag) == "ok");
        BOOST_TEST(verdict(with_extensions(
                       {spell::extension(spell::oid_nonce, spell::octets(hex("0102")), flag)})) == "ok");
    }
    BOOST_TEST(outer(locator, spell::critical) == "critical_extension");  // not at home there
    BOOST_TEST(single(spell::oid_nonce, spell::critical) == "critical_extension");
}

//
BOOST_AUTO_TEST_CASE(a_12_extension_lists_are_well_formed_or_refused) {
    BOOST_TEST(verdict(with_extensions({})) == "extension");
    BOOST_TEST(verdict(with_extensions({hex("3000")})) == "extension");
    BOOST_TEST(verdict(with_extensions({hex("0500")})) == "extension");
    BOOST_TEST(verdict(with_extensions({spell::extension(spell::oid_unknown, {}, hex("010101"))})) ==
               "extension");
    BOOST_TEST(verdict(with_extensions({spell::sequence({spell::oid_unknown})})) == "extension");
    BOOST_TEST(verdict(with_extensions({spell::sequence({spell::oid_unknown, hex("0400"), hex("0500")})})) ==
               "extension");
    BOOST_TEST(verdict(with_extensions({spell::extension(hex("0600"), hex("00"))})) == "extension");
    // OIDs up to their bound, lists up to theirs
    const auto oid = [](std::size_t size) { return spell::tlv(0x06, Bytes(size, 0x2b)); };
    BOOST_TEST(verdict(with_extensions({spell::extension(oid(limits::oid_octets), {})})) == "ok");
    BOOST_TEST(verdict(with_extensions({spell::extension(oid(limits::oid_octets + 1), {})})) == "extension");
    Bytes list;
    for (std::size_t count = 1; count <= limits::extensions_per_list + 1; ++count) {
        const Bytes next = spell::extension(oid(count), {});
        list.insert(list.end(), next.begin(), next.end());
        const Bytes der = spell::request(requests(1), spell::tlv(0xa2, {spell::tlv(0x30, list)}));
        BOOST_TEST(verdict(der) == (count <= limits::extensions_per_list ? "ok" : "extension"));
    }
}

//
BOOST_AUTO_TEST_CASE(a_14_a_nonce_has_1_to_128_octets) {
    for (const std::size_t size : {1U, 15U, 16U, 32U, 33U, 127U, 128U}) {
        RequestView view;
        const Bytes der = with_extensions({spell::nonce(size)});
        BOOST_REQUIRE_EQUAL(verdict(der, view), "ok");
        BOOST_REQUIRE(view.nonce().has_value());
        BOOST_TEST(view.nonce()->size() == size);
    }
    for (const std::size_t size : {0U, 129U, 4096U})
        BOOST_TEST(verdict(with_extensions({spell::nonce(size)})) == "nonce_length");
    // A request without one leaves none behind from the request before.
    RequestView view;
    BOOST_TEST(verdict(with_extensions({spell::nonce(16)}), view) == "ok");
    const Bytes plain = spell::one_request();
    BOOST_TEST(verdict(plain, view) == "ok");
    BOOST_TEST(!view.nonce().has_value());
}

//
BOOST_AUTO_TEST_CASE(a_15_a_nonce_that_is_not_wrapped_is_malformed) {
    const auto with = [](const Bytes& value) {
        return verdict(with_extensions({spell::extension(spell::oid_nonce, value)}));
    };
    BOOST_TEST(with(spell::octets(Bytes(16, 0x6e))) == "ok");
    BOOST_TEST(with(Bytes(16, 0x6e)) == "nonce_form");
    BOOST_TEST(with({}) == "nonce_form");
    BOOST_TEST(with(hex("02026e6e")) == "nonce_form");
    BOOST_TEST(with(hex("04036e6e")) == "nonce_form");
    BOOST_TEST(with(hex("04016e6e")) == "nonce_form");
}

//
BOOST_AUTO_TEST_CASE(a_20_the_same_extension_twice_is_malformed) {
    const Bytes unknown = spell::extension(spell::oid_unknown, hex("00"));
    BOOST_TEST(verdict(with_extensions({spell::nonce(16), spell::nonce(16)})) == "duplicate_extension");
    BOOST_TEST(verdict(with_extensions({unknown, spell::nonce(8), unknown})) == "duplicate_extension");
    BOOST_TEST(verdict(with_extensions({unknown, spell::nonce(8)})) == "ok");
    const Bytes twice = spell::extensions(0, {unknown, unknown});
    BOOST_TEST(verdict(spell::request({spell::sequence({spell::cert_id(), twice})})) ==
               "duplicate_extension");
    // The same extension for two certificates is no repetition.
    const Bytes once = spell::sequence({spell::cert_id(), spell::extensions(0, {unknown})});
    BOOST_TEST(verdict(spell::request({once, once}, spell::extensions(2, {unknown}))) == "ok");
}

//
BOOST_AUTO_TEST_CASE(a_21_a_request_above_the_size_bound_is_refused_unread) {
    BOOST_TEST(verdict(Bytes(limits::request_octets + 1, 0x30)) == "too_large");
    BOOST_TEST(verdict(Bytes(64 * 1024, 0x30)) == "too_large");
    // At the bound it is read.
    Bytes padding(limits::request_octets);
    const std::size_t fixed =
        with_extensions({spell::extension(spell::oid_unknown, padding)}).size() - padding.size();
    padding.resize(limits::request_octets - fixed);
    BOOST_TEST(with_extensions({spell::extension(spell::oid_unknown, padding)}).size() ==
               limits::request_octets);
    BOOST_TEST(verdict(with_extensions({spell::extension(spell::oid_unknown, padding)})) == "ok");
    padding.push_back(0);
    BOOST_TEST(verdict(with_extensions({spell::extension(spell::oid_unknown, padding)})) == "too_large");
}

//
BOOST_AUTO_TEST_CASE(every_fault_has_a_name_of_its_own) {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < request_faults; ++i)
        names.push_back(to_string(static_cast<RequestFault>(i)));
    std::ranges::sort(names);
    BOOST_TEST((std::ranges::adjacent_find(names) == names.end()));
    BOOST_TEST(to_string(RequestFault::signature) == "signature");
    BOOST_TEST(to_string(RequestFault::too_many_cert_ids) == "too_many_cert_ids");
}
