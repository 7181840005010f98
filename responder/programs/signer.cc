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

#include "cache/shared_word.h"
#include "responder/base/supervision.h"
#include "responder/pair/lease.h"
#include "responder/programs/progress_bar.h"
#include "responder/programs/start.h"
#include "responder/signer/standby.h"

namespace {

using namespace eightbells;

// Where there is a terminal to show it on.
std::unique_ptr<programs::ProgressBar> show_progress(const signer::Signer& signer, event_base* base) {
    const auto& terminal = programs::terminal_log();
    return terminal ? std::make_unique<programs::ProgressBar>(base, signer, *terminal) : nullptr;
}

// Runs the loop until the lease is taken, or lost, or a signal has come. True: the lease.
bool dispatch(event_base* base, const pair::Lease& lease) {
    struct Watched {
        event_base* base;
        const pair::Lease& lease;
        bool taken;
        bool changed = false;
    } watched{base, lease, lease.taken()};
    event* look = event_new(
        base, -1, EV_PERSIST,
        [](evutil_socket_t, short, void* w) noexcept {
            auto& one = *static_cast<Watched*>(w);
            one.changed = one.lease.taken() != one.taken;
            if (one.changed)
                event_base_loopbreak(one.base);
        },
        &watched);
    static constexpr timeval often{0, 100'000};
    event_add(look, &often);
    event_base_dispatch(base);
    event_free(look);
    return watched.changed;
}

// One of two signers: follows while the other leads, leads when that is gone, follows again when deposed.
int run_pair(const config::Config& config, bool create_ledger, event_base* base, const Clock& clock) {
    pair::Lease lease{std::make_unique<cache::RedisWord>(config.store.redis, "lease", clock),
                      config.signer.pair.name, clock};
    lease.run();
    const auto failed = [&](const Error& error) {
        spdlog::critical("{}", error.message);
        lease.give_up();
        return programs::exit_failure;
    };
    for (bool going_on = true; going_on;) {
        if (!lease.taken()) {
            auto standby =
                signer::Standby::start(config, {.create_ledger = create_ledger, .base = base}, lease, clock);
            if (!standby)
                return failed(standby.error());
            spdlog::info("signer \"{}\" of a pair follows", config.signer.pair.name);
            tell_manager("READY=1");
            going_on = dispatch(base, lease);
            continue;
        }
        auto signer = signer::Signer::start(
            config, {.create_ledger = create_ledger, .base = base, .lease = &lease}, clock);
        if (!signer)
            return failed(signer.error());
        create_ledger = false;
        const auto bar = show_progress(**signer, base);
        spdlog::info("signer \"{}\" of a pair leads", config.signer.pair.name);
        tell_manager("READY=1");
        going_on = dispatch(base, lease);
    }
    tell_manager("STOPPING=1");
    lease.give_up();
    spdlog::info("signer ends");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Keeps the ledger of certificates, signs OCSP answers ahead and publishes them."};
    std::string file = "eightbells.toml";
    bool create_ledger = false;
    bool check = false;
    app.add_option("--config", file, "the configuration file")->capture_default_str();
    app.add_flag("--create-ledger", create_ledger,
                 "begin with an empty ledger although this folder has signed before");
    app.add_flag("--check", check,
                 "read and judge configuration, certificates and keys, change nothing, and end");
    if (const auto ended = programs::read_arguments(app, argc, argv))
        return *ended;

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
    if (config->signer.pair.on())
        return run_pair(*config, create_ledger, base.get(), clock);
    auto signer = signer::Signer::start(*config, {.create_ledger = create_ledger, .base = base.get()}, clock);
    if (!signer) {
        spdlog::critical("{}", signer.error().message);
        return programs::exit_failure;
    }
    const auto bar = show_progress(**signer, base.get());
    spdlog::info("signer is running");
    tell_manager("READY=1");
    event_base_dispatch(base.get());
    tell_manager("STOPPING=1");
    spdlog::info("signer ends");
    return 0;
}
