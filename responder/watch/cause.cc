#include "responder/watch/cause.h"

#include <algorithm>

namespace eightbells::watch {
namespace {

template <class Enum, std::size_t n>
std::optional<Enum> find(const std::array<std::string_view, n>& names, std::string_view name) noexcept {
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<Enum>(found - names.begin());
}

constexpr std::array<std::string_view, cause_count> explanations{
    "in reach",
    "the name could not be resolved",
    "no connection",
    "the TLS handshake or certificate failed",
    "no whole answer in time",
    "the answer was cut off",
    "the answer was too large",
    "the answer was not HTTP",
    "the answer was a redirect",
    "a wrong HTTP status",
    "a wrong content type",
    "a wrong or missing HTTP header",
    "a cache served, or was told to keep, an answer beyond its time",
    "the answer was not the DER of such an answer",
    "an OCSP error instead of a status",
    "the answer was for another CA",
    "the answer was for another certificate",
    "the signature does not verify",
    "the signer was not authorised",
    "the answer was not yet valid",
    "the answer had expired",
    "the answer says not until when it holds",
    "the answer was too old",
    "the validity period breaks the rules",
    "a wrong status",
    "an older answer than before",
    "OCSP and CRL disagree",
    "two libraries disagree about the answer",
    "the CRL cannot be asked for conditionally",
    "not modified, although it was",
    "the watch itself could not look",
};

}  // namespace

std::optional<Method> method_from(std::string_view name) noexcept {
    return find<Method>(method_names, name);
}
std::optional<Cause> cause_from(std::string_view name) noexcept {
    return find<Cause>(cause_names, name);
}
std::string_view explain(Cause cause) noexcept {
    return explanations[static_cast<std::size_t>(cause)];
}

}  // namespace eightbells::watch
