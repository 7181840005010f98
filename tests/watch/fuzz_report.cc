#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "responder/watch/report.h"

// A report out of strangers' hands. Nothing that nobody signed may pass, with or without a page beside it,
// and drawing a page may refuse what is no report, but draws no markup of its own from it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    using namespace eightbells::watch;
    const std::string text(reinterpret_cast<const char*>(octets), size);
    ReportFiles files{text, eightbells::Bytes(64, 0), std::nullopt};
    if (verify_report(files, {}, {}, std::nullopt).faults.empty())
        std::abort();
    files.html = "";
    if (verify_report(files, {}, {}, std::nullopt).faults.empty())
        std::abort();
    const auto report = nlohmann::ordered_json::parse(
        text, [](int depth, auto, auto&) { return depth <= 16; }, false);
    try {
        const std::string page = report_html(report, {});
        if (page.find("<script") != std::string::npos || !page.ends_with("</html>\n"))
            std::abort();
    } catch (const nlohmann::json::exception&) {
        return 0;  // no report
    }
    return 0;
}
