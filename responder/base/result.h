#ifndef EIGHTBELLS_RESPONDER_BASE_RESULT_H
#define EIGHTBELLS_RESPONDER_BASE_RESULT_H

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace eightbells {

// A failure that an operator will read. The message names the field and the place ("index.txt:17: serial:
// ..."). Code never branches on the text; where a caller must branch, the function returns an enum of its own
// instead.
struct Error {
    std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(std::string message) {
    return tl::unexpected<Error>(Error{std::move(message)});
}

// The same failure seen from one step further out: "reading demo.toml: <what it was>".
inline tl::unexpected<Error> fail(std::string context, const Error& cause) {
    return tl::unexpected<Error>(Error{std::move(context) + ": " + cause.message});
}

}  // namespace eightbells

#endif
