#ifndef EIGHTBELLS_RESPONDER_CRYPTO_PEM_H
#define EIGHTBELLS_RESPONDER_CRYPTO_PEM_H

#include <functional>
#include <initializer_list>
#include <string_view>

#include "responder/base/bytes.h"
#include "responder/base/result.h"

namespace eightbells::crypto {

// True when the bytes begin as a DER SEQUENCE does and are not PEM text that happens to begin with the same
// character. What follows is not looked at.
bool looks_like_der(ByteView bytes, std::initializer_list<std::string_view> labels) noexcept;

// The content of the one PEM block (RFC 7468) that carries one of `labels` ("CERTIFICATE"). Text around it
// and blocks with other labels are passed over, as tools write both; a second block with such a label, none
// at all, or characters outside base64 are errors. White space between the base64 characters is allowed.
Result<Bytes> decode_pem(ByteView text, std::initializer_list<std::string_view> labels);
// The same for what should not lie in memory as a whole: pieces of limits::pem_piece_octets at most, in
// order. What is wrong may be found when some were handed out already.
using TakeOctets = std::function<Status(ByteView)>;
Status decode_pem(ByteView text, std::initializer_list<std::string_view> labels, const TakeOctets& take);

// True when a line of the text begins a PEM block with this label.
bool has_pem_block(ByteView text, std::string_view label) noexcept;

}  // namespace eightbells::crypto

#endif
