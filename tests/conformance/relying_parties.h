#ifndef EIGHTBELLS_TESTS_CONFORMANCE_RELYING_PARTIES_H
#define EIGHTBELLS_TESTS_CONFORMANCE_RELYING_PARTIES_H

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/world.h"

namespace eightbells::conformance {

// What they got; see relying_parties.py for the words.
struct Account {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
    std::uint64_t wrong = 0;
    std::uint64_t expired = 0;
    std::string first;
    bool flawless() const noexcept { return sent > 0 && failed + wrong + expired == 0; }
    friend std::ostream& operator<<(std::ostream& out, const Account& account);
};

// Relying parties that go on asking in a process of their own while a test does what it does, and judge every
// answer with Python's cryptography.
class RelyingParties {
  public:
    // `certificates`: the name of each and what may be said of it, "good", "revoked" or "good>revoked".
    RelyingParties(const World& world, const Authority& authority,
                   const std::vector<std::pair<std::string, std::string>>& certificates,
                   std::size_t fronts = 1);
    ~RelyingParties() = default;
    RelyingParties(const RelyingParties&) = delete;
    RelyingParties& operator=(const RelyingParties&) = delete;

    Account stop();

  private:
    Program program_;
};

}  // namespace eightbells::conformance

#endif
