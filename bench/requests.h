#ifndef EIGHTBELLS_BENCH_REQUESTS_H
#define EIGHTBELLS_BENCH_REQUESTS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eightbells::bench {

// One HTTP request as it goes on the wire, and octets that the body of its answer must contain (the serial;
// empty: nothing is asked of it).
struct Request {
    std::string_view wire;
    std::string_view expected;
};

// The requests of one run, one file: for each two lengths (32 bits, little-endian), the request, the expected
// octets.
class Requests {
  public:
    // Throws std::runtime_error with the file's name and the place.
    explicit Requests(const std::string& file);
    const std::vector<Request>& all() const noexcept { return all_; }

  private:
    std::string bytes_;
    std::vector<Request> all_;
};

}  // namespace eightbells::bench

#endif
