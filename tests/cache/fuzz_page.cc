#include <cstdlib>

#include "cache/page.h"

// Oracle: what parses is found by its serials, and is stored as the octets it was read from if its records
// belong where they stand; else it is not stored at all. Its halves hold each record once.
using namespace eightbells;
using namespace eightbells::cache;

namespace {
void check(bool holds) {
    if (!holds)
        std::abort();
}

std::size_t size_of_half(const Bytes& bytes) {
    if (bytes.empty())
        return 0;
    const auto half = Page::parse(bytes);
    check(half.has_value() && check_membership(*half).has_value());
    return half->size();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const Bytes blob(bytes, bytes + size);
    const auto page = Page::parse(blob);
    if (!page)
        return 0;
    std::vector<Record> records;
    for (std::size_t i = 0; i < page->size(); ++i) {
        records.push_back(page->record(i));
        const auto found = page->find(records.back().serial);
        check(found && found->signature.data() == records.back().signature.data());
    }
    const auto stored = encode_page(page->header(), records);
    check(stored.has_value() == check_membership(*page).has_value());
    if (!stored)
        return 0;
    check(*stored == blob);
    if (const auto halves = split_page(*page))
        check(size_of_half(halves->first) + size_of_half(halves->second) == page->size());
    return 0;
}
