#ifndef EIGHTBELLS_TESTS_CACHE_SAID_H
#define EIGHTBELLS_TESTS_CACHE_SAID_H

#include <string>
#include <string_view>

#include "responder/base/result.h"

// What errors and servers say, for tests to look into.
namespace eightbells::cache {

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

template <class T>
std::string error_of(const Result<T>& result) {
    return result ? "(no error)" : result.error().message;
}

}  // namespace eightbells::cache

#endif
