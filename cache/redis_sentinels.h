#ifndef EIGHTBELLS_CACHE_REDIS_SENTINELS_H
#define EIGHTBELLS_CACHE_REDIS_SENTINELS_H

#include <memory>
#include <vector>

#include "cache/redis_connection.h"

// Private to cache/redis_*.cc.
namespace eightbells::cache {

// The Redis Sentinels that know which server is the primary (Redis Sentinel client guidelines). One that does
// not answer, or was wrong, is left for the next. Not for several threads at a time.
class RedisSentinels {
  public:
    // `clock` must outlive it.
    RedisSentinels(const RedisAddress& address, const Clock& clock);

    // What the first of them says that says anything; `at_most` are asked.
    Result<RedisPlace> primary(std::size_t at_most);
    void next();  // the one that said so is not believed
    std::size_t count() const noexcept { return all_.size(); }

  private:
    Result<RedisPlace> ask();

    std::string service_;
    std::vector<std::unique_ptr<RedisConnection>> all_;
    std::size_t asked_ = 0;
};

}  // namespace eightbells::cache

#endif
