#include "responder/ledger/audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "responder/ledger/limits.h"

namespace eightbells::ledger {

namespace {

crypto::Sha256Digest line_hash(crypto::Sha256& sha256, const crypto::Sha256Digest& before, std::uint64_t line,
                               std::string_view at, std::string_view kind, std::string_view text) noexcept {
    std::array<std::uint8_t, 8> number{};
    for (std::size_t i = 0; i < number.size(); ++i)
        number[i] = static_cast<std::uint8_t>(line >> (56 - 8 * i));
    static constexpr std::array<std::uint8_t, 1> end{0};
    sha256.update(before);
    sha256.update(number);
    sha256.update(as_bytes(at));
    sha256.update(end);
    sha256.update(as_bytes(kind));
    sha256.update(end);
    sha256.update(as_bytes(text));
    return sha256.finish();
}

std::optional<crypto::Sha256Digest> to_digest(ByteView bytes) {
    crypto::Sha256Digest digest{};
    if (bytes.size() != digest.size())
        return std::nullopt;
    std::ranges::copy(bytes, digest.begin());
    return digest;
}

}  // namespace

Result<AuditHead> read_audit_head(Database& database) {
    Query query = database.query("SELECT line, hash FROM audit_head WHERE one = 1");
    AuditHead head;
    bool found = false;
    if (query.next()) {
        const auto digest = to_digest(query.blob(1));
        found = digest.has_value() && query.integer(0) >= 0;
        head = {static_cast<std::uint64_t>(query.integer(0)), digest.value_or(crypto::Sha256Digest{})};
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    if (!found)
        return fail(database.name() + ": the end of the audit log is not recorded: the ledger is damaged");
    return head;
}

Status AuditLog::load(Database& database) {
    auto head = read_audit_head(database);
    if (!head)
        return fail(head.error().message);
    head_ = *head;
    grown_ = false;
    return {};
}

Status AuditLog::append(Database& database, UtcTime at, std::string_view kind, std::string_view text) {
    const std::string time = to_iso8601(at);
    const std::uint64_t line = head_.line + 1;
    const crypto::Sha256Digest hash = line_hash(sha256_, head_.hash, line, time, kind, text);
    Query query = database.query("INSERT INTO audit (line, at, kind, text, hash) VALUES (?, ?, ?, ?, ?)");
    if (auto status = query.with(line, time, kind, text, ByteView{hash}).run(); !status)
        return status;
    head_ = {line, hash};
    grown_ = true;
    return {};
}

Status AuditLog::store_head(Database& database) {
    if (!grown_)
        return {};
    Query query = database.query("UPDATE audit_head SET line = ?, hash = ? WHERE one = 1");
    return query.with(head_.line, ByteView{head_.hash}).run();
}

Result<std::vector<std::string>> check_audit(Database& database, const std::optional<AuditHead>& anchor) {
    const auto head = read_audit_head(database);
    if (!head)
        return fail(head.error().message);
    std::vector<std::string> faults;
    const auto report = [&](std::string fault) {
        if (faults.size() < limits::integrity_faults)
            faults.push_back(std::move(fault));
    };
    crypto::Sha256 sha256;
    AuditHead seen;
    bool anchored = !anchor || anchor->line == 0;
    Query query = database.query("SELECT line, at, kind, text, hash FROM audit ORDER BY line");
    while (query.next()) {
        const auto line = static_cast<std::uint64_t>(query.integer(0));
        if (line != seen.line + 1)
            report(fmt::format("audit log: line {} is followed by line {}", seen.line, line));
        const auto stored = to_digest(query.blob(4));
        const auto computed = line_hash(sha256, seen.hash, line, query.text(1), query.text(2), query.text(3));
        if (!stored || *stored != computed)
            report(fmt::format("audit log: line {} was edited, or one before it is missing", line));
        seen = {line, stored.value_or(computed)};
        if (anchor && anchor->line == line) {
            anchored = true;
            if (anchor->hash != seen.hash)
                report(fmt::format("audit log: line {} is not the one that was noted elsewhere", line));
        }
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    if (seen != *head)
        report(fmt::format("audit log: ends at line {}, where line {} was written", seen.line, head->line));
    if (!anchored)
        report(fmt::format("audit log: line {}, noted elsewhere, is missing", anchor->line));
    return faults;
}

}  // namespace eightbells::ledger
