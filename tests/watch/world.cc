#include "tests/watch/world.h"

#include <openssl/evp.h>

#include <boost/test/unit_test.hpp>
#include <stdexcept>

namespace eightbells::watch::test {
namespace {

using namespace std::chrono_literals;

template <class T>
T need(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    return std::move(*result);
}

Bytes decode_path(std::string_view path) {
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '%') {
            text += static_cast<char>(std::stoi(std::string(path.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            text += path[i];
        }
    }
    Bytes octets(text.size());
    const int size = EVP_DecodeBlock(octets.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    octets.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    while (!text.empty() && text.back() == '=') {
        text.pop_back();
        octets.pop_back();
    }
    return octets;
}

}  // namespace

Cast::Cast() {
    const UtcTime from = now - 48h;
    const UtcTime to = now + 24h * 400;
    const auto root = [&](const char* name) {
        return make_identity({.subject = name,
                              .serial = 1,
                              .issuer = nullptr,
                              .ca = true,
                              .ocsp_signing = false,
                              .host = "",
                              .not_before = from,
                              .not_after = to});
    };
    ca = root("CA");
    const auto issued = [&](const Identity& by, const char* name, std::int64_t serial, bool eku) {
        return make_identity({.subject = name,
                              .serial = serial,
                              .issuer = &by,
                              .ca = false,
                              .ocsp_signing = eku,
                              .host = "",
                              .not_before = from,
                              .not_after = to});
    };
    delegate = issued(ca, "signer", 2, true);
    other_ca = root("Other CA");
    other_delegate = issued(other_ca, "other signer", 2, true);
    without_eku = issued(ca, "no signer", 3, false);
    lapsed_delegate = make_identity({.subject = "old signer",
                                     .serial = 4,
                                     .issuer = &ca,
                                     .ca = false,
                                     .ocsp_signing = true,
                                     .host = "",
                                     .not_before = from,
                                     .not_after = now - 1h});
    tls_server = make_identity({.subject = "server",
                                .serial = 5,
                                .issuer = &ca,
                                .ca = false,
                                .ocsp_signing = false,
                                .host = "localhost",
                                .not_before = from,
                                .not_after = to});
    for (const std::int64_t serial : {good_serial, revoked_serial, hold_serial, unissued_serial})
        leaves.emplace(serial, issued(ca, "leaf", serial, false));
    leaves.emplace(expired_serial, make_identity({.subject = "leaf",
                                                  .serial = expired_serial,
                                                  .issuer = &ca,
                                                  .ca = false,
                                                  .ocsp_signing = false,
                                                  .host = "",
                                                  .not_before = from,
                                                  .not_after = now - 1h}));
}

const Cast& Cast::all() {
    static const Cast cast;
    return cast;
}

World::World(bool tls)
    : now(SystemClock().now()),
      clock(now),
      server([this](const Server::Asked& asked) { return reply(asked); },
             tls ? &Cast::all().tls_server : nullptr) {
    const Cast& cast = Cast::all();
    answer.this_update = now - 1h;
    answer.next_update = now + 23h;
    answer.signer = &cast.delegate;
    said[good_serial] = {};
    said[expired_serial] = {};
    said[revoked_serial] = {V_OCSP_CERTSTATUS_REVOKED, OCSP_REVOKED_STATUS_KEYCOMPROMISE, now - 3h};
    said[hold_serial] = {V_OCSP_CERTSTATUS_REVOKED, OCSP_REVOKED_STATUS_CERTIFICATEHOLD, now - 2h};
    crl.this_update = now - 1h;
    crl.next_update = now + 47h;
    crl.signer = &cast.ca;
    crl.entries = {{revoked_serial, said[revoked_serial]}, {hold_serial, said[hold_serial]}};
}

Bytes World::answer_for(const Server::Asked& asked) {
    const auto request = read_request(asked.method == "POST" ? as_bytes(asked.body)
                                                             : ByteView(decode_path(asked.path.substr(6))));
    if (!request)
        return make_error(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
    const auto found = said.find(request->serial);
    if (found == said.end())
        return make_error(OCSP_RESPONSE_STATUS_UNAUTHORIZED);
    return make_answer(Cast::all().ca, *request, found->second, answer);
}

Bytes World::current_crl() {
    const std::scoped_lock lock(mutex_);
    std::string key = std::to_string(crl.number) + to_iso8601(crl.this_update) +
                      to_iso8601(crl.next_update.value_or(now)) + (crl.broken_signature ? "broken" : "") +
                      std::to_string(crl.signer == &Cast::all().ca);
    for (const auto& [serial, entry] : crl.entries)
        key += std::to_string(serial) + std::to_string(entry.reason) + to_iso8601(entry.revoked_at);
    Bytes& made = crls_[key];
    if (made.empty())
        made = make_crl(crl);
    return made;
}

Server::Reply World::reply(const Server::Asked& asked) {
    if (instead) {
        if (auto other = instead(asked))
            return *other;
    }
    if (asked.path == "/demo.crl") {
        const auto known = asked.headers.find("if-none-match");
        if (known != asked.headers.end() && known->second == etag)
            return {"HTTP/1.1 304 Not Modified\r\nDate: " + http_date(now) + "\r\nETag: " + etag +
                    "\r\n\r\n"};
        return {http_reply(now, 200, "application/pkix-crl", current_crl(),
                           more_headers + (etag.empty() ? "" : "ETag: " + etag + "\r\n"))};
    }
    return {http_reply(now, 200, "application/ocsp-response", answer_for(asked), more_headers)};
}

WatchedIssuer World::issuer() const {
    const Cast& cast = Cast::all();
    WatchedIssuer issuer{"demo",
                         need(OpensslIssuer::parse(cast.ca.der())),
                         need(BotanIssuer::from_der(cast.ca.der())),
                         {},
                         "http://localhost/ocsp",
                         "http://localhost/demo.crl",
                         {server.address()},
                         {RequestHash::sha256, RequestHash::sha1},
                         public_trust};
    const std::pair<CanaryKind, std::int64_t> canaries[] = {{CanaryKind::good, good_serial},
                                                            {CanaryKind::revoked, revoked_serial},
                                                            {CanaryKind::hold, hold_serial},
                                                            {CanaryKind::expired, expired_serial},
                                                            {CanaryKind::unissued, unissued_serial}};
    for (const auto& [kind, serial] : canaries)
        issuer.canaries.push_back(need(issuer.openssl.canary(kind, cast.leaves.at(serial).der())));
    return issuer;
}

Prober World::prober(std::vector<WatchedIssuer> issuers, Fetcher::Settings settings) const {
    return Prober(std::move(issuers), need(Fetcher::make(std::move(settings))), clock);
}
Prober World::prober() const {
    std::vector<WatchedIssuer> issuers;
    issuers.push_back(issuer());
    return prober(std::move(issuers));
}

const Observation* Seen::find(Method method) const {
    for (const auto& [key, observation] : observations) {
        if (key.method == method)
            return &observation;
    }
    return nullptr;
}
Cause Seen::cause(Method method) const {
    const Observation* const found = find(method);
    return found == nullptr ? Cause::internal : found->cause;
}
std::string Seen::text(Method method) const {
    const Observation* const found = find(method);
    return found == nullptr ? "not observed" : found->text;
}

Seen round(Prober& prober, bool whole_crl) {
    Seen seen;
    const auto asked = prober.round(seen, whole_crl, [] { return false; });
    BOOST_REQUIRE(asked.has_value());
    for (const std::string& trouble : seen.troubles)
        BOOST_TEST_ERROR(trouble);
    return seen;
}

}  // namespace eightbells::watch::test
