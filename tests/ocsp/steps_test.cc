// The work of the parsers, counted in basic blocks: the parsers' sources are compiled into this program with
// -fsanitize-coverage=trace-pc, and every block they run calls the counter below. No clock is asked.

#define BOOST_TEST_MODULE ocsp_steps
#include <boost/test/unit_test.hpp>

#include "responder/der/limits.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/request.h"
#include "tests/ocsp/spell.h"

namespace {
std::uint64_t steps_so_far = 0;
}
extern "C" void __sanitizer_cov_trace_pc() {
    ++steps_so_far;
}

using namespace eightbells;
using namespace eightbells::ocsp;
using spell::hex;

namespace {

std::uint64_t steps_of(const Bytes& der) {
    RequestView view;
    const std::uint64_t before = steps_so_far;
    static_cast<void>(parse_request(der, view));
    return steps_so_far - before;
}

Bytes repeat(const Bytes& one, std::size_t octets) {
    Bytes out;
    while (out.size() + one.size() <= octets)
        out.insert(out.end(), one.begin(), one.end());
    return out;
}

const Bytes one = spell::sequence({spell::cert_id()});

// Inputs of about `octets` octets, each meant to cost as much as it can.
std::vector<std::pair<const char*, Bytes>> costly(std::size_t octets) {
    Bytes nested = repeat(hex("3080"), octets);
    Bytes deep;
    for (std::size_t i = 0; deep.size() + 4 < octets; ++i)
        deep = spell::tlv(0x30, deep);
    Bytes oids;  // different only in the last octet, so that a comparison runs to the end
    for (std::uint8_t i = 0; i < limits::extensions_per_list; ++i) {
        Bytes oid(limits::oid_octets, 0x81);
        oid.back() = i;
        oids = spell::join({oids, spell::extension(spell::tlv(0x06, oid), {})});
    }
    const Bytes full = spell::sequence({spell::cert_id(), spell::tlv(0xa0, {spell::tlv(0x30, oids)})});
    const Bytes signature =
        spell::sequence({hex("300a06082a8648ce3d040302"), hex("0303003000"),
                         spell::tlv(0xa0, {spell::tlv(0x30, repeat(hex("3000"), octets - 200))})});
    return {
        {"indefinite lengths", nested},
        {"nested sequences", deep},
        {"zeros", Bytes(octets, 0x00)},
        {"empty requests", spell::request({repeat(hex("3000"), octets - 16)})},
        {"many CertIDs", spell::request({repeat(one, octets - 16)})},
        {"many extensions", spell::request({repeat(full, octets - 16)})},
        {"a long serial",
         spell::request({spell::sequence({spell::cert_id(spell::sha1_null, Bytes(octets - 80, 1))})})},
        {"a long OID",
         spell::request({one}, spell::extensions(
                                   2, {spell::extension(spell::tlv(0x06, Bytes(octets - 200, 0x81)), {})}))},
        {"many certificates", spell::request({one}, {}, {}, spell::tlv(0xa0, signature))},
    };
}

}  // namespace

//
BOOST_AUTO_TEST_CASE(a_21_the_work_is_bounded_by_the_size_of_the_request) {
    // The dearest octets are those of a list of empty elements: two octets an element, every header looked
    // at.
    constexpr std::uint64_t steps_per_octet = 16;
    constexpr std::uint64_t steps_for_the_least = 1000;
    std::uint64_t most = 0;
    for (const std::size_t octets : {1024U, 2048U, 4096U, 8192U, 16384U}) {
        for (const auto& [name, der] : costly(octets)) {
            const std::uint64_t steps = steps_of(der);
            BOOST_TEST(steps > 0U);
            BOOST_TEST(steps <= steps_for_the_least + steps_per_octet * der.size(),
                       name << ", " << der.size() << " octets: " << steps << " steps");
            most = std::max(most, steps);
        }
    }
    BOOST_TEST_MESSAGE("the dearest input takes " << most << " steps");
    BOOST_TEST(most > 10000U);  // the counter counts
}

//
BOOST_AUTO_TEST_CASE(a_21_64_kib_cost_no_more_than_looking_at_the_size) {
    const std::uint64_t least = steps_of(Bytes(limits::request_octets + 1, 0x30));
    for (const auto& [name, der] : costly(64 * 1024 - 64)) {
        if (der.size() > limits::request_octets)
            BOOST_TEST(steps_of(der) == least, name);
    }
}

//
BOOST_AUTO_TEST_CASE(a_21_decoding_a_path_is_linear) {
    const auto steps = [](const std::string& path) {
        Bytes buffer(64 * 1024);
        const std::uint64_t before = steps_so_far;
        static_cast<void>(decode_get_path(path, buffer));
        return steps_so_far - before;
    };
    for (const std::size_t size : {4000U, 8000U, 16000U}) {
        for (const char* const piece : {"MAAA", "%4D%41%41%41", "////", "%2f%2F"}) {
            std::string path;
            while (path.size() < size)
                path += piece;
            BOOST_TEST(steps(path) <= 100 + 40 * path.size());
        }
    }
}
