#include "tests/deploy/proxies.h"

#include <openssl/ssl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <stdexcept>

#include "responder/base/durable_file.h"
#include "tests/cache/free_port.h"

namespace eightbells::deploy {
namespace {

using cache::built::need;
using conformance::comes;
using conformance::read_text;
using conformance::replace_text;
using front::test::HashAlgorithm;

// Started as root it would become somebody who may not look into our folder.
const char* const nginx_user = ::geteuid() == 0 ? "user root;\n" : "";

// A configuration with some words replaced, each of which stands there once.
std::string changed(const std::string& file,
                    const std::vector<std::pair<std::string, std::string>>& changes) {
    std::string text = read_text(std::filesystem::path(EIGHTBELLS_SOURCE_DIR "/deploy") / file);
    for (const auto& [from, to] : changes) {
        const auto at = text.find(from);
        if (at == std::string::npos || text.find(from, at + 1) != std::string::npos)
            throw std::runtime_error(file + ": \"" + from + "\" does not stand there once");
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string generalized(UtcTime time) {
    std::string text = to_iso8601(time);
    std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'T'; });
    return text;
}

}  // namespace

// --- a connection

Wire::Wire(std::uint16_t port, bool tls)
    : client_({"127.0.0.1", port}, client_address),
      context_(nullptr, &SSL_CTX_free),
      tls_(nullptr, &SSL_free) {
    if (!tls)
        return;
    context_.reset(SSL_CTX_new(TLS_client_method()));
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), client_.fd());
    if (SSL_connect(tls_.get()) != 1)
        throw std::runtime_error("no TLS");
}

Wire::~Wire() = default;

void Wire::send(std::string_view bytes) {
    if (tls_ == nullptr)
        client_.send(bytes);
    else if (SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) !=
             static_cast<int>(bytes.size()))
        throw std::runtime_error("TLS does not send");
}

std::string Wire::receive() {
    std::string chunk(65536, '\0');
    const auto n = tls_ == nullptr ? ::recv(client_.fd(), chunk.data(), chunk.size(), 0)
                                   : SSL_read(tls_.get(), chunk.data(), static_cast<int>(chunk.size()));
    if (n <= 0)
        throw std::runtime_error("the connection ended in an answer: " + received_);
    chunk.resize(static_cast<std::size_t>(n));
    return chunk;
}

Response Wire::response(bool to_head) {
    for (;; received_ += receive()) {
        const auto end = received_.find("\r\n\r\n");
        if (end == std::string::npos)
            continue;
        std::string head = received_.substr(0, end + 4);
        std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
        const auto length = head.find("\r\ncontent-length: ");
        const bool has_body = !to_head && length != std::string::npos && head.find("http/1.1 304") != 0;
        const std::size_t size = end + 4 + (has_body ? std::stoul(head.substr(length + 18)) : 0);
        if (received_.size() < size)
            continue;
        const std::string one = received_.substr(0, size);
        received_.erase(0, size);
        return http::test::parse_responses(one, {to_head}).at(0);
    }
}

// --- the chain

Chain::Chain(const Options& options) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "front", std::make_shared<spdlog::sinks::basic_file_sink_mt>((folder_ / "front.log").string())));
    spdlog::set_level(spdlog::level::debug);
    for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256})
        set_.profiles[static_cast<std::size_t>(hash)] = authority.profile(hash);
    set_.now = clock_.now();
    set_.sign = [this](const auto& profile, const auto& single) {
        std::array<std::uint8_t, 4096> out;
        return authority.sign(ocsp::encode_response_data(profile, single, out));
    };
    good = set_.issue();
    revoked = set_.issue();
    set_.revoke(revoked);
    crl = authority.crl(generalized(clock_.now()), generalized(clock_.now() + seconds{86400}));
    set_.set_crl("/ca.crl", crl);
    front::test::shell("cd " + folder_.path().string() +
                       " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                       "-subj /CN=status.example -keyout status.key -out status.crt && "
                       "cat status.crt status.key > status.pem");
    if (options.published)
        publish();
    start_front(options);
    if (options.published && !comes([&] { return ask_private("/ready").status == 200; }))
        throw std::runtime_error("the front does not become ready");
    if (options.caching) {
        start_cache();
    } else {
        start_haproxy();
        start_nginx();
    }
}

Chain::~Chain() {
    // Asked first: an nginx that is killed leaves its workers behind.
    for (const auto& proxy : proxies_) {
        try {
            proxy->program->stop();
        } catch (const std::runtime_error&) {
            proxy->program->kill();
        }
    }
    front_.reset();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("none"));
}

void Chain::publish() {
    const std::filesystem::path store = folder_ / "store";
    std::filesystem::create_directories(store);
    if (pages_ == nullptr)
        pages_ = need(cache::PageFile::open(store / cache::page_file_name, cache::PageFile::Access::write));
    need(pages_->publish(set_.publish_all()).map([] { return 0; }));
}

void Chain::revoke_good() {
    set_.revoke(good);
    publish();
}

void Chain::start_front(const Options& options) {
    config_.front.data = folder_ / "front";
    config_.front.listen = {"127.0.0.1:0"};
    config_.front.metrics = "127.0.0.1:0";
    config_.front.workers = 1;
    config_.front.connections_per_address = 8;
    config_.front.trusted_proxies = {"127.0.0.1", "127.0.0.3"};
    config_.front.proxy_protocol_from = {"127.0.0.2"};
    config_.front.store_key_files = {folder_ / "store-key.pub"};
    config_.store.directory = folder_ / "store";
    config_.issuers.resize(1);
    config_.issuers[0].certificate = authority.folder / "ca.pem";
    config_.issuers[0].crl_path = "/ca.crl";
    config_.issuers[0].cache_for = options.cache_for;
    need(write_file_durably(folder_ / "store-key.pub", as_bytes(to_hex(set_.key()) + "\n")).map([] {
        return 0;
    }));
    front_ = need(front::Front::start(config_, clock_));
}

Response Chain::ask_private(const std::string& path) const {
    http::test::Client client(need(parse_host_port(front_->metrics_address())));
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return client.response();
}

void Chain::start_haproxy() {
    const std::uint16_t http = free_port();
    const std::uint16_t https = free_port();
    replace_text(folder_ / "haproxy.cfg",
                 changed("haproxy.cfg",
                         {{"    chroot /var/lib/haproxy\n", ""},
                          {"    user haproxy\n", ""},
                          {"    group haproxy\n", ""},
                          {"maxconn 20000", "maxconn 500"},
                          {"    bind [::]:80 v6only\n", ""},
                          {"    bind [::]:443 v6only ssl crt /etc/haproxy/status.pem alpn http/1.1\n", ""},
                          {"0.0.0.0:80", "127.0.0.1:" + std::to_string(http)},
                          {"0.0.0.0:443", "127.0.0.1:" + std::to_string(https)},
                          {"/etc/haproxy/status.pem", folder_ / "status.pem"},
                          {"server front1 127.0.0.1:8080",
                           "server front1 " + to_string(front_->addresses().at(0)) + " source 127.0.0.2"}}));
    start("haproxy", {"haproxy", "-db", "-f", folder_ / "haproxy.cfg"}, http, https);
}

// nginx's own folders may not be ours to write in.
std::string Chain::nginx_http() const {
    std::string text = "\nhttp {\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        text += std::string(kind) + "_temp_path " + (folder_ / "nginx-").string() + kind + ";\n";
    return text;
}

// A shared cache as others run them, which goes by what our headers say.
void Chain::start_cache() {
    const std::uint16_t port = free_port();
    replace_text(
        folder_ / "nginx.conf",
        std::string(nginx_user) + "pid " + (folder_ / "nginx.pid").string() +
            ";\nerror_log stderr emerg;\nevents {}" + nginx_http() + "access_log off;\nproxy_cache_path " +
            (folder_ / "cached").string() +
            " keys_zone=answers:1m;\nserver {\nmerge_slashes off;\nlisten 127.0.0.1:" + std::to_string(port) +
            ";\nlocation / {\nproxy_pass http://" + to_string(front_->addresses().at(0)) +
            ";\nproxy_bind 127.0.0.3;\nproxy_http_version 1.1;\nproxy_cache answers;\n"
            "proxy_cache_key $request_uri;\nadd_header X-Cache $upstream_cache_status always;\n}\n}\n}\n");
    start("nginx", nginx_words(), port, port);
}

std::vector<std::string> Chain::nginx_words() const {
    return {"nginx", "-p", folder_.path(), "-e", "stderr", "-c", folder_ / "nginx.conf", "-g", "daemon off;"};
}

void Chain::start_nginx() {
    const std::uint16_t http = free_port();
    const std::uint16_t https = free_port();
    const std::string folder = folder_.path().string();
    replace_text(folder_ / "nginx.conf",
                 changed("nginx.conf",
                         {{"user www-data;\n", nginx_user},
                          {"/run/nginx.pid", folder + "/nginx.pid"},
                          {"\nhttp {\n", nginx_http()},
                          {"worker_connections 20000", "worker_connections 500"},
                          {"listen 80 default", "listen 127.0.0.1:" + std::to_string(http) + " default"},
                          {"        listen [::]:80 default_server;\n", ""},
                          {"listen 443 ssl", "listen 127.0.0.1:" + std::to_string(https) + " ssl"},
                          {"        listen [::]:443 ssl default_server;\n", ""},
                          {"/etc/nginx/status.pem", folder + "/status.pem"},
                          {"/etc/nginx/status.key", folder + "/status.key"},
                          {"server 127.0.0.1:8080;", "server " + to_string(front_->addresses().at(0)) + ";"},
                          {"proxy_pass http://fronts;", "proxy_pass http://fronts; proxy_bind 127.0.0.3;"}}));
    start("nginx", nginx_words(), http, https);
}

void Chain::start(const std::string& name, std::vector<std::string> words, std::uint16_t http,
                  std::uint16_t https) {
    auto proxy = std::make_unique<Proxy>(Proxy{name, http, https, nullptr});
    proxy->program =
        std::make_unique<conformance::Program>(std::move(words), folder_.path(), folder_ / (name + ".log"));
    proxy->program->start();
    const auto listens = [&](std::uint16_t port) {
        try {
            http::test::Client client({"127.0.0.1", port});
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    };
    if (!comes([&] { return !proxy->program->running() || (listens(http) && listens(https)); }) ||
        !proxy->program->running())
        throw std::runtime_error(name + " does not start:\n" + proxy->program->log());
    proxies_.push_back(std::move(proxy));
}

Response Chain::direct(std::string_view request, bool to_head) {
    if (direct_ == nullptr)
        direct_ = std::make_unique<http::test::Client>(front_->addresses().at(0));
    direct_->send(request);
    return direct_->response(to_head);
}

std::vector<std::string> Chain::traces() {
    for (const auto& proxy : proxies_)
        proxy->program->stop();
    spdlog::default_logger()->flush();
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
        // What the configurations say themselves is no trace of anybody.
        const std::string name = entry.path().filename().string();
        if (!entry.is_regular_file() || name == "haproxy.cfg" || name == "nginx.conf")
            continue;
        const std::string text = read_text(entry.path());
        std::vector<std::string> telling{client_address};
        if (name.ends_with(".log") || name.find("nginx") != std::string::npos)
            telling.insert(telling.end(), {"GET ", "POST ", "HEAD ", "/ocsp", "ca.crl", "HTTP/1", "client:"});
        for (const std::string& word : telling)
            if (text.find(word) != std::string::npos)
                found.push_back(entry.path().string() + ": \"" + word + "\" in\n" + text.substr(0, 2000));
    }
    return found;
}

}  // namespace eightbells::deploy
