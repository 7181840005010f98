// Oracle of take_reply: the reply that is taken, encoded again, is the frame's octets; without a reply the
// buffer stays.

#include <cstdlib>

#include "responder/live/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace eightbells;
    ByteView buffer{bytes, size};
    const auto reply = live::take_reply(buffer);
    const std::size_t taken = size - buffer.size();
    if (!reply || !*reply) {
        if (taken != 0)
            std::abort();
        return 0;
    }
    if (!equal(live::encode(**reply), ByteView{bytes, taken}))
        std::abort();
    return 0;
}
