#include "responder/ledger/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/crypto/limits.h"
#include "responder/ledger/events.h"
#include "responder/ledger/limits.h"

namespace eightbells::ledger {

using Json = nlohmann::ordered_json;

Result<ImportReport> ImportRun::run(const Ledger::Produce& produce) {
    const std::scoped_lock turn(books_.import_turn);
    now_ = books_.clock.now();
    if (auto status = look_around(); !status)
        return fail(status.error().message);
    auto digest = produce([this](const Ledger::Entry& entry) { return take(entry); });
    if (!digest)
        return fail(digest.error().message);
    // A full list is compared even so: the ledger may have changed since (G-26).
    if (last_digest_ == *digest && !facts_.source.full_list)
        return only_move(*digest);
    if (auto status = find_distribution_points(); !status)
        return fail(status.error().message);
    if (facts_.certificates != 0) {
        comparison_.emplace(facts_, staging_, books_.file);
        if (auto status = comparison_->run(findings_); !status)
            return fail(status.error().message);
    }
    return write(*digest);
}

Status ImportRun::look_around() {
    const std::scoped_lock turn(books_.read_turn);
    auto issuer = known_issuer(books_.reader, facts_.source.issuer);
    if (!issuer)
        return fail(facts_.source.file, issuer.error());
    facts_.issuer = issuer->id;
    facts_.certificates = issuer->certificates;
    suspension_ = issuer->suspension;
    auto source = find_source(books_.reader, issuer->id, facts_.source.name);
    if (!source)
        return fail(source.error().message);
    if (*source) {
        facts_.source_id = (*source)->id;
        last_digest_ = (*source)->digest;
    }
    Query query = books_.reader.query("SELECT id, gap FROM sources WHERE issuer = ? AND gap <> 0");
    query.with(issuer->id);
    while (query.next())
        gaps_.emplace_back(query.integer(0), static_cast<std::uint64_t>(query.integer(1)));
    return query.finish();
}

Status ImportRun::take(const Ledger::Entry& entry) {
    const auto refuse = [&](std::string_view why) {
        return fail(fmt::format("{}: serial {}: {}", facts_.place(entry.line), entry.serial.to_hex(), why));
    };
    if (entry.line > UINT32_MAX)
        return fail(facts_.source.file + ": more than 2^32 lines");
    Staged staged;
    staged.line = static_cast<std::uint32_t>(entry.line);
    const ByteView magnitude = entry.serial.magnitude();
    std::ranges::copy(magnitude, staged.serial.begin());
    staged.serial_octets = static_cast<std::uint8_t>(magnitude.size());
    staged.hash = crypto::serial_hash(sha256_, magnitude);
    if (entry.not_after) {
        staged.flags |= Staged::has_not_after;
        staged.not_after = to_unix(*entry.not_after);
    }
    if (entry.says_status)
        staged.flags |= Staged::says_status;
    if (entry.says_status && entry.status) {
        const Revocation& stated = *entry.status;
        if (on_hold(stated) && !suspension_)
            return refuse(
                "on hold (certificateHold), which is not allowed for this issuer; set `suspension = true`");
        if (stated.reason == CrlReason::remove_from_crl)
            return refuse("reason: removeFromCRL is no reason for a revocation");
        if (stated.time > now_ + limits::clock_allowance) {
            return refuse(fmt::format("revocation time: {} is in the future; it is {} now",
                                      to_iso8601(stated.time), to_iso8601(now_)));
        }
        staged.flags |= Staged::is_revoked;
        staged.revoked_at = to_unix(std::min(stated.time, now_));
        if (const auto reason = canonical(stated.reason))
            staged.reason = static_cast<std::uint8_t>(*reason);
        if (stated.invalidity_date) {
            staged.flags |= Staged::has_invalidity_date;
            staged.invalidity_date = to_unix(*stated.invalidity_date);
        }
    }
    if (entry.distribution_point) {
        const auto position = take_distribution_point(*entry.distribution_point);
        if (!position)
            return refuse(position.error().message);
        staged.distribution_point = *position;
    }
    auto added = staging_.add(staged, entry.hash ? &*entry.hash : nullptr);
    if (!added)
        return fail(facts_.place(entry.line), added.error());
    return {};
}

Result<std::uint8_t> ImportRun::take_distribution_point(const std::string& uri) {
    auto& points = facts_.distribution_points;
    auto found = std::ranges::find(points, uri);
    if (found == points.end()) {
        if (uri.empty() || uri.size() > limits::distribution_point_octets) {
            return fail(fmt::format("distribution_point: a URI of 1 to {} octets is expected",
                                    limits::distribution_point_octets));
        }
        if (points.size() == limits::import_distribution_points) {
            return fail(fmt::format("distribution_point: more than {} different ones in one import",
                                    limits::import_distribution_points));
        }
        found = points.insert(points.end(), uri);
    }
    return static_cast<std::uint8_t>(found - points.begin() + 1);
}

// As the ledger knows them now; those that are new to it get their row with the writing.
Status ImportRun::find_distribution_points() {
    const std::scoped_lock turn(books_.read_turn);
    for (const std::string& uri : facts_.distribution_points) {
        auto row = find_distribution_point(books_.reader, facts_.issuer, uri);
        if (!row)
            return fail(row.error().message);
        facts_.distribution_point_rows.push_back(row->value_or(0));
    }
    return {};
}

// The same bytes as last time: only the moment moves.
Result<ImportReport> ImportRun::only_move(const crypto::Sha256Digest& digest) {
    auto writing = Writing::begin(books_);
    if (!writing)
        return fail(writing.error().message);
    auto source = find_or_add_source(writing->database(), facts_.issuer, facts_.source.name);
    if (!source)
        return fail(source.error().message);
    source->as_of = facts_.source.as_of;
    source->carries_status = source->carries_status || facts_.source.carries_status;
    source->digest = digest;
    if (auto status = store_source(writing->database(), *source); !status)
        return fail(status.error().message);
    if (auto status = close_gaps(writing->database()); !status)
        return fail(status.error().message);
    if (auto status = writing->commit(); !status)
        return fail(status.error().message);
    ImportReport report;
    report.read = staging_.size();
    report.unchanged = staging_.size();
    report.same_bytes = true;
    return report;
}

Result<ImportReport> ImportRun::write(const crypto::Sha256Digest& digest) {
    {
        auto writing = Writing::begin(books_);
        if (!writing)
            return fail(writing.error().message);
        auto issuer = known_issuer(writing->database(), facts_.source.issuer);
        if (!issuer)
            return fail(issuer.error().message);
        issuer_ = std::move(*issuer);
        auto source = find_or_add_source(writing->database(), issuer_.id, facts_.source.name);
        if (!source)
            return fail(source.error().message);
        facts_.source_id = source->id;
        for (std::size_t i = 0; i < facts_.distribution_points.size(); ++i) {
            auto row = find_or_add_distribution_point(writing->database(), issuer_.id,
                                                      facts_.distribution_points[i]);
            if (!row)
                return fail(row.error().message);
            facts_.distribution_point_rows[i] = *row;
        }
        first_list_ = issuer_.certificates == 0;
        writes_changes_ = issuer_.published || books_.whole_list_begun.contains(issuer_.id);
        const Status written = comparison_ ? write_differences(*writing) : write_first_list(*writing);
        if (!written)
            return fail(written.error().message);
        if (auto status = close(*writing, digest); !status)
            return fail(status.error().message);
        if (auto status = writing->commit(); !status)
            return fail(status.error().message);
        // A large import leaves a log as large as itself, which would stay.
        if (written_ > 100'000)
            static_cast<void>(books_.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    findings_.report.read = staging_.size();
    return findings_.finish();
}

Status ImportRun::write_first_list(Writing& writing) {
    for (std::size_t i = 0; i < limits::import_buckets; ++i) {
        auto bucket = staging_.load(i);
        if (!bucket)
            return fail(bucket.error().message);
        if (auto status = drop_repeats(facts_, *bucket, findings_); !status)
            return status;
        if (auto status = write_bucket(writing, *bucket, true); !status)
            return status;
    }
    return {};
}

Status ImportRun::write_differences(Writing& writing) {
    for (std::size_t i = 0; i < limits::import_buckets; ++i) {
        auto bucket = comparison_->take_candidates(i);
        if (!bucket)
            return fail(bucket.error().message);
        if (auto status = write_bucket(writing, *bucket, !comparison_->is_whole(i)); !status)
            return status;
        if (auto status = release_absent(writing, i); !status)
            return status;
    }
    return {};
}

Status ImportRun::write_bucket(Writing& writing, Bucket& bucket, bool count_idle) {
    for (const Staged& entry : bucket.entries) {
        if (auto status = write_entry(writing, bucket, entry, count_idle); !status)
            return status;
        writing.bound_recording();
    }
    return {};
}

Status ImportRun::write_entry(Writing& writing, const Bucket& bucket, const Staged& entry, bool count_idle) {
    if (first_list_)
        return write_new(writing, bucket, entry);
    const auto serial = Serial::from_magnitude(entry.magnitude());
    if (!serial)
        return fail(facts_.place(entry.line) + ": an entry was damaged while it waited");
    auto found = find_row(writing.database(), issuer_.id, entry.hash, *serial);
    if (!found)
        return fail(found.error().message);
    if (!*found)
        return write_new(writing, bucket, entry);
    const Row& row = **found;
    const EntryJudgement judgement = judge(facts_, row, entry, bucket.digest_of(entry));
    if (!judgement.writes()) {
        if (count_idle)
            findings_.count(facts_, entry, judgement, row);
        return {};
    }
    findings_.count(facts_, entry, judgement, row);
    ++written_;
    if (auto status = update_row(writing.database(), issuer_.id, judgement.after); !status)
        return status;
    const bool status_changed = row.standing.status != judgement.after.standing.status;
    if (!status_changed && !judgement.new_facts)
        return {};
    if (auto status = record(writing, entry.line, row, judgement.after); !status)
        return status;
    // New facts are signed again whether or not anything is published: there are few.
    return add_change(writing.database(), issuer_, *serial, status_changed, now_);
}

Status ImportRun::write_new(Writing& writing, const Bucket& bucket, const Staged& entry) {
    const auto serial = Serial::from_magnitude(entry.magnitude());
    if (!serial)
        return fail(facts_.place(entry.line) + ": an entry was damaged while it waited");
    const CertStatus stated = entry.status();
    const bool end_may_be_unknown = facts_.source.issue_unknown && (stated || facts_.source.surely_issued);
    if (!entry.has(Staged::has_not_after) && !end_may_be_unknown) {
        return fail(fmt::format("{}: serial {}: new here, so its end date (not_after) is needed",
                                facts_.place(entry.line), serial->to_hex()));
    }
    Row row{entry.hash,
            *serial,
            entry.has(Staged::has_not_after) ? from_unix(entry.not_after) : year_9999,
            now_,
            facts_.source_id,
            std::nullopt,
            bucket.digest_of(entry),
            {},
            std::nullopt};
    if (entry.distribution_point != 0)
        row.distribution_point = facts_.distribution_point_rows[entry.distribution_point - 1U];
    if (facts_.source.full_list)
        row.listed_by = facts_.source_id;
    if (stated)
        row.standing = {stated, false, facts_.source_id};
    if (auto status = insert_row(writing.database(), issuer_.id, row); !status)
        return status;
    ++issuer_.certificates;
    ++findings_.report.issued;
    ++written_;
    if (stated) {
        ++findings_.report.revoked;
        ++issuer_.status_changes;
    }
    if (!writes_changes_ && first_list_)
        return {};
    if (stated) {
        Row none = row;
        none.standing = {};
        if (auto status = record(writing, entry.line, none, row); !status)
            return status;
    }
    if (!writes_changes_)
        return {};
    return add_change(writing.database(), issuer_, *serial, stated.has_value(), now_);
}

Status ImportRun::release_absent(Writing& writing, std::size_t index) {
    for (const auto& [hash, serial] : comparison_->absent_holds(index)) {
        auto found = find_row(writing.database(), issuer_.id, hash, serial);
        if (!found)
            return fail(found.error().message);
        if (!*found || !on_hold((*found)->standing.status) || (*found)->standing.by != facts_.source_id)
            continue;  // an event came between
        // A CA may drop an expired certificate from its CRL (F-16): then its absence says nothing. Where no
        // source gave an end, nobody can tell.
        if ((*found)->not_after <= facts_.source.as_of || (*found)->not_after == year_9999) {
            if ((*found)->not_after == year_9999)
                findings_.warn(
                    0,
                    fmt::format("{}: serial {} is no longer listed, but its end is not known: kept on hold",
                                facts_.source.file, serial.to_hex()));
            continue;
        }
        Row after = **found;
        after.standing = {std::nullopt, false, facts_.source_id};
        if (auto status = update_row(writing.database(), issuer_.id, after); !status)
            return status;
        ++findings_.report.released;
        ++written_;
        if (auto status = record(writing, 0, **found, after); !status)
            return status;
        if (auto status = add_change(writing.database(), issuer_, serial, true, now_); !status)
            return status;
    }
    return {};
}

// Old and new facts of one certificate on the audit log (C-14).
Status ImportRun::record(Writing& writing, std::uint64_t line, const Row& before, const Row& after) {
    Json json;
    json["issuer"] = issuer_.key;
    json["source"] = facts_.source.name;
    json["serial"] = after.serial.to_hex();
    if (line != 0)
        json["line"] = line;
    const auto facts = [](const Row& row) {
        Json side = status_json(row.standing.status);
        side["not_after"] = to_iso8601(row.not_after);
        if (row.certificate_hash)
            side["sha256"] = to_hex(*row.certificate_hash);
        return side;
    };
    json["old"] = facts(before);
    json["new"] = facts(after);
    return writing.audit("import-status", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Status ImportRun::close_gaps(Database& database) {
    if (!facts_.source.full_list)
        return {};
    for (const auto& [id, gap] : gaps_) {
        // A gap that opened while the list was being read is not reconciled by it.
        Query query = database.query("UPDATE sources SET gap = 0 WHERE id = ? AND gap = ?");
        if (auto status = query.with(id, gap).run(); !status)
            return status;
    }
    return {};
}

Status ImportRun::close(Writing& writing, const crypto::Sha256Digest& digest) {
    Database& database = writing.database();
    auto source = find_or_add_source(database, issuer_.id, facts_.source.name);
    if (!source)
        return fail(source.error().message);
    source->as_of = facts_.source.as_of;
    source->carries_status = source->carries_status || facts_.source.carries_status;
    source->digest = digest;
    if (auto status = store_source(database, *source); !status)
        return status;
    if (auto status = close_gaps(database); !status)
        return status;
    if (auto status = store_issuer(database, issuer_); !status)
        return status;
    const ImportReport& report = findings_.report;
    Json json;
    json["issuer"] = issuer_.key;
    json["source"] = facts_.source.name;
    json["file"] = facts_.source.file;
    json["sha256"] = to_hex(digest);
    json["read"] = staging_.size();
    json["issued"] = report.issued;
    json["revoked"] = report.revoked;
    json["released"] = report.released;
    json["corrected"] = report.corrected;
    json["unchanged"] = report.unchanged;
    json["missing"] = report.missing;
    json["contradicted"] = report.contradicted;
    json["differing"] = report.differing;
    return writing.audit("import", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace eightbells::ledger
