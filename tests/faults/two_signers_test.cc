#define BOOST_TEST_MODULE faults_two_signers
#include "tests/faults/two_signers.h"

#include <signal.h>

#include <boost/test/unit_test.hpp>

// Two signers: whatever befalls one of them, what was acknowledged reaches every relying party, and no front
// goes back.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<TwoSigners> two;
struct Began {
    void setup() {
        two = std::make_unique<TwoSigners>(60);
        two->begin();
    }
    void teardown() {
        two->end();
        two.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Began);

const boost::unit_test::label quick{"quick"};

// From the loss of one signer to the other's first acknowledgement: five seconds until the lease has lapsed,
// and its start, on a machine that does other things and may stand still.
constexpr auto take_over = 60s;

double highest_epoch() {
    double highest = 0;
    for (std::size_t which = 0; which < fronts; ++which)
        highest = std::max(highest,
                           value_of(two->front_metrics(which), "eightbells_front_head_epoch{issuer=\"ca\"}"));
    return highest;
}

// As a CA's connector does: at this one, until it is acknowledged.
std::chrono::seconds revoke_when_it_leads(std::size_t which, const std::string& certificate) {
    const auto began = std::chrono::steady_clock::now();
    Ended told;
    const bool acknowledged = comes([&] { return (told = two->revoke_at(which, certificate)).ok(); });
    BOOST_TEST(acknowledged, told.all() << two->logs_of_both());
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
}

// A signer that stands still has no lease for a moment, and acknowledges when it has it again.
void revoke(std::size_t which, const std::string& certificate) {
    revoke_when_it_leads(which, certificate);
}

void await_everywhere(const std::vector<std::string>& certificates) {
    for (const std::string& certificate : certificates)
        BOOST_TEST(comes([&] { return two->all_say_revoked(certificate); }),
                   certificate << "\n"
                               << two->logs_of_both() << two->logs());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(two_signers)

// Covers: G-22, G-23, C-08
BOOST_AUTO_TEST_CASE(the_leader_is_killed, *quick) {
    std::size_t leading = two->leader();
    two->await_in_step(leading);
    Row row{*two, "Two signers: the one that leads is killed"};
    std::vector<std::string> acknowledged;
    const auto tell = [&] {
        const std::string certificate = two->next_certificate();
        const bool told = two->revoke_at(leading, certificate).ok();
        if (told)
            acknowledged.push_back(certificate);
        return told;
    };
    // Three that it acknowledges. One that stood still for too long has lost the lead to the other.
    for (int in_a_row = 0, times = 0; in_a_row < 3; ++times) {
        BOOST_REQUIRE_MESSAGE(times < 12, two->logs_of_both());
        in_a_row = tell() ? in_a_row + 1 : 0;
        if (in_a_row == 0)
            two->await_in_step(leading = two->leader());
    }
    const std::size_t other = 1 - leading;
    const double epoch = highest_epoch();
    // It dies at one call or another of the next event.
    (*two)[leading].at->killed_at = 7;
    tell();
    (*two)[leading].program.kill();
    (*two)[leading].at->killed_at = 0;
    const auto took = revoke_when_it_leads(other, row.certificate());
    BOOST_TEST((took < take_over), took.count());
    BOOST_TEST_MESSAGE("the other one acknowledged after " << took.count() << " s");
    await_everywhere(acknowledged);
    row.end();
    BOOST_TEST(highest_epoch() > epoch);
    // It comes back, and follows.
    (*two)[leading].program.start();
    two->await_in_step(other);
    const Ended refused = two->revoke_at(leading, two->next_certificate());
    BOOST_TEST(refused.code == 1);
    BOOST_TEST(refused.all().find(other == 0 ? "\"a\" leads" : "\"b\" leads") != std::string::npos,
               refused.all());
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(the_leader_is_frozen_and_wakes) {
    const std::size_t leading = two->leader();
    const std::size_t other = 1 - leading;
    two->await_in_step(leading);
    Row row{*two, "Two signers: the one that leads is frozen, deposed, and wakes"};
    ::kill((*two)[leading].program.pid(), SIGSTOP);
    const auto took = revoke_when_it_leads(other, row.certificate());
    BOOST_TEST((took < take_over), took.count());
    row.await_revoked();
    const double epoch = highest_epoch();
    ::kill((*two)[leading].program.pid(), SIGCONT);
    two->await_in_step(other);
    BOOST_TEST((*two)[leading].program.log().find("publishes and acknowledges nothing more") !=
               std::string::npos);
    BOOST_TEST(highest_epoch() == epoch);
    revoke(other, two->next_certificate());
    row.end();
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(the_leader_is_cut_off_from_the_store) {
    const std::size_t leading = two->leader();
    const std::size_t other = 1 - leading;
    two->await_in_step(leading);
    Row row{*two, "Two signers: the one that leads cannot reach Redis"};
    (*two)[leading].to_store.lose(true);
    BOOST_TEST(comes([&] { return two->leads(other); }), two->logs_of_both());
    // The old one has no lease, and nobody who confirms: it promises nothing.
    const Ended refused = two->revoke_at(leading, row.certificate());
    BOOST_TEST(refused.code == 1, refused.all());
    revoke_when_it_leads(other, row.certificate());
    row.await_revoked();
    (*two)[leading].to_store.lose(false);
    two->await_in_step(other);
    row.end();
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(nothing_passes_between_the_two) {
    const std::size_t leading = two->leader();
    const std::size_t other = 1 - leading;
    two->await_in_step(leading);
    Row row{*two, "Two signers: nothing passes between them"};
    two->cut_pair(true);
    revoke(leading, row.certificate());  // alone, after its time-out
    BOOST_TEST(two->says(leading, "eightbells_signer_alone") == 1);
    BOOST_TEST(two->says(leading, "eightbells_signer_pair_in_step") == 0);
    row.await_revoked();
    // And dies: the other one lacks an acknowledged event, and knows it.
    (*two)[leading].program.kill();
    BOOST_TEST(!comes([&] { return two->leads(other); }, 12s));
    BOOST_TEST(two->revoke_at(other, two->next_certificate()).code == 1);
    BOOST_TEST(two->says(other, "eightbells_signer_alone") == 1);
    (*two)[leading].program.start();
    BOOST_TEST(comes([&] { return two->leads(leading); }), two->logs_of_both());
    two->cut_pair(false);
    two->await_in_step(leading);
    row.end();
}

BOOST_AUTO_TEST_CASE(the_follower_is_away, *quick) {
    const std::size_t leading = two->leader();
    const std::size_t other = 1 - leading;
    two->await_in_step(leading);
    Row row{*two, "Two signers: the one that follows is away"};
    (*two)[other].program.kill();
    revoke(leading, row.certificate());
    BOOST_TEST(comes([&] { return two->says(leading, "eightbells_signer_alone") == 1; }));
    (*two)[other].program.start();
    two->await_in_step(leading);
    row.end();
}

BOOST_AUTO_TEST_CASE(redis_is_away_from_both) {
    const std::size_t leading = two->leader();
    two->await_in_step(leading);
    Row row{*two, "Two signers: Redis killed, and started empty"};
    two->redis.stop();
    two->await_looks();
    revoke(leading, row.certificate());  // both have it
    BOOST_TEST(!comes([&] { return two->leads(1 - leading); }, 8s));
    two->redis.start();
    row.end();
    two->await_in_step(two->leader());
}

// An operator may order what is not done by itself; the other one then takes the ledger of the one that
// leads.
BOOST_AUTO_TEST_CASE(the_follower_is_ordered_to_lead) {
    const std::size_t leading = two->leader();
    const std::size_t other = 1 - leading;
    two->await_in_step(leading);
    Row row{*two, "Two signers: the other one is ordered to lead"};
    two->cut_pair(true);
    const std::string only_there = two->next_certificate();
    revoke(leading, only_there);
    await_everywhere({only_there});
    (*two)[leading].program.kill();
    const Ended ordered = two->tell_signer(other, {"lead"});
    BOOST_TEST(ordered.ok(), ordered.all());
    revoke_when_it_leads(other, row.certificate());
    await_everywhere({only_there});  // it was published, and comes back from there
    two->cut_pair(false);
    (*two)[leading].program.start();
    two->await_in_step(other);
    BOOST_TEST((*two)[leading].program.log().find(".set-aside") != std::string::npos);
    row.end();
}

// Covers: G-23, A-16
BOOST_AUTO_TEST_CASE(fronts_elsewhere_ask_whichever_leads, *quick) {
    const std::size_t leading = two->leader();
    const std::size_t other = 1 - leading;
    two->await_in_step(leading);
    const auto all_live = [] { return two->answers_live(0) && two->answers_live(1); };
    BOOST_TEST(comes(all_live), two->logs());
    const std::string calls = "eightbells_signer_live_calls_total{verdict=\"signed_answer\"}";
    BOOST_TEST(comes([&] { return two->answers_live(0) && two->says(leading, calls) >= 2; }));
    Row row{*two, "Two signers: fronts ask the one that leads for live answers, and it is frozen"};
    // What was signed ahead meanwhile; and what was revoked is never good again.
    ::kill((*two)[leading].program.pid(), SIGSTOP);
    BOOST_TEST(ask(two->url(), two->authority(), "good").good());
    const bool live = two->answers_live(0);
    BOOST_TEST((!live || two->leads(other)));  // which it may do by now
    revoke_when_it_leads(other, row.certificate());
    BOOST_TEST(comes(all_live), two->logs());
    ::kill((*two)[leading].program.pid(), SIGCONT);
    two->await_in_step(other);
    BOOST_TEST(comes(all_live), two->logs());
    BOOST_TEST(comes([&] { return two->answers_live(0) && two->says(other, calls) >= 2; }));
    row.end();
    // A front that has another secret gets no live answers, and answers.
    const auto secret = *two / "live-secret-1";
    const std::string right = read_text(secret);
    BOOST_TEST(two->front(1).stop() == 0);
    replace_text(secret, std::string(64, '0') + "\n");
    two->front(1).start();
    BOOST_TEST(comes([] { return two->front_ready(1); }), two->logs());
    BOOST_TEST(comes([&] {
        return two->front(1).log().find("has not proved that it has the same secret") != std::string::npos;
    }));
    BOOST_TEST(!two->answers_live(1));
    BOOST_TEST(comes([] { return two->answers_live(0); }));
    BOOST_TEST(value_of(two->front_metrics(1), "eightbells_front_live_connected") == 0);
    const std::string certificate = two->next_certificate();
    revoke(other, certificate);
    await_everywhere({certificate});
    replace_text(secret, right);
    BOOST_TEST(two->front(1).stop() == 0);
    two->front(1).start();
    BOOST_TEST(comes(all_live), two->logs());
}

BOOST_AUTO_TEST_SUITE_END()
