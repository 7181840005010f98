#include "bench/requests.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "bench/limits.h"

namespace eightbells::bench {

Requests::Requests(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    if (!in || bytes_.empty())
        throw std::runtime_error(file + ": cannot be read, or is empty");
    std::string_view rest = bytes_;
    const auto broken = [&] {
        return std::runtime_error(file + ": octet " + std::to_string(bytes_.size() - rest.size()) +
                                  ": not a request");
    };
    const auto length = [&] {
        std::size_t value = 0;
        for (std::size_t i = 0; i < 4; ++i)
            value |= std::size_t{static_cast<unsigned char>(rest[i])} << (8 * i);
        rest.remove_prefix(4);
        return value;
    };
    while (!rest.empty()) {
        if (rest.size() < 8)
            throw broken();
        const std::size_t wire = length();
        const std::size_t expected = length();
        if (wire == 0 || wire > limits::bench_request_octets || expected > wire ||
            wire + expected > rest.size() || all_.size() == limits::bench_requests)
            throw broken();
        all_.push_back({rest.substr(0, wire), rest.substr(wire, expected)});
        rest.remove_prefix(wire + expected);
    }
}

}  // namespace eightbells::bench
