#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>

#include "tests/config/fixture.h"

using namespace eightbells;
using namespace eightbells::config;
using namespace eightbells::config::testing;

namespace {

const std::string example_file = EIGHTBELLS_SOURCE_DIR "/deploy/eightbells.toml";

std::string example_text() {
    std::ifstream in(example_file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string generic(const std::string& field) {
    std::string result;
    bool index = false;
    for (const char c : field) {
        index = index && c != ']';
        if (!index)
            result += c;
        index = index || c == '[';
    }
    return result;
}

bool same(const Config& a, const Config& b) {
    return a.data == b.data && a.log_level == b.log_level && a.store == b.store && a.signer == b.signer &&
           a.front == b.front && a.watch == b.watch && a.issuers == b.issuers;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_loads_without_mistakes_and_warnings) {
    const Loaded loaded = load(example_file);
    BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
    BOOST_TEST(loaded.warnings.empty(), listing(loaded.warnings));
}

BOOST_AUTO_TEST_CASE(every_known_field_stands_in_the_example) {
    const Loaded loaded = load(example_file);
    std::vector<std::string> written;
    for (const auto& [field, line] : loaded.config.lines) {
        if (line != 0)
            written.push_back(generic(field));
    }
    BOOST_TEST(known_fields().size() > 40);
    for (const std::string& field : known_fields())
        BOOST_TEST((std::ranges::find(written, field) != written.end()), field << " is not in the example");
}

BOOST_AUTO_TEST_CASE(every_field_of_the_example_has_a_comment_above_it_or_shares_one) {
    std::istringstream lines(example_text());
    std::string line;
    bool commented = false;
    while (std::getline(lines, line)) {
        if (line.empty())
            commented = false;
        else if (line.front() == '#')
            commented = true;
        else if (line.front() != '[')
            BOOST_TEST((commented || line.starts_with("host") || line.starts_with("port")), line);
    }
}

// Takes each field out of the example in turn: nothing may change, so that what stands there is the default.
BOOST_AUTO_TEST_CASE(the_values_of_the_example_are_the_defaults) {
    const std::string text = example_text();
    const Loaded shown = load_text(text, "/etc/eightbells/eightbells.toml");
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    std::size_t fields = 0;
    for (const auto& [field, at] : shown.config.lines) {
        if (at == 0 || std::ranges::find(known_fields(), generic(field)) == known_fields().end())
            continue;
        ++fields;
        std::string without;
        for (std::size_t i = 0; i < lines.size(); ++i)
            without += (i + 1 == at ? "" : lines[i]) + "\n";
        const Loaded bare = load_text(without, "/etc/eightbells/eightbells.toml");
        BOOST_TEST(bare.config.line_of(field) != at, field);
        BOOST_TEST(same(shown.config, bare.config),
                   field << " is shown with a value that is not its default");
    }
    BOOST_TEST(fields == known_fields().size());
    BOOST_TEST(
        same(shown.config,
             load_text("[[issuer]]\n[[issuer.imported_crl]]", "/etc/eightbells/eightbells.toml").config));
}

BOOST_AUTO_TEST_CASE(relative_paths_start_at_the_files_folder) {
    const Loaded loaded =
        load_text("data = \"../state\"\n[[issuer]]\nindex = \"ca/index.txt\"\ncrl = \"/a/b.crl\"\n",
                  "/etc/eightbells/eightbells.toml");
    BOOST_TEST(loaded.config.data == "/etc/state");
    BOOST_TEST(loaded.config.signer.data == "/etc/state/signer");
    BOOST_TEST(loaded.config.signer.store_key == "/etc/state/signer/store-key.pem");
    BOOST_TEST(loaded.config.front.live_socket == "/etc/state/signer/live.sock");
    BOOST_TEST(loaded.config.issuers.at(0).index == "/etc/eightbells/ca/index.txt");
    BOOST_TEST(loaded.config.issuers.at(0).crl == "/a/b.crl");
    BOOST_TEST(loaded.config.issuers.at(0).certificate == "/etc/eightbells/issuer.pem");
}

BOOST_AUTO_TEST_CASE(values_that_are_written_are_taken) {
    const Loaded loaded = load_text(R"(
log_level = "debug"
[signer]
threads = 3
control_users = [1000, 1001]
[front]
listen = ["0.0.0.0:80", "[::1]:8080"]
store_keys = ["00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"]
[[issuer]]
name = "tls"
scheme = "tls-br"
validity = 172800
heartbeat = "5m"
records_since = 2020-01-01T00:00:00Z
answers = "live"
nonce = "echo"
max_age = "15m"
live_budget = 7
signer_certificate = ""
)",
                                    "/etc/eightbells/eightbells.toml");
    BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
    const Config& config = loaded.config;
    BOOST_TEST(config.log_level == "debug");
    BOOST_TEST(config.signer.threads == 3U);
    BOOST_TEST((config.signer.control_users == std::vector<std::uint32_t>{1000, 1001}));
    BOOST_TEST(config.front.listen.size() == 2U);
    BOOST_TEST(config.front.store_key_files.empty());
    const Issuer& issuer = config.issuers.at(0);
    BOOST_TEST((issuer.scheme == crypto::Scheme::tls_br));
    BOOST_TEST(issuer.validity.count() == 172800);
    BOOST_TEST(issuer.refresh.count() == 86400);
    BOOST_TEST(issuer.heartbeat->count() == 300);
    BOOST_TEST(to_iso8601(*issuer.records_since) == "2020-01-01T00:00:00Z");
    BOOST_TEST((issuer.answers == Answers::live));
    BOOST_TEST((issuer.nonce == Nonce::echo));
    BOOST_TEST(issuer.max_age->count() == 900);
    BOOST_TEST(issuer.live_budget == 7U);
    BOOST_TEST(issuer.signer_certificate.empty());
    BOOST_TEST(issuer.crl_path == "/tls.crl");
    BOOST_TEST(config.line_of("issuer[0].validity") == 12U);
    BOOST_TEST(config.line_of("issuer[0].refresh") == 9U);
}
