#include "responder/base/supervision.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "responder/base/limits.h"

namespace eightbells {
namespace {

constexpr int first_given = 3;  // SD_LISTEN_FDS_START

Result<std::optional<int>> number_of(const char* name) {
    const char* const text = std::getenv(name);
    if (text == nullptr)
        return std::optional<int>{};
    int value = 0;
    const char* const end = text + std::strlen(text);
    if (const auto parsed = std::from_chars(text, end, value); parsed.ec != std::errc{} || parsed.ptr != end)
        return fail(std::string{name} + ": \"" + text + "\" is not a number");
    return std::optional{value};
}

std::vector<std::string> split(std::string_view text, char between) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(between);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

bool is_listening(int fd) noexcept {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) != 0 || value != SOCK_STREAM)
        return false;
    size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

// "@name" is abstract, as in systemd's own text.
socklen_t to_unix_address(std::string_view text, sockaddr_un& out) noexcept {
    if (text.size() < 2 || text.size() >= sizeof out.sun_path || (text[0] != '/' && text[0] != '@'))
        return 0;
    out = {};
    out.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(out.sun_path), text.data(), text.size());
    if (text[0] == '@')
        out.sun_path[0] = '\0';
    // An abstract name has no end but its length; a path has a zero.
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + (text[0] == '/' ? 1 : 0));
}

}  // namespace

Result<std::vector<GivenSocket>> take_given_sockets() {
    const auto pid = number_of("LISTEN_PID");
    const auto count = number_of("LISTEN_FDS");
    const char* const names_text = std::getenv("LISTEN_FDNAMES");
    std::vector<std::string> names;
    if (names_text != nullptr)
        names = split(names_text, ':');
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
        ::unsetenv(name);
    if (!pid)
        return tl::unexpected(pid.error());
    if (!count)
        return tl::unexpected(count.error());
    std::vector<GivenSocket> sockets;
    if (!*pid || !*count || **pid != ::getpid())
        return sockets;
    if (**count < 0 || static_cast<std::size_t>(**count) > limits::given_sockets) {
        return fail("LISTEN_FDS: " + std::to_string(**count) + " sockets; 0 to " +
                    std::to_string(limits::given_sockets) + " are allowed");
    }
    for (int i = 0; i < **count; ++i) {
        const int fd = first_given + i;
        if (!is_listening(fd))
            return fail("LISTEN_FDS: descriptor " + std::to_string(fd) + " is not a listening stream socket");
        const auto place = static_cast<std::size_t>(i);
        sockets.push_back({fd, place < names.size() ? names[place] : std::string{}});
    }
    for (const GivenSocket& socket : sockets)
        ::fcntl(socket.fd, F_SETFD, FD_CLOEXEC);
    return sockets;
}

bool give_sockets(const std::vector<GivenSocket>& sockets) noexcept {
    // Copied above their places first, so that none is overwritten before it has moved.
    const int above = first_given + static_cast<int>(sockets.size());
    std::array<int, limits::given_sockets> moved{};
    if (sockets.size() > moved.size())
        return false;
    std::string names;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        moved[i] = ::fcntl(sockets[i].fd, F_DUPFD_CLOEXEC, above);
        if (moved[i] < 0)
            return false;
        names += (i == 0 ? "" : ":") + sockets[i].name;
    }
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        if (::dup2(moved[i], first_given + static_cast<int>(i)) < 0)  // a copy that stays open across exec
            return false;
    }
    return ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1) == 0 &&
           ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1) == 0 &&
           ::setenv("LISTEN_FDNAMES", names.c_str(), 1) == 0;
}

void tell_manager(std::string_view state) noexcept {
    const char* const where = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    const socklen_t size = where == nullptr ? 0 : to_unix_address(where, address);
    if (size == 0)
        return;
    const Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket.open())
        return;
    [[maybe_unused]] const ssize_t sent =
        ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), size);
}

// --- the manager's end

Result<ServiceNotices> ServiceNotices::open() {
    const auto failed = [] { return fail(std::string{"notices of services: "} + std::strerror(errno)); };
    Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket.open())
        return failed();
    const int on = 1;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    // No name at all: the kernel chooses an abstract one that nobody has (unix(7), autobind).
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)) != 0)
        return failed();
    socklen_t size = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return failed();
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    std::string name(static_cast<const char*>(address.sun_path), length);
    name[0] = '@';
    return ServiceNotices{std::move(socket), std::move(name)};
}

std::vector<int> ServiceNotices::take_ready() {
    std::vector<int> ready;
    for (std::size_t i = 0; i < limits::notices_at_once; ++i) {
        std::array<char, 4096> text{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        iovec into{text.data(), text.size()};
        msghdr message{};
        message.msg_iov = &into;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
        if (size < 0)
            break;
        const cmsghdr* const header = CMSG_FIRSTHDR(&message);
        if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
            continue;
        ucred sender{};
        std::memcpy(&sender, CMSG_DATA(header), sizeof sender);
        for (const std::string& line : split({text.data(), static_cast<std::size_t>(size)}, '\n')) {
            if (line == "READY=1")
                ready.push_back(sender.pid);
        }
    }
    return ready;
}

}  // namespace eightbells
