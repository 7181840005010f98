// eightbells-signer: the private program. Reads the configuration, starts the signer, waits for the signal to
// end.
#include "responder/signer/signer.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <memory>

#include "responder/base/supervision.h"
#include "responder/programs/start.h"

int main(int argc, char** argv) {
    using namespace eightbells;
    CLI::App app{"Keeps the ledger of certificates, signs OCSP answers ahead and publishes them."};
    std::string file = "eightbells.toml";
    bool create_ledger = false;
    bool check = false;
    app.add_option("--config", file, "the configuration file")->capture_default_str();
    app.add_flag("--create-ledger", create_ledger,
                 "begin with an empty ledger although this folder has signed before");
    app.add_flag("--check", check,
                 "read and judge configuration, certificates and keys, change nothing, and end");
    CLI11_PARSE(app, argc, argv);

    const auto config = programs::load_config(file, "signer");
    if (!config)
        return programs::exit_configuration;
    const SystemClock clock;
    if (check) {
        if (const auto sound = signer::Signer::check(*config, clock); !sound) {
            spdlog::critical("{}", sound.error().message);
            return programs::exit_failure;
        }
        return 0;
    }
    evthread_use_pthreads();
    const std::unique_ptr<event_base, decltype(&event_base_free)> base{event_base_new(), &event_base_free};
    if (!base)
        return programs::exit_failure;
    const programs::EndOnSignal end{base.get()};
    auto signer = signer::Signer::start(*config, {.create_ledger = create_ledger, .base = base.get()}, clock);
    if (!signer) {
        spdlog::critical("{}", signer.error().message);
        return programs::exit_failure;
    }
    spdlog::info("signer is running");
    tell_manager("READY=1");
    event_base_dispatch(base.get());
    tell_manager("STOPPING=1");
    spdlog::info("signer ends");
    return 0;
}
