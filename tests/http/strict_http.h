#ifndef EIGHTBELLS_TESTS_HTTP_STRICT_HTTP_H
#define EIGHTBELLS_TESTS_HTTP_STRICT_HTTP_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace eightbells::http::test {

// A second reading of RFC 9112, written apart from the connection's own and without its parser: whole strings
// cut at line ends instead of a machine fed with octets. It knows nothing of splitting, buffers or time.
struct StrictLimits {
    std::size_t target = 0;
    std::size_t headers = 0;
    std::size_t body = 0;
};

struct Judgement {
    // What a handler should have seen, in order: "METHOD path\nbody".
    std::vector<std::string> accepted;
    // How many were answered without the handler and without closing: OPTIONS, 405, 417.
    std::size_t answered_aside = 0;
    enum class End {
        open,     // every octet was used, or more are needed
        refused,  // an error that closes
        closed    // the client asked for the end
    } end = End::open;
};

Judgement judge(std::string_view stream, const StrictLimits& limits);

}  // namespace eightbells::http::test

#endif
