#include "responder/watch/outage_ledger.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& body) {
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string bounded(std::string_view text) {
    return std::string(text.substr(0, limits::cause_text_octets));
}

std::string first_faults(const std::vector<LedgerFault>& faults) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, faults.size()); ++i)
        texts.push_back(faults[i].to_string());
    return fmt::format("{}{}", fmt::join(texts, "; "),
                       faults.size() > 3 ? fmt::format("; and {} more", faults.size() - 3) : "");
}

}  // namespace

OutageLedger::OutageLedger(Place place, FileLock lock, WatchKey key, LedgerFile file)
    : place_(std::move(place)), lock_(std::move(lock)), key_(std::move(key)), file_(std::move(file)) {}

std::filesystem::path OutageLedger::anchor_file(const std::filesystem::path& folder) const {
    return folder == place_.folder ? folder / anchor_file_name : folder / (place_.watch + ".anchors.jsonl");
}

Result<std::vector<Anchor>> OutageLedger::all_anchors(const Place& place) {
    auto anchors = read_anchors(place.folder / anchor_file_name);
    if (!anchors)
        return anchors;
    for (const auto& folder : place.anchor_folders) {
        auto more = read_anchors(folder / (place.watch + ".anchors.jsonl"));
        if (!more)
            return more;
        anchors->insert(anchors->end(), more->begin(), more->end());
    }
    return anchors;
}

Result<std::unique_ptr<OutageLedger>> OutageLedger::open(const Place& place, const Clock& clock) {
    std::error_code error;
    if (std::filesystem::create_directories(place.folder, error))
        std::filesystem::permissions(place.folder, std::filesystem::perms::owner_all, error);
    if (error)
        return fail(fmt::format("{}: {}", place.folder.string(), error.message()));
    auto lock = FileLock::acquire(place.folder / "lock");
    if (!lock)
        return fail("another watch has this folder", lock.error());
    const auto path = place.folder / outage_ledger_name;
    const bool there = std::filesystem::exists(path, error);
    if (there && !std::filesystem::exists(place.folder / watch_key_name, error))
        return fail(
            fmt::format("{} is gone, and without it {} cannot be gone on with; restore it, or move the "
                        "ledger away",
                        (place.folder / watch_key_name).string(), path.string()));
    auto key = WatchKey::load_or_make(place.folder / watch_key_name);
    if (!key)
        return fail(key.error().message);
    auto anchors = all_anchors(place);
    if (!anchors)
        return fail(anchors.error().message);

    if (!there && std::ranges::find(*anchors, place.watch, &Anchor::watch) != anchors->end())
        return fail(
            fmt::format("{} is gone, but signed heads speak of it; restore it from a copy, or move "
                        "the anchors of this watch away to begin a new one",
                        path.string()));
    Examined examined;
    if (there) {
        auto found = examine(path, {key->public_key(), *anchors});
        if (!found)
            return fail(found.error().message);
        if (!found->faults.empty())
            return fail(fmt::format("{} is not as it was written and is refused: {}", path.string(),
                                    first_faults(found->faults)));
        if (found->history.watch() != place.watch)
            return fail(fmt::format("{} is the ledger of \"{}\", not of \"{}\"", path.string(),
                                    found->history.watch(), place.watch));
        examined = std::move(*found);
    }
    auto file = LedgerFile::open(path, there ? LedgerFile::Access::write : LedgerFile::Access::make);
    if (!file)
        return fail(file.error().message);
    std::unique_ptr<OutageLedger> ledger(
        new OutageLedger(place, std::move(*lock), std::move(*key), std::move(*file)));
    auto ready = there ? ledger->resume(std::move(examined)) : ledger->begin(clock.now());
    if (!ready)
        return fail(path.string(), ready.error());
    return ledger;
}

Status OutageLedger::begin(UtcTime now) {
    auto begun = append("genesis", {{"format", 1},
                                    {"watch", place_.watch},
                                    {"key", to_hex(key_.public_key())},
                                    {"time", to_iso8601(now)}});
    if (begun)
        id_ = to_hex(head_.digest);
    return begun;
}

Status OutageLedger::resume(Examined examined) {
    history_ = std::move(examined.history);
    head_ = examined.head;
    id_ = examined.ledger;
    last_anchor_ = examined.last_anchor;
    // The last anchor may not have reached every place before the end.
    if (last_anchor_)
        owed_ = place_.anchor_folders;
    auto pending = file_.pending();
    if (!pending)
        return fail(pending.error().message);
    std::optional<UtcTime> first;
    std::optional<UtcTime> last;
    for (const auto& [series, time] : *pending) {
        if (series >= history_.series().size())
            return fail("a probe of an unknown series waits for its round's row");
        first = first ? std::min(*first, time) : time;
        last = last ? std::max(*last, time) : time;
        history_.at(series).observe(time, history_.at(series).state());
        pending_.emplace_back(series, time);
    }
    if (!first)
        return {};
    return end_round(*first, *last);  // a round that was cut off
}

Status OutageLedger::append(std::string_view kind, const Json& body, ByteView evidence) {
    const std::string text = dump(body);
    if (text.size() > limits::ledger_row_octets)
        return fail(fmt::format("a row of {} octets is too large", text.size()));
    const std::uint64_t number = head_.number + 1;
    const Digest digest = row_digest(head_.digest, number, kind, text);
    LedgerFile::Batch batch(file_);
    Status done;
    if (!evidence.empty())
        done = file_.put_evidence(sha256(evidence), evidence);
    if (done)
        done = file_.append(number, kind, text, digest);
    if (done && kind == "round")
        done = file_.clear_pending();
    if (done)
        done = batch.commit();
    if (!done)
        return fail("the outage ledger cannot be written", done.error());
    head_ = {number, digest};
    // The very text that was written is what is counted, here as at the next start.
    return history_.apply(number, kind, nlohmann::json::parse(text));
}

Status OutageLedger::note_start(UtcTime now, std::string_view version, seconds period) {
    return append("start", {{"time", to_iso8601(now)}, {"version", version}, {"period", period.count()}});
}
Status OutageLedger::note_stop(UtcTime now) {
    return append("stop", {{"time", to_iso8601(now)}});
}

Result<std::size_t> OutageLedger::series(const SeriesKey& key, seconds hold, UtcTime now) {
    const auto found = history_.find(key);
    if (found) {
        const auto known = holds_.find(*found);
        if (known != holds_.end() && known->second == hold)
            return *found;
    } else if (history_.series().size() >= limits::watched_series) {
        return fail(fmt::format("more than {} series", limits::watched_series));
    }
    const std::size_t number = found.value_or(history_.series().size());
    auto entered = append("series", {{"series", number},
                                     {"issuer", key.issuer},
                                     {"method", to_string(key.method)},
                                     {"address", key.address},
                                     {"hold", hold.count()},
                                     {"time", to_iso8601(now)}});
    if (!entered)
        return fail(entered.error().message);
    holds_[number] = hold;
    return number;
}

Status OutageLedger::observe(std::size_t series, const Observation& observation) {
    SeriesHistory& seen = history_.at(series);
    if (seen.last() && observation.time <= *seen.last())
        return {};  // two probes in one second, or a clock that was set back: the first one stands
    if (seen.would_change(observation.time, observation.cause)) {
        // What this series was seen as before stands in front of the change, so that reading counts it.
        if (std::ranges::find(pending_, series, &std::pair<std::size_t, UtcTime>::first) != pending_.end()) {
            if (auto written = end_round(pending_.front().second, observation.time); !written)
                return written;
        }
        const ByteView all(observation.evidence);
        const ByteView evidence = all.first(std::min(all.size(), limits::evidence_octets));
        return append("change",
                      {{"series", series},
                       {"time", to_iso8601(observation.time)},
                       {"cause", to_string(observation.cause)},
                       {"text", bounded(observation.text)},
                       {"evidence", evidence.empty() ? "" : to_hex(sha256(evidence))},
                       {"answer_octets", all.size()}},
                      evidence);
    }
    if (auto set = file_.add_pending(series, observation.time); !set)
        return fail("the outage ledger cannot be written", set.error());
    pending_.emplace_back(series, observation.time);
    seen.observe(observation.time, observation.cause);
    return {};
}

Status OutageLedger::end_round(UtcTime began, UtcTime ended) {
    Json seen = Json::array();
    for (const auto& [series, time] : pending_)
        seen.push_back({series, (time - began).count()});
    auto written =
        append("round", {{"began", to_iso8601(began)}, {"ended", to_iso8601(ended)}, {"seen", seen}});
    if (written)
        pending_.clear();
    return written;
}

Status OutageLedger::note_facts(const std::string& issuer, const OcspFacts& facts) {
    const auto& known = history_.issuer(issuer).ocsp;
    if (!known.empty() && known.back().same(facts))
        return {};
    return append("facts", {{"time", to_iso8601(facts.time)},
                            {"issuer", issuer},
                            {"ocsp",
                             {{"this_update", to_iso8601(facts.this_update)},
                              {"next_update", to_iso8601(facts.next_update)},
                              {"signer_not_after", to_iso8601(facts.signer_not_after)}}}});
}

Status OutageLedger::note_facts(const std::string& issuer, const CrlFacts& facts) {
    const auto& known = history_.issuer(issuer).crl;
    if (!known.empty() && known.back().same(facts))
        return {};
    return append("facts", {{"time", to_iso8601(facts.time)},
                            {"issuer", issuer},
                            {"crl",
                             {{"number", facts.number},
                              {"this_update", to_iso8601(facts.this_update)},
                              {"next_update", to_iso8601(facts.next_update)},
                              {"size", facts.size},
                              {"entries", facts.entries}}}});
}

Status OutageLedger::note_revocation(const std::string& issuer, const RevocationSeen& seen) {
    return append("revocation", {{"time", to_iso8601(seen.seen_at)},
                                 {"issuer", issuer},
                                 {"method", to_string(seen.method)},
                                 {"revoked_at", to_iso8601(seen.revoked_at)},
                                 {"seen_at", to_iso8601(seen.seen_at)},
                                 {"reference", seen.reference}});
}

Status OutageLedger::note_witness(const Anchor& anchor, UtcTime now) {
    std::string line = to_line(anchor);
    if (anchor.watch == place_.watch || std::ranges::find(witnessed_, line) != witnessed_.end())
        return {};
    Json body = Json::parse(line);
    body["noted"] = to_iso8601(now);
    auto noted = append("witness", body);
    if (noted)
        witnessed_.push_back(std::move(line));
    return noted;
}

Result<OutageLedger::Anchored> OutageLedger::anchor(UtcTime now, bool force) {
    Anchored result;
    const bool due = !last_anchor_ || now - last_anchor_->time >= limits::anchor_period ||
                     day_of(now) > day_of(last_anchor_->time);
    if ((due || force) && !(last_anchor_ && last_anchor_->head == head_)) {
        Anchor made{place_.watch, id_, head_, now, {}};
        auto signature = key_.sign(signed_text(made));
        if (!signature)
            return fail(signature.error().message);
        made.signature = std::move(*signature);
        // First outside, then in the chain: a head that was signed is never behind the ledger it speaks of.
        if (auto left = append_anchor(anchor_file(place_.folder), made); !left)
            return fail(left.error().message);
        if (auto noted = append("anchor", Json::parse(to_line(made))); !noted)
            return fail(noted.error().message);
        last_anchor_ = std::move(made);
        owed_ = place_.anchor_folders;
        result.made = true;
    }
    std::vector<std::filesystem::path> still;
    for (const auto& folder : owed_) {
        if (auto left = append_anchor(anchor_file(folder), *last_anchor_); !left) {
            result.unreached.push_back(left.error().message);
            still.push_back(folder);
        }
    }
    owed_ = std::move(still);
    return result;
}

}  // namespace eightbells::watch
