#ifndef EIGHTBELLS_CACHE_PAGE_H
#define EIGHTBELLS_CACHE_PAGE_H

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/record.h"
#include "responder/crypto/digest.h"
#include "responder/ocsp/cert_id.h"

namespace eightbells::cache {

using Digest = crypto::Sha256Digest;
// As a page's digest: the signed statement that the page is empty.
inline constexpr Digest empty_digest{};

// live: certificates within their validity; settled: expired ones, same truth, longer period; final: year
// 9999, never again.
enum class Life : std::uint8_t { live = 0, settled = 1, final = 2 };
inline constexpr std::size_t lives = 3;
std::string_view to_string(Life life) noexcept;

// One set of pages: an issuer has at most one of each.
struct SetId {
    ocsp::HashAlgorithm hash = ocsp::HashAlgorithm::sha256;
    Life life = Life::live;
    friend auto operator<=>(const SetId&, const SetId&) = default;
};
std::string to_string(SetId set);  // "sha256 live"
// In one octet of the stored form; nullopt for an octet that stands for no set.
std::uint8_t set_octet(SetId set) noexcept;
std::optional<SetId> set_from_octet(std::uint8_t octet) noexcept;

// The page of a serial hash among 2^page_bits pages: its first page_bits bits. page_bits 0 to 24.
constexpr std::uint32_t page_index(std::uint64_t serial_hash, unsigned page_bits) noexcept {
    return page_bits == 0 ? 0 : static_cast<std::uint32_t>(serial_hash >> (64 - page_bits));
}

struct PageHeader {
    SetId set;
    std::uint8_t page_bits = 0;
    std::uint32_t index = 0;
    std::uint64_t sequence =
        0;  // head sequence under which the page was signed: patches up to it are folded in
    BaseTimes times;
    std::vector<Digest> profiles;  // digests of different profiles, 1 to 8; records name them by index
    friend bool operator==(const PageHeader&, const PageHeader&) = default;
};

// A sorted (by serial, numerically), immutable block of records, checked whole when it is made, so that
// look-ups need not check again. Owns its bytes. Safe to read from any number of threads.
class Page {
  public:
    // Structure only: that the digest stands under a trusted head is the caller's to check first.
    static Result<Page> parse(Bytes bytes);
    Page(Page&&) noexcept = default;
    Page& operator=(Page&&) noexcept = default;

    const PageHeader& header() const noexcept { return header_; }
    ByteView bytes() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return count_; }
    Record record(std::size_t position) const noexcept;  // REQUIRES: position < size()
    // Of all its records.
    UtcTime earliest_next_update() const noexcept { return earliest_next_update_; }
    UtcTime oldest_produced_at() const noexcept { return oldest_produced_at_; }
    // Goes by a digest of the serial, so that hardly any record but the right one is looked at: a look-up
    // waits for memory and for little else. No allocation.
    std::optional<Record> find(ByteView serial) const noexcept;
    // Ask memory for what `find` will look at first, and for the record that it will then find.
    void fetch_place(ByteView serial) const noexcept;
    void fetch_record(ByteView serial) const noexcept;

  private:
    Page() = default;
    // Where the record of a serial is: a digest of it (the upper half) and the record's offset. A page of
    // ordinary size has a hash table of them in the object itself, so that what is in it comes from memory
    // together with the rest of the object; a larger one has them sorted, outside.
    static constexpr std::size_t places = 128;
    static constexpr std::uint32_t no_place = 0xffff'ffff;  // no offset: a record has more than one octet
    void index(std::uint32_t digest, std::size_t offset);
    std::optional<Record> record_of(std::uint32_t place, ByteView serial) const noexcept;
    // In the order in which a look-up takes them up: of the object it touches one cache line of `places_` and
    // the one behind them, which has the records and the times that theirs are measured from.
    std::array<std::uint32_t, places> places_;
    ByteView records_;  // of bytes_
    PageHeader header_;
    std::vector<std::uint32_t> index_;
    Bytes bytes_;
    UtcTime earliest_next_update_ = year_9999;
    UtcTime oldest_produced_at_ = year_9999;
    std::uint32_t count_ = 0;
    std::uint32_t offsets_at_ = 0;
};

// The stored form of a page. `records` in any order, no serial twice, each of this page by its serial hash;
// they are sorted here. An empty list is not a page: publish empty_digest instead. More than fits into
// limits::page_octets is an error: the set needs more page_bits.
Result<Bytes> encode_page(const PageHeader& header, std::vector<Record> records);

// The page's two halves under one bit more, records copied, nothing signed again; an empty half is an empty
// Bytes.
Result<std::pair<Bytes, Bytes>> split_page(const Page& page);

// Whether every record stands where a look-up would search it. Page::parse leaves that out because it takes a
// hash a record, and encode_page has seen to it; `eightbells verify` asks again.
Status check_membership(const Page& page);

}  // namespace eightbells::cache

#endif
