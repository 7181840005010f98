#ifndef EIGHTBELLS_TESTS_CACHE_REDIS_SENTINEL_H
#define EIGHTBELLS_TESTS_CACHE_REDIS_SENTINEL_H

#include "tests/cache/redis_server.h"

namespace eightbells {

inline std::string output_of(const std::string& line) {
    FILE* pipe = ::popen(line.c_str(), "r");
    std::string text;
    char buffer[4096];
    for (std::size_t got = 1; pipe != nullptr && got > 0;) {
        got = std::fread(buffer, 1, sizeof buffer, pipe);
        text.append(buffer, got);
    }
    if (pipe != nullptr)
        ::pclose(pipe);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

// A real Sentinel that watches over one primary as "status". Ended by its process id.
class SentinelServer {
  public:
    SentinelServer(std::uint16_t primary, unsigned quorum, const std::string& more = {},
                   std::string login = {})
        : port_(free_port()), login_(std::move(login)) {
        const auto file = (folder_ / "sentinel.conf").string();
        std::ofstream(file) << "port " << port_ << "\nbind 127.0.0.1\ndir " << folder_.path().string()
                            << "\nsentinel monitor status 127.0.0.1 " << primary << " " << quorum << "\n"
                            << "sentinel down-after-milliseconds status 500\n"
                            << "sentinel failover-timeout status 3000\n"
                            << more;
        const std::string program = redis_program();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::execlp(program.c_str(), program.c_str(), file.c_str(), "--sentinel", "--logfile",
                     (folder_ / "log").c_str(), nullptr);
            ::_exit(127);
        }
    }
    ~SentinelServer() { stop(); }
    SentinelServer(const SentinelServer&) = delete;
    SentinelServer& operator=(const SentinelServer&) = delete;
    void stop() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGCONT);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    // A primary that only stalls is left in place, until `hasten`. What it takes is for `more` above.
    static constexpr const char* unhurried = "sentinel down-after-milliseconds status 60000\n";
    void hasten() const { command("sentinel set status down-after-milliseconds 2000"); }

    std::string place() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string command(const std::string& words) const {
        return output_of("redis-cli -p " + std::to_string(port_) + " " + login_ + " " + words + " 2>&1");
    }
    // It sees the primary, a replica of it, and so many other Sentinels that a fail-over can begin.
    bool ready(std::size_t others) const {
        const std::string about = command("sentinel master status");
        const auto number_after = [&](const std::string& field) {
            const auto at = about.find(field + "\n");
            return at == std::string::npos ? -1 : std::atoi(about.c_str() + at + field.size() + 1);
        };
        return number_after("num-slaves") >= 1 &&
               number_after("num-other-sentinels") >= static_cast<int>(others);
    }

  private:
    TemporaryFolder folder_;
    std::uint16_t port_;
    std::string login_;
    pid_t pid_ = -1;
};

}  // namespace eightbells

#endif
