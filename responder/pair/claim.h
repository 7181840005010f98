#ifndef EIGHTBELLS_RESPONDER_PAIR_CLAIM_H
#define EIGHTBELLS_RESPONDER_PAIR_CLAIM_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace eightbells::pair {

// What the lease says: which of two signers leads. It stands in the store as a line of six words,
// "amsterdam 90a1b2c3d4e5f607 12 17 both held".
struct Claim {
    std::string holder;       // its signer.pair.name: [a-z0-9-]{1,32}
    std::string term;         // of this leadership: 16 random hex digits
    std::uint64_t epoch = 0;  // above that of every claim before; no holder has published under a higher one
    std::uint64_t beat = 0;   // rises with every renewal: what does not change is not held any more
    bool alone = false;  // "alone": the holder has acknowledged what the other one may not have; else "both"
    bool over = false;   // "over": given up in good order; else "held"
    friend bool operator==(const Claim&, const Claim&) = default;
};

std::string to_text(const Claim& claim);
// Exactly that form.
std::optional<Claim> claim_from_text(std::string_view text);

}  // namespace eightbells::pair

#endif
