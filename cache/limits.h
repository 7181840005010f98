#ifndef EIGHTBELLS_CACHE_LIMITS_H
#define EIGHTBELLS_CACHE_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

using namespace std::chrono_literals;

// --- the stored form

// A raw signature: 4,627 octets is ML-DSA-87's, the largest on trial (H-17); a length takes two octets at
// most, which could say 32,767.
inline constexpr std::size_t signature_octets = 8191;
// A certificate hash takes about 60 octets, an invalidity date 30.
inline constexpr std::size_t record_extension_octets = 1024;
// An offset table of two octets a record can point into 64 KiB. Pages are planned at 4 to 16 KiB: 50 to 190
// records of 88 octets (P-256, serials of 16 to 20 octets). One more bit halves a page before it comes near.
inline constexpr std::size_t page_octets = 64 * 1024;
// Two signer keys during a roll-over, twice over where one follows the other; three bits of a record name
// one.
inline constexpr std::size_t profiles_per_page = 8;
// Two Names' hashes, a signer certificate of up to 4 KiB (H-17: more), an AlgorithmIdentifier, extensions.
inline constexpr std::size_t profile_octets = 16 * 1024;
// 16,384 records of 90 octets (P-256) are 1.4 MiB; at RSA-4096 a patch is full after 7,200.
inline constexpr std::size_t patch_octets = 4 * 1024 * 1024;
inline constexpr std::size_t patch_records = 16'384;
// What is published between two refreshes of a page (12 h): a patch every ten seconds. Beyond, the signer
// joins patches (cache/README.md, "Patch").
inline constexpr std::size_t patches_per_head = 4096;
// Two CertID hashes, three lives.
inline constexpr std::size_t sets_per_head = 6;
// Each hash and signer key has one; the old ones leave with their last page.
inline constexpr std::size_t profiles_per_head = 256;
// A full and a delta CRL for each of 32 scopes of an issuer.
inline constexpr std::size_t crls_per_head = 64;
inline constexpr std::size_t crl_path_octets = 255;  // its length is one octet
// As much as crl/ reads (crl_octets there; the tests compare them): 5 M entries are 250 MB.
inline constexpr std::uint64_t stored_crl_octets = 1024ULL * 1024 * 1024;
// Fixed fields 47, sets 34 each, patches 40, profiles 32, CRLs 41 and a path, key and signature 96: 187 KiB.
inline constexpr std::size_t head_octets = 47 + sets_per_head * 34 + patches_per_head * 40 +
                                           profiles_per_head * 32 + crls_per_head * (41 + crl_path_octets) +
                                           96;

// --- the stores

// One table's pages. At 64 KiB each a fetch of pages holds 16 MiB at most, at the usual 8 KiB 2 MiB.
inline constexpr std::size_t fetch_names = 256;
inline constexpr std::size_t fetch_octets = fetch_names * page_octets;
// Batches that lie ready while one is judged and one is fetched: at the usual 8 KiB a page 8 MiB in all four.
inline constexpr std::size_t batches_ahead = 2;
// CRLs lie in pieces: large enough that a 250 MB CRL takes 32 of them, small enough for one reply.
inline constexpr std::size_t crl_piece_octets = 8 * 1024 * 1024;
inline constexpr std::size_t blob_octets = crl_piece_octets;  // no blob is larger
// A Redis reply: one fetch, or one CRL piece, and the protocol around it. More ends the connection.
inline constexpr std::size_t redis_reply_octets = 2 * fetch_octets;
// Of all its arrays: 256 notices have 1,800; CLUSTER SLOTS 20 for a range with two replicas, and slots that
// were moved one by one make many ranges. 65,536 take 5 MB.
inline constexpr std::size_t redis_reply_elements = 64 * 1024;
inline constexpr std::size_t redis_reply_depth = 8;  // XREAD nests four arrays
// One call from first octet to last, where every single read is in time but they do not end: 8 MiB at 1 MiB a
// second.
inline constexpr std::chrono::seconds redis_call_time = 10s;
// Between two attempts to connect; a front looks at the head every second.
inline constexpr std::chrono::milliseconds redis_reconnect_pause = 500ms;
// Behind Sentinel: between two looks whether the server is still the primary. One that was cut off from its
// Sentinels, but not from us, is left after this time.
inline constexpr std::chrono::seconds redis_sentinel_look = 5s;
inline constexpr std::size_t redis_sentinels = 16;  // three or five are usual
// In a Redis Cluster: servers that hold slots. At the 1,000 that Redis allows a connection each would be the
// smaller trouble.
inline constexpr std::size_t redis_nodes = 128;
// MOVED and ASK in a row for one command. A slot under way gives one ASK; a map that is out of date one
// MOVED, and an ASK after it.
inline constexpr unsigned redis_redirections = 5;
inline constexpr std::size_t redis_piece_octets =
    1024 * 1024;  // SETs under way before their replies are read
inline constexpr std::size_t redis_piece_commands = 1024;
// Of a server's maxmemory: with more in use it is nearly full. The tenth that is left takes a ninth more
// certificates: of a CA that grows by a percent a week, those of ten weeks.
inline constexpr std::uint64_t redis_full_tenths = 9;
inline constexpr std::size_t redis_policy_octets = 32;  // volatile-random has 15
inline constexpr std::size_t redis_notices = 1024;      // kept in the stream, about 100 octets each
inline constexpr std::size_t redis_notices_read = 256;
inline constexpr std::chrono::seconds notice_wait = 60s;  // wait_notice never takes longer, whatever is asked
// Another process's transaction on the same page file: 20 MB a second on a slow disk, 40 MB of pages.
inline constexpr std::chrono::milliseconds page_file_busy = 2s;
// 40 microseconds each, where a worker has to give way for it: a thousandth of a core.
inline constexpr std::chrono::milliseconds page_file_poll = 50ms;
inline constexpr std::int64_t page_file_wal_octets =
    64 * 1024 * 1024;  // the -wal is cut to this when it can be

// --- the replica

// Pages written to the own page file at a time while a first state is, and a table's more at most: 256 of
// 8 KiB are 2 MiB, a hundredth of a second or two.
inline constexpr std::size_t kept_pages = 256;
// Times that one pass begins again with a fresh head because the store moved on under it. A publication takes
// well below a second, so that the second round all but always succeeds.
inline constexpr unsigned sync_rounds = 3;
// Pages asked for again in one pass under a head that has failed before: 1,024 of 8 KiB a second are 8 MB/s.
inline constexpr std::size_t retry_pages = 1024;
// Passes that leave a CRL alone which failed again and again; about a minute.
inline constexpr unsigned crl_passes_skipped = 64;
// Pages between two partial snapshots of a first load, or this share of those that are there, whichever is
// more: a snapshot costs as much as the set is large. 1 M certificates have 25,000 pages.
inline constexpr std::size_t progress_pages = 4096;
inline constexpr std::size_t progress_share = 4;
// Pages noted as lost in the own page file before they are wanted anew: 2 MB of the usual 8 KiB.
inline constexpr std::size_t lost_pages = 256;
// Pages in memory where not all may be (cache/page_pool.h). What two allocations and the names of its
// profiles take beside a page's object and octets.
inline constexpr std::size_t pool_page_overhead = 128;
// A cache line for four of them: with pages of 5 KB and their objects two fifths of the places are taken.
inline constexpr std::size_t pool_octets_per_bucket = 8192;
// What has to go but may still be read: an eighth of the whole. Workers come by within a millisecond, in
// which 100 pages of 8 KiB are read.
inline constexpr std::size_t pool_slack_max = 16 * 1024 * 1024;
inline constexpr std::chrono::milliseconds pool_poll = 1ms;       // between two looks whether they have
inline constexpr std::chrono::milliseconds pool_patience = 1s;    // with one that is stuck
inline constexpr std::size_t pool_octets_min = 16 * 1024 * 1024;  // a pool of 2,000 pages and its slack
// Copying from store to store: octets in one publication.
inline constexpr std::size_t copy_octets = 4 * 1024 * 1024;

// A lease: two names, a number and three words (responder/pair/claim.h).
inline constexpr std::size_t shared_word_octets = 512;

}  // namespace eightbells::limits

#endif
