#include "responder/programs/start.h"

#include <event2/event.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

namespace eightbells::programs {

const std::shared_ptr<TerminalLog>& terminal_log() {
    static const std::shared_ptr<TerminalLog> log = TerminalLog::open();
    return log;
}

std::optional<int> read_arguments(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    return std::nullopt;
}

std::optional<config::Config> load_config(const std::string& file, std::string_view program,
                                          std::optional<config::Role> files) {
    auto loaded = config::load(file);
    if (files && loaded.mistakes.empty())
        config::check_files(loaded, *files);
    for (const auto& warning : loaded.warnings)
        std::fprintf(stderr, "%s (warning)\n", warning.to_string().c_str());
    for (const auto& mistake : loaded.mistakes)
        std::fprintf(stderr, "%s\n", mistake.to_string().c_str());
    if (!loaded.mistakes.empty())
        return std::nullopt;
    auto log = terminal_log() != nullptr
                   ? std::make_shared<spdlog::logger>(std::string{program}, terminal_log())
                   : spdlog::stderr_logger_mt(std::string{program});
    log->set_pattern("%Y-%m-%dT%H:%M:%SZ %n %l: %v", spdlog::pattern_time_type::utc);
    log->set_level(spdlog::level::from_str(loaded.config.log_level));
    log->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(log));
    return std::move(loaded.config);
}

EndOnSignal::EndOnSignal(event_base* base) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::array signals{SIGTERM, SIGINT};
    for (std::size_t i = 0; i < signals.size(); ++i) {
        events_[i] = evsignal_new(
            base, signals[i],
            [](evutil_socket_t, short, void* b) noexcept {
                event_base_loopbreak(static_cast<event_base*>(b));
            },
            base);
        evsignal_add(events_[i], nullptr);
    }
}

EndOnSignal::~EndOnSignal() {
    for (event* one : events_)
        event_free(one);
}

}  // namespace eightbells::programs
