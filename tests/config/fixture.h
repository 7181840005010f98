#ifndef EIGHTBELLS_TESTS_CONFIG_FIXTURE_H
#define EIGHTBELLS_TESTS_CONFIG_FIXTURE_H

#include <boost/test/unit_test.hpp>
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

// The mistake, to be looked at further.
inline Mistake check_one(const BadFile& bad) {
    const Loaded loaded = load_example_text(bad.text);
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, bad.claim << listing(loaded.mistakes));
    const Mistake& mistake = loaded.mistakes.front();
    BOOST_TEST(mistake.line == bad.line, bad.claim << listing(loaded.mistakes));
    BOOST_TEST(mistake.field == bad.field, bad.claim << listing(loaded.mistakes));
    BOOST_TEST((mistake.message.find(bad.message) != std::string::npos),
               bad.claim << listing(loaded.mistakes));
    return mistake;
}

}  // namespace eightbells::config::testing

#endif
