#include "responder/http/known_headers.h"

#include <cstring>

#include "responder/http/limits.h"

namespace eightbells::http {

const HeaderFacts* KnownHeaders::find(const std::uint8_t* data, std::size_t size, bool http_1_0,
                                      std::size_t& octets) noexcept {
    for (std::size_t tried = 0, at = last_; tried < entries_.size();
         ++tried, at = (at + 1) % entries_.size()) {
        const Entry& entry = entries_[at];
        if (entry.octets == 0 || entry.octets > size || entry.http_1_0 != http_1_0 ||
            std::memcmp(entry.bytes.data(), data, entry.octets) != 0)
            continue;
        last_ = at;
        octets = entry.octets;
        return &entry.facts;
    }
    return nullptr;
}

void KnownHeaders::keep(const std::uint8_t* data, std::size_t octets, bool http_1_0,
                        const HeaderFacts& facts) noexcept {
    if (octets > limits::http_known_header_octets)
        return;
    Entry& entry = entries_[next_];
    last_ = next_;
    next_ = (next_ + 1) % entries_.size();
    entry.facts = facts;
    entry.octets = static_cast<std::uint16_t>(octets);
    entry.http_1_0 = http_1_0;
    std::memcpy(entry.bytes.data(), data, octets);
}

}  // namespace eightbells::http
