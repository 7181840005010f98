#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <vector>

#include "responder/programs/commands.h"
#include "responder/programs/limits.h"
#include "responder/programs/start.h"

// `eightbells run`: starts the programs as separate processes and starts them again when they end. They share
// nothing but the store folder and the signer's sockets, exactly as they would on separate machines.
namespace eightbells::programs {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Child {
    std::string program;
    pid_t pid = 0;  // 0: not running
    SteadyTime started{};
    SteadyTime start_at{};
    std::chrono::milliseconds pause = limits::restart_pause_min;
};

pid_t start(const std::filesystem::path& folder, const std::string& program, const std::string& config) {
    const std::string path = (folder / program).string();
    const pid_t supervisor = ::getpid();
    const pid_t pid = ::fork();
    if (pid != 0)
        return pid;
    // In the child: only calls that are safe after fork.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a supervisor that is killed leaves nobody behind
    if (::getppid() != supervisor)
        ::_exit(exit_failure);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const std::array<const char*, 4> arguments{path.c_str(), "--config", config.c_str(), nullptr};
    ::execv(path.c_str(), const_cast<char* const*>(arguments.data()));
    ::_exit(127);
}

void note_end(Child& child, int how, SteadyTime now) {
    if (WIFSIGNALED(how)) {
        spdlog::error("{} was ended by signal {}; it is started again", child.program, WTERMSIG(how));
    } else {
        spdlog::error("{} ended with code {}; it is started again", child.program, WEXITSTATUS(how));
    }
    // One that ran for a while starts again at once, one that cannot start waits longer and longer.
    const bool ran = now - child.started > limits::restart_pause_max;
    child.pause = ran ? limits::restart_pause_min : std::min(child.pause * 2, limits::restart_pause_max);
    child.pid = 0;
    child.start_at = now + child.pause;
}

}  // namespace

int run(const config::Config& config) {
    std::error_code error;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    if (error) {
        fmt::print(stderr, "cannot tell where this program lies: {}\n", error.message());
        return exit_failure;
    }
    const std::string file = std::filesystem::absolute(config.file).string();
    std::vector<Child> children(2);
    children[0].program = "eightbells-signer";
    children[1].program = "eightbells-front";
    if (config.watches()) {
        Child& watch = children.emplace_back();
        watch.program = "eightbells-watch";
        // What has never been in reach yet is no outage: the ledger would begin with one at every start.
        watch.start_at = std::chrono::steady_clock::now() + limits::watch_start_pause;
    }

    sigset_t waited;
    sigemptyset(&waited);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD})
        sigaddset(&waited, signal);
    ::sigprocmask(SIG_BLOCK, &waited, nullptr);
    std::optional<SteadyTime> ending;
    while (true) {
        const SteadyTime now = std::chrono::steady_clock::now();
        bool any = false;
        for (auto& child : children) {
            if (child.pid == 0 && !ending && now >= child.start_at) {
                child.pid = start(folder, child.program, file);
                child.started = now;
                spdlog::info("started {} as process {}", child.program, child.pid);
            }
            any = any || child.pid > 0;
        }
        if (ending && !any)
            return 0;
        if (ending && now - *ending > limits::stop_time) {
            for (const auto& child : children) {
                if (child.pid > 0)
                    ::kill(child.pid, SIGKILL);
            }
        }
        const timespec tick{0, 100'000'000};
        const int signal = ::sigtimedwait(&waited, nullptr, &tick);
        if ((signal == SIGTERM || signal == SIGINT) && !ending) {
            ending = std::chrono::steady_clock::now();
            for (const auto& child : children) {
                if (child.pid > 0)
                    ::kill(child.pid, SIGTERM);
            }
        }
        int how = 0;
        for (pid_t pid = ::waitpid(-1, &how, WNOHANG); pid > 0; pid = ::waitpid(-1, &how, WNOHANG)) {
            for (auto& child : children) {
                if (child.pid != pid)
                    continue;
                if (ending) {
                    child.pid = 0;
                } else {
                    note_end(child, how, std::chrono::steady_clock::now());
                }
            }
        }
    }
}

}  // namespace eightbells::programs
