#include "responder/programs/progress_bar.h"

#include <event2/event.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "responder/programs/limits.h"

namespace eightbells::programs {
namespace {

std::string time_left(double seconds) {
    const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
    return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                        : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

std::string progress_line(const signer::SigningProgress& progress, unsigned columns) {
    if (progress.pages_due <= limits::bar_pages)
        return {};
    // What is signed anew beside what is published is due on top of it.
    const std::uint64_t all = std::max(progress.pages, progress.pages_due);
    const std::uint64_t done = all - progress.pages_due;
    const auto share = static_cast<double>(done) / static_cast<double>(all);
    std::string text = fmt::format(" {:3.0f} %, {} of {} pages", std::floor(share * 100), done, all);
    if (progress.pages_per_second > 0)
        text += fmt::format(", {:.0f} a second, {} left", progress.pages_per_second,
                            time_left(static_cast<double>(progress.pages_due) / progress.pages_per_second));
    const std::string head = "signing [";
    // The last column stays free: some terminals begin a new line after it.
    const std::size_t taken = head.size() + 1 + text.size() + 1;
    const std::size_t width =
        taken < columns ? std::min<std::size_t>(columns - taken, limits::bar_columns) : 0;
    const auto full = static_cast<std::size_t>(share * static_cast<double>(width));
    std::string line = head + std::string(full, '#') + std::string(width - full, '.') + "]" + text;
    line.resize(std::min<std::size_t>(line.size(), columns - 1));
    return line;
}

ProgressBar::ProgressBar(event_base* base, const signer::Signer& signer, TerminalLog& terminal)
    : signer_(signer),
      terminal_(terminal),
      event_(event_new(
          base, -1, EV_PERSIST,
          [](evutil_socket_t, short, void* self) noexcept { static_cast<ProgressBar*>(self)->look(); },
          this)) {
    const timeval period{0, std::chrono::microseconds{limits::bar_period}.count()};
    event_add(event_, &period);
}

ProgressBar::~ProgressBar() {
    event_free(event_);
    terminal_.show({});
}

void ProgressBar::look() {
    terminal_.show(progress_line(signer_.progress(), TerminalLog::columns()));
}

}  // namespace eightbells::programs
