#ifndef EIGHTBELLS_RESPONDER_FRONT_LISTENING_SOCKETS_H
#define EIGHTBELLS_RESPONDER_FRONT_LISTENING_SOCKETS_H

#include <cstddef>
#include <string>
#include <vector>

#include "responder/base/result.h"
#include "responder/base/supervision.h"
#include "responder/http/listener.h"

namespace eightbells::front {

// Sockets that listen, owned until they are released. One worker's share of them.
class ListeningSockets {
  public:
    ListeningSockets() = default;
    ~ListeningSockets();
    ListeningSockets(ListeningSockets&& other) noexcept;
    ListeningSockets& operator=(ListeningSockets&& other) noexcept;

    void add(int fd) { fds_.push_back(fd); }
    const std::vector<int>& fds() const noexcept { return fds_; }
    std::vector<int> release() noexcept;  // to a new owner

  private:
    std::vector<int> fds_;
};

// Every worker listens at every address. Either it binds a socket of its own (SO_REUSEPORT: the kernel shares
// the connections out), or the sockets are given by a service manager: then each address's sockets are dealt
// out, and where there are fewer than workers, several workers take connections from one. Each is taken by
// somebody: the kernel may have put clients into any of them.
struct Sockets {
    std::vector<ListeningSockets> of_worker;
    std::vector<HostPort> addresses;  // each once, with the real ports
};
Result<Sockets> open_sockets(const std::vector<std::string>& addresses, std::size_t workers);
// Takes the descriptors over, whatever comes of it.
Result<Sockets> deal_sockets(const std::vector<GivenSocket>& given, std::size_t workers);

}  // namespace eightbells::front

#endif
