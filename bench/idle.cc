// Idle connections: opens many, has one answer on each, and keeps them until its input ends.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/arguments.h"
#include "bench/connect.h"
#include "bench/limits.h"
#include "bench/requests.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage =
    "bench_idle --target ADDRESS:PORT --requests FILE --connections N\n"
    "  prints \"open N\" when all have had an answer; ends when its standard input does\n";

void allow_files(std::size_t files) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t wanted = files + 64;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw std::runtime_error("the machine does not allow " + std::to_string(wanted) + " open files");
}

void open_one(std::size_t position, const sockaddr_in& target, const bench::Request& request) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval silence{limits::bench_silence_ms / 1000, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
    std::vector<char> answer(limits::bench_answer_octets);
    const auto size = static_cast<ssize_t>(request.wire.size());
    const bool asked = fd >= 0 && bench::connect_from(fd, position, target) &&
                       ::send(fd, request.wire.data(), request.wire.size(), MSG_NOSIGNAL) == size;
    const ssize_t got = asked ? ::recv(fd, answer.data(), answer.size(), 0) : -1;
    if (got < 12 || std::memcmp(answer.data() + 8, " 200", 4) != 0)
        throw std::runtime_error("connection " + std::to_string(position) +
                                 ": no answer: " + std::strerror(errno));
}  // open until the program ends

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::Arguments arguments(argc, argv, "target requests connections", usage);
        const bench::Requests requests(arguments.text("requests"));
        const std::size_t connections =
            arguments.count("connections", 10'000, 1, limits::bench_idle_connections);
        const sockaddr_in target = arguments.address("target");
        allow_files(connections);
        for (std::size_t i = 0; i < connections; ++i)
            open_one(i, target, requests.all()[i % requests.all().size()]);
        std::printf("open %zu\n", connections);
        std::fflush(stdout);
        char input[64];
        while (::read(STDIN_FILENO, input, sizeof input) > 0)
            continue;
        return 0;
    } catch (const std::exception& wrong) {
        std::fprintf(stderr, "bench_idle: %s\n", wrong.what());
        return 1;
    }
}
