#include "responder/tls/context.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <csignal>

#include "responder/tls/limits.h"

namespace eightbells::tls {

struct Context::State {
    explicit State(std::vector<Key> used) : keys(std::move(used)) {}
    ~State() {
        SSL_CTX_free(context);
        for (Key& key : keys)
            OPENSSL_cleanse(key.secret.data(), key.secret.size());
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    std::vector<Key> keys;
    SSL_CTX* context = nullptr;
};

namespace {

const std::vector<Key>& keys_of(const SSL* connection) noexcept {
    return *static_cast<const std::vector<Key>*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
}

unsigned tell_client(SSL* connection, const char*, char* name, unsigned name_octets, unsigned char* secret,
                     unsigned secret_octets) noexcept {
    const Key& key = keys_of(connection).front();
    if (name_octets <= key.name.size() || secret_octets < key.secret.size())
        return 0;
    std::ranges::copy(key.name, name);
    name[key.name.size()] = '\0';
    std::ranges::copy(key.secret, secret);
    return static_cast<unsigned>(key.secret.size());
}

unsigned tell_server(SSL* connection, const char* name, unsigned char* secret,
                     unsigned secret_octets) noexcept {
    const auto& keys = keys_of(connection);
    const auto found =
        std::ranges::find_if(keys, [&](const Key& key) { return name != nullptr && key.name == name; });
    if (found == keys.end() || secret_octets < found->secret.size())
        return 0;
    std::ranges::copy(found->secret, secret);
    return static_cast<unsigned>(found->secret.size());
}

}  // namespace

Context::Context(std::unique_ptr<State> state) : state_(std::move(state)) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

Result<Context> Context::make(Side side, std::vector<Key> keys) {
    static const auto ignored = std::signal(SIGPIPE, SIG_IGN);
    static_cast<void>(ignored);
    const auto fits = [](const Key& key) {
        return !key.name.empty() && key.name.size() <= limits::tls_key_name_octets;
    };
    if (keys.empty() || !std::ranges::all_of(keys, fits))
        return fail("TLS: no key, or one without a name");
    auto state = std::make_unique<State>(std::move(keys));
    state->context = SSL_CTX_new(side == Side::client ? TLS_client_method() : TLS_server_method());
    if (state->context == nullptr)
        return fail("TLS: out of memory");
    SSL_CTX* const context = state->context;
    SSL_CTX_set_app_data(context, &state->keys);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    if (side == Side::client)
        SSL_CTX_set_psk_client_callback(context, &tell_client);
    else
        SSL_CTX_set_psk_server_callback(context, &tell_server);
    // The hash of a key given this way is SHA-256.
    if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1)
        return fail("TLS: no AES-128-GCM");
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return Context{std::move(state)};
}

SSL* Context::connection() const noexcept {
    return SSL_new(state_->context);
}

bool proved(const SSL* connection) noexcept {
    return SSL_session_reused(connection) == 1;
}

std::string trouble(const std::string& otherwise) {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    return reason != nullptr ? reason : otherwise;
}

}  // namespace eightbells::tls
