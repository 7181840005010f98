#ifndef EIGHTBELLS_RESPONDER_FRONT_FORESIGHT_H
#define EIGHTBELLS_RESPONDER_FRONT_FORESIGHT_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "cache/replica.h"
#include "responder/crypto/digest.h"
#include "responder/front/limits.h"
#include "responder/front/paths.h"
#include "responder/front/plan.h"
#include "responder/front/state.h"
#include "responder/http/exchange.h"
#include "responder/http/limits.h"
#include "responder/ocsp/request.h"

namespace eightbells::front {

// The requests that are answered shortly (http::Handler::foresee): each is understood once, when it comes,
// and before the first is answered all of them are looked up together, so that they wait for memory at the
// same time. Only what nearly every request is, about one certificate and of at most limits::foreseen_octets;
// anything else is left to be answered as it comes.
//
// What is known of a request follows from its own octets. Looking up leaves nothing but memory nearer to the
// core: what is done is planned when it is answered, from the state that there is then. No allocation.
// Belongs to one thread.
class Foresight {
  public:
    // `paths` must outlive the object.
    explicit Foresight(const OcspPaths& paths) noexcept : paths_(paths) {}

    // REQUIRES: `number` is 0 or one more than that before.
    void foresee(const http::Request& request, std::size_t number) noexcept;
    bool waits() const noexcept { return count_ != 0; }  // some have not been looked up yet
    // Asks memory for all that the look-ups in `state` will touch: of all requests the first step, of all the
    // second, ... so that each step has come for the first when it is asked of the last. Each request once.
    void look_up(const FrontState& state, crypto::Sha256& sha256) noexcept;

    struct Known {
        ocsp::RequestView request;     // about one certificate
        std::optional<LookupKey> key;  // once it has been looked up; absent: no serial at all
    };
    // nullptr: not understood.
    const Known* of(std::size_t number) const noexcept {
        return requests_[number].understood ? &requests_[number].known : nullptr;
    }

  private:
    struct Coming {
        bool understood = false;
        ocsp::HashAlgorithm hash{};
        const cache::IssuerSnapshot* snapshot = nullptr;  // null: nothing is looked up
        Known known;
        std::array<std::uint8_t, limits::foreseen_octets> decoded;
    };
    bool understand(const http::Request& request, Coming& out) const noexcept;
    static void prepare(Coming& coming, const FrontState& state, crypto::Sha256& sha256) noexcept;

    const OcspPaths& paths_;
    std::array<Coming, limits::http_ahead> requests_{};
    std::size_t count_ = 0;  // to be looked up
};

}  // namespace eightbells::front

#endif
