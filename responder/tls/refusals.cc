#include "responder/tls/refusals.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "responder/tls/limits.h"

namespace eightbells::tls {

namespace {

const char* to_text(Refusal why) noexcept {
    switch (why) {
        case Refusal::not_tls:
            return "it did not speak TLS";
        case Refusal::secret:
            return "it did not prove that it has the secret";
        case Refusal::slow:
            return "it took too long";
        case Refusal::too_many:
            return "too many are connected";
        case Refusal::address:
            break;
    }
    return "it came from an address that is not the other signer's";
}

}  // namespace

// A hello carries 32 random octets, which OpenSSL keeps as soon as it has read one.
Refusal why_unproved(const SSL* connection) noexcept {
    std::array<std::uint8_t, SSL3_RANDOM_SIZE> random{};
    SSL_get_client_random(connection, random.data(), random.size());
    const bool greeted = std::ranges::any_of(random, [](std::uint8_t octet) { return octet != 0; });
    return greeted ? Refusal::secret : Refusal::not_tls;
}

void Refusals::add(Refusal why) noexcept {
    if (count_)
        count_(why);
    ++untold_;
    // Of sockets: what a test passes in as time has no part in it.
    const auto now = std::chrono::steady_clock::now();
    if (told_at_ && now - *told_at_ < limits::refusals_told)
        return;
    told_at_ = now;
    spdlog::warn("{}: {} connection{} refused, the last one because {}", address_, untold_,
                 untold_ == 1 ? " was" : "s were", to_text(why));
    untold_ = 0;
}

}  // namespace eightbells::tls
