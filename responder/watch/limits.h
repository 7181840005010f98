#ifndef EIGHTBELLS_RESPONDER_WATCH_LIMITS_H
#define EIGHTBELLS_RESPONDER_WATCH_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eightbells::limits {

using namespace std::chrono_literals;

// The promise that the watch measures: out of reach for no longer than this on end (G-01).
inline constexpr std::chrono::seconds outage_promise = 4h;
// NIS2's thresholds (G-02): wholly out on end, out in one calendar week, share of failed probes.
inline constexpr std::chrono::seconds nis2_wholly_out = 20min;
inline constexpr std::chrono::seconds nis2_out_in_week = 1h;
inline constexpr double nis2_failed_share = 0.01;

// --- probing
// Answers of this service take about 1 KB, with a 5 KB signature and a certificate chain 20.
inline constexpr std::size_t watched_answer_octets = 256 * 1024;
// A CRL of a million entries takes about 40 MB; one of twice that is still read.
inline constexpr std::size_t watched_crl_octets = 96 * 1024 * 1024;
// Our clock and a front's may differ by this much before a time counts as lying in the future.
inline constexpr std::chrono::seconds watched_clock_skew = 10s;
// Date and Age count in whole seconds over several machines' clocks.
inline constexpr std::chrono::seconds watched_date_skew = 120s;
// Nodes behind one address take up a publication within seconds; what is older than this was replayed.
inline constexpr std::chrono::seconds watched_lag = 10min;
// D-05: 8 hours to 7 days (Microsoft), end points included. D-06: half of a validity below 16 hours, else 8
// hours before nextUpdate and within 4 days.
inline constexpr std::chrono::seconds public_validity_min = 8h;
inline constexpr std::chrono::seconds public_validity_max = std::chrono::days{7};
inline constexpr std::chrono::seconds public_short_validity = 16h;
inline constexpr std::chrono::seconds public_refresh_before = 8h;
inline constexpr std::chrono::seconds public_refresh_age = std::chrono::days{4};
inline constexpr std::chrono::seconds public_crl_validity_max = std::chrono::days{10};
// Revocations that are waited for at a time; those beyond are refused where they are announced.
inline constexpr std::size_t awaited_revocations = 1024;
inline constexpr std::size_t awaited_in_a_round =
    16;  // of an issuer at an address, by turns: as many requests as canaries make
inline constexpr std::chrono::seconds awaited_for = 24h;  // after the revocation
inline constexpr std::size_t revocations_file_octets = 1024 * 1024;
inline constexpr std::size_t canary_file_octets = 64 * 1024;

// --- the outage ledger
// Of an answer that was wrong, this much is kept: every OCSP answer and the head of any CRL.
inline constexpr std::size_t evidence_octets = 64 * 1024;
inline constexpr std::size_t cause_text_octets = 400;
// A round that saw 4,096 series writes 50 KiB; a row above this was not written by a watch.
inline constexpr std::size_t ledger_row_octets = 256 * 1024;
inline constexpr std::size_t watched_series = 4096;
inline constexpr std::size_t ledger_faults_shown = 1000;
// One signed head of 400 octets a day: 40 years.
inline constexpr std::size_t anchor_file_octets = 8 * 1024 * 1024;
inline constexpr std::chrono::seconds anchor_period = 24h;

// --- the status
inline constexpr std::size_t status_days = 90;
inline constexpr std::size_t status_outages = 500;  // the newest; the report has them all
inline constexpr std::size_t runway_points = 144;   // one every ten minutes of the last day

// --- the report
// A month of four methods that came and went with every probe, in 100 issuers, takes 200 MB.
inline constexpr std::size_t report_file_octets = 256 * 1024 * 1024;
inline constexpr int report_depth = 16;  // of nested lists and objects; a report has 7
inline constexpr std::size_t report_faults_shown = 1000;
inline constexpr std::size_t report_value_shown = 120;  // octets of a wrong value in a message

}  // namespace eightbells::limits

#endif
