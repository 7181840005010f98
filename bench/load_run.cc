#include "bench/load_run.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bench/clock.h"
#include "bench/connect.h"
#include "bench/limits.h"

namespace eightbells::bench {
namespace {

constexpr double nanoseconds_a_second = 1e9;

std::uint64_t own_cpu_time() noexcept {
    return nanoseconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

}  // namespace

LoadRun::LoadRun(const Requests& requests, const LoadPlan& plan)
    : requests_(requests.all()),
      plan_(plan),
      check_(requests_, plan.same_body),
      connections_(plan.connections),
      answer_(limits::bench_answer_octets) {}

LoadRun::~LoadRun() {
    for (const Connection& connection : connections_)
        if (connection.fd >= 0)
            ::close(connection.fd);
}

void LoadRun::fail(std::string why) {
    if (report_.fault.empty())
        report_.fault = std::move(why);
    over_ = true;
}

void LoadRun::fail_with_errno(const char* call) {
    fail(std::string{call} + ": " + std::strerror(errno));
}

void LoadRun::connect(Connection& connection) {
    connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto at = static_cast<std::size_t>(&connection - connections_.data());
    if (!connect_from(connection.fd, at, plan_.target))
        fail_with_errno("connect");
}

void LoadRun::send_next(Connection& connection, std::uint64_t at) {
    connection.request = next_request_;
    next_request_ = next_request_ + 1 == requests_.size() ? 0 : next_request_ + 1;
    connection.since = at;
    const std::string_view wire = requests_[connection.request].wire;
    const ssize_t sent = ::send(connection.fd, wire.data(), wire.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(wire.size()))
        fail_with_errno("send");
}

void LoadRun::receive(Connection& connection) {
    std::size_t have = 0;
    while (!over_) {
        const ssize_t got = ::recv(connection.fd, answer_.data() + have, answer_.size() - have, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            look_out_for(connection);
            continue;
        }
        if (got < 0)
            return fail_with_errno("recv");
        if (got == 0)
            return fail(have == 0 ? "the server closed a connection" : "an answer was cut off");
        const std::uint64_t at = now();
        have += static_cast<std::size_t>(got);
        const auto verdict = check_.judge({answer_.data(), have}, connection.request);
        if (verdict == AnswerCheck::Verdict::wrong && ++report_.wrong >= limits::bench_wrong_answers)
            return fail(std::string{check_.fault()});
        if (verdict != AnswerCheck::Verdict::more)
            return answered(connection, at);
        if (have == answer_.size())
            return fail("an answer is longer than anything that was asked for");
    }
}

// Asks again and again instead of sleeping. poll() does not lock the socket, which the server's own sending
// would have to wait for.
void LoadRun::look_out_for(const Connection& connection) {
    const std::uint64_t begin = now();
    pollfd polled{connection.fd, POLLIN, 0};
    std::uint64_t at = begin;
    while (::poll(&polled, 1, 0) == 0 && !over_) {
        at = now();
        if (at - begin > std::uint64_t{limits::bench_silence_ms} * 1'000'000U)
            fail("the server does not answer");
    }
    looked_out_ += now() - begin;
}

void LoadRun::begin_measuring(std::uint64_t at) {
    measuring_ = true;
    measure_from_ = at;
    end_at_ = at + static_cast<std::uint64_t>(plan_.seconds * nanoseconds_a_second);
    own_cpu_ = own_cpu_time();
    looked_out_ = 0;
    if (plan_.server == 0)
        return;
    const auto used = cpu_time_of(plan_.server);
    if (!used)
        return fail("the server's CPU time cannot be read");
    server_cpu_ = *used;
}

void LoadRun::answered(Connection& connection, std::uint64_t at) {
    if (measuring_) {
        ++report_.answers;
        report_.latency.add(at - connection.since);
        if (at >= end_at_ || report_.answers >= plan_.most) {
            over_ = true;
            return;
        }
    } else if (at >= measure_from_) {
        begin_measuring(at);
    }
    if (plan_.rate > 0)
        return;
    if (!plan_.reconnect)
        return send_next(connection, at);
    ::close(connection.fd);
    connect(connection);
    if (!over_)
        send_next(connection, now());
}

void LoadRun::run_by_the_clock() {
    constexpr std::uint64_t tick = 1'000'000;
    double owed = 0;
    for (std::uint64_t due = now(); !over_; due += tick) {
        if (const std::uint64_t at = now(); at < due) {
            const timespec rest{0, static_cast<long>(due - at)};
            ::nanosleep(&rest, nullptr);
        }
        owed += plan_.rate * static_cast<double>(tick) / nanoseconds_a_second;
        while (owed >= 1 && !over_) {
            const auto batch = std::min(connections_.size(), static_cast<std::size_t>(owed));
            owed -= static_cast<double>(batch);
            for (std::size_t i = 0; i < batch && !over_; ++i)
                send_next(connections_[i], due);
            for (std::size_t i = 0; i < batch && !over_; ++i)
                receive(connections_[i]);
        }
    }
}

LoadReport LoadRun::run() {
    for (std::size_t i = 0; i < connections_.size() && !over_; ++i)
        connect(connections_[i]);
    measure_from_ = now() + static_cast<std::uint64_t>(plan_.warm_up * nanoseconds_a_second);
    if (plan_.rate > 0)
        run_by_the_clock();
    for (std::size_t i = 0; i < connections_.size() && !over_; ++i)
        send_next(connections_[i], now());
    while (!over_)
        for (std::size_t i = 0; i < connections_.size() && !over_; ++i)
            receive(connections_[i]);
    const auto answers = static_cast<double>(std::max<std::uint64_t>(report_.answers, 1));
    if (plan_.server != 0) {
        const std::uint64_t used = cpu_time_of(plan_.server).value_or(server_cpu_) - server_cpu_;
        report_.server_cpu_us = static_cast<double>(used) / 1e3 / answers;
    }
    // Somebody else may have had the core while we looked out: then that was no CPU time of ours.
    const std::uint64_t own = own_cpu_time() - own_cpu_;
    report_.own_cpu_us = static_cast<double>(own - std::min(own, looked_out_)) / 1e3 / answers;
    report_.seconds = static_cast<double>(now() - measure_from_) / nanoseconds_a_second;
    report_.answer_octets = check_.octets();
    return std::move(report_);
}

}  // namespace eightbells::bench
