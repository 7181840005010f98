#ifndef EIGHTBELLS_RESPONDER_PAIR_LIMITS_H
#define EIGHTBELLS_RESPONDER_PAIR_LIMITS_H

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "responder/config/limits.h"
#include "responder/ledger/limits.h"

namespace eightbells::limits {

// The lease. It is renewed every second; who renews it counts on it until a second before the other may take
// it, which covers clocks of machines that run apart by a fifth, and Redis's answer that was under way. Five
// seconds bear four lost renewals and are the longest that nobody leads.
inline constexpr std::chrono::milliseconds lease_look{1000};
inline constexpr std::chrono::milliseconds lease_lasts{5000};
inline constexpr std::chrono::milliseconds lease_margin{1000};
// How long an event waits for the other signer, and then for the lease's word that this one may go on alone:
// an fsync takes milliseconds, a disk that stalls a second; a CA's connector waits longer than both.
inline constexpr std::chrono::milliseconds pair_confirmation{2000};
inline constexpr std::chrono::milliseconds pair_alone{2500};
// The first head under an epoch for that to stand in the lease: two exchanges with Redis, which may take a
// second each, and its replicas. Later it is tried again.
inline constexpr std::chrono::milliseconds lease_epoch{2500};
// For the store's replicas to have it, which takes them a millisecond. Then a look at once, with its renewal.
inline constexpr std::chrono::milliseconds lease_replicated{300};
// How far above the ledger's own an epoch in the lease is believed, which nobody has signed. A start takes
// one an issuer: that is ten thousand starts of a hundred issuers that the ledger missed; and of 2^63 epochs
// a lie uses up no more.
inline constexpr std::uint64_t epochs_believed = 1'000'000;
// The connection. A word a second from each side.
inline constexpr std::chrono::milliseconds pair_beat{1000};
inline constexpr std::chrono::milliseconds pair_heard{3000};  // the other is there if it spoke within this
// Replaying a record of 32 MiB takes some seconds, and nothing is said meanwhile.
inline constexpr std::chrono::seconds pair_silence{20};
inline constexpr std::chrono::milliseconds pair_handshake{1000};
inline constexpr std::chrono::milliseconds pair_reconnect{500};
inline constexpr int pair_backlog = 8;  // one other signer, that connects twice a second at most
inline constexpr std::chrono::milliseconds pair_turn{250};    // how soon an end is noticed
inline constexpr std::size_t pair_piece_octets = 256 * 1024;  // of a copied ledger
inline constexpr std::size_t pair_message_octets = record_octets + 64;
// Another signer's pages are copied from the store once a second; it costs a fetch of each head.
inline constexpr std::chrono::milliseconds pair_pages{1000};

}  // namespace eightbells::limits

#endif
