#include "responder/http/chunked.h"

#include <algorithm>
#include <cstring>

#include "responder/http/grammar.h"
#include "responder/http/limits.h"

namespace eightbells::http {
namespace {

int hex_value(std::uint8_t c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
bool is_text(std::uint8_t c) noexcept {  // what a field value or an extension may hold
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

}  // namespace

ChunkedBody::Step ChunkedBody::refuse(Fault fault) noexcept {
    fault_ = fault;
    return Step::fault;
}

// The octets of "1a;name=value\r\n".
ChunkedBody::Step ChunkedBody::read_size_line(std::uint8_t octet, std::size_t decoded,
                                              std::size_t most) noexcept {
    if (at_ == At::size) {
        if (const int value = hex_value(octet); value >= 0) {
            if (++digits_ > limits::http_chunk_size_digits)
                return refuse(Fault::chunk);
            left_ = left_ << 4 | static_cast<std::uint64_t>(value);
            return Step::more;
        }
        if (digits_ == 0)
            return refuse(Fault::chunk);
        if (octet == '\r')
            at_ = At::size_lf;
        else if (octet == ';')
            at_ = At::extension;
        else if (octet == ' ' || octet == '\t')
            at_ = At::size_blank;
        else
            return refuse(Fault::chunk);
    } else if (at_ == At::size_lf) {
        if (octet != '\n')
            return refuse(Fault::chunk);
        digits_ = 0;
        at_ = left_ == 0 ? At::trailer : At::octets;
        if (left_ > most - decoded)
            return refuse(Fault::body_too_large);
    } else {
        if (++extension_octets_ > limits::http_chunk_extension_octets)
            return refuse(Fault::chunk);
        if (at_ == At::size_blank) {
            if (octet == ';')
                at_ = At::extension;
            else if (octet != ' ' && octet != '\t')
                return refuse(Fault::chunk);
        } else if (octet == '\r') {
            at_ = At::size_lf;
        } else if (!is_text(octet)) {
            return refuse(Fault::chunk);
        }
    }
    return Step::more;
}

// The octets after the last chunk: "Name: value\r\n" any number of times, then "\r\n".
ChunkedBody::Step ChunkedBody::read_trailer(std::uint8_t octet) noexcept {
    if (++trailer_octets_ > limits::http_trailer_octets)
        return refuse(Fault::header_too_large);
    const bool token = is_token_char(static_cast<char>(octet));
    switch (at_) {
        case At::trailer:
            if (octet == '\r')
                at_ = At::last_lf;
            else if (token)
                at_ = At::trailer_name;
            else
                return refuse(Fault::chunk);
            break;
        case At::trailer_name:
            if (octet == ':')
                at_ = At::trailer_value;
            else if (!token)
                return refuse(Fault::chunk);
            break;
        case At::trailer_value:
            if (octet == '\r')
                at_ = At::trailer_lf;
            else if (!is_text(octet))
                return refuse(Fault::chunk);
            break;
        default:  // trailer_lf, last_lf
            if (octet != '\n')
                return refuse(Fault::chunk);
            if (at_ == At::last_lf)
                return Step::complete;
            at_ = At::trailer;
            break;
    }
    return Step::more;
}

ChunkedBody::Step ChunkedBody::read(std::uint8_t* data, std::size_t size, std::size_t& raw, std::size_t& end,
                                    std::size_t most) noexcept {
    while (raw < size) {
        Step step = Step::more;
        switch (at_) {
            case At::octets: {
                const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - raw));
                std::memmove(data + end, data + raw, n);
                raw += n;
                end += n;
                decoded_ += n;
                left_ -= n;
                if (left_ == 0)
                    at_ = At::octets_cr;
                continue;
            }
            case At::octets_cr:
            case At::octets_lf:
                if (data[raw++] != (at_ == At::octets_cr ? '\r' : '\n'))
                    return refuse(Fault::chunk);
                at_ = at_ == At::octets_cr ? At::octets_lf : At::size;
                continue;
            case At::size:
            case At::size_blank:
            case At::extension:
            case At::size_lf:
                step = read_size_line(data[raw++], decoded_, most);
                break;
            default:
                step = read_trailer(data[raw++]);
                break;
        }
        if (step != Step::more)
            return step;
    }
    return Step::more;
}

}  // namespace eightbells::http
