#ifndef EIGHTBELLS_TESTS_CONFORMANCE_LATER_H
#define EIGHTBELLS_TESTS_CONFORMANCE_LATER_H

#include <ostream>

namespace eightbells::conformance {

// What a test says beside a condition that is waited for. Boost's macros take their message before they look
// at the condition, so that a log given to them ends where the wait began; this is made when it is printed.
template <class Make>
struct Later {
    Make make;
    friend std::ostream& operator<<(std::ostream& out, const Later& later) { return out << later.make(); }
};
template <class Make>
Later(Make) -> Later<Make>;

}  // namespace eightbells::conformance

#endif
