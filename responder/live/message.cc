#include "responder/live/message.h"

#include <algorithm>
#include <string>

#include "responder/live/limits.h"
#include "responder/ocsp/limits.h"

namespace eightbells::live {

namespace {

// After the frame's length: kind, id, and then
//   call:  issuer (1 octet of length), number of CertIDs (1), each CertID (2 octets of length),
//          nonce (1 octet of length, 0: none)
//   reply: verdict (1), the response up to the frame's end
// All numbers big-endian.
constexpr std::size_t frame_length_octets = 4;
constexpr std::uint8_t call_kind = 1;
constexpr std::uint8_t reply_kind = 2;

static_assert(limits::live_issuer_octets < 0x100 && limits::cert_ids_per_request < 0x100 &&
              limits::nonce_octets < 0x100 && limits::request_octets < 0x10000);

void put(Bytes& out, std::uint64_t value, unsigned octets) {
    for (unsigned shift = 8 * octets; shift > 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> (shift - 8) & 0xff));
}

void put(Bytes& out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::uint64_t number(ByteView octets) noexcept {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : octets)
        value = value << 8 | octet;
    return value;
}

Bytes begin(std::uint8_t kind, std::uint64_t id) {
    Bytes out;
    out.reserve(64);  // most messages; and g++ 12 sees a false overflow in a vector that grows from 4 octets
    put(out, 0, frame_length_octets);
    out.push_back(kind);
    put(out, id, 8);
    return out;
}

void finish(Bytes& out) {
    const std::size_t length = out.size() - frame_length_octets;
    for (std::size_t i = 0; i < frame_length_octets; ++i)
        out[i] = static_cast<std::uint8_t>(length >> (8 * (frame_length_octets - 1 - i)) & 0xff);
}

// Takes octets from the front of a message; what is not there is nullopt.
class Cursor {
  public:
    explicit Cursor(ByteView rest) : rest_(rest) {}
    bool empty() const noexcept { return rest_.empty(); }
    ByteView rest() const noexcept { return rest_; }
    std::optional<ByteView> take(std::size_t octets) noexcept {
        if (octets > rest_.size())
            return std::nullopt;
        const ByteView taken = rest_.first(octets);
        rest_ = rest_.subspan(octets);
        return taken;
    }
    std::optional<std::uint64_t> take_number(std::size_t octets) noexcept {
        const auto taken = take(octets);
        return taken ? std::optional{number(*taken)} : std::nullopt;
    }
    // A length of so many octets and then the bytes.
    std::optional<ByteView> take_counted(std::size_t length_octets) noexcept {
        const auto length = take_number(length_octets);
        return length ? take(*length) : std::nullopt;
    }

  private:
    ByteView rest_;
};

// The message in the first frame; nullopt: more bytes are to come. A length that no message has is refused
// before its bytes are waited for.
Result<std::optional<ByteView>> take_frame(ByteView& buffer, std::size_t max_octets) {
    Cursor cursor{buffer};
    const auto length = cursor.take_number(frame_length_octets);
    if (!length)
        return std::nullopt;
    if (*length > max_octets)
        return fail("frame: " + std::to_string(*length) + " octets, at most " + std::to_string(max_octets) +
                    " are allowed");
    const auto message = cursor.take(*length);
    if (message)
        buffer = cursor.rest();
    return message;
}

Result<Call> parse_call(ByteView message) {
    Cursor cursor{message};
    if (cursor.take_number(1) != call_kind)
        return fail("call: kind: not a call");
    Call call;
    const auto id = cursor.take_number(8);
    const auto issuer = cursor.take_counted(1);
    if (!id || !issuer || issuer->empty() || issuer->size() > limits::live_issuer_octets)
        return fail("call: issuer: missing, empty or too long");
    call.id = *id;
    call.issuer = as_text(*issuer);
    const auto count = cursor.take_number(1);
    if (!count || *count == 0 || *count > limits::cert_ids_per_request)
        return fail("call: cert_ids: not 1 to " + std::to_string(limits::cert_ids_per_request));
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto cert_id = cursor.take_counted(2);
        if (!cert_id || !ocsp::parse_cert_id(*cert_id))
            return fail("call: cert_ids[" + std::to_string(i) + "]: not a CertID");
        call.cert_ids.emplace_back(cert_id->begin(), cert_id->end());
    }
    const auto nonce = cursor.take_counted(1);
    if (!nonce || nonce->size() > limits::nonce_octets)
        return fail("call: nonce: cut short or too long");
    if (!nonce->empty())
        call.nonce = Bytes(nonce->begin(), nonce->end());
    if (!cursor.empty())
        return fail("call: bytes behind the nonce");
    return call;
}

Result<Reply> parse_reply(ByteView message) {
    Cursor cursor{message};
    if (cursor.take_number(1) != reply_kind)
        return fail("reply: kind: not a reply");
    const auto id = cursor.take_number(8);
    const auto verdict = cursor.take_number(1);
    if (!id || !verdict || *verdict > static_cast<std::uint8_t>(Verdict::failed))
        return fail("reply: verdict: missing or unknown");
    Reply reply;
    reply.id = *id;
    reply.verdict = static_cast<Verdict>(*verdict);
    reply.response.assign(cursor.rest().begin(), cursor.rest().end());
    if (reply.response.empty() == (reply.verdict == Verdict::signed_answer))
        return fail("reply: response: there without a signature, or missing");
    return reply;
}

template <class Message>
Result<std::optional<Message>> take(ByteView& buffer, std::size_t max_octets,
                                    Result<Message> (*parse)(ByteView)) {
    ByteView rest = buffer;
    const auto frame = take_frame(rest, max_octets);
    if (!frame)
        return tl::unexpected(frame.error());
    if (!*frame)
        return std::nullopt;
    auto message = parse(**frame);
    if (!message)
        return tl::unexpected(message.error());
    buffer = rest;
    return std::optional{std::move(*message)};
}

}  // namespace

Bytes encode(const Call& call) {
    const bool nonce_fits =
        !call.nonce || (!call.nonce->empty() && call.nonce->size() <= limits::nonce_octets);
    if (call.issuer.empty() || call.issuer.size() > limits::live_issuer_octets || call.cert_ids.empty() ||
        call.cert_ids.size() > limits::cert_ids_per_request || !nonce_fits)
        return {};
    Bytes out = begin(call_kind, call.id);
    put(out, call.issuer.size(), 1);
    put(out, as_bytes(call.issuer));
    put(out, call.cert_ids.size(), 1);
    for (const Bytes& cert_id : call.cert_ids) {
        if (!ocsp::parse_cert_id(cert_id) || cert_id.size() > limits::request_octets)
            return {};
        put(out, cert_id.size(), 2);
        put(out, cert_id);
    }
    put(out, call.nonce ? call.nonce->size() : 0, 1);
    if (call.nonce)
        put(out, *call.nonce);
    if (out.size() - frame_length_octets > limits::live_call_octets)
        return {};
    finish(out);
    return out;
}

Bytes encode(const Reply& reply) {
    const bool has_answer = !reply.response.empty();
    if (has_answer != (reply.verdict == Verdict::signed_answer) ||
        reply.response.size() > limits::answer_octets)
        return {};
    Bytes out = begin(reply_kind, reply.id);
    put(out, static_cast<std::uint8_t>(reply.verdict), 1);
    put(out, reply.response);
    finish(out);
    return out;
}

Result<std::optional<Call>> take_call(ByteView& buffer) {
    return take<Call>(buffer, limits::live_call_octets, parse_call);
}

Result<std::optional<Reply>> take_reply(ByteView& buffer) {
    return take<Reply>(buffer, limits::live_reply_octets, parse_reply);
}

}  // namespace eightbells::live
