#ifndef EIGHTBELLS_RESPONDER_BASE_SUPERVISION_H
#define EIGHTBELLS_RESPONDER_BASE_SUPERVISION_H

#include <string>
#include <string_view>
#include <vector>

#include "responder/base/descriptor.h"
#include "responder/base/result.h"

namespace eightbells {

// What a service manager and its service tell one another, in systemd's two small protocols: listening
// sockets handed over, so that a service can be replaced while clients go on connecting (sd_listen_fds(3)),
// and a service's word that it is ready (sd_notify(3)). systemd speaks them, and so does `eightbells run`.

// The name under which a program is given the socket of its private listener.
inline constexpr std::string_view metrics_socket_name = "metrics";

// A listening stream socket that the manager opened. Whoever gets it owns the descriptor.
struct GivenSocket {
    int fd = -1;
    std::string name;  // FileDescriptorName=, "" when it has none
};
// What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES give to this process; nothing where they are not set or
// meant for another. Takes them out of the environment, so that no second call and no child finds them. An
// error names the variable or descriptor that is not what it should be; the descriptors are then left as they
// are. Call it before there are threads.
Result<std::vector<GivenSocket>> take_given_sockets();

// For a manager, in the child between fork and exec: `sockets` become the descriptors from 3 on, each under
// its name, and the environment says so. The child must have no other use of the descriptors. `false`: out of
// descriptors.
bool give_sockets(const std::vector<GivenSocket>& sockets) noexcept;

// Tells the manager at NOTIFY_SOCKET, for example "READY=1". Where there is none, nothing happens; nor does a
// word that is lost matter to the service. Any thread.
void tell_manager(std::string_view state) noexcept;

// The manager's end: a socket of an abstract name of its own.
class ServiceNotices {
  public:
    static Result<ServiceNotices> open();

    const std::string& address() const noexcept { return address_; }  // for NOTIFY_SOCKET
    // The processes that have said "READY=1" since the last call, as the kernel names the senders. Does not
    // wait.
    std::vector<int> take_ready();

  private:
    ServiceNotices(Descriptor socket, std::string address)
        : socket_(std::move(socket)), address_(std::move(address)) {}
    Descriptor socket_;
    std::string address_;
};

}  // namespace eightbells

#endif
