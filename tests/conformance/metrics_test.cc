#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

#include "responder/metrics/inventory.h"
#include "tests/conformance/served.h"

// What operators see of the programs, before and after relying parties have been at work.
using namespace eightbells::conformance;

namespace {

// Series of a scrape: "name{labels}" without values.
std::set<std::string> series_of(const std::string& metrics) {
    std::set<std::string> series;
    std::istringstream lines{metrics};
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.front() != '#')
            series.insert(line.substr(0, line.rfind(' ')));
    }
    return series;
}

std::vector<std::string> label_names(const std::string& series) {
    std::vector<std::string> names;
    for (std::size_t at = series.find('{'); at != std::string::npos && at + 1 < series.size();
         at = series.find("\",", at)) {
        at += series[at] == '{' ? 1 : 2;
        const std::string name = series.substr(at, series.find('=', at) - at);
        if (name != "le")
            names.push_back(name);
    }
    return names;
}

void check_inventory(const std::string& metrics, eightbells::metrics::Program program) {
    using eightbells::metrics::definition;
    using eightbells::metrics::Definition;
    using eightbells::metrics::Metric;
    using eightbells::metrics::Type;
    const auto series = series_of(metrics);
    static const std::map<Type, std::string> types{
        {Type::counter, "counter"}, {Type::gauge, "gauge"}, {Type::histogram, "histogram"}};
    std::size_t families = 0;
    for (std::size_t i = 0; i < eightbells::metrics::metric_count; ++i) {
        const Definition& one = definition(static_cast<Metric>(i));
        const std::string name{one.name};
        const std::string type_line = "# TYPE " + name + " " + types.at(one.type) + "\n";
        const bool mine = one.program == program || one.program == eightbells::metrics::Program::both;
        BOOST_TEST((metrics.find(type_line) != std::string::npos) == mine, name);
        if (!mine)
            continue;
        ++families;
        const std::string sample = name + (one.type == Type::histogram ? "_count" : "");
        const auto is_its = [&](const std::string& text) {
            return text == sample || text.starts_with(sample + "{");
        };
        const auto first = std::ranges::find_if(series, is_its);
        BOOST_REQUIRE_MESSAGE(first != series.end(), name << " has no series from the start");
        const std::vector<std::string> labels{
            one.labels.begin(), one.labels.begin() + static_cast<std::ptrdiff_t>(one.label_count())};
        BOOST_TEST(label_names(*first) == labels, name);
        const bool by_issuer = std::ranges::find(labels, "issuer") != labels.end();
        for (const auto& authority : served().authorities()) {
            const bool named = std::ranges::any_of(series, [&](const std::string& text) {
                return is_its(text) && text.find("issuer=\"" + authority->name() + "\"") != std::string::npos;
            });
            BOOST_TEST(named == by_issuer, name << " of " << authority->name());
        }
    }
    std::istringstream lines{metrics};
    std::size_t exported = 0;
    for (std::string line; std::getline(lines, line);)
        exported += line.starts_with("# TYPE ") ? 1 : 0;
    BOOST_TEST(exported == families);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(seen_by_operators)

BOOST_AUTO_TEST_CASE(every_series_of_the_inventory_is_there_from_the_start) {
    check_inventory(scraped_at_start().front, eightbells::metrics::Program::front);
    check_inventory(scraped_at_start().signer, eightbells::metrics::Program::signer);
}

// Covers: G-19
BOOST_AUTO_TEST_CASE(no_series_comes_with_use) {
    for (const char* path : {"MAA=", "nothing.crl", "p256.crl", "%zz"})
        fetch(served().port(), "/" + std::string{path});
    for (const auto& authority : served().authorities()) {
        ask(served().url(), *authority, "good", "sha1");
        ask(served().url(), *authority, "unissued");
        ask_all(served().url(), *authority, {"-cert", "good.pem", "-cert", "revoked.pem"});
    }
    BOOST_TEST((series_of(served().front_metrics()) == series_of(scraped_at_start().front)));
    BOOST_TEST((series_of(served().signer_metrics()) == series_of(scraped_at_start().signer)));
}

// Covers: A-05
BOOST_AUTO_TEST_CASE(requests_are_counted_once_by_issuer_method_hash_and_outcome) {
    const auto count = [](const std::string& labels) {
        return value_of(served().front_metrics(), "eightbells_front_requests_total{" + labels + "}");
    };
    const std::string good = "issuer=\"rsa\",method=\"post\",hash=\"sha1\",outcome=\"good\"";
    const std::string unissued =
        "issuer=\"rsa\",method=\"post\",hash=\"sha256\",outcome=\"unauthorized_not_issued\"";
    const std::string crl = "issuer=\"rsa\",method=\"get\",hash=\"none\",outcome=\"crl\"";
    const double all = sum_of(served().front_metrics(), "eightbells_front_requests_total");
    const double before[] = {count(good), count(unissued), count(crl)};
    ask(served().url(), served().ca("rsa"), "good", "sha1");
    ask(served().url(), served().ca("rsa"), "unissued", "sha256");
    fetch(served().port(), "/rsa.crl");
    BOOST_TEST(comes([&] { return count(good) == before[0] + 1; }));
    BOOST_TEST(comes([&] { return count(unissued) == before[1] + 1; }));
    BOOST_TEST(comes([&] { return count(crl) == before[2] + 1; }));
    BOOST_TEST(sum_of(served().front_metrics(), "eightbells_front_requests_total") == all + 3);
}

// Covers: A-27
BOOST_AUTO_TEST_CASE(answers_to_single_certificates_cost_no_signature) {
    const double before = sum_of(served().signer_metrics(), "eightbells_signer_signatures_total");
    for (int i = 0; i < 5; ++i) {
        ask(served().url(), served().ca("p256"), "good");
        ask_all(served().url(), served().ca("p256"),
                {"-serial", "0x" + std::string(20, static_cast<char>('1' + i))});
    }
    BOOST_TEST(sum_of(served().signer_metrics(), "eightbells_signer_signatures_total") == before);
    BOOST_TEST(before ==
               4 * 2 *
                   (static_cast<double>(listed_names().size()) + 1));  // hashes, and the signer's certificate
}

BOOST_AUTO_TEST_CASE(live_and_ready_say_so_and_nothing_else_is_there) {
    for (const auto port : {served().front_metrics_port(), served().signer_metrics_port()}) {
        BOOST_TEST(fetch(port, "/live").value_or(Reply{}).status == 200);
        const Reply ready = fetch(port, "/ready").value_or(Reply{});
        BOOST_TEST(ready.status == 200);
        for (const auto& authority : served().authorities())
            BOOST_TEST(ready.body.find("\"" + authority->name() + "\"") != std::string::npos);
        BOOST_TEST(fetch(port, "/").value_or(Reply{}).status == 404);
        BOOST_TEST(fetch(port, "/p256.crl").value_or(Reply{}).status == 404);
    }
    // The front's gauge is set once a second.
    BOOST_TEST(comes([] { return value_of(served().front_metrics(), "eightbells_front_ready") == 1; }));
    BOOST_TEST(value_of(served().signer_metrics(), "eightbells_signer_ready") == 1);
}

// Covers: G-17, G-18, G-19
BOOST_AUTO_TEST_CASE(no_log_and_no_metric_holds_a_serial_number_or_a_clients_address) {
    const std::string address = "127.45.67.89";  // any of 127/8 is this machine
    const Authority& authority = served().ca("p256");
    const std::string marker = "7EA7BEEF00C0FFEE11";
    for (const std::string& which : {"0x" + marker, "0x" + authority.serial("good")}) {
        const auto file = (served() / "marker.request").string();
        must({"openssl", "ocsp", "-issuer", "issuer.pem", "-no_nonce", "-serial", which, "-reqout", file},
             authority.folder());
        const std::string encoded = must({"openssl", "base64", "-A", "-in", file});
        for (const std::string& url :
             {served().url() + encoded, served().url() + "ocsp/" + encoded, served().url() + "x/" + encoded,
              served().url() + encoded + "?" + marker})
            must(
                {"curl", "--silent", "--interface", address, "--referer", url, "--output", "/dev/null", url});
        must({"curl", "--silent", "--interface", address, "--header",
              "Content-Type: application/ocsp-request", "--data-binary", "@" + file, "--output", "/dev/null",
              served().url()});
    }
    // Broken off and nonsense too: that is when programs talk.
    run({"curl", "--silent", "--interface", address, "--request", "BREW", served().url() + marker});
    run({"curl", "--silent", "--interface", address, "--header", "Content-Length: 5x", "--data", "x",
         served().url() + marker});
    std::string written = served().log() + served().front_metrics() + served().signer_metrics();
    for (const auto port : {served().front_metrics_port(), served().signer_metrics_port()})
        written += fetch(port, "/ready").value_or(Reply{}).body;
    std::ranges::transform(written, written.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    BOOST_TEST(written.find(address) == std::string::npos);
    BOOST_TEST(written.find(marker) == std::string::npos);
    for (const auto& one : served().authorities()) {
        for (const auto& [name, entry] : one->index())
            BOOST_TEST(written.find(entry.serial) == std::string::npos, name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
