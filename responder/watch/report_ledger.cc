#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/watch/ledger_file.h"
#include "responder/watch/report.h"

namespace eightbells::watch {
namespace {

class Reading {
  public:
    explicit Reading(std::uint64_t last) : last_(last) {}

    void take(const LedgerFile::Row& row) {
        const auto number = static_cast<std::uint64_t>(row.number);
        if (error_ || row.number <= 0 || number > last_)
            return;
        if (auto taken = take_row(number, row); !taken)
            error_ = fmt::format("row {}: {}", number, taken.error().message);
    }
    Result<LedgerView> finish() {
        if (error_)
            return fail(*error_);
        if (view_.head.number == 0)
            return fail("holds no row");
        return std::move(view_);
    }

  private:
    eightbells::Status take_row(std::uint64_t number, const LedgerFile::Row& row) {
        const auto body = nlohmann::json::parse(row.body, nullptr, false);
        if (!body.is_object())
            return fail("its body is no JSON object");
        if (auto applied = view_.history.apply(number, row.kind, body); !applied)
            return applied;
        view_.head.number = number;
        view_.head.digest.fill(0);
        std::copy_n(row.digest.begin(), std::min(row.digest.size(), view_.head.digest.size()),
                    view_.head.digest.begin());
        if (number == 1)
            view_.ledger = to_hex(view_.head.digest);
        if (row.kind == "anchor") {
            auto anchor = parse_anchor(row.body);
            if (!anchor)
                return fail(anchor.error().message);
            view_.signed_heads.push_back({number, std::move(*anchor)});
        }
        if (row.kind == "start" || row.kind == "stop") {
            const auto time = from_iso8601(body.value("time", ""));
            if (!time)
                return fail("time: " + time.error().message);
            view_.runs.push_back({number, row.kind == "start", *time});
        }
        return {};
    }

    std::uint64_t last_;
    LedgerView view_;
    std::optional<std::string> error_;
};

}  // namespace

Result<LedgerView> view_ledger(const std::filesystem::path& file, std::uint64_t last) {
    auto opened = LedgerFile::open(file, LedgerFile::Access::read);
    if (!opened)
        return fail(opened.error().message);
    Reading reading(last);
    try {
        if (auto read = opened->each_row([&](const LedgerFile::Row& row) { reading.take(row); }); !read)
            return fail(fmt::format("{}: {}", file.string(), read.error().message));
    } catch (const nlohmann::json::exception& error) {
        return fail(fmt::format("{}: {}", file.string(), error.what()));
    }
    auto view = reading.finish();
    if (!view)
        return fail(file.string(), view.error());
    return view;
}

}  // namespace eightbells::watch
