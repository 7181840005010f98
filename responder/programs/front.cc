// eightbells-front: the public program. Reads the configuration, starts the front, waits for the signal to
// end.
//
// SIGTERM, SIGINT: takes no more connections, finishes what was begun and ends with 0. SIGHUP is ignored: it
// is kept for reading the configuration again. Ends with 0 after such a signal, 1 when it cannot start (an
// address in use, an issuer's certificate that cannot be read), 2 for a wrong command line, 78 for a
// configuration with mistakes.
#include "responder/front/front.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>

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

}  // namespace

int main(int argc, char** argv) {
    using namespace eightbells;
    CLI::App app{"Answers OCSP requests and CRL downloads out of memory."};
    std::string file = "eightbells.toml";
    app.add_option("--config", file, "the configuration file")->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : programs::exit_usage;
    }
    const auto config = programs::load_config(file, "front");
    if (!config)
        return programs::exit_configuration;

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
    const auto front = front::Front::start(*config, clock);
    if (!front) {
        spdlog::critical("{}", front.error().message);
        return programs::exit_failure;
    }
    for (const http::HostPort& address : (*front)->addresses())
        spdlog::info("front answers on {}", http::to_string(address));
    spdlog::info("metrics and readiness on {}", (*front)->metrics_address());
    int signal = 0;
    sigwait(&ends, &signal);
    spdlog::info("front ends: no more connections, finishing those there are");
    (*front)->drain();
    spdlog::info("front ends");
    return 0;
}
