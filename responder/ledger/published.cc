// What is not published yet, epochs, and the audit log: the parts of the ledger that the signer leans on.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/ledger/ledger.h"
#include "responder/ledger/limits.h"
#include "responder/ledger/state.h"

namespace eightbells::ledger {

Result<std::vector<Ledger::Change>> Ledger::unpublished(const std::string& issuer, std::size_t at_most) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    Query query = state_->reader.query(
        "SELECT id, serial, priority, at FROM changes WHERE issuer = ? ORDER BY priority, id LIMIT ?");
    query.with(known->id, std::uint64_t{std::min(at_most, limits::unpublished_changes)});
    std::vector<Change> changes;
    while (query.next()) {
        const auto serial = Serial::from_magnitude(query.blob(1));
        if (!serial)
            return fail(state_->reader.name() + ": a change's serial cannot be: the ledger is damaged");
        changes.push_back({static_cast<std::uint64_t>(query.integer(0)), *serial, query.integer(2) == 0,
                           from_unix(query.integer(3))});
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return changes;
}

Status Ledger::mark_published(const std::string& issuer, const std::vector<std::uint64_t>& change_ids) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    Query query =
        writing.database().query("DELETE FROM changes WHERE issuer = ? AND priority IN (0, 1) AND id = ?");
    for (const std::uint64_t id : change_ids) {
        if (auto status = query.with(known.id, id).run(); !status)
            return status;
    }
    return writing.commit();
}

Status Ledger::mark_all_published(const std::string& issuer, std::uint64_t up_to_change_id) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    // Without the question that comes first, an import since may have written nothing down.
    if (!known.published && !state_->whole_list_begun.contains(known.id))
        return fail(
            "the whole list cannot be marked published: last_change_id was not asked before it was read");
    Query query =
        writing.database().query("DELETE FROM changes WHERE issuer = ? AND priority IN (0, 1) AND id <= ?");
    if (auto status = query.with(known.id, up_to_change_id).run(); !status)
        return status;
    known.published = true;
    if (auto status = store_issuer(writing.database(), known); !status)
        return status;
    return writing.commit();
}

Result<std::size_t> Ledger::publish_again(const std::string& issuer, std::set<Serial> serials) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    {
        Query waiting = writing.database().query("SELECT serial FROM changes WHERE issuer = ?");
        waiting.with(known.id);
        while (waiting.next()) {
            if (const auto serial = Serial::from_magnitude(waiting.blob(0)))
                serials.erase(*serial);
        }
        if (auto status = waiting.finish(); !status)
            return fail(status.error().message);
    }
    if (serials.empty())
        return 0;
    for (const Serial& serial : serials) {
        if (auto status = add_change(writing.database(), known, serial, true, writing.now()); !status)
            return fail(status.error().message);
        writing.bound_recording();
    }
    if (auto status = store_issuer(writing.database(), known); !status)
        return fail(status.error().message);
    if (auto status = writing.commit(); !status)
        return fail(status.error().message);
    return serials.size();
}

Result<bool> Ledger::all_published(const std::string& issuer, std::uint64_t up_to_change_id) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    Query query = state_->reader.query(
        "SELECT 1 FROM changes WHERE issuer = ? AND priority IN (0, 1) AND id <= ? LIMIT 1");
    query.with(known->id, up_to_change_id);
    const bool waits = query.next();
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return !waits;
}

Result<std::uint64_t> Ledger::last_change_id(const std::string& issuer) {
    const std::scoped_lock turn(state_->write_turn);
    auto known = known_issuer(state_->writer, issuer);
    if (!known)
        return fail(known.error().message);
    state_->whole_list_begun.insert(known->id);
    return known->last_change;
}

Result<std::uint64_t> Ledger::take_epoch(std::uint64_t above) {
    auto writing = Writing::begin(*state_);
    if (!writing)
        return fail(writing.error().message);
    std::uint64_t epoch = above;
    {
        Query query = writing->database().query("SELECT value FROM epoch WHERE one = 1");
        if (query.next())
            epoch = std::max(epoch, static_cast<std::uint64_t>(query.integer(0)));
        if (auto status = query.finish(); !status)
            return fail(status.error().message);
    }
    if (epoch >= INT64_MAX)
        return fail(fmt::format("no epoch is left above {}", epoch));
    ++epoch;
    {
        Query query = writing->database().query("UPDATE epoch SET value = ? WHERE one = 1");
        if (auto status = query.with(epoch).run(); !status)
            return fail(status.error().message);
    }
    if (auto status = writing->audit("epoch", fmt::format(R"({{"epoch":{}}})", epoch)); !status)
        return fail(status.error().message);
    if (auto status = writing->commit(); !status)
        return fail(status.error().message);
    return epoch;
}

Status Ledger::append_audit(const std::string& kind, const std::string& text) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
    if (kind.empty() || kind.size() > limits::source_name_octets || !std::ranges::all_of(kind, plain))
        return fail("audit log: a kind is a word of lower-case letters and '-'");
    if (text.size() > limits::audit_text_octets || !nlohmann::json::accept(text))
        return fail(
            fmt::format("audit log: the text is not JSON of at most {} octets", limits::audit_text_octets));
    auto writing = Writing::begin(*state_);
    if (!writing)
        return fail(writing.error().message);
    if (auto status = writing->audit(kind, text); !status)
        return status;
    return writing->commit();
}

Result<AuditHead> Ledger::audit_head() {
    const std::scoped_lock turn(state_->read_turn);
    return read_audit_head(state_->reader);
}

Status Ledger::check_integrity(const std::optional<AuditHead>& anchor) {
    auto database = open_for_reading(state_->file);  // minutes on a large ledger: nobody waits for it
    if (!database)
        return fail(database.error().message);
    auto snapshot = Transaction::begin_reading(*database);
    if (!snapshot)
        return fail(snapshot.error().message);
    std::vector<std::string> faults;
    {
        Query query = database->query("PRAGMA integrity_check(20)");
        while (query.next()) {
            if (query.text(0) != "ok")
                faults.push_back("SQLite: " + std::string{query.text(0)});
        }
        if (auto status = query.finish(); !status)
            return status;
    }
    {
        Query query = database->query(
            "SELECT key FROM issuers WHERE certificates <> "
            "(SELECT count(*) FROM certificates WHERE certificates.issuer = issuers.id)");
        while (query.next())
            faults.push_back(
                fmt::format("issuer {}: its certificates are not as many as counted", query.text(0)));
        if (auto status = query.finish(); !status)
            return status;
    }
    auto audit = check_audit(*database, anchor);
    if (!audit)
        return fail(audit.error().message);
    std::ranges::move(*audit, std::back_inserter(faults));
    if (faults.empty())
        return {};
    return fail(fmt::format("{}: {}", state_->file.string(), fmt::join(faults, "; ")));
}

}  // namespace eightbells::ledger
