#ifndef EIGHTBELLS_TESTS_SIGNER_CRL_WORLD_H
#define EIGHTBELLS_TESTS_SIGNER_CRL_WORLD_H

#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "responder/crl/crl.h"
#include "responder/ledger/import.h"
#include "responder/signer/crl_issuer.h"
#include "tests/signer/world.h"

namespace eightbells::tests {

// A key that fails when it is told to, as a hardware module that went away.
class FailingKey final : public keys::SigningKey {
  public:
    explicit FailingKey(std::shared_ptr<const SigningKey> key) : key_(std::move(key)) {}
    ByteView subject_public_key_info() const noexcept override { return key_->subject_public_key_info(); }
    ByteView signature_algorithm() const noexcept override { return key_->signature_algorithm(); }
    ocsp::SignatureForm signature_form() const noexcept override { return key_->signature_form(); }
    Result<std::unique_ptr<Signer>> make_signer() const override {
        if (gone)
            return fail("the key is gone");
        return key_->make_signer();
    }
    bool gone = false;

  private:
    std::shared_ptr<const SigningKey> key_;
};

inline constexpr const char* part_1 = "http://crl.example.org/part-1.crl";
inline constexpr const char* part_2 = "http://crl.example.org/part-2.crl";
inline constexpr const char* delta_uri = "http://crl.example.org/delta.crl";

// The world with a CA that gave its key for CRLs.
struct CrlWorld : World, CrlOutlet {
    explicit CrlWorld(const std::function<void(config::Issuer&)>& adjust = {}, int signer_days = 60)
        : World(signer_days) {
        settings.generated_crl.key = folder.path() / "issuer.key";
        if (adjust)
            adjust(settings);
        load_again();
        use_failing_key();
        restart();
        begin();
    }
    void use_failing_key() {
        key = std::make_shared<FailingKey>(identity->crl_key);
        auto with_key = std::make_shared<Identity>(*identity);
        with_key->crl_key = key;
        identity = with_key;
    }
    // A new CRL issuer on what is stored.
    void begin() {
        crls.reset();
        crls = std::make_unique<CrlIssuer>(
            *ledger, folder.path(),
            [this](const std::string&) -> std::optional<UtcTime> {
                return silent ? std::nullopt : std::optional{as_of.value_or(clock.now())};
            },
            [this] { return trusted_now ? trusted_now() : Result<UtcTime>{clock.now()}; }, *this, clock);
        const auto added = crls->add_issuer(identity);
        BOOST_REQUIRE_MESSAGE(added, added.error().message);
    }
    void restart_all() {
        crls.reset();
        restart();
        begin();
    }
    // Makes what is due and publishes it.
    bool look() {
        const bool made = crls->round();
        settle();
        crls->round();
        return made;
    }

    void serve_crl(const std::string& issuer, const std::string& path,
                   std::shared_ptr<const MappedFile> der) override {
        ++handed_over;
        publisher->submit_crl(issuer, path, std::move(der));
    }
    std::shared_ptr<const MappedFile> crl_at(const std::string& issuer, const std::string& path) override {
        return publisher->served_crl(issuer, path);
    }
    bool crl_waits(const std::string& issuer, const std::string& path) override {
        return publisher->crl_waits(issuer, path);
    }
    void on_issuance(const Identity&, const CrlIssuance& now) override { issuance = now; }

    // As the page file has it, under the head.
    Bytes stored(const std::string& path = "/tested.crl") {
        cache::Walk walk{*pages, id(), {store_key.public_key()}};
        const auto head = walk.head();
        BOOST_REQUIRE_MESSAGE(head, head.error().message);
        const auto at = std::ranges::find(head->crls, path, &cache::Head::CrlRef::path);
        BOOST_REQUIRE_MESSAGE(at != head->crls.end(), "no CRL at " << path);
        auto der = walk.crl(*at);
        BOOST_REQUIRE_MESSAGE(der, der.error().message);
        return std::move(*der);
    }
    struct Read {
        Bytes der;
        crl::CrlView view;
        std::map<std::string, Revocation> entries;  // by serial in hex
    };
    std::unique_ptr<Read> read(const std::string& path = "/tested.crl") {
        auto result = std::make_unique<Read>();
        result->der = stored(path);
        const auto view = crl::parse_crl(result->der);
        BOOST_REQUIRE_MESSAGE(view, view.error().message);
        result->view = *view;
        const auto done = crl::for_each_entry(*view, [&](const crl::CrlEntry& entry) {
            result->entries.emplace(entry.serial.to_hex(), entry.revocation);
            return Status{};
        });
        BOOST_REQUIRE_MESSAGE(done, done.error().message);
        return result;
    }
    // Certificates whose distribution point and end are known.
    void issue_at(unsigned from, unsigned count, const std::optional<std::string>& point, UtcTime not_after) {
        ledger::Ledger::ImportSource source;
        source.issuer = id();
        source.name = "list:points";
        source.file = "points";
        const auto report =
            ledger->import(source, [&](const ledger::Ledger::Take& take) -> Result<crypto::Sha256Digest> {
                for (unsigned n = from; n < from + count; ++n) {
                    ledger::Ledger::Entry entry{serial(n), not_after, {}, false, {}, n + 1};
                    entry.distribution_point = point;
                    if (auto taken = take(entry); !taken)
                        return tl::unexpected<Error>(taken.error());
                }
                return crypto::sha256(as_bytes(fmt::format("{} {} {}", from, count, point.value_or("-"))));
            });
        BOOST_REQUIRE_MESSAGE(report, report.error().message);
    }
    std::string run(const std::string& command) const {
        const std::string line = "cd '" + folder.path().string() + "' && { " + command + "\n} 2>&1";
        std::FILE* pipe = ::popen(line.c_str(), "r");
        BOOST_REQUIRE(pipe != nullptr);
        std::string output;
        char buffer[4096];
        for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) != 0;)
            output.append(buffer, got);
        const int status = ::pclose(pipe);
        BOOST_REQUIRE_MESSAGE(status == 0, command << ": " << output);
        return output;
    }
    void write(const std::string& name, ByteView bytes) const {
        std::ofstream(folder.path() / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    // What `cryptography` reads in it, and that the signature is right.
    std::string facts(const Bytes& der) const {
        write("judged.crl", der);
        return run("/usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR
                   "/tests/signer/data/crl_facts.py' issuer.pem judged.crl");
    }

    std::shared_ptr<FailingKey> key;
    std::unique_ptr<CrlIssuer> crls;
    CrlIssuance issuance;
    bool silent = false;  // no source has spoken
    unsigned handed_over = 0;
};

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace eightbells::tests

#endif
