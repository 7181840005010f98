#define BOOST_TEST_MODULE faults_two_signers_redis
#include "tests/faults/two_signers.h"
#include "tests/faults/watched_redis.h"

// Two signers whose Redis, a primary and its replica behind three Sentinels, fails over.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

const boost::unit_test::label quick{"quick"};

struct Both : Watched {
    Both() : two(8, store()) {
        two.begin();
        leading = two.leader();
        other = 1 - leading;
        two.await_in_step(leading);
    }
    ~Both() { two.end(); }
    void revoke(std::size_t which, const std::string& certificate) {
        // A signer that stands still has no lease for a moment, and acknowledges when it has it again.
        Ended told;
        const bool done = comes([&] { return (told = two.revoke_at(which, certificate)).ok(); });
        BOOST_TEST(done, told.all() << two.logs_of_both());
        acknowledged.push_back(certificate);
    }
    void await_everywhere() {
        for (const std::string& certificate : acknowledged)
            BOOST_TEST(comes([&] { return two.all_say_revoked(certificate); }),
                       certificate << "\n"
                                   << two.logs_of_both() << two.logs());
    }

    TwoSigners two;
    std::size_t leading = 0;
    std::size_t other = 1;
    std::vector<std::string> acknowledged;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(two_signers_and_a_redis_that_fails_over)

// Covers: C-08, G-23
BOOST_FIXTURE_TEST_CASE(nobody_notices_and_nothing_is_lost, Both, *quick) {
    Row row{two, "Two signers: Redis fails over to a replica that lacks the last writes"};
    part();
    revoke(leading, row.certificate());
    row.await_revoked();
    revoke(leading, two.next_certificate());
    primary.stop();
    revoke(leading, two.next_certificate());  // while there is none: both have it
    fail_over();
    revoke(leading, two.next_certificate());
    await_everywhere();
    two.await_in_step(leading);  // it has led all the time
    BOOST_TEST((two[other].program.log().find("leads now") == std::string::npos));
    // And afterwards the other one takes over as ever.
    two[leading].program.kill();
    Ended told;
    const std::string after = two.next_certificate();
    BOOST_TEST(comes([&] { return (told = two.revoke_at(other, after)).ok(); }), told.all()
                                                                                     << two.logs_of_both());
    acknowledged.push_back(after);
    await_everywhere();
    row.end();
    two[leading].program.start();
    two.await_in_step(other);
}

// The leader acknowledged alone, and is lost together with the Redis that knew it.
BOOST_FIXTURE_TEST_CASE(who_may_lack_a_revocation_does_not_forget_it_with_redis, Both) {
    Row row{two, "Two signers: the leader, alone, is lost, and Redis fails over to what was before"};
    part();
    two.cut_pair(true);
    revoke(leading, row.certificate());
    await_everywhere();
    BOOST_TEST(comes([&] { return two.says(other, "eightbells_signer_alone") == 1; }));
    two[leading].program.kill();
    fail_over();
    BOOST_TEST(replica.command("get eightbells:lease").find(" both ") != std::string::npos);
    BOOST_TEST(!comes([&] { return two.leads(other); }, 15s), two.logs_of_both());
    two[leading].program.start();
    BOOST_TEST(comes([&] { return two.leads(leading); }), two.logs_of_both());
    two.cut_pair(false);
    two.await_in_step(leading);
    await_everywhere();
    row.end();
}

// A replica that is connected and has not got the word might take Redis's place without it.
BOOST_FIXTURE_TEST_CASE(nothing_is_acknowledged_alone_while_a_replica_has_not_got_that_word, Both) {
    Row row{two, "Two signers: one alone, and Redis's replica frozen"};
    two.cut_pair(true);
    replica.freeze();
    const Ended refused = two.revoke_at(leading, row.certificate());
    BOOST_TEST(refused.code == 1, refused.all());
    BOOST_TEST(refused.all().find("not acknowledged") != std::string::npos, refused.all());
    replica.thaw();
    revoke(leading, row.certificate());
    BOOST_TEST(replica.command("get eightbells:lease").find(" alone ") != std::string::npos);
    two.cut_pair(false);
    two.await_in_step(leading);
    row.end();
}

BOOST_AUTO_TEST_SUITE_END()
