#define BOOST_TEST_MODULE conformance_redis
#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <memory>

#include "tests/cache/redis_server.h"
#include "tests/conformance/world.h"

// The programs apart, as on several machines: a real redis-server, eightbells-signer and two
// eightbells-fronts, each with its own data folder. Whatever is stopped, emptied, spoilt or turned back: what
// the fronts say stays right.
using namespace eightbells::conformance;
using namespace std::chrono_literals;

namespace {

constexpr auto visible = patience;
constexpr std::size_t fronts = 2;

class SplitWorld : public World {
  public:
    SplitWorld()
        : World({{"p256", KeyKind::p256}, {"rsa", KeyKind::rsa2048}}, fronts),
          signer({signer_program(), "--config", "eightbells.toml"}, *this / "", *this / "signer.log"),
          front_0({front_program(), "--config", "eightbells.toml"}, *this / "", *this / "front-0.log"),
          front_1({front_program(), "--config", "front-1.toml"}, *this / "", *this / "front-1.log") {
        for (const char* name : {"while-away", "yesterday", "while-dead", "at-start", "again", "restored"})
            ca("p256").issue(name);
        const std::string store =
            fmt::format("[store]\nkind = \"redis\"\n[store.redis]\nport = {}\n", redis.port());
        configure("eightbells.toml", 0, store);
        configure("front-1.toml", 1, store);
    }
    Program& front(std::size_t which) { return which == 0 ? front_0 : front_1; }
    void start() {
        signer.start();
        front_0.start();
        front_1.start();
        await_ready();
    }
    void await_ready() {
        if (!comes([&] { return signer_ready() && front_ready(0) && front_ready(1); }))
            throw std::runtime_error("not ready:\n" + logs());
    }
    std::string logs() const { return signer.log() + front_0.log() + front_1.log(); }
    // Each front has looked at the store that many times since now.
    void await_looks(double times) {
        for (std::size_t which = 0; which < fronts; ++which) {
            const double before = sum_of(front_metrics(which), "eightbells_front_syncs_total");
            BOOST_TEST(comes(
                [&] {
                    return sum_of(front_metrics(which), "eightbells_front_syncs_total") >= before + times;
                },
                visible));
        }
    }
    double signatures() const { return sum_of(signer_metrics(), "eightbells_signer_signatures_total"); }
    bool store_reachable() const {
        return value_of(signer_metrics(), "eightbells_signer_store_reachable") == 1;
    }
    bool store_seen(std::size_t which) const {
        return value_of(front_metrics(which), "eightbells_front_store_reachable") == 1;
    }

    eightbells::RedisServer redis;
    Program signer;

  private:
    Program front_0;
    Program front_1;
};

std::unique_ptr<SplitWorld> world;
struct Split {
    void setup() {
        world = std::make_unique<SplitWorld>();
        world->start();
    }
    void teardown() {
        BOOST_TEST(world->signer.stop() == 0);
        BOOST_TEST(world->front(0).stop() == 0);
        BOOST_TEST(world->front(1).stop() == 0);
        world.reset();
    }
};
BOOST_TEST_GLOBAL_FIXTURE(Split);

// Every front says of the CAs' certificates what is so.
void check_served(std::size_t which) {
    for (const auto& authority : world->authorities()) {
        const auto tell = [&](const char* name) { return ask(world->url(which), *authority, name); };
        BOOST_TEST(tell("good").good(), tell("good").all);
        BOOST_TEST(tell("revoked").revoked("keyCompromise"));
        BOOST_TEST(tell("hold").revoked("certificateHold"));
        BOOST_TEST(tell("expired").good());
        BOOST_TEST(tell("unissued").refusal == "unauthorized (6)");
    }
    BOOST_TEST(fetch(world->port(which), "/rsa.crl").value_or(Reply{}).body ==
               must({"openssl", "crl", "-in", "crl.pem", "-outform", "DER"}, world->ca("rsa").folder()));
}
void check_served() {
    for (std::size_t which = 0; which < fronts; ++which)
        BOOST_TEST_CONTEXT("front " << which) check_served(which);
}

bool all_say_revoked(const std::string& name) {
    for (std::size_t which = 0; which < fronts; ++which) {
        for (const char* hash : {"sha1", "sha256"}) {
            if (!ask(world->url(which), world->ca("p256"), name, hash).revoked("superseded"))
                return false;
        }
    }
    return true;
}

void revoke_now(const std::string& name) {
    const Ended told = world->tell("revoke", world->ca("p256"), name, {"--reason", "superseded"});
    BOOST_TEST(told.ok(), told.all());
}

int keys() {
    return std::stoi(world->redis.command("EVAL \"return #redis.call('KEYS','eightbells:*')\" 0"));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis)

// Covers: B-24
BOOST_AUTO_TEST_CASE(two_fronts_send_the_same_bytes_and_tags) {
    check_served();
    for (const auto& authority : world->authorities()) {
        std::string sent[fronts];
        for (std::size_t which = 0; which < fronts; ++which) {
            const auto file = *world / "sent.der";
            must({"openssl", "ocsp", "-url", world->url(which), "-issuer", "issuer.pem", "-CAfile",
                  "issuer.pem", "-no_nonce", "-cert", "good.pem", "-respout", file.string()},
                 authority->folder());
            sent[which] = read_text(file);
        }
        BOOST_TEST((sent[0] == sent[1]));
        const auto tag = [&](std::size_t which) {
            const std::string headers =
                fetch(world->port(which), "/" + authority->name() + ".crl").value_or(Reply{}).headers;
            const auto at = headers.find("ETag: ");
            return headers.substr(at, headers.find('\r', at) - at);
        };
        BOOST_TEST(tag(0) == tag(1));
    }
    BOOST_TEST(world->operate({"verify"}).code == 0);
}

BOOST_AUTO_TEST_CASE(when_one_front_is_stopped_the_other_answers) {
    BOOST_TEST(world->front(0).stop() == 0);
    check_served(1);
    BOOST_TEST(ask(world->url(0), world->ca("p256"), "good").status.empty());
    world->front(0).start();
    world->await_ready();
    check_served(0);
}

// Covers: D-18
BOOST_AUTO_TEST_CASE(when_redis_is_stopped_both_go_on_and_a_revocation_reaches_them_when_it_is_back) {
    const double before = world->signatures();
    world->redis.command("SHUTDOWN NOSAVE");
    world->redis.stop();
    BOOST_TEST(
        comes([&] { return !world->store_reachable() && !world->store_seen(0) && !world->store_seen(1); },
              visible));
    check_served();
    BOOST_TEST((world->front_ready(0) && world->front_ready(1)));
    revoke_now("while-away");  // durable and signed, and nobody can hear of it yet
    BOOST_TEST(ask(world->url(), world->ca("p256"), "while-away").good());
    world->redis.start();  // empty
    BOOST_TEST(comes([] { return all_say_revoked("while-away"); }, visible), world->logs());
    BOOST_TEST(world->signatures() == before + 2);  // one for each hash
    check_served();
}

BOOST_AUTO_TEST_CASE(an_emptied_redis_is_filled_again_without_a_signature) {
    const double before = world->signatures();
    const int held = keys();
    BOOST_TEST(held > 4);
    world->redis.command("SHUTDOWN NOSAVE");
    world->redis.stop();
    world->redis.start();
    BOOST_TEST(comes([&] { return keys() == held; }, visible), keys() << " keys, not " << held);
    BOOST_TEST(comes([&] { return world->store_reachable() && world->store_seen(0) && world->store_seen(1); },
                     visible));
    BOOST_TEST(world->signatures() == before);
    // The same by FLUSHALL, which no connection notices.
    world->redis.command("FLUSHALL");
    BOOST_TEST(comes([&] { return keys() == held; }, visible), keys() << " keys, not " << held);
    BOOST_TEST(world->signatures() == before);
    BOOST_TEST(world->operate({"verify"}).code == 0);
    check_served();
}

BOOST_AUTO_TEST_CASE(when_the_signer_is_killed_both_go_on) {
    world->signer.kill();
    check_served();
    BOOST_TEST((world->front_ready(0) && world->front_ready(1)));
    const auto several =
        ask_all(world->url(), world->ca("p256"), {"-cert", "good.pem", "-cert", "revoked.pem"});
    BOOST_TEST(several.front().refusal == "trylater (3)", several.front().all);
    world->signer.start();
    world->await_ready();
    BOOST_TEST(world->signatures() == 0);
    BOOST_TEST(comes(
        [] {
            return ask_all(world->url(), world->ca("p256"), {"-cert", "good.pem", "-cert", "revoked.pem"})
                .front()
                .good();
        },
        visible));
    check_served();
}

// Covers: C-08, D-20
BOOST_AUTO_TEST_CASE(yesterdays_copy_of_redis_makes_no_revoked_certificate_good_again) {
    world->redis.command("SAVE");
    const auto dump = world->redis.folder() / "dump.rdb";
    const std::string yesterday = read_text(dump);
    revoke_now("yesterday");
    BOOST_TEST(comes([] { return all_say_revoked("yesterday"); }, visible));
    // With the signer away nobody repairs what is turned back.
    world->signer.kill();
    world->redis.command("SHUTDOWN NOSAVE");
    world->redis.stop();
    replace_text(dump, yesterday);
    world->redis.start();
    BOOST_TEST(keys() > 4);
    world->await_looks(6);  // two issuers, three looks
    BOOST_TEST(all_say_revoked("yesterday"));
    // Nor when a front is started again on it: it has kept on disk how far it was.
    BOOST_TEST(world->front(0).stop() == 0);
    world->front(0).start();
    BOOST_TEST(comes([] { return world->front_ready(0); }, visible), world->logs());
    world->await_looks(6);
    BOOST_TEST(all_say_revoked("yesterday"));
    check_served();
    // The signer comes back and brings the store up.
    world->signer.start();
    world->await_ready();
    BOOST_TEST(comes(
        [] {
            return world->operate({"show", world->ca("p256").serial("yesterday"), "--issuer", "p256"})
                       .out.find("superseded") != std::string::npos;
        },
        visible));
    BOOST_TEST(world->signatures() == 0);
    BOOST_TEST(all_say_revoked("yesterday"));
    std::filesystem::remove(dump);
}

// Covers: C-08, C-05
BOOST_AUTO_TEST_CASE(a_signer_restored_from_an_old_copy_gets_back_from_redis_what_it_has_forgotten) {
    const auto data = *world / "signer";
    const auto copy = *world / "signer-copy";
    BOOST_TEST(world->signer.stop() == 0);
    std::filesystem::copy(data, copy, std::filesystem::copy_options::recursive);
    world->signer.start();
    world->await_ready();
    revoke_now("restored");
    BOOST_TEST(comes([] { return all_say_revoked("restored"); }, visible));
    BOOST_TEST(world->signer.stop() == 0);
    std::filesystem::remove_all(data);
    std::filesystem::rename(copy, data);
    world->signer.start();
    world->await_ready();
    const auto taken_back = [] {
        return value_of(world->signer_metrics(), "eightbells_signer_taken_back_total{issuer=\"p256\"}");
    };
    BOOST_TEST(comes([&] { return taken_back() == 1; }, visible), world->signer.log());
    BOOST_TEST(comes([] { return world->store_reachable(); }, visible));
    world->await_looks(6);
    BOOST_TEST(all_say_revoked("restored"));
    // Nobody but the store knew: a front without a history hears it as well.
    BOOST_TEST(world->front(1).stop() == 0);
    std::filesystem::remove_all(*world / "front-1");
    world->front(1).start();
    world->await_ready();
    BOOST_TEST(all_say_revoked("restored"));
    BOOST_TEST(world->operate({"verify"}).code == 0);
    check_served();
}

// Covers: B-23, C-05
BOOST_AUTO_TEST_CASE(garbage_in_redis_is_believed_by_nobody_and_repaired) {
    world->signer.kill();
    const std::string spoil =
        "EVAL \"for _,k in ipairs(redis.call('KEYS','eightbells:*')) do if redis.call('TYPE',k).ok=='string' "
        "then "
        "redis.call('SET',k,'garbage') end end return 'spoilt'\" 0";
    BOOST_TEST(world->redis.command(spoil) == "spoilt");
    world->await_looks(6);
    check_served();
    BOOST_TEST((world->front_ready(0) && world->front_ready(1)));
    BOOST_TEST(sum_of(world->front_metrics(0), "eightbells_front_rejected_blobs_total") > 0);
    BOOST_TEST(world->operate({"verify"}).code == 1);
    // A front without a history knows nothing then, and says so: never good, never unauthorized.
    BOOST_TEST(world->front(1).stop() == 0);
    std::filesystem::rename(*world / "front-1", *world / "front-1-kept");
    world->front(1).start();
    BOOST_TEST(comes([] { return fetch(world->front_metrics_port(1), "/live").has_value(); }, visible));
    world->await_looks(4);
    for (const char* name : {"good", "revoked", "unissued"}) {
        const Told told = ask(world->url(1), world->ca("p256"), name);
        BOOST_TEST(told.refusal == "trylater (3)", told.all);
    }
    BOOST_TEST(!world->front_ready(1));
    world->signer.start();
    BOOST_TEST(comes([] { return world->front_ready(1); }, visible), world->logs());
    world->await_ready();
    BOOST_TEST(comes([] { return world->operate({"verify"}).code == 0; }, visible),
               world->operate({"verify"}).all());
    BOOST_TEST(world->signatures() == 0);
    check_served();
}

BOOST_AUTO_TEST_CASE(keys_of_another_service_and_of_another_type_are_left_alone_or_replaced) {
    world->redis.command("SET session:1 theirs");
    world->redis.command("RPUSH eightbells theirs");
    const std::string wrong_type =
        "EVAL \"for _,k in ipairs(redis.call('KEYS','eightbells:*')) do redis.call('DEL',k) "
        "redis.call('RPUSH',k,'a','b') end return 'spoilt'\" 0";
    BOOST_TEST(world->redis.command(wrong_type) == "spoilt");
    world->await_looks(4);
    check_served();
    revoke_now("again");
    BOOST_TEST(comes([] { return all_say_revoked("again"); }, visible), world->logs());
    BOOST_TEST(comes([] { return world->operate({"verify"}).code == 0; }, visible),
               world->operate({"verify"}).all());
    BOOST_TEST(world->redis.command("GET session:1") == "theirs");
    BOOST_TEST(world->redis.command("LRANGE eightbells 0 -1") == "theirs");
    check_served();
}

BOOST_AUTO_TEST_CASE(everything_starts_and_answers_with_redis_absent) {
    BOOST_TEST(world->signer.stop() == 0);
    BOOST_TEST(world->front(0).stop() == 0);
    BOOST_TEST(world->front(1).stop() == 0);
    world->redis.command("SHUTDOWN NOSAVE");
    world->redis.stop();
    world->start();
    check_served();
    revoke_now("at-start");
    BOOST_TEST(!world->store_reachable());
    world->redis.start();
    BOOST_TEST(comes([] { return all_say_revoked("at-start"); }, visible), world->logs());
    check_served();
}

BOOST_AUTO_TEST_SUITE_END()
