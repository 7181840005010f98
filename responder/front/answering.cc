#include "responder/front/answering.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "responder/front/caching.h"
#include "responder/front/limits.h"

namespace eightbells::front {
namespace {

constexpr std::string_view ocsp_response_type = "application/ocsp-response";
constexpr std::string_view crl_type = "application/pkix-crl";
constexpr std::string_view certificate_type = "application/pkix-cert";
constexpr std::string_view text_type = "text/plain";
constexpr std::size_t get_path_fault = ocsp::request_faults;  // behind those of a request

metrics::Method method_of(http::Method method) noexcept {
    switch (method) {
        case http::Method::head:
            return metrics::Method::head;
        case http::Method::post:
            return metrics::Method::post;
        case http::Method::get:
            break;
    }
    return metrics::Method::get;
}

metrics::Hash hash_of(const ocsp::CertIdView& cert_id) noexcept {
    if (!cert_id.hash)
        return metrics::Hash::other;
    return *cert_id.hash == ocsp::HashAlgorithm::sha1 ? metrics::Hash::sha1 : metrics::Hash::sha256;
}

metrics::Outcome outcome_of(Refusal refusal) noexcept {
    using metrics::Outcome;
    switch (refusal) {
        case Refusal::malformed:
            return Outcome::malformed;
        case Refusal::unknown_issuer:
            return Outcome::unauthorized_foreign_issuer;
        case Refusal::unknown_hash:
        case Refusal::hash_off:
            return Outcome::unauthorized_hash;
        case Refusal::not_issued:
        case Refusal::signer_refused:
            return Outcome::unauthorized_not_issued;
        case Refusal::not_loaded:
            return Outcome::try_later_not_loaded;
        case Refusal::expired:
            return Outcome::try_later_expired;
        case Refusal::not_yet_valid:
            return Outcome::try_later_not_yet_valid;
        case Refusal::signer_away:
        case Refusal::signer_wrong:
            return Outcome::try_later_signer;
        case Refusal::internal:
            break;
    }
    return Outcome::internal_error;
}

http::ResponseHead head_of(std::uint16_t status, std::string_view content_type) noexcept {
    http::ResponseHead head;
    head.status = status;
    head.content_type = content_type;
    return head;
}

}  // namespace

// --- one answer

template <class To>
void Answering::send(To& to, ByteView body, const std::optional<http::Caching>& caching) noexcept {
    http::ResponseHead head = head_of(200, ocsp_response_type);
    head.caching = caching;
    to.respond(head, body);
}

template <class To>
metrics::Outcome Answering::send_refusal(To& to, Refusal refusal) noexcept {
    send(to, ocsp::encode_error(status_of(refusal)), std::nullopt);
    return outcome_of(refusal);
}

template <class To>
metrics::Outcome Answering::send_stored(To& to, const Plan& plan, UtcTime now, bool cacheable) noexcept {
    const auto& [profile, single, signature] = *plan.stored;
    const ByteView body = ocsp::encode_response(*profile, single, signature, encoded_);
    if (body.empty())
        return send_refusal(to, Refusal::internal);
    std::optional<http::Caching> caching;
    if (cacheable)
        caching = caching_of(single, tag_of(signature),
                             cache_policy_of((*state_->issuers)[*plan.issuer].settings), now);
    send(to, body, caching);
    return single.status ? Outcome::revoked : Outcome::good;
}

// --- a call to the signer, and what comes of it

// Waits for the signer on behalf of one request.
class Answering::LiveAnswer final : public LiveClient::Waiting {
  public:
    LiveAnswer(Answering& answering, http::Deferred to, const Asked& asked)
        : answering_(answering), to_(std::move(to)), asked_(asked) {}

    void replied(const live::Call& call, const live::Reply& reply) noexcept override {
        using metrics::LiveVerdict;
        switch (reply.verdict) {
            case live::Verdict::signed_answer:
                break;
            case live::Verdict::busy:
                return give_up(call, LiveVerdict::busy, Refusal::signer_away);
            case live::Verdict::unauthorized:
                return give_up(call, LiveVerdict::unauthorized, Refusal::signer_refused);
            case live::Verdict::failed:
                return give_up(call, LiveVerdict::failed, Refusal::signer_away);
        }
        const Parts& parts = answering_.parts_;
        const Status checked = parts.check->check(asked_.issuer, call, reply.response, parts.clock.now());
        if (!checked) {
            answering_.tell_of_wrong_answer(checked.error().message);
            return give_up(call, LiveVerdict::wrong, Refusal::signer_wrong);
        }
        note(LiveVerdict::signed_answer);
        send(to_, reply.response, std::nullopt);
        count(Outcome::live);
    }

    void unanswered(const live::Call& call, bool late) noexcept override {
        give_up(call, late ? metrics::LiveVerdict::late : metrics::LiveVerdict::unreachable,
                Refusal::signer_away);
    }

  private:
    void note(metrics::LiveVerdict verdict) noexcept {
        const Parts& parts = answering_.parts_;
        parts.metrics.live_calls(verdict).add();
        parts.metrics.live_call_duration().observe(parts.clock.steady() - asked_.began);
    }

    // The stored answer where one certificate was asked about and there is one (A-16: without a nonce), else
    // the refusal. It is looked up now: what was held when the call began may be gone.
    void give_up(const live::Call& call, metrics::LiveVerdict verdict, Refusal refusal) noexcept {
        note(verdict);
        const UtcTime now = answering_.parts_.clock.now();
        const auto cert_id =
            call.cert_ids.size() == 1 ? ocsp::parse_cert_id(call.cert_ids.front()) : std::nullopt;
        if (cert_id && cert_id->hash) {
            const Plan stored = plan_stored(*cert_id, answering_.surroundings(now));
            if (stored.route == Plan::Route::stored) {
                answering_.parts_.metrics.live_fallbacks(asked_.issuer).add();
                count(answering_.send_stored(to_, stored, now, !call.nonce));
                return;
            }
        }
        count(send_refusal(to_, refusal));
    }

    void count(Outcome outcome) noexcept {
        answering_.count(asked_, outcome, answering_.parts_.clock.steady() - asked_.began);
    }

    Answering& answering_;
    http::Deferred to_;
    Asked asked_;
};

namespace {

http::Deferred defer(http::Exchange& exchange) noexcept {
    return exchange.defer();
}
http::Deferred defer(http::Deferred& deferred) noexcept {
    return std::move(deferred);
}

}  // namespace

template <class To>
std::optional<metrics::Outcome> Answering::ask_signer(To& to, const ocsp::RequestView& request,
                                                      const Plan& plan, UtcTime now,
                                                      const Asked& asked) noexcept {
    if (!parts_.live->ready()) {
        parts_.metrics
            .live_calls(parts_.live->connected() ? metrics::LiveVerdict::busy
                                                 : metrics::LiveVerdict::unreachable)
            .add();
        if (!plan.stored)
            return send_refusal(to, Refusal::signer_away);
        parts_.metrics.live_fallbacks(*plan.issuer).add();
        return send_stored(to, plan, now, !request.nonce());
    }
    const Issuers::Issuer& issuer = (*state_->issuers)[*plan.issuer];
    live::Call call;
    call.issuer = issuer.identity.id();
    for (const ocsp::CertIdView& cert_id : request.cert_ids())
        call.cert_ids.emplace_back(cert_id.tlv.begin(), cert_id.tlv.end());
    // Several certificates are answered live even where nonces are not echoed; the answer then carries none.
    if (request.nonce() && issuer.settings.nonce == config::Nonce::echo)
        call.nonce.emplace(request.nonce()->begin(), request.nonce()->end());
    if (!parts_.live->call(std::move(call), std::make_unique<LiveAnswer>(*this, defer(to), asked)))
        return Outcome::internal_error;  // the Deferred, dropped, has answered 500
    return std::nullopt;
}

template <class To>
std::optional<metrics::Outcome> Answering::act(To& to, const ocsp::RequestView& request, const Plan& plan,
                                               UtcTime now, const Asked& asked) noexcept {
    switch (plan.route) {
        case Plan::Route::stored:
            return send_stored(to, plan, now, true);
        case Plan::Route::live:
            return ask_signer(to, request, plan, now, asked);
        case Plan::Route::read:
            return send_refusal(to, Refusal::not_loaded);
        case Plan::Route::refuse:
            break;
    }
    return send_refusal(to, plan.refusal);
}

// --- a page that is read from the disk first

class Answering::LaterAnswer final : public PageWaits::Waiting {
  public:
    LaterAnswer(Answering& answering, http::Deferred to, const Asked& asked, ByteView request,
                const cache::Digest& page)
        : answering_(answering),
          to_(std::move(to)),
          asked_(asked),
          request_(request.begin(), request.end()),
          page_(page) {}
    LaterAnswer(LaterAnswer&&) noexcept = default;

    // Planned anew: a newer state may be here, or another life's page be next.
    void arrived(PageOutcome outcome) noexcept override {
        const Parts& parts = answering_.parts_;
        const UtcTime now = parts.clock.now();
        Plan plan;
        plan.refusal = Refusal::not_loaded;
        if (to_.waiting() && !ocsp::parse_request(request_, answering_.request_))
            plan = front::plan(answering_.request_, answering_.surroundings(now));
        if (plan.route == Plan::Route::read) {
            if (waits_again(plan, outcome))
                return;
            parts.metrics.page_waits_refused().add();
        }
        if (const auto answered = answering_.act(to_, answering_.request_, plan, now, asked_))
            answering_.count(asked_, *answered, parts.clock.steady() - asked_.began);
    }

  private:
    bool waits_again(const Plan& plan, PageOutcome outcome) noexcept {
        PageWaits& pages = *answering_.parts_.pages;
        const cache::PageRef page = *plan.awaited;
        const bool same = page.digest == page_;
        if (++waits_ >= limits::page_waits || (same && outcome == PageOutcome::failed))
            return false;
        if (same && outcome == PageOutcome::replaced) {
            pages.wait_for_state(std::make_unique<LaterAnswer>(std::move(*this)));
            return true;
        }
        if (!pages.ask(answering_.state_->snapshots[*plan.issuer], page))
            return false;
        page_ = page.digest;
        pages.wait(page.digest, std::make_unique<LaterAnswer>(std::move(*this)));
        return true;
    }

    Answering& answering_;
    http::Deferred to_;
    Asked asked_;
    Bytes request_;
    cache::Digest page_;  // that it waits for
    unsigned waits_ = 0;
};

std::optional<metrics::Outcome> Answering::await_page(http::Exchange& exchange, const Plan& plan,
                                                      const Asked& asked) noexcept {
    ByteView der;
    if (parts_.pages == nullptr ||
        parts_.paths.find_request(exchange.request(), decoded_, der) != OcspPaths::Content::request ||
        !parts_.pages->ask(state_->snapshots[*plan.issuer], *plan.awaited)) {
        parts_.metrics.page_waits_refused().add();
        return send_refusal(exchange, Refusal::not_loaded);
    }
    parts_.metrics.page_waits().add();
    const cache::Digest& page = plan.awaited->digest;
    parts_.pages->wait(page, std::make_unique<LaterAnswer>(*this, exchange.defer(), asked, der, page));
    return std::nullopt;
}

// --- requests

Answering::Answering(const Parts& parts, std::shared_ptr<const FrontState> state)
    : parts_(parts), state_(std::move(state)), foresight_(parts.paths) {}
Answering::~Answering() = default;

void Answering::use(std::shared_ptr<const FrontState> state) noexcept {
    state_ = std::move(state);
}

void Answering::foresee(const http::Request& request, std::size_t number) noexcept {
    if (number == 0)
        foreseen_since_ = parts_.clock.steady();
    foresight_.foresee(request, number);
}

void Answering::answer(http::Exchange& exchange) noexcept {
    if (foresight_.waits()) {
        foreseen_for_ = parts_.clock.steady() - foreseen_since_;
        foresight_.look_up(*state_, sha256_);
    }
    const bool foreseen = exchange.foreseen().has_value();
    Asked asked;
    asked.began = foreseen ? foreseen_since_ : parts_.clock.steady();
    asked.method = method_of(exchange.request().method);
    if (const auto outcome = route(exchange, asked))
        count(asked, *outcome, foreseen ? foreseen_for_ : parts_.clock.steady() - asked.began);
}

void Answering::tell_of_wrong_answer(const std::string& what) noexcept {
    const auto now = parts_.clock.steady();
    if (said_ && now - *said_ < limits::live_log_pause)
        return;
    said_ = now;
    spdlog::error("the signer's live answer is not believed: {}", what);
}

void Answering::count(const Asked& asked, Outcome outcome, std::chrono::nanoseconds took) noexcept {
    parts_.counters.add(asked.issuer, asked.method, asked.hash, outcome, took);
}

std::optional<metrics::Outcome> Answering::route(http::Exchange& exchange, Asked& asked) noexcept {
    const http::Request& request = exchange.request();
    if (exchange.foreseen())
        if (const auto* known = foresight_.of(*exchange.foreseen()))
            return answer_ocsp(exchange, known->request, known->key ? &*known->key : nullptr, asked);
    if (names_file(request.path)) {
        const auto* crl = state_->find_crl(without_query(request.path));
        const auto* holder =
            crl != nullptr ? nullptr : state_->issuers->find_certificate(without_query(request.path));
        if ((crl != nullptr || holder != nullptr) && request.method == http::Method::post) {
            http::ResponseHead head = head_of(405, {});
            head.allow = "GET, HEAD";
            exchange.respond(head, {});
            return Outcome::http_error;
        }
        if (crl != nullptr)
            return answer_crl(exchange, *crl, asked);
        if (holder != nullptr)
            return answer_certificate(exchange, *holder);
    }
    ByteView der;
    switch (parts_.paths.find_request(request, decoded_, der)) {
        case OcspPaths::Content::nothing_here:
            return answer_http_error(exchange, 404, Outcome::not_found);
        case OcspPaths::Content::other_type:
            return answer_http_error(exchange, 415, Outcome::http_error);
        case OcspPaths::Content::undecodable:
            return answer_malformed(exchange, get_path_fault);
        case OcspPaths::Content::request:
            break;
    }
    if (const auto fault = ocsp::parse_request(der, request_))
        return answer_malformed(exchange, static_cast<std::size_t>(*fault));
    return answer_ocsp(exchange, request_, nullptr, asked);
}

std::optional<metrics::Outcome> Answering::answer_ocsp(http::Exchange& exchange,
                                                       const ocsp::RequestView& request, const LookupKey* key,
                                                       Asked& asked) noexcept {
    asked.hash = hash_of(request.cert_ids().front());
    const Plan plan = front::plan(request, surroundings(exchange.now(), key));
    if (plan.issuer)
        asked.issuer = *plan.issuer;
    if (plan.route == Plan::Route::read)
        return await_page(exchange, plan, asked);
    return act(exchange, request, plan, exchange.now(), asked);
}

metrics::Outcome Answering::answer_malformed(http::Exchange& exchange, std::size_t fault) noexcept {
    parts_.counters.add_fault(fault);
    return send_refusal(exchange, Refusal::malformed);
}

metrics::Outcome Answering::answer_http_error(http::Exchange& exchange, std::uint16_t status,
                                              Outcome outcome) noexcept {
    exchange.respond(
        head_of(status, text_type),
        as_bytes(status == 404 ? "There is nothing here.\n" : "Send application/ocsp-request.\n"));
    return outcome;
}

metrics::Outcome Answering::answer_crl(http::Exchange& exchange, const FrontState::CrlRoute& route,
                                       Asked& asked) noexcept {
    asked.issuer = route.issuer;
    if (route.crl == nullptr && route.settled)
        return answer_http_error(exchange, 404, Outcome::crl_unavailable);
    const UtcTime now = exchange.now();
    if (route.crl == nullptr ||
        (route.crl->next_update && *route.crl->next_update <= now + limits::expiry_margin)) {
        http::ResponseHead head = head_of(503, text_type);
        head.retry_after = limits::crl_retry_after;
        exchange.respond(head, as_bytes("There is no valid CRL here now.\n"));
        return Outcome::crl_unavailable;
    }
    const seconds cache_for = (*state_->issuers)[route.issuer].settings.cache_for;
    http::ResponseHead head = head_of(200, crl_type);
    head.caching = caching_of(*route.crl, cache_for, now);
    exchange.respond_file(head, route.crl->file, route.crl->size);
    return Outcome::crl;
}

// It is the same for ever under this path: a CA with a new key is another issuer. What is kept a day at most
// can be corrected within a day.
metrics::Outcome Answering::answer_certificate(http::Exchange& exchange,
                                               const Issuers::Issuer& issuer) noexcept {
    const crypto::Certificate& certificate = issuer.identity.certificate();
    const UtcTime now = exchange.now();
    http::ResponseHead head = head_of(200, certificate_type);
    head.caching = {.etag = issuer.certificate_tag,
                    .last_modified = std::min(certificate.not_before(), now),
                    .expires = now + limits::max_age,
                    .max_age = limits::max_age};
    exchange.respond(head, certificate.der());
    return Outcome::certificate;
}

std::vector<std::string> Answering::fault_names() {
    std::vector<std::string> names;
    for (std::size_t fault = 0; fault < ocsp::request_faults; ++fault)
        names.emplace_back(ocsp::to_string(static_cast<ocsp::RequestFault>(fault)));
    names.emplace_back("get_path");
    return names;
}

}  // namespace eightbells::front
