#include "cache/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "cache/limits.h"
#include "cache/octets.h"
#include "responder/base/limits.h"

namespace eightbells::cache {

namespace {

constexpr std::size_t offset_octets = 2;
constexpr std::size_t cache_line = 64;
static_assert(limits::page_octets <= std::size_t{1} << (8 * offset_octets));

// The offset of a record from the first one, from a table that parse has checked.
std::size_t offset_at(ByteView table, std::size_t position) noexcept {
    const ByteView octets = table.subspan(position * offset_octets, offset_octets);
    return static_cast<std::size_t>(octets[0] << 8 | octets[1]);
}

Status check_header(const PageHeader& header) {
    if (header.page_bits > limits::page_bits)
        return fail(fmt::format("page: page_bits: {} is above {}", header.page_bits, limits::page_bits));
    if (header.index >> header.page_bits != 0)
        return fail(fmt::format("page: index: {} is not below 2^{}", header.index, header.page_bits));
    if (auto times = check_base_times(header.times); !times)
        return fail("page", times.error());
    if (auto profiles = check_profile_table(header.profiles); !profiles)
        return fail("page", profiles.error());
    return {};
}

void append_header(const PageHeader& header, std::size_t count, Bytes& out) {
    append_octets(page_magic, out);
    append_number(set_octet(header.set), 1, out);
    append_number(header.page_bits, 1, out);
    append_number(header.index, 4, out);
    append_number(header.sequence, 8, out);
    append_base_times(header.times, out);
    append_number(header.profiles.size(), 1, out);
    append_number(count, 2, out);
    for (const Digest& digest : header.profiles)
        append_octets(digest, out);
}

Result<PageHeader> read_header(OctetReader& in, std::size_t& count) {
    if (!in.magic(page_magic))
        return fail("page: not a page of version 1");
    PageHeader header;
    const auto set = set_from_octet(in.octet());
    header.page_bits = in.octet();
    header.index = static_cast<std::uint32_t>(in.number(4));
    header.sequence = in.number(8);
    header.times = in.base_times();
    const std::size_t profiles = in.octet();
    count = in.number(2);
    if (!in.ok())
        return fail("page: header cut short, or a time after 9999");
    if (!set)
        return fail("page: set: no such CertID hash or life");
    header.set = *set;
    header.profiles = read_profile_table(in, profiles);
    if (!in.ok())
        return fail("page: profiles: cut short");
    if (auto checked = check_header(header); !checked)
        return tl::unexpected(checked.error());
    if (count == 0 || count > limits::page_records)
        return fail(fmt::format("page: {} records, 1 to {} are possible", count, limits::page_records));
    return header;
}

// The serial at the front of a record that parse has checked; it spares a search the rest of the record.
ByteView serial_of_checked(ByteView record) noexcept {
    return record.subspan(1, record[0] & serial_octets_mask);
}

// Sixteen bits in which serials differ, be they random, counted up, or alike at their end.
std::uint32_t digest_of(ByteView serial) noexcept {
    std::uint64_t low = 0;
    for (const std::uint8_t octet : serial.last(std::min<std::size_t>(serial.size(), sizeof low)))
        low = low << 8 | octet;
    return static_cast<std::uint32_t>(low * 0x9e3779b97f4a7c15U >> 48);
}

bool belongs(const PageHeader& header, std::uint64_t hash) noexcept {
    return page_index(hash, header.page_bits) == header.index;
}

}  // namespace

Status check_profile_table(const std::vector<Digest>& profiles) {
    if (profiles.empty() || profiles.size() > limits::profiles_per_page)
        return fail(fmt::format("profiles: {} of them, 1 to {} are possible", profiles.size(),
                                limits::profiles_per_page));
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        if (is_empty(profiles[i]))
            return fail(fmt::format("profiles: number {} is the empty digest", i));
        for (std::size_t before = 0; before < i; ++before) {
            if (profiles[before] == profiles[i])
                return fail(fmt::format("profiles: numbers {} and {} are the same", before, i));
        }
    }
    return {};
}

std::vector<Digest> read_profile_table(OctetReader& in, std::size_t count) {
    std::vector<Digest> profiles;
    for (std::size_t i = 0; i < count && in.ok(); ++i)
        profiles.push_back(in.digest());
    return profiles;
}

std::string_view to_string(Life life) noexcept {
    switch (life) {
        case Life::live:
            return "live";
        case Life::settled:
            return "settled";
        case Life::final:
            return "final";
    }
    return "unknown";
}

std::string to_string(SetId set) {
    return fmt::format("{} {}", ocsp::to_string(set.hash), to_string(set.life));
}

std::uint8_t set_octet(SetId set) noexcept {
    return static_cast<std::uint8_t>(static_cast<unsigned>(set.hash) << 4 | static_cast<unsigned>(set.life));
}

std::optional<SetId> set_from_octet(std::uint8_t octet) noexcept {
    if (octet >> 4 >= ocsp::hash_algorithms || (octet & 0x0f) >= lives)
        return std::nullopt;
    return SetId{ocsp::HashAlgorithm{static_cast<std::uint8_t>(octet >> 4)},
                 Life{static_cast<std::uint8_t>(octet & 0x0f)}};
}

Result<Page> Page::parse(Bytes bytes) {
    if (bytes.size() > limits::page_octets)
        return fail(
            fmt::format("page: {} octets, at most {} are possible", bytes.size(), limits::page_octets));
    OctetReader in(bytes);
    std::size_t count = 0;
    auto header = read_header(in, count);
    if (!header)
        return tl::unexpected(header.error());
    const ByteView offsets = in.octets(count * offset_octets);  // count is at most page_records
    if (!in.ok())
        return fail("page: offset table: cut short");

    const std::size_t records_octets = in.rest().size();
    ByteView rest = in.rest();
    ByteView last_serial;
    Page page;
    page.places_.fill(no_place);
    if (count > places - places / 4)
        page.index_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto wrong = [&](std::string_view what) {
            return fail(fmt::format("page: record {} at octet {}: {}", i, bytes.size() - rest.size(), what));
        };
        if (offset_at(offsets, i) != records_octets - rest.size())
            return wrong("its offset does not point here");
        const auto record = parse_record(rest, header->times);
        if (!record)
            return wrong("malformed");
        if (record->profile >= header->profiles.size())
            return wrong("names a profile that the page does not");
        if (i > 0 && compare_serials(last_serial, record->serial) >= 0)
            return wrong("serial not above the one before");
        last_serial = record->serial;
        page.earliest_next_update_ = std::min(page.earliest_next_update_, record->times.next_update);
        page.oldest_produced_at_ = std::min(page.oldest_produced_at_, record->times.produced_at);
        page.index(digest_of(last_serial), offset_at(offsets, i));
    }
    if (!rest.empty())
        return fail(fmt::format("page: {} octets after the last record", rest.size()));

    std::ranges::sort(page.index_);
    page.header_ = std::move(*header);
    page.count_ = static_cast<std::uint32_t>(count);
    const std::size_t records_at = bytes.size() - records_octets;
    page.offsets_at_ = static_cast<std::uint32_t>(records_at - count * offset_octets);
    page.bytes_ = std::move(bytes);
    page.records_ = ByteView(page.bytes_).subspan(records_at);  // stays true when the page moves
    return page;
}

Record Page::record(std::size_t position) const noexcept {
    assert(position < count_);
    ByteView rest = records_.subspan(offset_at(ByteView(bytes_).subspan(offsets_at_), position));
    return *parse_record(rest, header_.times);
}

void Page::index(std::uint32_t digest, std::size_t offset) {
    const std::uint32_t place = digest << 16 | static_cast<std::uint32_t>(offset);
    if (index_.capacity() != 0) {
        index_.push_back(place);
        return;
    }
    std::size_t at = digest % places;
    while (places_[at] != no_place)
        at = (at + 1) % places;
    places_[at] = place;
}

std::optional<Record> Page::record_of(std::uint32_t place, ByteView serial) const noexcept {
    ByteView rest = records_.subspan(place & 0xffff);
    __builtin_prefetch(rest.data() + cache_line);  // a P-256 record has about 100 octets
    if (!equal(serial_of_checked(rest), serial))
        return std::nullopt;
    return parse_record(rest, header_.times);
}

std::optional<Record> Page::find(ByteView serial) const noexcept {
    if (serial.empty())
        return std::nullopt;
    const std::uint32_t digest = digest_of(serial);
    // A table is never full, so there is an end.
    for (std::size_t at = digest % places; places_[at] != no_place; at = (at + 1) % places) {
        if (places_[at] >> 16 != digest)
            continue;
        if (const auto found = record_of(places_[at], serial))
            return found;
    }
    // Digests are spread evenly: the place of one is known nearly to the cache line.
    std::size_t at = digest * index_.size() >> 16;
    while (at > 0 && index_[at - 1] >> 16 >= digest)
        --at;
    while (at < index_.size() && index_[at] >> 16 < digest)
        ++at;
    for (; at < index_.size() && index_[at] >> 16 == digest; ++at) {
        if (const auto found = record_of(index_[at], serial))
            return found;
    }
    return std::nullopt;
}

void Page::fetch_place(ByteView serial) const noexcept {
    __builtin_prefetch(&places_[digest_of(serial) % places]);
    __builtin_prefetch(&records_);
}

void Page::fetch_record(ByteView serial) const noexcept {
    const std::uint32_t digest = digest_of(serial);
    std::size_t at = digest % places;
    while (places_[at] != no_place && places_[at] >> 16 != digest)
        at = (at + 1) % places;
    if (places_[at] == no_place)
        return;
    const std::uint8_t* const record = records_.data() + (places_[at] & 0xffff);
    __builtin_prefetch(record);
    __builtin_prefetch(record + cache_line);
}

Result<Bytes> encode_page(const PageHeader& header, std::vector<Record> records) {
    if (auto checked = check_header(header); !checked)
        return tl::unexpected(checked.error());
    if (records.empty() || records.size() > limits::page_records)
        return fail(
            fmt::format("page: {} records, 1 to {} are possible", records.size(), limits::page_records));
    std::ranges::sort(
        records, [](const Record& a, const Record& b) { return compare_serials(a.serial, b.serial) < 0; });

    Bytes offsets;
    Bytes body;
    crypto::Sha256 sha256;
    ByteView last_serial;
    for (const Record& record : records) {
        const auto wrong = [&](std::string_view what) {
            return fail(fmt::format("page {} of 2^{}: serial {}: {}", header.index, header.page_bits,
                                    to_hex(record.serial), what));
        };
        if (auto checked = check_record(record); !checked)
            return fail("page", checked.error());
        if (record.profile >= header.profiles.size())
            return wrong("names a profile that the page does not");
        if (equal(last_serial, record.serial))
            return wrong("stands twice");
        if (!belongs(header, crypto::serial_hash(sha256, record.serial)))
            return wrong("belongs to another page");
        if (body.size() >= limits::page_octets)
            break;  // too large in any case
        append_number(body.size(), offset_octets, offsets);
        append_record(record, header.times, body);
        last_serial = record.serial;
    }

    Bytes out;
    append_header(header, records.size(), out);
    if (out.size() + offsets.size() + body.size() > limits::page_octets)
        return fail(
            fmt::format("page {} of 2^{}: {} records take more than {} octets: more page_bits are needed",
                        header.index, header.page_bits, records.size(), limits::page_octets));
    out.reserve(out.size() + offsets.size() + body.size());
    append_octets(offsets, out);
    append_octets(body, out);
    return out;
}

Result<std::pair<Bytes, Bytes>> split_page(const Page& page) {
    PageHeader half = page.header();
    if (half.page_bits >= limits::page_bits)
        return fail(fmt::format("page: page_bits: {} cannot be split", half.page_bits));
    ++half.page_bits;
    std::vector<Record> low;
    std::vector<Record> high;
    crypto::Sha256 sha256;
    for (std::size_t i = 0; i < page.size(); ++i) {
        const Record record = page.record(i);
        const auto index = page_index(crypto::serial_hash(sha256, record.serial), half.page_bits);
        ((index & 1) == 0 ? low : high).push_back(record);
    }
    std::pair<Bytes, Bytes> halves;
    for (const bool upper : {false, true}) {
        std::vector<Record>& records = upper ? high : low;
        if (records.empty())
            continue;
        half.index = page.header().index << 1 | (upper ? 1U : 0U);
        auto bytes = encode_page(half, std::move(records));
        if (!bytes)
            return fail("splitting", bytes.error());
        (upper ? halves.second : halves.first) = std::move(*bytes);
    }
    return halves;
}

Status check_membership(const Page& page) {
    crypto::Sha256 sha256;
    for (std::size_t i = 0; i < page.size(); ++i) {
        const ByteView serial = page.record(i).serial;
        if (!belongs(page.header(), crypto::serial_hash(sha256, serial)))
            return fail(fmt::format("page {} of 2^{} of {}: serial {} belongs to another page",
                                    page.header().index, page.header().page_bits,
                                    to_string(page.header().set), to_hex(serial)));
    }
    return {};
}

}  // namespace eightbells::cache
