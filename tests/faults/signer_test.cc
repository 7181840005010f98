#define BOOST_TEST_MODULE faults_signer
#include <signal.h>

#include <boost/test/unit_test.hpp>

#include "tests/faults/ladder.h"

// Whatever befalls the signer: what is signed goes on being served, and no revocation that was acknowledged
// is lost.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t rows = 140;

std::unique_ptr<Ladder> ladder;
struct Began {
    void setup() {
        ladder = std::make_unique<Ladder>(rows);
        ladder->start();
    }
    void teardown() {
        ladder->end();
        ladder.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Began);

const boost::unit_test::label quick{"quick"};

void start_signer() {
    ladder->signer.start();
    ladder->await_ready();
}

// One revocation, in which the signer dies at the `call`th of its calls that change anything outside, before
// or after it. False: it is through before that.
bool dies_at(std::int64_t call, bool after) {
    const std::string certificate = ladder->next_certificate();
    ladder->at_signer->killed_after = after;
    ladder->at_signer->killed_at = call;
    const Ended told = ladder->tell("revoke", ladder->authority(), certificate, {"--reason", "superseded"});
    BOOST_TEST(comes([&] { return !ladder->signer.running() || ladder->all_say_revoked(certificate); }));
    // Who brought it to 0 is killed, and may still be there.
    if (ladder->at_signer->killed_at.exchange(0) <= 0)
        BOOST_TEST(comes([] { return !ladder->signer.running(); }));
    const bool died = !ladder->signer.running();
    BOOST_TEST((told.ok() || died), told.all());
    if (died)
        start_signer();
    if (!told.ok())
        ladder->revoke(certificate);  // nothing was promised: the CA sends it again
    BOOST_TEST(comes([&] { return ladder->all_say_revoked(certificate); }), ladder->logs());
    return died;
}

// Every `stride`th call, from the event's arrival to the notice.
void die_at_every(std::int64_t stride, const std::string& fault) {
    Row row{*ladder, fault};
    std::int64_t call = 1;
    bool after = false;
    while (dies_at(call, after)) {
        if (stride == 1 && !after) {
            after = true;
            continue;
        }
        after = stride != 1 && !after;
        call += stride;
        BOOST_REQUIRE_MESSAGE(call < 60, "a revocation takes more calls than there are certificates for");
    }
    BOOST_TEST(call > 10);
    BOOST_TEST_MESSAGE("killed at the calls 1 to " << call);
    row.revoke();
    row.end();
}

void stop_signer() {
    BOOST_TEST(ladder->signer.stop() == 0);
}

// It does not start, and says why.
void expect_no_start(const std::string& why) {
    const Ended ended = run({signer_program(), "--config", "eightbells.toml"}, *ladder / "");
    BOOST_TEST(ended.code == 1, ended.all());
    BOOST_TEST(ended.err.find(why) != std::string::npos, ended.err);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(the_signer)

// Covers: D-18
BOOST_AUTO_TEST_CASE(killed_at_some_arrows_of_a_revocation, *quick) {
    die_at_every(9, "Signer killed at every ninth call of a revocation");
}

BOOST_AUTO_TEST_CASE(killed_at_every_arrow_of_a_revocation) {
    die_at_every(1, "Signer killed before and after every call of a revocation");
}

// Covers: G-23
BOOST_AUTO_TEST_CASE(frozen_for_hours) {
    Row row{*ladder, "Signer frozen for 11 hours"};
    ::kill(ladder->signer.pid(), SIGSTOP);
    for (int hour = 0; hour < 11; ++hour) {
        ladder->pass(1h);
        ladder->await_looks();
    }
    ::kill(ladder->signer.pid(), SIGCONT);
    row.revoke();
    row.end();
}

BOOST_AUTO_TEST_CASE(without_its_key) {
    Row row{*ladder, "Signer without its key for 4 hours"};
    stop_signer();
    fs::rename(ladder->authority() / "ocsp-signer.key", *ladder / "key-kept");
    expect_no_start("ocsp-signer.key");
    ladder->pass(4h);
    ladder->await_looks();
    expect_no_start("ocsp-signer.key");
    fs::rename(*ladder / "key-kept", ladder->authority() / "ocsp-signer.key");
    start_signer();
    row.revoke();
    row.end();
}

BOOST_AUTO_TEST_CASE(that_cannot_sign) {
    Row row{*ladder, "Signer: every signature fails"};
    ladder->at_signer->no_randomness = true;
    row.revoke();
    const auto failures = [] {
        return sum_of(ladder->signer_metrics(), "eightbells_signer_publications_total");
    };
    ladder->await_looks();
    BOOST_TEST(ladder->signer_says("eightbells_signer_unpublished_changes{issuer=\"ca\"}") == 1);
    BOOST_TEST(failures() > 0);
    ladder->at_signer->no_randomness = false;
    row.end();
}

BOOST_AUTO_TEST_CASE(whose_disk_is_full, *quick) {
    Row row{*ladder, "Signer: its disk is full"};
    ladder->at_signer->disk_full = true;
    const Ended told =
        ladder->tell("revoke", ladder->authority(), row.certificate(), {"--reason", "superseded"});
    BOOST_TEST(told.code == 1, told.all());  // nothing is promised
    BOOST_TEST(comes([] {
        return value_of(ladder->signer_metrics(),
                        "eightbells_signer_events_total{action=\"revoke\",verdict=\"failed\"}") > 0;
    }));
    ladder->await_looks();
    ladder->at_signer->disk_full = false;
    row.revoke();
    row.end();
}

BOOST_AUTO_TEST_CASE(whose_ledger_is_damaged) {
    Row row{*ladder, "Signer: its ledger is damaged, refused, restored"};
    row.revoke();
    row.await_revoked();
    stop_signer();
    const fs::path ledger = *ladder / "signer/ledger.db";
    const std::string whole = read_text(ledger);
    std::string damaged = whole;
    // Not its first page, which SQLite always reads.
    for (std::size_t at = 8192; at < std::min<std::size_t>(damaged.size(), 40'960); ++at)
        damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    replace_text(ledger, damaged);
    expect_no_start("ledger.db");
    replace_text(ledger, whole);
    start_signer();
    row.end();
}

// Covers: C-08, G-22
BOOST_AUTO_TEST_CASE(whose_ledger_is_of_yesterday) {
    Row row{*ladder, "Signer: everything it has restored from before a revocation"};
    stop_signer();
    fs::copy(*ladder / "signer", *ladder / "signer-copy", fs::copy_options::recursive);
    start_signer();
    row.revoke();
    row.await_revoked();
    stop_signer();
    fs::remove_all(*ladder / "signer");
    fs::rename(*ladder / "signer-copy", *ladder / "signer");
    start_signer();
    BOOST_TEST(
        comes([] { return ladder->signer_says("eightbells_signer_taken_back_total{issuer=\"ca\"}") == 1; }));
    row.end();
}

BOOST_AUTO_TEST_CASE(started_twice) {
    Row row{*ladder, "Signer started twice on the same folder"};
    const Ended second = run({signer_program(), "--config", "eightbells.toml"}, *ladder / "");
    BOOST_TEST(second.code == 1, second.all());
    row.revoke();
    row.end();
}

BOOST_AUTO_TEST_SUITE_END()
