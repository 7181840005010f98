#include "responder/crypto/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "responder/der/reader.h"

namespace eightbells::crypto {

namespace {

using der::Reader;
using der::Tag;

std::string attribute_type(ByteView oid) {
    struct Known {
        std::string_view content;
        std::string_view keyword;
    };
    // RFC 4514, section 3, and what CA names carry besides.
    static constexpr std::array<Known, 13> known{{
        {"\x55\x04\x03", "CN"},
        {"\x55\x04\x04", "SN"},
        {"\x55\x04\x05", "serialNumber"},
        {"\x55\x04\x06", "C"},
        {"\x55\x04\x07", "L"},
        {"\x55\x04\x08", "ST"},
        {"\x55\x04\x09", "STREET"},
        {"\x55\x04\x0a", "O"},
        {"\x55\x04\x0b", "OU"},
        {"\x55\x04\x61", "organizationIdentifier"},
        {"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "emailAddress"},
        {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC"},
        {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID"},
    }};
    for (const auto& [content, keyword] : known) {
        if (as_text(oid) == content)
            return std::string{keyword};
    }
    return oid_text(oid);
}

std::string attribute_value(const der::Element& value) {
    const bool is_text = value.tag == Tag::utf8_string || value.tag == Tag::printable_string ||
                         value.tag == Tag::ia5_string || value.tag == Tag{0x14};
    if (!is_text)
        return "#" + to_hex(value.tlv);
    std::string text;
    for (const std::uint8_t octet : value.content) {
        const char c = static_cast<char>(octet);
        if (octet < 0x20 || octet == 0x7f)
            text += fmt::format("\\{:02x}", octet);
        else if (std::string_view{"\"+,;<>\\"}.find(c) != std::string_view::npos)
            text += {'\\', c};
        else
            text += c;
    }
    return text;
}

}  // namespace

std::string oid_text(ByteView content) {
    std::vector<std::uint64_t> arcs;
    std::uint64_t arc = 0;
    for (const std::uint8_t octet : content) {
        if (arc >> 57 != 0)
            return "oid:" + to_hex(content);  // an arc that does not fit, 2.25.<UUID> for instance
        arc = arc << 7 | (octet & 0x7fU);
        if ((octet & 0x80) == 0) {
            arcs.push_back(arc);
            arc = 0;
        }
    }
    if (arcs.empty() || (content.back() & 0x80) != 0)
        return "oid:" + to_hex(content);
    const std::uint64_t top = std::min<std::uint64_t>(arcs.front() / 40, 2);
    arcs.front() -= top * 40;
    return fmt::format("{}.{}", top, fmt::join(arcs, "."));
}

std::string name_text(ByteView name) {
    static constexpr std::string_view unreadable = "(a Name that cannot be read)";
    Reader outer{name};
    auto rdns = outer.read_into(Tag::sequence);
    if (!rdns)
        return std::string{unreadable};
    std::string text;
    while (!rdns->empty()) {
        auto rdn = rdns->read_into(Tag::set);
        if (!rdn)
            return std::string{unreadable};
        std::string one;
        while (!rdn->empty()) {
            auto attribute = rdn->read_into(Tag::sequence);
            const auto type = attribute ? attribute->read(Tag::oid) : std::nullopt;
            const auto value = type ? attribute->read_any() : std::nullopt;
            if (!value)
                return std::string{unreadable};
            one += (one.empty() ? "" : "+") + attribute_type(*type) + "=" + attribute_value(*value);
        }
        text = text.empty() ? one : one + "," + text;  // the last RDN first
    }
    return text;
}

}  // namespace eightbells::crypto
