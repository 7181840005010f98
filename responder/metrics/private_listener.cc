#include "responder/metrics/private_listener.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "responder/base/socket_address.h"
#include "responder/metrics/family.h"
#include "responder/metrics/limits.h"

namespace eightbells::metrics {
namespace {

template <class T, void (*release)(T*)>
struct Release {
    void operator()(T* object) const noexcept { release(object); }
};
using Http = std::unique_ptr<evhttp, Release<evhttp, evhttp_free>>;
using Timer = std::unique_ptr<event, Release<event, event_free>>;

// The body is sent with its length and, for HEAD, left out.
void reply(evhttp_request* request, int status, const char* reason, const char* type, std::string_view body) {
    evkeyvalq* headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "Content-Length", std::to_string(body.size()).c_str());
    evbuffer* output = evhttp_request_get_output_buffer(request);
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        evbuffer_add(output, body.data(), body.size());
    evhttp_send_reply(request, status, reason, nullptr);
}

constexpr const char* text_type = "text/plain; charset=utf-8";
constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* json_type = "application/json";

std::string to_json(const Readiness& readiness) {
    nlohmann::ordered_json issuers = nlohmann::ordered_json::array();
    for (const Readiness::Issuer& issuer : readiness.issuers)
        issuers.push_back({{"name", issuer.name}, {"ready", issuer.ready}, {"reason", issuer.reason}});
    const nlohmann::ordered_json whole{{"ready", readiness.ready}, {"issuers", issuers}};
    return whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

struct PrivateListener::State {
    State(event_base* loop, Answers given) : answers(std::move(given)), base(loop) {}

    Answers answers;
    std::string address;
    event_base* base;
    evconnlistener* listener = nullptr;  // owned by `http`
    int idle_events = 0;                 // in the loop while nobody is connected
    // In the order in which they may go: the timer and the requests that evhttp drops refer to this.
    Timer reopen;
    Http http;

    void answer(evhttp_request* request) {
        const evhttp_cmd_type method = evhttp_request_get_command(request);
        if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
            evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
            return reply(request, 405, "Method Not Allowed", text_type, "only GET and HEAD\n");
        }
        const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
        const char* raw_path = uri == nullptr ? nullptr : evhttp_uri_get_path(uri);
        const std::string_view path = raw_path == nullptr ? "" : raw_path;
        if (path == "/metrics")
            return reply(request, 200, "OK", metrics_type, to_text(*answers.metrics));
        if (path == "/live") {
            const bool live = !answers.live || answers.live();
            return reply(request, live ? 200 : 503, live ? "OK" : "Service Unavailable", text_type,
                         live ? "live\n" : "stuck\n");
        }
        if (path == "/ready") {
            const Readiness readiness = answers.ready();
            return reply(request, readiness.ready ? 200 : 503, readiness.ready ? "OK" : "Service Unavailable",
                         json_type, to_json(readiness));
        }
        if (const auto page = answers.page ? answers.page(path) : std::nullopt)
            return reply(request, 200, "OK", page->type.c_str(), page->body);
        reply(request, 404, "Not Found", text_type, "/metrics, /live and /ready are here\n");
    }

    static void on_request(evhttp_request* request, void* self) noexcept {
        try {
            static_cast<State*>(self)->answer(request);
        } catch (...) {
            // Nothing was sent yet: replies are made whole before the first octet goes out.
            evhttp_clear_headers(evhttp_request_get_output_headers(request));
            evhttp_send_reply(request, 500, "Internal Server Error", nullptr);
        }
    }

    // Called for every accepted connection. evhttp has no bound of its own and does not tell when a
    // connection ends; but each takes two events in the loop, so that their number says how many there are.
    static bufferevent* on_accept(event_base* base, void* self) noexcept {
        auto* state = static_cast<State*>(self);
        const int events = event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED) - state->idle_events;
        if (events >= static_cast<int>(2 * limits::private_connections)) {
            evconnlistener_disable(state->listener);
            const timeval pause{std::chrono::seconds(limits::private_accept_pause).count(), 0};
            event_add(state->reopen.get(), &pause);
        }
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    }

    static void on_reopen(evutil_socket_t, short, void* self) noexcept {
        evconnlistener_enable(static_cast<State*>(self)->listener);
    }
};

PrivateListener::PrivateListener(std::unique_ptr<State> state) : state_(std::move(state)) {}
PrivateListener::~PrivateListener() = default;

void PrivateListener::stop_accepting() noexcept {
    event_del(state_->reopen.get());
    evconnlistener_disable(state_->listener);
}

const std::string& PrivateListener::address() const noexcept {
    return state_->address;
}

Result<std::unique_ptr<PrivateListener>> PrivateListener::open(event_base* base, std::string_view address,
                                                               Answers answers) {
    const std::string text(address);
    const auto place = parse_host_port(text);
    const auto where = place ? socket_address(*place) : tl::unexpected<Error>(place.error());
    if (!where)
        return fail(text, where.error());

    const unsigned options = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
                             (where->family() == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0U);
    evconnlistener* listener = evconnlistener_new_bind(base, nullptr, nullptr, options,
                                                       static_cast<int>(limits::private_connections),
                                                       where->generic(), static_cast<int>(where->size));
    if (listener == nullptr)
        return fail(fmt::format("listening on {}: {}", text, std::strerror(errno)));
    return serve(std::make_unique<State>(base, std::move(answers)), listener);
}

Result<std::unique_ptr<PrivateListener>> PrivateListener::adopt(event_base* base, int listening_fd,
                                                                Answers answers) {
    // It listens already: a backlog of 0 leaves that as it is.
    evconnlistener* const listener =
        evutil_make_socket_nonblocking(listening_fd) == 0
            ? evconnlistener_new(base, nullptr, nullptr, LEV_OPT_CLOSE_ON_FREE, 0, listening_fd)
            : nullptr;
    if (listener == nullptr) {
        ::close(listening_fd);
        return fail(fmt::format("descriptor {}: libevent refused", listening_fd));
    }
    return serve(std::make_unique<State>(base, std::move(answers)), listener);
}

Result<std::unique_ptr<PrivateListener>> PrivateListener::serve(std::unique_ptr<State> state,
                                                                evconnlistener* listener) {
    state->address = to_string(bound_address(evconnlistener_get_fd(listener)));
    event_base* const base = state->base;
    state->http.reset(evhttp_new(base));
    state->reopen.reset(event_new(base, -1, 0, &State::on_reopen, state.get()));
    if (state->http == nullptr || state->reopen == nullptr ||
        evhttp_bind_listener(state->http.get(), listener) == nullptr) {
        evconnlistener_free(listener);
        return fail(fmt::format("listening on {}: libevent refused", state->address));
    }
    state->listener = listener;
    evhttp_set_bevcb(state->http.get(), &State::on_accept, state.get());
    evhttp_set_gencb(state->http.get(), &State::on_request, state.get());
    evhttp_set_timeout(state->http.get(),
                       static_cast<int>(std::chrono::seconds(limits::private_wait).count()));
    evhttp_set_max_headers_size(state->http.get(), limits::private_header_octets);
    evhttp_set_max_body_size(state->http.get(), limits::private_body_octets);
    evhttp_set_allowed_methods(state->http.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                      EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                      EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    state->idle_events = event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED);
    return std::unique_ptr<PrivateListener>(new PrivateListener(std::move(state)));
}

}  // namespace eightbells::metrics
