#include "responder/ledger/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/ledger/limits.h"

namespace eightbells::ledger {

namespace {

using Json = nlohmann::ordered_json;

bool is_source_name(std::string_view name) noexcept {
    const auto allowed = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    };
    // The files' own names: a hold set by one of them is released by it.
    return !name.empty() && name.size() <= limits::source_name_octets && std::ranges::all_of(name, allowed) &&
           name != "index" && name != "crl";
}

// Over every field that says what is asked, so that a number used for two different events is seen.
crypto::Sha256Digest content_digest(crypto::Sha256& sha256, const Event& event) {
    const auto number = [](const std::optional<UtcTime>& time) {
        return time ? std::to_string(to_unix(*time)) : std::string{"-"};
    };
    const std::string content = fmt::format(
        "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", event.issuer, to_string(event.action),
        event.serial ? event.serial->to_hex() : "-", event.reason ? to_string(*event.reason) : "-",
        number(event.time), number(event.invalidity_date), number(event.not_after),
        event.hash ? to_hex(*event.hash) : "-");
    return sha256.of(as_bytes(content));
}

Json to_json(const CertStatus& status) {
    Json json;
    json["status"] = !status ? "good" : on_hold(status) ? "hold" : "revoked";
    if (!status)
        return json;
    json["time"] = to_iso8601(status->time);
    if (status->reason)
        json["reason"] = to_string(*status->reason);
    if (status->invalidity_date)
        json["invalidity_date"] = to_iso8601(*status->invalidity_date);
    return json;
}

// One event on its way through the transaction.
struct Case {
    const Event& event;
    Issuer& issuer;
    SourceRow& source;
    EventAnswer answer;
    std::optional<CertStatus> before;
    std::optional<CertStatus> after;
};

// What is wrong with the event before any number is used up; empty: nothing.
std::string fault_of(const Event& event, const Issuer* issuer) {
    if (issuer == nullptr)
        return fmt::format("issuer: {:.80} is not known here", event.issuer);
    if (!is_source_name(event.source)) {
        return fmt::format(
            "source: a name of 1 to {} letters, digits, '.', '_' or '-' is expected, and not \"index\" or "
            "\"crl\"",
            limits::source_name_octets);
    }
    if (event.sequence && (*event.sequence == 0 || *event.sequence > INT64_MAX))
        return "sequence: a number from 1 to 2^63 - 1 is expected";
    return {};
}

// Is it a repetition? Fills in the answer.
Result<bool> is_repeated(Database& database, Case& the, const crypto::Sha256Digest& digest) {
    const std::uint64_t sequence = the.answer.sequence;
    if (sequence > the.source.last_sequence)
        return false;
    if (the.source.last_sequence - sequence >= limits::remembered_events) {
        the.answer.message = fmt::format(
            "sequence: {} is too old to tell whether it was applied: only the last {} of source {} are "
            "remembered, the latest is {}. Look the certificate up, or send a new number",
            sequence, limits::remembered_events, the.event.source, the.source.last_sequence);
        return true;
    }
    Query query =
        database.query("SELECT digest, verdict, gap, message FROM events WHERE source = ? AND sequence = ?");
    query.with(the.source.id, sequence);
    bool found = false;
    if (query.next()) {
        found = true;
        if (equal(query.blob(0), digest)) {
            the.answer = {static_cast<Verdict>(query.integer(1)), sequence, true, query.integer(2) != 0,
                          std::string{query.text(3)}};
        } else {
            the.answer.message = fmt::format(
                "sequence: {} of source {} was already used for another event; nothing was changed", sequence,
                the.event.source);
        }
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

void refuse(Case& the, std::string why) {
    the.answer.verdict = Verdict::refused;
    the.answer.message = std::move(why);
}

Status issue(Writing& writing, Case& the) {
    const Event& event = the.event;
    Database& database = writing.database();
    if (event.reason || event.time || event.invalidity_date) {
        refuse(the, "an issue has no reason, time or invalidity date");
        return {};
    }
    if (!event.not_after) {
        refuse(the, "not_after: missing");
        return {};
    }
    const std::uint64_t hash = crypto::serial_hash(writing.books().sha256, event.serial->magnitude());
    auto row = find_row(database, the.issuer.id, hash, *event.serial);
    if (!row)
        return fail(row.error().message);
    if (!*row) {
        const Row fresh{hash,          *event.serial, *event.not_after, writing.now(),
                        the.source.id, std::nullopt,  event.hash,       {},
                        std::nullopt};
        if (auto status = insert_row(database, the.issuer.id, fresh); !status)
            return status;
        ++the.issuer.certificates;
        the.answer.verdict = Verdict::applied;
        the.answer.message = "issued, good until " + to_iso8601(*event.not_after);
        return add_change(database, the.issuer, *event.serial, false, writing.now());
    }
    Row& known = **row;
    const bool end_unknown = known.not_after == year_9999;  // from a CRL's entry
    if ((known.not_after != *event.not_after && !end_unknown) ||
        (known.certificate_hash && event.hash && known.certificate_hash != event.hash)) {
        refuse(the,
               fmt::format("already issued with other facts: not_after {}{}", to_iso8601(known.not_after),
                           known.certificate_hash ? ", sha256 " + to_hex(*known.certificate_hash) : ""));
        return {};
    }
    const bool adds_hash = event.hash && !known.certificate_hash;
    const bool adds_end = known.not_after != *event.not_after;
    if (!adds_hash && !adds_end) {
        the.answer.verdict = Verdict::unchanged;
        the.answer.message = "already issued; " + describe(known.standing.status);
        return {};
    }
    if (adds_hash)
        known.certificate_hash = event.hash;
    known.not_after = *event.not_after;
    the.answer.verdict = Verdict::applied;
    the.answer.message = "already issued; its facts were completed";
    if (auto status = update_row(database, the.issuer.id, known); !status)
        return status;
    return add_change(database, the.issuer, *event.serial, false, writing.now());
}

Status change_status(Writing& writing, Case& the, bool late) {
    const Event& event = the.event;
    Database& database = writing.database();
    if (event.not_after || event.hash) {
        refuse(the, "not_after and sha256 belong to an issue");
        return {};
    }
    if (late && (event.action == Action::release || event.action == Action::correct)) {
        refuse(the, fmt::format(
                        "sequence: {} comes after {}; a {} that late could undo what came after it. Send it "
                        "under a new number if it still holds",
                        the.answer.sequence, the.source.last_sequence, to_string(event.action)));
        return {};
    }
    const std::uint64_t hash = crypto::serial_hash(writing.books().sha256, event.serial->magnitude());
    auto row = find_row(database, the.issuer.id, hash, *event.serial);
    if (!row)
        return fail(row.error().message);
    std::optional<Standing> standing;
    if (*row) {
        standing = (*row)->standing;
        the.before = standing->status;
    }
    EventOutcome outcome = judge_event(standing, event, the.source.id, the.issuer.suspension, writing.now());
    the.answer.verdict = outcome.verdict;
    the.answer.message = std::move(outcome.message);
    if (outcome.verdict != Verdict::applied)
        return {};
    the.after = outcome.standing.status;
    (*row)->standing = std::move(outcome.standing);
    if (auto status = update_row(database, the.issuer.id, **row); !status)
        return status;
    return add_change(database, the.issuer, *event.serial, true, writing.now());
}

void heartbeat(Writing& writing, Case& the) {
    const Event& event = the.event;
    if (event.serial || event.reason || event.invalidity_date || event.not_after || event.hash)
        return refuse(the, "a heartbeat has no serial, reason, invalidity date, not_after or sha256");
    if (event.time && *event.time > writing.now() + limits::clock_allowance)
        return refuse(the, fmt::format("time: {} is in the future; it is {} now", to_iso8601(*event.time),
                                       to_iso8601(writing.now())));
    the.source.carries_status = true;
    if (the.source.gap != 0) {
        the.answer.verdict = Verdict::unchanged;
        the.answer.message = fmt::format(
            "numbers before {} are missing: the source does not count as current until a full list is read",
            the.source.gap);
        return;
    }
    const UtcTime as_of = std::min(event.time.value_or(writing.now()), writing.now());
    the.source.as_of = std::max(the.source.as_of.value_or(as_of), as_of);
    the.answer.verdict = Verdict::applied;
    the.answer.message = "current as of " + to_iso8601(*the.source.as_of);
}

Status carry_out(Writing& writing, Case& the, bool late) {
    if (the.event.action == Action::heartbeat) {
        heartbeat(writing, the);
        return {};
    }
    if (!the.event.serial) {
        refuse(the, "serial: missing");
        return {};
    }
    return the.event.action == Action::issue ? issue(writing, the) : change_status(writing, the, late);
}

// Exactly one line an event (G-12); see Ledger::append_audit for what has none.
Status write_audit(Writing& writing, const Case& the) {
    const Event& event = the.event;
    const bool quiet = event.action == Action::heartbeat || event.action == Action::issue;
    if (quiet && the.answer.verdict != Verdict::refused)
        return {};
    Json line;
    line["issuer"] = the.issuer.key;
    line["source"] = event.source;
    line["sequence"] = the.answer.sequence;
    line["action"] = to_string(event.action);
    if (event.serial)
        line["serial"] = event.serial->to_hex();
    static constexpr const char* verdicts[] = {"applied", "unchanged", "refused"};
    line["result"] = verdicts[static_cast<std::size_t>(the.answer.verdict)];
    line["message"] = the.answer.message;
    if (the.before)
        line["old"] = to_json(*the.before);
    if (the.after)
        line["new"] = to_json(*the.after);
    return writing.audit("event", line.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Status remember(Database& database, const Case& the, const crypto::Sha256Digest& digest) {
    Query query = database.query(
        "INSERT INTO events (source, sequence, digest, verdict, gap, message) VALUES (?, ?, ?, ?, ?, ?)");
    return query
        .with(the.source.id, the.answer.sequence, ByteView{digest}, static_cast<int>(the.answer.verdict),
              the.answer.gap, the.answer.message)
        .run();
}

Status forget_old(Database& database, const SourceRow& source) {
    if (source.last_sequence <= limits::remembered_events)
        return {};
    Query query = database.query("DELETE FROM events WHERE source = ? AND sequence <= ?");
    return query.with(source.id, source.last_sequence - limits::remembered_events).run();
}

}  // namespace

Json status_json(const CertStatus& status) {
    return to_json(status);
}

Result<Issuer*> EventSeries::issuer(const std::string& key) {
    auto at = issuers_.find(key);
    if (at == issuers_.end()) {
        auto found = find_issuer(writing_.database(), key);
        if (!found)
            return fail(found.error().message);
        if (!*found)
            return nullptr;
        at = issuers_.emplace(key, std::move(**found)).first;
    }
    return &at->second;
}

Result<SourceRow*> EventSeries::source(IssuerId issuer, const std::string& name) {
    auto at = sources_.find({issuer, name});
    if (at == sources_.end()) {
        auto found = find_or_add_source(writing_.database(), issuer, name);
        if (!found)
            return fail(found.error().message);
        at = sources_.emplace(std::pair{issuer, name}, *found).first;
    }
    return &at->second;
}

Result<EventAnswer> EventSeries::apply(const Event& event) {
    Database& database = writing_.database();
    const auto known = issuer(event.issuer);
    if (!known)
        return fail(known.error().message);
    EventAnswer answer;
    answer.message = fault_of(event, *known);
    if (!answer.message.empty())
        return answer;
    const auto row = source((*known)->id, event.source);
    if (!row)
        return fail(row.error().message);
    SourceRow& from = **row;
    if (!event.sequence && from.last_sequence == INT64_MAX) {
        answer.message = "sequence: the source has used its last number";
        return answer;
    }
    Case the{event, **known, from, {}, {}, {}};
    the.answer.sequence = event.sequence.value_or(from.last_sequence + 1);
    const crypto::Sha256Digest digest = content_digest(writing_.books().sha256, event);
    const auto repeated = is_repeated(database, the, digest);
    if (!repeated)
        return fail(repeated.error().message);
    if (*repeated) {
        if (!the.answer
                 .repeated) {  // a refusal of the number itself: on record, the number stays what it was
            if (auto status = write_audit(writing_, the); !status)
                return fail(status.error().message);
        }
        return the.answer;
    }
    const bool late = the.answer.sequence < from.last_sequence;
    the.answer.gap = the.answer.sequence > from.last_sequence + 1;
    if (the.answer.gap)
        from.gap = the.answer.sequence;
    if (auto status = carry_out(writing_, the, late); !status)
        return fail(status.error().message);
    // From its first heartbeat on a source speaks of all certificates: each event in sequence says that
    // nothing else happened before it.
    if (from.carries_status && from.gap == 0 && !late && event.action != Action::heartbeat)
        from.as_of = writing_.now();
    from.last_sequence = std::max(from.last_sequence, the.answer.sequence);
    for (const auto& step : {remember(database, the, digest), write_audit(writing_, the)}) {
        if (!step)
            return fail(step.error().message);
    }
    return the.answer;
}

Status EventSeries::finish() {
    Database& database = writing_.database();
    for (const auto& [key, issuer] : issuers_) {
        if (auto stored = store_issuer(database, issuer); !stored)
            return stored;
    }
    for (const auto& [key, source] : sources_) {
        if (auto stored = store_source(database, source); !stored)
            return stored;
        if (auto forgotten = forget_old(database, source); !forgotten)
            return forgotten;
    }
    return {};
}

}  // namespace eightbells::ledger
