#include "responder/ledger/books.h"

#include <algorithm>

namespace eightbells::ledger {

Result<Writing> Writing::begin(Books& books) {
    std::unique_lock turn(books.write_turn);
    auto transaction = Transaction::begin(books.writer);
    if (!transaction)
        return fail(transaction.error().message);
    if (auto status = books.audit.load(books.writer); !status)
        return fail(status.error().message);
    Writing writing{books, std::move(turn), std::move(*transaction)};
    if (books.recorded) {
        auto recording = Recording::begin(books.writer);
        if (!recording)
            return fail(recording.error().message);
        writing.recording_.emplace(std::move(*recording));
    }
    return writing;
}

// Whoever follows by a journal that has left something out would go another way without noticing.
Status Writing::end_journal() {
    if (books_->journal_ended)
        return {};
    return forget_journal(books_->writer);
}

Status Writing::commit() {
    if (auto status = books_->audit.store_head(books_->writer); !status)
        return status;
    if (recording_) {
        auto number = recording_->finish(books_->writer);
        if (!number)
            return fail(number.error().message);
        number_ = *number;
    } else if (auto ended = end_journal(); !ended) {
        return ended;
    }
    if (auto status = transaction_.commit(); !status)
        return status;
    books_->journal_ended = !recording_;
    if (recording_ && books_->listener.committed)
        books_->listener.committed();
    return {};
}

Result<std::optional<Issuer>> find_issuer(Database& database, const std::string& key) {
    Query query = database.query(
        "SELECT id, suspension, published, last_change, certificates, status_changes FROM issuers WHERE key "
        "= ?");
    query.with(key);
    std::optional<Issuer> found;
    if (query.next()) {
        found = Issuer{query.integer(0),
                       key,
                       query.integer(1) != 0,
                       query.integer(2) != 0,
                       static_cast<std::uint64_t>(query.integer(3)),
                       static_cast<std::uint64_t>(query.integer(4)),
                       static_cast<std::uint64_t>(query.integer(5))};
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

Result<Issuer> known_issuer(Database& database, const std::string& key) {
    auto found = find_issuer(database, key);
    if (!found)
        return fail(found.error().message);
    if (!*found)
        return fail("issuer " + key + " is not known to the ledger");
    return std::move(**found);
}

Result<IssuerWriting> begin_writing(Books& books, const std::string& issuer) {
    auto writing = Writing::begin(books);
    if (!writing)
        return fail(writing.error().message);
    auto known = known_issuer(writing->database(), issuer);
    if (!known)
        return fail(known.error().message);
    return IssuerWriting{std::move(*writing), std::move(*known)};
}

Status store_issuer(Database& database, const Issuer& issuer) {
    Query query = database.query(
        "UPDATE issuers SET published = ?, last_change = ?, certificates = ?, status_changes = ? "
        "WHERE id = ?");
    return query
        .with(issuer.published, issuer.last_change, issuer.certificates, issuer.status_changes, issuer.id)
        .run();
}

Result<std::optional<SourceRow>> find_source(Database& database, IssuerId issuer, std::string_view name) {
    Query query = database.query(
        "SELECT id, carries_status, as_of, last_sequence, gap, digest FROM sources WHERE issuer = ? AND name "
        "= ?");
    query.with(issuer, name);
    std::optional<SourceRow> found;
    if (query.next()) {
        found = SourceRow{query.integer(0),
                          query.integer(1) != 0,
                          std::nullopt,
                          static_cast<std::uint64_t>(query.integer(3)),
                          static_cast<std::uint64_t>(query.integer(4)),
                          std::nullopt};
        if (const auto as_of = query.optional_integer(2))
            found->as_of = from_unix(*as_of);
        const ByteView digest = query.blob(5);
        if (digest.size() == crypto::Sha256Digest{}.size())
            std::ranges::copy(digest, found->digest.emplace().begin());
    }
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

Result<SourceRow> find_or_add_source(Database& database, IssuerId issuer, std::string_view name) {
    auto found = find_source(database, issuer, name);
    if (!found)
        return fail(found.error().message);
    if (*found)
        return **found;
    {
        Query query = database.query("INSERT INTO sources (issuer, name) VALUES (?, ?)");
        if (auto status = query.with(issuer, name).run(); !status)
            return fail(status.error().message);
    }
    found = find_source(database, issuer, name);
    if (!found)
        return fail(found.error().message);
    if (!*found)
        return fail(database.name() + ": a source vanished");
    return **found;
}

Status store_source(Database& database, const SourceRow& source) {
    std::optional<std::int64_t> as_of;
    if (source.as_of)
        as_of = to_unix(*source.as_of);
    std::optional<ByteView> digest;
    if (source.digest)
        digest = ByteView{*source.digest};
    Query query = database.query(
        "UPDATE sources SET carries_status = ?1, as_of = max(coalesce(as_of, ?2), ?2), last_sequence = ?3, "
        "gap = ?4, "
        "digest = ?5 WHERE id = ?6");
    return query.with(source.carries_status, as_of, source.last_sequence, source.gap, digest, source.id)
        .run();
}

Result<std::optional<std::int64_t>> find_distribution_point(Database& database, IssuerId issuer,
                                                            std::string_view uri) {
    Query query = database.query("SELECT id FROM distribution_points WHERE issuer = ? AND uri = ?");
    query.with(issuer, uri);
    std::optional<std::int64_t> found;
    if (query.next())
        found = query.integer(0);
    if (auto status = query.finish(); !status)
        return fail(status.error().message);
    return found;
}

Result<std::int64_t> find_or_add_distribution_point(Database& database, IssuerId issuer,
                                                    std::string_view uri) {
    {
        Query query = database.query("INSERT OR IGNORE INTO distribution_points (issuer, uri) VALUES (?, ?)");
        if (auto status = query.with(issuer, uri).run(); !status)
            return fail(status.error().message);
    }
    auto found = find_distribution_point(database, issuer, uri);
    if (!found)
        return fail(found.error().message);
    if (!*found)
        return fail(database.name() + ": a distribution point vanished");
    return **found;
}

Status add_change(Database& database, Issuer& issuer, const Serial& serial, bool status_change, UtcTime at) {
    ++issuer.last_change;
    if (status_change)
        ++issuer.status_changes;  // the next CRL has something to say
    Query query =
        database.query("INSERT INTO changes (issuer, priority, id, serial, at) VALUES (?, ?, ?, ?, ?)");
    return query.with(issuer.id, status_change ? 0 : 1, issuer.last_change, serial.magnitude(), to_unix(at))
        .run();
}

}  // namespace eightbells::ledger
