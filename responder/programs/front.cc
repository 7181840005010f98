// eightbells-front: the public program. Reads the configuration, starts the front, waits for the signal to
// end.
//
// SIGTERM, SIGINT: takes no more connections, finishes what was begun and ends with 0. SIGHUP is ignored:
// another configuration is another front, started beside this one (`eightbells run` does so). Ends with 0
// after such a signal, 1 when it cannot start (an address in use, an issuer's certificate that cannot be
// read), 2 for a wrong command line, 78 for a configuration with mistakes.
#include "responder/front/front.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdlib>

#include "responder/base/supervision.h"
#include "responder/programs/start.h"

namespace {

// A descriptor for each connection, as many as we may have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The answers lie all over the memory, and a look-up does little but wait for it; pages of 2 MiB spare it
// most of the way through the processor's tables (measured: 0.2 us of a request, with a million
// certificates). The allocator takes this setting from its environment alone, before main begins, so the
// program starts itself once more, as the same process. Where that fails, or somebody has settings of their
// own, nothing changes.
void ask_for_large_pages(char** argv) {
    std::array<char, 4096> path{};
    if (std::getenv("GLIBC_TUNABLES") != nullptr ||
        ::readlink("/proc/self/exe", path.data(), path.size() - 1) <= 0)
        return;
    ::setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1", 0);
    ::execv(path.data(), argv);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace eightbells;
    ask_for_large_pages(argv);
    auto given = take_given_sockets();
    CLI::App app{"Answers OCSP requests and CRL downloads out of memory."};
    std::string file = "eightbells.toml";
    bool check = false;
    app.add_option("--config", file, "the configuration file")->capture_default_str();
    app.add_flag("--check", check, "read configuration and certificates, change nothing, and end");
    if (const auto ended = programs::read_arguments(app, argc, argv))
        return *ended;
    const auto config = programs::load_config(file, "front");
    if (!config)
        return programs::exit_configuration;
    if (check) {
        if (const auto issuers = front::Issuers::load(config->issuers); !issuers) {
            spdlog::critical("{}", issuers.error().message);
            return programs::exit_failure;
        }
        return 0;
    }
    if (!given) {
        spdlog::critical("{}", given.error().message);
        return programs::exit_failure;
    }

    // Before any thread is there, so that all inherit it and the signals wait for sigwait below.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    raise_descriptor_limit();

    const SystemClock clock;
    const auto front =
        front::Front::start(*config, clock, *std::move(given), [] { tell_manager("READY=1"); });
    if (!front) {
        spdlog::critical("{}", front.error().message);
        return programs::exit_failure;
    }
    for (const HostPort& address : (*front)->addresses())
        spdlog::info("front answers on {}", to_string(address));
    spdlog::info("metrics and readiness on {}", (*front)->metrics_address());
    int signal = 0;
    sigwait(&ends, &signal);
    spdlog::info("front ends: no more connections, finishing those there are");
    tell_manager("STOPPING=1");
    (*front)->drain();
    spdlog::info("front ends");
    return 0;
}
