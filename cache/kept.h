#ifndef EIGHTBELLS_CACHE_KEPT_H
#define EIGHTBELLS_CACHE_KEPT_H

#include <string>

#include "cache/held.h"

// Private to cache/*.cc.
namespace eightbells::cache {

// Brings the own page file from `saved` (what it holds; empty: not known) to `now`, and the floor up to its
// head, all in one durable transaction. A page that did not verify leaves its older bytes where they are:
// under the new head they do not verify either, so that after a restart its certificates are not loaded,
// never good by an old answer whose patches are gone.
Status keep(PageFile& own, const std::string& issuer, const HeldState& saved, const HeldState& now);

}  // namespace eightbells::cache

#endif
