#include "responder/signer/publisher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "responder/signer/limits.h"

namespace eightbells::signer {

Publisher::Publisher(ledger::Ledger& ledger, cache::PageFile& pages, const keys::StoreKey& store_key,
                     Press& press, std::filesystem::path scratch, Publication::HandOn hand_on,
                     std::function<std::optional<Vouched>(const std::string&)> vouched,
                     TrustedNow trusted_now, PublisherListener& listener, const Clock& clock)
    : ledger_(ledger),
      pages_(pages),
      store_key_(store_key),
      press_(press),
      scratch_(std::move(scratch)),
      hand_on_(std::move(hand_on)),
      vouched_(std::move(vouched)),
      trusted_now_(std::move(trusted_now)),
      listener_(listener),
      clock_(clock) {}

Publisher::~Publisher() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

Status Publisher::add_issuer(std::shared_ptr<const Identity> identity) {
    auto line = std::make_unique<Line>(Publication{identity, pages_, store_key_, hand_on_});
    line->state.issuer = identity->issuer.id();
    if (auto restored = take_up(*line); !restored)
        return restored;
    auto epoch = ledger_.take_epoch(line->publication.version().epoch);
    if (!epoch)
        return fail("ledger", epoch.error());
    line->publication.begin_epoch(*epoch);
    if (auto taken = take_up_crls(*line); !taken)
        return taken;
    lines_.push_back(std::move(line));
    return {};
}

// Takes up the page file; what was once published and the ledger does not know comes from a ledger restored
// from an old copy, or begun anew: it is taken back into the ledger before anything is signed (C-08).
Status Publisher::take_up(Line& line) {
    const auto& identity = *line.publication.identity();
    const std::string& id = identity.issuer.id();
    line.signing_anew.reset();
    line.as_pages.clear();
    TakeBack forgotten{ledger_, identity, "the page file", clock_};
    auto loaded = line.publication.load(forgotten);
    if (!loaded)
        return fail(fmt::format("issuer \"{}\"", identity.settings.name), loaded.error());
    if (auto taken = forgotten.finish(); !taken)
        return taken;
    line.state.taken_back += forgotten.counts().issued + forgotten.counts().revoked;
    // Before anything is imported: from now on every change is written down, whatever an earlier end left
    // undone.
    if (line.publication.published()) {
        if (auto last = ledger_.last_change_id(id); !last)
            return fail("ledger", last.error());
    }
    if (!loaded->remark.empty())
        spdlog::warn("issuer {}: page file: {}", identity.settings.name, loaded->remark);
    if (loaded->damaged_pages != 0) {
        spdlog::error("issuer {}: page file: {} pages are missing or damaged; they are signed again",
                      identity.settings.name, loaded->damaged_pages);
    }
    return {};
}

Status Publisher::take_up_crls(Line& line) {
    const auto& identity = *line.publication.identity();
    for (const std::string& path : line.publication.crl_paths()) {
        auto served = line.publication.served_crl(path, scratch_);
        if (!served)
            return fail(fmt::format("issuer \"{}\": CRL {}", identity.settings.name, path), served.error());
        if (*served == nullptr) {
            spdlog::error("issuer {}: page file: the CRL {} is missing or damaged", identity.settings.name,
                          path);
            continue;
        }
        const std::scoped_lock lock{mutex_};
        served_[{identity.issuer.id(), path}] = std::move(*served);
    }
    return {};
}

void Publisher::start() {
    thread_ = std::thread{[this] { loop(); }};
}

void Publisher::wake() {
    {
        const std::scoped_lock lock{mutex_};
        woken_ = true;
    }
    wake_.notify_all();
}

void Publisher::submit_crl(const std::string& issuer, const std::string& path, CrlOctets der) {
    {
        const std::scoped_lock lock{mutex_};
        served_[{issuer, path}] = der;
        // Only the newest counts; it has waited for as long as the one before.
        const auto [at, first] = crls_.try_emplace({issuer, path}, WaitingCrl{path, der, clock_.steady()});
        if (!first)
            at->second.der = std::move(der);
        woken_ = true;
    }
    wake_.notify_all();
}

void Publisher::rise_above(const std::string& issuer, cache::Version found) {
    {
        const std::scoped_lock lock{mutex_};
        auto& highest = found_elsewhere_[issuer];
        highest = std::max(highest, found);
        woken_ = true;
    }
    wake_.notify_all();
}

// Sequence too: patches and pages compare by it, and fronts may hold what was published up to there.
Status Publisher::rise(Line& line, UtcTime now) {
    auto& publication = line.publication;
    const std::string& id = publication.identity()->issuer.id();
    cache::Version found;
    {
        const std::scoped_lock lock{mutex_};
        const auto at = found_elsewhere_.find(id);
        if (at == found_elsewhere_.end())
            return {};
        found = at->second;
    }
    if (publication.version() <= found) {
        auto epoch = ledger_.take_epoch(found.epoch);
        if (!epoch)
            return fail("ledger", epoch.error());
        publication.begin_epoch(*epoch);
    }
    publication.begin_sequence(found.sequence);
    if (publication.published() && publication.stored() <= found) {
        if (auto published = publication.publish_head(now); !published)
            return published;
    }
    const std::scoped_lock lock{mutex_};
    if (const auto at = found_elsewhere_.find(id); at->second == found)
        found_elsewhere_.erase(at);
    return {};
}

CrlOctets Publisher::served_crl(const std::string& issuer, const std::string& path) {
    const std::scoped_lock lock{mutex_};
    const auto found = served_.find({issuer, path});
    return found == served_.end() ? nullptr : found->second;
}

std::vector<std::string> Publisher::served_crl_paths(const std::string& issuer) {
    std::vector<std::string> paths;
    const std::scoped_lock lock{mutex_};
    for (const auto& [place, der] : served_) {
        if (place.first == issuer)
            paths.push_back(place.second);
    }
    return paths;
}

void Publisher::loop() {
    while (true) {
        const bool more = round();
        std::unique_lock lock{mutex_};
        if (!more)
            wake_.wait_for(lock, limits::publisher_tick, [this] { return stopping_ || woken_; });
        if (stopping_)
            return;
        woken_ = false;
    }
}

bool Publisher::round() {
    bool more = false;
    for (auto& line : lines_)
        more = step(*line) || more;
    return more;
}

bool Publisher::step(Line& line) {
    if (clock_.steady() < line.retry_at)
        return false;
    // What is held in memory may have gone ahead of the page file: what is really stored is taken up again
    // first.
    Result<bool> done = false;
    if (auto loaded = line.publication.stale() ? take_up(line) : Status{}; !loaded) {
        done = tl::unexpected<Error>(loaded.error());
    } else {
        done = sign_what_waits(line);
    }
    if (done) {
        line.state.fault.reset();
    } else {
        note_fault(line, done.error());
    }
    report(line);
    return done.value_or(false);
}

void Publisher::note_fault(Line& line, const Error& error) {
    if (line.state.fault != error.message) {
        spdlog::error("issuer {}: {}; what is signed goes on being served",
                      line.publication.identity()->settings.name, error.message);
    }
    line.state.fault = error.message;
    ++line.state.failures;
    // What waits meanwhile is counted all the same.
    const auto& id = line.publication.identity()->issuer.id();
    if (const auto waiting = ledger_.unpublished(id, limits::changes_fetched))
        line.state.unpublished = waiting->size();
    line.retry_at = clock_.steady() + limits::signing_retry;
}

Result<bool> Publisher::sign_what_waits(Line& line) {
    const auto& identity = *line.publication.identity();
    const auto trusted = trusted_now_();
    if (!trusted)
        return tl::unexpected<Error>(trusted.error());
    const UtcTime now = *trusted;
    if (auto risen = rise(line, now); !risen)
        return tl::unexpected<Error>(risen.error());
    // Taken before the changes are looked at: those of its import stand among them.
    const auto crls = waiting_crls(line);
    const auto overdue = [&](const WaitingCrl& crl) {
        return clock_.steady() - crl.since >= limits::crl_waits;
    };
    if (line.publication.published() && std::ranges::any_of(crls, overdue)) {
        spdlog::error("issuer {}: a CRL goes out although the answers do not say yet what it says",
                      identity.settings.name);
        if (auto published = publish_crls(line, crls, now); !published)
            return tl::unexpected<Error>(published.error());
    }
    const auto source = vouched_(identity.issuer.id());
    if (!source)
        return false;  // no source has spoken yet: nothing can be said about any certificate (B-13)
    const UtcTime signer_end = identity.signer_certificate.not_after();
    const auto times = answer_times(now, *source, signer_end, identity.settings);
    if (times.next_update <= now)
        return fail(why_nothing_can_be_signed(times, *source, signer_end));
    if (!line.publication.published())
        return sign_anew(line, times, limits::pages_per_first_round);
    if (line.publication.complete()) {
        auto reshaped = reshape(line, now);
        if (!reshaped || *reshaped)
            return reshaped;
    }
    auto changed = sign_changes(line, times);
    if (!changed || *changed)
        return changed;
    if (auto published = publish_crls(line, crls, now); !published)
        return tl::unexpected<Error>(published.error());
    auto due = sign_due(line, times);
    if (line.publication.complete())
        return due;
    // Old pages that cannot be renewed (they have grown too large, say) do not keep the new ones from coming.
    auto signed_anew = sign_anew(line, times, due ? limits::pages_per_round : limits::pages_per_first_round);
    return due ? signed_anew : due;
}

Status Publisher::sign_pages(Line& line, std::span<const std::uint32_t> indices, const AnswerTimes& times,
                             Pages which) {
    auto& publication = line.publication;
    const bool coming = which == Pages::coming;
    const std::uint64_t sequence = publication.next_sequence();
    auto signed_pages = press_.sign_pages(publication.identity(), ledger_,
                                          coming ? publication.coming_bits() : publication.page_bits(),
                                          indices, sequence, times);
    if (!signed_pages)
        return tl::unexpected<Error>(signed_pages.error());
    auto published = coming ? publication.publish_coming(std::move(*signed_pages), sequence, times)
                            : publication.publish_pages(std::move(*signed_pages), sequence, times);
    if (!published)
        return published;
    line.state.pages_refreshed += indices.size();
    if (!publication.coming() || !coming)
        line.state.last_publication = clock_.now();
    return {};
}

Result<bool> Publisher::sign_changes(Line& line, const AnswerTimes& times) {
    const auto& identity = line.publication.identity();
    auto changes = ledger_.unpublished(identity->issuer.id(), limits::changes_fetched);
    if (!changes)
        return tl::unexpected<Error>(changes.error());
    line.state.unpublished = changes->size();
    // Changes of status come first in the list, and always go out at once.
    const auto first_new = std::ranges::find(*changes, false, &ledger::Ledger::Change::status_change);
    const auto news = static_cast<std::size_t>(changes->end() - first_new);
    if (first_new == changes->begin() && news > limits::changes_before_pages && line.as_pages.empty() &&
        line.publication.complete()) {
        // Many new certificates: whole pages cost little more than the patches that would be folded into them
        // anyway. The pages are signed as due ones, in rounds; the changes are marked when all are out. A
        // crash before that signs them again.
        for (const auto& change : *changes)
            line.publication.make_due(crypto::serial_hash(sha256_, change.serial.magnitude()));
        line.as_pages = std::move(*changes);
        return false;
    }
    if (!line.as_pages.empty() || news > limits::changes_before_pages)
        changes->erase(first_new, changes->end());
    if (changes->empty())
        return false;
    if (changes->size() > limits::changes_per_patch)
        changes->erase(changes->begin() + limits::changes_per_patch, changes->end());
    return sign_patch(line, std::move(*changes), times);
}

Result<bool> Publisher::sign_patch(Line& line, std::vector<ledger::Ledger::Change> changes,
                                   const AnswerTimes& times) {
    const auto& identity = line.publication.identity();
    const std::string& id = identity->issuer.id();
    std::vector<ledger::Certificate> certificates;
    std::vector<std::uint64_t> hashes;
    std::vector<std::uint64_t> ids;
    std::set<Serial> seen;
    for (const auto& change : changes) {
        ids.push_back(change.id);
        if (!seen.insert(change.serial).second)
            continue;
        auto certificate = ledger_.find(id, change.serial);
        if (!certificate)
            return tl::unexpected<Error>(certificate.error());
        if (!*certificate)
            continue;
        hashes.push_back(crypto::serial_hash(sha256_, change.serial.magnitude()));
        certificates.push_back(std::move(**certificate));
    }
    const std::uint64_t sequence = line.publication.next_sequence();
    // A change is itself its source's word up to that moment: thisUpdate may be now. A CRL's word is of its
    // own thisUpdate, whenever it was taken up.
    const bool from_crl = identity->settings.status_from == config::StatusFrom::crl;
    const AnswerTimes as_now{times.produced_at, times.produced_at, times.next_update};
    auto patch = press_.sign_patch(identity, certificates, sequence, from_crl ? times : as_now);
    if (!patch)
        return tl::unexpected<Error>(patch.error());
    if (auto published =
            line.publication.publish_patch(std::move(*patch), std::move(hashes), sequence, times.produced_at);
        !published)
        return tl::unexpected<Error>(published.error());
    // Crash here: the changes are signed once more, into a later patch.
    if (auto marked = ledger_.mark_published(id, ids); !marked)
        return tl::unexpected<Error>(marked.error());
    line.state.last_publication = clock_.now();
    listener_.on_published(*identity, changes, clock_.now());
    if (auto merged = line.publication.merge_patches(times.produced_at); !merged)
        return tl::unexpected<Error>(merged.error());
    return true;
}

Result<bool> Publisher::sign_due(Line& line, const AnswerTimes& times) {
    const auto indices = line.publication.due(times, limits::pages_per_round);
    if (indices.empty())
        return false;
    if (auto done = sign_pages(line, indices, times, Pages::published); !done)
        return tl::unexpected<Error>(done.error());
    if (auto finished = finish_as_pages(line); !finished)
        return tl::unexpected<Error>(finished.error());
    return true;
}

// The new certificates whose pages are all signed now.
Status Publisher::finish_as_pages(Line& line) {
    if (line.as_pages.empty() || !line.publication.forced(1).empty())
        return {};
    const auto& identity = *line.publication.identity();
    std::vector<std::uint64_t> ids;
    for (const auto& change : line.as_pages)
        ids.push_back(change.id);
    if (auto marked = ledger_.mark_published(identity.issuer.id(), ids); !marked)
        return marked;
    listener_.on_published(identity, line.as_pages, clock_.now());
    line.as_pages.clear();
    return {};
}

std::vector<Publisher::WaitingCrl> Publisher::waiting_crls(const Line& line) {
    const std::string& id = line.publication.identity()->issuer.id();
    std::vector<WaitingCrl> waiting;
    const std::scoped_lock lock{mutex_};
    for (const auto& [place, crl] : crls_) {
        if (place.first == id)
            waiting.push_back(crl);
    }
    return waiting;
}

Status Publisher::publish_crls(Line& line, const std::vector<WaitingCrl>& waiting, UtcTime now) {
    const std::string& id = line.publication.identity()->issuer.id();
    for (const WaitingCrl& crl : waiting) {
        if (auto published = line.publication.publish_crl(crl.path, crl.der->bytes(), now); !published)
            return fail("publishing the CRL " + crl.path, published.error());
        const std::scoped_lock lock{mutex_};
        if (const auto at = crls_.find({id, crl.path}); at != crls_.end() && at->second.der == crl.der)
            crls_.erase(at);
    }
    return {};
}

void Publisher::report(Line& line) {
    const auto& publication = line.publication;
    auto& state = line.state;
    state.published = publication.published();
    state.complete = publication.complete();
    state.version = publication.version();
    state.pages = std::uint64_t{1} << (state.published ? publication.page_bits() : publication.coming_bits());
    state.pages_due = publication.count_due(clock_.now(), publication.identity()->settings.refresh);
    state.patches = publication.patches();
    const UtcTime oldest = publication.oldest_signed_at();
    state.oldest_signed_at = oldest == year_9999 ? std::nullopt : std::optional{oldest};
    const UtcTime earliest = publication.earliest_next_update();
    state.earliest_next_update = earliest == year_9999 ? std::nullopt : std::optional{earliest};
    state.shortest_runway =
        publication.shortest_runway(clock_.now(), publication.identity()->settings.refresh);
    listener_.on_state(*publication.identity(), state);
}

}  // namespace eightbells::signer
