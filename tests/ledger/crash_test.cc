// A process killed at any moment: everything it had acknowledged is there afterwards, nothing is there in
// part.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "tests/ledger/fixture.h"

using namespace eightbells;
using namespace eightbells::ledger;
using namespace eightbells::ledger::testing;
using namespace std::chrono_literals;

namespace {

// In the child: how many more acknowledgements until it dies, and how long after the last of them.
std::size_t until_death = 0;
std::chrono::microseconds before_death{};

// Runs `work` in a child, which writes an octet to the pipe for each thing acknowledged, and dies once
// `enough` are written and `delay` is over: by a signal to itself, so that it never gets further because this
// process stands still.
std::size_t kill_after(const std::function<void(int pipe)>& work, std::size_t enough,
                       std::chrono::microseconds delay) {
    int ends[2];
    BOOST_TEST_REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    BOOST_TEST_REQUIRE(child >= 0);
    if (child == 0) {
        ::close(ends[0]);
        ::signal(SIGALRM, SIG_DFL);
        until_death = enough;
        before_death = delay;
        work(ends[1]);
        ::_exit(0);
    }
    ::close(ends[1]);
    std::size_t acknowledged = 0;
    char one = 0;
    while (::read(ends[0], &one, 1) == 1)
        ++acknowledged;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return acknowledged;
}

void acknowledge(int pipe) {
    const char one = '.';
    if (::write(pipe, &one, 1) != 1)
        ::_exit(1);
    if (until_death == 0 || --until_death > 0)
        return;
    if (before_death == 0us)
        ::kill(::getpid(), SIGKILL);
    // Somewhere in the next step: where, must not matter. SIGALRM ends it as abruptly.
    const itimerval death{{}, {0, before_death.count()}};
    ::setitimer(ITIMER_REAL, &death, nullptr);
}

std::string name_of(std::size_t i) {
    return std::to_string(100'000 + i);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crash)

// Covers: C-08
BOOST_AUTO_TEST_CASE(every_acknowledged_event_survives_a_kill) {
    for (int round = 0; round < 6; ++round) {
        Bench bench;
        std::vector<Ledger::Entry> issued;
        for (std::size_t i = 0; i < 500; ++i)
            issued.push_back(good(name_of(i)));
        REQUIRE_OK(bench.import(issued, "1"));
        bench.ledger.reset();
        const auto work = [&](int pipe) {
            auto ledger = Ledger::open(bench.folder / "ledger.db", false, bench.clock);
            if (!ledger)
                ::_exit(1);
            for (std::size_t i = 0; i < 500; ++i) {
                Event event;
                event.issuer = issuer;
                event.source = "ca";
                event.sequence = i + 1;
                event.serial = serial(name_of(i));
                const auto answer = (*ledger)->apply(event);
                if (!answer || answer->verdict != Verdict::applied)
                    ::_exit(1);
                acknowledge(pipe);
            }
        };
        const std::size_t acknowledged =
            kill_after(work, 3 + static_cast<std::size_t>(round) * 4, 500us * round);
        BOOST_TEST(acknowledged >= 3u);
        BOOST_TEST(acknowledged < 500u);
        bench.reopen();
        REQUIRE_OK(bench.ledger->check_integrity());
        std::size_t revoked_now = 0;
        for (std::size_t i = 0; i < 500; ++i) {
            const bool is_revoked = bench.status(name_of(i)).has_value();
            BOOST_TEST((is_revoked || i >= acknowledged),
                       "event " << i + 1 << " was acknowledged and is lost");
            revoked_now += is_revoked ? 1 : 0;
        }
        BOOST_TEST(revoked_now <= acknowledged + 1);  // at most one was durable and not yet told
        BOOST_TEST(bench.ledger->unpublished(issuer, 1000)->size() == revoked_now);
        // What the source sends again after the crash is answered as before.
        Event again;
        again.issuer = issuer;
        again.source = "ca";
        again.sequence = acknowledged;
        again.serial = serial(name_of(acknowledged - 1));
        BOOST_TEST(bench.apply(again).repeated);
    }
}

// Covers: C-08, C-13
BOOST_AUTO_TEST_CASE(an_import_killed_at_any_moment_is_there_whole_or_not_at_all) {
    constexpr std::size_t before = 1000;
    constexpr std::size_t after = 20'000;
    for (int round = 0; round < 8; ++round) {
        Bench bench;
        std::vector<Ledger::Entry> issued;
        for (std::size_t i = 0; i < before; ++i)
            issued.push_back(good(name_of(i)));
        REQUIRE_OK(bench.import(issued, "1"));
        bench.ledger.reset();
        const auto work = [&](int pipe) {
            auto ledger = Ledger::open(bench.folder / "ledger.db", false, bench.clock);
            if (!ledger)
                ::_exit(1);
            Ledger::ImportSource source;
            source.issuer = issuer;
            source.name = "index";
            source.file = "index.txt";
            source.full_list = true;
            acknowledge(pipe);
            const auto report =
                (*ledger)->import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
                    for (std::size_t i = 0; i < after; ++i) {
                        if (auto taken = take(i < before ? revoked(name_of(i), noon) : good(name_of(i)));
                            !taken)
                            return fail(taken.error().message);
                    }
                    acknowledge(pipe);
                    return crypto::sha256(as_bytes("2"));
                });
            if (!report)
                ::_exit(1);
            acknowledge(pipe);
        };
        // Round 7 lets it finish.
        const std::size_t said = round == 7 ? kill_after(work, 3, 0us) : kill_after(work, 2, round * 30ms);
        bench.reopen();
        REQUIRE_OK(bench.ledger->check_integrity());
        const std::uint64_t count = *bench.ledger->count(issuer);
        BOOST_TEST((count == before || count == after), count);
        BOOST_TEST((said < 3 || count == after), "it was acknowledged and is lost");
        const bool whole = count == after;
        for (std::size_t i = 0; i < before; i += 50)
            BOOST_TEST(bench.status(name_of(i)).has_value() == whole);
        BOOST_TEST(bench.audit_texts("import").size() == (whole ? 2u : 1u));
        for (const auto& left : std::filesystem::directory_iterator(bench.folder.path()))
            BOOST_TEST(left.path().filename().string().starts_with("ledger.db"), left.path());
    }
}

BOOST_AUTO_TEST_CASE(a_ledger_whose_creation_was_killed_is_opened_or_made_anew) {
    for (int round = 0; round < 4; ++round) {
        TempFolder folder;
        const ManualClock clock{noon};
        kill_after(
            [&](int pipe) {
                acknowledge(pipe);
                static_cast<void>(Ledger::open(folder / "ledger.db", true, clock));
            },
            1, 1ms * round);
        REQUIRE_OK(Ledger::open(folder / "ledger.db", true, clock));
    }
}

BOOST_AUTO_TEST_SUITE_END()
