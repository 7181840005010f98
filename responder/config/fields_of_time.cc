#include <fmt/format.h>

#include "responder/config/fields.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

constexpr std::string_view duration_instead = R"(a duration such as "24h", "10m" or "90s", or whole seconds)";

UtcTime from_toml(const toml::date& date, const toml::time& time) {
    const std::chrono::year_month_day day{std::chrono::year{date.year}, std::chrono::month{date.month},
                                          std::chrono::day{date.day}};
    return std::chrono::sys_days{day} + std::chrono::hours{time.hour} + std::chrono::minutes{time.minute} +
           seconds{time.second};
}

}  // namespace

bool Fields::duration(std::string_view field, seconds& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return false;
    if (const auto* number = node->as_integer()) {
        if (number->get() < 0 || number->get() > limits::duration_max.count()) {
            report_.mistake(full(field),
                            fmt::format("{} is out of range; write {}", number->get(), duration_instead));
            return false;
        }
        value = seconds{number->get()};
        return true;
    }
    const auto text = clean_text(full(field), *node, duration_instead);
    if (!text)
        return false;
    const Result<seconds> parsed = parse_duration(*text);
    if (!parsed) {
        report_.mistake(full(field), parsed.error().message);
        return false;
    }
    value = *parsed;
    return true;
}

bool Fields::duration_or_off(std::string_view field, std::optional<seconds>& value) {
    const toml::node* node = table_ == nullptr ? nullptr : table_->get(field);
    if (node != nullptr && node->is_string() && node->as_string()->get() == "off") {
        report_.know(full(field));
        find(field);
        value.reset();
        return true;
    }
    seconds taken{0};
    if (!duration(field, taken))
        return false;
    value = taken;
    return true;
}

bool Fields::milliseconds(std::string_view field, std::chrono::milliseconds& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return false;
    const auto instead = R"(a duration such as "500ms" or "1s")";
    const auto text = clean_text(full(field), *node, instead);
    if (!text)
        return false;
    const bool in_milliseconds = text->ends_with("ms");
    const Result<seconds> parsed =
        parse_duration(in_milliseconds ? text->substr(0, text->size() - 2) + "s" : *text);
    if (!parsed) {
        report_.mistake(full(field), fmt::format("\"{}\" is not a duration; write {}", *text, instead));
        return false;
    }
    value = in_milliseconds ? std::chrono::milliseconds{parsed->count()} : std::chrono::milliseconds{*parsed};
    return true;
}

bool Fields::time(std::string_view field, std::optional<UtcTime>& value) {
    report_.know(full(field));
    const toml::node* node = find(field);
    if (node == nullptr)
        return false;
    const auto instead = R"(a time in UTC such as "2026-11-22T06:40:00Z")";
    if (const auto* date = node->as_date()) {
        value = from_toml(date->get(), {});
        return true;
    }
    if (const auto* moment = node->as_date_time();
        moment != nullptr && moment->get().offset && moment->get().offset->minutes == 0) {
        value = from_toml(moment->get().date, moment->get().time);
        return true;
    }
    const auto text = clean_text(full(field), *node, instead);
    if (!text)
        return false;
    if (text->empty()) {
        value.reset();
        return true;
    }
    const Result<UtcTime> parsed = from_iso8601(*text);
    if (!parsed) {
        report_.mistake(full(field), fmt::format("\"{}\" is not a time; write {}", *text, instead));
        return false;
    }
    value = *parsed;
    return true;
}

}  // namespace eightbells::config
