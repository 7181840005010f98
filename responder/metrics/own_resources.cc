#include "responder/metrics/own_resources.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "responder/metrics/family.h"

namespace eightbells::metrics {
namespace {

constexpr std::array<Metric, 5> own{Metric::build, Metric::process_start_time, Metric::process_cpu,
                                    Metric::process_resident_memory, Metric::process_open_fds};

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto in_seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

double resident_bytes() {
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    std::ifstream("/proc/self/statm") >> size >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_fds() {
    std::error_code error;
    std::filesystem::directory_iterator entry("/proc/self/fd", error);
    double count = 0;
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
        ++count;
    return count;
}

// Field 22 of /proc/self/stat counts clock ticks since boot (proc(5)); the name in field 2 may hold blanks
// and brackets.
double read_start_time() {
    std::ifstream stat("/proc/self/stat");
    std::string line;
    std::getline(stat, line);
    const auto name_end = line.rfind(')');
    std::istringstream rest(name_end == std::string::npos ? std::string() : line.substr(name_end + 1));
    std::string field;
    for (int i = 3; i <= 22; ++i)
        rest >> field;
    std::ifstream boot("/proc/stat");
    std::string key;
    std::int64_t boot_time = 0;
    while (boot_time == 0 && boot >> key) {
        if (key == "btime")
            boot >> boot_time;
    }
    const double ticks = field.empty() ? 0 : std::strtod(field.c_str(), nullptr);
    return static_cast<double>(boot_time) + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

prometheus::MetricFamily one_gauge(Metric metric, double value) {
    prometheus::MetricFamily family = empty_family(metric);
    family.metric.emplace_back().gauge.value = value;
    return family;
}

}  // namespace

std::span<const Metric> own_resource_metrics() noexcept {
    return own;
}

std::vector<prometheus::MetricFamily> own_resources(const std::string& program) {
    static const double start_time = read_start_time();
    std::vector<prometheus::MetricFamily> families;
    families.push_back(empty_family(Metric::build));
    families.back().metric = label_product(Metric::build, {{program}, {EIGHTBELLS_VERSION}});
    families.back().metric.front().gauge.value = 1;
    families.push_back(one_gauge(Metric::process_start_time, start_time));
    families.push_back(empty_family(Metric::process_cpu));
    families.back().metric.emplace_back().counter.value = cpu_seconds();
    families.push_back(one_gauge(Metric::process_resident_memory, resident_bytes()));
    families.push_back(one_gauge(Metric::process_open_fds, open_fds()));
    return families;
}

}  // namespace eightbells::metrics
