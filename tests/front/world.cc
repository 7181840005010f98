#include "tests/front/world.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <stdexcept>

#include "responder/ocsp/response.h"

namespace eightbells::front::test {

// --- the world

World::World(Options options)
    : clock(SystemClock().now()), authorities_(options.authorities), paths_(options.prefixes) {
    if (options.issuers.empty())
        options.issuers.resize(1);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < options.issuers.size(); ++i) {
        if (authorities_.size() == i)
            authorities_.push_back(&Authority::number(static_cast<int>(i)));
        clock.step(SystemClock().now() - clock.now());  // not before the certificates that were just made
        config::Issuer& issuer = options.issuers[i];
        issuer.certificate = authorities_[i]->folder / "ca.pem";
        if (issuer.crl_path.empty())
            issuer.crl_path = "/" + issuer.name + ".crl";
        if (issuer.certificate_path.empty())
            issuer.certificate_path = "/" + issuer.name + ".cer";
        names.push_back(issuer.name);
        sets_.push_back(std::make_unique<cache::built::BuiltSet>(4, authorities_[i]->identity->id(), 1));
        cache::built::BuiltSet& set = *sets_.back();
        set.now = clock.now();
        for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256})
            set.profiles[static_cast<std::size_t>(hash)] = authorities_[i]->profile(hash);
        set.sign = [authority = authorities_[i]](const auto& profile, const auto& single) {
            std::array<std::uint8_t, 4096> out;
            return authority->sign(ocsp::encode_response_data(profile, single, out));
        };
    }
    keys_ = {to_hex(sets_[0]->key())};
    issuers = need(Issuers::load(options.issuers));
    metrics = std::make_unique<metrics::FrontMetrics>(names, Answering::fault_names());
    health = std::make_unique<Health>(names);
    counters = std::make_unique<metrics::RequestCounters>(issuers->size(), Answering::fault_names().size());
    state =
        FrontState::make(issuers, std::vector<std::shared_ptr<const cache::IssuerSnapshot>>(issuers->size()),
                         {}, std::vector<bool>(issuers->size()));
    loop = need(Loop::open([this] { woken(); }));
    base = loop->base();
    if (options.pool_octets > 0) {
        pool = std::make_shared<cache::PagePool>(options.pool_octets);
        pool_reader = std::make_unique<cache::PagePool::Reader>(*pool, [this] { loop->wake(); });
        page_reader = std::make_unique<PageReader>(folder / "front" / cache::page_file_name, *metrics, clock);
        pages = std::make_unique<PageWaits>(*page_reader, *loop, clock);
    }
    if (!options.live_socket.empty())
        live = std::make_unique<LiveClient>(base, SignerPlaces{options.live_socket, {}, {}}, clock);
    live_check = std::make_unique<LiveCheck>(issuers);
    answering = std::make_unique<Answering>(
        Answering::Parts{paths_, *counters, *metrics, live.get(), live_check.get(), pages.get(), clock},
        state);
    listener = need(http::Listener::open(base, {"127.0.0.1", 0}, {}, *answering, clock));
    connect();
    auto memory = std::make_unique<cache::MemoryStore>();
    store = memory.get();
    loader = make_loader(std::move(memory));
    need(loader->open().map([] { return 0; }));
}

World::~World() {
    ::close(client_);
    listener.reset();
    live.reset();
    pages.reset();
    pool_reader.reset();
    answering.reset();
}

void World::woken() {
    ++wakes;
    if (pages == nullptr)
        return;
    pool_reader->quiet();
    pages->take_arrivals();
}

void World::take(std::shared_ptr<const FrontState> given) {
    state = given;
    if (holds_back)
        return;
    answering->use(std::move(given));
    if (pages != nullptr)
        pages->state_given();
}

std::unique_ptr<Loader> World::make_loader(std::unique_ptr<cache::Store> from) {
    return std::make_unique<Loader>(Loader::Settings{folder / "front", keys_, {}, pool},
                                    Loader::Parts{.store = std::move(from),
                                                  .issuers = issuers,
                                                  .publish = [this](auto given) { take(std::move(given)); },
                                                  .claim = claim,
                                                  .health = *health,
                                                  .metrics = *metrics,
                                                  .clock = clock});
}

void World::publish(std::size_t issuer) {
    need(store->publish(set(issuer).publish_all()).map([] { return 0; }));
    sync();
}
void World::publish_patch(std::size_t issuer) {
    need(store->publish(set(issuer).publish()).map([] { return 0; }));
    sync();
}
void World::sync() {
    loader->pass(std::chrono::milliseconds(0));
}
void World::advance(seconds by) {
    clock.advance(by);
    for (const auto& set : sets_)
        set->now = clock.now();
    listener->tick();
    turn();
    connect();  // the one there was has been idle for too long
}
void World::turn(int times) {
    for (int i = 0; i < times; ++i)
        event_base_loop(base, EVLOOP_NONBLOCK);
}
void World::wait_turn() {
    event_base_loop(base, EVLOOP_ONCE);
}

void World::connect() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::runtime_error("socketpair");
    if (client_ >= 0)
        ::close(client_);
    client_ = ends[0];
    received_.clear();
    listener->serve(ends[1]);
}

void World::send(std::string_view request) {
    if (::send(client_, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
        throw std::runtime_error("the request could not be sent");
}

std::optional<Response> World::answer(bool to_head) {
    std::array<char, 65536> chunk;
    bool ended = false;
    for (ssize_t n = 0; (n = ::recv(client_, chunk.data(), chunk.size(), MSG_DONTWAIT)) >= 0;) {
        if (n == 0) {
            ended = true;
            break;
        }
        received_.append(chunk.data(), static_cast<std::size_t>(n));
    }
    const auto end = received_.find("\r\n\r\n");
    if (end == std::string::npos) {
        if (ended)
            throw std::runtime_error("the connection ended without an answer");
        return std::nullopt;
    }
    const auto length_at = received_.find("Content-Length: ");
    std::size_t size = end + 4;
    if (!to_head && length_at < end)
        size += std::stoul(received_.substr(length_at + 16));
    if (received_.size() < size)
        return std::nullopt;
    const std::string one = received_.substr(0, size);
    received_.erase(0, size);
    if (ended || one.find("Connection: close") != std::string::npos)
        connect();
    return http::test::parse_responses(one, {to_head}).at(0);
}

Response World::ask(std::string_view request, bool to_head) {
    send(request);
    for (int i = 0; i < 1000; ++i) {
        turn();
        if (auto response = answer(to_head))
            return *response;
    }
    throw std::runtime_error("no answer");
}

Response World::get(std::string_view path) {
    return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
}
Response World::head(std::string_view path) {
    return ask("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n", true);
}
Response World::post(ByteView body, std::string_view type, std::string_view path) {
    std::string request = "POST " + std::string(path) +
                          " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    if (!type.empty())
        request += "Content-Type: " + std::string(type) + "\r\n";
    return ask(request + "\r\n" + std::string(as_text(body)));
}

std::uint64_t World::counted(metrics::Outcome outcome, metrics::Method method, metrics::Hash hash,
                             std::size_t issuer) const {
    return counters->count(issuer, method, hash, outcome);
}
std::uint64_t World::counted_in_all() const {
    std::uint64_t all = 0;
    for (std::size_t issuer = 0; issuer <= issuers->size(); ++issuer)
        for (std::size_t method = 0; method < metrics::methods; ++method)
            for (std::size_t hash = 0; hash < metrics::hashes; ++hash)
                for (std::size_t outcome = 0; outcome < metrics::outcomes; ++outcome)
                    all += counters->count(
                        issuer == issuers->size() ? metrics::RequestCounters::no_issuer : issuer,
                        static_cast<metrics::Method>(method), static_cast<metrics::Hash>(hash),
                        static_cast<metrics::Outcome>(outcome));
    return all;
}

// --- answers

std::string verdict(const Response& response) {
    const ByteView body = as_bytes(response.body);
    if (response.status != 200 || response.field("content-type") != "application/ocsp-response")
        return "HTTP " + std::to_string(response.status) + " " + response.field("content-type");
    if (body.size() == 5 && to_hex(body.first(4)) == "30030a01") {
        const std::map<int, std::string> names{
            {1, "malformed"}, {2, "internalError"}, {3, "tryLater"}, {6, "unauthorized"}};
        const auto name = names.find(body[4]);
        return name == names.end() ? "status " + std::to_string(body[4]) : name->second;
    }
    return "successful";
}

std::string verdict(const Response& response, const Authority& authority, const std::vector<AskedId>& ids) {
    if (const std::string said = verdict(response); said != "successful")
        return said;
    const auto parsed = ocsp::parse_response(as_bytes(response.body));
    if (!parsed)
        return "not an answer: " + parsed.error().message;
    auto verifier =
        need(crypto::SignatureVerifier::from_public_key(authority.signer->subject_public_key_info()));
    if (!verifier.verify(parsed->signature_algorithm, parsed->response_data, parsed->signature))
        return "wrong signature";
    if (parsed->singles.size() != ids.size())
        return std::to_string(parsed->singles.size()) + " answers";
    std::string all;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto& single = parsed->singles[i];
        const Bytes asked = cert_id_der(ids[i]);
        const auto view = ocsp::parse_cert_id(asked);
        if (!view ||
            Serial::from_der_content(view->serial) != Serial::from_der_content(single.cert_id.serial) ||
            !equal(view->hash_oid, single.cert_id.hash_oid) ||
            !equal(view->issuer_key_hash, single.cert_id.issuer_key_hash))
            return "another CertID";
        all += (i > 0 ? "," : "") + std::string(single.unknown  ? "unknown"
                                                : single.status ? "revoked"
                                                                : "good");
    }
    return all;
}

bool is_uncacheable(const Response& response) {
    return response.field("cache-control") == "no-store" && !response.has("etag") &&
           !response.has("expires") && !response.has("last-modified");
}

}  // namespace eightbells::front::test
