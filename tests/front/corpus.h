#ifndef EIGHTBELLS_TESTS_FRONT_CORPUS_H
#define EIGHTBELLS_TESTS_FRONT_CORPUS_H

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/front/world.h"

// Requests in every spelling that a GET may have, by a seeded generator.
namespace eightbells::front::test {

// Which octets of the encoded request are escaped, and how.
enum class Escapes { none, all_upper, all_lower, every_octet, mixed };

class Speller {
  public:
    explicit Speller(unsigned seed) : random_(seed) {}
    unsigned pick(std::size_t below) { return static_cast<unsigned>(random_() % below); }
    Bytes nonce();
    std::string spell(std::string_view data, Escapes escapes);

  private:
    std::mt19937 random_;
};

// Everything that a client or a cache goes by, as one text. `and_these`: further headers.
std::string what_matters(const Response& response, const std::vector<std::string>& and_these = {});

}  // namespace eightbells::front::test

#endif
