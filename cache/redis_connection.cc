#include "cache/redis_connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "cache/limits.h"

namespace eightbells::cache {

namespace {

timeval to_timeval(std::chrono::milliseconds limit) noexcept {
    timeval value{};
    value.tv_sec = static_cast<time_t>(limit.count() / 1000);
    value.tv_usec = static_cast<suseconds_t>(limit.count() % 1000 * 1000);
    return value;
}

// hiredis builds nested arrays to any depth and frees them by recursion, so that a few MiB of "*1\r\n" would
// exhaust the stack; and makes objects many times the size of what was sent. Its own functions, with bounds
// before them. The private part counts the elements of the present reply.
redisReplyObjectFunctions original_functions{};

void* create_array(const redisReadTask* task, std::size_t elements) noexcept {
    std::size_t& count = *static_cast<std::size_t*>(task->privdata);
    if (elements > limits::redis_reply_elements - count)
        return nullptr;
    count += elements;
    std::size_t depth = 0;
    for (const redisReadTask* outer = task; outer != nullptr; outer = outer->parent) {
        if (++depth > limits::redis_reply_depth)
            return nullptr;
    }
    return original_functions.createArray(task, elements);
}

// What the operator can do about an error reply. Redis's first word is its kind.
std::string explain(std::string_view text) {
    constexpr std::pair<std::string_view, std::string_view> advice[] = {
        {"NOAUTH", "set store.redis user and password"},
        {"WRONGPASS", "the user or the password is wrong"},
        {"NOPERM",
         "the user's ACL must allow +@read +@write +@stream +info ~eightbells:*, in a Redis Cluster "
         "+cluster|slots +asking as well; of a Sentinel +sentinel|get-master-addr-by-name"},
        {"OOM", "Redis is at its maxmemory: give it more"},
        {"LOADING", "Redis is reading its own file; it will answer when it is done"},
        {"READONLY", "this is a replica: the signer must be pointed at the primary"},
        {"MASTERDOWN", "this replica has lost its primary"},
        {"MISCONF", "Redis cannot write its own file and refuses writes"},
        {"MOVED", "this is a node of a Redis Cluster: write it in store.redis.cluster"},
        {"CLUSTERDOWN", "the Redis Cluster lacks a server for some of its slots"},
        {"ERR This instance has cluster support disabled",
         "it is not a node of a Redis Cluster: write host and port instead of store.redis.cluster"},
        {"WRONGTYPE", "another service's value stands under a key of ours: delete it"},
    };
    for (const auto& [kind, what_to_do] : advice) {
        if (text.starts_with(kind))
            return fmt::format("{} ({})", text, what_to_do);
    }
    return std::string{text};
}

std::string tls_error() {
    const unsigned long code = ERR_get_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    return reason == nullptr ? "no reason given" : reason;
}

struct TlsContextDeleter {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct TlsDeleter {
    void operator()(SSL* tls) const noexcept { SSL_free(tls); }
};

}  // namespace

void set_bounds(redisReader& reader, std::size_t& elements) {
    static redisReplyObjectFunctions bounded = [&reader] {
        original_functions = *reader.fn;
        redisReplyObjectFunctions functions = original_functions;
        functions.createArray = create_array;
        return functions;
    }();
    reader.fn = &bounded;
    reader.privdata = &elements;
}

bool is_status(const redisReply& reply, std::string_view text) noexcept {
    return reply.type == REDIS_REPLY_STATUS && std::string_view{reply.str, reply.len} == text;
}

std::string_view error_text(const redisReply& reply) noexcept {
    return reply.type == REDIS_REPLY_ERROR ? std::string_view{reply.str, reply.len} : std::string_view{};
}

RedisConnection::RedisConnection(RedisAddress address, const Clock& clock)
    : address_(std::move(address)), clock_(clock) {
    // hiredis and OpenSSL write to sockets without MSG_NOSIGNAL: a Redis that goes away must be an error, not
    // the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
}
RedisConnection::~RedisConnection() = default;

tl::unexpected<Error> RedisConnection::drop(std::string message) {
    context_.reset();
    last_error_ = message;
    return fail(fmt::format("{}: {}", to_string(address_), std::move(message)));
}

Status RedisConnection::ready() {
    if (context_)
        return {};
    const auto now = clock_.steady();
    if (tried_ && now - last_try_ < limits::redis_reconnect_pause)
        return fail(fmt::format("{}: not connected, next attempt shortly; the last error was: {}",
                                to_string(address_), last_error_));
    tried_ = true;
    last_try_ = now;
    return connect();
}

Status RedisConnection::connect() {
    redisOptions options{};
    const timeval connect_limit = to_timeval(address_.connect_timeout);
    const timeval command_limit = to_timeval(address_.command_timeout);
    const std::string socket = address_.unix_socket.string();
    if (socket.empty())
        REDIS_OPTIONS_SET_TCP(&options, address_.host.c_str(), address_.port);
    else
        REDIS_OPTIONS_SET_UNIX(&options, socket.c_str());
    options.connect_timeout = &connect_limit;
    options.command_timeout = &command_limit;
    context_.reset(redisConnectWithOptions(&options));
    if (!context_)
        return drop("cannot connect: out of memory");
    if (context_->err != 0)
        return drop(fmt::format("cannot connect: {}", context_->errstr));
    set_bounds(*context_->reader, elements_);
    silence_ = address_.command_timeout;
    if (address_.tls) {
        if (auto started = start_tls(); !started)
            return started;
    }
    return authenticate();
}

// Our own context, since hiredis would check the chain but not the name in the certificate.
Status RedisConnection::start_tls() {
    ERR_clear_error();
    const std::unique_ptr<SSL_CTX, TlsContextDeleter> settings{SSL_CTX_new(TLS_client_method())};
    if (!settings)
        return drop("TLS: " + tls_error());
    SSL_CTX_set_verify(settings.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_min_proto_version(settings.get(), TLS1_2_VERSION);
    const std::string ca_file = address_.tls_ca_file.string();
    const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(settings.get())
                                        : SSL_CTX_load_verify_file(settings.get(), ca_file.c_str());
    if (trusted != 1)
        return drop(fmt::format("TLS: tls_ca_file {}: cannot be read: {}", ca_file, tls_error()));

    std::unique_ptr<SSL, TlsDeleter> tls{SSL_new(settings.get())};
    if (!tls)
        return drop("TLS: " + tls_error());
    in6_addr ignored{};
    const bool is_address = ::inet_pton(AF_INET, address_.host.c_str(), &ignored) == 1 ||
                            ::inet_pton(AF_INET6, address_.host.c_str(), &ignored) == 1;
    const int named = is_address
                          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), address_.host.c_str())
                          : SSL_set1_host(tls.get(), address_.host.c_str());
    if (named != 1)
        return drop("TLS: the host name cannot be checked: " + tls_error());
    // SSL_set_tlsext_host_name, whose macro casts in the old style.
    std::string server_name = address_.host;
    if (!is_address)
        SSL_ctrl(tls.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, server_name.data());
    // From here on the connection owns it, unless the handshake fails.
    if (redisInitiateSSL(context_.get(), tls.get()) != REDIS_OK) {
        const long verdict = SSL_get_verify_result(tls.get());
        const std::string why = verdict == X509_V_OK ? tls_error() : X509_verify_cert_error_string(verdict);
        ERR_clear_error();
        return drop("TLS: the handshake failed: " + why);
    }
    static_cast<void>(tls.release());
    return {};
}

Status RedisConnection::authenticate() {
    if (address_.password.empty())
        return {};
    const Status queued = address_.user.empty() ? append({"AUTH", address_.password})
                                                : append({"AUTH", address_.user, address_.password});
    if (!queued)
        return queued;
    std::size_t octets = limits::redis_reply_octets;
    const auto answer = read("AUTH", octets);
    if (!answer)
        return tl::unexpected(answer.error());
    if (!error_text(**answer).empty())
        return refused("AUTH", **answer);
    if (!is_status(**answer, "OK"))
        return drop("AUTH: the reply is not OK");
    return {};
}

Status RedisConnection::set_silence(std::chrono::milliseconds limit) {
    if (limit == silence_)
        return {};
    silence_ = limit;
    if (redisSetTimeout(context_.get(), to_timeval(limit)) != REDIS_OK)
        return drop(fmt::format("cannot set the time limit: {}", context_->errstr));
    return {};
}

Status RedisConnection::append(std::span<const std::string_view> words) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    texts.reserve(words.size());
    sizes.reserve(words.size());
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), texts.data(), sizes.data()) !=
        REDIS_OK)
        return drop(fmt::format("{}: {}", words.front(), context_->errstr));
    return {};
}

Status RedisConnection::send() {
    int done = 0;
    while (done == 0) {
        if (redisBufferWrite(context_.get(), &done) != REDIS_OK)
            return drop(fmt::format("sending: {}", context_->errstr));
    }
    return {};
}

Result<RedisReply> RedisConnection::read(std::string_view command, std::size_t& octets) {
    if (!context_)
        return fail(fmt::format("{}: {}: not connected", to_string(address_), command));
    if (auto sent = send(); !sent)
        return fail(sent.error().message);
    // hiredis has a limit for silence, not for the whole reply, and none for its size. The time counts from
    // the first octet on: a wait for notices may be silent for long.
    auto until = std::chrono::steady_clock::now() + limits::notice_wait + limits::redis_call_time;
    bool began = false;
    elements_ = 0;
    for (;;) {
        void* raw = nullptr;
        if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK)
            return drop(fmt::format("{}: {}", command, context_->errstr));
        if (raw != nullptr)
            return RedisReply{static_cast<redisReply*>(raw)};
        if (octets == 0)
            return drop(
                fmt::format("{}: the reply is larger than {} octets", command, limits::redis_reply_octets));
        if (std::chrono::steady_clock::now() > until)
            return drop(fmt::format("{}: the reply takes longer than {} s", command,
                                    limits::redis_call_time.count()));
        const std::size_t before = context_->reader->len;
        if (redisBufferRead(context_.get()) != REDIS_OK)
            return drop(
                fmt::format("{}: {}", command,
                            context_->err == REDIS_ERR_EOF ? "the connection was closed" : context_->errstr));
        if (!began)
            until = std::chrono::steady_clock::now() + limits::redis_call_time;
        began = true;
        octets -= std::min(octets, context_->reader->len - before);
    }
}

Result<RedisReply> RedisConnection::ask(std::initializer_list<std::string_view> words) {
    if (auto queued = append(words); !queued)
        return tl::unexpected(queued.error());
    std::size_t octets = limits::redis_reply_octets;
    auto answer = read(*words.begin(), octets);
    if (answer && !error_text(**answer).empty())
        return refused(*words.begin(), **answer);
    return answer;
}

tl::unexpected<Error> RedisConnection::refused(std::string_view command, const redisReply& error) {
    return drop(fmt::format("{}: {}", command, explain(error_text(error))));
}

}  // namespace eightbells::cache
