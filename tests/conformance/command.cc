#include "tests/conformance/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace eightbells::conformance {

namespace {

using SteadyClock = std::chrono::steady_clock;

// What a child needs, made before the fork: nothing may be allocated after it.
struct Words {
    explicit Words(std::vector<std::string> text) : words(std::move(text)) {
        for (std::string& word : words)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
    }
    std::vector<std::string> words;
    std::vector<char*> pointers;
};

[[noreturn]] void become(Words& words, const char* folder, int in, int out, int err) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that is killed leaves nobody behind
    ::signal(SIGPIPE, SIG_DFL);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    if (*folder == '\0' || ::chdir(folder) == 0)
        ::execvp(words.pointers[0], words.pointers.data());
    ::_exit(127);
}

int exit_code(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words)
        text += word + " ";
    return text;
}

struct Pipe {
    Pipe() {
        if (::pipe2(ends.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("pipe2");
    }
    ~Pipe() {
        close(0);
        close(1);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close(std::size_t end) {
        if (ends[end] >= 0)
            ::close(ends[end]);
        ends[end] = -1;
    }
    std::array<int, 2> ends{-1, -1};
};

// Reads both outputs to their ends. False: not within `limit`.
bool drain(Pipe& out, Pipe& err, Ended& ended, std::chrono::seconds limit) {
    const auto until = SteadyClock::now() + limit;
    while (out.ends[0] >= 0 || err.ends[0] >= 0) {
        std::array<pollfd, 2> waiting{pollfd{out.ends[0], POLLIN, 0}, pollfd{err.ends[0], POLLIN, 0}};
        if (SteadyClock::now() > until)
            return false;
        if (::poll(waiting.data(), waiting.size(), 1000) <= 0)
            continue;
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (waiting[i].revents == 0)
                continue;
            std::array<char, 65536> buffer;
            const ssize_t got = ::read(waiting[i].fd, buffer.data(), buffer.size());
            if (got > 0)
                (i == 0 ? ended.out : ended.err).append(buffer.data(), static_cast<std::size_t>(got));
            else
                (i == 0 ? out : err).close(0);
        }
    }
    return true;
}

}  // namespace

Ended run(const std::vector<std::string>& words, const std::filesystem::path& folder, std::string_view input,
          std::chrono::seconds limit) {
    Words child_words{words};
    const std::string where = folder.string();
    Pipe in;
    Pipe out;
    Pipe err;
    // Small enough for the pipe: no need to write while reading.
    if (input.size() > 32768 ||
        ::write(in.ends[1], input.data(), input.size()) != static_cast<ssize_t>(input.size()))
        throw std::runtime_error("input of " + joined(words));
    in.close(1);
    const pid_t pid = ::fork();
    if (pid < 0)
        throw std::runtime_error("fork");
    if (pid == 0)
        become(child_words, where.c_str(), in.ends[0], out.ends[1], err.ends[1]);
    out.close(1);
    err.close(1);
    Ended ended;
    const bool whole = drain(out, err, ended, limit);
    if (!whole)
        ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!whole)
        throw std::runtime_error("does not end: " + joined(words) + "\n" + ended.all());
    ended.code = exit_code(status);
    if (ended.code == 127)
        throw std::runtime_error("cannot be run: " + joined(words) + "\n" + ended.all());
    return ended;
}

std::string must(const std::vector<std::string>& words, const std::filesystem::path& folder) {
    Ended ended = run(words, folder);
    if (!ended.ok())
        throw std::runtime_error(joined(words) + "ended with " + std::to_string(ended.code) + "\n" +
                                 ended.all());
    return std::move(ended.out);
}

std::string read_text(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream)
        throw std::runtime_error(file.string() + ": cannot be read");
    std::ostringstream text;
    text << stream.rdbuf();
    return std::move(text).str();
}

void replace_text(const std::filesystem::path& file, std::string_view text) {
    const std::filesystem::path beside = file.string() + ".new";
    {
        std::ofstream stream{beside, std::ios::binary};
        stream.write(text.data(), static_cast<std::streamsize>(text.size()));
        if (!stream.flush())
            throw std::runtime_error(beside.string() + ": cannot be written");
    }
    std::filesystem::rename(beside, file);
}

bool comes(const std::function<bool()>& there, std::chrono::milliseconds limit) {
    const auto until = SteadyClock::now() + limit;
    while (true) {
        const bool last = SteadyClock::now() > until;
        if (there())
            return true;
        if (last)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});  // between two looks, so that others run
    }
}

Program::Program(std::vector<std::string> words, std::filesystem::path folder, std::filesystem::path log)
    : words_(std::move(words)), folder_(std::move(folder)), log_(std::move(log)) {}

Program::~Program() {
    kill();
}

void Program::start() {
    Words child_words{words_};
    const std::string where = folder_.string();
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (null < 0 || log < 0)
        throw std::runtime_error(log_.string() + ": cannot be written");
    pid_ = ::fork();
    if (pid_ == 0)
        become(child_words, where.c_str(), null, log, log);
    ::close(null);
    ::close(log);
    if (pid_ < 0)
        throw std::runtime_error("fork");
}

int Program::stop() {
    if (pid_ == 0)
        return 0;
    ::kill(pid_, SIGTERM);
    int status = 0;
    if (!comes([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }))
        throw std::runtime_error("does not end on SIGTERM: " + joined(words_) + "\n" + log());
    pid_ = 0;
    return exit_code(status);
}

void Program::kill() {
    if (pid_ == 0)
        return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

bool Program::running() {
    if (pid_ != 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_)
        pid_ = 0;
    return pid_ != 0;
}

std::vector<pid_t> Program::children() const {
    const std::string pid = std::to_string(pid_);
    std::istringstream list{read_text("/proc/" + pid + "/task/" + pid + "/children")};
    std::vector<pid_t> children;
    for (pid_t child = 0; list >> child;)
        children.push_back(child);
    return children;
}

bool gone(pid_t pid) {
    std::ifstream stream{"/proc/" + std::to_string(pid) + "/stat"};
    std::string text;
    if (!std::getline(stream, text))
        return true;
    const auto end = text.rfind(") ");
    return end != std::string::npos && text[end + 2] == 'Z';
}

std::string name_of(pid_t pid) {
    std::ifstream stream{"/proc/" + std::to_string(pid) + "/comm"};
    std::string text;
    std::getline(stream, text);
    return text;
}

}  // namespace eightbells::conformance
