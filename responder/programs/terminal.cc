#include "responder/programs/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace eightbells::programs {
namespace {

constexpr std::string_view wipe = "\r\033[K";

// In one call, so that nothing of another program comes between. A terminal that is gone is no reason to
// stop.
void write_out(const std::string& text) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

std::shared_ptr<TerminalLog> TerminalLog::open() {
    const char* kind = std::getenv("TERM");
    if (::isatty(STDERR_FILENO) == 0 || kind == nullptr || std::string_view(kind) == "dumb")
        return nullptr;
    return std::make_shared<TerminalLog>();
}

void TerminalLog::show(std::string line) {
    const std::lock_guard lock(mutex_);
    if (line == shown_)
        return;
    shown_ = std::move(line);
    write_out(std::string(wipe) + shown_);
}

unsigned TerminalLog::columns() noexcept {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void TerminalLog::sink_it_(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    write_out(std::string(wipe) + std::string(formatted.data(), formatted.size()) + shown_);
}

}  // namespace eightbells::programs
