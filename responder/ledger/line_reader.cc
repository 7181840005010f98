#include "responder/ledger/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "responder/ledger/limits.h"

namespace eightbells::ledger {

Result<std::unique_ptr<LineReader>> LineReader::open(const std::filesystem::path& file) {
    // O_NONBLOCK: opening a FIFO by mistake must not wait for a writer.
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(fmt::format("{}: cannot open: {}", file.string(), std::strerror(errno)));
    struct stat facts {};
    if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        ::close(fd);
        return fail(file.string() + ": not a regular file");
    }
    return std::unique_ptr<LineReader>(new LineReader(file, fd, facts));
}

LineReader::LineReader(std::filesystem::path file, int fd, const struct stat& facts)
    : file_(std::move(file)), fd_(fd), facts_(facts) {
    for (Chunk& chunk : chunks_)
        chunk.octets = std::make_unique_for_overwrite<char[]>(limits::list_chunk_octets);
    ahead_ = std::jthread([this](const std::stop_token& stop) { read_ahead(stop); });
}

LineReader::~LineReader() {
    ahead_.request_stop();
    if (ahead_.joinable())
        ahead_.join();
    ::close(fd_);
}

void LineReader::read_ahead(const std::stop_token& stop) {
    crypto::Sha256 sha256;
    bool more = true;
    while (more && !stop.stop_requested()) {
        Chunk* chunk = nullptr;
        {
            std::unique_lock lock(mutex_);
            if (!moved_.wait(lock, stop, [&] { return filled_ - emptied_ < chunks_.size(); }))
                return;
            chunk = &chunks_[filled_ % chunks_.size()];
        }
        chunk->size = 0;
        int why = 0;
        while (chunk->size < limits::list_chunk_octets) {
            const ssize_t part =
                ::read(fd_, chunk->octets.get() + chunk->size, limits::list_chunk_octets - chunk->size);
            if (part < 0 && errno == EINTR)
                continue;
            if (part <= 0) {
                why = part < 0 ? errno : 0;
                more = false;
                break;
            }
            chunk->size += static_cast<std::size_t>(part);
        }
        sha256.update(as_bytes({chunk->octets.get(), chunk->size}));
        const std::scoped_lock lock(mutex_);
        read_error_ = why;
        if (!more) {
            digest_ = sha256.finish();
            ended_ = true;
        }
        ++filled_;
        moved_.notify_all();
    }
}

// The present chunk is used up; false at the end of the file.
bool LineReader::next_chunk() {
    std::unique_lock lock(mutex_);
    if (holds_chunk_) {
        ++emptied_;
        holds_chunk_ = false;
        moved_.notify_all();
    }
    moved_.wait(lock, [&] { return filled_ > emptied_ || ended_; });
    if (filled_ == emptied_)
        return false;
    const Chunk& chunk = chunks_[emptied_ % chunks_.size()];
    rest_ = {chunk.octets.get(), chunk.size};
    holds_chunk_ = true;
    return true;
}

std::optional<std::string_view> LineReader::given(std::string_view text) {
    ++line_;
    if (text.size() > limits::list_line_octets) {
        too_long_ = true;
        return std::nullopt;
    }
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return text;
}

std::optional<std::string_view> LineReader::next() {
    if (too_long_)
        return std::nullopt;
    bool carried = false;
    for (;;) {
        const std::size_t end = rest_.find('\n');
        if (end != std::string_view::npos) {
            const std::string_view part = rest_.substr(0, end);
            rest_.remove_prefix(end + 1);
            if (!carried)
                return given(part);
            carry_.append(part);
            return given(carry_);
        }
        if (!carried)
            carry_.clear();
        carried = true;
        carry_.append(rest_);
        rest_ = {};
        if (carry_.size() > limits::list_line_octets)
            return given(carry_);
        if (!next_chunk()) {
            cut_short_ = !carry_.empty();
            return std::nullopt;
        }
    }
}

std::string LineReader::place(std::uint64_t line) const {
    return fmt::format("{}:{}", file_.string(), line);
}

// By descriptor: a file renamed away meanwhile is still whole; the watcher will find its successor.
bool LineReader::changed() const {
    struct stat now {};
    return ::fstat(fd_, &now) != 0 || now.st_size != facts_.st_size ||
           now.st_mtim.tv_sec != facts_.st_mtim.tv_sec || now.st_mtim.tv_nsec != facts_.st_mtim.tv_nsec;
}

tl::unexpected<Error> LineReader::failure(std::string_view what) const {
    return fail(fmt::format("{}: {}{}", place(line_), what,
                            changed() ? " (the file changed while it was read: try again)" : ""));
}

Result<crypto::Sha256Digest> LineReader::finish() {
    if (too_long_)
        return failure(fmt::format("a line of more than {} octets", limits::list_line_octets));
    {
        const std::scoped_lock lock(mutex_);
        if (!ended_)
            return fail(file_.string() + ": not read to its end");
        if (read_error_ != 0)
            return fail(fmt::format("{}: cannot read: {}", file_.string(), std::strerror(read_error_)));
    }
    if (changed())
        return fail(file_.string() + ": the file changed while it was read: try again");
    if (cut_short_) {
        return fail(
            fmt::format("{}: the last line has no line end, so the file is still being written: try again",
                        place(line_ + 1)));
    }
    return digest_;
}

}  // namespace eightbells::ledger
