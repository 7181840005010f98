#define BOOST_TEST_MODULE live_secret
#include "responder/live/secret.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "responder/live/limits.h"
#include "tests/cache/temporary_folder.h"

using namespace eightbells;

namespace {

const std::string one(64, 'a');
const std::string other(64, 'B');

std::string refusal(const std::string& text) {
    const auto parsed = live::parse_secrets(text, "secret");
    return parsed ? "" : parsed.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(live_secrets)

BOOST_AUTO_TEST_CASE(a_file_holds_one_a_line_and_the_first_comes_first) {
    const auto parsed = live::parse_secrets("\n" + one + "\r\n\n" + other, "secret");
    BOOST_REQUIRE(parsed);
    BOOST_REQUIRE(parsed->size() == 2U);
    BOOST_TEST((*parsed)[0].secret[0] == 0xaa);
    BOOST_TEST((*parsed)[1].secret[31] == 0xbb);
    BOOST_TEST((*parsed)[0].name != (*parsed)[1].name);
    BOOST_TEST((*parsed)[0].name.find("aaaa") == std::string::npos);
    // The name goes over the wire and must stay what it is.
    BOOST_TEST((*parsed)[0].name == live::key_of((*parsed)[0].secret).name);
    BOOST_TEST((*parsed)[0].name.size() == std::string("eightbells-live-1-").size() + 16);
}

BOOST_AUTO_TEST_CASE(everything_else_is_refused_with_its_line) {
    BOOST_TEST(refusal("").find("no secret") != std::string::npos);
    BOOST_TEST(refusal("\n\n").find("no secret") != std::string::npos);
    for (const std::string& bad :
         {one.substr(1), one + "a", one + " ", " " + one, std::string(64, 'g'), "# " + one, one + "\0" + one})
        BOOST_TEST(refusal(other + "\n" + bad + "\n").find("secret:2: ") != std::string::npos, bad);
    std::string many;
    for (std::size_t i = 0; i < limits::live_secrets; ++i)
        many += one + "\n";
    BOOST_TEST(refusal(many) == "");
    BOOST_TEST(refusal(many + one).find("secret:9: more than 8") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_is_made_for_its_owner_alone_and_found_again) {
    const TemporaryFolder folder;
    const auto file = folder / "live-secret";
    BOOST_TEST(!live::load_secrets(file));
    const auto made = live::load_or_create_secrets(file);
    BOOST_REQUIRE(made);
    struct stat status {};
    BOOST_REQUIRE(::stat(file.c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 0777U) == 0600U);
    const auto again = live::load_or_create_secrets(file);
    BOOST_REQUIRE(again);
    BOOST_TEST((again->at(0).secret == made->at(0).secret));
    BOOST_TEST((live::load_or_create_secrets(folder / "another")->at(0).secret != made->at(0).secret));
    // One that is damaged is not made anew: the fronts have the old one.
    std::ofstream(file) << "zz\n";
    BOOST_TEST(!live::load_or_create_secrets(file));
}

BOOST_AUTO_TEST_SUITE_END()
