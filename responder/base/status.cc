#include "responder/base/status.h"

#include <array>
#include <utility>

namespace eightbells {

namespace {
constexpr std::array<std::pair<CrlReason, std::string_view>, 10> names{{
    {CrlReason::unspecified, "unspecified"},
    {CrlReason::key_compromise, "keyCompromise"},
    {CrlReason::ca_compromise, "cACompromise"},
    {CrlReason::affiliation_changed, "affiliationChanged"},
    {CrlReason::superseded, "superseded"},
    {CrlReason::cessation_of_operation, "cessationOfOperation"},
    {CrlReason::certificate_hold, "certificateHold"},
    {CrlReason::remove_from_crl, "removeFromCRL"},
    {CrlReason::privilege_withdrawn, "privilegeWithdrawn"},
    {CrlReason::aa_compromise, "aACompromise"},
}};

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}
}  // namespace

std::string_view to_string(CrlReason reason) noexcept {
    for (const auto& [value, name] : names) {
        if (value == reason)
            return name;
    }
    return "unknown";
}

std::optional<CrlReason> reason_from_string(std::string_view text) noexcept {
    for (const auto& [value, name] : names) {
        if (same_ignoring_case(text, name))
            return value;
    }
    return std::nullopt;
}

std::optional<CrlReason> reason_from_code(std::uint64_t code) noexcept {
    for (const auto& [value, name] : names) {
        if (static_cast<std::uint64_t>(value) == code)
            return value;
    }
    return std::nullopt;
}

}  // namespace eightbells
