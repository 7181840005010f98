#ifndef EIGHTBELLS_TESTS_CONFIG_FIXTURE_H
#define EIGHTBELLS_TESTS_CONFIG_FIXTURE_H

#include <string>
#include <string_view>
#include <vector>

#include "responder/config/config.h"

namespace eightbells::config::testing {

// One file and the one mistake (or warning) that it must bring: exact line and field, and a part of the
// message. An empty field means a mistake of the file as a whole.
struct BadFile {
    std::string_view claim;
    std::string_view text;
    std::uint32_t line;
    std::string_view field;
    std::string_view message;
};

inline std::string listing(const std::vector<Mistake>& mistakes) {
    std::string text;
    for (const Mistake& mistake : mistakes)
        text += "\n  " + mistake.to_string();
    return text.empty() ? "\n  (none)" : text;
}

inline Loaded load_example_text(std::string_view text) {
    return load_text(text, "/etc/eightbells/eightbells.toml");
}

}  // namespace eightbells::config::testing

#endif
