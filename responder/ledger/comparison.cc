#include "responder/ledger/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "responder/ledger/limits.h"
#include "responder/ledger/schema.h"

namespace eightbells::ledger {

std::string ImportFacts::place(std::uint64_t line) const {
    if (source.place)
        return source.place(line);
    return line == 0 ? source.file : fmt::format("{}:{}", source.file, line);
}

EntryJudgement judge(const ImportFacts& facts, const Row& row, const Staged& entry,
                     const std::optional<crypto::Sha256Digest>& digest) {
    EntryJudgement judgement{EntryEffect::unchanged, false, false, false, row};
    if (entry.has(Staged::says_status)) {
        EntryOutcome outcome = judge_entry(row.standing, entry.status(), facts.source_id);
        judgement.effect = outcome.effect;
        judgement.after.standing = std::move(outcome.standing);
    }
    if (entry.has(Staged::has_not_after) && to_unix(row.not_after) != entry.not_after) {
        judgement.after.not_after = from_unix(entry.not_after);
        (row.not_after == year_9999 ? judgement.completes : judgement.new_facts) = true;
    }
    if (digest && row.certificate_hash != digest) {
        judgement.after.certificate_hash = digest;
        judgement.new_facts = true;
    }
    if (entry.distribution_point != 0) {
        const std::int64_t point = facts.distribution_point_rows[entry.distribution_point - 1U];
        if (row.distribution_point != point) {
            judgement.after.distribution_point = point;
            judgement.completes = true;
        }
    }
    if (facts.source.full_list && !row.listed_by) {
        judgement.after.listed_by = facts.source_id;
        judgement.claims = true;
    }
    return judgement;
}

// --- Findings

void Findings::warn(std::uint64_t line, std::string text) {
    if (warnings_.size() < limits::import_warnings)
        warnings_.emplace_back(line, std::move(text));
}

void Findings::count(const ImportFacts& facts, const Staged& entry, const EntryJudgement& judgement,
                     const Row& row) {
    const auto say = [&](const std::string& text) {
        warn(entry.line,
             fmt::format("{}: serial {}: {}", facts.place(entry.line), row.serial.to_hex(), text));
    };
    if (entry.has(Staged::is_revoked) && row.not_after < facts.source.as_of) {
        ++report.expired;
        report.earliest_end = std::min(report.earliest_end, row.not_after);
    }
    switch (judgement.effect) {
        case EntryEffect::unchanged:
            ++(judgement.new_facts || judgement.completes ? report.corrected : report.unchanged);
            break;
        case EntryEffect::revoked:
            ++report.revoked;
            break;
        case EntryEffect::released:
            ++report.released;
            break;
        case EntryEffect::corrected:
            ++report.corrected;
            break;
        case EntryEffect::contradicted:
            ++report.contradicted;
            say(fmt::format("stated as {}, but the ledger has it {}: kept so", describe(entry.status()),
                            describe(row.standing.status)));
            break;
        case EntryEffect::differing:
            ++report.differing;
            say(fmt::format("stated as {}; another source's word prevails: {}", describe(entry.status()),
                            describe(row.standing.status)));
            break;
    }
    if (row.certificate_hash && row.certificate_hash != judgement.after.certificate_hash)
        say("another certificate under the same serial: its SHA-256 changed");
}

void Findings::join(Findings other) {
    report.issued += other.report.issued;
    report.revoked += other.report.revoked;
    report.released += other.report.released;
    report.corrected += other.report.corrected;
    report.unchanged += other.report.unchanged;
    report.missing += other.report.missing;
    report.contradicted += other.report.contradicted;
    report.differing += other.report.differing;
    report.expired += other.report.expired;
    report.earliest_end = std::min(report.earliest_end, other.report.earliest_end);
    std::ranges::move(other.warnings_, std::back_inserter(warnings_));
}

ImportReport Findings::finish() {
    std::ranges::stable_sort(warnings_, {}, [](const auto& warning) { return warning.first; });
    for (auto& [line, text] : warnings_) {
        if (report.warnings.size() < limits::import_warnings)
            report.warnings.push_back(std::move(text));
    }
    warnings_.clear();
    return std::move(report);
}

namespace {

std::string serial_text(const Staged& entry) {
    const auto serial = Serial::from_magnitude(entry.magnitude());
    return serial ? serial->to_hex() : std::string{"?"};
}

bool same_serial(const Staged& a, const Staged& b) noexcept {
    return a.hash == b.hash && equal(a.magnitude(), b.magnitude());
}

bool same_facts(const Bucket& bucket, const Staged& a, const Staged& b) {
    return a.flags == b.flags && a.not_after == b.not_after && a.status() == b.status() &&
           a.distribution_point == b.distribution_point && bucket.digest_of(a) == bucket.digest_of(b);
}

}  // namespace

Status drop_repeats(const ImportFacts& facts, Bucket& bucket, Findings& findings) {
    auto& entries = bucket.entries;
    bool any = false;
    for (std::size_t i = 1; i < entries.size(); ++i) {
        if (!same_serial(entries[i - 1], entries[i]))
            continue;
        const std::string where =
            fmt::format("{}: serial {} stands already at {}", facts.place(entries[i].line),
                        serial_text(entries[i]), facts.place(entries[i - 1].line));
        if (!facts.source.repeats_tolerated)
            return fail(where);
        if (!same_facts(bucket, entries[i - 1], entries[i]))
            return fail(where + ", with other facts");
        findings.warn(entries[i].line, where);
        any = true;
    }
    if (any) {
        const auto rest = std::ranges::unique(entries, same_serial);
        entries.erase(rest.begin(), rest.end());
    }
    return {};
}

// --- Comparison

struct Comparison::Worker {
    Database database;
    Findings findings;
};

Status Comparison::run(Findings& findings) {
    static constexpr std::size_t threads = 2;
    std::array<Status, threads> results;
    std::array<Findings, threads> found;
    std::atomic<bool> failed = false;
    const auto work = [&](std::size_t number) {
        auto database = open_for_reading(ledger_file_);
        if (!database) {
            results[number] = fail(database.error().message);
            failed = true;
            return;
        }
        Worker worker{std::move(*database), {}};
        for (std::size_t i = next_++; i < limits::import_buckets && !failed; i = next_++) {
            results[number] = compare_bucket(worker, i);
            if (!results[number])
                failed = true;
        }
        found[number] = std::move(worker.findings);
    };
    // A second thread pays from some hundred thousand rows on.
    if (facts_.certificates + staging_.size() > 200'000) {
        std::jthread second(work, 1);
        work(0);
    } else {
        work(0);
    }
    for (std::size_t i = 0; i < threads; ++i) {
        if (!results[i])
            return results[i];
        findings.join(std::move(found[i]));
    }
    return {};
}

Status Comparison::compare_bucket(Worker& worker, std::size_t index) {
    auto bucket = staging_.load(index);
    if (!bucket)
        return fail(bucket.error().message);
    if (auto status = drop_repeats(facts_, *bucket, worker.findings); !status)
        return status;
    if (facts_.source.absence_releases) {
        if (auto status = find_absent_holds(worker, *bucket, index); !status)
            return status;
    }
    // A look-up costs about as much as walking over ten rows. A full list must be walked to see what is
    // missing.
    const bool walk = facts_.source.full_list || staging_.size() > facts_.certificates / 10;
    return walk ? merge(worker, *bucket, index) : look_up(worker, *bucket, index);
}

void Comparison::remember(const Bucket& bucket, const Staged& entry, std::size_t index) {
    if (whole_[index])
        return;
    if (remembered_++ >= limits::import_candidates) {
        whole_[index] = true;
        candidates_[index] = {};
        return;
    }
    Bucket& mine = candidates_[index];
    Staged copy = entry;
    if (entry.has(Staged::has_hash)) {
        copy.digest = static_cast<std::uint32_t>(mine.digests.size());
        mine.digests.push_back(bucket.digests[entry.digest]);
    }
    mine.entries.push_back(copy);
}

Status Comparison::meet(Worker& worker, const Bucket& bucket, const Staged& entry, std::size_t index,
                        const Query& query) {
    // Most entries say "good until then" of a row that says the same: no need to build the row.
    if (query.integer(column::state) == 0 && !entry.has(Staged::is_revoked) && !entry.has(Staged::has_hash) &&
        entry.has(Staged::has_not_after) && entry.distribution_point == 0 &&
        query.integer(column::not_after) == entry.not_after &&
        !(facts_.source.full_list && query.is_null(column::listed_by))) {
        ++worker.findings.report.unchanged;
        return {};
    }
    const auto row = read_row(query);
    if (!row)
        return fail(worker.database.name(), row.error());
    const EntryJudgement judgement = judge(facts_, *row, entry, bucket.digest_of(entry));
    if (judgement.writes())
        remember(bucket, entry, index);
    else
        worker.findings.count(facts_, entry, judgement, *row);
    return {};
}

Status Comparison::merge(Worker& worker, const Bucket& bucket, std::size_t index) {
    const std::uint64_t first = std::uint64_t{index} << 56;
    Query query = worker.database.query("SELECT " EIGHTBELLS_ROW_COLUMNS
                                        " FROM certificates WHERE issuer = ? AND hash BETWEEN ? AND ? "
                                        "ORDER BY hash, serial");
    query.with(facts_.issuer, to_key(first), to_key(first | 0x00ff'ffff'ffff'ffff));
    auto entry = bucket.entries.begin();
    const auto end = bucket.entries.end();
    while (query.next()) {
        const std::uint64_t hash = from_key(query.integer(column::hash));
        const ByteView serial = query.blob(column::serial);
        for (; entry != end && before(*entry, hash, serial); ++entry)
            remember(bucket, *entry, index);  // new
        if (entry != end && entry->hash == hash && equal(entry->magnitude(), serial)) {
            if (auto status = meet(worker, bucket, *entry, index, query); !status)
                return status;
            ++entry;
        } else if (query.optional_integer(column::listed_by) == facts_.source_id) {
            ++worker.findings.report.missing;
            worker.findings.warn(UINT64_MAX, fmt::format("{}: serial {} is no longer listed: kept",
                                                         facts_.source.file, to_hex(serial)));
        }
    }
    if (auto status = query.finish(); !status)
        return status;
    for (; entry != end; ++entry)
        remember(bucket, *entry, index);
    return {};
}

Status Comparison::look_up(Worker& worker, const Bucket& bucket, std::size_t index) {
    Query query = worker.database.query("SELECT " EIGHTBELLS_ROW_COLUMNS
                                        " FROM certificates WHERE issuer = ? AND hash = ? AND serial = ?");
    for (const Staged& entry : bucket.entries) {
        query.with(facts_.issuer, to_key(entry.hash), entry.magnitude());
        if (query.next()) {
            if (auto status = meet(worker, bucket, entry, index, query); !status)
                return status;
        } else {
            remember(bucket, entry, index);
        }
        if (auto status = query.finish(); !status)
            return status;
    }
    return {};
}

Status Comparison::find_absent_holds(Worker& worker, const Bucket& bucket, std::size_t index) {
    const std::uint64_t first = std::uint64_t{index} << 56;
    Query query = worker.database.query(
        "SELECT hash, serial, status_source FROM certificates INDEXED BY holds "
        "WHERE issuer = ? AND hash BETWEEN ? AND ? AND state = 1");
    query.with(facts_.issuer, to_key(first), to_key(first | 0x00ff'ffff'ffff'ffff));
    while (query.next()) {
        if (query.integer(2) != facts_.source_id)
            continue;
        const std::uint64_t hash = from_key(query.integer(0));
        const ByteView serial = query.blob(1);
        const auto found = std::ranges::partition_point(
            bucket.entries, [&](const Staged& entry) { return before(entry, hash, serial); });
        if (found != bucket.entries.end() && found->hash == hash && equal(found->magnitude(), serial))
            continue;
        if (const auto known = Serial::from_magnitude(serial))
            absent_holds_[index].emplace_back(hash, *known);
    }
    return query.finish();
}

Result<Bucket> Comparison::take_candidates(std::size_t index) {
    if (!whole_[index])
        return std::move(candidates_[index]);
    auto bucket = staging_.load(index);
    if (bucket) {
        Findings warned_before;
        if (auto status = drop_repeats(facts_, *bucket, warned_before); !status)
            return fail(status.error().message);
    }
    return bucket;
}

}  // namespace eightbells::ledger
