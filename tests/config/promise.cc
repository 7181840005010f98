#include <boost/test/unit_test.hpp>

#include "tests/config/fixture.h"

using namespace eightbells;
using namespace eightbells::config;
using namespace eightbells::config::testing;

namespace {

#define ISSUER "[[issuer]]\n"
#define REDIS ISSUER "[store]\nkind = \"redis\"\n[store.redis]\n"

// Each file is well formed and keeps no promise: exactly one mistake.
// Covers: C-11, D-05, D-06, D-08, D-16, D-18
const BadFile bad_files[] = {
    {"D-18: the runway is four hours", ISSUER "validity = \"12h\"\nrefresh = \"10h\"\n", 3,
     "issuer[0].refresh",
     "validity 12h - refresh 10h = 2h, less than the four hours promised; write refresh = \"8h\" or less"},
    {"D-18: one second short", ISSUER "validity = \"24h\"\nrefresh = \"20h1s\"\n", 3, "issuer[0].refresh",
     "validity 1d - refresh 20h1s = 3h59m59s"},
    {"D-18: refresh after the end", ISSUER "validity = \"24h\"\nrefresh = \"2d\"\n", 3, "issuer[0].refresh",
     "= -1d"},
    {"D-05: private answers live eight hours",
     ISSUER "scheme = \"private\"\nvalidity = \"7h59m59s\"\nrefresh = \"1h\"\n", 3, "issuer[0].validity",
     "7h59m59s is below 8h"},
    {"D-06: public trust below 16 hours", ISSUER "scheme = \"tls-br\"\nvalidity = \"15h59m59s\"\n", 3,
     "issuer[0].validity", "is below 16h, the least for scheme \"tls-br\" (D-06)"},
    {"D-05: public trust at seven days", ISSUER "scheme = \"smime-br\"\nvalidity = \"7d\"\n", 3,
     "issuer[0].validity", "7d is above 6d23h59m59s"},
    {"D-06: public trust past half", ISSUER "scheme = \"tls-br\"\nvalidity = \"24h\"\nrefresh = \"12h1s\"\n",
     4, "issuer[0].refresh", "more than half of validity (1d / 2 = 12h)"},
    {"a year and a day", ISSUER "scheme = \"private\"\nvalidity = \"366d1s\"\n", 3, "issuer[0].validity",
     "above 366d"},
    {"D-08: a year and a day, for CAs too",
     ISSUER "scheme = \"tls-br\"\nissues_cas = true\nvalidity = \"366d1s\"\n", 4, "issuer[0].validity",
     "above 366d"},
    {"a refresh without pause", ISSUER "refresh = \"9s\"\ncache_for = 0\n", 2, "issuer[0].refresh",
     "below 10s"},
    {"D-16: caches beyond the refresh", ISSUER "validity = \"8h\"\nrefresh = \"5m\"\n", 1,
     "issuer[0].cache_for", "10m is more than refresh (5m)"},
    {"D-16: caches beyond the deadline", ISSUER "validity = \"5d\"\ncache_for = \"4h1s\"\n", 3,
     "issuer[0].cache_for", "within which a revocation must be seen"},
    {"C-11: holds under tls-br", ISSUER "scheme = \"tls-br\"\nsuspension = true\n", 3, "issuer[0].suspension",
     "C-11"},
    {"C-11: holds under smime-br", ISSUER "scheme = \"smime-br\"\nsuspension = true\n", 3,
     "issuer[0].suspension", "C-11"},
};

#define IMPORTED_NEXT(fields) "[[issuer.imported_crl]]\n" fields
#define IMPORTED(fields) ISSUER IMPORTED_NEXT(fields)

const BadFile conflicts[] = {
    {"two issuers of one name",
     ISSUER "name = \"a\"\n" ISSUER "certificate = \"b.pem\"\nname = \"a\"\ncrl_path = \"/b.crl\"\n", 5,
     "issuer[1].name", "\"a\" is the name of issuer[0] too (line 2)"},
    {"two issuers of one certificate", ISSUER ISSUER "name = \"b\"\n", 2, "issuer[1].certificate",
     "issuer[0] too"},
    {"a name in capitals", ISSUER "name = \"TLS\"\n", 2, "issuer[0].name", "a-z, 0-9"},
    {"a name that is an option", ISSUER "name = \"-x\"\n", 2, "issuer[0].name", "not \"-\" first"},
    {"a name of 33", ISSUER "name = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n", 2, "issuer[0].name", "1 to 32"},
    {"a CRL path without slash", ISSUER "crl_path = \"ca.crl\"\n", 2, "issuer[0].crl_path",
     "write \"/ca.crl\""},
    {"F-20: a CRL path of another kind", ISSUER "crl_path = \"/ca.pem\"\n", 2, "issuer[0].crl_path", "F-20"},
    {"a CRL path without name", ISSUER "crl_path = \"/.crl\"\n", 2, "issuer[0].crl_path", "a name"},
    {"a CRL path with an escape", ISSUER "crl_path = \"/a%20b.crl\"\n", 2, "issuer[0].crl_path", "'%'"},
    {"a CRL path that proxies rewrite", ISSUER "crl_path = \"/a/../b.crl\"\n", 2, "issuer[0].crl_path",
     "rewrite"},
    {"a CRL path below OCSP", ISSUER "crl_path = \"/ocsp/ca.crl\"\n", 2, "issuer[0].crl_path",
     "below the OCSP prefix \"/ocsp\""},
    {"one CRL path for two",
     ISSUER "crl_path = \"/x.crl\"\n" ISSUER "name = \"b\"\ncertificate = \"b.pem\"\ncrl_path = \"/x.crl\"\n",
     6, "issuer[1].crl_path", "the path of issuer[0] too"},
    {"F-29: a certificate path of another kind", ISSUER "certificate_path = \"/ca.pem\"\n", 2,
     "issuer[0].certificate_path", "write \"/ca.cer\""},
    {"one certificate path for two",
     ISSUER ISSUER "name = \"b\"\ncertificate = \"b.pem\"\ncertificate_path = \"/ca.cer\"\n", 5,
     "issuer[1].certificate_path", "the path of issuer[0] too"},
    {"an imported CRL at the path of another",
     IMPORTED("path = \"/a.crl\"\n") IMPORTED_NEXT("path = \"/a.crl\"\n"), 5,
     "issuer[0].imported_crl[1].path", "the path of issuer[0].imported_crl[0] too"},
    {"an imported CRL beside the simple one", ISSUER "crl = \"ca.crl\"\n" IMPORTED_NEXT(""), 1,
     "issuer[0].crl_path", "the path of issuer[0].imported_crl[0] too"},
    {"F-20: an imported CRL of another kind", IMPORTED("path = \"/a.pem\"\n"), 3,
     "issuer[0].imported_crl[0].path", "F-20"},
    {"a file and a URL", IMPORTED("file = \"a.crl\"\nurl = \"http://ca.example/a.crl\"\n"), 4,
     "issuer[0].imported_crl[0].url", "one of them"},
    {"a URL of another kind", IMPORTED("url = \"ldap://ca.example/a\"\n"), 3, "issuer[0].imported_crl[0].url",
     "http://host/name.crl"},
    {"a URL with a query", IMPORTED("url = \"http://ca.example/a?b\"\n"), 3, "issuer[0].imported_crl[0].url",
     "http://host/name.crl"},
    {"polling without a pause", IMPORTED("poll = \"1s\"\n"), 3, "issuer[0].imported_crl[0].poll", "10m"},
    {"a delta of nothing", IMPORTED("delta_of = \"/b.crl\"\n"), 3, "issuer[0].imported_crl[0].delta_of",
     "not the path of a full CRL"},
    {"F-15: a delta of another scope",
     IMPORTED("path = \"/a.crl\"\n")
         IMPORTED_NEXT("path = \"/d.crl\"\ndelta_of = \"/a.crl\"\ndistribution_point = \"http://x/d.crl\"\n"),
     6, "issuer[0].imported_crl[1].delta_of", "F-15"},
    {"live answers without a socket", ISSUER "answers = \"live\"\n[front]\nlive_socket = \"\"\n", 2,
     "issuer[0].answers", "front.live_socket is empty"},
    {"nonces without a socket", ISSUER "nonce = \"echo\"\n[front]\nlive_socket = \"\"\n", 2,
     "issuer[0].nonce", "front.live_socket is empty"},
    {"an age without a socket", ISSUER "max_age = \"15m\"\n[front]\nlive_socket = \"\"\n", 2,
     "issuer[0].max_age", "front.live_socket is empty"},
    {"an age of seconds", ISSUER "max_age = \"30s\"\ncache_for = \"10s\"\n", 2, "issuer[0].max_age",
     "answers = \"live\""},
    {"caches that keep what is too old", ISSUER "max_age = \"5m\"\n", 2, "issuer[0].max_age",
     "write cache_for"},
    {"the CA's certificate as signer", ISSUER "signer_certificate = \"issuer.pem\"\n", 2,
     "issuer[0].signer_certificate", "write \"\""},
    {"no certificate", ISSUER "certificate = \"\"\n", 2, "issuer[0].certificate", "is empty"},
    {"no key", ISSUER "signer_key = \"\"\n", 2, "issuer[0].signer_key", "is empty"},
    {"a heartbeat of nothing", ISSUER "heartbeat = 0\n", 2, "issuer[0].heartbeat", "\"off\""},
    {"a CRL as the source without a CRL", ISSUER "status_from = \"crl\"\n", 2, "issuer[0].status_from",
     "needs a CRL"},
    {"a CRL as the source beside an index", ISSUER "status_from = \"crl\"\ncrl = \"a\"\nindex = \"b\"\n", 4,
     "issuer[0].index", "into issued"},
    {"a CRL as the source beside heartbeats",
     ISSUER "status_from = \"crl\"\ncrl = \"a\"\nheartbeat = \"5m\"\n", 4, "issuer[0].heartbeat", "\"off\""},
    {"a prefix without slash", ISSUER "[front]\nocsp_prefixes = [\"ocsp\"]\n", 3, "front.ocsp_prefixes[0]",
     "begin"},
    {"a prefix with a slash behind", ISSUER "[front]\nocsp_prefixes = [\"/ocsp/\"]\n", 3,
     "front.ocsp_prefixes[0]", "write \"/ocsp\""},
    {"a prefix twice", ISSUER "[front]\nocsp_prefixes = [\"/a\", \"/a\"]\n", 3, "front.ocsp_prefixes[1]",
     "twice"},
    {"an address without port", ISSUER "[front]\nlisten = [\"127.0.0.1\"]\n", 3, "front.listen[0]",
     "has no port"},
    {"an address of no machine", ISSUER "[front]\nlisten = [\"300.0.0.1:80\"]\n", 3, "front.listen[0]",
     "not a numeric"},
    {"a name to listen on", ISSUER "[front]\nlisten = [\"localhost:80\"]\n", 3, "front.listen[0]",
     "127.0.0.1"},
    {"an IPv6 address without brackets", ISSUER "[front]\nlisten = [\"::1:80\"]\n", 3, "front.listen[0]",
     "\"[::1]:80\""},
    {"a port beyond the last", ISSUER "[front]\nlisten = [\"127.0.0.1:65536\"]\n", 3, "front.listen[0]",
     "not a port"},
    {"nowhere to listen", ISSUER "[front]\nlisten = []\n", 3, "front.listen", "at least one"},
    {"one port twice", ISSUER "[front]\nlisten = [\"127.0.0.1:80\", \"0.0.0.0:80\"]\n", 3, "front.listen[1]",
     "taken by front.listen[0]"},
    {"a proxy that is a name", ISSUER "[front]\ntrusted_proxies = [\"lb.example\"]\n", 3,
     "front.trusted_proxies[0]", "10.0.0.0/8"},
    {"a proxy with bits behind the prefix", ISSUER "[front]\nproxy_protocol_from = [\"10.0.0.1/8\"]\n", 3,
     "front.proxy_protocol_from[0]", "write \"10.0.0.0/8\""},
    {"no connection at all", ISSUER "[front]\nconnections = 0\n", 3, "front.connections", "1"},
    {"metrics on the public port", ISSUER "[front]\nlisten = [\"127.0.0.1:9642\"]\n", 2, "front.metrics",
     "taken by front.listen[0]"},
    {"one folder for both halves", ISSUER "[signer]\ndata = \"x\"\n[front]\ndata = \"x\"\n", 5, "front.data",
     "signer.data too"},
    {"the store in the signer's folder", ISSUER "[store]\ndirectory = \"data/signer\"\n", 3,
     "store.directory", "of one program"},
    {"one socket for two", ISSUER "[signer]\ncontrol_socket = \"s\"\nlive_socket = \"s\"\n", 4,
     "signer.live_socket", "signer.control_socket too"},
    {"a store key that is too short", ISSUER "[front]\nstore_keys = [\"00ff\"]\n", 3, "front.store_keys[0]",
     "64 hex digits"},
    {"Redis twice",
     ISSUER "[store]\nkind = \"redis\"\n[store.redis]\nhost = \"r\"\nunix_socket = \"/run/r\"\n", 6,
     "store.redis.unix_socket", "take one of them out"},
    {"a CA file without TLS", ISSUER "[store]\nkind = \"redis\"\n[store.redis]\ntls_ca_file = \"ca.pem\"\n",
     5, "store.redis.tls_ca_file", "tls = true"},
    {"a user without password", ISSUER "[store]\nkind = \"redis\"\n[store.redis]\nuser = \"u\"\n", 5,
     "store.redis.user", "password_file"},
    {"Sentinels beside a host", REDIS "host = \"r\"\nsentinels = [\"s:1\"]\nsentinel_service = \"m\"\n", 6,
     "store.redis.sentinels", "take either out"},
    {"Sentinels beside a cluster",
     REDIS "cluster = [\"r:1\"]\nsentinels = [\"s:1\"]\nsentinel_service = \"m\"\n", 6,
     "store.redis.sentinels", "take either out"},
    {"a cluster beside a socket", REDIS "unix_socket = \"/run/r\"\ncluster = [\"r:1\"]\n", 6,
     "store.redis.cluster", "take either out"},
    {"Sentinels of no service", REDIS "sentinels = [\"s:1\"]\n", 5, "store.redis.sentinels",
     "sentinel_service"},
    {"a service of no Sentinels", REDIS "sentinel_service = \"m\"\n", 5, "store.redis.sentinel_service",
     "without sentinels"},
    {"a Sentinel without a port", REDIS "sentinel_service = \"m\"\nsentinels = [\"s:1\", \"s\"]\n", 6,
     "store.redis.sentinels[1]", "192.0.2.1:26379"},
    {"a Sentinel's user without password",
     REDIS "sentinels = [\"s:1\"]\nsentinel_service = \"m\"\nsentinel_user = \"u\"\n", 7,
     "store.redis.sentinel_user", "sentinel_password_file"},
    {"a node that is none", REDIS "cluster = [\"::1:6379\"]\n", 5, "store.redis.cluster[0]",
     "192.0.2.1:6379"},
    {"a node twice", REDIS "cluster = [\"[::1]:6379\",\n\"[::1]:6379\"]\n", 6, "store.redis.cluster[1]",
     "take one out"},
    {"a password file that is not there",
     ISSUER "[store]\nkind = \"redis\"\n[store.redis]\npassword_file = \"/nowhere/p\"\n", 5,
     "store.redis.password_file", "/nowhere/p"},
    {"a timeout beyond the bound",
     ISSUER "[store]\nkind = \"redis\"\n[store.redis]\ncommand_timeout = \"11s\"\n", 5,
     "store.redis.command_timeout", "10000ms"},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_configuration_that_cannot_keep_the_promise_is_refused_with_the_arithmetic) {
    for (const BadFile& bad : bad_files)
        check_one(bad);
}

BOOST_AUTO_TEST_CASE(fields_that_contradict_each_other_are_named_with_what_to_write) {
    for (const BadFile& bad : conflicts)
        check_one(bad);
}

// Covers: D-05, D-06, D-08, D-18
BOOST_AUTO_TEST_CASE(periods_at_the_bounds_are_accepted) {
    for (const std::string_view text : {
             ISSUER "scheme = \"tls-br\"\nvalidity = \"16h\"\n",
             ISSUER "scheme = \"tls-br\"\nvalidity = \"6d23h59m59s\"\n",
             ISSUER "scheme = \"smime-br\"\nvalidity = \"24h\"\nrefresh = \"12h\"\n",
             ISSUER "validity = \"8h\"\n",
             ISSUER "validity = \"24h\"\nrefresh = \"20h\"\n",
             ISSUER "scheme = \"private\"\nvalidity = \"366d\"\n",
             ISSUER "scheme = \"tls-br\"\nissues_cas = true\nvalidity = \"366d\"\nrefresh = \"365d\"\n",
             ISSUER "status_from = \"crl\"\ncrl = \"a\"\nissued = \"b\"\n",
             ISSUER "cache_for = 0\n",
             ISSUER "suspension = true\n",
             ISSUER "refresh = \"10s\"\ncache_for = \"10s\"\n",
         }) {
        const Loaded loaded = load_example_text(text);
        BOOST_TEST(loaded.mistakes.empty(), text << listing(loaded.mistakes));
    }
}

BOOST_AUTO_TEST_CASE(what_is_unwise_but_possible_is_a_warning) {
    const BadFile unwise[] = {
        {"metrics for everybody", ISSUER "[front]\nmetrics = \"0.0.0.0:9642\"\n", 3, "front.metrics",
         "from outside"},
        {"metrics for everybody, IPv6", ISSUER "[signer]\nmetrics = \"[::]:9641\"\n", 3, "signer.metrics",
         "from outside"},
        {"metrics on a public address", ISSUER "[front]\nmetrics = \"192.0.2.1:9642\"\n", 3, "front.metrics",
         "from outside"},
        {"metrics on a mapped address", ISSUER "[front]\nmetrics = \"[::ffff:8.8.8.8]:1\"\n", 3,
         "front.metrics", "from outside"},
        {"a cache for two hours", ISSUER "cache_for = \"2h\"\n", 2, "issuer[0].cache_for", "is usual"},
        {"Redis that is not used", ISSUER "[store.redis]\nhost = \"r\"\n", 2, "store.redis",
         "kind = \"redis\""},
    };
    for (const BadFile& file : unwise) {
        const Loaded loaded = load_example_text(file.text);
        BOOST_TEST(loaded.mistakes.empty(), file.claim << listing(loaded.mistakes));
        BOOST_TEST_REQUIRE(loaded.warnings.size() == 1U, file.claim << listing(loaded.warnings));
        BOOST_TEST(loaded.warnings.front().line == file.line, file.claim << listing(loaded.warnings));
        BOOST_TEST(loaded.warnings.front().field == file.field, file.claim);
        BOOST_TEST((loaded.warnings.front().message.find(file.message) != std::string::npos), file.claim);
    }
}

BOOST_AUTO_TEST_CASE(private_addresses_are_no_warning) {
    for (const std::string address :
         {"127.0.0.1:1", "10.1.2.3:1", "172.31.255.255:1", "192.168.0.1:1", "100.127.0.1:1", "[::1]:1",
          "[fd00::1]:1", "[fe80::1]:1", "[::ffff:10.0.0.1]:1"}) {
        const Loaded loaded = load_example_text(ISSUER "[front]\nmetrics = \"" + address + "\"\n");
        BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
        BOOST_TEST(loaded.warnings.empty(), listing(loaded.warnings));
    }
    for (const std::string address :
         {"172.32.0.1:1", "100.128.0.1:1", "11.0.0.1:1", "[fc00::1]:1", "[2001:db8::1]:1"}) {
        const Loaded loaded = load_example_text(ISSUER "[front]\nmetrics = \"" + address + "\"\n");
        BOOST_TEST(loaded.warnings.empty() == address.starts_with("[fc"), address);
    }
}

BOOST_AUTO_TEST_CASE(a_socket_path_that_the_kernel_cannot_take_is_refused) {
    const std::string at_bound = "/" + std::string(106, 's');
    BOOST_TEST(
        load_example_text(ISSUER "[signer]\ncontrol_socket = \"" + at_bound + "\"\n").mistakes.empty());
    const Loaded loaded = load_example_text(ISSUER "[signer]\ncontrol_socket = \"" + at_bound + "s\"\n");
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
    BOOST_TEST(loaded.mistakes.front().field == "signer.control_socket");
    BOOST_TEST((loaded.mistakes.front().message.find("108 characters") != std::string::npos),
               listing(loaded.mistakes));
}
