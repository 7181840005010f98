#include "responder/http/client_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace eightbells::http {

ClientKey client_key(const IpAddress& address) noexcept {
    static constexpr std::array<std::uint8_t, 12> translated{0x00, 0x64, 0xff, 0x9b};
    const auto& octets = address.octets;
    const auto number = [&](std::size_t from, std::size_t size) {
        std::uint64_t value = 0;
        for (std::size_t i = from; i < from + size; ++i)
            value = value << 8 | octets[i];
        return value;
    };
    if (address.is_v4() || std::memcmp(octets.data(), translated.data(), translated.size()) == 0)
        return 0x0000'ffff'0000'0000U | number(12, 4);  // in 0::/8, which nobody's network lies in
    return number(0, 8);
}

ClientTable::ClientTable(std::uint32_t connections, std::uint32_t per_client)
    : connections_(connections), per_client_(per_client) {
    const std::size_t slots = std::bit_ceil(std::size_t{connections} * 2 + 2);
    mask_ = slots - 1;
    shift_ = static_cast<unsigned>(64 - std::countr_zero(slots));
    slots_ = std::make_unique<Slot[]>(slots);
}

std::size_t ClientTable::home(ClientKey client) const noexcept {
    constexpr std::uint64_t golden = 0x9e37'79b9'7f4a'7c15U;
    return static_cast<std::size_t>((client ^ client >> 29) * golden >> shift_);
}

ClientTable::Slot& ClientTable::find(ClientKey client) noexcept {
    std::size_t at = home(client);
    while (slots_[at].connections != 0 && slots_[at].client != client)
        at = (at + 1) & mask_;
    return slots_[at];
}

bool ClientTable::enter(ClientKey client) noexcept {
    Slot& slot = find(client);
    if (slot.connections >= per_client_ || entered_ >= connections_)
        return false;
    if (slot.connections == 0) {
        slot.client = client;
        ++clients_;
    }
    ++slot.connections;
    ++entered_;
    return true;
}

void ClientTable::leave(ClientKey client) noexcept {
    Slot& slot = find(client);
    if (slot.connections == 0)
        return;
    --entered_;
    if (--slot.connections != 0)
        return;
    --clients_;
    // The gap is closed by those behind it, so that no mark of the client has to stay.
    std::size_t gap = static_cast<std::size_t>(&slot - slots_.get());
    slots_[gap] = {};
    for (std::size_t at = (gap + 1) & mask_; slots_[at].connections != 0; at = (at + 1) & mask_) {
        const std::size_t from_home = (at - home(slots_[at].client)) & mask_;
        if (from_home < ((at - gap) & mask_))
            continue;  // it would stand before its home
        slots_[gap] = slots_[at];
        slots_[at] = {};
        gap = at;
    }
}

}  // namespace eightbells::http
