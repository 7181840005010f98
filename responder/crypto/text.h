#ifndef EIGHTBELLS_RESPONDER_CRYPTO_TEXT_H
#define EIGHTBELLS_RESPONDER_CRYPTO_TEXT_H

#include <string>

#include "responder/base/bytes.h"

namespace eightbells::crypto {

// The content octets of an OBJECT IDENTIFIER as "1.2.840.113549"; in hexadecimal after "oid:" when they are
// not one. For messages.
std::string oid_text(ByteView content);

// A DER Name as RFC 4514 writes it ("CN=Example CA,O=Example,C=NL"), for messages only: names are compared as
// bytes. Unprintable octets are escaped, so that a name cannot forge a log line.
std::string name_text(ByteView name);

}  // namespace eightbells::crypto

#endif
