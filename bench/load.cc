// The load generator: asks one server over keep-alive connections, judges every answer, and prints what it
// cost as one line of JSON.
#include <cstdio>
#include <exception>

#include "bench/arguments.h"
#include "bench/limits.h"
#include "bench/load_run.h"

namespace {

using namespace eightbells;

constexpr std::string_view usage =
    "bench_load --target ADDRESS:PORT --requests FILE [option value]...\n"
    "  --connections N   (64)   --warm-up SECONDS (1)   --seconds SECONDS (5)   --count N: ends earlier\n"
    "  --rate N          requests a second by the clock; without it as answers come\n"
    "  --reconnect 1     a connection for each request\n"
    "  --same-body 0     the server makes each answer anew\n"
    "  --server PID      whose CPU time is read\n";

bench::LoadPlan plan_of(const bench::Arguments& arguments) {
    bench::LoadPlan plan;
    plan.target = arguments.address("target");
    plan.connections = arguments.count("connections", 64, 1, limits::bench_connections);
    plan.warm_up = arguments.number("warm-up", 1, 0, limits::bench_seconds);
    plan.seconds = arguments.number("seconds", 5, 0.01, limits::bench_seconds);
    plan.most = arguments.count("count", SIZE_MAX / 4, 1, SIZE_MAX / 4);
    plan.rate = arguments.number("rate", 0, 0, 1e7);
    plan.reconnect = arguments.count("reconnect", 0, 0, 1) != 0;
    plan.same_body = arguments.count("same-body", 1, 0, 1) != 0;
    plan.server = static_cast<pid_t>(arguments.count("server", 0, 0, 1U << 30));
    return plan;
}

void print(const bench::LoadReport& report) {
    const auto microseconds = [&](double share) {
        return static_cast<double>(report.latency.quantile(share)) / 1e3;
    };
    std::printf(
        "{\"answers\": %llu, \"seconds\": %.3f, \"rps\": %.0f, \"cpu_us\": %.4f, \"own_cpu_us\": %.4f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"answer_octets\": %zu}\n",
        static_cast<unsigned long long>(report.answers), report.seconds,
        static_cast<double>(report.answers) / report.seconds, report.server_cpu_us, report.own_cpu_us,
        microseconds(0.5), microseconds(0.99), microseconds(1), report.answer_octets);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const bench::Arguments arguments(
            argc, argv, "target requests connections warm-up seconds count rate reconnect same-body server",
            usage);
        const bench::Requests requests(arguments.text("requests"));
        const bench::LoadReport report = bench::LoadRun(requests, plan_of(arguments)).run();
        if (!report.fault.empty() || report.wrong != 0) {
            std::fprintf(stderr, "bench_load: %llu wrong answers; %s\n",
                         static_cast<unsigned long long>(report.wrong), report.fault.c_str());
            return 1;
        }
        print(report);
        return 0;
    } catch (const std::exception& wrong) {
        std::fprintf(stderr, "bench_load: %s\n", wrong.what());
        return 2;
    }
}
