#ifndef EIGHTBELLS_TESTS_DEPLOY_PROXIES_H
#define EIGHTBELLS_TESTS_DEPLOY_PROXIES_H

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "responder/front/front.h"
#include "tests/conformance/command.h"
#include "tests/front/world.h"

struct ssl_st;
struct ssl_ctx_st;

// A real front with the real HAProxy and nginx before it, each with its configuration from deploy/, of which
// only places and names are changed.
namespace eightbells::deploy {

using front::test::Authority;
using front::test::Response;

// All clients have this address, which nothing else here has: it is looked for in every log.
inline constexpr const char* client_address = "127.0.0.77";

// One connection to a proxy, by http or by https.
class Wire {
  public:
    Wire(std::uint16_t port, bool tls);
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    void send(std::string_view bytes);
    Response response(bool to_head = false);  // throws when none comes
    Response ask(std::string_view request, bool to_head = false) {
        send(request);
        return response(to_head);
    }

  private:
    std::string receive();
    http::test::Client client_;
    std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
    std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
    std::string received_;
};

struct Proxy {
    std::string name;
    std::uint16_t http = 0;
    std::uint16_t https = 0;
    std::unique_ptr<conformance::Program> program;
    std::uint16_t port(bool tls) const { return tls ? https : http; }
};

// Public: one good and one revoked certificate, and a CRL.
class Chain {
  public:
    struct Options {
        seconds cache_for{600};
        bool published = true;  // false: the front has nothing to answer from yet
        bool caching = false;   // nginx as a shared cache before the front, instead of both proxies
    };
    Chain() : Chain(Options{seconds{600}, true, false}) {}
    explicit Chain(const Options& options);
    ~Chain();
    void publish();
    void revoke_good();
    const std::vector<std::unique_ptr<Proxy>>& proxies() const { return proxies_; }
    Response direct(std::string_view request, bool to_head = false);  // past the proxies
    Response ask_private(const std::string& path) const;              // the front's private listener
    void stop_front() { front_.reset(); }
    // Ends the proxies and looks into everything that anybody wrote; says what should not be there.
    std::vector<std::string> traces();

    const Authority& authority = Authority::number(0);
    Bytes good;
    Bytes revoked;
    Bytes crl;

  private:
    void start_front(const Options& options);
    void start_cache();
    std::string nginx_http() const;
    std::vector<std::string> nginx_words() const;
    void start_haproxy();
    void start_nginx();
    void start(const std::string& name, std::vector<std::string> words, std::uint16_t http,
               std::uint16_t https);

    TemporaryFolder folder_;
    const SystemClock clock_;
    config::Config config_;
    cache::built::BuiltSet set_{4, authority.identity->id(), 1};
    std::unique_ptr<cache::PageFile> pages_;
    std::unique_ptr<front::Front> front_;
    std::unique_ptr<http::test::Client> direct_;
    std::vector<std::unique_ptr<Proxy>> proxies_;
};

}  // namespace eightbells::deploy

#endif
