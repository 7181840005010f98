#include <cstdlib>

#include "cache/patch.h"

// Oracle: what parses has each of its records where find looks, and is stored as the octets it was read from.
using namespace eightbells;
using namespace eightbells::cache;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes blob(bytes, bytes + size);
    const auto patch = Patch::parse(blob);
    if (!patch)
        return 0;
    for (const PatchRecord& entry : patch->records()) {
        if (patch->find(entry.set, entry.record.serial) != &entry.record)
            std::abort();
    }
    const auto stored = encode_patch(patch->sequence(), patch->profiles(), patch->base(), patch->records());
    if (!stored || *stored != blob)
        std::abort();
    return 0;
}
