#ifndef EIGHTBELLS_TESTS_FRONT_WORLD_H
#define EIGHTBELLS_TESTS_FRONT_WORLD_H

#include <event2/event.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "responder/crypto/certificate.h"
#include "responder/front/answering.h"
#include "responder/front/loader.h"
#include "responder/http/listener.h"
#include "responder/keys/signing_key.h"
#include "tests/cache/built_set.h"
#include "tests/cache/memory_store.h"
#include "tests/cache/temporary_folder.h"
#include "tests/http/server.h"

// A front without its threads: real signatures by a throwaway CA, a store in memory, a loader that is
// stepped, an answering behind a real listener on a loop in the test's own thread, and a clock that stands
// still. What is sent in and out are the octets of the wire.
namespace eightbells::front::test {

using cache::built::need;
using http::test::Response;
using ocsp::HashAlgorithm;

std::string shell(const std::string& command);  // its standard output; throws when it fails

// A CA with a delegated signer, made by the openssl command; the same throughout a test program.
class Authority {
  public:
    static const Authority& number(int n);
    // Another Name under the key of authority 0, and another key under its Name.
    static const Authority& same_key();
    static const Authority& same_name();

    std::filesystem::path folder;  // ca.pem, ca.key, signer.pem, signer.key
    std::optional<crypto::IssuerIdentity> identity;
    std::optional<crypto::Certificate> signer;
    std::shared_ptr<const keys::SigningKey> key;

    ocsp::AnswerProfile profile(HashAlgorithm hash) const;
    Bytes sign(ByteView message) const;  // raw
    // A CRL by the openssl command.
    Bytes crl(const std::string& last_update, const std::string& next_update) const;

    Authority(const std::string& name, const std::string& subject, const std::filesystem::path& key_of);
};

// A CertID as a client may spell it.
struct AskedId {
    Bytes hash_oid;  // content octets; empty: SHA-256
    bool null_parameters = true;
    Bytes name_hash;
    Bytes key_hash;
    Bytes serial;  // content octets of the INTEGER
};
AskedId id_of(const Authority& authority, const Bytes& serial, HashAlgorithm hash = HashAlgorithm::sha256);
AskedId id_with(const Authority& authority, const Bytes& serial, const Bytes& hash_oid);  // any hash there is
Bytes cert_id_der(const AskedId& id);
Bytes request_der(const std::vector<AskedId>& ids, const Bytes& nonce = {});
inline const Bytes sha384_oid{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02};
inline const Bytes sha512_oid{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03};
inline const Bytes md5_oid{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05};

std::string base64(ByteView bytes);
// Every octet that is not a letter or digit is escaped.
std::string escaped(std::string_view text, bool upper = true);

// What one issuer of the world has: certificates in a set that the loader may fetch.
struct World {
    struct Options {
        std::vector<config::Issuer> issuers;  // name, policies; certificate is filled in. Empty: one, "ca"
        std::vector<const Authority*> authorities;  // of each; empty: number 0, 1, ...
        std::vector<std::string> prefixes{"/ocsp"};
        std::filesystem::path live_socket;
        std::size_t pool_octets = 0;  // 0: every page is in memory
    };
    World() : World(Options{}) {}
    explicit World(Options options);
    ~World();

    // Takes over what was put into the store: set(i).publish_all() goes there first.
    void publish(std::size_t issuer = 0);
    void publish_patch(std::size_t issuer = 0);
    void sync();               // one pass
    void advance(seconds by);  // the clock, and lets listener and set see it
    void turn(int times = 1);  // of the loop, without waiting
    void wait_turn();          // until something happens on the loop
    void take(std::shared_ptr<const FrontState> given);

    // One request on the connection that is kept; throws when there is no answer.
    Response ask(std::string_view request, bool to_head = false);
    Response get(std::string_view path);
    Response head(std::string_view path);
    Response post(ByteView body, std::string_view type = "application/ocsp-request",
                  std::string_view path = "/ocsp");
    void send(std::string_view request);                   // and not wait
    std::optional<Response> answer(bool to_head = false);  // what has come, if it is whole

    std::uint64_t counted(metrics::Outcome outcome, metrics::Method method = metrics::Method::post,
                          metrics::Hash hash = metrics::Hash::sha256, std::size_t issuer = 0) const;
    std::uint64_t counted_in_all() const;
    std::string path_of(const Bytes& request) const { return "/ocsp/" + escaped(base64(request)); }
    const Authority& authority(std::size_t issuer = 0) const { return *authorities_[issuer]; }
    cache::built::BuiltSet& set(std::size_t issuer = 0) { return *sets_[issuer]; }
    std::unique_ptr<Loader> make_loader(std::unique_ptr<cache::Store> store);

    TemporaryFolder folder;
    ManualClock clock;
    std::shared_ptr<const Issuers> issuers;
    cache::MemoryStore* store = nullptr;  // the loader's
    std::unique_ptr<metrics::FrontMetrics> metrics;
    Claim claim{folder / "front"};
    std::unique_ptr<Health> health;
    std::unique_ptr<metrics::RequestCounters> counters;
    std::unique_ptr<Loader> loader;
    std::shared_ptr<const FrontState> state;  // the last that the loader gave
    bool holds_back = false;                  // what the loader gives
    std::unique_ptr<Loop> loop;
    event_base* base = nullptr;
    unsigned wakes = 0;  // of the loop
    std::shared_ptr<cache::PagePool> pool;
    std::unique_ptr<cache::PagePool::Reader> pool_reader;
    std::unique_ptr<PageReader> page_reader;
    std::unique_ptr<PageWaits> pages;
    std::unique_ptr<LiveClient> live;
    std::unique_ptr<LiveCheck> live_check;
    std::unique_ptr<Answering> answering;
    std::unique_ptr<http::Listener> listener;

  private:
    void connect();
    void woken();

    std::vector<const Authority*> authorities_;
    std::vector<std::unique_ptr<cache::built::BuiltSet>> sets_;
    std::vector<std::string> keys_;
    OcspPaths paths_;
    int client_ = -1;
    std::string received_;
};

// What an OCSP body says: "good", "revoked", "unauthorized", "tryLater", "malformed", "internalError". A
// signed one is checked: its signature under the authority's signer, its CertID against what was asked.
std::string verdict(const Response& response, const Authority& authority, const std::vector<AskedId>& ids);
std::string verdict(const Response& response);  // of an error status, or "successful"
bool is_uncacheable(const Response& response);

}  // namespace eightbells::front::test

#endif
