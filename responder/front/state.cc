#include "responder/front/state.h"

#include <algorithm>
#include <utility>

namespace eightbells::front {

const FrontState::CrlRoute* FrontState::find_crl(std::string_view path) const noexcept {
    const auto found = std::ranges::lower_bound(
        crls, path, {}, [](const CrlRoute& route) -> std::string_view { return route.path; });
    return found != crls.end() && found->path == path ? &*found : nullptr;
}

std::shared_ptr<const FrontState> FrontState::make(
    std::shared_ptr<const Issuers> issuers,
    std::vector<std::shared_ptr<const cache::IssuerSnapshot>> snapshots,
    const std::vector<std::vector<std::shared_ptr<const CrlFile>>>& crls, const std::vector<bool>& loaded) {
    auto state = std::make_shared<FrontState>();
    for (std::size_t i = 0; i < issuers->size(); ++i)
        for (const auto& crl : (*issuers)[i].settings.crls())
            state->crls.push_back({crl.path, i, loaded[i], nullptr});
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
        if (snapshots[i] == nullptr)
            continue;
        for (const auto& named : snapshots[i]->head().crls) {
            const auto route = std::ranges::find(state->crls, named.path, &CrlRoute::path);
            if (route == state->crls.end())
                state->crls.push_back({named.path, i, false, nullptr});
            else if (route->issuer == i)
                route->settled = false;
        }
    }
    for (std::size_t i = 0; i < crls.size(); ++i)
        for (const auto& crl : crls[i]) {
            const auto route = std::ranges::find(state->crls, crl->path, &CrlRoute::path);
            if (route == state->crls.end())
                state->crls.push_back({crl->path, i, true, crl});
            else if (route->issuer == i)
                route->crl = crl;
        }
    std::ranges::sort(state->crls, {}, &CrlRoute::path);
    state->issuers = std::move(issuers);
    state->snapshots = std::move(snapshots);
    return state;
}

}  // namespace eightbells::front
