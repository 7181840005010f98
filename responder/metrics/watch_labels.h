#ifndef EIGHTBELLS_RESPONDER_METRICS_WATCH_LABELS_H
#define EIGHTBELLS_RESPONDER_METRICS_WATCH_LABELS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eightbells::metrics {

// The values of the watch's labels. Methods and outcomes are those of its ledger, by the same names; the
// watch holds them against its own at compile time.
enum class WatchedMethod : std::uint8_t { ocsp_get, ocsp_post, crl, crl_conditional, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(WatchedMethod::count_)>
    watched_method_names{"ocsp_get", "ocsp_post", "crl", "crl_conditional"};

// `ok`, or the cause of the failure: an index into this list.
struct ProbeOutcome {
    std::size_t index = 0;
};
inline constexpr std::array<std::string_view, 31> probe_outcome_names{"ok",
                                                                      "dns",
                                                                      "connect",
                                                                      "tls",
                                                                      "timeout",
                                                                      "truncated",
                                                                      "too_large",
                                                                      "http_protocol",
                                                                      "redirect",
                                                                      "http_status",
                                                                      "content_type",
                                                                      "http_headers",
                                                                      "cache_stale",
                                                                      "not_der",
                                                                      "ocsp_error_status",
                                                                      "wrong_issuer",
                                                                      "wrong_serial",
                                                                      "signature",
                                                                      "signer",
                                                                      "not_yet_valid",
                                                                      "expired",
                                                                      "no_next_update",
                                                                      "stale",
                                                                      "validity_period",
                                                                      "status_wrong",
                                                                      "went_back",
                                                                      "disagreement",
                                                                      "libraries_disagree",
                                                                      "no_validator",
                                                                      "stale_not_modified",
                                                                      "internal"};

// What says until when it holds.
enum class StatusKind : std::uint8_t { ocsp, crl, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(StatusKind::count_)> status_kind_names{
    "ocsp", "crl"};

}  // namespace eightbells::metrics

#endif
