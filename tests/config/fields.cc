#include <boost/test/unit_test.hpp>

#include "tests/config/fixture.h"

using namespace eightbells;
using namespace eightbells::config;
using namespace eightbells::config::testing;

namespace {

// What is wrong with the form of a file: each with its line, its field and what to write instead.
const BadFile bad_files[] = {
    {"not TOML at all", "[[issuer]]\nname = ca\n", 2, "", "not TOML"},
    {"a table that is not closed", "[[issuer]]\n[store\nkind = 1\n", 2, "", "not TOML"},
    {"a key twice", "[[issuer]]\nname = \"a\"\nname = \"b\"\n", 3, "", "not TOML"},
    {"a table of work to come", "[[issuer]]\n[quorum]\nlisten = 1\n", 2, "quorum", "in the top of the file"},
    {"a misspelt table", "[[issuer]]\n[sotre]\n", 2, "sotre", "did you mean \"store\"?"},
    {"a misspelt field", "[[issuer]]\n\nvalidty = \"24h\"\n", 3, "issuer[0].validty",
     "did you mean \"validity\"?"},
    {"a part of a name", "[[issuer]]\n[store.redis]\npassword = \"x\"\n", 3, "store.redis.password",
     "did you mean \"password_file\"?"},
    {"a field of another table", "[[issuer]]\n[signer]\nvalidity = \"24h\"\n", 3, "signer.validity",
     "write it in [[issuer]]"},
    {"a field before the first table", "ocsp_prefixes = []\n[[issuer]]\n", 1, "ocsp_prefixes",
     "write it in [front]"},
    {"a table inside a field's place", "[[issuer]]\n[store.kind]\n", 2, "store.kind",
     "is a table; write \"directory\""},
    {"one issuer with single brackets", "[issuer]\nname = \"a\"\n", 1, "issuer", "write [[issuer]]"},
    {"a store that is a text", "store = \"redis\"\n[[issuer]]\n", 1, "store",
     "is text; write a table: [store]"},
    {"a name that is a number", "[[issuer]]\nname = 5\n", 2, "issuer[0].name", "is a number; write text"},
    {"a flag in quotes", "[[issuer]]\nsha1 = \"yes\"\n", 2, "issuer[0].sha1",
     "write true or false, without quotes"},
    {"a duration with a fraction", "[[issuer]]\nvalidity = 1.5\n", 2, "issuer[0].validity", "\"24h\""},
    {"a duration that is none", "[[issuer]]\nvalidity = \"one day\"\n", 2, "issuer[0].validity", "\"24h\""},
    {"a negative duration", "[[issuer]]\ncache_for = -1\n", 2, "issuer[0].cache_for", "out of range"},
    {"a choice that is none", "[[issuer]]\nscheme = \"tls\"\n", 2, "issuer[0].scheme",
     "\"tls\" is not known; write \"eutl\" or \"tls-br\" or \"smime-br\" or \"private\""},
    {"another answer for unissued", "[[issuer]]\nunissued = \"good\"\n", 2, "issuer[0].unissued",
     "\"unauthorized\""},
    {"a log level that is none", "log_level = \"verbose\"\n[[issuer]]\n", 1, "log_level",
     "\"debug\" or \"info\""},
    {"a control character in a path", "[[issuer]]\nindex = \"a\\nb\"\n", 2, "issuer[0].index",
     "control character"},
    {"too many threads", "[[issuer]]\n[signer]\nthreads = 257\n", 3, "signer.threads", "from 0 to 256"},
    {"a negative number of threads", "[[issuer]]\n[front]\nworkers = -1\n", 3, "front.workers",
     "from 0 to 256"},
    {"memory for too few pages", "[[issuer]]\n[front]\nmemory_limit = 15\n", 3, "front.memory_limit",
     "15 MiB are too few to answer from; write 16 or more, or 0 for no limit"},
    {"a list that is a text", "[[issuer]]\n[front]\nlisten = \"0.0.0.0:80\"\n", 3, "front.listen",
     "is text; write a list"},
    {"a list with a number in it", "[[issuer]]\n[front]\nlisten = [\n  \"0.0.0.0:80\",\n  81,\n]\n", 5,
     "front.listen[1]", "is a number"},
    {"a user id that is a name", "[[issuer]]\n[signer]\ncontrol_users = [\"ca\"]\n", 3,
     "signer.control_users[0]", "is not a user id"},
    {"a user id that is nobody's", "[[issuer]]\n[signer]\ncontrol_users = [1, 4294967295]\n", 3,
     "signer.control_users[1]", "is not a user id"},
    {"a pair without a name", "[[issuer]]\n[signer.pair]\npeer = \"192.0.2.2:9644\"\n", 2, "signer.pair.name",
     "is empty beside an address"},
    {"a pair's name with a space",
     "[[issuer]]\n[store]\nkind = \"redis\"\n[signer.pair]\nname = \"a b\"\nlisten = "
     "\"192.0.2.1:9644\"\npeer = \"192.0.2.2:9644\"\n",
     5, "signer.pair.name", "is not a name"},
    {"a pair of one",
     "[[issuer]]\n[store]\nkind = \"redis\"\n[signer.pair]\nname = \"a\"\nlisten = "
     "\"192.0.2.1:9644\"\npeer = \"192.0.2.1:9644\"\n",
     7, "signer.pair.peer", "write the other signer's address"},
    {"a pair without the other's port",
     "[[issuer]]\n[store]\nkind = \"redis\"\n[signer.pair]\nname = \"a\"\nlisten = "
     "\"192.0.2.1:9644\"\npeer = \"192.0.2.2:0\"\n",
     7, "signer.pair.peer", "has port 0"},
    {"a pair without a store for its lease",
     "[[issuer]]\n[signer.pair]\nname = \"a\"\nlisten = \"192.0.2.1:9644\"\npeer = \"192.0.2.2:9644\"\n", 2,
     "signer.pair", "kind = \"redis\""},
    {"a name for the fronts to connect to", "[[issuer]]\n[signer]\nlive_listen = \"signer:9645\"\n", 3,
     "signer.live_listen", "192.0.2.1:9645"},
    {"no port for the fronts to connect to", "[[issuer]]\n[signer]\nlive_listen = \"192.0.2.1:0\"\n", 3,
     "signer.live_listen", "has port 0"},
    {"metrics where the fronts connect to", "[[issuer]]\n[signer]\nlive_listen = \"127.0.0.1:9641\"\n", 2,
     "signer.metrics", "taken by signer.live_listen"},
    {"a signer to ask by name", "[[issuer]]\n[front]\nlive_signers = [\"192.0.2.1:1\", \"signer:9645\"]\n", 3,
     "front.live_signers[1]", "192.0.2.1:9645"},
    {"a signer to ask without a port", "[[issuer]]\n[front]\nlive_signers = [\"192.0.2.1:0\"]\n", 3,
     "front.live_signers[0]", "has port 0"},
    {"a signer to ask twice", "[[issuer]]\n[front]\nlive_signers = [\"[::1]:1\", \"[::1]:1\"]\n", 3,
     "front.live_signers[1]", "stands there twice"},
    {"too many signers to ask",
     "[[issuer]]\n[front]\nlive_signers = [\"192.0.2.1:1\", \"192.0.2.1:2\", \"192.0.2.1:3\", "
     "\"192.0.2.1:4\", \"192.0.2.1:5\"]\n",
     3, "front.live_signers", "write at most 4"},
    {"a signer here and elsewhere",
     "[[issuer]]\n[front]\nlive_socket = \"live.sock\"\nlive_signers = [\"192.0.2.1:1\"]\n", 4,
     "front.live_signers", "take either out"},
    {"no place for the fronts' secret",
     "[[issuer]]\n[signer]\nlive_listen = \"192.0.2.1:1\"\nlive_secret_file = \"\"\n", 4,
     "signer.live_secret_file", "is empty"},
    {"a time without its zone", "[[issuer]]\nrecords_since = \"2020-01-01\"\n", 2, "issuer[0].records_since",
     "\"2026-11-22T06:40:00Z\""},
    {"a time of another zone", "[[issuer]]\nrecords_since = 2020-01-01T00:00:00+01:00\n", 2,
     "issuer[0].records_since", "a time in UTC"},
    {"a port that is none", "[[issuer]]\n[store.redis]\nport = 0\n", 3, "store.redis.port",
     "from 1 to 65535"},
    {"a timeout that is none", "[[issuer]]\n[store.redis]\nconnect_timeout = \"fast\"\n", 3,
     "store.redis.connect_timeout", "\"500ms\""},
    {"an empty path in a list", "[[issuer]]\n[front]\nstore_key_files = [\"\"]\n", 3,
     "front.store_key_files[0]", "is empty"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(each_mistake_of_form_is_named_with_line_field_and_what_to_write) {
    for (const BadFile& bad : bad_files) {
        const Mistake mistake = check_one(bad);
        BOOST_TEST(mistake.to_string().starts_with(
            "/etc/eightbells/eightbells.toml:" + std::to_string(bad.line) + ": "));
    }
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_named_at_once_in_the_order_of_their_lines) {
    const Loaded loaded = load_example_text(R"(log_level = 1
[[issuer]]
name = "A"
validity = "3h"
sha1 = 1
[[issuer]]
colour = "red"
name = "b"
certificate = "b.pem"
[front]
listen = ["nowhere"]
)");
    std::vector<std::uint32_t> lines;
    for (const Mistake& mistake : loaded.mistakes)
        lines.push_back(mistake.line);
    // The crl_path of issuer A is derived from its name and is blamed on the issuer's table.
    BOOST_TEST((lines == std::vector<std::uint32_t>{1, 3, 4, 4, 5, 7, 11}), listing(loaded.mistakes));
}

BOOST_AUTO_TEST_CASE(a_file_without_issuers_says_what_to_write) {
    for (const std::string_view text : {"", "# nothing\n", "issuer = []\n"}) {
        const Loaded loaded = load_example_text(text);
        BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
        BOOST_TEST(loaded.mistakes.front().field == "issuer");
        BOOST_TEST((loaded.mistakes.front().message.find("[[issuer]]") != std::string::npos));
    }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text_are_a_mistake_and_never_an_exception) {
    const std::string nul("\0\0\0\0", 4);
    const std::string deep(100'000, '[');
    for (const std::string& text :
         {nul, deep, std::string("\xff\xfe"), "a = " + deep, std::string("a = \"\xc3\x28\"")}) {
        const Loaded loaded = load_example_text(text);
        BOOST_TEST(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
    }
}

BOOST_AUTO_TEST_CASE(more_issuers_than_the_bound_are_refused_at_the_first_too_many) {
    std::string text;
    for (int i = 0; i <= 256; ++i)
        text += "[[issuer]]\nname = \"i" + std::to_string(i) + "\"\ncertificate = \"" + std::to_string(i) +
                ".pem\"\n";
    const Loaded loaded = load_example_text(text);
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
    BOOST_TEST(loaded.mistakes.front().line == 256U * 3 + 1);
    BOOST_TEST(loaded.config.issuers.size() == 256U);
}
