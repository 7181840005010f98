#include "responder/ledger/journal.h"

// Debian's SQLite has sessions; its header shows them to those who ask.
#define SQLITE_ENABLE_SESSION 1
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <random>
#include <utility>

#include "responder/ledger/books.h"
#include "responder/ledger/limits.h"
#include "responder/ledger/recording.h"
#include "responder/ledger/schema.h"

namespace eightbells::ledger {

namespace {

// Beside the tables of schema.cc, made when a second signer is first configured. A record without changes
// stands where one was too large: nothing can be done again from before it.
constexpr const char* tables = R"sql(
CREATE TABLE IF NOT EXISTS journal (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL, changes BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS journal_end (
    one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, hash BLOB NOT NULL, octets INTEGER NOT NULL
) STRICT;
)sql";

// Everything but the journal itself; those that others refer to before those that refer to them.
constexpr std::array recorded{"epoch",   "issuers", "sources", "distribution_points", "certificates", "crls",
                              "changes", "events",  "audit",   "audit_head"};

struct End {
    Journal::Place place;
    std::uint64_t octets = 0;  // of all changes that are kept
};

Status take_digest(ByteView from, crypto::Sha256Digest& to) {
    if (from.size() != to.size())
        return fail("journal: a hash is not of 32 octets");
    std::ranges::copy(from, to.begin());
    return {};
}

Result<std::optional<End>> read_end(Database& database) {
    {
        Query there = database.query("SELECT 1 FROM sqlite_schema WHERE name = 'journal_end'");
        const bool kept = there.next();
        if (auto status = there.finish(); !status)
            return fail(status.error().message);
        if (!kept)
            return std::nullopt;
    }
    Query query = database.query("SELECT number, hash, octets FROM journal_end");
    std::optional<End> end;
    if (query.next()) {
        end.emplace();
        end->place.number = static_cast<std::uint64_t>(query.integer(0));
        end->octets = static_cast<std::uint64_t>(query.integer(2));
        if (auto taken = take_digest(query.blob(1), end->place.hash); !taken)
            return fail(taken.error().message);
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return end;
}

Status store(Database& database, const End& end, ByteView changes) {
    {
        Query row = database.query("INSERT INTO journal (number, hash, changes) VALUES (?, ?, ?)");
        if (auto status = row.with(end.place.number, ByteView{end.place.hash}, changes).run(); !status)
            return status;
    }
    Query query = database.query(
        "INSERT INTO journal_end (one, number, hash, octets) VALUES (1, ?1, ?2, ?3) "
        "ON CONFLICT (one) DO UPDATE SET number = ?1, hash = ?2, octets = ?3");
    return query.with(end.place.number, ByteView{end.place.hash}, end.octets).run();
}

// The oldest records go while there is too much of them.
Status prune(Database& database, End& end) {
    while (end.octets > limits::journal_octets) {
        std::optional<std::int64_t> oldest;
        std::uint64_t octets = 0;
        {
            Query query =
                database.query("SELECT number, length(changes) FROM journal ORDER BY number LIMIT 1");
            if (query.next()) {
                oldest = query.integer(0);
                octets = static_cast<std::uint64_t>(query.integer(1));
            }
            if (auto status = query.finish(); !status)
                return status;
        }
        if (!oldest)
            return fail("journal: it counts octets that are not there");
        Query query = database.query("DELETE FROM journal WHERE number = ?");
        if (auto status = query.with(*oldest).run(); !status)
            return status;
        end.octets -= std::min(end.octets, octets);
    }
    return {};
}

// `changes` empty: they were too many.
Result<std::uint64_t> append(Database& database, ByteView changes) {
    auto end = read_end(database);
    if (!end)
        return fail(end.error().message);
    if (!*end)
        return fail("journal: it has no end");
    Journal::Place& place = (*end)->place;
    place = Journal::next(place, changes);
    if (changes.empty()) {
        Query query = database.query("DELETE FROM journal");
        if (auto status = query.run(); !status)
            return fail(status.error().message);
        (*end)->octets = 0;
    }
    (*end)->octets += changes.size();
    if (auto pruned = prune(database, **end); !pruned)
        return fail(pruned.error().message);
    if (auto stored = store(database, **end, changes); !stored)
        return fail(stored.error().message);
    return place.number;
}

}  // namespace

// --- Recording

Result<Recording> Recording::begin(Database& database) {
    sqlite3_session* session = nullptr;
    int result = sqlite3session_create(database.handle(), "main", &session);
    Recording recording{session};
    for (const char* table : recorded) {
        if (result == SQLITE_OK)
            result = sqlite3session_attach(session, table);
    }
    if (result != SQLITE_OK)
        return fail(fmt::format("{}: cannot be recorded: {}", database.name(), sqlite3_errstr(result)));
    return recording;
}

Recording::Recording(Recording&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
Recording::~Recording() {
    if (session_ != nullptr)
        sqlite3session_delete(session_);
}

void Recording::bound() noexcept {
    if (session_ != nullptr && sqlite3session_memory_used(session_) > limits::recording_octets)
        sqlite3session_delete(std::exchange(session_, nullptr));
}

Result<std::uint64_t> Recording::finish(Database& database) {
    bound();
    if (session_ == nullptr)
        return append(database, {});
    int octets = 0;
    void* changes = nullptr;
    const int result = sqlite3session_changeset(session_, &octets, &changes);
    const std::unique_ptr<void, decltype(&sqlite3_free)> owned{changes, &sqlite3_free};
    sqlite3session_delete(std::exchange(session_, nullptr));
    if (result != SQLITE_OK)
        return fail(fmt::format("{}: cannot be recorded: {}", database.name(), sqlite3_errstr(result)));
    const auto size = static_cast<std::size_t>(octets);
    if (size > limits::record_octets)
        return append(database, {});
    if (size > 0)
        return append(database, {static_cast<const std::uint8_t*>(changes), size});
    auto end = read_end(database);
    if (!end)
        return fail(end.error().message);
    return *end ? (*end)->place.number : 0;
}

// --- Journal

Journal::Place Journal::next(const Place& place, ByteView changes) {
    const std::uint64_t number = place.number + 1;
    std::array<std::uint8_t, 8> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i)
        octets[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    crypto::Sha256 sha256;
    sha256.update(place.hash);
    sha256.update(octets);
    sha256.update(changes);
    return {number, sha256.finish()};
}

Status forget_journal(Database& database) {
    const auto end = read_end(database);
    if (!end)
        return fail(end.error().message);
    return *end ? database.execute("DELETE FROM journal; DELETE FROM journal_end") : Status{};
}

Status Journal::keep() {
    const std::scoped_lock turn(books_.write_turn);
    auto transaction = Transaction::begin(books_.writer);
    if (!transaction)
        return fail(transaction.error().message);
    if (auto made = books_.writer.execute(tables); !made)
        return made;
    auto end = read_end(books_.writer);
    if (!end)
        return fail(end.error().message);
    if (!*end) {
        // A beginning of its own, so that no two ledgers have a place in common by chance.
        std::random_device random;
        End first;
        for (std::uint8_t& octet : first.place.hash)
            octet = static_cast<std::uint8_t>(random());
        if (auto stored = store(books_.writer, first, {}); !stored)
            return stored;
    }
    if (auto committed = transaction->commit(); !committed)
        return committed;
    books_.recorded = true;
    return {};
}

Result<std::optional<Journal::Place>> Journal::place() {
    const std::scoped_lock turn(books_.read_turn);
    auto end = read_end(books_.reader);
    if (!end)
        return fail(end.error().message);
    return *end ? std::optional{(*end)->place} : std::nullopt;
}

Result<std::optional<std::vector<Journal::Record>>> Journal::after(const Place& from) {
    const std::scoped_lock turn(books_.read_turn);
    Query query =
        books_.reader.query("SELECT number, hash, changes FROM journal WHERE number >= ? ORDER BY number");
    query.with(from.number);
    std::vector<Record> records;
    std::size_t octets = 0;
    bool known = false;
    while (octets < limits::journal_read_octets && query.next()) {
        const auto number = static_cast<std::uint64_t>(query.integer(0));
        if (!known) {
            known = number == from.number && equal(query.blob(1), from.hash);
            if (!known)
                return std::nullopt;
            continue;
        }
        const ByteView changes = query.blob(2);
        records.push_back({number, {changes.begin(), changes.end()}});
        octets += changes.size();
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return known ? std::optional{std::move(records)} : std::nullopt;
}

Status Journal::replay(const Record& record) {
    if (record.changes.empty() || record.changes.size() > limits::record_octets)
        return fail("journal: a record that cannot be one");
    const std::scoped_lock turn(books_.write_turn);
    auto transaction = Transaction::begin(books_.writer);
    if (!transaction)
        return fail(transaction.error().message);
    // Whatever is not exactly as it was over there ends it: then this ledger has gone another way.
    const auto never = [](void*, int, sqlite3_changeset_iter*) noexcept -> int {
        return SQLITE_CHANGESET_ABORT;
    };
    Bytes changes = record.changes;  // SQLite's interface wants them writable
    const int result = sqlite3changeset_apply(books_.writer.handle(), static_cast<int>(changes.size()),
                                              changes.data(), nullptr, never, nullptr);
    if (result != SQLITE_OK)
        return fail(fmt::format("{}: record {} does not fit: {}", books_.file.string(), record.number,
                                sqlite3_errstr(result)));
    const auto number = append(books_.writer, record.changes);
    if (!number)
        return fail(number.error().message);
    if (*number != record.number)
        return fail(
            fmt::format("{}: record {} came where {} is next", books_.file.string(), record.number, *number));
    return transaction->commit();
}

Status Journal::copy_to(const std::filesystem::path& file) {
    auto database = Database::open(books_.file, Database::Access::write);  // its own: nobody waits for it
    if (!database)
        return fail(database.error().message);
    Query query = database->query("VACUUM INTO ?");
    return query.with(file.string()).run();
}

Status Journal::confirm() {
    std::function<Status(std::uint64_t)> ask;
    {
        const std::scoped_lock turn(books_.write_turn);
        ask = books_.listener.confirm;
    }
    if (!ask)
        return {};
    const auto end = place();
    if (!end)
        return tl::unexpected<Error>(end.error());
    return *end ? ask((*end)->number) : Status{};
}

void Journal::listen(Listener listener) {
    const std::scoped_lock turn(books_.write_turn);
    books_.listener = std::move(listener);
}

}  // namespace eightbells::ledger
