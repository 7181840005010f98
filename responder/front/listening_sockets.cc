#include "responder/front/listening_sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

namespace eightbells::front {

ListeningSockets::~ListeningSockets() {
    for (const int fd : fds_)
        ::close(fd);
}
ListeningSockets::ListeningSockets(ListeningSockets&& other) noexcept : fds_(other.release()) {}
ListeningSockets& ListeningSockets::operator=(ListeningSockets&& other) noexcept {
    std::swap(fds_, other.fds_);
    return *this;
}
std::vector<int> ListeningSockets::release() noexcept {
    return std::exchange(fds_, {});
}

Result<Sockets> open_sockets(const std::vector<std::string>& addresses, std::size_t workers) {
    Sockets sockets;
    sockets.of_worker.resize(workers);
    for (const std::string& text : addresses) {
        auto address = parse_host_port(text);
        if (!address)
            return fail(text, address.error());
        for (ListeningSockets& own : sockets.of_worker) {
            const auto fd = http::open_listening_socket(*address);
            if (!fd)
                return tl::unexpected(fd.error());
            own.add(*fd);
            *address = bound_address(*fd);  // a free port is chosen once, by the first
        }
        sockets.addresses.push_back(*std::move(address));
    }
    return sockets;
}

Result<Sockets> deal_sockets(const std::vector<GivenSocket>& given, std::size_t workers) {
    std::map<std::string, ListeningSockets> by_address;
    Sockets sockets;
    sockets.of_worker.resize(workers);
    for (const GivenSocket& socket : given) {
        const HostPort address = bound_address(socket.fd);
        const auto [place, is_new] = by_address.try_emplace(to_string(address));
        place->second.add(socket.fd);
        if (is_new)
            sockets.addresses.push_back(address);
    }
    for (auto& [address, same] : by_address) {
        const std::vector<int>& fds = same.fds();
        for (std::size_t worker = fds.size(); worker < workers; ++worker) {
            const int shared = ::fcntl(fds[worker % fds.size()], F_DUPFD_CLOEXEC, 0);
            if (shared < 0)
                return fail("a copy of the socket at " + address + ": " + std::strerror(errno));
            sockets.of_worker[worker].add(shared);
        }
        std::size_t next = 0;
        for (const int fd : same.release())
            sockets.of_worker[next++ % workers].add(fd);
    }
    return sockets;
}

}  // namespace eightbells::front
