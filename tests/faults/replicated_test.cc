#define BOOST_TEST_MODULE faults_replicated
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>

#include "tests/cache/redis_cluster.h"
#include "tests/faults/ladder.h"
#include "tests/faults/watched_redis.h"

// Redis on several servers: a primary and its replica behind three Sentinels, and a cluster of three
// primaries. Real servers, the real programs, and relying parties that go on asking.
using namespace eightbells::faults;
using namespace eightbells::conformance;
using eightbells::RedisCluster;
using eightbells::RedisServer;
using eightbells::soon;
using namespace std::chrono_literals;

namespace {

const boost::unit_test::label quick{"quick"};

// The programs, started, on the store that these lines of [store.redis] name.
class Started : public Ladder {
  public:
    explicit Started(const std::string& store) : Ladder(4, {}, store) { start(); }
    ~Started() override {
        BOOST_TEST(signer.stop() == 0);
        for (std::size_t which = 0; which < fronts; ++which)
            BOOST_TEST(front(which).stop() == 0);
    }
    bool store_is_right() const { return operate({"verify"}).code == 0; }
    double signatures() const { return sum_of(signer_metrics(), "eightbells_signer_signatures_total"); }
};

std::string head_key(const RedisServer& server) {
    return server.command("--raw keys 'eightbells:*:head'");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_on_several_servers)

// Covers: C-08, G-23
BOOST_FIXTURE_TEST_CASE(a_fail_over_that_loses_writes_is_noticed_by_nobody_and_made_good, Watched, *quick) {
    Started ladder{store()};
    BOOST_TEST(comes([&] { return ladder.store_is_right(); }));
    Row row{ladder, "Redis fails over to a replica that lacks the last writes"};
    part();
    row.revoke();
    row.await_revoked();
    const double signatures = ladder.signatures();
    const std::string head = head_key(primary);
    const std::string lost = primary.command("--raw get " + head);
    fail_over();
    // The fronts have seen the older head, and the signer has put its own back, without a signature.
    BOOST_TEST(comes([&] { return replica.command("--raw get " + head) == lost; }), ladder.logs());
    BOOST_TEST(comes([&] { return ladder.store_is_right(); }), ladder.operate({"verify"}).all());
    BOOST_TEST(ladder.signatures() == signatures);
    ladder.await_looks();
    row.end();

    // The old primary comes back with what only it had, and becomes a replica; the next revocation arrives.
    Row after{ladder, "the old primary comes back"};
    primary.start();
    BOOST_TEST(soon([&] { return has(primary, "role:slave"); }));
    after.revoke();
    after.end();
    BOOST_TEST(ladder.all_say_revoked(row.certificate()));
}

// The primary is alive and its Sentinels replace it: connections are cut, and nothing is lost.
BOOST_FIXTURE_TEST_CASE(a_fail_over_on_demand_is_noticed_by_nobody, Watched) {
    Started ladder{store()};
    Row row{ladder, "Redis fails over on demand"};
    BOOST_TEST(first.command("sentinel failover status") == "OK");
    row.revoke();
    BOOST_TEST(soon([&] { return has(replica, "role:master"); }));
    row.end();
    BOOST_TEST(comes([&] { return ladder.store_is_right(); }), ladder.operate({"verify"}).all());
}

// Covers: C-05, G-23
BOOST_AUTO_TEST_CASE(a_node_of_a_cluster_that_lost_its_part_gets_it_back_without_a_signature, *quick) {
    const RedisCluster cluster;
    Started ladder{fmt::format("cluster = [\"{}\", \"{}\"]\n", cluster.place(0), cluster.place(1))};
    BOOST_TEST(comes([&] { return ladder.store_is_right(); }));
    const auto keys = [&] {
        std::size_t all = 0;
        for (std::size_t i = 0; i < RedisCluster::size; ++i)
            all += std::stoul(cluster[i].command("--raw dbsize"));
        return all;
    };
    std::string head;
    for (std::size_t i = 0; i < RedisCluster::size; ++i)
        head += head_key(cluster[i]);
    // Slots move while a revocation goes through.
    Row moving{ladder, "Redis Cluster: the head's slot moves"};
    const std::size_t from = cluster.holder_of(head);
    const std::size_t to = (from + 1) % RedisCluster::size;
    cluster.begin_move(cluster.slot_of(head), from, to);
    moving.revoke();
    moving.await_revoked();
    cluster.end_move(cluster.slot_of(head), to);
    moving.end();

    // A node without the head is killed and comes back empty: no head tells of it.
    Row killed{ladder, "Redis Cluster: a node killed, and started empty"};
    const std::size_t lost = (cluster.holder_of(head) + 1) % RedisCluster::size;
    const double signatures = ladder.signatures();
    BOOST_TEST(comes([&] { return ladder.store_is_right(); }));
    const std::size_t held = keys();
    BOOST_TEST(cluster[lost].command("--raw dbsize") != "0");
    cluster[lost].stop();
    killed.revoke();
    ladder.await_looks();
    cluster[lost].start();
    killed.end();
    BOOST_TEST(comes([&] { return ladder.store_is_right(); }), ladder.operate({"verify"}).all());
    BOOST_TEST(keys() >= held);
    BOOST_TEST(ladder.signatures() == signatures + 2);  // the revocation's
    BOOST_TEST(ladder.all_say_revoked(moving.certificate()));
}

BOOST_AUTO_TEST_SUITE_END()
