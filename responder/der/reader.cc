#include "responder/der/reader.h"

#include "responder/der/limits.h"

namespace eightbells::der {

namespace {

// The element at the front of `in`, or nothing when it is cut short or not DER.
std::optional<Element> first_element(ByteView in) noexcept {
    if (in.size() < 2)
        return std::nullopt;
    const std::uint8_t identifier = in[0];
    if ((identifier & 0x1f) == 0x1f || identifier == 0)  // a high tag number; BER's end of contents
        return std::nullopt;
    std::size_t header = 2;
    std::size_t length = in[1];
    if (length >= 0x80) {
        const std::size_t octets = length & 0x7f;
        if (octets == 0 || octets > limits::der_length_octets || in.size() < 2 + octets)  // 0: indefinite
            return std::nullopt;
        length = 0;
        for (std::size_t i = 0; i < octets; ++i)
            length = length << 8 | in[2 + i];
        if (length < 0x80 || in[2] == 0)  // there is a shorter spelling
            return std::nullopt;
        header += octets;
    }
    if (length > in.size() - header)
        return std::nullopt;
    return Element{Tag{identifier}, in.subspan(header, length), in.first(header + length)};
}

bool is_minimal_integer(ByteView content) noexcept {
    if (content.empty())
        return false;
    if (content.size() == 1)
        return true;
    const bool sign = (content[1] & 0x80) != 0;
    return !(content[0] == 0x00 && !sign) && !(content[0] == 0xff && sign);
}

std::optional<std::uint64_t> unsigned_value(ByteView content) noexcept {
    if (!is_minimal_integer(content) || (content[0] & 0x80) != 0)
        return std::nullopt;
    if (content[0] == 0)
        content = content.subspan(1);
    if (content.size() > 8)
        return std::nullopt;
    std::uint64_t value = 0;
    for (const std::uint8_t octet : content)
        value = value << 8 | octet;
    return value;
}

// Two decimal digits, or a negative number.
int two_digits(ByteView text, std::size_t at) noexcept {
    const int tens = text[at] - '0';
    const int ones = text[at + 1] - '0';
    const bool digits = tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9;
    return digits ? tens * 10 + ones : -1;
}

// MMDDHHMMSSZ of the given year.
std::optional<UtcTime> time_in_year(int year, ByteView rest) noexcept {
    const int month = two_digits(rest, 0);
    const int day = two_digits(rest, 2);
    const int hour = two_digits(rest, 4);
    const int minute = two_digits(rest, 6);
    const int second = two_digits(rest, 8);
    if (month < 1 || day < 1 || hour < 0 || minute < 0 || second < 0 || rest[10] != 'Z')
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 59)
        return std::nullopt;
    return UtcTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
           seconds{second};
}

std::optional<UtcTime> parse_generalized_time(ByteView text) noexcept {
    if (text.size() != 15)
        return std::nullopt;
    const int century = two_digits(text, 0);
    const int year = two_digits(text, 2);
    if (century < 0 || year < 0)
        return std::nullopt;
    return time_in_year(century * 100 + year, text.subspan(4));
}

std::optional<UtcTime> parse_utc_time(ByteView text) noexcept {
    if (text.size() != 13)
        return std::nullopt;
    const int year = two_digits(text, 0);
    if (year < 0)
        return std::nullopt;
    return time_in_year(year >= 50 ? 1900 + year : 2000 + year, text.subspan(2));
}

}  // namespace

std::optional<Tag> Reader::peek() const noexcept {
    if (rest_.empty())
        return std::nullopt;
    return Tag{rest_[0]};
}

std::optional<Element> Reader::read_any() noexcept {
    const auto element = first_element(rest_);
    if (element)
        rest_ = rest_.subspan(element->tlv.size());
    return element;
}

std::optional<ByteView> Reader::read(Tag tag) noexcept {
    if (!next_is(tag))
        return std::nullopt;
    const auto element = read_any();
    if (!element)
        return std::nullopt;
    return element->content;
}

std::optional<Reader> Reader::read_into(Tag tag) noexcept {
    const auto content = read(tag);
    if (!content)
        return std::nullopt;
    return Reader{*content};
}

std::optional<bool> Reader::read_boolean() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::boolean);
    if (!content || content->size() != 1 || ((*content)[0] != 0x00 && (*content)[0] != 0xff))
        return std::nullopt;
    *this = ahead;
    return (*content)[0] == 0xff;
}

std::optional<ByteView> Reader::read_integer_content() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::integer);
    if (!content || !is_minimal_integer(*content))
        return std::nullopt;
    *this = ahead;
    return content;
}

std::optional<std::uint64_t> Reader::read_unsigned() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::integer);
    const auto value = content ? unsigned_value(*content) : std::nullopt;
    if (value)
        *this = ahead;
    return value;
}

std::optional<std::uint64_t> Reader::read_enumerated() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::enumerated);
    const auto value = content ? unsigned_value(*content) : std::nullopt;
    if (value)
        *this = ahead;
    return value;
}

std::optional<ByteView> Reader::read_oid() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::oid);
    if (!content || !is_oid_content(*content))
        return std::nullopt;
    *this = ahead;
    return content;
}

std::optional<ByteView> Reader::read_bit_string_octets() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::bit_string);
    if (!content || content->empty() || (*content)[0] != 0)
        return std::nullopt;
    *this = ahead;
    return content->subspan(1);
}

std::optional<UtcTime> Reader::read_generalized_time() noexcept {
    Reader ahead = *this;
    const auto content = ahead.read(Tag::generalized_time);
    const auto time = content ? parse_generalized_time(*content) : std::nullopt;
    if (time)
        *this = ahead;
    return time;
}

std::optional<UtcTime> Reader::read_time() noexcept {
    if (!next_is(Tag::utc_time))
        return read_generalized_time();
    Reader ahead = *this;
    const auto content = ahead.read(Tag::utc_time);
    const auto time = content ? parse_utc_time(*content) : std::nullopt;
    if (time)
        *this = ahead;
    return time;
}

bool is_one_element(ByteView bytes) noexcept {
    const auto element = first_element(bytes);
    return element && element->tlv.size() == bytes.size();
}

bool is_oid_content(ByteView content) noexcept {
    if (content.empty() || content.size() > limits::oid_octets || (content.back() & 0x80) != 0)
        return false;
    bool first = true;  // of a sub-identifier; 80 there would be a leading zero
    for (const std::uint8_t octet : content) {
        if (first && octet == 0x80)
            return false;
        first = (octet & 0x80) == 0;
    }
    return true;
}

}  // namespace eightbells::der
