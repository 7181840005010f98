#ifndef EIGHTBELLS_RESPONDER_CRL_OCTETS_H
#define EIGHTBELLS_RESPONDER_CRL_OCTETS_H

#include <filesystem>
#include <memory>

#include "responder/base/mapped_file.h"
#include "responder/crypto/pem.h"

namespace eightbells::crl {

// A CRL's octets in a file that is ours alone: it may be hundreds of megabytes, and is mapped rather than
// read.
using Octets = std::shared_ptr<const MappedFile>;

// A copy of a file into one without a name in `scratch`. Somebody else may be writing the file: one that
// changes while it is copied is an error ("is being written"). At most limits::crl_octets.
Result<Octets> copy_crl(const std::filesystem::path& file, const std::filesystem::path& scratch);

// The DER of one CRL in DER or PEM (text around the block is passed over; a second block is refused). DER
// stays where it is; whether it really is DER is for parse_crl to find out. What PEM holds is written to a
// file without a name in `scratch`, piece by piece.
Result<Octets> der_of(Octets octets, const std::filesystem::path& scratch);

// Hands out the content of the PEM block, in pieces; false: the octets begin as DER does, and nothing was.
// What is neither is an error that says what it looks like.
Result<bool> decode_crl_pem(ByteView octets, const crypto::TakeOctets& take);

}  // namespace eightbells::crl

#endif
