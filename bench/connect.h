#ifndef EIGHTBELLS_BENCH_CONNECT_H
#define EIGHTBELLS_BENCH_CONNECT_H

#include <netinet/in.h>

#include <cstddef>

namespace eightbells::bench {

// Connects the `position`-th of a program's sockets. To a loopback address it comes from an address of its
// own for every eight, from 127.1.0.1 on, as clients do: what a server allows one address is not what is
// measured. False: see errno.
bool connect_from(int fd, std::size_t position, const sockaddr_in& target) noexcept;

}  // namespace eightbells::bench

#endif
