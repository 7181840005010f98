// What the ledger keeps for CRLs that are made here: who is listed, which numbers are taken.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "responder/crl/encode.h"
#include "responder/ledger/ledger.h"
#include "responder/ledger/limits.h"
#include "responder/ledger/state.h"

namespace eightbells::ledger {

namespace {

Result<std::map<std::int64_t, std::string>> read_distribution_points(Database& database, IssuerId issuer) {
    std::map<std::int64_t, std::string> points;
    Query query = database.query("SELECT id, uri FROM distribution_points WHERE issuer = ?");
    query.with(issuer);
    while (query.next())
        points.emplace(query.integer(0), std::string{query.text(1)});
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return points;
}

Result<std::optional<Ledger::CrlState>> read_crl_state(Database& database, IssuerId issuer,
                                                       const std::string& scope) {
    Query query = database.query("SELECT number, covers, last FROM crls WHERE issuer = ? AND scope = ?");
    query.with(issuer, scope);
    std::optional<Ledger::CrlState> found;
    if (query.next()) {
        const ByteView number = query.blob(0);
        found = Ledger::CrlState{Bytes{number.begin(), number.end()},
                                 static_cast<std::uint64_t>(query.integer(1)), query.integer(2) != 0};
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

}  // namespace

Result<std::uint64_t> Ledger::for_each_listed(const std::string& issuer,
                                              const std::function<Status(const Listed&)>& take) {
    auto database = open_for_reading(state_->file);  // its own: seconds for a large list, nobody waits
    if (!database)
        return fail(database.error().message);
    auto snapshot = Transaction::begin_reading(*database);
    if (!snapshot)
        return fail(snapshot.error().message);
    const auto known = known_issuer(*database, issuer);
    if (!known)
        return fail(known.error().message);
    const auto points = read_distribution_points(*database, known->id);
    if (!points)
        return fail(points.error().message);
    Query query = database->query("SELECT " EIGHTBELLS_ROW_COLUMNS
                                  ", last_listed FROM certificates INDEXED BY listed "
                                  "WHERE issuer = ? AND state <> 0 ORDER BY hash, serial");
    query.with(known->id);
    while (query.next()) {
        const auto row = read_row(query);
        if (!row)
            return fail(database->name(), row.error());
        Listed listed{row->serial, row->hash, row->not_after, *row->standing.status, nullptr, std::nullopt};
        if (row->distribution_point) {
            const auto point = points->find(*row->distribution_point);
            if (point == points->end())
                return fail(database->name() + ": a distribution point without a row: the ledger is damaged");
            listed.distribution_point = &point->second;
        }
        if (const auto time = query.optional_integer(column::distribution_point + 1))
            listed.last_listed = from_unix(*time);
        if (auto taken = take(listed); !taken)
            return tl::unexpected(taken.error());
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return known->status_changes;
}

Result<std::map<Serial, std::string>> Ledger::distribution_points(const std::string& issuer,
                                                                  unsigned page_bits, std::uint32_t index) {
    if (page_bits > limits::page_bits || index >> page_bits != 0)
        return fail(fmt::format("no page {} among 2^{}", index, page_bits));
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    const std::uint64_t first = page_bits == 0 ? 0 : std::uint64_t{index} << (64 - page_bits);
    const std::uint64_t last = first | (page_bits == 0 ? UINT64_MAX : UINT64_MAX >> page_bits);
    Query query = state_->reader.query(
        "SELECT certificates.serial, distribution_points.uri FROM certificates INDEXED BY listed "
        "JOIN distribution_points ON distribution_points.id = certificates.distribution_point "
        "WHERE certificates.issuer = ? AND state <> 0 AND hash BETWEEN ? AND ? LIMIT ?");
    query.with(known->id, to_key(first), to_key(last),
               static_cast<std::int64_t>(limits::ledger_page_records));
    std::map<Serial, std::string> points;
    while (query.next()) {
        const auto serial = Serial::from_magnitude(query.blob(0));
        if (!serial)
            return fail(state_->reader.name() + ": a serial that is none: the ledger is damaged");
        points.emplace(*serial, query.text(1));
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return points;
}

Result<std::uint64_t> Ledger::status_changes(const std::string& issuer) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    return known->status_changes;
}

Result<std::optional<Ledger::CrlState>> Ledger::crl_state(const std::string& issuer,
                                                          const std::string& scope) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    return read_crl_state(state_->reader, known->id, scope);
}

Result<Bytes> Ledger::take_crl_numbers(const std::string& issuer, const std::string& scope,
                                       const Bytes& at_least, unsigned count) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    auto state = read_crl_state(writing.database(), known.id, scope);
    if (!state)
        return fail(state.error().message);
    Bytes first = at_least;
    if (*state) {
        auto next = crl::crl_number_after((*state)->number);
        if (!next)
            return next;
        if (crl::compare_crl_numbers(*next, first) > 0)
            first = std::move(*next);
    }
    Bytes last = first;
    for (unsigned i = 1; i < count; ++i) {
        auto next = crl::crl_number_after(last);
        if (!next)
            return next;
        last = std::move(*next);
    }
    Query query = writing.database().query(
        "INSERT INTO crls (issuer, scope, number) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (issuer, scope) DO UPDATE SET number = ?3");
    if (auto status = query.with(known.id, scope, ByteView{last}).run(); !status)
        return fail(status.error().message);
    if (auto status = writing.commit(); !status)
        return fail(status.error().message);
    return first;
}

Status Ledger::crl_published(const std::string& issuer, const std::string& scope, std::uint64_t covers,
                             bool last, const std::string& text) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    {
        Query query = writing.database().query(
            "UPDATE crls SET covers = ?, last = max(last, ?) WHERE issuer = ? AND scope = ?");
        if (auto status = query.with(covers, last, known.id, scope).run(); !status)
            return status;
    }
    if (auto status = writing.audit("crl", text); !status)
        return status;
    return writing.commit();
}

Status Ledger::mark_last_listed(const std::string& issuer,
                                const std::vector<std::pair<std::uint64_t, Serial>>& certificates,
                                UtcTime this_update) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    // Only what had expired by then, whatever the caller says (C-13).
    Query query = writing.database().query(
        "UPDATE certificates SET last_listed = ?1 WHERE issuer = ?2 AND hash = ?3 AND serial = ?4 AND "
        "state <> 0 AND not_after < ?1 AND last_listed IS NULL");
    for (const auto& [hash, serial] : certificates) {
        if (auto status = query.with(to_unix(this_update), known.id, to_key(hash), serial.magnitude()).run();
            !status)
            return status;
    }
    return writing.commit();
}

}  // namespace eightbells::ledger
