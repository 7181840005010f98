#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "tests/watch/made_ledger.h"

using namespace eightbells;
using namespace eightbells::watch;
using namespace eightbells::watch::test;

namespace {

const SeriesKey get_key{"demo", Method::ocsp_get, "127.0.0.1:80"};
const SeriesKey crl_key{"demo", Method::crl, "127.0.0.1:80"};

Timeline of(const OutageLedger& ledger, Method method, UtcTime from, UtcTime to) {
    return ledger.history().timeline("demo", method, {from, to});
}

}  // namespace

// Covers: G-01, G-03
BOOST_AUTO_TEST_CASE(what_was_seen_is_there_again_after_a_restart_to_the_second) {
    const TemporaryFolder folder;
    const auto moment = [](int s) { return begin + seconds{s}; };
    Timeline before;
    {
        auto ledger = open(folder / "watch");
        const auto get = need(ledger->series(get_key, hold, begin));
        const auto crl = need(ledger->series(crl_key, hold, begin));
        for (int s = 0; s < 600; s += 60) {
            const bool out = s >= 180 && s < 360;
            need(ledger->observe(get, saw(moment(s), out ? Cause::expired : Cause::none)));
            need(ledger->observe(crl, saw(moment(s + 1))));
            need(ledger->end_round(moment(s), moment(s + 2)));
        }
        before = of(*ledger, Method::ocsp_get, begin, moment(600));
    }
    auto ledger = open(folder / "watch", moment(600));
    BOOST_TEST((of(*ledger, Method::ocsp_get, begin, moment(600)) == before));
    BOOST_TEST((before == Timeline{{begin, moment(180), Reach::up, Cause::none},
                                   {moment(180), moment(360), Reach::out, Cause::expired},
                                   {moment(360), moment(600), Reach::up, Cause::none}}));
    const Count count = ledger->history().count("demo", Method::ocsp_get, {begin, moment(600)});
    BOOST_TEST(count.probes == 10U);
    BOOST_TEST(count.failed == 3U);
    const auto& changes = ledger->history().series().at(0).changes();
    BOOST_REQUIRE(changes.size() == 3U);
    BOOST_TEST((changes[1].cause == Cause::expired));
    BOOST_TEST(changes[1].text == "what it was");
    BOOST_TEST(changes[1].evidence == to_hex(sha256(as_bytes("expired"))));
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(time_in_which_the_watch_did_not_run_is_unobserved) {
    const TemporaryFolder folder;
    {
        auto ledger = open(folder / "watch");
        const auto get = need(ledger->series(get_key, hold, begin));
        need(ledger->observe(get, saw(begin)));
        need(ledger->observe(get, saw(begin + 60s)));
        need(ledger->end_round(begin, begin + 60s));
    }
    auto ledger = open(folder / "watch", begin + 3600s);
    const auto get = need(ledger->series(get_key, hold, begin + 3600s));
    need(ledger->observe(get, saw(begin + 3600s)));
    need(ledger->end_round(begin + 3600s, begin + 3600s));
    BOOST_TEST((of(*ledger, Method::ocsp_get, begin, begin + 3700s) ==
                Timeline{{begin, begin + 60s, Reach::up, Cause::none},
                         {begin + 60s, begin + 3600s, Reach::unobserved, Cause::none},
                         {begin + 3600s, begin + 3700s, Reach::up, Cause::none}}));
    // The last probe does not speak for ever.
    BOOST_TEST((of(*ledger, Method::ocsp_get, begin + 3600s, begin + 4000s) ==
                Timeline{{begin + 3600s, begin + 4000s, Reach::unobserved, Cause::none}}));
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_set_back_adds_nothing_twice) {
    const TemporaryFolder folder;
    auto ledger = open(folder / "watch");
    const auto get = need(ledger->series(get_key, hold, begin));
    need(ledger->observe(get, saw(begin + 60s)));
    need(ledger->observe(get, saw(begin, Cause::timeout)));
    BOOST_TEST((ledger->history().series().at(0).state() == Cause::none));
    BOOST_TEST(ledger->history().count("demo", Method::ocsp_get, {begin, begin + 100s}).probes == 1U);
}

// The child writes a byte for every probe that the ledger took; the parent kills it at a moment of its own.
// Covers: G-01
BOOST_AUTO_TEST_CASE(a_kill_at_any_moment_loses_at_most_the_probe_in_flight) {
    std::mt19937 random(11);
    for (int attempt = 0; attempt < 12; ++attempt) {
        const TemporaryFolder folder;
        int pipe[2];
        BOOST_REQUIRE(::pipe(pipe) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(pipe[0]);
            auto ledger = OutageLedger::open({folder / "watch", "north", {}}, ManualClock(begin));
            if (!ledger)
                ::_exit(1);
            const auto get = (*ledger)->series(get_key, hold, begin);
            for (int i = 1;; ++i) {
                const Cause cause = i % 7 == 0 ? Cause::timeout : Cause::none;
                if (!(*ledger)->observe(*get, saw(begin + seconds{i}, cause)))
                    ::_exit(1);
                if (::write(pipe[1], "p", 1) != 1)
                    ::_exit(0);
                if (i % 5 == 0)
                    static_cast<void>((*ledger)->end_round(begin + seconds{i - 4}, begin + seconds{i}));
            }
        }
        ::close(pipe[1]);
        const int wanted = 1 + static_cast<int>(random() % 60);
        int written = 0;
        char byte = 0;
        while (written < wanted && ::read(pipe[0], &byte, 1) == 1)
            ++written;
        ::kill(child, SIGKILL);
        int how = 0;
        ::waitpid(child, &how, 0);
        while (::read(pipe[0], &byte, 1) == 1)
            ++written;
        ::close(pipe[0]);
        auto ledger = open(folder / "watch", begin + 1h);
        const auto& series = ledger->history().series().at(0);
        const auto held = (*series.last() - begin).count();
        BOOST_TEST(held >= written);
        BOOST_TEST(held <= written + 1);
        BOOST_TEST(ledger->history().count("demo", Method::ocsp_get, {begin, begin + 1h}).probes ==
                   static_cast<std::uint64_t>(held));
    }
}

BOOST_AUTO_TEST_CASE(one_watch_at_a_time_writes_a_ledger) {
    const TemporaryFolder folder;
    auto first = open(folder / "watch");
    const auto second = OutageLedger::open({folder / "watch", "north", {}}, ManualClock(begin));
    BOOST_REQUIRE(!second);
    BOOST_TEST(second.error().message.find("another watch has this folder") != std::string::npos);
}

// Covers: G-01
BOOST_AUTO_TEST_CASE(ledgers_of_several_watches_merge_or_stand_each_on_its_own) {
    const TemporaryFolder folder;
    auto north = open(folder / "north");
    auto south = open(folder / "south", begin, {}, "south");
    const auto fill = [](OutageLedger& ledger, int out_from, int out_to, int end) {
        const auto get = need(ledger.series(get_key, hold, begin));
        for (int s = 0; s <= end; s += 60)
            need(ledger.observe(
                get, saw(begin + seconds{s}, s >= out_from && s < out_to ? Cause::connect : Cause::none)));
    };
    fill(*north, 120, 600, 900);
    fill(*south, 300, 480, 600);
    const Window window{begin, begin + 900s};
    const auto lengths = [&](const std::vector<const History*>& watches) {
        std::vector<std::int64_t> result;
        for (const Outage& outage : outages(merged(watches, "demo", Method::ocsp_get, window)))
            result.push_back(outage.length().count());
        return result;
    };
    BOOST_TEST((lengths({&north->history()}) == std::vector<std::int64_t>{480}));
    BOOST_TEST((lengths({&south->history()}) == std::vector<std::int64_t>{180}));
    BOOST_TEST((lengths({&north->history(), &south->history()}) == std::vector<std::int64_t>{180}));
    BOOST_TEST((sum(merged({&north->history(), &south->history()}, "demo", Method::ocsp_get, window)) ==
                Sums{720s, 180s, 0s}));
}

BOOST_AUTO_TEST_CASE(facts_are_noted_when_they_change_and_revocations_each) {
    const TemporaryFolder folder;
    {
        auto ledger = open(folder / "watch");
        const CrlFacts crl{begin, "41", begin, begin + 24h, 900, 3};
        need(ledger->note_facts("demo", crl));
        const auto rows = ledger->head().number;
        need(ledger->note_facts("demo", CrlFacts{begin + 60s, "41", begin, begin + 24h, 900, 3}));
        BOOST_TEST(ledger->head().number == rows);
        need(ledger->note_facts("demo", CrlFacts{begin + 120s, "42", begin, begin + 25h, 940, 4}));
        need(ledger->note_facts("demo", OcspFacts{begin, begin, begin + 24h, begin + 1000h}));
        need(ledger->note_revocation("demo", {Method::ocsp_post, begin, begin + 7s, "ab"}));
    }
    auto ledger = open(folder / "watch");
    const IssuerHistory& demo = ledger->history().issuer("demo");
    BOOST_REQUIRE(demo.crl.size() == 2U);
    BOOST_TEST(demo.crl[1].number == "42");
    BOOST_TEST(demo.ocsp.size() == 1U);
    BOOST_REQUIRE(demo.revocations.size() == 1U);
    BOOST_TEST((demo.revocations[0].delay() == 7s));
}
