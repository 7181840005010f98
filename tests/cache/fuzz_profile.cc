#include <cstdlib>

#include "cache/profile.h"

// Oracle: what parses is stored as the octets it was read from.
using namespace eightbells;
using namespace eightbells::cache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView blob(bytes, size);
    const auto profile = parse_profile(blob);
    if (!profile)
        return 0;
    const auto stored = encode_profile(*profile);
    if (!stored || !equal(*stored, blob))
        std::abort();
    return 0;
}
