#include "responder/signer/crl_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "responder/signer/limits.h"
#include "responder/signer/same_file.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

namespace {

bool may_be_crl(const fs::path& file) {
    const std::string name = file.filename().string();
    const std::string end = file.extension().string();
    return !name.starts_with('.') && (end == ".crl" || end == ".der" || end == ".pem");
}

}  // namespace

CrlSources::CrlSources(const std::vector<FedIssuer>& issuers, CrlGate& gate, Taken taken, const Clock& clock)
    : gate_(gate), taken_(std::move(taken)), clock_(clock) {
    for (const FedIssuer& issuer : issuers) {
        // A delta after its base, which it must go with.
        for (const bool delta : {false, true}) {
            for (const auto& crl : issuer.settings.crls()) {
                if (!crl.file.empty() && crl.delta_of.empty() != delta)
                    sources_.push_back({&issuer, crl, {}});
            }
        }
    }
}

bool CrlSources::look_once() {
    bool changed = false;
    for (Source& source : sources_)
        changed = look(source) || changed;
    return changed;
}

bool CrlSources::look(Source& source) {
    std::error_code not_there;
    return fs::is_directory(source.crl.file, not_there) ? look_at_folder(source)
                                                        : look_at_file(source, source.crl.file);
}

// Whether the file is to be looked into now: it is new, has changed, or was not to be had the last time.
bool CrlSources::due(const Source& source, const fs::path& file, Seen& seen) {
    struct ::stat facts {};
    if (::stat(file.c_str(), &facts) != 0) {
        gate_.refuse(*source.issuer, source.crl, {nullptr, file.string()},
                     {fmt::format("{}: {}", file.string(), std::strerror(errno))});
        seen = {};
        return false;
    }
    const auto now = clock_.steady();
    if (seen.state == State::fresh || !same_file(seen.facts, facts)) {
        if (seen.state == State::unreadable && now < seen.again)
            return false;
        seen = {};
        seen.facts = facts;
        seen.since = now;
        return true;
    }
    return seen.state != State::done && now >= seen.again;
}

void CrlSources::unreadable(Source& source, Seen& seen, const CrlGate::Offer& offer, const Error& why) {
    const auto now = clock_.steady();
    seen.state = State::unreadable;
    seen.again = now + limits::crl_unreadable_again;
    if (now - seen.since < limits::crl_settles)
        return;
    seen.state = State::refused;
    seen.again = now + limits::feed_retry;
    gate_.refuse(*source.issuer, source.crl, offer, {fmt::format("{}: {}", offer.place, why.message)});
}

// A copy of what stands in the file, and its number; nothing: it is no CRL, now or at all.
std::optional<CrlGate::Offer> CrlSources::read(Source& source, const fs::path& file, Seen& seen) {
    auto octets = crl::copy_crl(file, gate_.scratch());
    if (!octets) {
        unreadable(source, seen, {nullptr, file.string()}, octets.error());
        return std::nullopt;
    }
    CrlGate::Offer offered{std::move(*octets), file.string()};
    const auto der = crl::der_of(offered.octets, gate_.scratch());
    const auto view = der ? crl::parse_crl((*der)->bytes()) : tl::unexpected(der.error());
    if (!view) {
        unreadable(source, seen, offered, view.error());
        return std::nullopt;
    }
    seen.state = State::done;
    seen.number.assign(view->crl_number.begin(), view->crl_number.end());
    return offered;
}

bool CrlSources::offer(Source& source, const fs::path& file, Seen& seen) {
    const auto began = clock_.steady();
    const auto offered = read(source, file, seen);
    if (!offered)
        return false;
    const auto report = gate_.take(*source.issuer, source.crl, *offered);
    const auto now = clock_.steady();
    seen.state = report ? State::done : State::refused;
    seen.since = now;
    seen.again = now + std::max<std::chrono::steady_clock::duration>(limits::feed_retry,
                                                                     limits::crl_retry_share * (now - began));
    if (report)
        taken_(*source.issuer, *report);
    return report.has_value();
}

bool CrlSources::look_at_file(Source& source, const fs::path& file) {
    Seen& seen = source.files[file];
    return due(source, file, seen) && offer(source, file, seen);
}

bool CrlSources::look_at_folder(Source& source) {
    std::error_code error;
    std::map<fs::path, Seen> files;
    std::vector<fs::path> candidates;
    bool listed = true;
    const bool was_away = source.files.contains(source.crl.file);
    const bool was_well = std::exchange(source.well, false) && !was_away;
    for (fs::directory_iterator entry{source.crl.file, error}, end; !error && entry != end;
         entry.increment(error)) {
        if (!may_be_crl(entry->path()) || !entry->is_regular_file(error))
            continue;
        if (files.size() == limits::crl_folder_files) {
            gate_.refuse(*source.issuer, source.crl, {nullptr, source.crl.file.string()},
                         {fmt::format("{}: more than {} CRLs; take old ones away", source.crl.file.string(),
                                      limits::crl_folder_files)});
            listed = false;
            break;
        }
        const fs::path& file = entry->path();
        const auto known = source.files.find(file);
        Seen& seen = files[file] = known == source.files.end() ? Seen{} : known->second;
        if (due(source, file, seen) && (!seen.number.empty() || read(source, file, seen)))
            candidates.push_back(file);
    }
    if (error) {
        gate_.refuse(*source.issuer, source.crl, {nullptr, source.crl.file.string()},
                     {fmt::format("{}: {}", source.crl.file.string(), error.message())});
        return false;
    }
    source.files = std::move(files);
    const auto is_well = [&] {
        return listed && std::ranges::all_of(source.files,
                                             [](const auto& one) { return one.second.state == State::done; });
    };
    if (candidates.empty() && (was_well || !is_well())) {
        source.well = is_well();
        return false;
    }
    const auto newest = gate_.newest(*source.issuer, source.crl.path);
    // What was refused has been taken away: the alarm ends when what is served passes once more.
    for (const auto& [file, seen] : source.files) {
        if (candidates.empty() && newest && crl::compare_crl_numbers(seen.number, newest->crl_number) == 0)
            candidates.push_back(file);
    }
    std::erase_if(candidates, [&](const fs::path& file) {
        const Bytes& number = source.files[file].number;
        return newest && crl::compare_crl_numbers(number, newest->crl_number) < 0;
    });
    std::ranges::sort(candidates, [&](const fs::path& a, const fs::path& b) {
        return crl::compare_crl_numbers(source.files[a].number, source.files[b].number) > 0;
    });
    const bool taken = std::ranges::any_of(
        candidates, [&](const fs::path& file) { return offer(source, file, source.files[file]); });
    source.well = is_well();
    return taken;
}

}  // namespace eightbells::signer
