#ifndef EIGHTBELLS_TESTS_CACHE_REDIS_SERVER_H
#define EIGHTBELLS_TESTS_CACHE_REDIS_SERVER_H

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "cache/redis_store.h"
#include "tests/cache/free_port.h"
#include "tests/cache/temporary_folder.h"

namespace eightbells {

// What is to answer may be stalled for long; what is to be waited for in vain has a limit of its own.
inline constexpr std::chrono::seconds redis_patience{60};

inline cache::RedisAddress patient(cache::RedisAddress address = {}) {
    address.connect_timeout = redis_patience;
    address.command_timeout = redis_patience;
    return address;
}

// Looked at again and again: what other programs do among themselves tells nobody when it is done.
inline bool soon(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + 2 * redis_patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return true;
}

// "redis-server"; another that speaks the same where EIGHTBELLS_REDIS_SERVER names it.
inline std::string redis_program() {
    const char* given = std::getenv("EIGHTBELLS_REDIS_SERVER");
    return given == nullptr ? "redis-server" : given;
}

// A real redis-server of its own, on a free port of 127.0.0.1 and a unix socket, with nothing on disk. Ended
// by its process id.
class RedisServer {
  public:
    // `tls`: its port speaks TLS and nothing else. With which certificate stands in the options.
    explicit RedisServer(std::vector<std::string> options = {}, bool tls = false)
        : options_(std::move(options)), tls_(tls) {
        start();
    }
    ~RedisServer() { stop(); }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    // On the port of before, if it ran before.
    void start() {
        for (int attempt = 0; attempt < 5; ++attempt) {
            if (port_ == 0 || attempt > 0)
                port_ = free_port();
            if (try_start())
                return;
        }
        throw std::runtime_error("redis-server did not start: " + output_);
    }
    void stop() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGCONT);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(output_fd_);
        pid_ = -1;
    }
    // Until it stands still, which the signal alone does not promise.
    void freeze() const {
        ::kill(pid_, SIGSTOP);
        ::waitpid(pid_, nullptr, WUNTRACED);
    }
    void thaw() const { ::kill(pid_, SIGCONT); }

    std::uint16_t port() const noexcept { return port_; }
    std::filesystem::path socket() const { return folder_ / "redis.sock"; }
    const TemporaryFolder& folder() const noexcept { return folder_; }
    cache::RedisAddress address() const {
        cache::RedisAddress address = patient();
        address.port = port_;
        return address;
    }
    // The default user's password, where the options give one.
    std::string password() const {
        const auto word = std::ranges::find(options_, "--requirepass");
        return word == options_.end() ? "" : *(word + 1);
    }
    // redis-cli as the default user.
    std::string redis_cli() const {
        return (password().empty() ? "" : "REDISCLI_AUTH='" + password() + "' ") + "redis-cli ";
    }
    // One command through redis-cli; what it prints, without the last newline.
    std::string command(const std::string& words) const {
        const std::string line = redis_cli() + "-s '" + socket().string() + "' " + words + " 2>&1";
        FILE* pipe = ::popen(line.c_str(), "r");
        std::string text;
        char buffer[4096];
        while (pipe != nullptr) {
            const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe);
            if (got == 0)
                break;
            text.append(buffer, got);
        }
        if (pipe != nullptr)
            ::pclose(pipe);
        while (!text.empty() && text.back() == '\n')
            text.pop_back();
        return text;
    }

  private:
    // True when it says that it is ready.
    bool try_start() {
        int ends[2];
        if (::pipe(ends) != 0)
            throw std::runtime_error("pipe");
        std::vector<std::string> words{redis_program(),
                                       tls_ ? "--tls-port" : "--port",
                                       std::to_string(port_),
                                       "--bind",
                                       "127.0.0.1",
                                       "--unixsocket",
                                       socket().string(),
                                       "--save",
                                       "",
                                       "--appendonly",
                                       "no",
                                       "--dir",
                                       folder_.path().string()};
        if (tls_) {
            words.emplace_back("--port");
            words.emplace_back("0");
        }
        words.insert(words.end(), options_.begin(), options_.end());
        std::vector<char*> arguments;
        for (std::string& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(ends[1], 1);
            ::dup2(ends[1], 2);
            ::close(ends[0]);
            ::close(ends[1]);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        output_fd_ = ends[0];
        if (pid_ > 0 && ready())
            return true;
        stop();
        return false;
    }
    bool ready() {
        output_.clear();
        const auto until = std::chrono::steady_clock::now() + redis_patience;
        while (std::chrono::steady_clock::now() < until) {
            pollfd waiting{output_fd_, POLLIN, 0};
            if (::poll(&waiting, 1, 1000) <= 0)
                continue;
            char buffer[4096];
            const ssize_t got = ::read(output_fd_, buffer, sizeof buffer);
            if (got <= 0)
                return false;  // it ended
            output_.append(buffer, static_cast<std::size_t>(got));
            // The socket comes last: "... connections at <path>", from 7.2 on "... connections unix".
            if (output_.find("accept connections at") != std::string::npos ||
                output_.find("accept connections unix") != std::string::npos)
                return true;
        }
        return false;
    }

    std::vector<std::string> options_;
    bool tls_;
    TemporaryFolder folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
    int output_fd_ = -1;
    std::string output_;
};

}  // namespace eightbells

#endif
