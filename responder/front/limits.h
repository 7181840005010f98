#ifndef EIGHTBELLS_RESPONDER_FRONT_LIMITS_H
#define EIGHTBELLS_RESPONDER_FRONT_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

using namespace std::chrono_literals;

// How far the signer's clock may be ahead of ours before its answers wait: what clients allow one another
// (five minutes; D-09).
inline constexpr std::chrono::seconds clock_difference = 5min;
// An answer or a CRL is not sent any more this long before its nextUpdate (C-17): a worker's clock is up to
// http_tick old, longer on a busy machine, and octets take their way.
inline constexpr std::chrono::seconds expiry_margin = 2s;
// Caches keep nothing longer, whatever it says of itself: a year-9999 CRL can still be corrected (F-19).
inline constexpr std::chrono::seconds max_age = 24h;
// While a refresh is overdue, caches are sent away for at least this part of cache_for: one minute of ten. A
// refresh takes seconds from signing to every front, so most that were early come back once.
inline constexpr int overdue_cache_share = 10;
// A request is foreseen (http::Handler) while its DER takes no more: one CertID with SHA-256 hashes, 20
// octets of serial and a nonce of 128 take 250. Longer ones are answered as they come.
inline constexpr std::size_t foreseen_octets = 256;
inline constexpr std::chrono::seconds crl_retry_after = 60s;
// Behind for this long by our own fault: out of the pool. A publication is taken over in well below a second;
// a first copy of a million answers in ten.
inline constexpr std::chrono::seconds ready_lag = 60s;
// A front is as good as any other while no more than every hundredth page is missing: the store has lost it.
inline constexpr std::uint64_t ready_missing_share = 100;
// Blobs of one pass, 128 MB of them, after which what it passed through is given back to the system.
inline constexpr std::uint64_t much_fetched = 16'384;
// Between two looks at the heads, unless a notice comes; and at least, however many notices come.
inline constexpr std::chrono::milliseconds sync_pause = 1s;
inline constexpr std::chrono::milliseconds sync_pause_min = 5ms;
// How long a new CRL waits for the workers to answer from what came with it. They take a state between two
// batches of events; the longest wait is for one that is stuck, and then the CRL is not held back for it.
inline constexpr std::chrono::milliseconds answers_taken = 1s;
inline constexpr std::chrono::milliseconds answers_taken_poll = 1ms;
// Between two looks whether the front before has given up its claim; clients wait meanwhile to be accepted.
inline constexpr std::chrono::milliseconds claim_poll = 5ms;
// A front that starts reads its page file before it takes connections: a million answers in this time.
// Clients wait in the listening socket as long; with more answers it begins with those it has, and tryLater
// for the others.
inline constexpr std::chrono::milliseconds load_patience = 3s;
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
// To a signer on another machine: connecting and proving. One journey each; what takes longer would be late.
inline constexpr std::chrono::milliseconds live_handshake = 1s;
// After every address has been tried: twice as long each time while nobody answers, up to the second.
inline constexpr std::chrono::milliseconds live_reconnect_pause = 200ms;
inline constexpr std::chrono::milliseconds live_reconnect_pause_max = 2s;
inline constexpr std::size_t live_output_octets = 1024 * 1024;  // 256 calls of 4 KiB, 3 CertIDs take 0.3 KiB
inline constexpr std::chrono::milliseconds live_watch =
    1s;  // between two looks whether the signer is connected
// Requests of a worker that wait for pages from the disk: each keeps its connection and 2 KiB; and how long.
// A page of a disk with 100 reads a second comes within 10 ms, and relying parties wait 10 s (E-28).
inline constexpr std::size_t page_waiters = 1024;
inline constexpr std::chrono::milliseconds page_wait = 2s;
inline constexpr std::chrono::milliseconds page_wait_poll = 100ms;
// Different pages that wait to be read, of all workers: at 100 microseconds each, read and verified, a tenth
// of a second.
inline constexpr std::size_t page_reads_waiting = 1024;
// How often one request waits: for pages of two lives, and for the next state and what has replaced one of
// them.
inline constexpr unsigned page_waits = 4;
inline constexpr std::chrono::milliseconds gauge_refresh = 1s;  // of what is not set where it changes
inline constexpr std::chrono::seconds live_log_pause = 60s;
inline constexpr std::chrono::seconds page_log_pause = 60s;
// Between two times that damaged pages are wanted anew: at limits::lost_pages of the usual 8 KiB, a disk that
// damages all that it is given costs the store 2 MB a second.
inline constexpr std::chrono::seconds lost_pages_pause = 1s;

}  // namespace eightbells::limits

#endif
