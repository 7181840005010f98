#define BOOST_TEST_MODULE conformance_crl
// CRLs as relying parties fetch and check them, and what readers get while a CRL is replaced under them.
#include <arpa/inet.h>
#include <botan/data_src.h>
#include <botan/pk_keys.h>
#include <botan/x509_crl.h>
#include <botan/x509cert.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <charconv>
#include <map>
#include <thread>

#include "tests/conformance/later.h"
#include "tests/conformance/world.h"

using namespace eightbells::conformance;

namespace {

const std::string source = EIGHTBELLS_SOURCE_DIR "/tests/conformance/";

std::string fetched(const std::string& url) {
    return must({"curl", "--silent", "--fail", url});
}

void wait_until_ready(RunWorld& world) {
    world.start();
    BOOST_REQUIRE_MESSAGE(comes([&] { return world.front_ready() && world.signer_ready(); }),
                          Later{[&] { return world.log(); }});
}

}  // namespace

// Covers: F-01, F-20, F-21, B-10
BOOST_AUTO_TEST_CASE(openssl_gnutls_java_and_botan_check_certificates_by_the_served_crls) {
    RunWorld world({{"p256", KeyKind::p256},
                    {"p384", KeyKind::p384},
                    {"rsa", KeyKind::rsa2048},
                    {"g4", KeyKind::rsa4096, true}});
    for (const auto& ca : world.authorities()) {
        ca->issue("good");
        ca->issue("revoked");
        ca->revoke("revoked", {"-crl_reason", "keyCompromise"});
        ca->make_crl();
    }
    wait_until_ready(world);
    for (const auto& ca : world.authorities()) {
        BOOST_TEST_CONTEXT(ca->name()) {
            const std::string url = world.url() + ca->name() + ".crl";
            BOOST_REQUIRE(comes([&] { return run({"curl", "--silent", "--fail", url}).ok(); }));
            const std::string der = fetched(url);
            const std::string crl = (*ca / "served.crl").string();
            replace_text(crl, der);
            must({"openssl", "x509", "-in", "issuer.pem", "-outform", "DER", "-out", "issuer.der"},
                 ca->folder());
            must({"openssl", "crl", "-inform", "DER", "-in", crl, "-out", "served.pem"}, ca->folder());
            const auto openssl = [&](const std::string& name) {
                return run({"openssl", "verify", "-crl_check", "-CRLfile", "served.pem", "-CAfile",
                            "issuer.pem", name + ".pem"},
                           ca->folder());
            };
            BOOST_TEST(openssl("good").ok(), openssl("good").all());
            BOOST_TEST(openssl("revoked").all().find("certificate revoked") != std::string::npos);
            const Ended gnutls = run({"certtool", "--verify-crl", "--inder", "--load-ca-certificate",
                                      "issuer.der", "--infile", crl},
                                     ca->folder());
            BOOST_TEST(gnutls.all().find("Verified. The certificate is trusted.") != std::string::npos,
                       gnutls.all());
            const Ended java = run({"java", "-XX:TieredStopAtLevel=1", source + "CheckCrl.java", "issuer.pem",
                                    crl, "good.pem", "revoked.pem"},
                                   ca->folder());
            BOOST_TEST(java.out == "good\nrevoked\n", java.all());

            Botan::DataSource_Memory octets{der};
            const Botan::X509_CRL read{octets};
            const Botan::X509_Certificate issuer{(*ca / "issuer.pem").string()};
            const auto key = issuer.subject_public_key();
            BOOST_TEST(read.check_signature(*key));
            BOOST_TEST(!read.is_revoked(Botan::X509_Certificate{(*ca / "good.pem").string()}));
            BOOST_TEST(read.is_revoked(Botan::X509_Certificate{(*ca / "revoked.pem").string()}));
        }
    }
    world.stop();
}

// Covers: F-29
BOOST_AUTO_TEST_CASE(openssl_builds_a_path_with_the_served_certificate_of_the_issuer) {
    RunWorld world({{"p256", KeyKind::p256}});
    world.ca("p256").issue("good");
    wait_until_ready(world);
    const std::string file = (world / "served.cer").string();
    replace_text(file, fetched(world.url() + "p256.cer"));
    must({"openssl", "x509", "-inform", "DER", "-in", file, "-out", (world / "served.pem").string()});
    must({"openssl", "verify", "-CAfile", (world / "served.pem").string(),
          (world.ca("p256") / "good.pem").string()});
    const std::string head = must({"curl", "--silent", "--head", world.url() + "p256.cer"});
    BOOST_TEST(head.find("application/pkix-cert") != std::string::npos, head);
    world.stop();
}

namespace {

// What was ever put at the URL: its octets by entity tag, and which it was.
struct Generation {
    std::string body;
    unsigned number = 0;
};
using Generations = std::map<std::string, Generation>;

// One kept-open connection that asks in bursts and checks every answer.
class Reader {
  public:
    Reader(std::uint16_t port, std::string path, const Generations& known)
        : path_(std::move(path)), known_(known), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            fail("no connection");
    }
    ~Reader() { ::close(socket_); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void burst() {
        static constexpr const char* kinds[] = {"whole", "range", "conditional", "if-range"};
        std::string requests;
        for (const char* kind : kinds)
            requests += request(kind);
        for (std::size_t sent = 0; sent < requests.size();) {
            const auto put = ::send(socket_, requests.data() + sent, requests.size() - sent, MSG_NOSIGNAL);
            if (put <= 0)
                return fail("the connection ended");
            sent += static_cast<std::size_t>(put);
        }
        const std::string asked_with = tag_;
        for (const char* kind : kinds)
            take(kind, asked_with);
    }
    const std::string& fault() const { return fault_; }
    std::uint64_t answers(int status) const {
        const auto found = answers_.find(status);
        return found == answers_.end() ? 0 : found->second;
    }
    std::uint64_t all() const { return all_; }  // while it reads, too

  private:
    std::string request(std::string_view kind) const {
        std::string text = "GET " + path_ + " HTTP/1.1\r\nHost: x\r\n";
        if (kind == "range" || kind == "if-range")
            text += "Range: bytes=100-4099\r\n";
        if (kind == "conditional" && !tag_.empty())
            text += "If-None-Match: " + tag_ + "\r\n";
        if (kind == "if-range" && !tag_.empty())
            text += "If-Range: " + tag_ + "\r\n";
        return text + "\r\n";
    }
    bool more() {
        char buffer[65536];
        const auto got = ::recv(socket_, buffer, sizeof buffer, 0);
        if (got <= 0) {
            fail("the connection ended in an answer");
            return false;
        }
        input_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }
    static std::string field(std::string_view head, std::string_view name) {
        const auto at = head.find(name);
        if (at == std::string_view::npos)
            return {};
        const auto from = at + name.size();
        return std::string(head.substr(from, head.find('\r', from) - from));
    }
    void take(std::string_view kind, const std::string& asked_with) {
        while (fault_.empty() && input_.find("\r\n\r\n") == std::string::npos)
            more();
        if (!fault_.empty())
            return;
        const auto end = input_.find("\r\n\r\n") + 4;
        const std::string head = input_.substr(0, end);
        const int status = std::stoi(head.substr(9, 3));
        const std::string length = field(head, "Content-Length: ");
        const std::size_t size = status == 304 || length.empty() ? 0 : std::stoul(length);
        while (fault_.empty() && input_.size() < end + size)
            more();
        if (!fault_.empty())
            return;
        judge(kind, status, head, input_.substr(end, size), asked_with);
        input_.erase(0, end + size);
        ++answers_[status];
        ++all_;
    }
    void judge(std::string_view kind, int status, const std::string& head, const std::string& body,
               const std::string& asked_with) {
        const auto say = [&](const std::string& what) {
            fail(std::string(kind) + ": " + what + "\n" + head);
        };
        const std::string tag = field(head, "ETag: ");
        const auto now = known_.find(tag);
        if (now == known_.end())
            return say("a tag of nothing that was ever there");
        if (now->second.number < newest_)
            return say("an older one after a newer");
        newest_ = now->second.number;
        tag_ = tag;
        const std::string& whole = now->second.body;
        if (status == 200 && body != whole)
            return say("a body that is not its tag's");
        if (status == 206 && body != whole.substr(100, 4000))
            return say("a part that is not its tag's");
        if (status == 304 && (kind != "conditional" || tag != asked_with))
            return say("304 although it has changed");
        if (status == 206 && kind == "if-range" && !asked_with.empty() && tag != asked_with)
            return say("a part of another one than was begun");
        const bool fits =
            (kind == "whole" && status == 200) || (kind == "range" && status == 206) ||
            (kind == "conditional" && (status == 304) == (tag == asked_with) && status != 206) ||
            (kind == "if-range" && (status == 206) == (tag == asked_with || asked_with.empty()));
        if (!fits)
            say("not this status");
    }
    void fail(const std::string& what) {
        if (fault_.empty())
            fault_ = what;
    }

    std::string path_;
    const Generations& known_;
    int socket_;
    std::string input_;
    std::string tag_;
    unsigned newest_ = 0;
    std::string fault_;
    std::map<int, std::uint64_t> answers_;
    std::atomic<std::uint64_t> all_{0};
};

// A CA with so many revocations that a CRL takes several sends.
void list_many(Authority& ca) {
    std::string lines = read_text(ca / "index.txt");
    for (int i = 0; i < 1500; ++i) {
        char serial[16];
        std::snprintf(serial, sizeof serial, "7F%06X", i);
        lines += std::string("R\t360101000000Z\t260101010203Z,keyCompromise\t") + serial +
                 "\tunknown\t/CN=n" + std::to_string(i) + "\n";
    }
    replace_text(ca / "index.txt", lines);
}

}  // namespace

// Covers: F-22, E-16, F-24
BOOST_AUTO_TEST_CASE(while_a_crl_is_replaced_again_and_again_every_answer_is_one_of_them_whole) {
    constexpr unsigned swaps = 24;
    RunWorld world({{"p256", KeyKind::p256}});
    Authority& ca = world.ca("p256");
    list_many(ca);
    Generations known;
    for (unsigned i = 0; i < swaps; ++i) {
        const std::string file = "next-" + std::to_string(i) + ".pem";
        ca.make_crl(file);
        must({"openssl", "crl", "-in", file, "-CAfile", "issuer.pem", "-noout"}, ca.folder());
        must({"openssl", "crl", "-in", file, "-outform", "DER", "-out", "next.der"}, ca.folder());
        const std::string digest = must({"openssl", "dgst", "-sha256", "-r", "next.der"}, ca.folder());
        known["\"" + digest.substr(0, 32) + "\""] = {read_text(ca / "next.der"), i};
    }
    BOOST_REQUIRE(known.size() == swaps);
    std::filesystem::rename(ca / "next-0.pem", ca / "crl.pem");
    wait_until_ready(world);
    BOOST_REQUIRE(comes([&] { return run({"curl", "--silent", "--fail", world.url() + "p256.crl"}).ok(); }));

    std::atomic<bool> ending{false};
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        readers.push_back(std::make_unique<Reader>(world.port(), "/p256.crl", known));
        threads.emplace_back([&, reader = readers.back().get()] {
            while (!ending && reader->fault().empty())
                reader->burst();
        });
    }
    const auto read_by_all = [&] {
        std::uint64_t all = 0;
        for (const auto& reader : readers)
            all += reader->all();
        return static_cast<double>(all);
    };
    const auto served = [&](unsigned generation) {
        const std::string head = must({"curl", "--silent", "--head", world.url() + "p256.crl"});
        const auto at = head.find("ETag: ");
        const auto found = known.find(head.substr(at + 6, 34));
        return found != known.end() && found->second.number == generation;
    };
    double best =
        0;  // answers a second over a swap: other swaps may fall into a time when the machine was busy
    for (unsigned i = 1; i < swaps; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const double before = read_by_all();
        std::filesystem::rename(ca / ("next-" + std::to_string(i) + ".pem"), ca / "crl.pem");
        BOOST_REQUIRE_MESSAGE(comes([&] { return served(i); }), Later{[&] { return world.log(); }});
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        best = std::max(best, (read_by_all() - before) / took.count());
    }
    ending = true;
    for (std::thread& thread : threads)
        thread.join();
    std::map<int, std::uint64_t> answers;
    for (const auto& reader : readers) {
        BOOST_TEST(reader->fault() == "");
        for (const int status : {200, 206, 304})
            answers[status] += reader->answers(status);
    }
    BOOST_TEST_MESSAGE(swaps - 1 << " swaps, " << read_by_all() << " answers, up to " << best << " a second");
#ifndef __SANITIZE_ADDRESS__
    BOOST_TEST(best >= 5000);  // F-22
#endif
    for (const int status : {200, 206, 304})
        BOOST_TEST(answers[status] > 100U, status);
    world.stop();
}
