#ifndef EIGHTBELLS_TESTS_LEDGER_FIXTURE_H
#define EIGHTBELLS_TESTS_LEDGER_FIXTURE_H

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/crypto/certificate.h"
#include "responder/ledger/import.h"
#include "responder/ledger/ledger.h"

namespace eightbells::ledger {

inline std::ostream& operator<<(std::ostream& out, Verdict verdict) {
    return out << (verdict == Verdict::applied     ? "applied"
                   : verdict == Verdict::unchanged ? "unchanged"
                                                   : "refused");
}

namespace testing {

// 2026-11-22T12:00:00Z
inline constexpr UtcTime noon{seconds{1'795'348'800}};
inline constexpr const char* issuer = "00112233445566778899aabbccddeeff";

class TempFolder {
  public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const char* name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

Serial serial(std::string_view hex);
void write(const std::filesystem::path& file, std::string_view text);
std::string read(const std::filesystem::path& file);
// Runs a shell command in a folder, its output in `<folder>/log`; fails the test, with that output, unless it
// succeeds.
void run(const std::filesystem::path& folder, const std::string& command);

// A CA made once a test program by the openssl command: issuer.pem and issuer.key in `folder`.
struct TestCa {
    std::filesystem::path folder;
    crypto::IssuerIdentity identity;
};
const TestCa& test_ca();

// A ledger in a folder of its own with one issuer, at a standing clock.
struct Bench {
    explicit Bench(bool suspension = true, std::string issuer_id = issuer);
    void reopen();  // as after a restart
    EventAnswer apply(const Event& event);
    EventAnswer apply(Action action, std::string_view serial_hex,
                      std::optional<CrlReason> reason = std::nullopt,
                      std::optional<UtcTime> time = std::nullopt);
    void issue(std::string_view serial_hex, UtcTime not_after = noon + std::chrono::days{365});
    std::optional<Certificate> find(std::string_view serial_hex);
    CertStatus status(std::string_view serial_hex);
    std::vector<Source> sources();
    // An import of these entries; the digest is made from `version`.
    Result<ImportReport> import(const std::vector<Ledger::Entry>& entries, std::string version,
                                const std::function<void(Ledger::ImportSource&)>& adjust = {});
    std::vector<std::string> audit_texts(std::string_view kind);  // read with a connection of its own
    void sql(const std::string& statements);                      // as somebody with a database tool would

    TempFolder folder;
    ManualClock clock{noon};
    std::string id;
    std::unique_ptr<Ledger> ledger;
};

Ledger::Entry good(std::string_view serial_hex, std::uint64_t line = 0);
Ledger::Entry revoked(std::string_view serial_hex, UtcTime time,
                      std::optional<CrlReason> reason = std::nullopt, std::uint64_t line = 0);
inline Ledger::Entry held(std::string_view serial_hex, UtcTime time, std::uint64_t line = 0) {
    return revoked(serial_hex, time, CrlReason::certificate_hold, line);
}

bool contains(std::string_view text, std::string_view part);

template <class Outcome>
void check_fails(const Outcome& outcome, const char* call, int line,
                 std::initializer_list<std::string_view> parts) {
    BOOST_TEST_REQUIRE(!outcome.has_value(), "line " << line << ": did not fail: " << call);
    for (const std::string_view part : parts) {
        BOOST_TEST(contains(outcome.error().message, part), "line " << line << ": \""
                                                                    << outcome.error().message
                                                                    << "\" does not say \"" << part << "\"");
    }
}
template <class Outcome>
void require_ok(const Outcome& outcome, const char* call, int line) {
    BOOST_TEST_REQUIRE(outcome.has_value(), "line " << line << ": " << call << ": "
                                                    << (outcome.has_value() ? "" : outcome.error().message));
}

}  // namespace testing
}  // namespace eightbells::ledger

// The call fails, and its message names these parts.
#define CHECK_FAILS(call, ...) \
    ::eightbells::ledger::testing::check_fails((call), #call, __LINE__, {__VA_ARGS__})
#define REQUIRE_OK(call) ::eightbells::ledger::testing::require_ok((call), #call, __LINE__)

#endif
