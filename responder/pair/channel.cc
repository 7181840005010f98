#include "responder/pair/channel.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "responder/crypto/digest.h"
#include "responder/pair/limits.h"

namespace eightbells::pair {

namespace {

using Steady = std::chrono::steady_clock;  // of sockets: what a test passes in has no part in it

constexpr const char* key_name = "eightbells-pair-1";

// False: not by then.
bool wait_for(int fd, short events, Steady::time_point until) {
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now());
        pollfd one{fd, events, 0};
        const int found = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        if (found > 0)
            return true;
        if (found == 0 || errno != EINTR)
            return false;
    }
}

}  // namespace

Result<Secret> pair_secret(const keys::StoreKey& key) {
    auto signature = key.sign(as_bytes("eightbells: two signers, one store key; version 1"));
    if (!signature)
        return tl::unexpected<Error>(signature.error());
    const Secret secret = crypto::sha256(*signature);
    return secret;
}

struct Channel::State {
    explicit State(Descriptor used_socket) : socket(std::move(used_socket)) {}
    ~State() { SSL_free(connection); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Status prepare(tls::Context::Side side, const Secret& secret);
    Status prove(std::string_view what, tls::Refusals* refusals);
    // Waits for what the last call said it needs; false: it has failed, or not by then.
    bool wait(int result, Steady::time_point until);

    Descriptor socket;
    std::optional<tls::Context> context;
    SSL* connection = nullptr;
    const std::atomic<bool>* stopping = nullptr;
    Bytes in;
    std::size_t used = 0;  // of `in`
};

Status Channel::State::prepare(tls::Context::Side side, const Secret& secret) {
    tls::notice_loss(socket.get(), limits::pair_silence);
    auto made = tls::Context::make(side, {{key_name, secret}});
    if (!made)
        return tl::unexpected<Error>(made.error());
    context = std::move(*made);
    connection = context->connection();
    if (connection == nullptr || SSL_set_fd(connection, socket.get()) != 1)
        return fail("TLS: out of memory");
    if (side == tls::Context::Side::client)
        SSL_set_connect_state(connection);
    else
        SSL_set_accept_state(connection);
    return {};
}

bool Channel::State::wait(int result, Steady::time_point until) {
    const int why = SSL_get_error(connection, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return false;
    while (true) {
        const auto turn = std::min(until, Steady::now() + limits::pair_turn);
        if (wait_for(socket.get(), why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, turn))
            return true;
        if (turn == until || (stopping != nullptr && *stopping))
            return false;
    }
}

Status Channel::State::prove(std::string_view what, tls::Refusals* refusals) {
    const auto until = Steady::now() + limits::pair_handshake;
    while (true) {
        ERR_clear_error();
        const int result = SSL_do_handshake(connection);
        if (result == 1)
            break;
        if (wait(result, until))
            continue;
        if (refusals != nullptr)
            refusals->add(Steady::now() >= until ? tls::Refusal::slow : tls::why_unproved(connection));
        return fail(fmt::format("{}: the other signer has not proved that it holds the same store key ({})",
                                what, tls::trouble("it ended or stalled")));
    }
    if (tls::proved(connection))
        return {};
    if (refusals != nullptr)
        refusals->add(tls::Refusal::secret);
    return fail(fmt::format("{}: TLS without the key of the pair", what));
}

Channel::Channel(std::unique_ptr<State> state) : state_(std::move(state)) {}
Channel::~Channel() = default;
void Channel::end_when(const std::atomic<bool>& stopping) noexcept {
    state_->stopping = &stopping;
}
int Channel::fd() const noexcept {
    return state_->socket.get();
}

Result<std::unique_ptr<Channel>> Channel::connect(const HostPort& to, const Secret& secret) {
    const std::string name = to_string(to);
    auto socket = tls::begin_connecting(to);
    if (!socket)
        return tl::unexpected<Error>(socket.error());
    if (!wait_for(socket->get(), POLLOUT, Steady::now() + limits::pair_handshake))
        return fail(name + ": no answer");
    int fault = 0;
    socklen_t size = sizeof fault;
    ::getsockopt(socket->get(), SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault != 0)
        return fail(fmt::format("{}: {}", name, std::strerror(fault)));
    return begin(std::move(*socket), tls::Context::Side::client, secret, name, nullptr);
}

Result<std::unique_ptr<Channel>> Channel::accept(Descriptor socket, const Secret& secret,
                                                 tls::Refusals& refusals) {
    return begin(std::move(socket), tls::Context::Side::server, secret, "a connection that came in",
                 &refusals);
}

Result<std::unique_ptr<Channel>> Channel::begin(Descriptor socket, tls::Context::Side side,
                                                const Secret& secret, const std::string& name,
                                                tls::Refusals* refusals) {
    auto state = std::make_unique<State>(std::move(socket));
    if (auto prepared = state->prepare(side, secret); !prepared)
        return tl::unexpected<Error>(prepared.error());
    if (auto proved = state->prove(name, refusals); !proved)
        return tl::unexpected<Error>(proved.error());
    return std::unique_ptr<Channel>{new Channel(std::move(state))};
}

Status Channel::send(const Message& message) {
    const Bytes frame = encode(message);
    const auto until = Steady::now() + limits::pair_silence;
    ByteView rest = frame;
    while (!rest.empty()) {
        ERR_clear_error();
        const int written = SSL_write(state_->connection, rest.data(), static_cast<int>(rest.size()));
        if (written > 0)
            rest = rest.subspan(static_cast<std::size_t>(written));
        else if (!state_->wait(written, until))
            return fail("the other signer takes nothing any more");
    }
    return {};
}

Result<std::optional<Message>> Channel::receive(std::chrono::milliseconds at_most) {
    const auto until = Steady::now() + at_most;
    State& state = *state_;
    while (true) {
        ByteView whole = ByteView{state.in}.subspan(state.used);
        auto message = take_message(whole);
        if (!message || *message) {
            state.used = state.in.size() - whole.size();
            return message;
        }
        state.in.erase(state.in.begin(), state.in.begin() + static_cast<std::ptrdiff_t>(state.used));
        state.used = 0;
        std::array<std::uint8_t, 16 * 1024> piece;
        ERR_clear_error();
        const int got = SSL_read(state.connection, piece.data(), static_cast<int>(piece.size()));
        if (got > 0) {
            state.in.insert(state.in.end(), piece.begin(), piece.begin() + got);
            continue;
        }
        const int why = SSL_get_error(state.connection, got);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return fail("the other signer has ended the connection");
        if (!state.wait(got, until))
            return std::nullopt;
    }
}

Result<Listener> Listener::open(const HostPort& address) {
    auto socket = tls::listen_at(address, limits::pair_backlog);
    if (!socket)
        return tl::unexpected<Error>(socket.error());
    return Listener{std::move(*socket)};
}

Descriptor Listener::accept(const std::string& host, tls::Refusals& refusals) {
    while (true) {
        SocketAddress from;
        Descriptor socket{::accept4(socket_.get(), from.generic(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        if (!socket.open() || host_port(from).host == host)
            return socket;
        refusals.add(tls::Refusal::address);
    }
}

}  // namespace eightbells::pair
