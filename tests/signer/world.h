#ifndef EIGHTBELLS_TESTS_SIGNER_WORLD_H
#define EIGHTBELLS_TESTS_SIGNER_WORLD_H

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "cache/walk.h"
#include "responder/keys/signing_key.h"
#include "responder/signer/publisher.h"
#include "tests/signer/made_issuer.h"

namespace eightbells::tests {

using namespace eightbells::signer;
using namespace std::chrono_literals;

// The whole private journey but for sockets: a real ledger, real keys, a real page file, time in the test's
// hand. What was published is read back by cache::Walk, which trusts nothing.
struct World : PublisherListener {
    explicit World(int signer_days = 60)
        : settings(tests::make_issuer(folder.path(), signer_days)), clock(SystemClock{}.now() + 60s) {
        load_again();
        open_all();
        restart();
    }

    void open_ledger(bool create) {
        ledger = *ledger::Ledger::open(folder.path() / "ledger.db", create, clock);
        BOOST_REQUIRE(ledger->register_issuer(id(), settings.name, true));
    }
    // A new publisher on what is stored, as after a restart of the program.
    void restart() {
        publisher.reset();
        publisher = std::make_unique<Publisher>(
            *ledger, *pages, store_key, press, folder.path(), [this](const cache::Batch*) { ++handed_on; },
            [this](const std::string&) {
                return std::optional{Vouched{as_of.value_or(clock.now()), until}};
            },
            [this] { return trusted_now ? trusted_now() : Result<UtcTime>{clock.now()}; }, *this, clock,
            catch_up);
        const auto added = publisher->add_issuer(identity);
        BOOST_REQUIRE_MESSAGE(added, added.error().message);
    }
    // The identity as the settings say now.
    void load_again() {
        std::vector<std::string> warnings;
        identity = *load_identity(0, settings, clock.now(), warnings);
    }
    // Copies of what the signer keeps, and back: as an operator restores a backup. The publisher ends.
    void keep(const std::string& file, const std::string& copy) {
        publisher.reset();
        ledger.reset();
        pages.reset();
        std::filesystem::copy_file(folder.path() / file, folder.path() / copy);
        open_all();
        restart();
    }
    void bring_back(const std::vector<std::pair<std::string, std::string>>& copies) {
        publisher.reset();
        ledger.reset();
        pages.reset();
        for (const auto& [file, copy] : copies) {
            for (const char* tail : {"", "-wal", "-shm"})
                std::filesystem::remove(folder.path() / (file + tail));
            if (!copy.empty())
                std::filesystem::rename(folder.path() / copy, folder.path() / file);
        }
        open_all();
    }
    void open_all() {
        open_ledger(!std::filesystem::exists(folder.path() / "ledger.db"));
        pages = *cache::PageFile::open(folder.path() / "pages.db", cache::PageFile::Access::write);
    }
    void settle() {
        for (int rounds = 0; publisher->round(); ++rounds)
            BOOST_REQUIRE(rounds < 10'000);
    }

    void on_published(const Identity&, const std::vector<ledger::Ledger::Change>& changes, UtcTime) override {
        published_changes += changes.size();
    }
    void on_state(const Identity&, const PublishedState& now) override { state = now; }

    const std::string& id() const { return identity->issuer.id(); }
    static Serial serial(unsigned n) { return *Serial::from_hex(fmt::format("4{:031x}", n)); }

    void issue(unsigned from, unsigned count) {
        ledger::Ledger::ImportSource source;
        source.issuer = id();
        source.name = "list:test";
        source.file = "test";
        const auto report =
            ledger->import(source, [&](const ledger::Ledger::Take& take) -> Result<crypto::Sha256Digest> {
                for (unsigned n = from; n < from + count; ++n) {
                    ledger::Ledger::Entry entry{serial(n), {}, {}, true, {}, 0};
                    entry.not_after = clock.now() + 24h * 365;
                    entry.says_status = false;
                    entry.line = n + 1;
                    if (auto taken = take(entry); !taken)
                        return tl::unexpected<Error>(taken.error());
                }
                return crypto::sha256(as_bytes(fmt::format("{} {}", from, count)));
            });
        BOOST_REQUIRE_MESSAGE(report, report.error().message);
        BOOST_REQUIRE(report->issued == count);
    }
    void submit_crl(const std::string& path, ByteView der) {
        publisher->submit_crl(id(), path, *spool(folder.path(), der));
    }
    void apply(ledger::Action action, unsigned n, std::optional<CrlReason> reason = std::nullopt) {
        ledger::Event event;
        event.issuer = id();
        event.source = "test";
        event.action = action;
        event.serial = serial(n);
        event.reason = reason;
        const auto answer = ledger->apply(event);
        BOOST_REQUIRE_MESSAGE(answer, answer.error().message);
        BOOST_REQUIRE_MESSAGE(answer->verdict == ledger::Verdict::applied, answer->message);
    }

    std::optional<cache::Walk::Found> find(unsigned n,
                                           ocsp::HashAlgorithm hash = ocsp::HashAlgorithm::sha256) {
        cache::Walk walk{*pages, id(), {store_key.public_key()}};
        const auto head = walk.head();
        BOOST_REQUIRE_MESSAGE(head, head.error().message);
        auto found = walk.find(*head, hash, serial(n).magnitude());
        BOOST_REQUIRE_MESSAGE(found, found.error().message);
        return std::move(*found);
    }
    cache::Head head() {
        cache::Walk walk{*pages, id(), {store_key.public_key()}};
        return *walk.head();
    }
    std::uint64_t signatures() { return metrics.signatures(0, metrics::SignatureOutcome::made).value(); }

    tests::Folder folder;
    config::Issuer settings;
    ManualClock clock;
    std::optional<UtcTime> as_of;
    UtcTime until = year_9999;  // of what the source vouches for
    TrustedNow trusted_now;     // empty: the clock's
    // What is due is signed when a test asks for it, unless the test is about the pace.
    double catch_up = std::numeric_limits<double>::infinity();
    metrics::SignerMetrics metrics{{"tested"}};
    Press press{2, true, metrics};
    keys::StoreKey store_key = *keys::StoreKey::load_or_create(folder.path() / "store-key.pem");
    std::shared_ptr<const Identity> identity;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<cache::PageFile> pages;
    std::unique_ptr<Publisher> publisher;
    PublishedState state;
    std::uint64_t handed_on = 0;
    std::uint64_t published_changes = 0;
};

}  // namespace eightbells::tests

#endif
