#include "responder/pair/message.h"

#include <algorithm>

#include "responder/pair/limits.h"

namespace eightbells::pair {

namespace {

constexpr std::size_t length_octets = 4;
constexpr std::uint8_t version = 1;  // of what is said, in Hello
enum class Kind : std::uint8_t { hello = 1, record = 2, done = 3, piece = 4, copied = 5, beat = 6 };

void put_number(Bytes& out, std::uint64_t value, unsigned octets) {
    for (unsigned shift = 8 * octets; shift > 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> (shift - 8) & 0xff));
}
void put(Bytes& out, ByteView octets) {
    out.insert(out.end(), octets.begin(), octets.end());
}

std::uint64_t number(ByteView octets) noexcept {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : octets)
        value = value << 8 | octet;
    return value;
}

struct Body {
    Bytes& out;
    void operator()(const Hello& hello) const {
        out.push_back(static_cast<std::uint8_t>(Kind::hello));
        out.push_back(version);
        out.push_back(static_cast<std::uint8_t>(hello.name.size()));
        put(out, as_bytes(hello.name));
        if (hello.place) {
            put_number(out, hello.place->number, 8);
            put(out, hello.place->hash);
        }
    }
    void operator()(const Record& message) const {
        out.push_back(static_cast<std::uint8_t>(Kind::record));
        put_number(out, message.record.number, 8);
        put(out, message.record.changes);
    }
    void operator()(const Done& done) const {
        out.push_back(static_cast<std::uint8_t>(Kind::done));
        put_number(out, done.number, 8);
    }
    void operator()(const Piece& piece) const {
        out.push_back(static_cast<std::uint8_t>(Kind::piece));
        put(out, piece.octets);
    }
    void operator()(const Copied& copied) const {
        out.push_back(static_cast<std::uint8_t>(Kind::copied));
        put(out, copied.digest);
    }
    void operator()(const Beat&) const { out.push_back(static_cast<std::uint8_t>(Kind::beat)); }
};

std::optional<Message> read_hello(ByteView body) {
    if (body.size() < 2 || body[0] != version || body[1] == 0 || body[1] > limits::pair_name_octets)
        return std::nullopt;
    const std::size_t size = body[1];
    body = body.subspan(2);
    if (body.size() < size)
        return std::nullopt;
    Hello hello{std::string{as_text(body.first(size))}};
    body = body.subspan(size);
    if (body.empty())
        return hello;
    auto& place = hello.place.emplace();
    if (body.size() != 8 + place.hash.size())
        return std::nullopt;
    place.number = number(body.first(8));
    std::ranges::copy(body.subspan(8), place.hash.begin());
    return hello;
}

std::optional<Message> read(Kind kind, ByteView body) {
    switch (kind) {
        case Kind::hello:
            return read_hello(body);
        case Kind::record:
            if (body.size() <= 8 || body.size() > 8 + limits::record_octets)
                return std::nullopt;
            return Record{{number(body.first(8)), {body.begin() + 8, body.end()}}};
        case Kind::done:
            return body.size() == 8 ? std::optional<Message>{Done{number(body)}} : std::nullopt;
        case Kind::piece:
            if (body.empty() || body.size() > limits::pair_piece_octets)
                return std::nullopt;
            return Piece{{body.begin(), body.end()}};
        case Kind::copied: {
            Copied copied;
            if (body.size() != copied.digest.size())
                return std::nullopt;
            std::ranges::copy(body, copied.digest.begin());
            return copied;
        }
        case Kind::beat:
            return body.empty() ? std::optional<Message>{Beat{}} : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

Bytes encode(const Message& message) {
    Bytes out;
    out.reserve(64);  // g++ 12 sees a false overflow in a vector that grows from nothing
    put_number(out, 0, length_octets);
    std::visit(Body{out}, message);
    const std::size_t length = out.size() - length_octets;
    for (std::size_t i = 0; i < length_octets; ++i)
        out[i] = static_cast<std::uint8_t>(length >> (8 * (length_octets - 1 - i)) & 0xff);
    return out;
}

Result<std::optional<Message>> take_message(ByteView& buffer) {
    if (buffer.size() < length_octets)
        return std::nullopt;
    const std::uint64_t length = number(buffer.first(length_octets));
    if (length == 0 || length > limits::pair_message_octets)
        return fail("the other signer: a message of a length that there is not");
    if (buffer.size() < length_octets + length)
        return std::nullopt;
    const ByteView body = buffer.subspan(length_octets + 1, length - 1);
    auto message = read(static_cast<Kind>(buffer[length_octets]), body);
    if (!message)
        return fail("the other signer: a message that there is not");
    buffer = buffer.subspan(length_octets + length);
    return message;
}

}  // namespace eightbells::pair
