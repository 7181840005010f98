#define BOOST_TEST_MODULE pair
#include "responder/pair/message.h"

#include <boost/test/unit_test.hpp>

#include "responder/pair/claim.h"
#include "responder/pair/limits.h"

using namespace eightbells;
using namespace eightbells::pair;

namespace {

const std::vector<Message>& every_kind() {
    static const std::vector<Message> all{Hello{"a"},
                                          Hello{"amsterdam", ledger::Journal::Place{7, {1, 2, 3}}},
                                          Record{{8, {9, 9, 9}}},
                                          Done{UINT64_MAX},
                                          Piece{{1}},
                                          Copied{{5}},
                                          Beat{}};
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(a_message)

BOOST_AUTO_TEST_CASE(comes_as_it_was_sent_one_after_the_other) {
    Bytes all;
    for (const Message& message : every_kind()) {
        for (const std::uint8_t octet : encode(message))
            all.push_back(octet);
    }
    ByteView rest = all;
    for (const Message& message : every_kind()) {
        const auto taken = take_message(rest);
        BOOST_REQUIRE((taken && *taken));
        BOOST_TEST((**taken == message));
    }
    BOOST_TEST(rest.empty());
}

BOOST_AUTO_TEST_CASE(is_waited_for_until_it_is_whole) {
    for (const Message& message : every_kind()) {
        const Bytes whole = encode(message);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            ByteView part = ByteView{whole}.first(size);
            const auto taken = take_message(part);
            BOOST_REQUIRE(taken);
            BOOST_TEST(!*taken);
            BOOST_TEST(part.size() == size);
        }
    }
}

BOOST_AUTO_TEST_CASE(that_is_none_is_refused) {
    const std::vector<Bytes> wrong{{0, 0, 0, 0},
                                   {0xff, 0xff, 0xff, 0xff},
                                   {0, 0, 0, 1, 0},
                                   {0, 0, 0, 1, 7},
                                   {0, 0, 0, 2, 6, 0},          // a beat that says something
                                   {0, 0, 0, 1, 4},             // an empty piece
                                   {0, 0, 0, 4, 3, 0, 0, 0},    // a number of three octets
                                   {0, 0, 0, 4, 1, 2, 1, 'a'},  // another version
                                   {0, 0, 0, 3, 1, 1, 0},       // no name
                                   {0, 0, 0, 4, 1, 1, 2, 'a'},  // a name cut short
                                   {0, 0, 0, 5, 1, 1, 1, 'a', 0}};
    for (const Bytes& one : wrong) {
        ByteView rest = one;
        BOOST_TEST(!take_message(rest), to_hex(one));
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(a_claim_has_one_form) {
    const Claim claim{"amsterdam-1", "0123456789abcdef", 12, 17, true, false};
    BOOST_TEST(to_text(claim) == "amsterdam-1 0123456789abcdef 12 17 alone held");
    BOOST_TEST((claim_from_text(to_text(claim)) == claim));
    for (const char* wrong :
         {"", "a", "a 0123456789abcdef 12 17 alone", "a 0123456789abcdef 12 17 alone held more",
          "a 0123456789abcdef 17 alone held", "a 0123456789abcdef 12 017 alone held",
          "a 0123456789abcdef 012 17 alone held", "a 0123456789abcdef +12 17 alone held",
          "a 0123456789abcdef 12 -1 alone held", "a 0123456789abcdef 12 17 lonely held",
          "a 0123456789abcdef 12 17 both kept", "A 0123456789abcdef 12 17 both held",
          "a 0123456789abcde 12 17 both held", " a 0123456789abcdef 12 17 both held",
          "a 0123456789abcdef 12 17 both held\n", "a 0123456789abcdef 12 99999999999999999999 both held",
          "a 0123456789abcdef 99999999999999999999 17 both held"})
        BOOST_TEST(!claim_from_text(wrong), wrong);
}
