#include "responder/fetch/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <set>

#include "responder/fetch/limits.h"

namespace eightbells::fetch {
namespace {

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

constexpr int poll_ms = 100;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

List list_of(const std::vector<std::string>& texts) {
    List list{nullptr, &curl_slist_free_all};
    for (const std::string& text : texts) {
        curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
        if (longer == nullptr)
            break;
        static_cast<void>(list.release());
        list.reset(longer);
    }
    return list;
}

// One fetch under way. Stays where it is: curl holds its address.
struct Flight {
    std::size_t index = 0;
    const Fetch* wanted = nullptr;
    Easy easy{nullptr, &curl_easy_cleanup};
    List headers{nullptr, &curl_slist_free_all};
    List connect_to{nullptr, &curl_slist_free_all};
    std::array<char, CURL_ERROR_SIZE> why{};
    Fetched fetched;
    std::size_t header_octets = 0;
    std::uint64_t body_octets = 0;
    bool too_large = false;

    static std::size_t take_body(char* at, std::size_t, std::size_t size, void* self) noexcept {
        auto& flight = *static_cast<Flight*>(self);
        Bytes& body = flight.fetched.body;
        if (size > flight.wanted->at_most - flight.body_octets) {
            flight.too_large = true;
            return 0;  // curl ends the transfer
        }
        flight.body_octets += size;
        try {
            if (flight.wanted->take)
                return flight.wanted->take({reinterpret_cast<const std::uint8_t*>(at), size}) ? size : 0;
            body.insert(body.end(), at, at + size);
        } catch (...) {
            flight.too_large = true;
            return 0;
        }
        return size;
    }

    static std::size_t take_header(char* at, std::size_t, std::size_t size, void* self) noexcept {
        auto& flight = *static_cast<Flight*>(self);
        flight.header_octets += size;
        if (flight.header_octets > limits::fetch_header_octets) {
            flight.too_large = true;
            return 0;
        }
        try {
            std::string_view line(at, size);
            while (!line.empty() && (line.back() == '\r' || line.back() == '\n'))
                line.remove_suffix(1);
            if (line.starts_with("HTTP/"))
                flight.fetched.headers.clear();  // after a 1xx comes another head
            const auto colon = line.find(':');
            if (colon == std::string_view::npos)
                return size;
            std::string name(line.substr(0, colon));
            std::ranges::transform(name, name.begin(), lower);
            std::string_view value = line.substr(colon + 1);
            value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
            flight.fetched.headers.emplace_back(std::move(name), value);
        } catch (...) {
            return 0;
        }
        return size;
    }
};

Failure failure_of(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return Failure::dns;
        case CURLE_OPERATION_TIMEDOUT:
            return Failure::timeout;
        case CURLE_PARTIAL_FILE:
            return Failure::truncated;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_ISSUER_ERROR:
            return Failure::tls;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_HTTP2:
            return Failure::http_protocol;
        case CURLE_COULDNT_CONNECT:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_GOT_NOTHING:
            return Failure::connect;
        default:
            return Failure::internal;
    }
}

void judge(Flight& flight, CURLcode code) {
    Fetched& fetched = flight.fetched;
    if (flight.too_large) {
        fetched.failure = Failure::too_large;
        fetched.why = fmt::format("more than {} octets of body or {} of headers", flight.wanted->at_most,
                                  limits::fetch_header_octets);
        return;
    }
    if (code == CURLE_OK)
        return;
    fetched.failure = failure_of(code);
    // The end of a connection in the middle of an answer is another thing than no connection.
    if (fetched.failure == Failure::connect && fetched.status != 0)
        fetched.failure = Failure::truncated;
    fetched.why = flight.why[0] != '\0' ? flight.why.data() : curl_easy_strerror(code);
}

}  // namespace

std::string_view Fetched::header(std::string_view name) const noexcept {
    const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
    return found == headers.end() ? std::string_view() : found->second;
}

Bytes Fetched::evidence() const {
    std::string head = status == 0 ? std::string() : fmt::format("HTTP {}\r\n", status);
    for (const auto& [name, value] : headers)
        head += fmt::format("{}: {}\r\n", name, value);
    if (!head.empty())
        head += "\r\n";
    Bytes bytes(head.begin(), head.end());
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

struct Fetcher::State {
    Settings settings;
    Multi multi{nullptr, &curl_multi_cleanup};

    bool prepare(Flight& flight) const {
        flight.easy.reset(curl_easy_init());
        const auto parts = parse_url(flight.wanted->url);
        if (flight.easy == nullptr || !parts)
            return false;
        CURL* const easy = flight.easy.get();
        // host:port of the URL -> this very address; no name is looked up.
        if (!flight.wanted->address.empty())
            flight.connect_to = list_of({fmt::format(
                "{}:{}:{}",
                parts->host.find(':') == std::string::npos ? parts->host : "[" + parts->host + "]",
                parts->port, flight.wanted->address)});
        std::vector<std::string> headers = flight.wanted->headers;
        headers.emplace_back("Expect:");
        if (!flight.wanted->post.empty())
            headers.emplace_back("Content-Type: application/ocsp-request");
        flight.headers = list_of(headers);
        curl_easy_setopt(easy, CURLOPT_URL, flight.wanted->url.c_str());
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, flight.connect_to.get());
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, flight.headers.get());
        curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
        const std::chrono::milliseconds stalls = settings.stalls;
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                         static_cast<long>(stalls.count() == 0 ? settings.timeout.count() : stalls.count()));
        if (stalls.count() != 0) {
            curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
            curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stalls.count()));
        }
        curl_easy_setopt(easy, CURLOPT_USERAGENT, settings.user_agent.c_str());
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, flight.why.data());
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Flight::take_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &flight);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Flight::take_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &flight);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &flight);
        if (!settings.tls_ca_file.empty())
            curl_easy_setopt(easy, CURLOPT_CAINFO, settings.tls_ca_file.c_str());
        if (!flight.wanted->post.empty()) {
            curl_easy_setopt(easy, CURLOPT_POST, 1L);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(flight.wanted->post.size()));
            curl_easy_setopt(easy, CURLOPT_POSTFIELDS, flight.wanted->post.data());
        }
        return true;
    }

    static void finish(Flight& flight, CURLcode code) {
        long status = 0;
        curl_off_t took = 0;
        curl_easy_getinfo(flight.easy.get(), CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(flight.easy.get(), CURLINFO_TOTAL_TIME_T, &took);
        flight.fetched.status = static_cast<int>(status);
        flight.fetched.took = std::chrono::milliseconds{took / 1000};
        judge(flight, code);
    }
};

Fetcher::Fetcher(std::unique_ptr<State> state) : state_(std::move(state)) {}
Fetcher::Fetcher(Fetcher&&) noexcept = default;
Fetcher& Fetcher::operator=(Fetcher&&) noexcept = default;
Fetcher::~Fetcher() = default;

Result<Fetcher> Fetcher::make(Settings settings) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    auto state = std::make_unique<State>();
    state->settings = std::move(settings);
    state->multi.reset(curl_multi_init());
    if (ready != CURLE_OK || state->multi == nullptr)
        return fail("libcurl cannot be started");
    return Fetcher(std::move(state));
}

Status Fetcher::fetch(std::span<const Fetch> wanted, const std::function<void(std::size_t, Fetched)>& done,
                      const std::function<bool()>& stop) {
    CURLM* const multi = state_->multi.get();
    std::vector<std::unique_ptr<Flight>> flying;
    std::size_t next = 0;
    const auto land = [&](Flight* flight) {
        curl_multi_remove_handle(multi, flight->easy.get());
        const auto at = std::ranges::find(flying, flight, &std::unique_ptr<Flight>::get);
        std::unique_ptr<Flight> owned = std::move(*at);
        flying.erase(at);
        return owned;
    };
    Status result;
    while ((next < wanted.size() || !flying.empty()) && !stop()) {
        while (next < wanted.size() && flying.size() < limits::fetch_connections) {
            auto flight = std::make_unique<Flight>();
            flight->index = next;
            flight->wanted = &wanted[next++];
            if (!state_->prepare(*flight) || curl_multi_add_handle(multi, flight->easy.get()) != CURLM_OK) {
                flight->fetched.failure = Failure::internal;
                flight->fetched.why = "libcurl takes no more requests";
                done(flight->index, std::move(flight->fetched));
                continue;
            }
            flying.push_back(std::move(flight));
        }
        int running = 0;
        if (const CURLMcode code = curl_multi_perform(multi, &running); code != CURLM_OK) {
            result = fail(fmt::format("libcurl: {}", curl_multi_strerror(code)));
            break;
        }
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
            if (message->msg != CURLMSG_DONE)
                continue;
            char* self = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
            const CURLcode code = message->data.result;
            const auto flight = land(reinterpret_cast<Flight*>(self));
            State::finish(*flight, code);
            done(flight->index, std::move(flight->fetched));
        }
        if (running > 0)
            curl_multi_poll(multi, nullptr, 0, poll_ms, nullptr);
    }
    while (!flying.empty())
        static_cast<void>(land(flying.back().get()));
    return result;
}

Result<UrlParts> parse_url(const std::string& url) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), &curl_url_cleanup};
    if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
        return fail(fmt::format("\"{}\" is not a URL", url));
    const auto part = [&](CURLUPart which, unsigned flags = 0) {
        char* text = nullptr;
        std::string result;
        if (curl_url_get(parsed.get(), which, &text, flags) == CURLUE_OK && text != nullptr)
            result = text;
        curl_free(text);
        return result;
    };
    const std::string scheme = part(CURLUPART_SCHEME);
    UrlParts parts;
    parts.tls = scheme == "https";
    parts.host = part(CURLUPART_HOST);
    parts.path = part(CURLUPART_PATH);
    parts.port = static_cast<std::uint16_t>(
        std::strtoul(part(CURLUPART_PORT, CURLU_DEFAULT_PORT).c_str(), nullptr, 10));
    if ((scheme != "http" && scheme != "https") || parts.host.empty() || parts.port == 0)
        return fail(fmt::format("\"{}\" is not of the form http://host/path or https://host/path", url));
    if (!part(CURLUPART_USER).empty() || !part(CURLUPART_FRAGMENT).empty() || !part(CURLUPART_QUERY).empty())
        return fail(fmt::format("\"{}\" holds a user, a query or a fragment; such URLs have none", url));
    if (parts.host.front() == '[' && parts.host.size() > 2)
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    return parts;
}

Result<std::vector<std::string>> resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned{found, &freeaddrinfo};
    if (failed != 0)
        return fail(fmt::format("{}: {}", host, gai_strerror(failed)));
    std::set<std::string> addresses;
    for (const addrinfo* one = found; one != nullptr && addresses.size() < limits::fetch_addresses;
         one = one->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST) != 0)
            continue;
        addresses.insert(one->ai_family == AF_INET6 ? fmt::format("[{}]:{}", text.data(), port)
                                                    : fmt::format("{}:{}", text.data(), port));
    }
    if (addresses.empty())
        return fail(fmt::format("{}: has no address", host));
    return std::vector<std::string>(addresses.begin(), addresses.end());
}

}  // namespace eightbells::fetch
