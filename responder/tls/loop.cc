#include "responder/tls/loop.h"

#include <event2/event.h>

namespace eightbells::tls {

void free_loop(event_base* loop) noexcept {
    event_base_loop(loop, EVLOOP_NONBLOCK);
    event_base_free(loop);
}

}  // namespace eightbells::tls
