#ifndef EIGHTBELLS_TESTS_WATCH_QUERIES_H
#define EIGHTBELLS_TESTS_WATCH_QUERIES_H

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// The PromQL of the alert rules and of the dashboard, as they lie in deploy/.
namespace eightbells::test {

struct Query {
    std::string where;  // the alert's name, or the panel's title
    std::string text;
};

inline const std::filesystem::path rules_file =
    std::filesystem::path(EIGHTBELLS_SOURCE_DIR) / "deploy/prometheus/eightbells.rules.yml";
inline const std::filesystem::path dashboard_file =
    std::filesystem::path(EIGHTBELLS_SOURCE_DIR) / "deploy/grafana/eightbells.json";

inline std::vector<Query> rule_queries() {
    std::ifstream file(rules_file);
    std::vector<Query> queries;
    std::string alert;
    for (std::string line; std::getline(file, line);) {
        if (const auto at = line.find("- alert: "); at != std::string::npos)
            alert = line.substr(at + 9);
        if (const auto at = line.find("expr: '"); at != std::string::npos)
            queries.push_back({alert, line.substr(at + 7, line.size() - at - 8)});
    }
    return queries;
}

// With the dashboard's own variables as Grafana would put them: all issuers, and `interval`.
inline std::vector<Query> dashboard_queries(const std::string& interval) {
    std::ifstream file(dashboard_file);
    const auto dashboard = nlohmann::json::parse(file);
    const auto put = [](std::string text, const std::string& name, const std::string& value) {
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
            text.replace(at, name.size(), value);
        return text;
    };
    std::vector<Query> queries;
    for (const auto& panel : dashboard.at("panels")) {
        for (const auto& target : panel.value("targets", nlohmann::json::array())) {
            const auto text =
                put(put(target.at("expr").get<std::string>(), "$__rate_interval", interval), "$issuer", ".*");
            if (text.find('$') != std::string::npos)
                throw std::runtime_error("a variable that is not known: " + text);
            queries.push_back({panel.at("title").get<std::string>(), text});
        }
    }
    return queries;
}

// A metric's name and the labels that are matched behind it.
struct Selector {
    std::string metric;
    std::vector<std::pair<std::string, std::string>> labels;  // and the text that they are held against
};

// Everything in a query that selects series of a metric of these programs, or `up`.
inline std::vector<Selector> selectors_of(const std::string& query) {
    const auto is_word = [](char c) {
        return c == '_' || c == ':' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               (c >= '0' && c <= '9');
    };
    std::vector<Selector> found;
    for (std::size_t at = 0; at < query.size();) {
        if (query[at] == '"') {
            at = query.find('"', at + 1) + 1;
            continue;
        }
        std::size_t end = at;
        while (end < query.size() && is_word(query[end]))
            ++end;
        const std::string word = query.substr(at, end - at);
        if (word != "up" && !word.starts_with("eightbells_") && !word.starts_with("process_")) {
            at = std::max(end, at + 1);
            continue;
        }
        Selector selector{word, {}};
        if (end < query.size() && query[end] == '{') {
            while (query.at(end) != '}') {
                const std::size_t name = end + 1;
                const std::size_t sign = query.find_first_of("=!", name);
                const std::size_t open = query.find('"', sign);
                const std::size_t close = query.find('"', open + 1);
                selector.labels.emplace_back(query.substr(name, sign - name),
                                             query.substr(open + 1, close - open - 1));
                end = close + 1;
            }
        }
        found.push_back(std::move(selector));
        at = end;
    }
    return found;
}

}  // namespace eightbells::test

#endif
