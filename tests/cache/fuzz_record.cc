#include <cstdlib>

#include "cache/record.h"

// Oracle: what parses can be stored, and is stored as the octets it was read from.
using namespace eightbells;
using namespace eightbells::cache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    constexpr UtcTime now = from_unix(1795329600);
    for (const BaseTimes& base : {BaseTimes{now, now - seconds{300}, now + seconds{86400}},
                                  BaseTimes{now, now - seconds{300}, year_9999}, BaseTimes{}}) {
        const ByteView all(bytes, size);
        ByteView rest = all;
        const auto record = parse_record(rest, base);
        if (!record) {
            if (rest.data() != all.data() || rest.size() != all.size())
                std::abort();
            continue;
        }
        if (!check_record(*record))
            std::abort();
        Bytes stored;
        append_record(*record, base, stored);
        if (!equal(stored, all.first(all.size() - rest.size())))
            std::abort();
    }
    return 0;
}
