#include "responder/front/caching.h"

#include <algorithm>

#include "responder/front/limits.h"

namespace eightbells::front {

CachePolicy cache_policy_of(const config::Issuer& settings) noexcept {
    return {settings.cache_for, settings.validity - settings.refresh, settings.max_age};
}

seconds max_age(UtcTime now, UtcTime next_update, const CachePolicy& policy,
                const http::EntityTag& etag) noexcept {
    const seconds left = next_update - now;
    const seconds to_refresh = left - policy.runway;
    seconds most = std::min({policy.cache_for, left, limits::max_age});
    if (most <= seconds{0})
        return seconds{0};
    const seconds overdue = std::max(-to_refresh, policy.cache_for / limits::overdue_cache_share);
    most = std::min(most, std::max(to_refresh > seconds{0} ? to_refresh : overdue, seconds{1}));
    const auto fall = static_cast<std::int64_t>(etag[0]) << 8 | etag[1];
    return most - seconds{most.count() / 10 * fall / 65536};
}

http::EntityTag tag_of(ByteView signature) noexcept {
    http::EntityTag tag{};
    const ByteView end = signature.last(std::min(signature.size(), tag.size()));
    std::copy(end.begin(), end.end(), tag.begin());
    return tag;
}

http::Caching caching_of(const ocsp::SingleAnswer& single, const http::EntityTag& etag,
                         const CachePolicy& policy, UtcTime now) noexcept {
    const seconds young = policy.max_age ? single.produced_at + *policy.max_age - now : limits::max_age;
    return {.etag = etag,
            // Where our clock is a little behind the signer's: Last-Modified is never later than Date (E-07).
            .last_modified = std::min(single.this_update, now),
            .expires = single.next_update,
            .max_age = std::clamp(max_age(now, single.next_update, policy, etag), seconds{0},
                                  std::max(young, seconds{0}))};
}

http::Caching caching_of(const CrlFile& crl, seconds cache_for, UtcTime now) noexcept {
    const UtcTime next_update = crl.next_update.value_or(year_9999);
    return {.etag = crl.etag,
            .last_modified = std::min(crl.this_update, now),
            .expires = next_update,
            .max_age = max_age(now, next_update, {.cache_for = cache_for, .runway = seconds{0}}, crl.etag)};
}

}  // namespace eightbells::front
