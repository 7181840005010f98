#ifndef EIGHTBELLS_RESPONDER_CONFIG_FIELDS_H
#define EIGHTBELLS_RESPONDER_CONFIG_FIELDS_H

#include <toml++/toml.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "responder/config/config.h"

namespace eightbells::config {

// Where mistakes are gathered while a file is read. Names are dotted; their lines come from Config::lines.
class Report {
  public:
    // `loaded` is not owned and must outlive the report.
    explicit Report(Loaded& loaded) : loaded_(loaded) {}

    void mistake(std::string field, std::string message);
    void mistake_at(std::uint32_t line, std::string field, std::string message);
    void warning(std::string field, std::string message);
    bool blames(std::string_view field) const;  // a mistake is already on it
    void place(std::string field, std::uint32_t line) { loaded_.config.lines[std::move(field)] = line; }
    // A field that the programs know, in the order in which they are read.
    void know(const std::string& field);
    // A key that stands in the file and that nobody knows; judged when all known ones have been seen.
    void unknown(std::string field, std::uint32_t line) { unknown_.emplace_back(std::move(field), line); }

    const std::vector<std::string>& known() const { return known_; }
    const std::vector<std::pair<std::string, std::uint32_t>>& unknowns() const { return unknown_; }

  private:
    Loaded& loaded_;
    std::vector<std::string> known_;
    std::vector<std::pair<std::string, std::uint32_t>> unknown_;
};

// One table of the file, read field by field. Each reader leaves `value` as it is when the field is absent or
// wrong, and returns whether it took one. What was never asked for is unknown: leave() says so.
class Fields {
  public:
    // `table` may be null: nothing is set. `name` is dotted, empty for the file itself. Nothing is owned.
    Fields(const toml::table* table, std::string name, std::filesystem::path folder, Report& report);

    // A table inside, by its field name; null inside where the file has none.
    Fields table(std::string_view field);
    // An array of tables, one Fields an element.
    std::vector<Fields> tables(std::string_view field, std::size_t at_most);

    bool text(std::string_view field, std::string& value);
    bool path(std::string_view field, std::filesystem::path& value);  // relative: from the folder
    // A file as with path(), or the RFC 7512 URI of a key in a token as it is written, without its PIN.
    bool key(std::string_view field, std::filesystem::path& value);
    bool flag(std::string_view field, bool& value);
    bool number(std::string_view field, std::uint32_t at_least, std::uint32_t at_most, std::uint32_t& value);
    bool duration(std::string_view field, seconds& value);
    bool duration_or_off(std::string_view field, std::optional<seconds>& value);
    bool milliseconds(std::string_view field, std::chrono::milliseconds& value);
    bool time(std::string_view field, std::optional<UtcTime>& value);  // "": none
    bool texts(std::string_view field, std::vector<std::string>& value);
    bool paths(std::string_view field, std::vector<std::filesystem::path>& value);
    bool numbers(std::string_view field, std::vector<std::uint32_t>& value);

    template <class Enum>
    bool choice(std::string_view field, std::span<const std::pair<std::string_view, Enum>> choices,
                Enum& value) {
        std::vector<std::string_view> names;
        for (const auto& [name, meaning] : choices)
            names.push_back(name);
        const std::optional<std::size_t> index = choose(field, names);
        if (index)
            value = choices[*index].second;
        return index.has_value();
    }

    void leave();
    std::string full(std::string_view field) const;

  private:
    const toml::node* find(std::string_view field);
    void wrong_type(std::string_view field, const toml::node& node, std::string_view instead);
    std::optional<std::size_t> choose(std::string_view field, std::span<const std::string_view> names);
    std::optional<std::string> clean_text(const std::string& field, const toml::node& node,
                                          std::string_view instead);
    std::optional<std::filesystem::path> clean_path(const std::string& field, const toml::node& node);
    const toml::array* array(std::string_view field, std::string_view instead);

    const toml::table* table_;
    std::string name_;
    std::filesystem::path folder_;
    Report& report_;
    std::set<std::string, std::less<>> asked_;
};

inline std::uint32_t line_of_node(const toml::node& node) {
    return static_cast<std::uint32_t>(node.source().begin.line);
}

// The name among `names` that a writer most probably meant; empty when none is near.
std::string_view nearest(std::string_view written, std::span<const std::string> names);

}  // namespace eightbells::config

#endif
