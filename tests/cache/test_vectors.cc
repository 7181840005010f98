#include <boost/test/unit_test.hpp>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cache/head.h"
#include "cache/page.h"
#include "cache/patch.h"
#include "cache/profile.h"
#include "cache/tree.h"
#include "tests/cache/samples.h"

// Blobs written by data/make.py from the words of cache/README.md: each must say to us what it says there,
// and what it says must become the same octets.
namespace eightbells::cache {

using namespace samples;
using nlohmann::json;

namespace {

Bytes octets(const json& value) {
    return *from_hex(value.get<std::string>());
}

Digest digest(const json& value) {
    Digest out{};
    const Bytes bytes = octets(value);
    BOOST_TEST_REQUIRE(bytes.size() == out.size());
    std::ranges::copy(bytes, out.begin());
    return out;
}

std::vector<Digest> digests(const json& list) {
    std::vector<Digest> all;
    for (const json& one : list)
        all.push_back(digest(one));
    return all;
}

UtcTime time(const json& value) {
    return from_unix(value.get<std::int64_t>());
}

BaseTimes times(const json& list) {
    return {time(list[0]), time(list[1]), time(list[2])};
}

SetId set(const json& pair) {
    return {ocsp::HashAlgorithm{pair[0].get<std::uint8_t>()}, Life{pair[1].get<std::uint8_t>()}};
}

// Keeps what its records borrow.
struct Records {
    std::deque<Bytes> kept;
    ByteView keep(const json& value) { return kept.emplace_back(octets(value)); }
    Record record(const json& says) {
        Record r;
        r.serial = keep(says["serial"]);
        r.profile = says["profile"].get<std::uint8_t>();
        if (const json& revoked = says["revoked"]; !revoked.is_null()) {
            r.status = Revocation{time(revoked["time"]), std::nullopt, std::nullopt};
            if (!revoked["reason"].is_null())
                r.status->reason = CrlReason{revoked["reason"].get<std::uint8_t>()};
        }
        r.times = times(says["times"]);
        r.signature = keep(says["signature"]);
        r.extensions = keep(says["extensions"]);
        return r;
    }
};

void check_record_vector(const json& says, const Bytes& blob) {
    Records records;
    const Record expected = records.record(says);
    const BaseTimes base = times(says["base"]);
    ByteView rest = blob;
    const auto read = parse_record(rest, base);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(rest.empty());
    BOOST_TEST(same(*read, expected));
    Bytes stored;
    append_record(expected, base, stored);
    BOOST_TEST(to_hex(stored) == to_hex(blob));
}

void check_page_vector(const json& says, const Bytes& blob) {
    PageHeader header;
    header.set = set(says["set"]);
    header.page_bits = says["page_bits"].get<std::uint8_t>();
    header.index = says["index"].get<std::uint32_t>();
    header.sequence = says["sequence"].get<std::uint64_t>();
    header.times = times(says["base"]);
    header.profiles = digests(says["profiles"]);
    Records kept;
    std::vector<Record> records;
    for (const json& one : says["records"])
        records.push_back(kept.record(one));

    const auto page = Page::parse(blob);
    BOOST_TEST_REQUIRE(page.has_value(), error_of(page));
    BOOST_TEST((page->header() == header));
    BOOST_TEST(page->size() == records.size());
    for (const Record& r : records) {
        const auto found = page->find(r.serial);
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST(same(*found, r));
    }
    const auto stored = encode_page(header, records);
    BOOST_TEST_REQUIRE(stored.has_value(), error_of(stored));
    BOOST_TEST(to_hex(*stored) == to_hex(blob));
}

void check_patch_vector(const json& says, const Bytes& blob) {
    Records kept;
    std::vector<PatchRecord> records;
    for (const json& one : says["records"])
        records.push_back({set(one["set"]), kept.record(one)});
    const auto patch = Patch::parse(blob);
    BOOST_TEST_REQUIRE(patch.has_value(), error_of(patch));
    BOOST_TEST(patch->sequence() == says["sequence"].get<std::uint64_t>());
    BOOST_TEST(patch->records().size() == records.size());
    for (const PatchRecord& entry : records) {
        const Record* found = patch->find(entry.set, entry.record.serial);
        BOOST_TEST_REQUIRE(found != nullptr);
        BOOST_TEST(same(*found, entry.record));
    }
    const auto stored =
        encode_patch(patch->sequence(), digests(says["profiles"]), times(says["base"]), records);
    BOOST_TEST_REQUIRE(stored.has_value(), error_of(stored));
    BOOST_TEST(to_hex(*stored) == to_hex(blob));
}

void check_profile_vector(const json& says, const Bytes& blob) {
    ocsp::AnswerProfile expected;
    expected.cert_id_hash = ocsp::HashAlgorithm{says["hash"].get<std::uint8_t>()};
    expected.signature_form = ocsp::SignatureForm{says["form"].get<std::uint8_t>()};
    std::ranges::copy(octets(says["responder_key_hash"]), expected.responder_key_hash.begin());
    expected.issuer_name_hash = octets(says["issuer_name_hash"]);
    expected.issuer_key_hash = octets(says["issuer_key_hash"]);
    expected.signature_algorithm = octets(says["signature_algorithm"]);
    expected.signer_certificate = octets(says["signer_certificate"]);
    expected.single_extensions = octets(says["single_extensions"]);
    const auto read = parse_profile(blob);
    BOOST_TEST_REQUIRE(read.has_value(), error_of(read));
    BOOST_TEST((*read == expected));
    BOOST_TEST(to_hex(*encode_profile(expected)) == to_hex(blob));
}

void check_table_vector(const json& says, const Bytes& blob) {
    const auto expected = digests(says["digests"]);
    const auto read = parse_table(blob, expected.size());
    BOOST_TEST_REQUIRE(read.has_value(), error_of(read));
    BOOST_TEST((*read == expected));
    BOOST_TEST(to_hex(encode_table(expected)) == to_hex(blob));
}

Head head_that(const json& says) {
    Head head;
    head.issuer = says["issuer"].get<std::string>();
    head.version = {says["epoch"].get<std::uint64_t>(), says["sequence"].get<std::uint64_t>()};
    head.time = time(says["time"]);
    for (const json& one : says["sets"])
        head.sets.push_back({set(one["set"]), one["page_bits"].get<std::uint8_t>(), digest(one["root"])});
    for (const json& one : says["patches"])
        head.patches.push_back({one["sequence"].get<std::uint64_t>(), digest(one["digest"])});
    head.profiles = digests(says["profiles"]);
    for (const json& one : says["crls"])
        head.crls.push_back(
            {one["path"].get<std::string>(), digest(one["digest"]), one["size"].get<std::uint64_t>()});
    std::ranges::sort(head.profiles);
    std::ranges::sort(head.crls, {}, &Head::CrlRef::path);
    return head;
}

void check_head_vector(const json& says, const Bytes& blob) {
    const Head expected = head_that(says);
    const auto read = parse_head_body(blob);
    BOOST_TEST_REQUIRE(read.has_value(), error_of(read));
    BOOST_TEST((*read == expected));
    BOOST_TEST(to_hex(*encode_head_body(expected)) == to_hex(blob));
}

void check_signed_head_vector(const json& says, const Bytes& blob) {
    StorePublicKey key{};
    std::ranges::copy(ByteView(blob).last(96).first(32), key.begin());
    const auto read = parse_head(blob, std::span(&key, 1));
    BOOST_TEST_REQUIRE(read.has_value(), error_of(read));
    BOOST_TEST((*read == head_that(says)));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(vectors)

BOOST_AUTO_TEST_CASE(blobs_written_by_another_program_from_the_readme_are_ours_octet_for_octet) {
    std::ifstream file(EIGHTBELLS_SOURCE_DIR "/tests/cache/data/vectors.json");
    BOOST_TEST_REQUIRE(file.good());
    const std::map<std::string, void (*)(const json&, const Bytes&)> checks{
        {"record", check_record_vector},
        {"page", check_page_vector},
        {"patch", check_patch_vector},
        {"profile", check_profile_vector},
        {"table", check_table_vector},
        {"head", check_head_vector},
        {"signed head", check_signed_head_vector}};
    std::map<std::string, int> done;
    for (const json& vector : json::parse(file)) {
        const std::string kind = vector["kind"].get<std::string>();
        BOOST_TEST_CONTEXT(kind << " " << done[kind]) {
            checks.at(kind)(vector["says"], octets(vector["blob"]));
        }
        ++done[kind];
    }
    BOOST_TEST(done.size() == checks.size());
}

// Domain separation: nothing that is one kind is any other.
BOOST_AUTO_TEST_CASE(no_blob_of_one_kind_parses_as_another) {
    std::ifstream file(EIGHTBELLS_SOURCE_DIR "/tests/cache/data/vectors.json");
    for (const json& vector : json::parse(file)) {
        const std::string kind = vector["kind"].get<std::string>();
        const Bytes blob = octets(vector["blob"]);
        BOOST_TEST_CONTEXT(kind) {
            BOOST_TEST(Page::parse(blob).has_value() == (kind == "page"));
            BOOST_TEST(Patch::parse(blob).has_value() == (kind == "patch"));
            BOOST_TEST(parse_profile(blob).has_value() == (kind == "profile"));
            BOOST_TEST(parse_head_body(blob).has_value() == (kind == "head"));
            const std::size_t count = blob.size() < 4 ? 0 : (blob.size() - 4) / 32;
            BOOST_TEST(parse_table(blob, count).has_value() == (kind == "table"));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::cache
