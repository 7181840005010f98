// Downloads one file over and over on a few connections, drops what comes, and prints how much that was.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "bench/clock.h"
#include "bench/connect.h"
#include "bench/limits.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage =
    "bench_download --target ADDRESS:PORT --path PATH [--connections 4] [--seconds 5]\n"
    "  --rate N      MB (10^6 octets) a second, all connections together; without it as fast as they come\n"
    "  --server PID  whose CPU time is read\n";

// One turn takes no more, so that a rate is kept evenly, and who measures on the same core waits for 10 us.
constexpr std::size_t piece_octets = 64 * 1024;
constexpr std::size_t head_octets_max = 4096;

struct Download {
    int fd = -1;
    std::uint64_t left = 0;  // of the body; 0: the next answer's head comes
    std::string head;
};

class Run {
  public:
    Run(const sockaddr_in& target, std::string request, std::size_t connections)
        : target_(target), request_(std::move(request)), downloads_(connections), polled_(connections) {
        for (std::size_t i = 0; i < connections; ++i) {
            Download& one = downloads_[i];
            one.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            if (one.fd < 0 || !bench::connect_from(one.fd, i, target_))
                throw std::runtime_error(std::string{"connect: "} + std::strerror(errno));
            ask(one);
            polled_[i] = {one.fd, POLLIN, 0};
        }
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run() {
        for (const Download& one : downloads_)
            ::close(one.fd);
    }

    std::uint64_t octets() const noexcept { return octets_; }
    std::uint64_t files() const noexcept { return files_; }

    // Takes what there is, at most one piece a connection.
    void turn() {
        if (::poll(polled_.data(), polled_.size(), limits::bench_silence_ms) <= 0)
            throw std::runtime_error("the server sends nothing");
        for (std::size_t i = 0; i < polled_.size(); ++i)
            if (polled_[i].revents != 0)
                take(downloads_[i]);
    }

  private:
    void ask(Download& one) {
        if (::send(one.fd, request_.data(), request_.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request_.size()))
            throw std::runtime_error(std::string{"send: "} + std::strerror(errno));
    }

    void take(Download& one) {
        if (one.left == 0)
            return take_head(one);
        // MSG_TRUNC: dropped in the kernel, without a copy.
        const ssize_t got = ::recv(one.fd, nullptr, std::min<std::uint64_t>(one.left, piece_octets),
                                   MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            throw std::runtime_error("a file was cut off");
        octets_ += static_cast<std::uint64_t>(got);
        one.left -= static_cast<std::uint64_t>(got);
        if (one.left == 0) {
            ++files_;
            ask(one);
        }
    }

    void take_head(Download& one) {
        char octet = 0;
        while (::recv(one.fd, &octet, 1, MSG_DONTWAIT) == 1) {
            one.head += octet;
            if (one.head.size() > head_octets_max)
                throw std::runtime_error("the head does not end");
            if (!one.head.ends_with("\r\n\r\n"))
                continue;
            const std::size_t at = one.head.find("Content-Length: ");
            if (!one.head.starts_with("HTTP/1.1 200 ") || at == std::string::npos)
                throw std::runtime_error("not an answer with a file: " + one.head);
            one.left = std::strtoull(one.head.c_str() + at + 16, nullptr, 10);
            one.head.clear();
            return;
        }
    }

    sockaddr_in target_;
    std::string request_;
    std::vector<Download> downloads_;
    std::vector<pollfd> polled_;
    std::uint64_t octets_ = 0;
    std::uint64_t files_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::Arguments arguments(argc, argv, "target path connections seconds rate server", usage);
        const double seconds = arguments.number("seconds", 5, 0.1, limits::bench_seconds);
        const double rate = arguments.number("rate", 0, 0, 1e6);
        const auto server = static_cast<pid_t>(arguments.count("server", 0, 0, 1U << 30));
        Run run(arguments.address("target"),
                "GET " + arguments.text("path") + " HTTP/1.1\r\nHost: bench.example\r\n\r\n",
                arguments.count("connections", 4, 1, 64));
        const std::uint64_t begin = bench::now();
        const std::uint64_t cpu = server == 0 ? 0 : bench::cpu_time_of(server).value_or(0);
        double passed = 0;
        while (passed < seconds) {
            const double ahead = rate > 0 ? static_cast<double>(run.octets()) / (rate * 1e6) - passed : 0;
            if (ahead > 0)
                ::usleep(static_cast<useconds_t>(std::min(ahead, 0.01) * 1e6) + 1);
            else
                run.turn();
            passed = static_cast<double>(bench::now() - begin) / 1e9;
        }
        const double megabytes = static_cast<double>(run.octets()) / 1e6;
        const std::uint64_t used = server == 0 ? 0 : bench::cpu_time_of(server).value_or(cpu) - cpu;
        std::printf("{\"mb_per_s\": %.1f, \"files\": %llu, \"cpu_us_per_mb\": %.2f, \"cpu_share\": %.3f}\n",
                    megabytes / passed, static_cast<unsigned long long>(run.files()),
                    static_cast<double>(used) / 1e3 / std::max(megabytes, 0.001),
                    static_cast<double>(used) / 1e9 / passed);
        return 0;
    } catch (const std::exception& wrong) {
        std::fprintf(stderr, "bench_download: %s\n", wrong.what());
        return 1;
    }
}
