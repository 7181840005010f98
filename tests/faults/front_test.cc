#define BOOST_TEST_MODULE faults_front
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/faults/ladder.h"

// Whatever befalls one front: it says nothing wrong, the other goes on, and it is there again when it can be.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

std::unique_ptr<Ladder> ladder;
struct Began {
    void setup() {
        ladder = std::make_unique<Ladder>(12);
        ladder->start();
    }
    void teardown() {
        ladder->end();
        ladder.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Began);

const boost::unit_test::label quick{"quick"};
constexpr std::size_t last =
    fronts - 1;  // the front that things are done to; relying parties stay with the first

void take_all_else_away() {
    ladder->signer.kill();
    ladder->redis.stop();
}
void bring_all_else_back() {
    ladder->redis.start();
    ladder->signer.start();
    ladder->await_ready();
}

bool says_good() {
    return ask(ladder->url(last), ladder->authority(), "good").good();
}

// A front whose own copy is no good, with nobody to ask: it knows nothing, and says so.
void knows_nothing_with(const std::string& page_file) {
    const fs::path own = *ladder / "front-1/pages.db";
    take_all_else_away();
    BOOST_TEST(ladder->front(last).stop() == 0);
    for (const char* end : {"-wal", "-shm"})
        fs::remove(own.string() + end);
    replace_text(own, page_file);
    ladder->front(last).start();
    BOOST_TEST(comes([] { return fetch(ladder->front_metrics_port(last), "/live").has_value(); }));
    ladder->await_looks();
    for (const char* name : {"good", "revoked", "unissued"}) {
        const Told told = ask(ladder->url(last), ladder->authority(), name);
        BOOST_TEST(told.refusal == "trylater (3)", told.all);
    }
    BOOST_TEST(!ladder->front_ready(last));
    bring_all_else_back();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(a_front)

// Covers: G-23
BOOST_AUTO_TEST_CASE(killed_and_started_with_everything_else_down, *quick) {
    Row row{*ladder, "Front killed, the other one asked; signer and Redis down", 1};
    row.revoke();
    row.await_revoked();
    take_all_else_away();
    std::chrono::milliseconds fastest = 1h;
    // The fastest tells what it takes: others may fall into a time when the machine was busy. The sanitizers
    // take more than that themselves.
#ifdef __SANITIZE_ADDRESS__
    constexpr auto soon = std::chrono::milliseconds{patience};
#else
    constexpr auto soon = 1000ms;
#endif
    for (int times = 0; times < 3 || (times < 20 && fastest >= soon); ++times) {
        ladder->front(last).kill();
        const auto began = std::chrono::steady_clock::now();
        ladder->front(last).start();
        BOOST_REQUIRE(comes([] { return says_good(); }));
        fastest = std::min(fastest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now() - began));
    }
    BOOST_TEST_MESSAGE("started and answered in " << fastest.count() << " ms");
    BOOST_TEST(fastest.count() < soon.count());
    Row again{*ladder, "Front that started with signer and Redis down"};
    BOOST_TEST(ladder->all_say_revoked(row.certificate()));
    row.end();
    bring_all_else_back();
    again.revoke();
    again.end();
}

// What it cannot keep it does not show: after a restart it would take it back. It goes on with what it has
// and says after a minute that it is not ready, so that it is not asked any more; the other front says what
// is new. Covers: G-24
BOOST_AUTO_TEST_CASE(whose_disk_is_full) {
    Row row{*ladder, "Front: its disk is full"};
    ladder->at_front_1->disk_full = true;
    row.revoke();
    BOOST_TEST(comes([&] { return ladder->says_revoked(0, row.certificate()); }));
    BOOST_TEST(comes([] { return !ladder->front_ready(last); }, 120s));
    BOOST_TEST(ladder->front_ready(0));
    BOOST_TEST(says_good());
    ladder->at_front_1->disk_full = false;
    BOOST_TEST(comes([] { return ladder->front_ready(last); }));
    row.end();
    // It has its copy again.
    BOOST_TEST(ladder->front(last).stop() == 0);
    ladder->front(last).start();
    ladder->await_ready();
    BOOST_TEST(ladder->all_say_revoked(row.certificate()));
}

// New connections wait until there are descriptors again; those that are there are served.
BOOST_AUTO_TEST_CASE(out_of_descriptors, *quick) {
    Row row{*ladder, "Front out of file descriptors for seconds"};
    const pid_t pid = ladder->front(last).pid();
    rlimit before{};
    BOOST_REQUIRE(::prlimit(pid, RLIMIT_NOFILE, nullptr, &before) == 0);
    rlimit few = before;
    few.rlim_cur = 16;
    BOOST_REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &few, nullptr) == 0);
    row.revoke();
    BOOST_TEST(comes([&] { return ladder->says_revoked(0, row.certificate()); }));
    const auto lacked = [] {
        return value_of(ladder->front_metrics(last), "eightbells_front_accept_failures_total") > 0;
    };
    // Once more where nobody came meanwhile: relying parties may have stood still.
    for (int times = 0; times == 0 || (times < 10 && !lacked()); ++times) {
        BOOST_REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &few, nullptr) == 0);
        std::this_thread::sleep_for(2s);
        BOOST_REQUIRE(::prlimit(pid, RLIMIT_NOFILE, &before, nullptr) == 0);
    }
    row.end();
    BOOST_TEST(lacked());
}

BOOST_AUTO_TEST_CASE(whose_page_file_is_truncated_or_of_another_issuer) {
    Row row{*ladder, "Front whose page file is cut, garbage or another CA's", 1};
    BOOST_TEST(ladder->front(last).stop() == 0);
    const std::string whole = read_text(*ladder / "front-1/pages.db");
    ladder->front(last).start();
    ladder->await_ready();
    knows_nothing_with(whole.substr(0, whole.size() / 2));
    knows_nothing_with(std::string(whole.size(), 'x'));
    {
        RunWorld other{{{"other", KeyKind::p256}}};
        other.start();
        other.stop();
        knows_nothing_with(read_text(other / "front-0/pages.db"));
    }
    row.revoke();
    row.end();
}

BOOST_AUTO_TEST_SUITE_END()
