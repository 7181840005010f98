#ifndef EIGHTBELLS_TESTS_SIGNER_SERVED_LIVE_H
#define EIGHTBELLS_TESTS_SIGNER_SERVED_LIVE_H

#include <atomic>

#include "responder/signer/clock_guard.h"
#include "responder/signer/live_service.h"
#include "tests/signer/world.h"

namespace eightbells::tests {

using namespace eightbells::signer;
using namespace std::chrono_literals;

inline Bytes element(std::uint8_t tag, const Bytes& content) {
    Bytes out{tag, static_cast<std::uint8_t>(content.size())};
    for (const std::uint8_t octet : content)
        out.push_back(octet);
    return out;
}

inline Bytes cert_id(const crypto::IssuerIdentity& issuer, const Serial& serial) {
    const auto hash = ocsp::HashAlgorithm::sha256;
    Bytes content = *from_hex("300d06096086480165030402010500");
    const auto add = [&](std::uint8_t tag, ByteView bytes) {
        for (const std::uint8_t octet : element(tag, Bytes(bytes.begin(), bytes.end())))
            content.push_back(octet);
    };
    add(0x04, issuer.name_hash(hash));
    add(0x04, issuer.key_hash(hash));
    add(0x02, serial.magnitude());
    return element(0x30, content);
}

// A service over the ledger of a world; its key signs slowly unless it is told otherwise.
struct Served {
    static constexpr const char* slow = "RSA -pkeyopt rsa_keygen_bits:3072";
    explicit Served(std::optional<std::uint32_t> budget = std::nullopt, const std::string& key = slow,
                    LiveService::Doors doors = {}) {
        world.settings = tests::make_issuer(world.folder.path(), 60, key);
        world.load_again();
        BOOST_REQUIRE(world.ledger->register_issuer(world.id(), "tested", true));
        world.issue(0, 3);
        auto signer = std::make_unique<LiveSigner>(
            std::vector{world.identity}, *world.ledger,
            [this](const std::string&) {
                return std::optional{Vouched{world.clock.now(), year_9999}};
            },
            [this] { return world.trusted_now ? world.trusted_now() : Result<UtcTime>{world.clock.now()}; });
        LiveBudgets budgets;
        if (budget)
            budgets.emplace(world.id(), LiveBudget{*budget, world.clock.steady()});
        doors.socket = path();
        auto opened = LiveService::open(std::move(doors), std::move(signer), std::move(budgets),
                                        world.metrics, world.clock);
        BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
        service = std::move(*opened);
    }
    std::filesystem::path path() const { return world.folder.path() / "live.sock"; }
    Bytes call(std::uint64_t number) const {
        return live::encode(
            live::Call{number, world.id(), {cert_id(world.identity->issuer, World::serial(1))}, {}});
    }

    World world;
    std::unique_ptr<LiveService> service;
};

}  // namespace eightbells::tests

#endif
