#ifndef EIGHTBELLS_RESPONDER_METRICS_OUTCOME_H
#define EIGHTBELLS_RESPONDER_METRICS_OUTCOME_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eightbells::metrics {

// The values of every label but the issuer's: each an enum whose names stand here, so that no label can take
// a value that is not known beforehand (G-19).

// What became of a request to the front. Every request ends in exactly one, counted in one place.
enum class Outcome : std::uint8_t {
    good,                         // a stored answer
    revoked,                      // a stored answer; on hold included
    live,                         // an answer that the signer made for this request
    unauthorized_not_issued,      // a verified page, or the signer, says that it was never issued
    unauthorized_foreign_issuer,  // an issuer that is not served here, or several in one request
    unauthorized_hash,            // a CertID hash that is not answered
    malformed,                    // the reason is counted in malformed_requests_total
    try_later_not_loaded,         // no verified statement is held
    try_later_expired,            // what is held is past its nextUpdate
    try_later_not_yet_valid,      // what is held lies in the future
    try_later_signer,             // the signer was away, late, busy or wrong
    internal_error,
    crl,              // a CRL, whole or in part
    certificate,      // an issuer's certificate
    crl_unavailable,  // the path of a CRL that is not held or no longer valid
    not_found,        // no such path
    http_error,       // the media type, or whatever else the handler refuses on HTTP's own terms
    count_
};
inline constexpr std::size_t outcomes = static_cast<std::size_t>(Outcome::count_);
inline constexpr std::array<std::string_view, outcomes> outcome_names{"good",
                                                                      "revoked",
                                                                      "live",
                                                                      "unauthorized_not_issued",
                                                                      "unauthorized_foreign_issuer",
                                                                      "unauthorized_hash",
                                                                      "malformed",
                                                                      "try_later_not_loaded",
                                                                      "try_later_expired",
                                                                      "try_later_not_yet_valid",
                                                                      "try_later_signer",
                                                                      "internal_error",
                                                                      "crl",
                                                                      "certificate",
                                                                      "crl_unavailable",
                                                                      "not_found",
                                                                      "http_error"};

// How a request came. Other methods never reach the handler; the wire counters have them.
enum class Method : std::uint8_t { get, head, post, count_ };
inline constexpr std::size_t methods = static_cast<std::size_t>(Method::count_);
inline constexpr std::array<std::string_view, methods> method_names{"get", "head", "post"};

// The hash of the (first) CertID; `none` where there is none.
enum class Hash : std::uint8_t { none, sha1, sha256, other, count_ };
inline constexpr std::size_t hashes = static_cast<std::size_t>(Hash::count_);
inline constexpr std::array<std::string_view, hashes> hash_names{"none", "sha1", "sha256", "other"};

// What an answer took its time from: the four have different times by nature.
enum class AnswerKind : std::uint8_t { stored, live, crl, error, count_ };
inline constexpr std::size_t answer_kinds = static_cast<std::size_t>(AnswerKind::count_);
inline constexpr std::array<std::string_view, answer_kinds> answer_kind_names{"stored", "live", "crl",
                                                                              "error"};
AnswerKind kind_of(Outcome outcome) noexcept;

// Whether an outcome can occur for an issuer that is served here, or only without one.
bool names_an_issuer(Outcome outcome) noexcept;

// What a store held and a front did not believe.
enum class BlobKind : std::uint8_t { head, table, page, patch, profile, crl, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(BlobKind::count_)> blob_kind_names{
    "head", "table", "page", "patch", "profile", "crl"};

// How a pass over the store ended.
enum class SyncResult : std::uint8_t { advanced, unchanged, behind, failed, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(SyncResult::count_)> sync_result_names{
    "advanced", "unchanged", "behind", "failed"};

// How a live call ended, as its caller saw it.
enum class LiveVerdict : std::uint8_t {
    signed_answer,
    busy,
    unauthorized,
    failed,
    late,
    unreachable,
    wrong,
    count_
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(LiveVerdict::count_)>
    live_verdict_names{"signed_answer", "busy", "unauthorized", "failed", "late", "unreachable", "wrong"};

enum class SignatureOutcome : std::uint8_t { made, failed, self_check_failed, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(SignatureOutcome::count_)>
    signature_outcome_names{"made", "failed", "self_check_failed"};

enum class EventAction : std::uint8_t { issue, revoke, hold, release, correct, heartbeat, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(EventAction::count_)>
    event_action_names{"issue", "revoke", "hold", "release", "correct", "heartbeat"};

enum class EventVerdict : std::uint8_t { applied, unchanged, refused, failed, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(EventVerdict::count_)>
    event_verdict_names{"applied", "unchanged", "refused", "failed"};

// Where certificates come from. The names that event sources give themselves are free text and no label.
enum class Feed : std::uint8_t { index, crl, list, events, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Feed::count_)> feed_names{
    "index", "crl", "list", "events"};

// What the ledger is compared with: the CRLs under the head, the published answers, what fronts answer.
enum class Compared : std::uint8_t { crl, answers, front, count_ };
inline constexpr std::size_t compareds = static_cast<std::size_t>(Compared::count_);
inline constexpr std::array<std::string_view, compareds> compared_names{"crl", "answers", "front"};

enum class ImportResult : std::uint8_t { changed, unchanged, refused, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(ImportResult::count_)>
    import_result_names{"changed", "unchanged", "refused"};

// The doors for other machines: the private call's, and the other signer's of a pair.
enum class Door : std::uint8_t { live, pair, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Door::count_)> door_names{"live",
                                                                                                 "pair"};

// Why a connection at one of them was refused: tls::Refusal, in its order.
enum class Refused : std::uint8_t { not_tls, secret, slow, too_many, address, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Refused::count_)> refused_names{
    "not_tls", "secret", "slow", "too_many", "address"};

enum class PublishResult : std::uint8_t { done, failed, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(PublishResult::count_)>
    publish_result_names{"done", "failed"};

// What is found of how the store is set up: cache::StoreFinding::Kind, in its order.
enum class StoreFinding : std::uint8_t { evicts, nearly_full, not_told, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(StoreFinding::count_)>
    store_finding_names{"evicts", "nearly_full", "not_told"};

enum class ClockState : std::uint8_t { trusted, unsynchronised, stepped, count_ };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(ClockState::count_)> clock_state_names{
    "trusted", "unsynchronised", "stepped"};

}  // namespace eightbells::metrics

#endif
