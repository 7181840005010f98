#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "responder/programs/commands.h"
#include "responder/programs/start.h"
#include "responder/programs/supervisor.h"

namespace eightbells::programs {

int run(const config::Config& config) {
    std::error_code error;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    if (error) {
        fmt::print(stderr, "cannot tell where this program lies: {}\n", error.message());
        return exit_failure;
    }
    auto supervisor = Supervisor::open(config, folder);
    if (!supervisor) {
        spdlog::critical("{}", supervisor.error().message);
        return exit_failure;
    }
    sigset_t waited;
    sigemptyset(&waited);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        sigaddset(&waited, signal);
    ::sigprocmask(SIG_BLOCK, &waited, nullptr);
    while ((*supervisor)->step(std::chrono::steady_clock::now())) {
        const timespec tick{0, 50'000'000};
        const int signal = ::sigtimedwait(&waited, nullptr, &tick);
        if (signal == SIGTERM || signal == SIGINT)
            (*supervisor)->end(std::chrono::steady_clock::now());
        else if (signal == SIGHUP)
            (*supervisor)->replace(std::chrono::steady_clock::now());
    }
    return 0;
}

}  // namespace eightbells::programs
