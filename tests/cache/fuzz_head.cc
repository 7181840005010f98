#include <cstdlib>

#include "cache/head.h"

// Oracle: a body that parses is stored as the octets it was read from; no input is a head signed by a key
// whose private half nobody has.
using namespace eightbells;
using namespace eightbells::cache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView blob(bytes, size);
    constexpr StorePublicKey nobody{1, 2, 3};
    if (parse_head(blob, std::span(&nobody, 1)))
        std::abort();
    const auto head = parse_head_body(blob);
    if (!head)
        return 0;
    const auto stored = encode_head_body(*head);
    if (!stored || !equal(*stored, blob))
        std::abort();
    return 0;
}
