#ifndef EIGHTBELLS_RESPONDER_TLS_SOCKET_H
#define EIGHTBELLS_RESPONDER_TLS_SOCKET_H

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "responder/base/descriptor.h"
#include "responder/base/result.h"
#include "responder/base/socket_address.h"

namespace eightbells::tls {

// All sockets here do not block, and end with the program that they are in.
Result<Descriptor> listen_at(const HostPort& address, int backlog);
// Begun: it is connected, or has failed (SO_ERROR), once it can be written to.
Result<Descriptor> begin_connecting(const HostPort& address);
// Sends at once, and ends when the other end has not been heard of for `time` although it was asked.
void notice_loss(int socket, std::chrono::seconds time) noexcept;

}  // namespace eightbells::tls

#endif
