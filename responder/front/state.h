#ifndef EIGHTBELLS_RESPONDER_FRONT_STATE_H
#define EIGHTBELLS_RESPONDER_FRONT_STATE_H

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cache/replica.h"
#include "responder/front/crl_file.h"
#include "responder/front/issuers.h"

namespace eightbells::front {

// Everything that a request may be answered from, at one moment. Made by the loader, never changed
// afterwards; each worker holds one reference of its own, so that a request touches no lock and no reference
// count.
struct FrontState {
    std::shared_ptr<const Issuers> issuers;
    // [issuer]; null before anything is loaded.
    std::vector<std::shared_ptr<const cache::IssuerSnapshot>> snapshots;

    struct CrlRoute {
        std::string path;  // exact
        std::size_t issuer = 0;
        // False: what lies there is not known yet, or is published and not held; an absent CRL proves
        // nothing.
        bool settled = false;
        std::shared_ptr<const CrlFile> crl;  // null: none is held
    };
    std::vector<CrlRoute> crls;  // sorted by path, no path twice

    // Exact; nullptr: no CRL has this path. No allocation.
    const CrlRoute* find_crl(std::string_view path) const noexcept;

    // `crls[issuer]` are the files that belong to the snapshot. Adds every CRL path that is configured or
    // named by a head, whether a CRL is held or not. Where two issuers claim one path, the one configured
    // there has it, else the first.
    static std::shared_ptr<const FrontState> make(
        std::shared_ptr<const Issuers> issuers,
        std::vector<std::shared_ptr<const cache::IssuerSnapshot>> snapshots,
        const std::vector<std::vector<std::shared_ptr<const CrlFile>>>& crls,
        const std::vector<bool>& loaded);
};

}  // namespace eightbells::front

#endif
