#ifndef EIGHTBELLS_RESPONDER_PROGRAMS_START_H
#define EIGHTBELLS_RESPONDER_PROGRAMS_START_H

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "responder/config/config.h"
#include "responder/programs/terminal.h"

struct event;
struct event_base;
namespace CLI {
class App;
}

// What every program's main function begins with.
namespace eightbells::programs {

inline constexpr int exit_failure = 1;         // could not start, or a fault was found
inline constexpr int exit_usage = 2;           // the command line is wrong
inline constexpr int exit_configuration = 78;  // EX_CONFIG: the configuration has mistakes

// The status with which the program ends here: it was asked for help, or asked wrongly, and has answered.
std::optional<int> read_arguments(CLI::App& app, int argc, char** argv);

// Reads the configuration, prints every mistake and warning to standard error, and sets the log up (standard
// error, UTC, the program's name in every line). nullopt: there were mistakes.
// `files`: also looks whether the files that this program will read are there and private where they must be.
std::optional<config::Config> load_config(const std::string& file, std::string_view program,
                                          std::optional<config::Role> files = std::nullopt);

// Where the log goes if standard error is a terminal; else null.
const std::shared_ptr<TerminalLog>& terminal_log();

// Ends the loop on SIGTERM and SIGINT; SIGPIPE is ignored. Keep it as long as the loop runs.
class EndOnSignal {
  public:
    explicit EndOnSignal(event_base* base);
    ~EndOnSignal();
    EndOnSignal(const EndOnSignal&) = delete;
    EndOnSignal& operator=(const EndOnSignal&) = delete;

  private:
    std::array<event*, 2> events_{};
};

}  // namespace eightbells::programs

#endif
