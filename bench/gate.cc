// What the import gate takes for a large CRL: offers CRLs one after the other to signer::CrlGate with a real
// ledger, and prints processor time, time and memory of each.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench/arguments.h"
#include "responder/base/durable_file.h"
#include "responder/crl/octets.h"
#include "responder/signer/crl_gate.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage =
    "bench_gate --issuer FILE --folder FOLDER --first FILE [--second FILE]\n"
    "  issuer: the CA's certificate; folder: for the ledger and copies; first, second: CRLs in their order\n";

// Keeps what the gate hands on.
struct Handed final : signer::CrlListener {
    void on_crl(const std::string&, const std::string& path, crl::Octets der) override { crls[path] = der; }
    void on_crl_refused(const std::string&, const std::string&, const Error&) override {}
    crl::Octets served_crl(const std::string&, const std::string& path) override { return crls[path]; }
    std::map<std::string, crl::Octets> crls;
};

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double processor_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

// A line of /proc/self/status, in MiB.
double memory_mib(const std::string& name) {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name + ":"))
            return std::stod(line.substr(name.size() + 1)) / 1024;
    }
    throw std::runtime_error("/proc/self/status has no " + name);
}

// The most memory of the process's own while it lives: mapped files are the kernel's to take back.
class Peak {
  public:
    Peak() : thread_([this] { look(); }) {}
    ~Peak() {
        ending_ = true;
        thread_.join();
    }
    Peak(const Peak&) = delete;
    Peak& operator=(const Peak&) = delete;
    double mib() const { return most_; }

  private:
    void look() {
        while (!ending_) {
            most_ = std::max(most_.load(), memory_mib("RssAnon"));
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
    }
    std::atomic<bool> ending_ = false;
    std::atomic<double> most_ = 0;
    std::thread thread_;
};

void offer(signer::CrlGate& gate, const signer::FedIssuer& issuer, const std::filesystem::path& file) {
    const Peak peak;
    const double used = processor_seconds();
    const auto begun = std::chrono::steady_clock::now();
    auto octets = crl::copy_crl(file, gate.scratch());
    if (!octets)
        throw std::runtime_error(octets.error().message);
    const auto taken = gate.take(issuer, issuer.settings.crls().front(), {std::move(*octets), file.string()});
    if (!taken)
        throw std::runtime_error(taken.error().message);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::printf(
        "%s: %ju octets, %ju entries, %ju of them new: %.1f s of a processor, %.1f s; %.0f MiB of its "
        "own at most (%.0f MiB before), VmHWM with mapped files %.0f MiB\n",
        file.filename().c_str(), std::uintmax_t{std::filesystem::file_size(file)},
        std::uintmax_t{taken->read}, std::uintmax_t{taken->issued}, processor_seconds() - used, took.count(),
        peak.mib(), memory_mib("RssAnon"), memory_mib("VmHWM"));
}

void measure(const bench::Arguments& arguments) {
    const auto certificate = read_file(arguments.text("issuer"), 100'000);
    if (!certificate)
        throw std::runtime_error(certificate.error().message);
    const auto parsed = crypto::Certificate::parse(*certificate);
    if (!parsed)
        throw std::runtime_error(parsed.error().message);
    const auto identity = crypto::IssuerIdentity::from_certificate(*parsed);
    if (!identity)
        throw std::runtime_error(identity.error().message);
    signer::FedIssuer issuer{{}, *identity};
    issuer.settings.name = "bench";
    issuer.settings.crl_path = "/bench.crl";
    issuer.settings.scheme = crypto::Scheme::private_use;

    const std::filesystem::path folder = arguments.text("folder");
    const SystemClock clock;
    auto ledger = ledger::Ledger::open(folder / "ledger.db", true, clock);
    if (!ledger)
        throw std::runtime_error(ledger.error().message);
    if (auto known = (*ledger)->register_issuer(identity->id(), "bench", true); !known)
        throw std::runtime_error(known.error().message);
    Handed handed;
    auto gate = signer::CrlGate::open(folder, **ledger, handed, clock);
    if (!gate)
        throw std::runtime_error(gate.error().message);
    for (const char* which : {"first", "second"}) {
        if (arguments.has(which))
            offer(**gate, issuer, arguments.text(which));
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        measure(eightbells::bench::Arguments{argc, argv, "issuer folder first second", usage});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench_gate: %s\n", error.what());
        return 1;
    }
    return 0;
}
