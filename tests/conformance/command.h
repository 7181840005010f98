#ifndef EIGHTBELLS_TESTS_CONFORMANCE_COMMAND_H
#define EIGHTBELLS_TESTS_CONFORMANCE_COMMAND_H

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Programs as a user runs them: words in, what was printed and the exit code out.
namespace eightbells::conformance {

// How long anything here may take before it counts as hanging; with sanitizers on a busy machine a start
// takes seconds, and a machine may stand still for seconds more.
inline constexpr std::chrono::seconds patience{120};

struct Ended {
    int code = -1;  // 128 + signal when ended by one, as a shell says it
    std::string out;
    std::string err;
    bool ok() const noexcept { return code == 0; }
    std::string all() const { return out + err; }
};

// Runs a command to its end. `folder`: where it runs; `input`: its standard input. Throws when it cannot be
// started or does not end within `limit`.
Ended run(const std::vector<std::string>& words, const std::filesystem::path& folder = {},
          std::string_view input = {}, std::chrono::seconds limit = patience);

// As `run`, and throws with everything it printed unless it ends with 0.
std::string must(const std::vector<std::string>& words, const std::filesystem::path& folder = {});

std::string read_text(const std::filesystem::path& file);
// In one step, as a CA's tools do: written beside it and renamed over it.
void replace_text(const std::filesystem::path& file, std::string_view text);

// Looks until `there` says so or `limit` is over, and says which of the two; the look is the only wait. The
// last look begins after the limit, however long this process stood still before.
bool comes(const std::function<bool()>& there, std::chrono::milliseconds limit = patience);

// A program that runs until it is stopped. Its output goes to a file, appended across restarts.
class Program {
  public:
    Program(std::vector<std::string> words, std::filesystem::path folder, std::filesystem::path log);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void start();
    // SIGTERM and the exit code; throws when it has not ended within `patience`.
    int stop();
    // SIGKILL.
    void kill();
    bool running();
    pid_t pid() const noexcept { return pid_; }
    // Those it started and that are there now.
    std::vector<pid_t> children() const;
    std::string log() const { return read_text(log_); }

  private:
    std::vector<std::string> words_;
    std::filesystem::path folder_;
    std::filesystem::path log_;
    pid_t pid_ = 0;  // 0: not running
};

// A process that is gone, or only waits to be reaped by whoever is its parent now.
bool gone(pid_t pid);
// The name of a running process, as in /proc/PID/comm (its first 15 characters).
std::string name_of(pid_t pid);

}  // namespace eightbells::conformance

#endif
