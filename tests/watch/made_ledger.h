#ifndef EIGHTBELLS_TESTS_WATCH_MADE_LEDGER_H
#define EIGHTBELLS_TESTS_WATCH_MADE_LEDGER_H

#include <boost/test/unit_test.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "responder/watch/outage_ledger.h"
#include "tests/cache/temporary_folder.h"

namespace eightbells::watch::test {

using namespace std::chrono_literals;

inline const UtcTime begin = from_unix(1'790'000'000);  // 2026-09-21T14:13:20Z, a Monday
inline constexpr seconds hold{130};

template <class T>
T need(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    return std::move(*result);
}
inline void need(const eightbells::Status& status) {
    if (!status)
        throw std::runtime_error(status.error().message);
}

inline std::unique_ptr<OutageLedger> open(const std::filesystem::path& folder, UtcTime now = begin,
                                          std::vector<std::filesystem::path> anchors = {},
                                          std::string watch = "north") {
    return need(OutageLedger::open({folder, std::move(watch), std::move(anchors)}, ManualClock(now)));
}

inline Observation saw(UtcTime time, Cause cause = Cause::none) {
    if (cause == Cause::none)
        return {time, cause, "", {}};
    const ByteView bytes = as_bytes(to_string(cause));
    return {time, cause, "what it was", Bytes(bytes.begin(), bytes.end())};
}

}  // namespace eightbells::watch::test

#endif
