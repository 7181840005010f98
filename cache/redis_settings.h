#ifndef EIGHTBELLS_CACHE_REDIS_SETTINGS_H
#define EIGHTBELLS_CACHE_REDIS_SETTINGS_H

#include <string_view>
#include <vector>

#include "cache/store.h"

// Private to cache/redis_*.cc.
namespace eightbells::cache {

// What a server's INFO memory says of how it is set up. All of it is hostile until it has gone through here:
// what is not said as a Redis says it counts as not told.
std::vector<StoreFinding> findings_in(std::string_view info);

}  // namespace eightbells::cache

#endif
