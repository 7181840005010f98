#include "responder/signer/crl_issuer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "responder/signer/limits.h"

namespace eightbells::signer {

CrlIssuer::CrlIssuer(ledger::Ledger& ledger, std::filesystem::path folder,
                     std::function<std::optional<UtcTime>(const std::string&)> as_of, TrustedNow trusted_now,
                     CrlOutlet& outlet, const Clock& clock)
    : ledger_(ledger),
      folder_(std::move(folder)),
      as_of_(std::move(as_of)),
      trusted_now_(std::move(trusted_now)),
      outlet_(outlet),
      clock_(clock) {}

CrlIssuer::~CrlIssuer() {
    stop();
}

void CrlIssuer::start() {
    if (!lines_.empty())
        thread_ = std::thread{[this] { loop(); }};
}

void CrlIssuer::stop() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void CrlIssuer::loop() {
    while (true) {
        round();
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, limits::crl_tick, [this] { return stopping_; });
        if (stopping_)
            return;
    }
}

// What is served at the path now: somebody else may have put a CRL of the CA's there meanwhile.
std::optional<CrlIssuer::Served> CrlIssuer::served_at(const std::string& issuer, const std::string& path,
                                                      const std::optional<Served>& known) {
    auto der = outlet_.crl_at(issuer, path);
    if (der == nullptr)
        return std::nullopt;
    if (known && known->der == der)
        return known;
    const auto view = crl::parse_crl(der->bytes());
    if (!view)
        return std::nullopt;
    Served served;
    served.version = {Bytes{view->crl_number.begin(), view->crl_number.end()}, view->this_update,
                      crypto::sha256(der->bytes())};
    served.next_update = view->next_update.value_or(year_9999);
    served.der = std::move(der);
    return served;
}

void CrlIssuer::look_at_served(Line& line) {
    const std::string& id = line.identity->issuer.id();
    for (std::size_t i = 0; i < line.served.size(); ++i)
        line.served[i] = served_at(id, line.maker.scopes()[i].path, line.served[i]);
    const std::string& delta = line.identity->settings.generated_crl.delta;
    if (!delta.empty())
        line.served_delta = served_at(id, std::string{config::path_of_uri(delta)}, line.served_delta);
}

// What is served tells what was last: number, times, and whether it was the last one. The ledger's word on
// what the CRLs cover counts only when its numbers go with what is served: either may come from an old copy.
Status CrlIssuer::add_issuer(const std::shared_ptr<const Identity>& identity) {
    if (!identity->crl_key)
        return {};
    const std::string& id = identity->issuer.id();
    auto line = std::make_unique<Line>(identity, folder_);
    line->state.issuer = id;
    line->begun = clock_.now();
    line->served.resize(line->maker.scopes().size());
    look_at_served(*line);
    bool agree = true;
    for (std::size_t i = 0; i < line->served.size(); ++i) {
        const auto& served = line->served[i];
        auto known = ledger_.crl_state(id, line->maker.scopes()[i].distribution_point);
        if (!known)
            return fail("ledger", known.error());
        line->state.last =
            line->state.last || (*known && (*known)->last) || (served && served->next_update == year_9999);
        const auto after = served ? crl::crl_number_after(served->version.crl_number) : Result<Bytes>{};
        agree = agree && served && *known && after &&
                ((*known)->number == served->version.crl_number || (*known)->number == *after);
        if (i == 0 && *known)
            line->covers = (*known)->covers;
    }
    if (const auto& complete = line->served.front()) {
        line->base = complete->der;
        line->base_number = complete->version.crl_number;
        line->regular_at = complete->version.this_update;
        line->state.number = complete->version.crl_number;
        line->state.this_update = complete->version.this_update;
        line->state.next_update = complete->next_update;
    }
    if (!agree) {
        line->regular_at.reset();
    }
    look_at_spares(*line);
    lines_.push_back(std::move(line));
    return {};
}

bool CrlIssuer::round() {
    const std::scoped_lock turn{turn_};
    bool made = false;
    for (auto& line : lines_)
        made = step(*line) || made;
    return made;
}

bool CrlIssuer::step(Line& line) {
    bool made = false;
    Status done = settle(line);
    if (done && !line.waiting && !line.state.last && clock_.steady() >= line.retry_at) {
        const auto now = trusted_now_();
        const auto when = now ? occasion(line, *now) : tl::unexpected<Error>(now.error());
        if (!when) {
            done = tl::unexpected<Error>(when.error());
        } else if (*when) {
            done = issue(line, *now, **when);
            made = done.has_value();
        } else {
            line.state.fault.reset();
        }
    }
    if (!done)
        note_fault(line, done.error());
    const auto& settings = line.identity->settings.generated_crl;
    line.state.due.reset();
    if (!line.state.last)
        line.state.due = line.regular_at ? *line.regular_at + settings.every : line.begun;
    line.state.waits = line.waiting.has_value();
    outlet_.on_issuance(*line.identity, line.state);
    return made;
}

void CrlIssuer::note_fault(Line& line, const Error& error) {
    if (line.state.fault != error.message) {
        spdlog::error("issuer {}: no CRL can be made: {}; what is published goes on being served",
                      line.identity->settings.name, error.message);
    }
    line.state.fault = error.message;
    ++line.state.failures;
    line.retry_at = clock_.steady() + limits::crl_retry;
    publish_spares(line);
}

// Noted only when the page file has it: after a crash before that nothing is believed to be covered or
// listed.
Status CrlIssuer::settle(Line& line) {
    if (!line.waiting)
        return {};
    const std::string& id = line.identity->issuer.id();
    const Waiting& waiting = *line.waiting;
    if (std::ranges::any_of(waiting.paths, [&](const auto& path) { return outlet_.crl_waits(id, path); }))
        return {};
    if (!waiting.leaving.empty()) {
        if (auto marked = ledger_.mark_last_listed(id, waiting.leaving, waiting.this_update); !marked)
            return fail("ledger", marked.error());
    }
    for (std::size_t i = 0; i < waiting.scopes.size(); ++i) {
        auto noted =
            ledger_.crl_published(id, waiting.scopes[i], waiting.covers, line.state.last, waiting.texts[i]);
        if (!noted)
            return fail("ledger", noted.error());
    }
    if (waiting.changed_at) {
        ++line.state.changes_shown;
        line.state.shown_after =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - *waiting.changed_at);
    }
    line.covers = waiting.covers;
    line.waiting.reset();
    return {};
}

// Whether a CRL is to be made now, and which kind of round it is.
Result<std::optional<CrlIssuer::Occasion>> CrlIssuer::occasion(Line& line, UtcTime now) {
    const auto& settings = line.identity->settings.generated_crl;
    const std::string& id = line.identity->issuer.id();
    if (!as_of_(id))
        return std::nullopt;  // no source has spoken yet: nothing can be said about any certificate (B-13)
    const bool missing =
        std::ranges::any_of(line.served, [](const auto& served) { return !served.has_value(); });
    if (missing || !line.regular_at || *line.regular_at + settings.every <= now)
        return Occasion{true, false};
    const auto changes = ledger_.status_changes(id);
    if (!changes)
        return fail("ledger", changes.error());
    if (line.covers && *changes <= *line.covers) {
        line.changed_at.reset();
        return std::nullopt;
    }
    if (!line.changed_at)
        line.changed_at = clock_.steady();
    if (clock_.steady() - *line.changed_at < settings.delay)
        return std::nullopt;
    return Occasion{false, false};
}

Status CrlIssuer::issue_last(const std::string& issuer) {
    const std::scoped_lock turn{turn_};
    const auto found =
        std::ranges::find_if(lines_, [&](const auto& line) { return line->identity->issuer.id() == issuer; });
    if (found == lines_.end())
        return fail("no CRLs are made for this issuer: generated_crl.key is not set");
    Line& line = **found;
    if (line.state.last)
        return fail("its last CRL is out already");
    // No exception is made for a last one there: CRLs go on until the CA's own certificates end (F-27).
    if (crypto::is_public_trust(line.identity->settings.scheme))
        return fail(
            "D-13, D-14: nextUpdate of this scheme's CRLs is ten days ahead at most, a year for those of "
            "CAs: "
            "there is no last CRL; they go on until the CA's certificate is expired or revoked");
    if (auto settled = settle(line); !settled)
        return settled;
    if (line.waiting)
        return fail("a CRL is being published; try again in a moment");
    const auto now = trusted_now_();
    if (!now)
        return tl::unexpected<Error>(now.error());
    if (!as_of_(issuer))
        return fail("no source has said yet which certificates there are");
    const auto open = ledger_.find_open(issuer, *now);
    if (!open)
        return fail("ledger", open.error());
    if (*open) {
        return fail(
            fmt::format("F-18: the certificate {} is neither expired nor revoked; the last CRL comes after "
                        "the last of them",
                        (*open)->to_hex()));
    }
    if (auto issued = issue(line, *now, {true, true}); !issued)
        return issued;
    spdlog::warn("issuer {}: the last CRL is made: there will be no other", line.identity->settings.name);
    line.state.due.reset();
    outlet_.on_issuance(*line.identity, line.state);
    return {};
}

}  // namespace eightbells::signer
