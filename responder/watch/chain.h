#ifndef EIGHTBELLS_RESPONDER_WATCH_CHAIN_H
#define EIGHTBELLS_RESPONDER_WATCH_CHAIN_H

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/result.h"

namespace eightbells::watch {

using Digest = std::array<std::uint8_t, 32>;
Digest sha256(ByteView bytes) noexcept;

// The chain of an outage ledger. A row's digest is SHA-256 over the text
//   <digest of the row before, 64 hex digits; zeros for row 1> LF <number> LF <kind> LF <body> LF
// so that an auditor needs nothing but sqlite3 and sha256sum to follow it.
Digest row_digest(const Digest& previous, std::uint64_t number, std::string_view kind, std::string_view body);

struct Head {
    std::uint64_t number = 0;  // 0: no row yet
    Digest digest{};
    friend bool operator==(const Head&, const Head&) = default;
};

// A signed statement "at this time my ledger ended so", left with others once a day: what proves later that
// nothing before it was changed or cut off. One JSON object a line in an anchor file.
struct Anchor {
    std::string watch;   // the vantage's name
    std::string ledger;  // digest of row 1, in hex: which ledger
    Head head;
    UtcTime time{};
    Bytes signature;  // Ed25519 by the watch's key over signed_text()
};
// "eightbells-watch anchor" LF watch LF ledger LF number LF digest LF time LF
std::string signed_text(const Anchor& anchor);
std::string to_line(const Anchor& anchor);  // JSON with a line end
Result<Anchor> parse_anchor(std::string_view line);
// A missing file has no anchors. A line that is none is an error with file and line.
Result<std::vector<Anchor>> read_anchors(const std::filesystem::path& file);
// Appends and syncs; makes the file when it is not there. An anchor that stands there already is not added.
Status append_anchor(const std::filesystem::path& file, const Anchor& anchor);

}  // namespace eightbells::watch

#endif
