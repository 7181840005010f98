#ifndef EIGHTBELLS_RESPONDER_WATCH_REPORT_H
#define EIGHTBELLS_RESPONDER_WATCH_REPORT_H

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/watch/chain.h"
#include "responder/watch/history.h"
#include "responder/watch/watch_key.h"

namespace eightbells::watch {

// The availability report of a calendar month (UTC): what outage ledgers say of it, with everything that an
// auditor needs to redo the sums (G-01, G-02, G-03). It is a function of the ledgers up to the rows that it
// names, the month, the moment at which it was made and the view: made again from the same rows it has the
// same octets. Signed over these octets; the HTML is drawn from them and names their SHA-256.

// A ledger up to and including one of its rows.
struct LedgerView {
    struct SignedHead {
        std::uint64_t row = 0;  // where it stands in the chain
        Anchor anchor;
    };
    struct Run {  // the watch's program began, or ended in order
        std::uint64_t row = 0;
        bool started = false;
        UtcTime time{};
    };
    History history;
    Head head;           // as the file has it; examine() says whether it follows from the rows
    std::string ledger;  // digest of row 1 in hex
    std::vector<SignedHead> signed_heads;
    std::vector<Run> runs;
};
// Rows after `last` are passed over. An error: a row up to there that no watch wrote, or none at all.
Result<LedgerView> view_ledger(const std::filesystem::path& file, std::uint64_t last = UINT64_MAX);

struct ReportPlan {
    std::chrono::year_month month{};
    UtcTime made{};        // a month that is not over by then is reported up to then, and marked as partial
    bool merged = true;    // false: one vantage on its own
    std::string signer;    // the watch whose key signs, and
    WatchPublicKey key{};  // that key
};
// "2026-11", from 1970 to 9998.
Result<std::chrono::year_month> parse_month(std::string_view text);
Window window_of(std::chrono::year_month month);

// `views`: not empty, no null, one for each watch. An error: the month has not begun.
Result<nlohmann::ordered_json> make_report(const std::vector<const LedgerView*>& views,
                                           const ReportPlan& plan);
// The octets that are signed.
std::string report_octets(const nlohmann::ordered_json& report);
// One self-contained page, for screen and paper. Throws as nlohmann::json does when `report` is none.
std::string report_html(const nlohmann::ordered_json& report, const Digest& digest_of_octets);

struct ReportFiles {
    std::string json;
    Bytes signature;  // Ed25519 over `json`
    std::optional<std::string> html;
};

struct ReportVerification {
    std::vector<std::string> faults;  // empty: everything that could be looked at holds
    std::string month;
    std::string watch;  // whose key signed
    std::string key;    // in hex
    struct Ledger {
        std::string watch;
        std::uint64_t rows = 0;  // of the whole ledger
        std::uint64_t anchors_met = 0;
        std::uint64_t last_anchor = 0;  // row up to which no truncation can hide
    };
    std::vector<Ledger> ledgers;  // with which its numbers were redone
};
// Without ledgers only the signature, the form and the page are looked at. `key`: whose signature it has to
// be; without it, that of the ledger's first row. `anchors`: signed heads of these ledgers that were kept
// elsewhere.
ReportVerification verify_report(const ReportFiles& report, const std::vector<std::filesystem::path>& ledgers,
                                 const std::vector<Anchor>& anchors,
                                 const std::optional<WatchPublicKey>& key);

}  // namespace eightbells::watch

#endif
