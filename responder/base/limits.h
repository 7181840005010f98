#ifndef EIGHTBELLS_RESPONDER_BASE_LIMITS_H
#define EIGHTBELLS_RESPONDER_BASE_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every queue, buffer, wait and retry of the programs has its bound here, with the arithmetic beside it, in
// one section a module.
namespace eightbells::limits {

using namespace std::chrono_literals;

// --- der

// The longest in use, a UUID under 2.25 and Microsoft's template names, take 20 and about 40 octets.
inline constexpr std::size_t oid_octets = 64;
// A length that takes more octets than this is refused: 4 GiB is more than anything we read.
inline constexpr std::size_t der_length_octets = 4;

// --- ocsp: what a request may be

// A CertID with SHA-512 hashes and a 20-octet serial takes 180 octets; 16 of them, a 128-octet nonce and a
// signature with a certificate chain stay below 16 KiB.
inline constexpr std::size_t request_octets = 16 * 1024;
inline constexpr std::size_t cert_ids_per_request = 16;
inline constexpr std::size_t extensions_per_list = 16;
inline constexpr std::size_t nonce_octets = 128;  // RFC 9654, section 2.1

// --- ocsp: what an answer may be

// Clients' buffers are 16 KiB (nginx, HAProxy); signer certificate up to 4 KiB, signature up to 5 KiB (H-17).
inline constexpr std::size_t answer_octets = 16 * 1024;

// --- live: the private call

// An issuer's name in a call: IssuerIdentity::id() makes 32 hexadecimal digits.
inline constexpr std::size_t live_issuer_octets = 64;
// A call: kind, id, lengths (1+8+2+1+1 octets), the issuer, the nonce, and CertIDs that all stood in one
// request with 2 octets of length each.
inline constexpr std::size_t live_call_octets =
    13 + live_issuer_octets + nonce_octets + request_octets + 2 * cert_ids_per_request;
// A reply: kind, id, verdict (1+8+1 octets) and one answer.
inline constexpr std::size_t live_reply_octets = 10 + answer_octets;

// --- http: the public listener
// The longest registered method, UPDATEREDIRECTREF, takes 17 octets; a longer one is nothing we implement
// (501).
inline constexpr std::size_t http_method_octets = 32;
// Browsers send 20 header lines, proxies add a few. Bounds the work a request may cause beside its octets.
inline constexpr std::size_t http_header_lines = 100;
// Sets of header lines a worker recognises without judging them again: 8 of 512 octets stay in the cache
// nearest the core with what else a request touches.
inline constexpr std::size_t http_known_headers = 8;
inline constexpr std::size_t http_known_header_octets = 512;
// Chunked bodies (RFC 9112, section 7.1): a size is at most 64 bits in hexadecimal; extensions and trailers
// are read and dropped. A body of 16 KiB in chunks of one octet is at most 16384 x (16 + 5) = 336 KiB on the
// wire, and never more than 16 KiB in memory.
inline constexpr std::size_t http_chunk_size_digits = 16;
inline constexpr std::size_t http_chunk_extension_octets = 1024;
inline constexpr std::size_t http_trailer_octets = 4096;
// What a handler may answer from memory: an OCSP answer (answer_octets) twice over. CRLs go out as files.
inline constexpr std::size_t http_answer_octets = 32 * 1024;
// Status line and headers: 600 octets with every header we know, the two texts a handler gives included.
inline constexpr std::size_t http_answer_head_octets = 1024;
inline constexpr std::size_t http_answer_text_octets = 128;  // content_type, allow: each
// A worker collects the answers of one turn here and sends them with one call: room for one full answer
// beside what is waiting, and then as much again.
inline constexpr std::size_t http_output_octets = 80 * 1024;
// One turn of one connection: 64 requests cost about 100 us, and a 256 KiB piece of a file as much; then the
// others have theirs.
inline constexpr unsigned http_requests_per_turn = 64;
inline constexpr std::size_t http_file_octets_per_turn = 256 * 1024;
inline constexpr unsigned http_accepts_per_turn = 64;
inline constexpr int http_backlog = 4096;  // the kernel lowers it to net.core.somaxconn
// After a last answer the rest of what the client sends is read and dropped, so that no reset overtakes the
// answer (RFC 9112, section 9.6): a 10 MB body at 16 Mbit/s, no more.
inline constexpr std::uint64_t http_drain_octets = 16 * 1024 * 1024;
inline constexpr std::chrono::milliseconds http_drain_wait = 5s;
// An answer promised to a client (Deferred) that has not come after this is given up: 503. Above every
// deadline of the live path, so that it only ever catches a promise that was lost.
inline constexpr std::chrono::milliseconds http_answer_wait = 30s;
// The loop looks at the clock this often: Date and time-outs are late by no more.
inline constexpr std::chrono::milliseconds http_tick = 250ms;
// A worker's buffers for requests and answers that did not pass in one piece: 256 MiB hold 20,000 unfinished
// requests of 2 KiB (40 MiB) and 3,000 clients that do not take a full turn's answers; above, 503 and close.
inline constexpr std::size_t http_buffer_octets = 256 * 1024 * 1024;
inline constexpr std::size_t http_buffer_kept_octets = 16 * 1024 * 1024;  // unused ones kept for the next

// --- crypto
// Public-trust certificates carry about 12 extensions; a hostile one of many would cost quadratic time.
inline constexpr std::size_t certificate_extensions = 64;
inline constexpr std::size_t rsa_bits = 8192;         // a check of a longer modulus costs milliseconds
inline constexpr std::size_t pss_salt_octets = 1024;  // of an 8192-bit modulus at most 1024 - hash - 2
inline constexpr std::size_t verifier_algorithms =
    16;  // contexts of one key: more than the algorithms in use

// --- keys

// A PKCS#8 file of RSA-4096 with encryption and the text that tools write around it takes below 8 KiB.
inline constexpr std::size_t key_file_octets = 64 * 1024;

// --- cache: the stored form

// A raw signature: 4,627 octets is ML-DSA-87's, the largest on trial (H-17); a length takes two octets at
// most, which could say 32,767.
inline constexpr std::size_t signature_octets = 8191;
// A certificate hash takes about 60 octets, an invalidity date 30.
inline constexpr std::size_t record_extension_octets = 1024;
// An offset table of two octets a record can point into 64 KiB. Pages are planned at 4 to 16 KiB: 50 to 190
// records of 88 octets (P-256, serials of 16 to 20 octets). One more bit halves a page before it comes near.
inline constexpr std::size_t page_octets = 64 * 1024;
// The smallest record takes 5 octets, with its offset 7, so that 64 KiB hold 9,300 at most.
inline constexpr std::size_t page_records = 8192;
// 2^24 pages of 100 records are 1.6 thousand million certificates of one issuer; their digests take 512 MiB.
inline constexpr unsigned page_bits = 24;
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
// 5 M entries of 40 to 50 octets are 250 MB (F-group: streamed, never whole in memory).
inline constexpr std::uint64_t crl_octets = 1024ULL * 1024 * 1024;
// Fixed fields 47, sets 34 each, patches 40, profiles 32, CRLs 41 and a path, key and signature 96: 187 KiB.
inline constexpr std::size_t head_octets = 47 + sets_per_head * 34 + patches_per_head * 40 +
                                           profiles_per_head * 32 + crls_per_head * (41 + crl_path_octets) +
                                           96;

// --- cache: the stores

// One table's pages. At 64 KiB each a fetch of pages holds 16 MiB at most, at the usual 8 KiB 2 MiB.
inline constexpr std::size_t fetch_names = 256;
inline constexpr std::size_t fetch_octets = fetch_names * page_octets;
// CRLs lie in pieces: large enough that a 250 MB CRL takes 32 of them, small enough for one reply.
inline constexpr std::size_t crl_piece_octets = 8 * 1024 * 1024;
inline constexpr std::size_t blob_octets = crl_piece_octets;  // no blob is larger
// A Redis reply: one fetch, or one CRL piece, and the protocol around it. More ends the connection.
inline constexpr std::size_t redis_reply_octets = 2 * fetch_octets;
inline constexpr std::size_t redis_reply_elements = 4096;  // of all its arrays; 256 notices have 1,800
inline constexpr std::size_t redis_reply_depth = 8;        // XREAD nests four arrays
// One call from first octet to last, where every single read is in time but they do not end: 8 MiB at 1 MiB a
// second.
inline constexpr std::chrono::seconds redis_call_time = 10s;
// Between two attempts to connect; a front looks at the head every second.
inline constexpr std::chrono::milliseconds redis_reconnect_pause = 500ms;
inline constexpr std::size_t redis_piece_octets =
    1024 * 1024;  // SETs under way before their replies are read
inline constexpr std::size_t redis_piece_commands = 1024;
inline constexpr std::size_t redis_notices = 1024;  // kept in the stream, about 100 octets each
inline constexpr std::size_t redis_notices_read = 256;
inline constexpr std::chrono::seconds notice_wait = 60s;  // wait_notice never takes longer, whatever is asked
// Another process's transaction on the same page file: 20 MB a second on a slow disk, 40 MB of pages.
inline constexpr std::chrono::milliseconds page_file_busy = 2s;
inline constexpr std::chrono::milliseconds page_file_poll = 10ms;  // 3 microseconds of work each
inline constexpr std::int64_t page_file_wal_octets =
    64 * 1024 * 1024;  // the -wal is cut to this when it can be

// --- cache: the replica

// Times that one pass begins again with a fresh head because the store moved on under it. A publication takes
// well below a second, so that the second round all but always succeeds.
inline constexpr unsigned sync_rounds = 3;
// Pages asked for again in one pass under a head that has failed before: 1,024 of 8 KiB a second are 8 MB/s.
inline constexpr std::size_t retry_pages = 1024;
// Passes that leave a CRL alone which failed again and again; about a minute.
inline constexpr unsigned crl_passes_skipped = 64;
// Pages between two partial snapshots of a first load: 1 M certificates have 25,000 pages.
inline constexpr std::size_t progress_pages = 4096;
// Copying from store to store: octets in one publication.
inline constexpr std::size_t copy_octets = 4 * 1024 * 1024;

// --- crl
inline constexpr std::size_t crl_number_octets = 20;     // RFC 5280, section 5.2.3
inline constexpr std::size_t crl_extensions = 32;        // RFC 5280 has 7; comparing all with all stays cheap
inline constexpr std::size_t crl_entry_extensions = 16;  // of one entry; RFC 5280 has 3

// --- ledger

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
inline constexpr std::size_t folder_entries = 1'000'000;  // certificates in one folder: 100 MB of paths
// One read of Ledger::page: a page's records in each of its three lives.
inline constexpr std::size_t ledger_page_records = 3 * page_records;
inline constexpr std::size_t unpublished_changes = 100'000;  // one read of Ledger::unpublished: 6 MB
inline constexpr std::size_t source_name_octets = 64;
inline constexpr std::size_t audit_text_octets = 16 * 1024;
inline constexpr std::size_t integrity_faults = 20;  // reported by one check

// --- config

inline constexpr std::size_t config_octets =
    1024 * 1024;                                        // 256 issuers with all 22 fields take about 200 KiB
inline constexpr std::size_t issuers = 256;             // each is a label value in every metric by issuer
inline constexpr std::size_t config_list_entries = 64;  // addresses, prefixes, keys, user ids
inline constexpr std::size_t workers = 256;             // threads of one program
inline constexpr std::size_t url_path_octets = 200;     // a CRL's path or an OCSP prefix: URLs stay below 255
inline constexpr std::size_t socket_path_octets = 107;  // sun_path is 108 with its end mark (unix(7))
inline constexpr std::size_t password_octets = 4096;
inline constexpr std::size_t store_key_file_octets =
    64 * 1024;  // a thousand keys of 64 digits and a line end

// The promise: every stored answer and CRL stays valid this long beyond its next planned refresh (D-18).
inline constexpr std::chrono::seconds runway = 4h;
// D-05 for public trust: end points included, 7 days (Microsoft), and a second below the limit.
inline constexpr std::chrono::seconds public_trust_validity_min =
    16h;  // below it D-06 asks for other periods
inline constexpr std::chrono::seconds public_trust_validity_max = std::chrono::days{7} - 1s;
inline constexpr std::chrono::seconds validity_min = 8h;  // two runways: half of it is the refresh
inline constexpr std::chrono::seconds validity_max = std::chrono::days{366};  // D-08: CA certificates, a year
inline constexpr std::chrono::seconds refresh_min = 10s;
// From receipt of a revocation until no cache may hand out "good" any more (D-04, D-16).
inline constexpr std::chrono::seconds publication_deadline = 4h;
inline constexpr std::chrono::seconds publication_target = 1h;                 // D-03
inline constexpr std::chrono::seconds duration_max = std::chrono::days{3660};  // of any configured duration
inline constexpr std::chrono::milliseconds redis_timeout_min{10};
inline constexpr std::chrono::milliseconds redis_timeout_max{10'000};

// --- metrics and the private listeners
// One scraper, a load balancer's look at /ready and an operator need three; the rest is room for their
// repeats.
inline constexpr std::size_t private_connections = 64;
inline constexpr std::chrono::seconds private_accept_pause =
    1s;                                                    // with all of them taken, until the next look
inline constexpr std::chrono::seconds private_wait = 10s;  // for a request, for the next one, for a write
inline constexpr std::size_t private_header_octets = 8 * 1024;
inline constexpr std::size_t private_body_octets = 1024;  // none is asked for

// --- front
// How far the signer's clock may be ahead of ours before its answers wait: what clients allow one another
// (five minutes; D-09).
inline constexpr std::chrono::seconds clock_difference = 5min;
// Caches keep nothing longer, whatever it says of itself: a year-9999 CRL can still be corrected (F-19).
inline constexpr std::chrono::seconds max_age = 24h;
inline constexpr std::chrono::seconds crl_retry_after = 60s;
// Behind for this long by our own fault: out of the pool. A publication is taken over in well below a second;
// a first copy of a million answers in ten.
inline constexpr std::chrono::seconds ready_lag = 60s;
// A front is as good as any other while no more than every hundredth page is missing: the store has lost it.
inline constexpr std::uint64_t ready_missing_share = 100;
// Between two looks at the heads, unless a notice comes; and at least, however many notices come.
inline constexpr std::chrono::milliseconds sync_pause = 1s;
inline constexpr std::chrono::milliseconds sync_pause_min = 50ms;
inline constexpr std::chrono::milliseconds start_pause =
    1s;  // between attempts to open what the loader needs
// Failures to open the own page file, one after the other, before it is held for damaged: a busy one is not.
inline constexpr unsigned own_file_attempts = 3;
// Passes that failed one after the other, while the store's head could be read, before the own page file is
// examined.
inline constexpr unsigned own_file_doubts = 5;
// After the signal to stop: longer than any request may take to arrive and be answered (http: 10 s and 20 s).
inline constexpr std::chrono::seconds drain_time = 30s;
inline constexpr std::chrono::milliseconds drain_poll = 20ms;
// A worker's calls to the signer. 256 under way within 2 s are twice what a core signs with RSA-2048 in a
// worker's share; more would only come late. Relying parties wait 10 s (E-28).
inline constexpr std::size_t live_outstanding = 256;
inline constexpr std::chrono::milliseconds live_call_deadline = 2s;
inline constexpr std::chrono::milliseconds live_reconnect_pause = 200ms;
inline constexpr std::size_t live_output_octets = 1024 * 1024;  // 256 calls of 4 KiB, 3 CertIDs take 0.3 KiB
inline constexpr std::chrono::milliseconds live_watch =
    1s;  // between two looks whether the signer is connected
inline constexpr std::chrono::milliseconds gauge_refresh = 1s;  // of what is not set where it changes
inline constexpr std::chrono::seconds live_log_pause = 60s;

// --- signer

// A PEM certificate with text around it stays below 64 KiB, a passphrase file below a page.
inline constexpr std::size_t certificate_octets = 64 * 1024;
inline constexpr std::size_t passphrase_octets = 4096;
// D-05: 7 days, end points included, and a second below the limit.
inline constexpr std::chrono::seconds web_validity = public_trust_validity_max;
// Pages of 8 KiB: 90 P-256 records, 27 of RSA-2048. Planned between 4 and 16 KiB.
inline constexpr std::size_t page_target_octets = 8 * 1024;
// Identities (issuers, and signer certificates during a roll-over) whose signing state a worker keeps.
inline constexpr std::size_t signing_contexts = 1024;
// Changes taken into one patch: 1,000 P-256 signatures for two hashes with self-check are about 0.2 s of two
// cores.
inline constexpr std::size_t changes_per_patch = 1000;
// Above this many waiting new certificates of one issuer whole pages are signed instead of patches.
inline constexpr std::size_t changes_before_pages = 4000;
// A page that is planned for 8 KiB still holds its records at four times that; beyond, splitting one bit at a
// time would fail.
inline constexpr unsigned splits_before_anew = 2;
inline constexpr std::size_t changes_fetched = 20'000;
// Pages signed between two looks at the changes: 8 pages of 90 records for two hashes are about 0.3 s of two
// cores at P-256 with self-check; a change of status waits no longer than that.
inline constexpr std::size_t pages_per_round = 8;
// Before the first head nobody waits for a change: longer rounds, fewer transactions.
inline constexpr std::size_t pages_per_first_round = 128;
inline constexpr std::size_t patches_before_merge = 64;
inline constexpr std::size_t profiles_before_pruning =
    8;  // positions fit the 16 bits that pages keep of them
inline constexpr std::size_t publish_part_octets = 16 * 1024 * 1024;
// What waits for the store while it is slow; beyond, the store is brought up by comparison instead.
inline constexpr std::size_t mirror_batches = 64;
inline constexpr std::size_t mirror_octets = 64 * 1024 * 1024;
inline constexpr std::chrono::milliseconds mirror_retry{1000};
// Everything in the store is read back this often: 400 MB (1 M certificates, two hashes) in 15 minutes are
// half a MB a second.
inline constexpr std::chrono::minutes mirror_read_back{15};
inline constexpr std::chrono::milliseconds publisher_tick{500};
inline constexpr std::chrono::seconds signing_retry{5};  // after a failed signature or publication
// Feeds are looked at four times a second (taken up within a second); an unchanged file that was refused is
// read again every five seconds, because the refusal may have had another reason than its bytes.
inline constexpr std::chrono::milliseconds feed_poll{250};
inline constexpr std::chrono::seconds feed_retry{5};
inline constexpr std::chrono::seconds feed_confirm{60};  // how often "unchanged" is written down
// Measuring what the machine signs, at start: RSA-4096 takes about 10 ms a signature, P-256 0.2 ms with its
// check.
inline constexpr std::chrono::milliseconds capacity_measurement{100};
inline constexpr std::size_t capacity_signatures = 4;  // a worker, between two looks at the clock
inline constexpr double signing_share = 0.6;  // of that rate is the most that refreshing may take (promise 1)
// The control socket: operators and a CA's connector.
inline constexpr std::size_t control_connections = 64;
inline constexpr std::size_t control_line_octets = 64 * 1024;
inline constexpr std::ptrdiff_t control_nesting = 8;  // brackets in a line
inline constexpr std::size_t control_commands = 64;   // other than events, in one reading of 256 KiB
inline constexpr std::size_t control_batch = 256;     // events in one transaction
inline constexpr std::size_t control_imports_waiting = 16;
inline constexpr std::chrono::seconds control_idle{3600};
// The private call: one connection a front's worker; calls that wait and how long. At 1.4 ms an RSA-2048
// signature 256 are 0.4 s.
inline constexpr std::size_t live_connections = 256;
inline constexpr std::size_t live_waiting = 256;
inline constexpr std::chrono::milliseconds live_deadline{500};

// --- programs

// An operator's command waits for the signer this long: an import of 10 M lines takes 90 s.
inline constexpr std::chrono::seconds command_timeout{600};
inline constexpr std::size_t command_answer_octets =
    4 * 1024 * 1024;                                  // the status of 256 issuers takes 100 KiB
inline constexpr std::uint64_t faults_printed = 100;  // `verify` counts the rest
// A program that cannot start is tried again after 0.1 s, then twice as long each time, up to 5 s.
inline constexpr std::chrono::milliseconds restart_pause_min{100};
inline constexpr std::chrono::milliseconds restart_pause_max{5000};
inline constexpr std::chrono::seconds stop_time{20};  // what does not end by then is killed

}  // namespace eightbells::limits

#endif
