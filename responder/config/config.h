#ifndef EIGHTBELLS_RESPONDER_CONFIG_CONFIG_H
#define EIGHTBELLS_RESPONDER_CONFIG_CONFIG_H

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/redis_store.h"
#include "responder/base/clock.h"
#include "responder/base/result.h"
#include "responder/crypto/certificate.h"

namespace eightbells::config {

// One TOML file for all programs; each reads what it needs. Every field has a usable default, documented in
// deploy/eightbells.toml. Relative paths are taken from the folder of the configuration file.

enum class StoreKind : std::uint8_t { directory, redis };
struct Store {
    StoreKind kind = StoreKind::directory;
    std::filesystem::path directory;  // of the shared page file; default: <data>/store
    cache::RedisAddress redis;
};

enum class Unissued : std::uint8_t { unauthorized };  // C-02: the documented answer for a serial never issued
enum class Answers : std::uint8_t { presigned, live };
enum class Nonce : std::uint8_t { ignore, echo };

struct Issuer {
    std::string name;                   // label in metrics and commands: [a-z0-9-]{1,32}, unique
    std::filesystem::path certificate;  // the CA's certificate
    crypto::Scheme scheme = crypto::Scheme::eutl;
    bool sha1 = true;         // B-07: also answers for SHA-1 CertIDs
    bool suspension = false;  // C-11: certificateHold allowed; refused for tls-br and smime-br
    // feeds
    std::filesystem::path index;  // OpenSSL/EasyRSA index.txt, watched; empty: none
    std::filesystem::path crl;    // CRL file, watched; empty: none
    std::string crl_path;         // exact URL path of the CRL, "/demo.crl"; default "/<name>.crl"
    std::optional<seconds>
        heartbeat;  // events: the feed counts as current only this long after its last word
    // signing (read by the signer only)
    std::filesystem::path signer_certificate;  // delegated signer; empty: the CA signs itself with signer_key
    std::filesystem::path signer_key;
    std::filesystem::path signer_key_passphrase;  // file that holds it; empty: not encrypted
    bool rsa_pss = false;
    // times
    seconds validity{24 * 3600};           // nextUpdate - thisUpdate of an answer
    seconds refresh{12 * 3600};            // default: half of validity
    seconds cache_for{600};                // most that a cache may keep an answer (D-16)
    bool archive_cutoff = true;            // B-17
    std::optional<UtcTime> records_since;  // B-18
    Unissued unissued = Unissued::unauthorized;
    Answers answers = Answers::presigned;
    Nonce nonce = Nonce::ignore;
};

struct Signer {
    std::filesystem::path data;            // ledger, page file, store key
    std::filesystem::path control_socket;  // events and commands; default <data>/control.sock
    std::filesystem::path live_socket;     // the fronts' private call; default <data>/live.sock
    std::string metrics = "127.0.0.1:9641";
    unsigned threads = 0;    // 0: one a core
    bool self_check = true;  // every signature is parsed from its bytes and verified before publication
    std::vector<std::uint32_t>
        control_users;  // further user ids that may send events; root and our own always may
};

struct Front {
    std::filesystem::path data;  // page file and CRL files
    std::vector<std::string> listen{"127.0.0.1:8080"};
    std::vector<std::string> ocsp_prefixes{"/ocsp"};  // stripped before decoding; "/" always answers as well
    std::string metrics = "127.0.0.1:9642";
    unsigned workers = 0;                                // 0: one a core
    std::filesystem::path live_socket;                   // of the signer; empty: no live answers
    std::vector<std::string> store_keys;                 // trusted store keys, hex; or
    std::vector<std::filesystem::path> store_key_files;  // files with one hex key a line
};

struct Config {
    std::filesystem::path file;
    std::filesystem::path data;  // where the programs keep what is theirs, each in a folder of its own
    std::string log_level = "info";
    Store store;
    Signer signer;
    Front front;
    std::vector<Issuer> issuers;
};

// One mistake, with where and what to write instead: "eightbells.toml:17: issuer.validity: 3h is below ...;
// write \"24h\" ...".
struct Mistake {
    std::string file;
    std::uint32_t line = 0;  // 0: the file as a whole
    std::string field;       // "issuer[0].validity"
    std::string message;
    std::string to_string() const;
};

struct Loaded {
    Config config;
    std::vector<Mistake> mistakes;  // any at all: the configuration must not be used
    std::vector<Mistake> warnings;
};
// Reads and checks everything that can be checked without keys and certificates: syntax, unknown fields (with
// the nearest known name), types, ranges, the promise's arithmetic (validity - refresh >= 4 h, D-05, D-06 by
// scheme), conflicts between fields.
Loaded load(const std::filesystem::path& file);

}  // namespace eightbells::config

#endif
