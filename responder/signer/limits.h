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
// And of those whose turn has come, of which ten million certificates have three a second: 15 ms of two
// cores.
inline constexpr std::size_t paced_pages_per_round = 1;
// Due pages are signed at this many times the mean rate at most (Pace): what two hours' outage left is caught
// up in four. 60 % of the capacity is the most that the mean may take, so this is 90 % of it.
inline constexpr double catch_up = 1.5;
// Two ticks of the publisher: what fell due between them is signed at once.
inline constexpr std::chrono::seconds pace_window{1};
// The rate of signing is told over this time, from a look a second.
inline constexpr std::chrono::seconds progress_window{30};
inline constexpr std::chrono::seconds progress_step{1};
// Before the first head nobody waits for a change: longer rounds, fewer transactions.
inline constexpr std::size_t pages_per_first_round = 128;
// Certificates that the ledger has forgotten, taken back in one import: 200 octets each in memory are 20 MB.
inline constexpr std::size_t taken_back_at_once = 100'000;
inline constexpr std::size_t patches_before_merge = 64;
// Fewer are not worth the writing: patches of a burst, 500 records and more, of which as many do not fit one,
// stay as they are.
inline constexpr std::size_t patches_joined = 16;
// 180 P-256 records: joined whatever their sizes.
inline constexpr std::size_t small_patch_octets = 16 * 1024;
inline constexpr std::size_t profiles_before_pruning =
    8;  // positions fit the 16 bits that pages keep of them
// Pieces of CRLs that no head names: erased so many at a time (32 MiB, a tenth of a second, which a
// revocation may have to wait), and looked for at a start (64 CRLs of 1 GiB are 8,192).
inline constexpr std::size_t crl_pieces_erased = 4;
inline constexpr std::size_t crl_pieces_looked_at = 16 * 1024;
// What waits for the store while it is slow; beyond, the store is brought up by comparison instead.
inline constexpr std::size_t mirror_batches = 64;
inline constexpr std::size_t mirror_octets = 64 * 1024 * 1024;
inline constexpr std::chrono::milliseconds mirror_retry{1000};
// Everything in the store is read back this often: 400 MB (1 M certificates, two hashes) in 15 minutes are
// half a MB a second.
inline constexpr std::chrono::minutes mirror_read_back{15};
// Names of what is published while everything is read back, 100 octets each: refreshing ten million
// certificates writes 20 a second, in a quarter of a minute.
inline constexpr std::size_t mirror_touched = 100'000;
// The clock (D-10). A minute: above what NTP corrects by slewing and what a suspended or moved virtual
// machine is off for a moment; far below what clients tolerate and what an answer is valid for.
inline constexpr std::chrono::seconds clock_step{60};
inline constexpr std::chrono::seconds clock_unsynchronised_alarm{3600};
inline constexpr std::chrono::seconds clock_unsynchronised_stop{24 * 3600};
inline constexpr std::chrono::seconds clock_record{60};  // one fsync a minute; not above clock_step
inline constexpr std::size_t clock_file_octets = 4096;
// CRLs that are made here. One short reading of the ledger an issuer and second.
inline constexpr std::chrono::milliseconds crl_tick{1000};
inline constexpr std::chrono::seconds crl_retry{30};  // after a CRL could not be made
// Expired certificates that leave the CRLs after one round; more of them stand on the next ones too. 48
// octets each are 5 MB.
inline constexpr std::size_t crl_leaving = 100'000;
// Ecdsa-Sig-Value: three headers and two signs.
inline constexpr std::size_t signature_wrapping_octets = 16;
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
// An unchanged index.txt is held against the ledger this often (G-26): events may say otherwise by now.
inline constexpr std::chrono::hours feed_reconciled{24};
// Measuring what the machine signs, at start: RSA-4096 takes about 10 ms a signature, P-256 0.2 ms with its
// check.
inline constexpr std::chrono::milliseconds capacity_measurement{100};
inline constexpr std::size_t capacity_signatures = 4;  // a worker, between two looks at the clock
inline constexpr double signing_share = 0.6;  // of that rate is the most that refreshing may take (promise 1)
// The comparison of ledger, CRLs and published answers (C-09). Slices of the serial hash's first octet; a
// bucket of CRL entries is sorted in memory, 10 M / 256 of them 2.5 MB.
inline constexpr unsigned slice_bits = 8;
inline constexpr std::size_t slices = std::size_t{1} << slice_bits;
// A million certificates in 200 s at a few percent of a core; ten million in half an hour.
inline constexpr std::size_t compared_per_second = 5000;
inline constexpr std::chrono::seconds compare_pause{10};  // between two walks
inline constexpr int compare_attempts = 3;                // for a slice whose pages are being replaced
inline constexpr std::size_t compared_patch_octets = 64 * 1024 * 1024;  // half a million P-256 answers
// A CA's next CRL comes within a day (D-11); until then it may lack what changed since the last.
inline constexpr std::chrono::seconds crl_rhythm{24 * 3600};
// Kept of each that the ledger is compared with, some 400 octets each: 12 MB in all, in the file 9 MB.
inline constexpr std::size_t differences = 10'000;
inline constexpr std::size_t differences_file_octets = 16 * 1024 * 1024;
inline constexpr std::size_t differences_shown = 20;  // of an issuer and a place, in `eightbells status`
// Changes of which is remembered when they came: 150 octets each, 1.5 MB. Of more, in the half hour that a
// walk takes at most, the revocation's own time counts.
inline constexpr std::size_t changes_remembered = 10'000;
// Asking the fronts: changes that wait to be asked about (24 octets each), and how often what differed is
// asked again: 100 certificates for two hashes at 20 requests a second are 10 s.
inline constexpr std::size_t front_changes = 10'000;
inline constexpr std::chrono::seconds front_again{30};
inline constexpr std::size_t front_again_at_once = 100;
inline constexpr std::chrono::milliseconds front_idle{1000};
inline constexpr std::size_t ocsp_request_octets = 256;  // 32-octet hashes, a serial of 20: 120
inline constexpr std::chrono::seconds front_timeout{5};
inline constexpr std::size_t front_answer_octets = 64 * 1024;  // ours are below 8 KiB
// The control socket: operators and a CA's connector.
inline constexpr std::size_t control_connections = 64;
inline constexpr std::size_t control_line_octets = 64 * 1024;
inline constexpr std::ptrdiff_t control_nesting = 8;  // brackets in a line
inline constexpr std::size_t control_commands = 64;   // other than events, at a time
// Events in one transaction: what two or three connections have sent at once, 0.1 s of writing that a lone
// revocation may have to wait for. Their answers, 200 octets each, fit a connection's output.
inline constexpr std::size_t control_batch = 4096;
inline constexpr std::size_t control_imports_waiting = 16;
inline constexpr std::chrono::seconds control_idle{3600};
// A peer at a private door that takes nothing of its answers for so long.
inline constexpr std::chrono::seconds peer_stalls{60};
// The private call: one connection a front's worker; calls that wait and how long. At 1.4 ms an RSA-2048
// signature 256 are 0.4 s.
inline constexpr std::size_t live_connections = 256;
inline constexpr std::size_t live_waiting = 256;
inline constexpr std::chrono::milliseconds live_deadline{500};
// The private call's door for other machines. A handshake is one journey there and back and half a
// millisecond; 2 s bear a bad network. 64 unproved ones are at most 5 MB; a flood has to bring 64 newcomers
// while one handshake takes its few milliseconds to push it out. 200 in a second are a tenth of a core, and
// bring 256 front workers back within a second and a half.
inline constexpr std::chrono::milliseconds remote_handshake{2000};
inline constexpr std::size_t remote_unproved = 64;
inline constexpr std::uint32_t remote_accepted = 200;  // a second
inline constexpr std::chrono::milliseconds remote_tick{50};
inline constexpr int remote_backlog = 128;

}  // namespace eightbells::limits

#endif
