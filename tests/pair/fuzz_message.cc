#include <cstdlib>

#include "responder/pair/claim.h"
#include "responder/pair/message.h"

// What is taken is written again as the same octets; so is a claim.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    using namespace eightbells;
    const ByteView input{octets, size};
    ByteView rest = input;
    const auto message = pair::take_message(rest);
    if (message && *message && !equal(pair::encode(**message), input.first(size - rest.size())))
        std::abort();
    if ((!message || !*message) && rest.size() != size)
        std::abort();
    const auto claim = pair::claim_from_text(as_text(input));
    if (claim && pair::to_text(*claim) != as_text(input))
        std::abort();
    return 0;
}
