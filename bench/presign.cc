// Pre-signing held against the library's bare operations, in slices of one run that take turns, so that a
// machine which grows slower favours neither: the real publisher (ledger, press, page file, hash tree, head,
// mirror to Redis) on one side, Botan's signer, and verifier where self-check is on, on as many threads on
// the other.
#include <botan/data_src.h>
#include <botan/pk_keys.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/arguments.h"
#include "bench/clock.h"
#include "bench/limits.h"
#include "cache/redis_store.h"
#include "responder/config/config.h"
#include "responder/signer/mirror.h"
#include "responder/signer/publisher.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage =
    "bench_presign --config FILE --ledger FILE --folder FOLDER [option value]...\n"
    "  --config: of a signer with one issuer and Redis; --ledger: certificates, none published; --folder: a "
    "new one\n"
    "  --slices N (6)   --seconds SECONDS (3) of each slice   --check 0: without self-check   --threads N "
    "(one a core)\n";

constexpr std::size_t message_octets = 200;  // of a ResponseData, about
constexpr double nanoseconds_a_second = 1e9;

template <typename T>
T must(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    return std::move(*result);
}
void must(const Status& status) {
    if (!status)
        throw std::runtime_error(status.error().message);
}

// What one side made, over all of its slices.
struct Tally {
    std::uint64_t signatures = 0;
    double seconds = 0;
    double cpu_seconds = 0;  // of the whole process

    double rate() const { return static_cast<double>(signatures) / seconds; }
    double cpu_us() const { return cpu_seconds * 1e6 / static_cast<double>(signatures); }
};

// Adds what passes while it lives.
class Slice {
  public:
    explicit Slice(Tally& tally)
        : tally_(tally), begun_(bench::now()), cpu_begun_(bench::nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID)) {}
    ~Slice() {
        tally_.seconds += passed();
        tally_.cpu_seconds +=
            static_cast<double>(bench::nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_begun_) /
            nanoseconds_a_second;
    }
    Slice(const Slice&) = delete;
    Slice& operator=(const Slice&) = delete;
    double passed() const { return static_cast<double>(bench::now() - begun_) / nanoseconds_a_second; }

  private:
    Tally& tally_;
    std::uint64_t begun_;
    std::uint64_t cpu_begun_;
};

std::uint64_t sign_until(const Botan::Private_Key& key, bool check, std::uint64_t end) {
    Botan::System_RNG rng;
    Botan::PK_Signer signer{key, rng, "SHA-256", Botan::Signature_Format::DerSequence};
    const auto public_key = key.public_key();
    Botan::PK_Verifier verifier{*public_key, "SHA-256", Botan::Signature_Format::DerSequence};
    std::vector<std::uint8_t> message(message_octets);
    std::uint64_t made = 0;
    for (; bench::now() < end; ++made) {
        message[made % message_octets]++;
        const auto signature = signer.sign_message(message, rng);
        if (check && !verifier.verify_message(message, signature))
            throw std::runtime_error("a bare signature does not verify");
    }
    return made;
}

void bare_slice(const Botan::Private_Key& key, bool check, unsigned threads, double seconds, Tally& tally) {
    std::vector<std::uint64_t> made(threads, 0);
    const Slice slice{tally};
    const std::uint64_t end = bench::now() + static_cast<std::uint64_t>(seconds * nanoseconds_a_second);
    std::vector<std::thread> running;
    for (unsigned i = 0; i < threads; ++i)
        running.emplace_back([&, i] { made[i] = sign_until(key, check, end); });
    for (auto& one : running)
        one.join();
    for (const std::uint64_t count : made)
        tally.signatures += count;
}

struct NoListener final : signer::PublisherListener {
    void on_published(const signer::Identity&, const std::vector<ledger::Ledger::Change>&, UtcTime) override {
    }
    void on_state(const signer::Identity&, const signer::PublishedState& now) override { state = now; }
    signer::PublishedState state;
};

// The signer's private half but for its sockets and feeds.
class Signing {
  public:
    Signing(const config::Config& config, const std::filesystem::path& ledger,
            const std::filesystem::path& folder, unsigned threads, bool check)
        : metrics_{{config.issuers.front().name}},
          identity_(must(signer::load_identity(0, config.issuers.front(), clock_.now(), warnings_))),
          ledger_(must(ledger::Ledger::open(ledger, false, clock_))),
          store_key_(must(keys::StoreKey::load_or_create(folder / "store-key.pem"))),
          pages_(must(cache::PageFile::open(folder / "pages.db", cache::PageFile::Access::write))),
          press_(threads, check, metrics_),
          mirror_(
              folder / "pages.db", std::make_unique<cache::RedisStore>(config.store.redis),
              {identity_->issuer.id()}, {store_key_.public_key()},
              [](const std::string&, cache::Store&, cache::Store&) -> Result<bool> { return true; }, metrics_,
              clock_),
          publisher_(
              *ledger_, *pages_, store_key_, press_, folder,
              [this](const cache::Batch* batch) {
                  if (batch != nullptr)
                      mirror_.hand_over(*batch);
                  else
                      mirror_.compare_soon();
              },
              [this](const std::string&) {
                  return std::optional{signer::Vouched{clock_.now(), year_9999}};
              },
              [this] { return Result<UtcTime>{clock_.now()}; }, listener_, clock_) {
        must(publisher_.add_issuer(identity_));
    }

    // False: everything is signed.
    bool slice(double seconds, Tally& tally) {
        const Slice slice{tally};
        const std::uint64_t before = signatures();
        bool more = true;
        while (more && slice.passed() < seconds)
            more = publisher_.round();
        if (listener_.state.fault)
            throw std::runtime_error(*listener_.state.fault);
        tally.signatures += signatures() - before;
        return more;
    }

  private:
    std::uint64_t signatures() { return metrics_.signatures(0, metrics::SignatureOutcome::made).value(); }

    SystemClock clock_;
    std::vector<std::string> warnings_;
    metrics::SignerMetrics metrics_;
    std::shared_ptr<const signer::Identity> identity_;
    std::unique_ptr<ledger::Ledger> ledger_;
    keys::StoreKey store_key_;
    std::unique_ptr<cache::PageFile> pages_;
    signer::Press press_;
    signer::Mirror mirror_;
    NoListener listener_;
    signer::Publisher publisher_;
};

void print(const Tally& real, const Tally& bare) {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    std::printf(
        "{\"rate\": %.0f, \"bare_rate\": %.0f, \"cpu_us\": %.2f, \"bare_cpu_us\": %.2f, \"signatures\": "
        "%llu, "
        "\"max_resident_octets\": %lld}\n",
        real.rate(), bare.rate(), real.cpu_us(), bare.cpu_us(),
        static_cast<unsigned long long>(real.signatures), static_cast<long long>(used.ru_maxrss) * 1024);
}

}  // namespace

int main(int argc, char** argv) {
    spdlog::set_level(spdlog::level::off);  // the output is for the figures
    try {
        const bench::Arguments arguments(argc, argv, "config ledger folder slices seconds check threads",
                                         usage);
        const auto loaded = config::load(arguments.text("config"));
        if (!loaded.mistakes.empty())
            throw std::runtime_error(arguments.text("config") + ": it has mistakes");
        const config::Config& config = loaded.config;
        const auto threads = static_cast<unsigned>(
            arguments.count("threads", std::max(1U, std::thread::hardware_concurrency()), 1, 256));
        const bool check = arguments.count("check", 1, 0, 1) != 0;
        const double seconds = arguments.number("seconds", 3, 0.01, limits::bench_seconds);
        Botan::DataSource_Stream file{config.issuers.front().signer_key.string()};
        const auto key = Botan::PKCS8::load_key(file);
        Signing signing{config, arguments.text("ledger"), arguments.text("folder"), threads, check};
        Tally real;
        Tally bare;
        bool more = true;
        for (std::size_t i = 0; more && i < arguments.count("slices", 6, 1, 1000); ++i) {
            bare_slice(*key, check, threads, seconds, bare);
            more = signing.slice(seconds, real);
        }
        print(real, bare);
        return 0;
    } catch (const std::exception& wrong) {
        std::fprintf(stderr, "bench_presign: %s\n", wrong.what());
        return 2;
    }
}
