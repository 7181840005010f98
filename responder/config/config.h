#ifndef EIGHTBELLS_RESPONDER_CONFIG_CONFIG_H
#define EIGHTBELLS_RESPONDER_CONFIG_CONFIG_H

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
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
// deploy/eightbells.toml. Relative paths are taken from the folder of the configuration file. No key is ever
// read here: fronts use this module too.

enum class StoreKind : std::uint8_t { directory, redis };
struct Store {
    StoreKind kind = StoreKind::directory;
    std::filesystem::path directory;            // of the shared page file; default: <data>/store
    cache::RedisAddress redis;                  // [store.redis]; the password comes from password_file
    std::filesystem::path redis_password_file;  // empty: none
    std::filesystem::path sentinel_password_file;
    friend bool operator==(const Store&, const Store&) = default;
};

enum class Unissued : std::uint8_t { unauthorized };  // C-02: the documented answer for a serial never issued
// Whose word an answer's status is: the ledger's, fed by index, lists, CRL and events together; or the CA's
// CRL's alone (an offline root, a foreign CA), within that CRL's times.
enum class StatusFrom : std::uint8_t { ledger, crl };
enum class Answers : std::uint8_t { presigned, live };
enum class Nonce : std::uint8_t { ignore, echo };

// What the watch asks of one issuer, as a relying party (the watch's own machine needs nothing else of it).
struct IssuerWatch {
    std::string ocsp;                 // URL; empty: OCSP is not watched
    std::string crl;                  // URL; empty: no CRL is watched
    std::vector<std::string> fronts;  // "192.0.2.1:80": asked each; empty: every address of the URL's name
    // Certificates whose status is known: the path of one, or "serial:" and its serial in hex; empty: none.
    std::string good;
    std::string revoked;
    std::string hold;
    std::string expired;
    std::string unissued;
    bool any() const noexcept { return !ocsp.empty() || !crl.empty(); }
    friend bool operator==(const IssuerWatch&, const IssuerWatch&) = default;
};

// One CRL that the CA makes, and where it comes from: a file, a folder whose newest it is, a URL that is
// asked again and again; with none of them it is pushed over the control socket ([[issuer.imported_crl]]).
struct ImportedCrl {
    std::string path;                // exact URL path at which it is served, "/cleverbase3c.crl"
    std::filesystem::path file;      // file or folder, watched; empty: none
    std::string url;                 // http or https; empty: none
    seconds poll{600};               // how often the URL is asked
    std::string distribution_point;  // the CDP URI in its certificates; empty: it covers all of the issuer's
    std::string delta_of;            // path of the CRL that this delta goes with; empty: it is no delta
    bool is_fetched() const noexcept { return !file.empty() || !url.empty(); }  // not pushed
    friend bool operator==(const ImportedCrl&, const ImportedCrl&) = default;
};
// The CRLs that are made and signed here for the CA.
struct GeneratedCrl {
    std::filesystem::path key;             // the CA's own; empty: none are made
    std::filesystem::path key_passphrase;  // file that holds it; empty: not encrypted
    bool rsa_pss = false;
    seconds delay{60};                            // from a change of status to the CRL that shows it (D-12)
    seconds every{12 * 3600};                     // at least this often, changes or not (D-11)
    seconds validity{48 * 3600};                  // nextUpdate - thisUpdate (D-13, D-15)
    std::optional<seconds> spare{7 * 24 * 3600};  // validity of the spare; nullopt: none is kept
    std::string delta;                            // URI of the delta CRL; empty: none
    std::vector<std::string> partitions;  // URIs of CRLs for a part each, as the certificates have them
    bool next_publish = true;             // with Microsoft's extension (F-25)
    bool on() const noexcept { return !key.empty(); }
    friend bool operator==(const GeneratedCrl&, const GeneratedCrl&) = default;
};
// The path of "http://host/path": where the CRL of that URI is served. Empty: not such a URI.
std::string_view path_of_uri(std::string_view uri) noexcept;

struct Issuer {
    std::string name = "ca";            // label in metrics and commands: [a-z0-9][a-z0-9-]{0,31}, unique
    std::filesystem::path certificate;  // the CA's certificate; default issuer.pem
    crypto::Scheme scheme = crypto::Scheme::eutl;
    bool issues_cas = false;  // it certifies CAs only: D-08's twelve months bind instead of D-05 and D-06
    bool sha1 = true;         // B-07: also answers for SHA-1 CertIDs
    bool suspension = false;  // C-11: certificateHold allowed; refused for tls-br and smime-br
    // feeds
    StatusFrom status_from = StatusFrom::ledger;
    std::filesystem::path issued;  // list of issued certificates (.csv, .jsonl) or folder of them, watched;
                                   // empty: none
    std::filesystem::path index;   // OpenSSL/EasyRSA index.txt, watched; empty: none
    std::filesystem::path crl;     // CRL file, watched; empty: none
    std::string crl_path;          // exact URL path of the CRL, "/demo.crl"; default "/<name>.crl"
    std::vector<ImportedCrl> imported_crls;  // further ones
    std::string certificate_path;            // where its certificate is served (F-29); default "/<name>.cer"
    bool ocsp_in_certificates = true;  // false: the CRL alone tells their status, and must stay small (F-25)
    std::optional<seconds>
        heartbeat;  // events: the feed counts as current only this long after its last word
    // signing (read by the signer only)
    std::filesystem::path signer_certificate;     // delegated signer, default ocsp-signer.pem; empty (written
                                                  // as ""): the CA signs itself with signer_key
    std::filesystem::path signer_key;             // default ocsp-signer.key
    std::filesystem::path signer_key_passphrase;  // file that holds it; empty: not encrypted
    bool rsa_pss = false;
    // times
    seconds validity{24 * 3600};           // nextUpdate - thisUpdate of an answer
    seconds refresh{12 * 3600};            // default: half of validity
    seconds cache_for{600};                // most that a cache may keep an answer (D-16)
    bool archive_cutoff = true;            // B-17
    std::optional<UtcTime> records_since;  // B-18
    bool invalidity_date = false;          // B-22: answers carry the invalidity date where one is known
    Unissued unissued = Unissued::unauthorized;
    Answers answers = Answers::presigned;
    Nonce nonce = Nonce::ignore;
    std::optional<seconds> max_age;   // an answer signed longer ago is signed anew when it is asked for
    std::uint32_t live_budget = 100;  // the most live answers a second
    IssuerWatch watch;                // [issuer.watch]
    GeneratedCrl generated_crl;       // [issuer.generated_crl], read by the signer only
    // All CRLs that may come from outside: `crl` at `crl_path`, unless only tables are written, and those.
    std::vector<ImportedCrl> crls() const;
    friend bool operator==(const Issuer&, const Issuer&) = default;
};

// What the signer asks of the clock before it signs (D-10): that it has not been stepped, and that the kernel
// says it is synchronised; steps alone where a container's kernel does not tell; nothing.
enum class ClockCheck : std::uint8_t { synchronised, steps, off };

// The other signer of a pair ([signer.pair]); numeric addresses.
struct Pair {
    std::string name;    // this signer's, [a-z0-9-]{1,32}; empty: it has no other
    std::string listen;  // "192.0.2.1:9644": where the other one connects to this one
    std::string peer;    // and where this one connects to the other
    bool on() const noexcept { return !name.empty(); }
    friend bool operator==(const Pair&, const Pair&) = default;
};

struct Signer {
    std::filesystem::path data;              // ledger, page file, store key
    std::filesystem::path control_socket;    // events and commands; default <data>/control.sock
    std::filesystem::path live_socket;       // the fronts' private call; default <data>/live.sock
    std::string live_listen;                 // and for fronts on other machines; empty: none
    std::filesystem::path live_secret_file;  // by which they are known; default <data>/live-secret
    std::string metrics = "127.0.0.1:9641";
    unsigned threads = 0;    // 0: one a core
    bool self_check = true;  // every signature is parsed from its bytes and verified before publication
    ClockCheck clock_check = ClockCheck::synchronised;
    seconds compare_delay{900};               // C-09: a difference older than this is an alarm
    std::vector<std::string> compare_fronts;  // "192.0.2.1:80": asked what they really answer
    std::uint32_t compare_rate = 20;          // requests a second, to all of them together
    std::vector<std::uint32_t>
        control_users;                // further user ids that may send events; root and our own always may
    std::filesystem::path store_key;  // private, made on first use; <data>/store-key.pem, not a field
    std::filesystem::path store_key_public;  // its public half in hex, written by the signer at start for
                                             // the fronts; <data>/store-key.pub, not a field
    Pair pair;
    friend bool operator==(const Signer&, const Signer&) = default;
};

struct Front {
    std::filesystem::path data;  // page file and CRL files
    std::vector<std::string> listen{"127.0.0.1:8080"};
    std::vector<std::string> ocsp_prefixes{"/ocsp"};  // stripped before decoding; "/" always answers as well
    std::string metrics = "127.0.0.1:9642";
    unsigned workers = 0;                // 0: one a core
    std::uint32_t memory_limit = 0;      // MiB for pages; 0: all of them
    std::uint32_t connections = 20'000;  // of one worker and address of `listen`; closed at once above
    std::uint32_t connections_per_address = 1000;  // the same, of one IPv4 address or IPv6 /64; 0: no limit
    // Networks that are not counted by address; those in the second list begin with a PROXY v2 header, which
    // names the client, even if they are in the first.
    std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1"};
    std::vector<std::string> proxy_protocol_from;
    std::filesystem::path live_socket;  // of the signer; default signer.live_socket, empty: none
    // The signer's live_listen, where it is on another machine: instead of live_socket. Of two signers both;
    // whichever leads is asked.
    std::vector<std::string> live_signers;
    std::filesystem::path live_secret_file;  // a copy of the signer's; default signer.live_secret_file
    bool asks_signer() const noexcept { return !live_socket.empty() || !live_signers.empty(); }
    std::vector<std::string> store_keys;                 // trusted store keys, 64 hex digits each; and
    std::vector<std::filesystem::path> store_key_files;  // files with one hex key a line; default, when no
                                                         // key is named either way: signer.store_key_public
    friend bool operator==(const Front&, const Front&) = default;
};

struct Watch {
    std::string name = "watch";  // the vantage's, in its ledger and its reports
    std::filesystem::path data;  // outage ledger, the watch's key, anchors
    std::string metrics = "127.0.0.1:9643";
    seconds period{60};       // of a round of probes
    seconds crl_period{300};  // of fetching whole CRLs; conditionally they are asked for in every round
    std::chrono::milliseconds timeout{10'000};   // of one request, to its last octet
    std::filesystem::path tls_ca_file;           // empty: the system's
    std::vector<std::filesystem::path> anchors;  // folders in which signed heads are left
    std::vector<std::filesystem::path> witness;  // other watches' anchor files, kept in our ledger for them
    std::filesystem::path revocations;           // announced revocations, one JSON object a line
    friend bool operator==(const Watch&, const Watch&) = default;
};

struct Config {
    std::filesystem::path file;
    std::filesystem::path data;  // where the programs keep what is theirs, each in a folder of its own
    std::string log_level = "info";
    Store store;
    Signer signer;
    Front front;
    Watch watch;
    std::vector<Issuer> issuers;
    bool watches() const noexcept;  // whether any issuer is watched

    // Where each known field is written in the file, by its dotted name ("issuer[0].validity"); 0: it is not,
    // and the default holds. Tables stand there too ("issuer[0]", "store.redis").
    std::map<std::string, std::uint32_t, std::less<>> lines;
    // The field's own line, else that of the nearest table around it, else 0.
    std::uint32_t line_of(std::string_view field) const;
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
// scheme), conflicts between fields. All mistakes at once, in the order of their lines; only a syntax mistake
// hides those behind it.
Loaded load(const std::filesystem::path& file);
// The same for text that stands in no file; `file` is named in messages and its folder resolves relative
// paths.
Loaded load_text(std::string_view text, const std::filesystem::path& file);

// Which program will use it. A front's machine has no signing keys, a signer's no front's files.
enum class Role : std::uint8_t { signer, front, watch, both };
// Looks whether the files that `role` will read are there and readable, and whether private ones are private.
// Files that the programs make themselves are not asked for. Adds to mistakes and warnings.
void check_files(Loaded& loaded, Role role);

// A mistake or warning about a field, with its place: for what a program finds out later, with keys and
// certificates in hand.
Mistake at_field(const Config& config, std::string field, std::string message);

// Every field there is, dotted, "issuer[].validity" for those of issuers.
const std::vector<std::string>& known_fields();

// "24h", "90s", "2d", "6d23h59m59s": whole numbers with d, h, m or s, in falling order, each unit once.
Result<seconds> parse_duration(std::string_view text);
std::string duration_text(seconds duration);  // the same form: "1d12h"; "0s"; negative with a leading "-"

}  // namespace eightbells::config

#endif
