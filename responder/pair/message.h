#ifndef EIGHTBELLS_RESPONDER_PAIR_MESSAGE_H
#define EIGHTBELLS_RESPONDER_PAIR_MESSAGE_H

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "responder/base/bytes.h"
#include "responder/ledger/journal.h"

// What two signers say to one another. The one that follows connects, says Hello, and then Done for what it
// has made durable; the one that leads sends Records, or, where they do not reach back so far, a whole ledger
// in Pieces and Copied. Both say Beat.
namespace eightbells::pair {

struct Hello {
    std::string name;                               // signer.pair.name
    std::optional<ledger::Journal::Place> place{};  // where its ledger stands; absent: it wants a copy
    friend bool operator==(const Hello&, const Hello&) = default;
};
struct Record {
    ledger::Journal::Record record;
    friend bool operator==(const Record& a, const Record& b) {
        return a.record.number == b.record.number && a.record.changes == b.record.changes;
    }
};
struct Done {
    std::uint64_t number = 0;  // every record up to this one is durable
    friend bool operator==(const Done&, const Done&) = default;
};
struct Piece {
    Bytes octets;  // 1 to limits::pair_piece_octets
    friend bool operator==(const Piece&, const Piece&) = default;
};
struct Copied {
    crypto::Sha256Digest digest{};  // of all pieces
    friend bool operator==(const Copied&, const Copied&) = default;
};
struct Beat {
    friend bool operator==(const Beat&, const Beat&) = default;
};
using Message = std::variant<Hello, Record, Done, Piece, Copied, Beat>;

// The frame: 4 octets of length (big-endian), a kind, and the message. REQUIRES: inside its bounds.
Bytes encode(const Message& message);
// The first whole frame in `buffer`, which is shortened by it, and only then. An error is a broken peer.
Result<std::optional<Message>> take_message(ByteView& buffer);

}  // namespace eightbells::pair

#endif
