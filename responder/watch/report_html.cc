#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/watch/report.h"
#include "responder/watch/report_words.h"

namespace eightbells::watch {
namespace {

using Json = nlohmann::ordered_json;

// Colours differ in lightness as well, and every state is also told in words: nobody needs to see the hue,
// and paper needs none. Nothing is fetched from anywhere.
constexpr std::string_view style = R"(
:root { color-scheme: light dark; --ink: #16202b; --soft: #55616e; --line: #cdd5dd; --paper: #ffffff; --tint: #f3f6f9;
  --up: #b9dfc6; --out: #b3261e; --none: #8b96a1; --good: #12663a; --bad: #a11b14; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7edf3; --soft: #a5b1bd; --line: #3a4653; --paper: #12181f;
  --tint: #1b242d; --up: #2f6b48; --out: #ff8a80; --none: #6d7985; --good: #7fd6a2; --bad: #ff9a91; } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #333; --line: #999; --paper: #fff; --tint: #fff;
  --up: #d8ecdf; --out: #8c1710; --none: #999; --good: #000; --bad: #000; } body { font-size: 9.5pt; }
  section { break-inside: auto; } h2, h3, caption { break-after: avoid; } tr, svg { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; } h2 { font-size: 1.3rem; margin: 2.2rem 0 .5rem;
  border-top: 2px solid var(--line); padding-top: 1rem; } h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
p { margin: .3rem 0; } .soft { color: var(--soft); } .good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 700; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; } th, td { text-align: left; vertical-align: top;
  padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); } th { font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.t { white-space: nowrap; font-variant-numeric: tabular-nums; }
code { font: .82em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: 3rem; } .up { fill: var(--up); } .out { fill: var(--out); }
.none { fill: var(--none); } dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; color: var(--soft); }
.key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; vertical-align: -.05em; }
)";

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            default:
                // Control characters are no characters of HTML and XML.
                result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
        }
    }
    return result;
}

std::string text(const Json& value) {
    return escaped(value.get_ref<const std::string&>());
}
std::int64_t number(const Json& value) {
    return value.get<std::int64_t>();
}
std::string length(const Json& value) {
    return length_in_words(number(value));
}
// "2026-11-22 06:40:00"
std::string moment(const Json& value) {
    std::string time = text(value);
    if (time.size() == 20) {
        time[10] = ' ';
        time.pop_back();
    }
    return time;
}

class Page {
  public:
    Page(const Json& report, const Digest& digest) : report_(report), digest_(digest) {}

    std::string run() {
        const std::string title =
            fmt::format("Availability of certificate status, {}", text(report_.at("month")));
        html_ = fmt::format(
            "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta "
            "charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
            "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n",
            title, style);
        head();
        html_ += "</header>\n<main>\n";
        for (const Json& issuer : report_.at("issuers"))
            one_issuer(issuer);
        if (report_.at("issuers").empty())
            html_ += "<p>Nothing was watched.</p>\n";
        ledgers();
        html_ += "<section>\n<h2>How every number is found</h2>\n<dl>\n";
        for (const auto& [name, words] : report_.at("formulae").items())
            html_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), text(words));
        html_ += "</dl>\n</section>\n</main>\n</body>\n</html>\n";
        return std::move(html_);
    }

  private:
    void head() {
        const bool merged = report_.at("view") == "merged";
        std::string watches;
        for (const Json& watch : report_.at("watches"))
            watches += (watches.empty() ? "" : ", ") + text(watch.at("watch"));
        html_ += fmt::format("<p>{} to {} UTC, {} s{}. Seen by {}{}. Made {} UTC.</p>\n",
                             moment(report_.at("window").at("from")), moment(report_.at("window").at("to")),
                             number(report_.at("window").at("seconds")),
                             report_.at("partial").get<bool>()
                                 ? " (<span class=\"bad\">partial: the month was not over</span>)"
                                 : "",
                             watches,
                             report_.at("watches").size() < 2 ? ""
                             : merged ? ", merged: out of reach is what all that looked saw as such"
                                      : "",
                             moment(report_.at("made")));
        html_ += fmt::format(
            "<p class=\"soft\">What counts is the signed file beside this page; its SHA-256 is "
            "<code>{}</code>, signed by {} with the Ed25519 key <code>{}</code>.</p>\n",
            to_hex(digest_), text(report_.at("signed_by").at("watch")),
            text(report_.at("signed_by").at("key")));
        html_ +=
            "<div class=\"wide\"><table>\n<caption>Summary</caption>\n<thead><tr><th "
            "scope=\"col\">Issuer</th><th "
            "scope=\"col\">Method</th><th scope=\"col\" class=\"n\">Availability</th><th scope=\"col\" "
            "class=\"n\">Out of reach</th><th scope=\"col\" class=\"n\">Unobserved</th><th scope=\"col\" "
            "class=\"n\">Longest outage</th><th scope=\"col\">Four hours</th></tr></thead>\n<tbody>\n";
        for (const Json& issuer : report_.at("issuers")) {
            for (const Json& method : issuer.at("methods"))
                html_ += fmt::format(
                    "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{}</td><td "
                    "class=\"n\">{}</td><td "
                    "class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
                    text(issuer.at("issuer")), text(method.at("method")), percent(method),
                    length(method.at("seconds").at("out")), length(method.at("seconds").at("unobserved")),
                    length(method.at("longest_outage_seconds")), verdict(method.at("promise").at("verdict")));
        }
        html_ += "</tbody>\n</table></div>\n";
    }

    static std::string percent(const Json& method) {
        const std::string value = text(method.at("availability_percent"));
        return value.empty() ? "not observed" : value + " %";
    }
    static std::string verdict(const Json& words) {
        return fmt::format("<span class=\"{}\">{}</span>", words == "kept" ? "good" : "bad", text(words));
    }
    static std::string over(const Json& is_over) {
        return is_over.get<bool>() ? "<span class=\"bad\">over the threshold</span>"
                                   : "<span class=\"good\">below the threshold</span>";
    }

    void one_issuer(const Json& issuer) {
        html_ += fmt::format("<section>\n<h2>Issuer {}</h2>\n", text(issuer.at("issuer")));
        for (const Json& method : issuer.at("methods"))
            one_method(method);
        nis2(issuer.at("nis2"));
        if (!issuer.at("revocations").empty()) {
            html_ += table("From a revocation to its first correct answer outside",
                           {"Watch", "Method", "Revoked (UTC)", "Seen (UTC)", "Length"});
            for (const Json& one : issuer.at("revocations"))
                html_ += fmt::format(
                    "<tr><td>{}</td><td>{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td><td>{}"
                    "</td></tr>\n",
                    text(one.at("watch")), text(one.at("method")), moment(one.at("revoked_at")),
                    moment(one.at("seen_at")), length(one.at("seconds")));
            html_ += "</tbody></table></div>\n";
        }
        html_ += "</section>\n";
    }

    static std::string table(std::string_view caption, const std::vector<std::string_view>& columns) {
        std::string result =
            fmt::format("<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>", caption);
        for (const auto column : columns)
            result += fmt::format("<th scope=\"col\">{}</th>", column);
        return result + "</tr></thead>\n<tbody>\n";
    }

    void one_method(const Json& method) {
        const Json& seconds = method.at("seconds");
        html_ += fmt::format(
            "<h3>{}</h3>\n<p>In reach {} s + out {} s + unobserved {} s = {} s. Availability: {} s / {} s = "
            "{}. Probes: {}, of which {} failed. Longest outage {}; longest stretch not seen in reach {}; "
            "four "
            "hours: {}.</p>\n",
            text(method.at("method")), number(seconds.at("in_reach")), number(seconds.at("out")),
            number(seconds.at("unobserved")), number(report_.at("window").at("seconds")),
            number(seconds.at("in_reach")), number(seconds.at("observed")), percent(method),
            number(method.at("probes").at("made")), number(method.at("probes").at("failed")),
            length(method.at("longest_outage_seconds")),
            length(method.at("longest_not_seen_in_reach_seconds")),
            verdict(method.at("promise").at("verdict")));
        strip(method);
        if (method.at("outages").empty()) {
            html_ += "<p>No outage.</p>\n";
            return;
        }
        html_ += table("Outages", {"Begin (UTC)", "End (UTC)", "Length", "Of it unobserved", "Cause",
                                   "Rows of the ledger, and evidence (SHA-256)"});
        for (const Json& outage : method.at("outages"))
            one_outage(outage);
        html_ += "</tbody></table></div>\n";
    }

    void one_outage(const Json& outage) {
        std::string rows;
        for (const Json& row : outage.at("rows")) {
            rows += fmt::format("{}{} row {}: {} {}", rows.empty() ? "" : "<br/>", text(row.at("watch")),
                                number(row.at("row")), text(row.at("address")),
                                row.at("cause") == "none" ? "in reach again" : text(row.at("cause")));
            if (const std::string why = text(row.at("text")); !why.empty())
                rows += " (" + why + ")";
            if (const std::string evidence = text(row.at("evidence")); !evidence.empty())
                rows += fmt::format(" <code>{}</code>", evidence);
        }
        html_ += fmt::format(
            "<tr><td class=\"t\">{}</td><td "
            "class=\"t\">{}{}</td><td>{}{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"
            "\n",
            moment(outage.at("begin")), moment(outage.at("end")),
            outage.at("open").get<bool>() ? " <span class=\"bad\">not over</span>" : "",
            length(outage.at("seconds")),
            outage.at("over_promise").get<bool>() ? " <span class=\"bad\">over four hours</span>" : "",
            length(outage.at("unobserved_seconds")), text(outage.at("cause")), rows);
    }

    // One bar a day: unobserved from the top, out of reach from the bottom. The least outage is still seen.
    void strip(const Json& method) {
        const Json& days = method.at("days");
        constexpr double height = 40;
        html_ += fmt::format(
            "<svg role=\"img\" aria-label=\"{} by day: the sums stand in the text above\" viewBox=\"0 0 {} "
            "{}\" "
            "preserveAspectRatio=\"none\">\n",
            text(method.at("method")), days.size() * 10, height);
        for (std::size_t i = 0; i < days.size(); ++i) {
            const Json& day = days[i];
            const auto part = [&](const char* name) { return static_cast<double>(number(day.at(name))); };
            const double all = part("in_reach") + part("out") + part("unobserved");
            const auto tall = [&](double seconds) {
                return seconds <= 0 || all <= 0 ? 0.0 : std::max(2.0, height * seconds / all);
            };
            const double out = tall(part("out"));
            const double none = std::min(tall(part("unobserved")), height - out);
            html_ +=
                fmt::format("<g><title>{}: in reach {}, out {}, unobserved {}</title>", text(day.at("day")),
                            length(day.at("in_reach")), length(day.at("out")), length(day.at("unobserved")));
            const std::size_t x = i * 10;
            html_ += fmt::format(R"(<rect class="up" x="{}" y="0" width="9" height="{}"/>)", x, height);
            if (none > 0)
                html_ +=
                    fmt::format(R"(<rect class="none" x="{}" y="0" width="9" height="{:.2f}"/>)", x, none);
            if (out > 0)
                html_ += fmt::format(R"(<rect class="out" x="{}" y="{:.2f}" width="9" height="{:.2f}"/>)", x,
                                     height - out, out);
            html_ += "</g>\n";
        }
        html_ +=
            "</svg>\n<p class=\"soft key\">By day: <span style=\"background:var(--up)\"></span>in reach<span "
            "style=\"background:var(--out)\"></span>out (from below)<span "
            "style=\"background:var(--none)\"></span>"
            "unobserved (from above)</p>\n";
    }

    void nis2(const Json& nis2) {
        const Json& wholly = nis2.at("wholly_out");
        const Json& probes = nis2.at("failed_probes");
        html_ += fmt::format(
            "<h3>NIS2 thresholds (Regulation (EU) 2024/2690, article 14)</h3>\n<p>Wholly out on end: {}, "
            "threshold {}: {}.</p>\n<p>Failed probes: {} of {}{}, threshold {} %: {}; {} hours above "
            "it.</p>\n",
            length(wholly.at("longest_seconds")), length(wholly.at("threshold_seconds")),
            over(wholly.at("over_threshold")), number(probes.at("failed")), number(probes.at("made")),
            text(probes.at("percent")).empty() ? "" : " = " + text(probes.at("percent")) + " %",
            text(probes.at("threshold_percent")), over(probes.at("over_threshold")),
            probes.at("hours_over_threshold").size());
        html_ += table(fmt::format("Wholly out in a calendar week, threshold {}",
                                   length(nis2.at("weeks").at("threshold_seconds"))),
                       {"From (UTC)", "To (UTC)", "Wholly out", "By method", "Verdict"});
        for (const Json& week : nis2.at("weeks").at("list")) {
            std::string methods;
            for (const auto& [name, out] : week.at("out_seconds").items())
                methods += fmt::format("{}{} {}", methods.empty() ? "" : ", ", escaped(name), length(out));
            html_ += fmt::format(
                "<tr><td class=\"t\">{}</td><td class=\"t\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                moment(week.at("from")), moment(week.at("to")), length(week.at("wholly_out_seconds")),
                methods, over(week.at("over_threshold")));
        }
        html_ += "</tbody></table></div>\n";
    }

    void ledgers() {
        html_ += "<section>\n<h2>The ledgers behind it</h2>\n";
        for (const Json& watch : report_.at("watches")) {
            html_ += fmt::format(
                "<h3>{}</h3>\n<p>Ledger <code>{}</code>, begun {} UTC, key <code>{}</code>. Counted up to "
                "row "
                "{}, whose digest is <code>{}</code>.</p>\n",
                text(watch.at("watch")), text(watch.at("ledger")), moment(watch.at("begun")),
                text(watch.at("key")), number(watch.at("head").at("number")),
                text(watch.at("head").at("digest")));
            html_ += table("Anchors of the window: heads signed and left with others",
                           {"Signed (UTC)", "Head (row)", "Digest", "Stands in row"});
            for (const Json& anchor : watch.at("anchors"))
                html_ += fmt::format(
                    "<tr><td class=\"t\">{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>\n",
                    moment(anchor.at("time")), number(anchor.at("number")), text(anchor.at("digest")),
                    number(anchor.at("row")));
            html_ += "</tbody></table></div>\n";
            for (const Json& run : watch.at("runs"))
                html_ += fmt::format("<p class=\"soft\">The watch {} {} UTC (row {}).</p>\n",
                                     run.at("event") == "start" ? "was started" : "was stopped",
                                     moment(run.at("time")), number(run.at("row")));
        }
        html_ += "</section>\n";
    }

    const Json& report_;
    const Digest& digest_;
    std::string html_;
};

}  // namespace

std::string report_html(const Json& report, const Digest& digest_of_octets) {
    return Page(report, digest_of_octets).run();
}

}  // namespace eightbells::watch
