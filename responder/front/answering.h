#ifndef EIGHTBELLS_RESPONDER_FRONT_ANSWERING_H
#define EIGHTBELLS_RESPONDER_FRONT_ANSWERING_H

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/clock.h"
#include "responder/crypto/digest.h"
#include "responder/front/foresight.h"
#include "responder/front/live_check.h"
#include "responder/front/live_client.h"
#include "responder/front/page_waits.h"
#include "responder/front/paths.h"
#include "responder/front/plan.h"
#include "responder/front/state.h"
#include "responder/http/exchange.h"
#include "responder/metrics/front_metrics.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/request.h"

namespace eightbells::front {

// Answers a worker's requests out of the state it was last given. What goes where, the first that fits:
//
//   GET, HEAD  an exact CRL path        the CRL, application/pkix-crl; a query after the path is ignored
//   GET, HEAD  a certificate_path       the issuer's certificate, application/pkix-cert
//   GET, HEAD  another path with a "."  404: such a path names a file, never a request
//   GET, HEAD  every other path         OCSP: what follows the prefix is the request; none, or one that
//                                       does not decode, is malformedRequest
//   POST       "/" or a prefix          OCSP, if the media type is right; else 415
//   POST       one of the first two     405, Allow: GET, HEAD
//   POST       every other path         404
//
// OCSP error statuses travel with HTTP 200 and are never cacheable (E-04, E-09). A CRL past its nextUpdate is
// not served: 503, so that a client knows to look elsewhere instead of taking it for the present state (C-17
// by analogy); a CRL that is not held is 503 until it is known that none is published, then 404.
//
// No allocation, lock, signature or system call on the way to a stored answer. Belongs to one thread.
class Answering final : public http::Handler {
  public:
    // Nothing here is owned; everything must outlive the object, and `live` may be null: then nobody is
    // asked.
    struct Parts {
        const OcspPaths& paths;
        metrics::RequestCounters& counters;
        metrics::FrontMetrics& metrics;
        LiveClient* live = nullptr;
        LiveCheck* check = nullptr;  // REQUIRED with `live`
        PageWaits* pages = nullptr;  // null: every page is in memory
        const Clock& clock;
    };
    Answering(const Parts& parts, std::shared_ptr<const FrontState> state);
    ~Answering() override;

    // From the next request on. Calls to the signer that are under way are finished with what is here then.
    void use(std::shared_ptr<const FrontState> state) noexcept;
    const FrontState& state() const noexcept { return *state_; }

    void answer(http::Exchange& exchange) noexcept override;
    void foresee(const http::Request& request, std::size_t number) noexcept override;

    // The names of what is counted beside outcome malformed, in the order of RequestCounters::add_fault.
    static std::vector<std::string> fault_names();

  private:
    class LiveAnswer;
    class LaterAnswer;
    using Outcome = metrics::Outcome;

    // What is counted of a request, in the one place where it ends.
    struct Asked {
        std::chrono::steady_clock::time_point began;  // when it was read
        metrics::Method method = metrics::Method::get;
        metrics::Hash hash = metrics::Hash::none;
        std::size_t issuer = metrics::RequestCounters::no_issuer;
    };
    void count(const Asked& asked, Outcome outcome, std::chrono::nanoseconds took) noexcept;

    // Into the log, now and then only: a signer gone wrong would fill it.
    void tell_of_wrong_answer(const std::string& what) noexcept;

    // Each answers the exchange; nullopt: deferred, counted later.
    std::optional<Outcome> route(http::Exchange& exchange, Asked& asked) noexcept;
    Outcome answer_crl(http::Exchange& exchange, const FrontState::CrlRoute& route, Asked& asked) noexcept;
    Outcome answer_certificate(http::Exchange& exchange, const Issuers::Issuer& issuer) noexcept;
    std::optional<Outcome> answer_ocsp(http::Exchange& exchange, const ocsp::RequestView& request,
                                       const LookupKey* key, Asked& asked) noexcept;
    // What the plan says of it; nullopt: deferred.
    template <class To>
    std::optional<Outcome> act(To& to, const ocsp::RequestView& request, const Plan& plan, UtcTime now,
                               const Asked& asked) noexcept;
    template <class To>
    std::optional<Outcome> ask_signer(To& to, const ocsp::RequestView& request, const Plan& plan, UtcTime now,
                                      const Asked& asked) noexcept;
    std::optional<Outcome> await_page(http::Exchange& exchange, const Plan& plan,
                                      const Asked& asked) noexcept;
    Outcome answer_malformed(http::Exchange& exchange, std::size_t fault) noexcept;
    static Outcome answer_http_error(http::Exchange& exchange, std::uint16_t status,
                                     Outcome outcome) noexcept;

    // `To` is an Exchange or a Deferred.
    template <class To>
    Outcome send_stored(To& to, const Plan& plan, UtcTime now, bool cacheable) noexcept;
    template <class To>
    static Outcome send_refusal(To& to, Refusal refusal) noexcept;
    template <class To>
    static void send(To& to, ByteView body, const std::optional<http::Caching>& caching) noexcept;

    Surroundings surroundings(UtcTime now, const LookupKey* key = nullptr) noexcept {
        return {*state_, sha256_, parts_.live != nullptr, now, key};
    }

    Parts parts_;
    std::optional<std::chrono::steady_clock::time_point> said_;
    std::shared_ptr<const FrontState> state_;
    crypto::Sha256 sha256_;
    ocsp::RequestView request_;
    std::array<std::uint8_t, limits::request_octets> decoded_;
    Foresight foresight_;
    // Of those foreseen together the clock is looked at when the first is read and when the first is
    // answered, and the difference is said of all: what each one's answer takes is far below what is counted
    // by (metrics::request_bounds).
    std::chrono::steady_clock::time_point foreseen_since_;
    std::chrono::nanoseconds foreseen_for_{};
    std::array<std::uint8_t, limits::answer_octets> encoded_;
};

}  // namespace eightbells::front

#endif
