#include "cache/store.h"

#include <fmt/format.h>

#include <array>

namespace eightbells::cache {

namespace {

std::string set_part(SetId set, unsigned page_bits) {
    return fmt::format("{}:{}:{}", ocsp::to_string(set.hash), to_string(set.life), page_bits);
}

}  // namespace

std::string head_name(std::string_view issuer) {
    return fmt::format("{}:head", issuer);
}

std::string page_name(std::string_view issuer, SetId set, unsigned page_bits, std::uint32_t index) {
    return fmt::format("{}:page:{}:{}", issuer, set_part(set, page_bits), index);
}

std::string table_name(std::string_view issuer, SetId set, unsigned page_bits, TableId table) {
    return fmt::format("{}:table:{}:{}:{}", issuer, set_part(set, page_bits), table.level, table.index);
}

std::string patch_name(std::string_view issuer, std::uint64_t sequence) {
    return fmt::format("{}:patch:{}", issuer, sequence);
}

std::string profile_name(std::string_view issuer, const Digest& digest) {
    return fmt::format("{}:profile:{}", issuer, to_hex(digest));
}

std::string crl_pieces_prefix(std::string_view issuer) {
    return fmt::format("{}:crl:", issuer);
}

std::string crl_piece_name(std::string_view issuer, const Digest& digest, std::uint32_t piece) {
    return fmt::format("{}{}:{}", crl_pieces_prefix(issuer), to_hex(digest), piece);
}

BlobKind kind_of(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, blob_kinds> words{"head",  "table",   "page",
                                                                    "patch", "profile", "crl"};
    const auto colon = name.find(':');
    const std::string_view rest =
        colon == std::string_view::npos ? std::string_view{} : name.substr(colon + 1);
    const std::string_view word = rest.substr(0, rest.find(':'));
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (word == words[i])
            return static_cast<BlobKind>(i);
    }
    return BlobKind::page;
}

}  // namespace eightbells::cache
