#ifndef EIGHTBELLS_RESPONDER_LEDGER_LIMITS_H
#define EIGHTBELLS_RESPONDER_LEDGER_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "responder/base/limits.h"

namespace eightbells::limits {

using namespace std::chrono_literals;

// How far a source's clock may run ahead of ours: a revocation time within it is taken as "now" (C-10: never
// in the future), beyond it the event or file is refused. NTP keeps hosts within a second.
inline constexpr std::chrono::seconds clock_allowance = 60s;
// Answered events remembered a source, so that a repetition gets its first answer: two bursts of a mass
// revocation (100,000 each), about 150 octets a row, 30 MB.
inline constexpr std::uint64_t remembered_events = 200'000;
inline constexpr std::size_t events_per_transaction = 10'000;  // apply(): some 20 MB of rows and answers
inline constexpr std::size_t import_warnings = 100;  // kept in a report; the counts are always whole
// Entries in one import: twice the hundred million certificates of a national scheme, 64 octets each in the
// staging file.
inline constexpr std::uint64_t import_entries = 200'000'000;
inline constexpr std::size_t import_buckets = 256;  // by the first 8 bits of the serial hash
// A bucket is sorted in memory: 200 M / 256 = 780,000 entries (50 MB); four times that is no accident.
inline constexpr std::size_t import_bucket_entries = 3'200'000;
inline constexpr std::size_t import_block_octets = 32 * 1024;  // 256 open blocks: 8 MiB
// Staged entries held in memory before blocks go to the staging file: a quarter of a million entries.
inline constexpr std::size_t import_memory_octets = 16 * 1024 * 1024;
// Entries that would change something, remembered from the comparison for the writing (64 octets each, 6
// MB); beyond it whole buckets are looked at again.
inline constexpr std::size_t import_candidates = 100'000;
inline constexpr std::size_t list_line_octets = 16 * 1024;  // a line of index.txt, CSV or JSON lines
inline constexpr std::size_t list_chunk_octets = 1024 * 1024;
inline constexpr std::size_t list_chunks = 4;  // read ahead of the parser
inline constexpr std::size_t csv_columns = 256;
// Different distribution points in one import: a head holds 64 CRLs of an issuer; a position takes one octet.
inline constexpr std::size_t import_distribution_points = 255;
inline constexpr std::size_t folder_entries = 1'000'000;  // certificates in one folder: 100 MB of paths
// One read of Ledger::page: a page's records in each of its three lives.
inline constexpr std::size_t ledger_page_records = 3 * page_records;
inline constexpr std::size_t unpublished_changes = 100'000;  // one read of Ledger::unpublished: 6 MB
inline constexpr std::size_t source_name_octets = 64;
inline constexpr std::size_t audit_text_octets = 16 * 1024;
// The journal for a second signer. An event changes some 600 octets of rows: 64 MiB are 100,000 events, a day
// apart at one a second. What one transaction changes is held in memory while it is recorded, some 90 octets
// a row: 16 MiB are 180,000 new certificates; beyond, the second signer takes a copy.
inline constexpr std::uint64_t journal_octets = 64 * 1024 * 1024;
inline constexpr std::size_t journal_read_octets = 1024 * 1024;
inline constexpr std::int64_t recording_octets = 16 * 1024 * 1024;
inline constexpr std::size_t record_octets = 32 * 1024 * 1024;  // old values and new ones
inline constexpr std::size_t integrity_faults = 20;             // reported by one check

}  // namespace eightbells::limits

#endif
