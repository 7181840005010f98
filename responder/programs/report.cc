#include "responder/watch/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/programs/commands.h"
#include "responder/programs/start.h"
#include "responder/watch/examine.h"
#include "responder/watch/limits.h"
#include "responder/watch/outage_ledger.h"

// The availability report: written from a watch's outage ledger, and looked at as an auditor would.
namespace eightbells::programs {

namespace {

namespace fs = std::filesystem;

constexpr unsigned for_everyone = 0644;

int failed(const std::string& message) {
    fmt::print(stderr, "{}\n", message);
    return exit_failure;
}

// A ledger is named by its folder, or, where it is a copy, by the file itself.
fs::path ledger_file(const fs::path& given) {
    std::error_code error;
    return fs::is_directory(given, error) ? given / watch::outage_ledger_name : given;
}

Result<std::vector<watch::Anchor>> anchors_for(const ReportArguments& arguments) {
    std::vector<watch::Anchor> anchors;
    const auto take = [&](const fs::path& file) -> Status {
        auto more = watch::read_anchors(file);
        if (!more)
            return fail(more.error().message);
        anchors.insert(anchors.end(), more->begin(), more->end());
        return {};
    };
    for (const std::string& file : arguments.anchors) {
        std::error_code error;
        if (!fs::exists(file, error))
            return fail(fmt::format("{}: there is no such file", file));
        if (auto taken = take(file); !taken)
            return fail(taken.error().message);
    }
    for (const std::string& ledger : arguments.ledgers) {
        if (auto taken = take(ledger_file(ledger).parent_path() / watch::anchor_file_name); !taken)
            return fail(taken.error().message);
    }
    return anchors;
}

struct Read {
    fs::path file;
    watch::LedgerView view;
};

// A ledger in which anything is wrong makes no report.
Result<Read> read_ledger(const fs::path& file, const std::vector<watch::Anchor>& anchors) {
    const auto examined = watch::examine(file, {std::nullopt, anchors});
    if (!examined)
        return fail(examined.error().message);
    if (!examined->faults.empty()) {
        std::string all;
        for (const auto& fault : examined->faults)
            all += "\n  " + fault.to_string();
        return fail(
            fmt::format("{} is not as it was written, and no report is made of it:{}", file.string(), all));
    }
    // Up to the very row that was examined: a watch may be adding to it.
    auto view = watch::view_ledger(file, examined->head.number);
    if (!view)
        return fail(view.error().message);
    return Read{file, std::move(*view)};
}

Result<std::vector<Read>> read_ledgers(const ReportArguments& arguments) {
    const auto anchors = anchors_for(arguments);
    if (!anchors)
        return fail(anchors.error().message);
    std::vector<Read> ledgers;
    std::vector<std::string> names;
    for (const std::string& given : arguments.ledgers) {
        auto read = read_ledger(ledger_file(given), *anchors);
        if (!read)
            return fail(read.error().message);
        const std::string name = read->view.history.watch();
        if (std::ranges::find(names, name) != names.end())
            return fail(fmt::format("{}: a ledger of \"{}\" was given already", given, name));
        names.push_back(name);
        if (arguments.vantage.empty() || arguments.vantage == name)
            ledgers.push_back(std::move(*read));
    }
    if (ledgers.empty())
        return fail(fmt::format("no ledger of \"{}\" was given; there are: {}", arguments.vantage,
                                fmt::join(names, ", ")));
    return ledgers;
}

// The key of the first of these ledgers that has it beside it: only a watch signs.
Result<std::pair<std::string, watch::WatchKey>> signing_key(const std::vector<Read>& ledgers) {
    for (const auto& [file, view] : ledgers) {
        const fs::path place = file.parent_path() / watch::watch_key_name;
        std::error_code error;
        if (!fs::exists(place, error))
            continue;
        auto key = watch::WatchKey::load_or_make(place);
        if (!key)
            return fail(key.error().message);
        if (to_hex(key->public_key()) != view.history.key())
            return fail(fmt::format("{} is not the key under which this ledger was begun", place.string()));
        return std::pair{view.history.watch(), std::move(*key)};
    }
    return fail(fmt::format("a report is signed by a watch, and none of these ledgers has its {} beside it",
                            watch::watch_key_name));
}

Status write_report(const fs::path& stem, const nlohmann::ordered_json& report, const watch::WatchKey& key) {
    const std::string octets = watch::report_octets(report);
    const auto signature = key.sign(octets);
    if (!signature)
        return fail(signature.error().message);
    const std::string html = watch::report_html(report, watch::sha256(as_bytes(octets)));
    const std::pair<const char*, ByteView> files[] = {
        {".json", as_bytes(octets)}, {".json.sig", *signature}, {".html", as_bytes(html)}};
    for (const auto& [ending, bytes] : files) {
        const std::string file = stem.string() + ending;
        if (auto written = write_file_durably(file, bytes, for_everyone); !written)
            return fail(written.error().message);
        fmt::print("{}\n", file);
    }
    return {};
}

std::optional<watch::WatchPublicKey> trusted_key(const std::string& given) {
    std::string hex = given;
    std::error_code error;
    if (fs::exists(given, error)) {
        const auto bytes = read_file(given, 4096);
        hex = bytes ? std::string(as_text(*bytes)) : "";
        hex.resize(std::min(hex.find_last_not_of(" \r\n") + 1, hex.size()));
    }
    const auto key = watch::parse_public_key(hex);
    if (!key)
        fmt::print(stderr, "--key: {}\n", key.error().message);
    return key ? std::optional(*key) : std::nullopt;
}

}  // namespace

int make_report(const ReportArguments& arguments, const Clock& clock) {
    const auto month = watch::parse_month(arguments.month);
    if (!month) {
        fmt::print(stderr, "--month: {}\n", month.error().message);
        return exit_usage;
    }
    const auto ledgers = read_ledgers(arguments);
    if (!ledgers)
        return failed(ledgers.error().message);
    const auto key = signing_key(*ledgers);
    if (!key)
        return failed(key.error().message);
    std::vector<const watch::LedgerView*> views;
    for (const Read& ledger : *ledgers)
        views.push_back(&ledger.view);
    const auto report = watch::make_report(
        views, {*month, clock.now(), arguments.vantage.empty(), key->first, key->second.public_key()});
    if (!report)
        return failed(fmt::format("{}: {}", arguments.month, report.error().message));
    std::error_code error;
    fs::create_directories(arguments.out, error);  // what is wrong with it, writing says
    const std::string name = fmt::format("availability-{}{}{}", arguments.month,
                                         arguments.vantage.empty() ? "" : "-", arguments.vantage);
    if (auto written = write_report(fs::path(arguments.out) / name, *report, key->second); !written)
        return failed(written.error().message);
    if (report->at("partial").get<bool>())
        fmt::print(stderr, "{} is not over: the report goes up to {} and is marked as partial\n",
                   arguments.month, to_iso8601(clock.now()));
    return 0;
}

int verify_report(const ReportArguments& arguments) {
    fs::path file = arguments.file;
    if (file.extension() == ".html")
        file.replace_extension(".json");
    auto json = read_file(file, limits::report_file_octets);
    if (!json)
        return failed(json.error().message);
    watch::ReportFiles files{std::string(as_text(*json)), {}, std::nullopt};
    if (auto signature = read_file(file.string() + ".sig", 4096))
        files.signature = std::move(*signature);
    else
        fmt::print(stderr, "its signature: {}\n", signature.error().message);
    std::error_code error;
    if (const auto page = fs::path(file).replace_extension(".html"); fs::exists(page, error)) {
        const auto html = read_file(page, limits::report_file_octets);
        if (!html)
            return failed(html.error().message);
        files.html = std::string(as_text(*html));
    }
    std::optional<watch::WatchPublicKey> key;
    if (!arguments.key.empty() && !(key = trusted_key(arguments.key)))
        return exit_usage;
    const auto anchors = anchors_for(arguments);
    if (!anchors)
        return failed(anchors.error().message);
    std::vector<fs::path> ledgers;
    for (const std::string& given : arguments.ledgers)
        ledgers.push_back(ledger_file(given));

    const auto found = watch::verify_report(files, ledgers, *anchors, key);
    for (const std::string& fault : found.faults)
        fmt::print(stderr, "fault: {}\n", fault);
    for (const auto& ledger : found.ledgers)
        fmt::print("ledger of {}: {} rows; {} signed heads met, the last of row {}\n", ledger.watch,
                   ledger.rows, ledger.anchors_met, ledger.last_anchor);
    if (!found.faults.empty()) {
        fmt::print(stderr, "{}: {} fault{}\n", file.string(), found.faults.size(),
                   found.faults.size() == 1 ? "" : "s");
        return exit_failure;
    }
    fmt::print("{}: the report of {}, signed by {} with {}: the signature holds{}{}\n", file.string(),
               found.month, found.watch, found.key, files.html ? ", the page is the one drawn from it" : "",
               ledgers.empty() ? "; its numbers were not redone, because no --ledger was given"
                               : ", and every number follows from the ledger");
    if (!key)
        fmt::print(
            "The key is the one that {} itself names: hold it against the watch's watch-key.pub, or give it "
            "with --key.\n",
            ledgers.empty() ? "the report" : "the ledger");
    return 0;
}

}  // namespace eightbells::programs
