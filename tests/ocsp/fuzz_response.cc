// Oracle of parse_response: what is accepted, encoded anew from the parsed fields alone, gives the same
// octets. So nothing that is accepted goes unread, and only one spelling is.

#include <cstdlib>

#include "responder/ocsp/limits.h"
#include "responder/ocsp/response.h"

namespace {

using namespace eightbells;
using Buffer = std::array<std::uint8_t, limits::answer_octets>;

ByteView encode_again(const ocsp::ParsedResponse& parsed, Buffer& data_buffer, Buffer& buffer) {
    std::vector<ocsp::LiveSingle> singles;
    for (const ocsp::ParsedSingle& single : parsed.singles)
        singles.push_back({single.cert_id.tlv, single.unknown, single.status, single.this_update,
                           single.next_update, single.extensions});
    const ByteView data = ocsp::encode_live_response_data(
        parsed.responder_key_hash.first<20>(), parsed.produced_at, singles, parsed.nonce, data_buffer);
    const ByteView certificate = parsed.certificates.empty() ? ByteView{} : parsed.certificates[0];
    return ocsp::encode_signed_response(data, parsed.signature_algorithm, parsed.signature, certificate,
                                        buffer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView der{bytes, size};
    const auto parsed = ocsp::parse_response(der);
    if (!parsed) {
        if (parsed.error().message.empty())
            std::abort();
        return 0;
    }
    if (parsed->status != ocsp::ResponseStatus::successful) {
        if (!equal(ocsp::encode_error(parsed->status), der))
            std::abort();
        return 0;
    }
    Buffer data_buffer;
    Buffer buffer;
    if (!equal(encode_again(*parsed, data_buffer, buffer), der))
        std::abort();
    return 0;
}
