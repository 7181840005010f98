#include <cstdlib>

#include "cache/tree.h"

// Oracle: a table parses in one size at most, has a digest that is not empty, and is stored as the octets it
// was read from.
using namespace eightbells;
using namespace eightbells::cache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView blob(bytes, size);
    int sizes = 0;
    // Any other size is refused by the same comparison.
    const std::size_t near = size / 32;
    for (const std::size_t expected : {std::size_t{0}, near - 1, near, near + 1, table_digests + 2}) {
        const auto digests = parse_table(blob, expected);
        if (!digests)
            continue;
        ++sizes;
        if (digests->size() != expected || !equal(encode_table(*digests), blob))
            std::abort();
    }
    if (sizes > 1)
        std::abort();
    return 0;
}
