// Stands before the C library in a program under test (LD_PRELOAD) and brings in what tests/faults/control.h
// asks for: clocks that are wrong, a disk that is full, death at one certain call. The program is the one
// that is installed.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tests/faults/control.h"

namespace {

using eightbells::faults::Control;

Control* mapped() noexcept {
    const char* path = std::getenv(eightbells::faults::control_variable);
    const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return nullptr;
    void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    return memory == MAP_FAILED ? nullptr : static_cast<Control*>(memory);
}

Control* control = nullptr;
[[gnu::constructor]] void begin() {
    control = mapped();
}

// The C library's own function of this name.
template <typename Function>
Function next(const char* name) noexcept {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

bool is_file(int fd) noexcept {
    struct stat about;
    return ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}
bool counts(int fd) noexcept {
    struct stat about;
    return ::fstat(fd, &about) == 0 && (S_ISREG(about.st_mode) || S_ISSOCK(about.st_mode));
}

// One call that changes something outside of the process.
class Step {
  public:
    explicit Step(int fd) noexcept {
        if (control == nullptr || control->killed_at.load() <= 0 || !counts(fd))
            return;
        due_ = control->killed_at.fetch_sub(1) == 1;
        if (due_ && !control->killed_after)
            die();
    }
    ~Step() {
        if (due_)
            die();
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

  private:
    [[noreturn]] static void die() noexcept {
        ::kill(::getpid(), SIGKILL);
        while (true)
            ::pause();
    }
    bool due_ = false;
};

bool is_full(int fd) noexcept {
    if (control == nullptr || !control->disk_full || !is_file(fd))
        return false;
    errno = ENOSPC;
    return true;
}

// What had passed when this thread looked at the wall clock last. Who compares the two clocks looks at the
// one since boot behind it: time must not pass in between, or it looks like a step.
[[gnu::tls_model("initial-exec")]] thread_local std::int64_t passed_by_wall = -1;

void move_on(timespec& time, std::int64_t by) noexcept {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t all = time.tv_nsec + by % second + second;
    time.tv_sec += by / second + all / second - 1;
    time.tv_nsec = all % second;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t which, timespec* time) noexcept {
    static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
    const int done = real(which, time);
    if (done != 0 || control == nullptr)
        return done;
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) {
        passed_by_wall = control->passed;
        move_on(*time, passed_by_wall + control->wall);
    } else if (which == CLOCK_BOOTTIME) {
        move_on(*time, passed_by_wall < 0 ? control->passed.load() : passed_by_wall);
    }
    return done;
}

int gettimeofday(timeval* __restrict time, void* __restrict) noexcept {
    timespec now;
    const int done = clock_gettime(CLOCK_REALTIME, &now);
    *time = {now.tv_sec, now.tv_nsec / 1000};
    return done;
}

time_t time(time_t* stored) noexcept {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (stored != nullptr)
        *stored = now.tv_sec;
    return now.tv_sec;
}

int adjtimex(timex* state) noexcept {
    if (control == nullptr)
        return next<int (*)(timex*)>("adjtimex")(state);
    *state = {};
    state->status = control->synchronised ? 0 : STA_UNSYNC;
    return control->synchronised ? TIME_OK : TIME_ERROR;
}

int fsync(int fd) {
    static const auto real = next<int (*)(int)>("fsync");
    const Step step{fd};
    return real(fd);
}
int fdatasync(int fd) {
    static const auto real = next<int (*)(int)>("fdatasync");
    const Step step{fd};
    return real(fd);
}

ssize_t write(int fd, const void* octets, size_t size) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
    if (is_full(fd))
        return -1;
    const Step step{fd};
    return real(fd, octets, size);
}
ssize_t writev(int fd, const iovec* parts, int count) {
    static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
    if (is_full(fd))
        return -1;
    const Step step{fd};
    return real(fd, parts, count);
}
ssize_t pwrite(int fd, const void* octets, size_t size, off_t at) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    if (is_full(fd))
        return -1;
    const Step step{fd};
    return real(fd, octets, size, at);
}
ssize_t pwrite64(int fd, const void* octets, size_t size, off64_t at) {
    return pwrite(fd, octets, size, at);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
    static const auto real = next<int (*)(int, int, off_t, off_t)>("fallocate");
    return is_full(fd) ? -1 : real(fd, mode, at, size);
}
ssize_t send(int fd, const void* octets, size_t size, int flags) {
    static const auto real = next<ssize_t (*)(int, const void*, size_t, int)>("send");
    const Step step{fd};
    return real(fd, octets, size, flags);
}

ssize_t getrandom(void* octets, size_t size, unsigned flags) {
    static const auto real = next<ssize_t (*)(void*, size_t, unsigned)>("getrandom");
    if (control == nullptr || !control->no_randomness)
        return real(octets, size, flags);
    errno = EIO;
    return -1;
}
int getentropy(void* octets, size_t size) {
    static const auto real = next<int (*)(void*, size_t)>("getentropy");
    if (control == nullptr || !control->no_randomness)
        return real(octets, size);
    errno = EIO;
    return -1;
}

}  // extern "C"
