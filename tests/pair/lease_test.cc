#include "responder/pair/lease.h"

#include <boost/test/unit_test.hpp>

#include "responder/pair/limits.h"

// Two signers and the one word between them, with a clock that stands still until it is told.
using namespace eightbells;
using namespace eightbells::pair;
using namespace std::chrono_literals;

namespace {

struct Store {
    std::string word;
    bool away = false;
    bool replicated = true;
};

class WordIn final : public cache::SharedWord {
  public:
    explicit WordIn(Store& store) : store_(store) {}
    Result<std::string> exchange(const std::string& expected, const std::string& next) override {
        if (store_.away || cut_off)
            return fail("out of reach");
        if (store_.word == expected)
            store_.word = next;
        return store_.word;
    }
    Result<bool> replicated(std::chrono::milliseconds) override {
        if (store_.away || cut_off)
            return fail("out of reach");
        return store_.replicated;
    }
    bool cut_off = false;

  private:
    Store& store_;
};

struct One {
    One(Store& store, const std::string& name, const Clock& clock) {
        auto made = std::make_unique<WordIn>(store);
        word = made.get();
        lease = std::make_unique<Lease>(std::move(made), name, clock);
        lease->seek([this] { return candidate; });
    }
    WordIn* word;
    std::unique_ptr<Lease> lease;
    Lease::Candidate candidate{true, false};
};

struct Two {
    // Seconds pass, and both look in each.
    void pass(int seconds_, bool first_looks = true, bool second_looks = true) {
        for (int i = 0; i < seconds_; ++i) {
            clock.advance(1s);
            if (first_looks)
                a.lease->look();
            if (second_looks)
                b.lease->look();
        }
    }
    // `a` leads, and `b` has everything.
    void begin() {
        b.candidate.has_ledger = false;
        pass(7);
        BOOST_REQUIRE(a.lease->taken());
        a.lease->together_again();
        b.candidate = {true, true};
        pass(1);
        b.candidate.leader_heard = false;
        BOOST_REQUIRE(a.lease->holds());
        BOOST_REQUIRE(!a.lease->alone());
    }

    Store store;
    ManualClock clock{UtcTime{1'795'348'800s}};
    One a{store, "a", clock};
    One b{store, "b", clock};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(the_lease)

// Covers: G-22
BOOST_AUTO_TEST_CASE(goes_over_within_seconds_when_its_holder_is_gone) {
    Two two;
    two.begin();
    two.pass(60);
    BOOST_TEST(two.a.lease->holds());
    BOOST_TEST(!two.b.lease->taken());
    BOOST_TEST(two.b.lease->holder() == "a");
    two.pass(4, false);
    BOOST_TEST(!two.a.lease->holds());  // it stops counting on it before the other may have it
    BOOST_TEST(!two.b.lease->taken());
    two.pass(2, false);
    BOOST_TEST(two.b.lease->holds());
    two.pass(1);  // woken
    BOOST_TEST(!two.a.lease->taken());
    BOOST_TEST(two.a.lease->holder() == "b");
    two.pass(60);
    BOOST_TEST(two.b.lease->holds());
}

BOOST_AUTO_TEST_CASE(is_never_held_by_two_whatever_stalls) {
    for (int stall = 1; stall < 12; ++stall) {
        Two two;
        two.begin();
        two.pass(stall, false);
        BOOST_TEST(!(two.a.lease->holds() && two.b.lease->holds()), stall);
        two.pass(1);
        BOOST_TEST((two.a.lease->taken() != two.b.lease->taken()), stall);
    }
}

BOOST_AUTO_TEST_CASE(goes_over_at_once_when_it_is_given_up) {
    Two two;
    two.begin();
    two.a.lease->give_up();
    two.pass(1, false);
    BOOST_TEST(two.b.lease->holds());
}

BOOST_AUTO_TEST_CASE(stays_while_the_store_is_away) {
    Two two;
    two.begin();
    two.store.away = true;
    two.pass(60);
    BOOST_TEST(two.a.lease->taken());
    BOOST_TEST(!two.a.lease->holds());
    BOOST_TEST(!two.b.lease->taken());
    two.store.away = false;
    two.pass(1);
    BOOST_TEST(two.a.lease->holds());
    two.pass(10);
    BOOST_TEST(!two.b.lease->taken());
}

BOOST_AUTO_TEST_CASE(goes_over_when_its_holder_alone_is_cut_off_from_the_store) {
    Two two;
    two.begin();
    two.a.word->cut_off = true;
    two.b.candidate.leader_heard = true;
    two.pass(6);
    BOOST_TEST(two.b.lease->holds());
    BOOST_TEST(!two.a.lease->holds());
}

BOOST_AUTO_TEST_CASE(does_not_go_over_to_who_may_lack_something) {
    Two two;
    two.begin();
    BOOST_TEST(!two.a.lease->go_alone(0ms));
    two.pass(1);
    BOOST_TEST(two.a.lease->go_alone(0ms));
    two.pass(60, false);
    BOOST_TEST(!two.b.lease->taken());
    BOOST_TEST(!two.a.lease->go_alone(0ms));  // it has lapsed: another may lead by order
    two.b.lease->order();
    two.pass(1, false);
    BOOST_TEST(two.b.lease->holds());
    two.pass(1);
    BOOST_TEST(!two.a.lease->taken());
}

BOOST_AUTO_TEST_CASE(comes_back_to_who_was_alone) {
    Two two;
    two.begin();
    static_cast<void>(two.a.lease->go_alone(0ms));
    two.pass(1);
    two.a.lease->give_up();
    two.pass(60, false);
    BOOST_TEST(!two.b.lease->taken());
    One again{two.store, "a", two.clock};
    again.lease->look();
    BOOST_TEST(again.lease->taken());
    BOOST_TEST(again.lease->alone());
}

// "Alone" must stand in the store before anybody is told anything.
BOOST_AUTO_TEST_CASE(says_alone_only_when_that_is_written) {
    Two two;
    two.begin();
    two.a.word->cut_off = true;
    BOOST_TEST(!two.a.lease->go_alone(0ms));
    two.pass(1);
    BOOST_TEST(!two.a.lease->go_alone(0ms));
    two.a.word->cut_off = false;
    two.pass(1);
    BOOST_TEST(two.a.lease->go_alone(0ms));
    BOOST_TEST(two.store.word.find(" alone ") != std::string::npos);
    two.a.lease->together_again();
    two.pass(1);
    BOOST_TEST(two.store.word.find(" both ") != std::string::npos);
    BOOST_TEST(!two.a.lease->alone());
}

BOOST_AUTO_TEST_CASE(says_alone_only_when_the_stores_replicas_have_it) {
    Two two;
    two.begin();
    two.store.replicated = false;
    BOOST_TEST(!two.a.lease->go_alone(0ms));
    two.pass(2);
    BOOST_TEST(two.store.word.find(" alone ") != std::string::npos);
    BOOST_TEST(!two.a.lease->go_alone(0ms));
    BOOST_TEST(two.a.lease->holds());
    two.store.replicated = true;
    two.pass(1);
    BOOST_TEST(two.a.lease->go_alone(0ms));
    // After a fail-over to one that has it not it counts when it stands there again.
    two.store.word.replace(two.store.word.find(" alone "), 7, " both ");
    two.store.replicated = false;
    two.pass(1);
    BOOST_TEST(!two.a.lease->go_alone(0ms));
    two.store.replicated = true;
    two.pass(1);
    BOOST_TEST(two.a.lease->go_alone(0ms));
}

// A fail-over of the store brings an older word back when the one that wrote the newer is gone.
BOOST_AUTO_TEST_CASE(does_not_go_over_because_the_store_has_gone_back) {
    Two two;
    two.begin();
    const std::string older = two.store.word;
    static_cast<void>(two.a.lease->go_alone(0ms));
    two.pass(2);
    BOOST_TEST(two.b.lease->alone());
    two.store.word = older;
    two.pass(60, false);
    BOOST_TEST(!two.b.lease->taken());
    BOOST_TEST(two.b.lease->alone());
    // The holder comes back, writes it again, and the other one gets everything.
    two.pass(1);
    BOOST_TEST(two.store.word.find(" alone ") != std::string::npos);
    two.b.candidate.leader_heard = true;
    two.a.lease->together_again();
    two.pass(2);
    two.b.candidate.leader_heard = false;
    BOOST_TEST(!two.b.lease->alone());
    two.pass(7, false);
    BOOST_TEST(two.b.lease->holds());
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(keeps_the_epochs_of_two_leaders_apart) {
    Two two;
    two.begin();
    const auto& a = two.a.lease;
    const auto& b = two.b.lease;
    BOOST_TEST(!a->publishes_under(7, 0ms));  // it is to stand there first
    BOOST_TEST(!b->publishes_under(7, 0ms));
    two.pass(1);
    BOOST_TEST(a->publishes_under(7, 0ms));
    BOOST_TEST(b->epoch() == 7U);
    // What was read before a fail-over counts on, for both.
    std::string older = two.store.word;
    older.replace(older.find(" 7 "), 3, " 3 ");
    two.store.word = older;
    two.pass(3, false);
    BOOST_TEST(b->epoch() == 7U);
    two.pass(1, true, false);
    BOOST_TEST(two.store.word.find(" 7 ") != std::string::npos);
    // A leader that is frozen now has the other one take a higher one, which is told to publish only when it
    // stands there, too.
    two.pass(7, false);
    BOOST_TEST(b->holds());
    BOOST_TEST(b->epoch() == 8U);
    BOOST_TEST(!b->publishes_under(9, 0ms));
    two.store.replicated = false;
    two.pass(1, false);
    BOOST_TEST(!b->publishes_under(9, 0ms));
    two.store.replicated = true;
    two.pass(1, false);
    BOOST_TEST(b->publishes_under(9, 0ms));
    BOOST_TEST(!a->publishes_under(7, 0ms));  // by its clock alone
    two.pass(1);
    BOOST_TEST(!a->publishes_under(7, 0ms));
    BOOST_TEST(a->epoch() == 9U);
}

// A replica that was away takes Redis's place, and with it a claim of the one that led before.
BOOST_AUTO_TEST_CASE(stays_though_the_store_brings_back_what_the_other_one_said) {
    Two two;
    two.begin();
    static_cast<void>(two.a.lease->go_alone(0ms));
    two.pass(1);
    const std::string older = two.store.word;
    BOOST_TEST(older.find(" alone ") != std::string::npos);
    two.b.lease->order();
    two.pass(7, false);
    two.b.candidate.leader_heard = two.a.candidate.leader_heard = true;
    BOOST_REQUIRE(two.b.lease->holds());
    two.pass(2);
    two.store.word = older;
    two.pass(1, true, false);
    BOOST_TEST(two.store.word == older);
    two.pass(1, false);
    BOOST_TEST(two.b.lease->holds());
    two.pass(10);
    BOOST_TEST(two.b.lease->holds());
    BOOST_TEST(two.a.lease->holder() == "b");
    // Who does not surely hold it any more believes what stands there.
    two.store.word = older;
    two.clock.advance(6s);
    two.pass(1, false);
    BOOST_TEST(!two.b.lease->taken());
}

BOOST_AUTO_TEST_CASE(is_written_again_where_the_store_was_emptied) {
    Two two;
    two.begin();
    two.store.word.clear();
    two.pass(1);
    BOOST_TEST(two.a.lease->holds());
    two.store.word = "not ours at all";
    two.pass(1);
    BOOST_TEST(two.a.lease->holds());
    two.pass(10);
    BOOST_TEST(!two.b.lease->taken());
    // Emptied when the holder died: the other one takes it unless it still hears it.
    two.b.candidate.leader_heard = true;
    two.store.word.clear();
    two.pass(20, false);
    BOOST_TEST(!two.b.lease->taken());
    two.b.candidate.leader_heard = false;
    two.pass(1, false);
    BOOST_TEST(two.b.lease->holds());
    BOOST_TEST(two.b.lease->alone());
}

BOOST_AUTO_TEST_SUITE_END()
