#ifndef EIGHTBELLS_RESPONDER_SIGNER_LIMITS_H
#define EIGHTBELLS_RESPONDER_SIGNER_LIMITS_H

#include <chrono>
#include <cstddef>

#include "responder/config/limits.h"

namespace eightbells::limits {

inline constexpr std::size_t passphrase_octets = 4096;
// D-05: 7 days, end points included, and a second below the limit.
inline constexpr std::chrono::seconds web_validity = public_trust_validity_max;
// D-08: the status of CAs is renewed at least every twelve months; end points included, in the shortest year.
inline constexpr std::chrono::seconds ca_status_age = std::chrono::days{365} - std::chrono::seconds{1};
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
// Certificates that the ledger has forgotten, taken back in one import: 200 octets each in memory are 20 MB.
inline constexpr std::size_t taken_back_at_once = 100'000;
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
// The clock (D-10). A minute: above what NTP corrects by slewing and what a suspended or moved virtual
// machine is off for a moment; far below what clients tolerate and what an answer is valid for.
inline constexpr std::chrono::seconds clock_step{60};
inline constexpr std::chrono::seconds clock_unsynchronised_alarm{3600};
inline constexpr std::chrono::seconds clock_unsynchronised_stop{24 * 3600};
inline constexpr std::chrono::seconds clock_record{60};  // one fsync a minute; not above clock_step
inline constexpr std::size_t clock_file_octets = 4096;
inline constexpr std::chrono::milliseconds publisher_tick{500};
// A CRL waits until what it says is answered by OCSP too (C-09), a second or two. While nothing can be signed
// it waits this long: the world's other way to learn of a revocation must not hang on the key that has
// failed.
inline constexpr std::chrono::seconds crl_waits{300};
// A page whose answers end early is signed again once that at least doubles what is left of them, a minute or
// more.
inline constexpr std::chrono::seconds lengthening_min{60};
inline constexpr std::chrono::seconds signing_retry{5};  // after a failed signature or publication
// Feeds are looked at four times a second (taken up within a second); an unchanged file that was refused is
// read again every five seconds, because the refusal may have had another reason than its bytes.
inline constexpr std::chrono::milliseconds feed_poll{250};
inline constexpr std::chrono::seconds feed_retry{5};
// A refused CRL is read again as well, but that takes no more than a sixtieth of the time: 500 MB take a
// second or two to copy.
inline constexpr int crl_retry_share = 60;
// What cannot be read as a CRL counts as refused once it has not changed for this long: until then somebody
// is writing it.
inline constexpr std::chrono::seconds crl_settles{5};
inline constexpr std::chrono::seconds crl_unreadable_again{1};  // until then it is not copied again
inline constexpr std::size_t crl_refusals_told = 4096;          // remembered, so that each is told once
inline constexpr std::size_t crl_size_alarm = 8'000'000;        // F-25: Windows takes none above 10 MB
inline constexpr std::size_t crl_folder_files = 1024;           // looked at in one folder, 150 octets each
inline constexpr std::size_t crl_versions_octets = 16 * 1024 * 1024;  // 256 issuers with 64 CRLs: 4 MB
inline constexpr std::size_t refused_crls = 32;                       // kept aside; with the next: 512 MB
inline constexpr std::size_t refused_crl_octets = 16 * 1024 * 1024;   // of each
// Polling. A server that sends nothing for half a minute has stalled; 500 MB at 0.6 MB a second take 15
// minutes.
inline constexpr std::chrono::seconds crl_fetch_stalls{30};
inline constexpr std::chrono::minutes crl_fetch_time{15};
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

}  // namespace eightbells::limits

#endif
