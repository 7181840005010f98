#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/watch/examine.h"
#include "responder/watch/limits.h"
#include "responder/watch/report.h"
#include "responder/watch/report_words.h"

namespace eightbells::watch {
namespace {

using Json = nlohmann::ordered_json;

std::string shown(const Json& value) {
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > limits::report_value_shown)
        text = text.substr(0, limits::report_value_shown) + "...";
    return text;
}

class Verification {
  public:
    Verification(const ReportFiles& report, const std::vector<Anchor>& anchors,
                 const std::optional<WatchPublicKey>& key)
        : files_(report), anchors_(anchors), key_(key) {}

    ReportVerification run(const std::vector<std::filesystem::path>& ledgers) {
        try {
            if (read()) {
                page();
                for (const auto& file : ledgers)
                    ledger(file);
                if (!ledgers.empty())
                    redo();
            }
        } catch (const Json::exception& error) {
            fault(fmt::format("it is not in a report's form: {}", error.what()));
        }
        return std::move(result_);
    }

  private:
    void fault(std::string text) {
        if (result_.faults.size() < limits::report_faults_shown)
            result_.faults.push_back(std::move(text));
    }

    // Signature and form. False: there is nothing to go on with.
    bool read() {
        // Deeper than any report is, the rest is left out, so that no file can exhaust the stack.
        report_ = Json::parse(
            files_.json, [](int depth, Json::parse_event_t, Json&) { return depth <= limits::report_depth; },
            false);
        if (!report_.is_object() || report_.value("report", "") != report_format) {
            fault(fmt::format("it is no report of the form \"{}\"", report_format));
            return false;
        }
        const Json& by = report_.at("signed_by");
        result_.month = report_.at("month").get<std::string>();
        result_.watch = by.at("watch").get<std::string>();
        result_.key = by.at("key").get<std::string>();
        const auto named = parse_public_key(result_.key);
        if (!named) {
            fault("signed_by.key: " + named.error().message);
            return false;
        }
        if (key_ && *key_ != *named)
            fault(fmt::format("it names the key {}, not the one that you trust", result_.key));
        if (!verify(key_.value_or(*named), files_.json, files_.signature))
            fault(
                "the signature does not hold: the file was changed after it was signed, or another key "
                "signed");
        if (report_octets(report_) != files_.json)
            fault("its octets are not in the form in which a report is written");
        return true;
    }

    void page() {
        if (files_.html && report_html(report_, sha256(as_bytes(files_.json))) != *files_.html)
            fault(
                "the page (HTML) is not the one that is drawn from this report: it was changed, or another "
                "version drew it");
    }

    const Json* stated(const std::string& watch) const {
        for (const Json& one : report_.at("watches")) {
            if (one.at("watch") == watch)
                return &one;
        }
        return nullptr;
    }

    void ledger(const std::filesystem::path& file) {
        auto examined = examine(file, {std::nullopt, anchors_});
        if (!examined)
            return fault(examined.error().message);
        const std::string watch = examined->history.watch();
        for (const LedgerFault& one : examined->faults)
            fault(
                fmt::format("the ledger of {}: {}", watch.empty() ? file.string() : watch, one.to_string()));
        result_.ledgers.push_back({watch, examined->head.number, examined->anchors_met,
                                   examined->last_anchor ? examined->last_anchor->head.number : 0});
        const Json* const said = stated(watch);
        if (said == nullptr)
            return fault(fmt::format("{} is the ledger of \"{}\", which the report does not speak of",
                                     file.string(), watch));
        if (std::ranges::find(views_, watch, [](const LedgerView& view) { return view.history.watch(); }) !=
            views_.end())
            return fault(fmt::format("the ledger of {} was given twice", watch));
        const auto last = said->at("head").at("number").get<std::uint64_t>();
        auto view = view_ledger(file, last);
        if (!view)
            return fault("its numbers cannot be redone: " + view.error().message);
        if (view->head.number < last)
            fault(fmt::format(
                "the ledger of {} ends at row {}, but the report was made from {} rows: the end was "
                "cut off",
                watch, view->head.number, last));
        else if (said->at("head").at("digest") != to_hex(view->head.digest))
            fault(fmt::format(
                "row {} of the ledger of {} is not the one that the report was made up to: it or a "
                "row before it was changed",
                last, watch));
        views_.push_back(std::move(*view));
    }

    void redo() {
        std::vector<const LedgerView*> views;
        for (const Json& one : report_.at("watches")) {
            const auto watch = one.at("watch").get<std::string>();
            const auto found =
                std::ranges::find(views_, watch, [](const LedgerView& view) { return view.history.watch(); });
            if (found == views_.end())
                return fault(fmt::format("its numbers cannot be redone without the ledger of {}", watch));
            views.push_back(&*found);
        }
        const auto signer = std::ranges::find(views, result_.watch,
                                              [](const LedgerView* view) { return view->history.watch(); });
        if (signer == views.end() || (*signer)->history.key() != result_.key)
            fault(fmt::format("it was signed with {}, which is not the key of the ledger of {}", result_.key,
                              result_.watch));
        const auto month = parse_month(result_.month);
        const auto made = from_iso8601(report_.at("made").get<std::string>());
        const auto key = parse_public_key(result_.key);
        if (views.empty() || !month || !made || !key)
            return fault("its watches, month, time or key make no sense, and its numbers cannot be redone");
        const auto again =
            make_report(views, {*month, *made, report_.at("view") == "merged", result_.watch, *key});
        if (!again)
            return fault(fmt::format("month and made: {}", again.error().message));
        compare("", report_, *again);
    }

    void compare(const std::string& place, const Json& said, const Json& redone) {
        if (said.type() != redone.type() && !(said.is_number() && redone.is_number()))
            return fault(
                fmt::format("{}: the report says {}, the ledger {}", place, shown(said), shown(redone)));
        if (redone.is_object()) {
            for (const auto& [name, value] : redone.items()) {
                const std::string inner = place.empty() ? name : place + "." + name;
                if (!said.contains(name))
                    fault(fmt::format("{}: is missing; the ledger says {}", inner, shown(value)));
                else
                    compare(inner, said.at(name), value);
            }
            for (const auto& [name, value] : said.items()) {
                if (!redone.contains(name))
                    fault(fmt::format("{}.{}: {} follows from no ledger", place, name, shown(value)));
            }
            return;
        }
        if (redone.is_array()) {
            if (said.size() != redone.size())
                fault(fmt::format("{}: the report has {}, the ledger {}", place, said.size(), redone.size()));
            for (std::size_t i = 0; i < std::min(said.size(), redone.size()); ++i)
                compare(fmt::format("{}[{}]", place, i), said[i], redone[i]);
            return;
        }
        if (said != redone)
            fault(fmt::format("{}: the report says {}, the ledger {}", place, shown(said), shown(redone)));
    }

    const ReportFiles& files_;
    const std::vector<Anchor>& anchors_;
    const std::optional<WatchPublicKey>& key_;
    Json report_;
    std::vector<LedgerView> views_;
    ReportVerification result_;
};

}  // namespace

ReportVerification verify_report(const ReportFiles& report, const std::vector<std::filesystem::path>& ledgers,
                                 const std::vector<Anchor>& anchors,
                                 const std::optional<WatchPublicKey>& key) {
    return Verification(report, anchors, key).run(ledgers);
}

}  // namespace eightbells::watch
