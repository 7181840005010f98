#include "responder/ledger/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/base/limits.h"
#include "responder/ledger/events.h"
#include "responder/ledger/import_run.h"
#include "responder/ledger/limits.h"
#include "responder/ledger/state.h"

namespace eightbells::ledger {

namespace {
constexpr std::array<std::string_view, 6> action_names{"issue",   "revoke",  "hold",
                                                       "release", "correct", "heartbeat"};
}

std::string_view to_string(Action action) noexcept {
    return action_names[static_cast<std::size_t>(action)];
}
std::optional<Action> action_from_string(std::string_view text) noexcept {
    for (std::size_t i = 0; i < action_names.size(); ++i) {
        if (action_names[i] == text)
            return static_cast<Action>(i);
    }
    return std::nullopt;
}

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const std::filesystem::path& file, bool create,
                                             const Clock& clock) {
    auto lock = FileLock::acquire(file.string() + ".lock");
    if (!lock)
        return fail(lock.error().message);
    auto writer = open_for_writing(file, create);
    if (!writer)
        return fail(writer.error().message);
    auto reader = open_for_reading(file);
    if (!reader)
        return fail(reader.error().message);
    return std::unique_ptr<Ledger>(new Ledger(
        std::make_unique<State>(file, clock, std::move(*lock), std::move(*writer), std::move(*reader))));
}

Result<std::optional<std::uint64_t>> Ledger::count_in(const std::filesystem::path& file,
                                                      const std::string& issuer) {
    auto database = open_for_reading(file);
    if (!database)
        return fail(database.error().message);
    const auto known = find_issuer(*database, issuer);
    if (!known)
        return fail(known.error().message);
    return *known ? std::optional{(*known)->certificates} : std::nullopt;
}

Status Ledger::register_issuer(const std::string& issuer, const std::string& name, bool suspension) {
    auto writing = Writing::begin(*state_);
    if (!writing)
        return fail(writing.error().message);
    auto known = find_issuer(writing->database(), issuer);
    if (!known)
        return fail(known.error().message);
    Query query = writing->database().query(
        "INSERT INTO issuers (key, name, suspension) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (key) DO UPDATE SET name = ?2, suspension = ?3");
    if (auto status = query.with(issuer, name, suspension).run(); !status)
        return status;
    if (!*known || (*known)->suspension != suspension) {
        nlohmann::ordered_json line{{"issuer", issuer}, {"name", name}, {"suspension", suspension}};
        const std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
        if (auto status = writing->audit(*known ? "issuer-changed" : "issuer-registered", text); !status)
            return status;
    }
    return writing->commit();
}

// --- events and imports

Result<EventAnswer> Ledger::apply(const Event& event) {
    auto answers = apply(std::vector<Event>{event});
    if (!answers)
        return fail(answers.error().message);
    return std::move(answers->front());
}

Result<std::vector<EventAnswer>> Ledger::apply(const std::vector<Event>& events) {
    if (events.size() > limits::events_per_transaction) {
        return fail(fmt::format("{} events at once, more than the limit of {}", events.size(),
                                limits::events_per_transaction));
    }
    std::vector<EventAnswer> answers;
    answers.reserve(events.size());
    std::uint64_t number = 0;
    std::function<Status(std::uint64_t)> confirm;
    {
        auto writing = Writing::begin(*state_);
        if (!writing)
            return fail(writing.error().message);
        EventSeries series(*writing);
        for (const Event& event : events) {
            auto answer = series.apply(event);
            if (!answer)
                return fail(answer.error().message);
            answers.push_back(std::move(*answer));
        }
        if (auto status = series.finish(); !status)
            return fail(status.error().message);
        // Only from here on may anybody be told: a crash before leaves nothing of it, the source asks again.
        if (auto status = writing->commit(); !status)
            return fail(status.error().message);
        number = writing->number();
        confirm = state_->listener.confirm;
    }
    // Outside the turn: who waits for the second signer keeps nobody from writing.
    if (confirm) {
        if (auto status = confirm(number); !status)
            return fail(status.error().message);
    }
    return answers;
}

Journal Ledger::journal() {
    return Journal{*state_};
}

Result<ImportReport> Ledger::import(const ImportSource& source, const Produce& produce) {
    ImportRun run(*state_, source);
    return run.run(produce);
}

Status Ledger::confirm(const std::string& issuer, const std::string& source, UtcTime as_of) {
    auto begun = begin_writing(*state_, issuer);
    if (!begun)
        return fail(begun.error().message);
    auto& [writing, known] = *begun;
    auto row = find_source(writing.database(), known.id, source);
    if (!row)
        return fail(row.error().message);
    if (!*row)
        return fail(fmt::format("source {} of issuer {} has not spoken yet", source, issuer));
    (*row)->as_of = as_of;
    if (auto status = store_source(writing.database(), **row); !status)
        return status;
    return writing.commit();
}

// --- reading

Result<std::optional<Certificate>> Ledger::find(const std::string& issuer, const Serial& serial) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    const std::uint64_t hash = crypto::serial_hash(state_->reader_sha256, serial.magnitude());
    auto row = find_row(state_->reader, known->id, hash, serial);
    if (!row)
        return fail(row.error().message);
    if (!*row)
        return std::nullopt;
    return to_certificate(**row);
}

Result<std::uint64_t> Ledger::count(const std::string& issuer) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    return known->certificates;
}

// A certificate is valid to the end of its notAfter (RFC 5280, section 4.1.2.5).
#define EIGHTBELLS_OPEN_CERTIFICATES "FROM certificates WHERE issuer = ? AND state <> 2 AND not_after >= ?"

Result<std::optional<Serial>> Ledger::find_open(const std::string& issuer, UtcTime now) {
    auto database = open_for_reading(state_->file);  // its own: nobody waits for a walk over all of them
    if (!database)
        return fail(database.error().message);
    const auto known = known_issuer(*database, issuer);
    if (!known)
        return fail(known.error().message);
    Query query = database->query("SELECT serial " EIGHTBELLS_OPEN_CERTIFICATES " LIMIT 1");
    query.with(known->id, to_unix(now));
    std::optional<Serial> found;
    if (query.next())
        found = Serial::from_magnitude(query.blob(0));
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

Result<std::uint64_t> Ledger::count_open(const std::string& issuer, UtcTime now) {
    auto database = open_for_reading(state_->file);
    if (!database)
        return fail(database.error().message);
    const auto known = known_issuer(*database, issuer);
    if (!known)
        return fail(known.error().message);
    Query query = database->query("SELECT count(*) " EIGHTBELLS_OPEN_CERTIFICATES);
    query.with(known->id, to_unix(now));
    const std::int64_t open = query.next() ? query.integer(0) : 0;
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return static_cast<std::uint64_t>(open);
}

Result<std::vector<Certificate>> Ledger::page(const std::string& issuer, unsigned page_bits,
                                              std::uint32_t index) {
    if (page_bits > limits::page_bits || index >> page_bits != 0)
        return fail(fmt::format("no page {} among 2^{}", index, page_bits));
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    const std::uint64_t first = page_bits == 0 ? 0 : std::uint64_t{index} << (64 - page_bits);
    const std::uint64_t last = first | (page_bits == 0 ? UINT64_MAX : UINT64_MAX >> page_bits);
    Query query = state_->reader.query("SELECT " EIGHTBELLS_ROW_COLUMNS
                                       " FROM certificates WHERE issuer = ? AND hash BETWEEN ? AND ? "
                                       "ORDER BY hash, serial");
    query.with(known->id, to_key(first), to_key(last));
    std::vector<Certificate> certificates;
    while (query.next()) {
        if (certificates.size() == limits::ledger_page_records) {
            return fail(
                fmt::format("page {} of 2^{} holds more than {} certificates: more page bits are needed",
                            index, page_bits, limits::ledger_page_records));
        }
        auto row = read_row(query);
        if (!row)
            return fail(state_->reader.name(), row.error());
        certificates.push_back(to_certificate(*row));
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return certificates;
}

Result<std::vector<Source>> Ledger::sources(const std::string& issuer) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    Query query = state_->reader.query(
        "SELECT name, carries_status, as_of, last_sequence, gap FROM sources WHERE issuer = ? ORDER BY name");
    query.with(known->id);
    std::vector<Source> sources;
    while (query.next()) {
        sources.push_back({std::string{query.text(0)}, query.integer(1) != 0, from_unix(query.integer(2)),
                           static_cast<std::uint64_t>(query.integer(3)), query.integer(4) != 0});
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return sources;
}

Result<std::optional<UtcTime>> Ledger::as_of(const std::string& issuer) {
    const std::scoped_lock turn(state_->read_turn);
    auto known = known_issuer(state_->reader, issuer);
    if (!known)
        return fail(known.error().message);
    Query query =
        state_->reader.query("SELECT max(as_of) FROM sources WHERE issuer = ? AND carries_status <> 0");
    query.with(known->id);
    std::optional<UtcTime> as_of;
    if (query.next() && !query.is_null(0))
        as_of = from_unix(query.integer(0));
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return as_of;
}

}  // namespace eightbells::ledger
