#include "responder/http/proxy_header.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "responder/http/limits.h"

namespace eightbells::http {
namespace {

constexpr std::array<std::uint8_t, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::size_t version_at = 12;
constexpr std::size_t family_at = 13;
constexpr std::size_t length_at = 14;
constexpr std::size_t fixed_octets = 16;
constexpr std::uint8_t version_2_local = 0x20;
constexpr std::uint8_t version_2_proxy = 0x21;

// Source, destination and their ports; nullopt: not an address family over a transport that there is.
std::optional<std::size_t> address_octets(std::uint8_t family) noexcept {
    switch (family) {
        case 0x00:  // AF_UNSPEC
            return 0;
        case 0x11:  // TCP and
        case 0x12:  // UDP over IPv4: HTTP/3 before a proxy is UDP
            return 12;
        case 0x21:
        case 0x22:
            return 36;
        case 0x31:
        case 0x32:
            return 216;
        default:
            return std::nullopt;
    }
}

}  // namespace

ProxyHeader read_proxy_header(ByteView bytes) noexcept {
    ProxyHeader header;
    const auto fault = [&header] {
        header.step = ProxyHeader::Step::fault;
        return header;
    };
    if (!std::ranges::equal(bytes.first(std::min(bytes.size(), signature.size())),
                            std::span(signature).first(std::min(bytes.size(), signature.size()))))
        return fault();
    if (bytes.size() <= version_at)
        return header;
    const bool local = bytes[version_at] == version_2_local;
    if (!local && bytes[version_at] != version_2_proxy)
        return fault();
    if (bytes.size() <= family_at)
        return header;
    const std::uint8_t family = bytes[family_at];
    const auto addresses = local ? std::optional<std::size_t>{0} : address_octets(family);
    if (!addresses)
        return fault();
    if (bytes.size() < fixed_octets)
        return header;
    const std::size_t length = static_cast<std::size_t>(bytes[length_at] << 8 | bytes[length_at + 1]);
    if (length < *addresses || fixed_octets + length > limits::http_proxy_header_octets)
        return fault();
    if (bytes.size() < fixed_octets + length)
        return header;
    header.step = ProxyHeader::Step::complete;
    header.octets = fixed_octets + length;
    if (local)
        return header;
    if (family == 0x11 || family == 0x12) {
        header.source = IpAddress::from_v4(bytes.subspan<fixed_octets, 4>());
    } else if (family == 0x21 || family == 0x22) {
        header.source.emplace();
        std::memcpy(header.source->octets.data(), bytes.data() + fixed_octets, header.source->octets.size());
    }
    return header;
}

}  // namespace eightbells::http
