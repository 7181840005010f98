// eightbells-watch: stands outside, asks like a relying party, and keeps the outage ledger.
//
// SIGTERM, SIGINT: ends in order, with the ledger's head signed. Ends with 0 after such a signal, 1 when it
// cannot start (a ledger that is not as it was written, an address in use, a canary that cannot be read), 2
// for a wrong command line, 78 for a configuration with mistakes.
#include "responder/watch/watch.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <random>

#include "responder/base/supervision.h"
#include "responder/programs/start.h"

int main(int argc, char** argv) {
    using namespace eightbells;
    CLI::App app{"Asks for certificate status as relying parties do, and keeps the outage ledger."};
    std::string file = "eightbells.toml";
    app.add_option("--config", file, "the configuration file")->capture_default_str();
    if (const auto ended = programs::read_arguments(app, argc, argv))
        return *ended;
    const auto config = programs::load_config(file, "watch", config::Role::watch);
    if (!config)
        return programs::exit_configuration;
    evthread_use_pthreads();
    const std::unique_ptr<event_base, decltype(&event_base_free)> base{event_base_new(), &event_base_free};
    if (!base)
        return programs::exit_failure;
    const programs::EndOnSignal end{base.get()};
    const SystemClock clock;
    std::mt19937_64 generator{std::random_device{}()};
    std::uniform_real_distribution<double> uniform;
    auto watch = watch::Watch::start(
        *config, base.get(), clock, [&] { return uniform(generator); }, EIGHTBELLS_VERSION);
    if (!watch) {
        spdlog::critical("{}", watch.error().message);
        return programs::exit_failure;
    }
    spdlog::info("watch is running; status on {}", (*watch)->address());
    tell_manager("READY=1");
    event_base_dispatch(base.get());
    spdlog::info("watch ends");
    return 0;
}
