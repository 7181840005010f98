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
                     TrustedNow trusted_now, PublisherListener& listener, const Clock& clock, double catch_up)
    : ledger_(ledger),
      pages_(pages),
      store_key_(store_key),
      press_(press),
      scratch_(std::move(scratch)),
      hand_on_(std::move(hand_on)),
      vouched_(std::move(vouched)),
      trusted_now_(std::move(trusted_now)),
      listener_(listener),
      clock_(clock),
      catch_up_(catch_up) {}

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
    auto line = std::make_unique<Line>(Publication{identity, pages_, store_key_, hand_on_}, catch_up_);
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
// from an old copy, or begun anew: it is taken back into the ledger before anything is signed (C-08). What
// the ledger has and the page file lacks, though it counts as published, is to be published again.
Status Publisher::take_up(Line& line) {
    const auto& identity = *line.publication.identity();
    const std::string& id = identity.issuer.id();
    line.signing_anew.reset();
    line.as_pages.clear();
    line.in_turn.clear();
    TakeBack forgotten{ledger_, identity, TakeBack::Seen::published_from, "the page file", clock_};
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
    for (const std::string& path : loaded->left_out)
        spdlog::warn("issuer {}: the CRL {} is not configured any more and is served no longer",
                     identity.settings.name, path);
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

void Publisher::rise_above(const std::string& issuer, cache::Version found) {
    {
        const std::scoped_lock lock{mutex_};
        auto& highest = found_elsewhere_[issuer];
        highest = std::max(highest, found);
        woken_ = true;
    }
    wake_.notify_all();
}

void Publisher::resign(const std::string& issuer) {
    {
        const std::scoped_lock lock{mutex_};
        to_resign_.insert(issuer);
        woken_ = true;
    }
    wake_.notify_all();
}

// Where everything is being signed anyway it is done with that.
void Publisher::begin_resigning(Line& line) {
    const std::scoped_lock lock{mutex_};
    if (line.publication.complete() && to_resign_.erase(line.publication.identity()->issuer.id()) != 0)
        line.publication.make_all_due();
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
    line.progress.note(line.state.pages_refreshed, line.state.pages_due, clock_.steady());
    // What is held in memory may have gone ahead of the page file: what is really stored is taken up again
    // first.
    Result<bool> done = false;
    if (auto loaded = line.publication.stale() ? take_up(line) : Status{}; !loaded) {
        done = tl::unexpected<Error>(loaded.error());
    } else {
        done = sign_what_waits(line);
    }
    if (!done) {
        note_fault(line, done.error());
        line.retry_at = clock_.steady() + limits::signing_retry;
    } else if (line.publication.complete() || clock_.steady() >= line.due_again_at) {
        line.state.fault = crl_fault(line);
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
}

Result<bool> Publisher::sign_what_waits(Line& line) {
    const auto& identity = *line.publication.identity();
    const auto trusted = trusted_now_();
    if (!trusted)
        return tl::unexpected<Error>(trusted.error());
    const UtcTime now = *trusted;
    if (auto risen = rise(line, now); !risen)
        return tl::unexpected<Error>(risen.error());
    begin_resigning(line);
    if (line.publication.head_due()) {
        if (auto published = line.publication.publish_head(now); !published)
            return tl::unexpected<Error>(published.error());
    }
    // Taken before the changes are looked at: those of its import stand among them.
    auto crls = waiting_crls(line);
    const auto overdue = std::ranges::stable_partition(crls, [&](const auto& crl) {
        return !line.publication.published() || clock_.steady() - crl.since < limits::crl_waits;
    });
    Result<bool> more_crls = false;
    if (!overdue.empty())
        more_crls = advance_crls(line, {overdue.begin(), overdue.end()}, now, Upto::head_alone);
    crls.erase(overdue.begin(), overdue.end());
    if (!more_crls)
        return more_crls;
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
    if (!changed)
        return changed;
    if (!*more_crls)
        more_crls = advance_crls(line, crls, now, *changed ? Upto::pieces : Upto::head);
    if (*changed || !more_crls)
        return more_crls ? changed : more_crls;
    const auto or_more_crls = [&](Result<bool> done) { return done && *more_crls ? more_crls : done; };
    if (line.publication.complete())
        return or_more_crls(sign_due(line, times));
    // Old pages that cannot be renewed (they have grown too large, say) neither keep the new ones from coming
    // nor slow them down.
    auto due = clock_.steady() < line.due_again_at ? Result<bool>{false} : sign_due(line, times);
    if (!due) {
        note_fault(line, due.error());
        line.due_again_at = clock_.steady() + limits::signing_retry;
    }
    return or_more_crls(sign_anew(line, times, limits::pages_per_round));
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
    if (!line.in_turn.empty())
        return sign_in_turn(line, times);
    const auto& identity = line.publication.identity();
    auto changes = ledger_.unpublished(identity->issuer.id(), limits::changes_fetched);
    if (!changes)
        return tl::unexpected<Error>(changes.error());
    line.state.unpublished = changes->size();
    // Changes of status come first in the list, and always go out at once.
    const auto first_new = std::ranges::find(*changes, false, &ledger::Ledger::Change::status_change);
    const auto status_changes = static_cast<std::size_t>(first_new - changes->begin());
    const std::size_t news = changes->size() - status_changes;
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
    // Changes of status that come from now on stand behind these anyway; before new certificates they go
    // first.
    const std::size_t taken = std::max(status_changes, limits::changes_per_patch);
    if (changes->size() > taken)
        changes->erase(changes->begin() + static_cast<std::ptrdiff_t>(taken), changes->end());
    line.in_turn = std::move(*changes);
    return sign_in_turn(line, times);
}

// A patch of the changes that were read from the ledger at once, twenty patches of them in a burst.
Result<bool> Publisher::sign_in_turn(Line& line, const AnswerTimes& times) {
    const auto next = line.in_turn.begin() +
                      static_cast<std::ptrdiff_t>(std::min(line.in_turn.size(), limits::changes_per_patch));
    std::vector<ledger::Ledger::Change> changes(line.in_turn.begin(), next);
    line.in_turn.erase(line.in_turn.begin(), next);
    auto done = sign_patch(line, std::move(changes), times);
    if (!done)
        line.in_turn.clear();  // they stand in the ledger
    return done;
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
    const seconds period = line.publication.identity()->settings.refresh;
    const auto paced = std::min(line.pace.allowance(times.produced_at, period, line.publication.page_bits()),
                                limits::paced_pages_per_round);
    const auto indices = line.publication.due(times, limits::pages_per_round, paced);
    if (indices.empty()) {
        // Signed already, where only the marking failed.
        const bool waited = !line.as_pages.empty();
        if (auto finished = finish_as_pages(line); !finished)
            return tl::unexpected<Error>(finished.error());
        return waited && line.as_pages.empty();
    }
    line.pace.spend(std::min(paced, indices.size()));
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

void Publisher::report(Line& line) {
    const auto& publication = line.publication;
    auto& state = line.state;
    state.published = publication.published();
    state.complete = publication.complete();
    state.version = publication.version();
    state.pages = std::uint64_t{1} << (state.published ? publication.page_bits() : publication.coming_bits());
    state.pages_due = publication.count_due(clock_.now(), publication.identity()->settings.refresh);
    line.progress.note(state.pages_refreshed, state.pages_due, clock_.steady());
    state.pages_per_second = line.progress.rate();
    state.signing_left = line.progress.left();
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
