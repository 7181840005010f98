#ifndef EIGHTBELLS_RESPONDER_PROGRAMS_TERMINAL_H
#define EIGHTBELLS_RESPONDER_PROGRAMS_TERMINAL_H

#include <spdlog/sinks/base_sink.h>

#include <memory>
#include <mutex>
#include <string>

namespace eightbells::programs {

// The log where standard error is a terminal: its last line may be one that is written over again and again.
// Log lines stand above it, whole, also those of other programs with a log of this kind: each begins by
// wiping whatever stands in its line.
class TerminalLog final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    // Null: standard error is no terminal, or one that cannot wipe a line.
    static std::shared_ptr<TerminalLog> open();

    // Below the log; empty: nothing. Control characters and what the terminal is too narrow for must not be
    // in it.
    void show(std::string line);
    static unsigned columns() noexcept;

  private:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

    std::string shown_;
};

}  // namespace eightbells::programs

#endif
