#include "responder/config/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "responder/config/key_name.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "text";
        case toml::node_type::integer:
            return "a number";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "true or false";
        default:
            return "a date or time";
    }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view written, std::span<const std::string> names) {
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, written.size() / 3) + 1;
    for (const std::string& name : names) {
        // "password" for "password_file": a part of the name, spelled right.
        const bool part = written.size() >= 4 && (name.starts_with(written) || name.ends_with(written));
        const std::size_t distance = part ? 1 : edit_distance(written, name);
        if (distance < best_distance) {
            best_distance = distance;
            best = name;
        }
    }
    return best;
}

void Report::mistake(std::string field, std::string message) {
    const std::uint32_t line = loaded_.config.line_of(field);
    mistake_at(line, std::move(field), std::move(message));
}

void Report::mistake_at(std::uint32_t line, std::string field, std::string message) {
    loaded_.mistakes.push_back({loaded_.config.file.string(), line, std::move(field), std::move(message)});
}

void Report::warning(std::string field, std::string message) {
    loaded_.warnings.push_back(at_field(loaded_.config, std::move(field), std::move(message)));
}

bool Report::blames(std::string_view field) const {
    return std::ranges::find(loaded_.mistakes, field, &Mistake::field) != loaded_.mistakes.end();
}

void Report::know(const std::string& field) {
    known_.push_back(field);
    loaded_.config.lines.try_emplace(field, 0);
}

Fields::Fields(const toml::table* table, std::string name, std::filesystem::path folder, Report& report)
    : table_(table), name_(std::move(name)), folder_(std::move(folder)), report_(report) {}

std::string Fields::full(std::string_view field) const {
    return name_.empty() ? std::string(field) : fmt::format("{}.{}", name_, field);
}

const toml::node* Fields::find(std::string_view field) {
    asked_.emplace(field);
    const toml::node* node = table_ == nullptr ? nullptr : table_->get(field);
    if (node != nullptr)
        report_.place(full(field), line_of_node(*node));
    return node;
}

void Fields::wrong_type(std::string_view field, const toml::node& node, std::string_view instead) {
    report_.mistake_at(line_of_node(node), std::string(field),
                       fmt::format("is {}; write {}", type_name(node), instead));
}

Fields Fields::table(std::string_view field) {
    const toml::node* node = find(field);
    const toml::table* inside = node == nullptr ? nullptr : node->as_table();
    if (node != nullptr && inside == nullptr)
        wrong_type(full(field), *node, fmt::format("a table: [{}]", full(field)));
    return {inside, full(field), folder_, report_};
}

std::vector<Fields> Fields::tables(std::string_view field, std::size_t at_most) {
    std::vector<Fields> result;
    const toml::node* node = find(field);
    if (node == nullptr)
        return result;
    const toml::array* list = node->as_array();
    if (list == nullptr) {
        wrong_type(full(field), *node, fmt::format("[[{}]], with two brackets, before each", full(field)));
        return result;
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string name = fmt::format("{}[{}]", full(field), i);
        const toml::node& element = *list->get(i);
        report_.place(name, line_of_node(element));
        if (i == at_most) {
            report_.mistake(name,
                            fmt::format("is one more than the {} that are accepted; take it out", at_most));
            break;
        }
        if (element.is_table())
            result.emplace_back(element.as_table(), name, folder_, report_);
        else
            wrong_type(name, element, fmt::format("[[{}]] before each", full(field)));
    }
    return result;
}

std::optional<std::string> Fields::clean_text(const std::string& field, const toml::node& node,
                                              std::string_view instead) {
    const auto* text = node.as_string();
    if (text == nullptr) {
        wrong_type(field, node, instead);
        return std::nullopt;
    }
    // A control character in a path or a name is never meant, and would break log lines and HELP texts.
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(text->get(), control)) {
        report_.mistake_at(line_of_node(node), field,
                           fmt::format("holds a control character; write {}", instead));
        return std::nullopt;
    }
    return text->get();
}

std::optional<std::filesystem::path> Fields::clean_path(const std::string& field, const toml::node& node) {
    const std::optional<std::string> text = clean_text(field, node, "a path in quotes");
    if (!text)
        return std::nullopt;
    return text->empty() ? std::filesystem::path() : (folder_ / *text).lexically_normal();
}

bool Fields::text(std::string_view field, std::string& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    const auto text = node == nullptr ? std::nullopt : clean_text(full(field), *node, "text in quotes");
    if (text)
        value = *text;
    return text.has_value();
}

bool Fields::path(std::string_view field, std::filesystem::path& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    const auto path = node == nullptr ? std::nullopt : clean_path(full(field), *node);
    if (path)
        value = *path;
    return path.has_value();
}

bool Fields::key(std::string_view field, std::filesystem::path& value) {
    const toml::node* node = find(field);
    const auto* text = node == nullptr ? nullptr : node->as_string();
    if (text == nullptr || !names_token(text->get()))
        return path(field, value);
    report_.know(full(field));
    if (text->get().find("pin-value") != std::string::npos ||
        text->get().find("pin-source") != std::string::npos) {
        report_.mistake(full(field), "has a PIN; write the path of a file with it into " + full(field) +
                                         "_passphrase and take pin-value or pin-source out");
        return false;
    }
    value = text->get();
    return true;
}

bool Fields::flag(std::string_view field, bool& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return false;
    if (!node->is_boolean()) {
        wrong_type(full(field), *node, "true or false, without quotes");
        return false;
    }
    value = node->as_boolean()->get();
    return true;
}

bool Fields::number(std::string_view field, std::uint32_t at_least, std::uint32_t at_most,
                    std::uint32_t& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return false;
    const std::string instead = fmt::format("a whole number from {} to {}", at_least, at_most);
    if (!node->is_integer()) {
        wrong_type(full(field), *node, instead);
        return false;
    }
    const std::int64_t written = node->as_integer()->get();
    if (written < at_least || written > at_most) {
        report_.mistake(full(field), fmt::format("{} is out of range; write {}", written, instead));
        return false;
    }
    value = static_cast<std::uint32_t>(written);
    return true;
}

const toml::array* Fields::array(std::string_view field, std::string_view instead) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return nullptr;
    if (!node->is_array()) {
        wrong_type(full(field), *node, instead);
        return nullptr;
    }
    const toml::array* list = node->as_array();
    if (list->size() > limits::config_list_entries) {
        report_.mistake(full(field), fmt::format("has {} entries; write at most {}", list->size(),
                                                 limits::config_list_entries));
        return nullptr;
    }
    for (std::size_t i = 0; i < list->size(); ++i)
        report_.place(fmt::format("{}[{}]", full(field), i), line_of_node(*list->get(i)));
    return list;
}

bool Fields::texts(std::string_view field, std::vector<std::string>& value) {
    const toml::array* list = array(field, R"(a list of texts: ["...", "..."])");
    if (list == nullptr)
        return false;
    std::vector<std::string> taken;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const auto text = clean_text(fmt::format("{}[{}]", full(field), i), *list->get(i), "text in quotes");
        if (!text)
            return false;
        taken.push_back(*text);
    }
    value = std::move(taken);
    return true;
}

bool Fields::paths(std::string_view field, std::vector<std::filesystem::path>& value) {
    const toml::array* list = array(field, R"(a list of paths: ["...", "..."])");
    if (list == nullptr)
        return false;
    std::vector<std::filesystem::path> taken;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string name = fmt::format("{}[{}]", full(field), i);
        const auto path = clean_path(name, *list->get(i));
        if (!path)
            return false;
        if (path->empty()) {
            report_.mistake(name, "is empty; write a path or take it out");
            return false;
        }
        taken.push_back(*path);
    }
    value = std::move(taken);
    return true;
}

bool Fields::numbers(std::string_view field, std::vector<std::uint32_t>& value) {
    const toml::array* list = array(field, "a list of numbers: [1000, 1001]");
    if (list == nullptr)
        return false;
    std::vector<std::uint32_t> taken;
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string name = fmt::format("{}[{}]", full(field), i);
        const auto* number = list->get(i)->as_integer();
        // 4294967295 is "no user" to the kernel.
        if (number == nullptr || number->get() < 0 || number->get() >= 0xffffffff) {
            report_.mistake(name, "is not a user id; write a whole number from 0 to 4294967294");
            return false;
        }
        taken.push_back(static_cast<std::uint32_t>(number->get()));
    }
    value = std::move(taken);
    return true;
}

std::optional<std::size_t> Fields::choose(std::string_view field, std::span<const std::string_view> names) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return std::nullopt;
    const std::string instead = fmt::format("\"{}\"", fmt::join(names, "\" or \""));
    const auto text = clean_text(full(field), *node, instead);
    if (!text)
        return std::nullopt;
    const auto found = std::ranges::find(names, *text);
    if (found == names.end()) {
        report_.mistake(full(field), fmt::format("\"{}\" is not known; write {}", *text, instead));
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - names.begin());
}

void Fields::leave() {
    if (table_ == nullptr)
        return;
    for (const auto& [key, node] : *table_) {
        if (!asked_.contains(key.str()))
            report_.unknown(full(key.str()), static_cast<std::uint32_t>(key.source().begin.line));
    }
}

}  // namespace eightbells::config
