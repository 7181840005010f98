#include "responder/signer/differences.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <set>
#include <utility>

#include "responder/base/durable_file.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

using nlohmann::json;

namespace {

std::string_view name_of(metrics::Compared with) {
    return metrics::compared_names[static_cast<std::size_t>(with)];
}

std::optional<metrics::Compared> compared_from(std::string_view name) {
    const auto found = std::ranges::find(metrics::compared_names, name);
    if (found == metrics::compared_names.end())
        return std::nullopt;
    return static_cast<metrics::Compared>(found - metrics::compared_names.begin());
}

json to_json(const DifferenceKey& key, const Difference& difference) {
    return {{"issuer", key.issuer},
            {"with", name_of(key.with)},
            {"where", key.where},
            {"serial", key.serial.to_hex()},
            {"ledger", difference.ledger},
            {"other", difference.other},
            {"since", to_iso8601(difference.since)},
            {"known", to_iso8601(difference.known)}};
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

Differences::Differences(std::filesystem::path file, std::vector<std::pair<std::string, std::string>> names,
                         metrics::SignerMetrics& metrics, const Clock& clock)
    : file_(std::move(file)), names_(std::move(names)), metrics_(metrics), clock_(clock) {
    load();
}

void Differences::load() {
    std::error_code ignored;  // what cannot be looked at is reported by what reads it
    if (!std::filesystem::exists(file_, ignored))
        return;
    const auto content = read_file(file_, limits::differences_file_octets);
    const json list =
        content ? json::parse(as_text(*content), nullptr, false) : json(json::value_t::discarded);
    if (!list.is_array()) {
        spdlog::error("{}: cannot be read; how long the differences in it have stood is forgotten",
                      file_.string());
        return;
    }
    const UtcTime now = clock_.now();
    for (const json& object : list) {
        if (!object.is_object())
            continue;
        const auto with = compared_from(text_of(object, "with"));
        const auto serial = Serial::from_hex(text_of(object, "serial"));
        const auto since = from_iso8601(text_of(object, "since"));
        const std::string issuer = text_of(object, "issuer");
        const bool known =
            std::ranges::find(names_, issuer, &std::pair<std::string, std::string>::first) != names_.end();
        if (!with || !serial || !since || !known || kept(*with) >= limits::differences)
            continue;
        Entry entry;
        entry.since = std::min(*since, now);
        entry.known = from_iso8601(text_of(object, "known")).value_or(entry.since);
        entry.ripe_at = year_9999;  // until it is seen again
        const bool is_new =
            entries_.insert_or_assign({issuer, *with, text_of(object, "where"), *serial}, entry).second;
        kept(*with) += is_new ? 1 : 0;
    }
}

const std::string& Differences::name_of(const std::string& issuer) const {
    const auto found = std::ranges::find(names_, issuer, &std::pair<std::string, std::string>::first);
    return found == names_.end() ? issuer : found->second;
}

void Differences::see(const DifferenceKey& key, std::string ledger, std::string other,
                      const Patience& patience) {
    const UtcTime now = clock_.now();
    const std::scoped_lock lock{mutex_};
    auto found = entries_.find(key);
    if (found == entries_.end()) {
        if (kept(key.with) >= limits::differences) {
            if (!std::exchange(full_said_, true))
                spdlog::error(
                    "more than {} differences between ledger and {}; further ones are not kept, so that they "
                    "count only when others are gone",
                    limits::differences, metrics::compared_names[static_cast<std::size_t>(key.with)]);
            return;
        }
        found = entries_.try_emplace(key).first;
        ++kept(key.with);
        found->second.since = now;
        const auto known = known_.find({key.issuer, key.serial});
        found->second.known = known != known_.end() ? known->second : patience.known.value_or(now);
        changed_ = true;
    }
    Entry& entry = found->second;
    entry.ledger = std::move(ledger);
    entry.other = std::move(other);
    entry.seen = now;
    entry.ripe_at = entry.since + (patience.spoke > entry.known ? patience.delay : patience.until_next);
    if (now < entry.ripe_at || entry.named)
        return;
    entry.named = true;
    changed_ = true;
}

void Differences::changed(const std::string& issuer, const Serial& serial, UtcTime at) {
    const std::scoped_lock lock{mutex_};
    const auto [known, is_new] = known_.insert_or_assign({issuer, serial}, at);
    if (is_new)
        oldest_known_.push_back(known);
    if (oldest_known_.size() > limits::changes_remembered) {
        known_.erase(oldest_known_.front());
        oldest_known_.pop_front();
    }
    // Seen before this was told.
    for (auto entry = entries_.lower_bound({issuer, {}, {}, serial});
         entry != entries_.end() && entry->first.issuer == issuer && entry->first.serial == serial; ++entry)
        entry->second.known = std::max(entry->second.known, at);
}

void Differences::clear(const DifferenceKey& key) {
    const std::scoped_lock lock{mutex_};
    if (const auto found = entries_.find(key); found != entries_.end()) {
        changed_ = true;
        entries_.erase(found);
        --kept(key.with);
    }
}

void Differences::clear_unseen(const std::string& issuer, metrics::Compared with, UtcTime begun) {
    const std::scoped_lock lock{mutex_};
    std::erase_if(entries_, [&](const auto& one) {
        const auto& [key, entry] = one;
        if (key.issuer != issuer || key.with != with || entry.seen >= begun)
            return false;
        changed_ = true;
        --kept(with);
        return true;
    });
    full_said_ =
        full_said_ && std::ranges::any_of(kept_, [](std::size_t n) { return n >= limits::differences; });
}

std::vector<DifferenceKey> Differences::of(const std::string& issuer, metrics::Compared with) const {
    std::vector<DifferenceKey> keys;
    const std::scoped_lock lock{mutex_};
    for (const auto& [key, entry] : entries_) {
        if (key.issuer == issuer && key.with == with)
            keys.push_back(key);
    }
    return keys;
}

std::size_t Differences::named(const std::string& issuer) const {
    std::set<Serial> serials;
    const std::scoped_lock lock{mutex_};
    for (const auto& [key, entry] : entries_) {
        if (key.issuer == issuer && entry.named)
            serials.insert(key.serial);
    }
    return serials.size();
}

std::string Differences::named_json(const std::string& issuer, std::size_t at_most) const {
    std::map<Place, std::vector<std::pair<UtcTime, const DifferenceKey*>>> places;
    nlohmann::json list = nlohmann::json::array();
    const std::scoped_lock lock{mutex_};
    for (const auto& [key, entry] : entries_) {
        if (key.issuer == issuer && entry.named)
            places[{key.issuer, key.with, key.where}].emplace_back(entry.since, &key);
    }
    for (auto& [place, named] : places) {
        std::ranges::stable_sort(named, {}, &std::pair<UtcTime, const DifferenceKey*>::first);
        for (const auto& [since, key] : named | std::views::take(at_most)) {
            list.push_back(to_json(*key, entries_.at(*key)));
            list.back().erase("issuer");
        }
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status Differences::save() {
    nlohmann::json list = nlohmann::json::array();
    {
        const std::scoped_lock lock{mutex_};
        if (!std::exchange(changed_, false))
            return {};
        for (const auto& [key, entry] : entries_)
            list.push_back(to_json(key, entry));
    }
    const std::string text = list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    auto written = write_file_durably(file_, as_bytes(text), 0600);
    if (!written) {
        const std::scoped_lock lock{mutex_};
        changed_ = true;
    }
    return written;
}

void Differences::measure() {
    const std::scoped_lock lock{mutex_};
    for (std::size_t index = 0; index < names_.size(); ++index) {
        std::array<std::set<Serial>, metrics::compareds> named;
        std::array<std::optional<UtcTime>, metrics::compareds> oldest;
        for (const auto& [key, entry] : entries_) {
            if (key.issuer != names_[index].first)
                continue;
            const auto with = static_cast<std::size_t>(key.with);
            if (entry.named)
                named[with].insert(key.serial);
            oldest[with] = std::min(oldest[with].value_or(entry.since), entry.since);
        }
        for (std::size_t with = 0; with < metrics::compareds; ++with) {
            const auto label = static_cast<metrics::Compared>(with);
            metrics_.differences(index, label).set(named[with].size());
            metrics_.oldest_difference(index, label).set(oldest[with].value_or(UtcTime{}));
        }
    }
    tell();
}

// One line for each place and change of number; serials stand in the status, never in a log.
void Differences::tell() {
    std::map<Place, std::pair<std::size_t, const Entry*>> named;  // how many, and the oldest
    for (const auto& [key, entry] : entries_) {
        if (!entry.named)
            continue;
        auto& [count, oldest] = named[{key.issuer, key.with, key.where}];
        ++count;
        if (oldest == nullptr || entry.since < oldest->since)
            oldest = &entry;
    }
    for (const auto& [place, told] : told_) {
        if (!named.contains(place))
            spdlog::info("issuer {}: {} {} and the ledger say the same again", name_of(place.issuer),
                         signer::name_of(place.with), place.where);
    }
    for (const auto& [place, found] : named) {
        const auto& [count, oldest] = found;
        const auto told = told_.find(place);
        if (told != told_.end() && told->second == count)
            continue;
        spdlog::error(
            "issuer {}: {} {} has another status of {} certificates than the ledger; the oldest since {}: "
            "the ledger says {}, it says {}. `eightbells status` names them",
            name_of(place.issuer), signer::name_of(place.with), place.where, count, to_iso8601(oldest->since),
            oldest->ledger, oldest->other);
    }
    told_.clear();
    for (const auto& [place, found] : named)
        told_[place] = found.first;
}

}  // namespace eightbells::signer
