#include <atomic>
#include <boost/test/unit_test.hpp>
#include <mutex>

#include "responder/pair/copied_ledger.h"
#include "responder/pair/follower.h"
#include "responder/pair/leader.h"
#include "responder/pair/limits.h"
#include "tests/cache/memory_store.h"
#include "tests/cache/temporary_folder.h"
#include "tests/conformance/asking.h"
#include "tests/conformance/command.h"

// The two ends of a pair over a real connection, each with a real ledger; the store between them is memory.
using namespace eightbells;
using namespace eightbells::pair;
using namespace std::chrono_literals;

namespace {

constexpr const char* ca = "00112233445566778899aabbccddeeff";

class WordInMemory final : public cache::SharedWord {
  public:
    struct Shared {
        std::mutex mutex;
        std::string word;
        std::atomic<bool> away{false};
    };
    explicit WordInMemory(Shared& shared) : shared_(shared) {}
    Result<std::string> exchange(const std::string& expected, const std::string& next) override {
        const std::scoped_lock lock{shared_.mutex};
        if (shared_.away)
            return fail("out of reach");
        if (shared_.word == expected)
            shared_.word = next;
        return shared_.word;
    }
    Result<bool> replicated(std::chrono::milliseconds) override { return true; }

  private:
    Shared& shared_;
};

Secret secret() {
    Secret made;
    made.fill(7);
    return made;
}

struct Pair {
    Pair() {
        shared.word =
            to_text({"a", "0123456789abcdef", 1, false, true});  // given up by `a`, which leads again
        lease.seek([] { return Lease::Candidate{true, false}; });
        lease.run();
        BOOST_REQUIRE(conformance::comes([&] { return lease.holds(); }));
        open(first, "first.db", true);
        BOOST_REQUIRE(first->journal().keep());
        BOOST_REQUIRE(first->register_issuer(ca, "ca", true));
        for (const char* serial : {"01", "02", "03", "04", "05"})
            BOOST_REQUIRE(tell(ledger::Action::issue, serial));
        lead();
    }
    void open(std::unique_ptr<ledger::Ledger>& into, const char* name, bool create) {
        auto opened = ledger::Ledger::open(folder.path() / name, create, clock);
        BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
        into = std::move(*opened);
    }
    void lead() {
        auto started = Leader::start(
            {"a", a, b, folder.path() / "first.db"}, secret(), *first, lease,
            [this](bool now_in_step, bool now_alone) {
                if (in_step.exchange(now_in_step) && !now_in_step)
                    fell_out = true;
                alone = now_alone;
            },
            {}, clock);
        BOOST_REQUIRE_MESSAGE(started, started.error().message);
        leader = std::move(*started);
    }
    void follow(const std::string& name = "b") {
        Follower::Pages pages{folder.path() / "pages.db", {}, {}, std::make_unique<cache::MemoryStore>()};
        auto started =
            Follower::start({name, b, a, folder.path() / "second.db"}, secret(), std::move(pages), clock);
        BOOST_REQUIRE_MESSAGE(started, started.error().message);
        follower = std::move(*started);
    }
    void await_in_step() {
        BOOST_REQUIRE(conformance::comes([&] { return in_step.load(); }));
    }
    // The certificate that was revoked while both were in step. Another is, where this machine stalled for
    // longer than limits::pair_confirmation and the leader, rightly, did without the other.
    const char* revoke_in_step(std::initializer_list<const char*> serials) {
        for (const char* serial : serials) {
            await_in_step();
            fell_out = false;
            const auto told = tell(ledger::Action::revoke, serial);
            if (fell_out)
                continue;
            BOOST_REQUIRE_MESSAGE(told, (told ? "" : told.error().message));
            return serial;
        }
        BOOST_FAIL("the two fall out of step again and again");
        return "";
    }
    Status tell(ledger::Action action, const char* serial) {
        ledger::Event event;
        event.issuer = ca;
        event.source = "ca";
        event.action = action;
        event.serial = Serial::from_hex(serial).value();
        if (action == ledger::Action::issue)
            event.not_after = clock.now() + 24h;
        const auto answer = first->apply(event);
        BOOST_REQUIRE((!answer || answer->verdict == ledger::Verdict::applied));
        return answer ? Status{} : Status{tl::unexpected<Error>(answer.error())};
    }
    // What the second ledger holds, once nobody follows any more.
    bool second_has_revoked(const char* serial) {
        follower.reset();
        std::unique_ptr<ledger::Ledger> second;
        open(second, "second.db", false);
        const auto found = second->find(ca, *Serial::from_hex(serial));
        return found && *found && (*found)->status;
    }

    SystemClock clock;
    TemporaryFolder folder;
    const HostPort a{"127.0.0.1", conformance::free_port()};
    const HostPort b{"127.0.0.1", conformance::free_port()};
    WordInMemory::Shared shared;
    Lease lease{std::make_unique<WordInMemory>(shared), "a", clock};
    std::atomic<bool> in_step{false};
    std::atomic<bool> fell_out{false};
    std::atomic<bool> alone{false};
    std::unique_ptr<ledger::Ledger> first;
    std::unique_ptr<Leader> leader;
    std::unique_ptr<Follower> follower;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(a_pair)

// Covers: G-22
BOOST_AUTO_TEST_CASE(acknowledges_what_both_have) {
    Pair pair;
    pair.follow();  // it has nothing, and gets a copy
    const char* const revoked = pair.revoke_in_step({"01", "02", "03", "04", "05"});
    BOOST_TEST(pair.second_has_revoked(revoked));  // at once: it was durable there before it was acknowledged
    BOOST_TEST(conformance::comes([&] { return !pair.lease.alone(); }));  // at the next look
}

BOOST_AUTO_TEST_CASE(goes_on_alone_only_when_the_lease_says_so) {
    Pair pair;
    pair.follow();
    pair.await_in_step();
    pair.follower.reset();
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(pair.tell(ledger::Action::revoke, "01").has_value());
    BOOST_TEST((std::chrono::steady_clock::now() - began >= limits::pair_confirmation));
    BOOST_TEST(pair.shared.word.find(" alone ") != std::string::npos);
    BOOST_TEST(pair.alone);
    // With the store away too, nobody vouches for this one.
    pair.shared.away = true;
    BOOST_TEST(conformance::comes([&] { return !pair.lease.holds(); }));
    BOOST_TEST(!pair.leader->leads());
    BOOST_TEST(!pair.tell(ledger::Action::revoke, "02").has_value());
    // The other one comes back, and takes what it lacks; then it vouches.
    pair.follow();
    pair.await_in_step();
    BOOST_TEST(conformance::comes([&] { return pair.leader->leads(); }));
    const char* const vouched = pair.revoke_in_step({"03", "04", "05"});
    pair.shared.away = false;
    BOOST_TEST(conformance::comes([&] { return !pair.lease.alone(); }));
    BOOST_TEST(pair.second_has_revoked("01"));
    BOOST_TEST(pair.second_has_revoked("02"));
    BOOST_TEST(pair.second_has_revoked(vouched));
}

BOOST_AUTO_TEST_CASE(replaces_a_ledger_that_has_gone_another_way_and_keeps_it) {
    Pair pair;
    pair.follow();
    pair.await_in_step();
    pair.follower.reset();
    {
        std::unique_ptr<ledger::Ledger> second;
        pair.open(second, "second.db", false);
        BOOST_REQUIRE(second->journal().keep());
        BOOST_REQUIRE(second->append_audit("elsewhere", "{}"));
    }
    pair.follow();
    BOOST_TEST(conformance::comes(
        [&] { return std::filesystem::exists(pair.folder.path() / "second.db.set-aside"); }));
    BOOST_TEST(pair.second_has_revoked(pair.revoke_in_step({"01", "02", "03", "04", "05"})));
}

// As when an event's acknowledgement by the other one comes just after the patience with it has ended.
BOOST_AUTO_TEST_CASE(that_is_in_step_does_not_stay_alone_in_the_lease) {
    Pair pair;
    pair.follow();
    pair.await_in_step();
    BOOST_REQUIRE(conformance::comes([&] { return pair.lease.go_alone(1s); }));
    BOOST_TEST(conformance::comes([&] { return pair.in_step && !pair.lease.alone(); }));
}

BOOST_AUTO_TEST_CASE(keeps_what_was_set_aside_until_another_ledger_is) {
    const TemporaryFolder folder;
    const auto ledger = folder / "ledger.db";
    const auto install = [&](std::string_view text) {
        auto coming = CopiedLedger::begin(ledger);
        BOOST_REQUIRE(coming);
        BOOST_REQUIRE(coming->add(as_bytes(text)));
        BOOST_REQUIRE(coming->install(crypto::sha256(as_bytes(text))));
        BOOST_TEST(conformance::read_text(ledger) == text);
    };
    conformance::replace_text(ledger, "its own");
    conformance::replace_text(folder / "ledger.db-wal", "and its log");
    // A crash after the first of them was set aside.
    std::filesystem::rename(ledger, set_aside(ledger));
    install("a copy");
    BOOST_TEST(conformance::read_text(set_aside(ledger)) == "its own");
    BOOST_TEST(conformance::read_text(folder / "ledger.db.set-aside-wal") == "and its log");
    install("the next one");
    BOOST_TEST(conformance::read_text(set_aside(ledger)) == "a copy");
    BOOST_TEST(!std::filesystem::exists(folder / "ledger.db.set-aside-wal"));
}

BOOST_AUTO_TEST_CASE(of_two_with_one_name_does_not_come_about) {
    Pair pair;
    pair.follow("a");
    std::this_thread::sleep_for(1500ms);  // several attempts
    BOOST_TEST(!pair.in_step);
    BOOST_TEST(!pair.follower->candidate().has_ledger);
}

BOOST_AUTO_TEST_SUITE_END()
