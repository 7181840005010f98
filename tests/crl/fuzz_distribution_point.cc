// parse_issuing_distribution_point. Oracle: an accepted value, walked by code that shares no line with ours,
// has the same URIs and flags, in a list that is not empty, rises, and holds no FALSE.
#include <cstdlib>

#include "responder/crl/distribution_point.h"
#include "tests/crypto/walk.h"

using namespace eightbells;

namespace {

void require(bool condition) {
    if (!condition)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView value{bytes, size};
    const auto point = crl::parse_issuing_distribution_point(value);
    if (!point)
        return 0;
    require(value[0] == 0x30 && test::whole(value) == size);
    const auto fields = test::children(value);
    require(!fields.empty());
    int last = -1;
    std::size_t uris = 0;
    unsigned flags = 0;
    for (const ByteView field : fields) {
        const int number = field[0] & 0x1f;
        require(number > last && number <= 5);
        last = number;
        if (number != 0) {
            require(number == 3 || (field.size() == 3 && field[2] == 0xff));
            flags |= 1U << number;
            continue;
        }
        const auto choice = test::children(field);
        require(choice.size() == 1);
        require(point->has_relative_name == (choice[0][0] == 0xa1));
        if (point->has_relative_name)
            continue;
        for (const ByteView name : test::children(choice[0])) {
            if (name[0] != 0x86)
                continue;
            require(uris < point->uris.size() && equal(point->uris[uris], test::content(name)));
            ++uris;
        }
    }
    require(uris == point->uris.size());
    const unsigned said = (point->only_user_certificates ? 2U : 0U) |
                          (point->only_ca_certificates ? 4U : 0U) | (point->only_some_reasons ? 8U : 0U) |
                          (point->indirect ? 16U : 0U) | (point->only_attribute_certificates ? 32U : 0U);
    require(said == flags);
    return 0;
}
