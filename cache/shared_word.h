#ifndef EIGHTBELLS_CACHE_SHARED_WORD_H
#define EIGHTBELLS_CACHE_SHARED_WORD_H

#include <chrono>
#include <memory>
#include <string>

#include "cache/redis_address.h"
#include "responder/base/clock.h"
#include "responder/base/result.h"

namespace eightbells::cache {

// One short text that several programs share, and change only if it still is what they last saw. Like
// everything in a store it may be lost, or somebody else's; who reads it judges it. Not for several threads
// at a time.
class SharedWord {
  public:
    virtual ~SharedWord() = default;
    // Puts `next` there if `expected` stands there (empty: nothing), and returns what stands there then, at
    // most limits::shared_word_octets. With next == expected it merely looks. An error: out of reach, and
    // whether it was changed is not known.
    virtual Result<std::string> exchange(const std::string& expected, const std::string& next) = 0;
    // Whether what was written last stands in every server that is following and could take the store's
    // place; waits up to `at_most`. False: not yet. An error: out of reach.
    virtual Result<bool> replicated(std::chrono::milliseconds at_most) = 0;
};

// The same in Redis, one server, behind Sentinel or in a cluster, under "eightbells:" and this name; one
// script, so that nobody comes between.
class RedisWord final : public SharedWord {
  public:
    // Does not connect yet. `clock` must outlive it.
    RedisWord(const RedisAddress& address, std::string name, const Clock& clock);
    ~RedisWord() override;
    Result<std::string> exchange(const std::string& expected, const std::string& next) override;
    // WAIT, for as many replicas as INFO says are connected.
    Result<bool> replicated(std::chrono::milliseconds at_most) override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
