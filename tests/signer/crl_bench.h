#ifndef EIGHTBELLS_TESTS_SIGNER_CRL_BENCH_H
#define EIGHTBELLS_TESTS_SIGNER_CRL_BENCH_H

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/durable_file.h"
#include "responder/signer/crl_gate.h"
#include "responder/signer/crl_sources.h"
#include "tests/signer/made_issuer.h"

namespace eightbells::tests {

using namespace eightbells::signer;
using namespace std::chrono_literals;

// A real CA, a real ledger and the gate; what is handed on is kept instead of published.
struct CrlBench : CrlListener {
    // `certificate`: of another CA than the one that make_issuer() makes.
    explicit CrlBench(std::optional<UtcTime> now = {}, ByteView certificate = {})
        : clock(now.value_or(SystemClock{}.now() + 60s)) {
        if (!certificate.empty())
            issuer.issuer =
                *crypto::IssuerIdentity::from_certificate(*crypto::Certificate::parse(certificate));
        ledger = *ledger::Ledger::open(folder.path() / "ledger.db", true, clock);
        BOOST_REQUIRE(ledger->register_issuer(id(), "tested", true));
        restart();
    }
    static FedIssuer fed_issuer(config::Issuer settings) {
        const auto pem = *read_file(settings.certificate, 100'000);
        return {std::move(settings),
                *crypto::IssuerIdentity::from_certificate(*crypto::Certificate::parse(pem))};
    }
    // As after a restart of the program; what was served is forgotten with it unless told otherwise.
    void restart() {
        gate.reset();
        served.clear();
        gate = *CrlGate::open(folder.path(), *ledger, *this, clock);
    }
    // Each line one CRL, as make_crls.py reads it.
    void make(const std::string& lines) {
        std::ofstream(folder.path() / "told") << lines;
        const std::string command =
            "cd '" + folder.path().string() +
            "' && /usr/bin/python3 -B '" EIGHTBELLS_SOURCE_DIR
            "/tests/signer/data/make_crls.py' issuer.pem issuer.key <told >make.log 2>&1";
        const int made = std::system(command.c_str());
        BOOST_REQUIRE_MESSAGE(made == 0, "make.log: " << as_text(read("make.log")));
    }
    Bytes read(const std::string& file) { return *read_file(folder.path() / file, 1 << 30); }
    void write(const std::string& file, ByteView octets) {
        std::ofstream(folder.path() / file, std::ios::binary)
            .write(reinterpret_cast<const char*>(octets.data()), static_cast<std::streamsize>(octets.size()));
    }
    // "": taken; else why not.
    std::string offer(const std::string& file, const std::string& path = {}) {
        const auto crl = CrlGate::find(issuer, path);
        BOOST_REQUIRE_MESSAGE(crl, crl.error().message);
        auto octets = spool(folder.path(), read(file));
        last = gate->take(issuer, *crl, {*octets, file});
        return last ? "" : last.error().message;
    }
    void issue(const std::string& serial, UtcTime not_after) {
        ledger::Event event;
        event.issuer = id();
        event.source = "test";
        event.action = ledger::Action::issue;
        event.serial = *Serial::from_hex(serial);
        event.not_after = not_after;
        const auto answer = ledger->apply(event);
        BOOST_REQUIRE(answer && answer->verdict == ledger::Verdict::applied);
    }
    CertStatus status(const std::string& serial) {
        const auto found = *ledger->find(id(), *Serial::from_hex(serial));
        BOOST_REQUIRE(found);
        return found->status;
    }
    const std::string& id() const { return issuer.issuer.id(); }

    void on_crl(const std::string&, const std::string& path, crl::Octets der) override {
        served[path] = std::move(der);
        ++taken;
    }
    void on_crl_refused(const std::string&, const std::string& path, const Error& error) override {
        refusals.push_back(path + ": " + error.message);
    }
    crl::Octets served_crl(const std::string&, const std::string& path) override { return served[path]; }

    Folder folder;
    FedIssuer issuer = fed_issuer(make_issuer(folder.path()));
    ManualClock clock;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<CrlGate> gate;
    std::map<std::string, crl::Octets> served;
    std::vector<std::string> refusals;
    std::size_t taken = 0;
    Result<ledger::ImportReport> last;
};

}  // namespace eightbells::tests

#endif
