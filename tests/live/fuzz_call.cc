// Oracle of take_call: the call that is taken, encoded again, is the frame's octets; without a call the
// buffer stays.

#include <cstdlib>

#include "responder/live/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace eightbells;
    ByteView buffer{bytes, size};
    const auto call = live::take_call(buffer);
    const std::size_t taken = size - buffer.size();
    if (!call || !*call) {
        if (taken != 0)
            std::abort();
        return 0;
    }
    if (!equal(live::encode(**call), ByteView{bytes, taken}))
        std::abort();
    return 0;
}
