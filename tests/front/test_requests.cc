#define BOOST_TEST_MODULE front_answers
#include <boost/test/unit_test.hpp>
#include <random>

#include "responder/ocsp/limits.h"
#include "tests/front/small.h"

namespace eightbells::front::test {
namespace {

using metrics::Hash;
using metrics::Method;
using metrics::Outcome;

World::Options options_of(const std::vector<config::Issuer>& issuers) {
    World::Options options;
    options.issuers = issuers;
    return options;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(requests)

// Covers: E-01, E-03, E-04
BOOST_FIXTURE_TEST_CASE(get_and_post_give_the_same_bytes, Small) {
    for (const Bytes& serial : {good, revoked, unissued}) {
        const AskedId id = id_of(authority(), serial);
        const Bytes request = request_der({id});
        const Response posted = post(request);
        const Response got = get(path_of(request));
        BOOST_TEST(posted.status == 200);
        BOOST_TEST(got.status == 200);
        BOOST_TEST(posted.body == got.body);
        BOOST_TEST(posted.field("content-type") == "application/ocsp-response");
        const Response head = this->head(path_of(request));
        BOOST_TEST(head.body.empty());
        BOOST_TEST(head.field("content-length") == std::to_string(got.body.size()));
        BOOST_TEST(head.field("etag") == got.field("etag"));
    }
    BOOST_TEST(ask_for(id_of(authority(), good)) == "good");
    BOOST_TEST(ask_for(id_of(authority(), revoked)) == "revoked");
    BOOST_TEST(ask_for(id_of(authority(), unissued)) == "unauthorized");
}

// Covers: A-02, E-03, E-04, E-09
BOOST_FIXTURE_TEST_CASE(what_is_no_request_is_malformed_in_exactly_five_octets, Small) {
    Bytes request = request_der({id_of(authority(), good)});
    Bytes trailing = request;
    trailing.push_back(0);
    Bytes wrong_tag = request;
    wrong_tag[0] = 0x31;
    const std::vector<Bytes> bad{{},
                                 {0x30, 0x00},
                                 Bytes(request.begin(), request.end() - 1),
                                 trailing,
                                 wrong_tag,
                                 request_der({}),
                                 Bytes(300, 0xff)};
    for (const Bytes& body : bad) {
        const Response response = post(body);
        BOOST_TEST(response.status == 200);
        BOOST_TEST(to_hex(as_bytes(response.body)) == "30030a0101");
        BOOST_TEST(response.field("content-type") == "application/ocsp-response");
        BOOST_TEST(is_uncacheable(response));
    }
    for (const std::string path :
         {"/", "/ocsp", "/ocsp/", "/!", "/ocsp/MFEw%20", "/ocsp/MF-w", "/?x=1", "/ocsp/=="}) {
        const Response response = get(path);
        BOOST_TEST(to_hex(as_bytes(response.body)) == "30030a0101", path);
        BOOST_TEST(is_uncacheable(response));
    }
    BOOST_TEST(counters->count(metrics::RequestCounters::no_issuer, Method::post, Hash::none,
                               Outcome::malformed) == bad.size());
}

//
BOOST_FIXTURE_TEST_CASE(several_certificates_without_a_signer_are_refused_as_a_whole, Small) {
    const std::vector<AskedId> two{id_of(authority(), good), id_of(authority(), revoked)};
    BOOST_TEST(verdict(post(request_der(two))) == "tryLater");
    BOOST_TEST(counted(Outcome::try_later_signer) == 1U);
    const std::vector<AskedId> none_issued{id_of(authority(), unissued), id_of(authority(), {0x55})};
    BOOST_TEST(verdict(post(request_der(none_issued))) == "unauthorized");
    const std::vector<AskedId> foreign{id_of(authority(), good), id_of(Authority::number(5), good)};
    BOOST_TEST(verdict(post(request_der(foreign))) == "unauthorized");
    const std::vector<AskedId> at_cap(limits::cert_ids_per_request, id_of(authority(), good));
    BOOST_TEST(verdict(post(request_der(at_cap))) == "tryLater");
    const std::vector<AskedId> above_cap(limits::cert_ids_per_request + 1, id_of(authority(), good));
    BOOST_TEST(verdict(post(request_der(above_cap))) == "malformed");
}

//
BOOST_FIXTURE_TEST_CASE(both_hashes_and_both_spellings_of_their_parameters_are_answered_and_counted, Small) {
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256})
        for (const bool null_parameters : {true, false})
            for (const bool is_revoked : {true, false}) {
                AskedId id = id_of(authority(), is_revoked ? revoked : good, hash);
                id.null_parameters = null_parameters;
                BOOST_TEST(ask_for(id) == (is_revoked ? "revoked" : "good"));
            }
    BOOST_TEST(counted(Outcome::good, Method::post, Hash::sha1) == 2U);
    BOOST_TEST(counted(Outcome::revoked, Method::post, Hash::sha256) == 2U);
}

//
BOOST_FIXTURE_TEST_CASE(a_hash_that_nothing_is_signed_ahead_for_is_unauthorized, Small) {
    for (const Bytes& oid : {sha384_oid, sha512_oid, md5_oid}) {
        const Response response = post(request_der({id_with(authority(), good, oid)}));
        BOOST_TEST(to_hex(as_bytes(response.body)) == "30030a0106");
        BOOST_TEST(is_uncacheable(response));
    }
    BOOST_TEST(counted(Outcome::unauthorized_hash, Method::post, Hash::other) == 2U);
}

// Covers: B-07
BOOST_AUTO_TEST_CASE(sha1_that_is_switched_off_for_an_issuer_is_unauthorized_there_only) {
    config::Issuer off;
    off.name = "off";
    off.sha1 = false;
    config::Issuer on;
    on.name = "on";
    World world(options_of({off, on}));
    for (std::size_t i : {0U, 1U}) {
        const Bytes serial = world.set(i).issue();
        world.publish(i);
        const AskedId old = id_of(world.authority(i), serial, HashAlgorithm::sha1);
        const AskedId now = id_of(world.authority(i), serial);
        BOOST_TEST(verdict(world.post(request_der({old})), world.authority(i), {old}) ==
                   (i == 0 ? "unauthorized" : "good"));
        BOOST_TEST(verdict(world.post(request_der({now})), world.authority(i), {now}) == "good");
    }
}

// Covers: A-08, C-04
BOOST_AUTO_TEST_CASE(both_hashes_must_be_of_the_same_ca_key) {
    World::Options options;
    options.issuers.resize(3);
    options.issuers[0].name = "a";
    options.issuers[1].name = "b";
    options.issuers[2].name = "c";
    options.authorities = {&Authority::number(0), &Authority::same_key(), &Authority::same_name()};
    World world(options);
    std::vector<Bytes> serials;
    for (std::size_t i = 0; i < 3; ++i) {
        serials.push_back(world.set(i).issue());
        world.publish(i);
    }
    // 0 and 1 have one key, 0 and 2 one Name: who is meant by the Name of one and the key of another.
    constexpr int nobody = -1;
    constexpr int meant[3][3]{{0, 0, 2}, {1, 1, nobody}, {0, 0, 2}};
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256})
        for (std::size_t name = 0; name < 3; ++name)
            for (std::size_t key = 0; key < 3; ++key)
                for (std::size_t owner = 0; owner < 3; ++owner) {
                    AskedId id = id_of(world.authority(name), serials[owner], hash);
                    id.key_hash = id_of(world.authority(key), serials[owner], hash).key_hash;
                    const bool own = meant[name][key] == static_cast<int>(owner);
                    BOOST_TEST(verdict(world.post(request_der({id})), world.authority(owner), {id}) ==
                               (own ? "good" : "unauthorized"));
                }
    AskedId foreign = id_of(Authority::number(5), serials[0]);
    BOOST_TEST(to_hex(as_bytes(world.post(request_der({foreign})).body)) == "30030a0106");
    BOOST_TEST(world.counters->count(metrics::RequestCounters::no_issuer, Method::post, Hash::sha256,
                                     Outcome::unauthorized_foreign_issuer) >= 1U);
}

//
BOOST_FIXTURE_TEST_CASE(serials_are_numbers_and_what_is_none_was_not_issued, Small) {
    AskedId padded = id_of(authority(), good);
    padded.serial.insert(padded.serial.begin(), 30, 0);
    BOOST_TEST(ask_for(padded) == "good");
    AskedId id = id_of(authority(), good);
    for (const Bytes& serial : {Bytes{0x00}, Bytes{0xff}, Bytes{0x80, 0x01}, Bytes(21, 0x11), Bytes(20, 0x11),
                                Bytes{0x01}, Bytes(4096, 0x7f)}) {
        id.serial = serial;
        BOOST_TEST(verdict(post(request_der({id}))) == "unauthorized");
    }
    BOOST_TEST(counted(Outcome::unauthorized_not_issued) == 7U);
}

//
BOOST_FIXTURE_TEST_CASE(a_nonce_gets_the_stored_answer_without_one, Small) {
    const AskedId id = id_of(authority(), good);
    const Response without = post(request_der({id}));
    for (const Bytes& nonce : {Bytes(16, 1), Bytes(32, 2), Bytes(128, 3), Bytes(1, 4)}) {
        const Response with = post(request_der({id}, nonce));
        BOOST_TEST(with.body == without.body);
    }
    BOOST_TEST(verdict(post(request_der({id}, Bytes(129, 1)))) == "malformed");
}

//
BOOST_FIXTURE_TEST_CASE(a_path_is_taken_apart_as_it_was_sent, Small) {
    std::mt19937 random(7);
    std::size_t with_slashes = 0;
    for (int i = 0; i < 300; ++i) {
        Bytes nonce(1 + random() % 100);
        for (auto& octet : nonce)
            octet = random() % 4 == 0 ? 0xff : static_cast<std::uint8_t>(random());
        const AskedId id = id_of(authority(), good);
        const std::string data = base64(request_der({id}, nonce));
        with_slashes += data.find("//") != std::string::npos ? 1 : 0;
        for (const std::string prefix : {"/ocsp/", "/", "/ocsp//", "//"})
            for (const std::string& spelled : {data, escaped(data), escaped(data, false)}) {
                const Response response = get(prefix + spelled);
                BOOST_TEST(verdict(response, authority(), {id}) == "good", prefix + spelled);
            }
    }
    BOOST_TEST(with_slashes > 0U);
}

//
BOOST_AUTO_TEST_CASE(a_prefix_counts_only_as_whole_segments_and_the_longest_wins) {
    const OcspPaths paths(std::vector<std::string>{"/ocsp", "/ocsp/leaf", "/"});
    BOOST_TEST(paths.data_of("/ocsp/MFEw") == "MFEw");
    BOOST_TEST(paths.data_of("/ocsp/leaf/MFEw") == "MFEw");
    BOOST_TEST(paths.data_of("/ocsp/leafy/MFEw") == "leafy/MFEw");
    BOOST_TEST(paths.data_of("/ocspMFEw") == "ocspMFEw");
    BOOST_TEST(paths.data_of("/MFEw") == "MFEw");
    BOOST_TEST(paths.data_of("//MFEw") == "/MFEw");
    BOOST_TEST(paths.data_of("/ocsp//MF//Ew") == "/MF//Ew");
    BOOST_TEST(paths.data_of("/ocsp").empty());
    BOOST_TEST(paths.data_of("/").empty());
    for (const char* path : {"/", "/ocsp", "/ocsp/", "/ocsp?x=1", "/ocsp/leaf"})
        BOOST_TEST(paths.takes_post(path), path);
    for (const char* path : {"/ocsp/MFEw", "/other", "/ocspx", "/ocsp//"})
        BOOST_TEST(!paths.takes_post(path), path);
    BOOST_TEST(OcspPaths({}).data_of("/ocsp/MFEw") == "ocsp/MFEw");
}

//
BOOST_FIXTURE_TEST_CASE(the_media_type_of_a_post_is_compared_without_case_and_parameters, Small) {
    const Bytes request = request_der({id_of(authority(), good)});
    for (const char* type :
         {"application/ocsp-request", "Application/OCSP-Request; x=y", "APPLICATION/OCSP-REQUEST ;a", ""})
        BOOST_TEST(verdict(post(request, type)) == "successful", type);
    for (const char* type :
         {"text/plain", "application/ocsp-requestx", "application/ocsp-response", ";", "application/"}) {
        const Response response = post(request, type);
        BOOST_TEST(response.status == 415, type);
        BOOST_TEST(is_uncacheable(response));
    }
    BOOST_TEST(verdict(post(request, "application/ocsp-request", "/")) == "successful");
    const Response elsewhere = post(request, "application/ocsp-request", "/elsewhere");
    BOOST_TEST(elsewhere.status == 404);
    BOOST_TEST(is_uncacheable(elsewhere));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
