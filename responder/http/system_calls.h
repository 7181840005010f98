#ifndef EIGHTBELLS_RESPONDER_HTTP_SYSTEM_CALLS_H
#define EIGHTBELLS_RESPONDER_HTTP_SYSTEM_CALLS_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace eightbells::http {

// recv and send, as they are, but no cancellation points: in a program with threads the library's own take a
// locked instruction before and after each call for pthread_cancel, which nobody here calls.

inline ssize_t receive_octets(int fd, std::uint8_t* into, std::size_t room) noexcept {
#ifdef SYS_recvfrom
    return ::syscall(SYS_recvfrom, fd, into, room, 0, nullptr, nullptr);
#else
    return ::recv(fd, into, room, 0);
#endif
}

inline ssize_t send_octets(int fd, const std::uint8_t* from, std::size_t size, int flags) noexcept {
#ifdef SYS_sendto
    return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
#else
    return ::send(fd, from, size, flags);
#endif
}

}  // namespace eightbells::http

#endif
