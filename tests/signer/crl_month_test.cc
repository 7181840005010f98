#include <atomic>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/signer/crl_world.h"

// Weeks of CRLs under a clock in the test's hand, and large ones.
using namespace eightbells;
using namespace eightbells::tests;
using ledger::Action;

namespace {

// The scheme of public trust for what is listed; the certificates here need not satisfy it.
void prune(CrlWorld& world) {
    auto identity = std::make_shared<Identity>(*world.identity);
    identity->settings.scheme = crypto::Scheme::tls_br;
    world.identity = identity;
    world.restart_all();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(crl_weeks)

// Covers: C-13, D-04, D-11, D-12, D-13, D-15, F-15
BOOST_AUTO_TEST_CASE(d_11_a_month_of_revocations_and_quiet_days) {
    CrlWorld world;
    prune(world);
    constexpr unsigned count = 150;
    const UtcTime start = world.clock.now();
    std::mt19937 random{7};
    std::vector<UtcTime> ends;
    for (unsigned n = 0; n < count; ++n) {
        ends.push_back(start + std::chrono::hours{24 + static_cast<int>(random() % (30 * 24))});
        world.issue_at(n, 1, std::nullopt, ends.back());
    }
    std::map<unsigned, UtcTime> revoked;           // when
    std::map<unsigned, UtcTime> listed_after_end;  // thisUpdate of a CRL after its end that had it
    std::optional<UtcTime> last_this_update;
    std::optional<UtcTime> last_next_update;
    std::unique_ptr<CrlWorld::Read> served;
    unsigned gone = 0;
    unsigned crls = 0;
    for (UtcTime end = start + 24h * 30; world.clock.now() < end;) {
        const UtcTime now = world.clock.now();
        const bool quiet = (now - start) / 24h % 3 == 2;
        if (const auto n = static_cast<unsigned>(random() % count);
            !quiet && random() % 20 == 0 && !revoked.contains(n)) {
            world.apply(Action::revoke, n, CrlReason::superseded);
            revoked.emplace(n, now);
        }
        if (world.look()) {
            ++crls;
            served = world.read();
            const auto& crl = served;
            const UtcTime made = crl->view.this_update;
            BOOST_TEST((*crl->view.next_update - made <= 24h * 10 - 1s));
            if (last_this_update) {
                BOOST_TEST((made - *last_this_update <= 24h));
                BOOST_TEST(
                    (*last_next_update - now >= 12h));  // the next is there long before the old one ends
            }
            last_this_update = made;
            last_next_update = *crl->view.next_update;
            for (const auto& [n, when] : revoked) {
                const bool there = crl->entries.contains(World::serial(n).to_hex());
                if (there && ends[n] < made)
                    listed_after_end.emplace(n, made);
                if (!there && when <= made) {
                    BOOST_TEST((ends[n] < made), "an entry went before its certificate's end");
                    BOOST_TEST(listed_after_end.contains(n), "an entry never stood on a CRL after its end");
                    ++gone;
                }
            }
        }
        // Within the delay, and the second that a look may take.
        if (served != nullptr) {
            for (const auto& [n, when] : revoked) {
                if (now - when >= 10min && !listed_after_end.contains(n))
                    BOOST_REQUIRE(served->entries.contains(World::serial(n).to_hex()));
            }
        }
        world.clock.advance(5min);
    }
    BOOST_TEST(revoked.size() > 80U);
    BOOST_TEST(crls > 60U);
    BOOST_TEST(gone > 0U);
    BOOST_TEST(world.facts(world.stored()).find("2.5.29.60") ==
               std::string::npos);  // F-17: not kept, not said
}

// Covers: F-16, F-17
BOOST_AUTO_TEST_CASE(f_16_for_eutl_the_expired_stay_and_the_crl_says_since_when) {
    CrlWorld world;
    world.issue_at(0, 2, std::nullopt, world.clock.now() + 48h);
    world.apply(Action::revoke, 0);
    world.look();
    for (int day = 0; day < 20; ++day) {
        world.clock.advance(12h);
        world.look();
    }
    const auto crl = world.read();
    BOOST_TEST(crl->entries.contains(World::serial(0).to_hex()));
    BOOST_REQUIRE(crl->view.expired_certs_on_crl.has_value());
    BOOST_TEST((*crl->view.expired_certs_on_crl == world.identity->issuer.certificate().not_before()));
    BOOST_TEST((*crl->view.expired_certs_on_crl < crl->view.this_update));
    BOOST_TEST(contains(world.facts(crl->der), "extension 2.5.29.60 - "));
}

// Covers: D-14
BOOST_AUTO_TEST_CASE(
    d_14_the_crl_of_a_ca_of_cas_may_be_valid_for_a_year_and_comes_at_once_after_a_revocation) {
    CrlWorld world([](config::Issuer& issuer) {
        auto& crl = issuer.generated_crl;
        issuer.issues_cas = true;
        crl.every = 24h * 31;
        crl.validity = 24h * 364;
        crl.spare.reset();
    });
    world.issue(0, 3);
    world.look();
    auto crl = world.read();
    BOOST_TEST((*crl->view.next_update - crl->view.this_update == 24h * 364));
    world.clock.advance(24h * 5);
    BOOST_TEST(!world.look());
    world.apply(Action::revoke, 1, CrlReason::ca_compromise);
    world.look();
    world.clock.advance(60s);
    BOOST_TEST(world.look());
    BOOST_TEST(world.read()->entries.size() == 1U);
    world.clock.advance(24h * 31);
    BOOST_TEST(world.look());
}

// Covers: F-25
BOOST_AUTO_TEST_CASE(f_25_microsofts_extension_says_when_the_next_one_is_planned) {
    CrlWorld world;
    world.issue(0, 1);
    world.look();
    const auto facts = world.facts(world.stored());
    std::string planned = to_iso8601(world.clock.now() + 12h);
    std::erase_if(planned, [](char c) { return c == '-' || c == ':' || c == 'T'; });
    BOOST_TEST(contains(facts, "extension 1.3.6.1.4.1.311.21.4 - 170d" + to_hex(as_bytes(planned.substr(2)))),
               facts);
}

namespace {
// Of this process, in octets: memory of its own that is not a mapped file's.
std::uint64_t anonymous_memory() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("RssAnon:"))
            return std::stoull(line.substr(8)) * 1024;
    }
    return 0;
}
}  // namespace

// How many, for a measurement by hand: EIGHTBELLS_CRL_ENTRIES.
BOOST_AUTO_TEST_CASE(a_large_crl_takes_little_memory_and_is_right) {
    const char* asked = std::getenv("EIGHTBELLS_CRL_ENTRIES");
    const unsigned count = asked == nullptr ? 100'000U : static_cast<unsigned>(std::stoul(asked));
    CrlWorld world;
    ledger::Ledger::ImportSource source;
    source.issuer = world.id();
    source.name = "list:many";
    source.file = "many";
    source.carries_status = true;
    const auto imported =
        world.ledger->import(source, [&](const ledger::Ledger::Take& take) -> Result<crypto::Sha256Digest> {
            for (unsigned n = 0; n < count; ++n) {
                ledger::Ledger::Entry entry{World::serial(n), world.clock.now() + 24h * 365, {}, true, {}, 1};
                entry.status = Revocation{world.clock.now() - 1h, CrlReason::superseded, std::nullopt};
                if (auto taken = take(entry); !taken)
                    return tl::unexpected<Error>(taken.error());
            }
            return crypto::sha256(as_bytes("many"));
        });
    BOOST_REQUIRE_MESSAGE(imported, imported.error().message);
    const auto before = anonymous_memory();
    std::uint64_t most = before;
    std::atomic<bool> done = false;
    std::thread looking{[&] {
        while (!done) {
            most = std::max(most, anonymous_memory());
            std::this_thread::sleep_for(5ms);
        }
    }};
    const auto began = std::chrono::steady_clock::now();
    BOOST_TEST(world.crls->round());
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    done = true;
    looking.join();
    const auto der = world.crl_at(world.id(), "/tested.crl");
    BOOST_TEST_MESSAGE(count << " entries, " << der->bytes().size() << " octets: " << took
                             << " s with spare, memory of its own +" << (most - before) / 1024 / 1024
                             << " MiB");
    const auto view = crl::parse_crl(der->bytes());
    BOOST_REQUIRE(view);
    std::uint64_t entries = 0;
    BOOST_REQUIRE(crl::for_each_entry(*view, [&](const crl::CrlEntry&) {
        ++entries;
        return Status{};
    }));
    BOOST_TEST(entries == count);
    BOOST_TEST(most - before < 96U * 1024 * 1024);
}

BOOST_AUTO_TEST_SUITE_END()
