#include "responder/signer/crl_scope.h"

#include <algorithm>

#include "responder/config/limits.h"

namespace eightbells::signer {

std::vector<CrlScope> crl_scopes(const config::Issuer& settings) {
    std::vector<CrlScope> scopes{{"", settings.crl_path}};
    for (const std::string& uri : settings.generated_crl.partitions)
        scopes.push_back({uri, std::string{config::path_of_uri(uri)}});
    return scopes;
}

std::vector<std::string> crl_paths_of(const config::Issuer& settings) {
    std::vector<std::string> paths;
    for (const auto& crl : settings.crls())
        paths.push_back(crl.path);
    if (!settings.generated_crl.on())
        return paths;
    for (const CrlScope& scope : crl_scopes(settings))
        paths.push_back(scope.path);
    if (const std::string& delta = settings.generated_crl.delta; !delta.empty())
        paths.emplace_back(config::path_of_uri(delta));
    return paths;
}

bool belongs_to(const CrlScope& scope, const std::string* distribution_point,
                const std::vector<CrlScope>& scopes) {
    if (scope.distribution_point.empty())
        return true;
    if (distribution_point == nullptr)
        return true;
    if (*distribution_point == scope.distribution_point)
        return true;
    const bool elsewhere =
        config::path_of_uri(*distribution_point) == scopes.front().path ||
        std::ranges::find(scopes, *distribution_point, &CrlScope::distribution_point) != scopes.end();
    return !elsewhere;
}

CrlTimes crl_times(const config::Issuer& issuer, UtcTime now, UtcTime as_of, UtcTime latest_revocation,
                   std::optional<UtcTime> served_this_update, seconds validity) {
    const auto& settings = issuer.generated_crl;
    CrlTimes times;
    times.this_update =
        std::max({std::min(now, as_of), latest_revocation, served_this_update.value_or(UtcTime{})});
    const seconds longest = issuer.issues_cas ? limits::ca_crl_validity_max : limits::crl_validity_max;
    times.next_update = std::min(now + validity, times.this_update + longest);
    if (settings.next_publish)
        times.next_publish = now + settings.every;
    return times;
}

}  // namespace eightbells::signer
