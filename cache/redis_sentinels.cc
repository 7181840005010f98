#include "cache/redis_sentinels.h"

#include <fmt/format.h>

#include "cache/redis_slots.h"

namespace eightbells::cache {

RedisSentinels::RedisSentinels(const RedisAddress& address, const Clock& clock)
    : service_(address.sentinel_service) {
    for (const std::string& text : address.sentinels) {
        auto place = parse_place(text);
        if (!place)
            continue;  // the configuration refuses it
        RedisAddress sentinel = server_at(address, *std::move(place));
        sentinel.user = address.sentinel_user;
        sentinel.password = address.sentinel_password;
        all_.push_back(std::make_unique<RedisConnection>(std::move(sentinel), clock));
    }
}

void RedisSentinels::next() {
    asked_ = (asked_ + 1) % all_.size();
}

Result<RedisPlace> RedisSentinels::primary(std::size_t at_most) {
    Result<RedisPlace> said = fail("no Sentinel is configured");
    for (std::size_t i = 0; i < at_most && i < all_.size(); ++i) {
        said = ask();
        if (said)
            return said;
        next();
    }
    return fail("Sentinel", said.error());
}

Result<RedisPlace> RedisSentinels::ask() {
    RedisConnection& sentinel = *all_[asked_];
    if (auto ready = sentinel.ready(); !ready)
        return tl::unexpected(ready.error());
    const auto answer = sentinel.ask({"SENTINEL", "get-master-addr-by-name", service_});
    if (!answer)
        return tl::unexpected(answer.error());
    auto place = parse_primary(**answer);
    if (!place)
        return sentinel.drop(place.error().message);
    if (!*place)
        return sentinel.drop(fmt::format("knows no service \"{}\"", service_));
    return **std::move(place);
}

}  // namespace eightbells::cache
