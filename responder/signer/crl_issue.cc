// One round of the CRL issuer: from the ledger to what is handed over.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/crl/octets.h"
#include "responder/signer/crl_issuer.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

namespace {

std::string audit_text(const Identity& identity, const std::string& path, const MadeCrl& made) {
    return nlohmann::ordered_json{{"issuer", identity.issuer.id()},
                                  {"path", path},
                                  {"number", to_hex(made.version.crl_number)},
                                  {"this_update", to_iso8601(made.version.this_update)},
                                  {"next_update", to_iso8601(made.next_update)},
                                  {"entries", made.entries},
                                  {"sha256", to_hex(made.version.digest)}}
        .dump();
}

}  // namespace

// Above everything that the ledger took, that is served, and the seconds since 1970: a ledger and page file
// that come from an old copy, both, still never give a number twice (F-04).
Result<std::vector<Bytes>> CrlIssuer::take_numbers(Line& line, UtcTime now) {
    const unsigned count = line.identity->settings.generated_crl.spare ? 2 : 1;
    std::vector<Bytes> numbers;
    for (std::size_t i = 0; i < line.served.size(); ++i) {
        Bytes at_least =
            crl::crl_number_of(static_cast<std::uint64_t>(std::max<std::int64_t>(to_unix(now), 1)));
        if (line.served[i]) {
            auto next = crl::crl_number_after(line.served[i]->version.crl_number);
            if (!next)
                return tl::unexpected<Error>(next.error());
            if (crl::compare_crl_numbers(*next, at_least) > 0)
                at_least = std::move(*next);
        }
        auto taken = ledger_.take_crl_numbers(line.identity->issuer.id(),
                                              line.maker.scopes()[i].distribution_point, at_least, count);
        if (!taken)
            return fail("ledger", taken.error());
        numbers.push_back(std::move(*taken));
    }
    return numbers;
}

Status CrlIssuer::issue(Line& line, UtcTime now, Occasion occasion) {
    const auto began = clock_.steady();
    look_at_served(line);
    const auto& settings = line.identity->settings.generated_crl;
    const auto as_of = as_of_(line.identity->issuer.id());
    const auto numbers = take_numbers(line, now);
    if (!as_of || !numbers)
        return numbers ? fail("no source has spoken yet") : tl::unexpected<Error>(numbers.error());
    // Crash here: the numbers are never used.
    auto dealt = line.maker.deal(ledger_, std::min(now, *as_of));
    if (!dealt)
        return tl::unexpected<Error>(dealt.error());
    std::optional<UtcTime> served;
    for (const auto& one : line.served)
        served = one ? std::max(served, std::optional{one->version.this_update}) : served;
    CrlTimes times =
        crl_times(line.identity->settings, now, *as_of, dealt->latest, served, settings.validity);
    if (occasion.last)
        times.next_update = year_9999;
    std::vector<MadeCrl> made;
    for (std::size_t i = 0; i < line.served.size(); ++i) {
        const std::optional<crl::CrlVersion> previous =
            line.served[i] ? std::optional{line.served[i]->version} : std::nullopt;
        auto one = line.maker.make({&line.maker.scopes()[i], std::nullopt, occasion.last, {}}, numbers->at(i),
                                   times, dealt->entries[i], previous, now);
        if (!one)
            return tl::unexpected<Error>(one.error());
        made.push_back(std::move(*one));
    }
    std::optional<MadeCrl> delta;
    if (!settings.delta.empty() && !occasion.last) {
        auto one = make_delta(line, made.front(), times, now);
        if (!one)
            return fail("delta CRL", one.error());
        delta = std::move(*one);
    }
    line.state.spare_next_update.reset();
    if (settings.spare && !occasion.last) {
        if (auto kept = keep_spares(line, *dealt, *numbers, made, now); !kept)
            spdlog::error("issuer {}: no spare CRL: {}", line.identity->settings.name, kept.error().message);
    }
    // Crash here: the next start makes them once more, under higher numbers.
    line.waiting.emplace();
    line.waiting->covers = dealt->covers;
    line.waiting->this_update = times.this_update;
    line.waiting->changed_at = line.changed_at;
    if (occasion.regular)
        line.waiting->leaving = std::move(dealt->leaving);
    for (std::size_t i = 0; i < made.size(); ++i)
        hand_over(line, i, made[i]);
    if (delta) {
        const std::string path{config::path_of_uri(settings.delta)};
        outlet_.serve_crl(line.identity->issuer.id(), path, delta->der);
        line.waiting->paths.push_back(path);
        line.served_delta = Served{delta->der, delta->version, delta->next_update};
    }
    note_made(line, made.front(), dealt->covers, occasion, now, began);
    return {};
}

void CrlIssuer::note_made(Line& line, const MadeCrl& complete, std::uint64_t covers, Occasion occasion,
                          UtcTime now, std::chrono::steady_clock::time_point began) {
    if (occasion.regular || line.base == nullptr) {
        line.base = complete.der;
        line.base_number = complete.version.crl_number;
        line.regular_at = now;
    }
    line.changed_at.reset();
    line.covers = covers;
    line.state.number = complete.version.crl_number;
    line.state.entries = complete.entries;
    line.state.this_update = complete.version.this_update;
    line.state.next_update = complete.next_update;
    line.state.took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - began);
    line.state.last = occasion.last;
    line.state.spare_out = false;
    line.state.fault.reset();
    ++line.state.made;
    spdlog::info("issuer {}: CRL {} made: {} entries, {} octets, {} ms", line.identity->settings.name,
                 to_hex(complete.version.crl_number), complete.entries, complete.der->bytes().size(),
                 line.state.took.count());
}

void CrlIssuer::hand_over(Line& line, std::size_t scope, const MadeCrl& made) {
    const auto& [point, path] = line.maker.scopes()[scope];
    outlet_.serve_crl(line.identity->issuer.id(), path, made.der);
    line.waiting->scopes.push_back(point);
    line.waiting->paths.push_back(path);
    line.waiting->texts.push_back(audit_text(*line.identity, path, made));
    line.served[scope] = Served{made.der, made.version, made.next_update};
}

// Against the complete CRL of the last regular round, under the number of the complete CRL that is made with
// it (RFC 5280, section 5.2.3). Without one before it the complete CRL is its own base.
Result<std::optional<MadeCrl>> CrlIssuer::make_delta(Line& line, const MadeCrl& complete,
                                                     const CrlTimes& times, UtcTime now) {
    const auto& base = line.base != nullptr ? line.base : complete.der;
    const Bytes& base_number = line.base != nullptr ? line.base_number : complete.version.crl_number;
    auto entries = line.maker.deal_delta(base->bytes(), complete.der->bytes());
    if (!entries)
        return tl::unexpected<Error>(entries.error());
    const std::optional<crl::CrlVersion> previous =
        line.served_delta ? std::optional{line.served_delta->version} : std::nullopt;
    auto made = line.maker.make({&line.maker.scopes().front(), base_number, false, complete.der->bytes()},
                                complete.version.crl_number, times, *entries, previous, now);
    if (!made)
        return tl::unexpected<Error>(made.error());
    return std::optional{std::move(*made)};
}

fs::path CrlIssuer::spare_file(const Line& line, std::size_t scope) const {
    const auto name = crypto::sha256(as_bytes(line.maker.scopes()[scope].distribution_point));
    return folder_ / "crl-spares" /
           fmt::format("{}-{}.crl", line.identity->issuer.id(), to_hex(ByteView{name}.first(8)));
}

// After a restart: is what is served a spare, and what lies there to go out?
void CrlIssuer::look_at_spares(Line& line) {
    if (!line.identity->settings.generated_crl.spare)
        return;
    for (std::size_t i = 0; i < line.served.size(); ++i) {
        const auto der = crl::copy_crl(spare_file(line, i), folder_);
        const auto view = der ? crl::parse_crl((*der)->bytes()) : tl::unexpected<Error>(der.error());
        if (!view || !line.served[i])
            continue;
        const auto order = crl::compare_crl_numbers(view->crl_number, line.served[i]->version.crl_number);
        if (order == 0)
            line.state.spare_out = true;
        else if (i == 0 && order > 0)
            line.state.spare_next_update = view->next_update;
    }
}

Status CrlIssuer::keep_spares(Line& line, const CrlMaker::Dealt& dealt, const std::vector<Bytes>& numbers,
                              const std::vector<MadeCrl>& made, UtcTime now) {
    const auto& settings = line.identity->settings.generated_crl;
    std::error_code error;
    fs::create_directories(folder_ / "crl-spares", error);
    if (error)
        return fail((folder_ / "crl-spares").string() + ": " + error.message());
    for (std::size_t i = 0; i < made.size(); ++i) {
        const auto number = crl::crl_number_after(numbers[i]);
        if (!number)
            return tl::unexpected<Error>(number.error());
        CrlTimes times{made[i].version.this_update, now + *settings.spare, std::nullopt};
        const CrlTimes bounded = crl_times(line.identity->settings, now, times.this_update, times.this_update,
                                           std::nullopt, *settings.spare);
        times.next_update = bounded.next_update;
        auto spare = line.maker.make({&line.maker.scopes()[i], std::nullopt, false, {}}, *number, times,
                                     dealt.entries[i], made[i].version, now);
        if (!spare)
            return tl::unexpected<Error>(spare.error());
        if (auto kept = write_file_durably(spare_file(line, i), spare->der->bytes()); !kept)
            return kept;
        if (i == 0)
            line.state.spare_next_update = spare->next_update;
    }
    return {};
}

// The served CRL ends soon and the key does not sign. By the wall clock, trusted or not: the spare was signed
// under a trusted one, and it is no worse than what it replaces.
void CrlIssuer::publish_spares(Line& line) {
    if (!line.identity->settings.generated_crl.spare || line.state.last || line.waiting)
        return;
    const UtcTime now = clock_.now();
    for (std::size_t i = 0; i < line.served.size(); ++i) {
        if (!line.served[i] || line.served[i]->next_update - now > limits::crl_overlap)
            continue;
        const auto der = crl::copy_crl(spare_file(line, i), folder_);
        if (!der)
            continue;
        const auto view = crl::parse_crl((*der)->bytes());
        const auto policy = line.maker.policy({&line.maker.scopes()[i], std::nullopt, false, {}});
        const auto fit = view ? crl::check_crl(*view, (*der)->bytes(), line.identity->issuer, now,
                                               line.served[i]->version, policy)
                              : Status{tl::unexpected<Error>(view.error())};
        if (!fit || crypto::sha256((*der)->bytes()) == line.served[i]->version.digest)
            continue;
        const auto& path = line.maker.scopes()[i].path;
        spdlog::critical(
            "issuer {}: the CRL {} ends at {} and no new one can be made: its spare is published, "
            "valid until {}. Revocations since {} are not on it",
            line.identity->settings.name, path, to_iso8601(line.served[i]->next_update),
            to_iso8601(*view->next_update), to_iso8601(view->this_update));
        outlet_.serve_crl(line.identity->issuer.id(), path, *der);
        line.served[i] = Served{*der,
                                {Bytes{view->crl_number.begin(), view->crl_number.end()}, view->this_update,
                                 crypto::sha256((*der)->bytes())},
                                *view->next_update};
        line.state.spare_out = true;
        if (i == 0) {
            line.state.number = line.served[i]->version.crl_number;
            line.state.next_update = *view->next_update;
            line.state.spare_next_update.reset();
        }
    }
}

}  // namespace eightbells::signer
