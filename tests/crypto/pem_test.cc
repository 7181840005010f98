#include "responder/crypto/pem.h"

#include <boost/test/unit_test.hpp>

using namespace eightbells;
using namespace eightbells::crypto;

namespace {

Result<Bytes> decode(std::string_view body) {
    return decode_pem(as_bytes("-----BEGIN X-----\n" + std::string{body} + "\n-----END X-----\n"), {"X"});
}

}  // namespace

BOOST_AUTO_TEST_CASE(base64_of_every_length_is_decoded) {
    BOOST_TEST(as_text(*decode("")) == "");
    BOOST_TEST(as_text(*decode("Zg==")) == "f");
    BOOST_TEST(as_text(*decode("Zm8=")) == "fo");
    BOOST_TEST(as_text(*decode("Zm9v")) == "foo");
    BOOST_TEST(as_text(*decode("Zm9v\r\nYg\t==")) == "foob");
}

BOOST_AUTO_TEST_CASE(what_is_not_base64_is_refused) {
    for (const std::string_view wrong :
         {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v=", "====", "Zm-v", "Zm9v:"})
        BOOST_TEST(!decode(wrong), wrong);
}

BOOST_AUTO_TEST_CASE(the_block_is_found_among_text_and_other_blocks) {
    const std::string_view text =
        "a -----BEGIN X----- inside a line is text\n"
        "-----BEGIN Y-----\n!!\n-----END Y-----\n"
        "-----BEGIN XX-----\nZg==\n-----END XX-----\n"
        "-----BEGIN X-----\nZm9v\n-----END X-----\nafter";
    BOOST_TEST(as_text(*decode_pem(as_bytes(text), {"X"})) == "foo");
    BOOST_TEST(has_pem_block(as_bytes(text), "Y"));
    BOOST_TEST(!has_pem_block(as_bytes(text), "Z"));
}

BOOST_AUTO_TEST_CASE(a_second_block_a_missing_end_and_no_block_are_errors_that_say_so) {
    const std::string one = "-----BEGIN X-----\nZm9v\n-----END X-----\n";
    const std::string other = "-----BEGIN OLD X-----\nZm9v\n-----END OLD X-----\n";
    const auto message = [](const std::string& text) {
        const auto decoded = decode_pem(as_bytes(text), {"X", "OLD X"});
        return decoded ? std::string{"accepted"} : decoded.error().message;
    };
    BOOST_TEST(message(one) == "accepted");
    BOOST_TEST(message(one + one).find("second block") != std::string::npos);
    BOOST_TEST(message(one + other).find("second block") != std::string::npos);
    BOOST_TEST(message("-----BEGIN X-----\nZm9v\n").find("END X") != std::string::npos);
    BOOST_TEST(message("").find("neither DER nor PEM") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(text_that_begins_with_the_digit_0_is_not_taken_for_der) {
    const std::string text = "0: my CA\n-----BEGIN X-----\nZm9v\n-----END X-----\n";
    BOOST_TEST(!looks_like_der(as_bytes(text), {"X"}));
    const Bytes der = *from_hex("3082010a");
    BOOST_TEST(looks_like_der(der, {"X"}));
    BOOST_TEST(looks_like_der(*from_hex("300a0101ff"), {"X"}));
    BOOST_TEST(!looks_like_der({}, {"X"}));
}
