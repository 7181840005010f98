#include "responder/watch/examine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "responder/watch/ledger_file.h"
#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

using Json = nlohmann::json;
using Kind = LedgerFault::Kind;

class Examination {
  public:
    explicit Examination(const Against& against) : against_(against), key_(against.key) {}

    void take(const LedgerFile::Row& row) {
        const auto number = static_cast<std::uint64_t>(row.number);
        if (row.number != static_cast<std::int64_t>(expected_))
            fault(Kind::missing, number,
                  fmt::format("follows row {}: what stood between was deleted", expected_ - 1));
        expected_ = number + 1;
        const Digest digest = row_digest(result_.head.digest, number, row.kind, row.body);
        if (!std::ranges::equal(digest, row.digest))
            fault(Kind::digest, number,
                  "its digest does not follow from its content and the row before: it, or the row before, "
                  "was changed, moved or exchanged");
        result_.head.number = number;
        // Go on from what stands there, so that each change is found on its own.
        result_.head.digest.fill(0);
        std::copy_n(row.digest.begin(), std::min(row.digest.size(), digest.size()),
                    result_.head.digest.begin());
        digests_.push_back(result_.head.digest);
        numbers_.push_back(number);
        read(number, row.kind, row.body);
    }

    void take_evidence(ByteView digest, ByteView octets) {
        const auto named = named_.find(to_hex(digest));
        if (named == named_.end())
            return;  // put there, and the watch killed before the row that names it
        if (!std::ranges::equal(sha256(octets), digest))
            fault(Kind::evidence, named->second, "the answer's bytes were changed");
        seen_.insert(named->first);
    }

    Examined finish() {
        for (const auto& [digest, row] : named_) {
            if (!seen_.contains(digest))
                fault(Kind::evidence, row, "the answer's bytes are gone");
        }
        if (numbers_.empty())
            fault(Kind::unreadable, 0, "holds no row");
        for (const Anchor& anchor : own_)
            hold(anchor);
        for (const Anchor& anchor : against_.anchors) {
            if (anchor.watch == result_.history.watch())
                hold(anchor);
        }
        std::ranges::stable_sort(result_.faults, {}, &LedgerFault::row);
        return std::move(result_);
    }

    void fault(Kind kind, std::uint64_t row, std::string text) {
        if (result_.faults.size() < limits::ledger_faults_shown)
            result_.faults.push_back({kind, row, std::move(text)});
    }

  private:
    void read(std::uint64_t number, std::string_view kind, std::string_view text) {
        const Json body = Json::parse(text, nullptr, false);
        if (!body.is_object())
            return fault(Kind::unreadable, number, "its body is no JSON object");
        if (auto applied = result_.history.apply(number, kind, body); !applied)
            return fault(Kind::content, number, applied.error().message);
        if (number == 1)
            begin();
        if (kind == "change") {
            if (const std::string evidence = body.value("evidence", ""); !evidence.empty())
                named_.emplace(evidence, number);
        }
        if (kind == "anchor") {
            if (auto anchor = parse_anchor(text))
                own_.push_back(std::move(*anchor));
            else
                fault(Kind::content, number, anchor.error().message);
        }
    }

    void begin() {
        result_.ledger = to_hex(result_.head.digest);
        const auto key = parse_public_key(result_.history.key());
        if (!key)
            return fault(Kind::content, 1, "key: " + key.error().message);
        if (against_.key && *against_.key != *key)
            fault(Kind::other_ledger, 1, "was begun under another key");
        if (!key_)
            key_ = *key;
    }

    void hold(const Anchor& anchor) {
        const std::uint64_t number = anchor.head.number;
        if (!key_ || !verify(*key_, signed_text(anchor), anchor.signature))
            return fault(Kind::signature, number,
                         fmt::format("the signed head of {} was not signed by this watch's key",
                                     to_iso8601(anchor.time)));
        if (anchor.ledger != result_.ledger)
            return fault(Kind::other_ledger, 0,
                         fmt::format("the signed head of {} belongs to another ledger of this watch",
                                     to_iso8601(anchor.time)));
        if (number > result_.head.number)
            return fault(Kind::truncated, result_.head.number,
                         fmt::format("is the last, but on {} there were {} rows: the end was cut off",
                                     to_iso8601(anchor.time), number));
        const auto found = std::ranges::lower_bound(numbers_, number);
        if (found == numbers_.end() || *found != number)
            return fault(Kind::missing, number, "has a signed head and is gone");
        if (digests_[static_cast<std::size_t>(found - numbers_.begin())] != anchor.head.digest)
            return fault(Kind::anchor, number,
                         fmt::format("is not what was signed on {}: it or a row before it was changed",
                                     to_iso8601(anchor.time)));
        ++result_.anchors_met;
        if (!result_.last_anchor || result_.last_anchor->head.number < number)
            result_.last_anchor = anchor;
    }

    const Against& against_;
    std::optional<WatchPublicKey> key_;
    Examined result_;
    std::uint64_t expected_ = 1;
    std::vector<std::uint64_t> numbers_;
    std::vector<Digest> digests_;
    std::map<std::string, std::uint64_t> named_;  // evidence and the first row that names it
    std::set<std::string> seen_;
    std::vector<Anchor> own_;
};

}  // namespace

std::string LedgerFault::to_string() const {
    return row == 0 ? text : fmt::format("row {}: {}", row, text);
}

Result<Examined> examine(const std::filesystem::path& file, const Against& against) {
    auto opened = LedgerFile::open(file, LedgerFile::Access::read);
    if (!opened)
        return fail(opened.error().message);
    Examination examination(against);
    if (auto read = opened->each_row([&](const LedgerFile::Row& row) { examination.take(row); }); !read)
        examination.fault(Kind::unreadable, 0, "the rows cannot be read: " + read.error().message);
    if (auto read = opened->each_evidence(
            [&](ByteView digest, ByteView octets) { examination.take_evidence(digest, octets); });
        !read)
        examination.fault(Kind::unreadable, 0, "the evidence cannot be read: " + read.error().message);
    return examination.finish();
}

}  // namespace eightbells::watch
