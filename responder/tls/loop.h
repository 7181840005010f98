#ifndef EIGHTBELLS_RESPONDER_TLS_LOOP_H
#define EIGHTBELLS_RESPONDER_TLS_LOOP_H

struct event_base;

namespace eightbells::tls {

// Frees a loop that has ended. REQUIRES: what was on it has been freed.
//
// libevent calls late for octets that a TLS connection has written, in the loop's next turn, and holds the
// connection until then: with a loop that was ended before that turn it would never be freed.
void free_loop(event_base* loop) noexcept;

}  // namespace eightbells::tls

#endif
