#include "responder/signer/publisher.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "responder/base/limits.h"

namespace eightbells::signer {

namespace {
// What a record takes in a page, for the choice of page_bits: serial, signature, flags and offset.
std::size_t record_octets(const Identity& identity) {
    const auto& form = identity.profiles.back().answer.signature_form;
    switch (form) {
        case ocsp::SignatureForm::ecdsa_p256:
            return 64 + 24;
        case ocsp::SignatureForm::ecdsa_p384:
            return 96 + 24;
        case ocsp::SignatureForm::ecdsa_p521:
            return 132 + 24;
        case ocsp::SignatureForm::octets:
            break;
    }
    // RSA: as long as the modulus; a SubjectPublicKeyInfo is little longer than that.
    return identity.key->subject_public_key_info().size();
}
}  // namespace

Publisher::Publisher(ledger::Ledger& ledger, cache::PageFile& pages, const keys::StoreKey& store_key,
                     Press& press, Publication::HandOn hand_on,
                     std::function<std::optional<UtcTime>(const std::string&)> as_of,
                     PublisherListener& listener, const Clock& clock)
    : ledger_(ledger),
      pages_(pages),
      store_key_(store_key),
      press_(press),
      hand_on_(std::move(hand_on)),
      as_of_(std::move(as_of)),
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

Status Publisher::add_issuer(std::shared_ptr<const Identity> identity, std::uint64_t highest_elsewhere) {
    auto line = std::make_unique<Line>(Publication{identity, pages_, store_key_, hand_on_});
    line->state.issuer = identity->issuer.id();
    if (auto restored = restore_revocations(*line); !restored)
        return restored;
    auto epoch = ledger_.take_epoch(std::max(highest_elsewhere, line->publication.version().epoch));
    if (!epoch)
        return fail("ledger", epoch.error());
    line->publication.begin_epoch(*epoch);
    if (auto served = line->publication.served_crl(identity->settings.crl_path)) {
        served_.emplace_back(identity->issuer.id(), std::move(*served));
    }
    lines_.push_back(std::move(line));
    return {};
}

// Takes up the page file; a revocation that was once published and that the ledger does not know comes from a
// ledger restored from an old copy: it is taken back into the ledger before anything is signed (C-08).
Status Publisher::restore_revocations(Line& line) {
    const auto& identity = *line.publication.identity();
    const std::string& id = identity.issuer.id();
    std::uint64_t restored = 0;
    auto loaded = line.publication.load([&](const Serial& serial, const Revocation& revocation) -> Status {
        auto known = ledger_.find(id, serial);
        if (!known)
            return tl::unexpected<Error>(known.error());
        if (*known && (*known)->status)
            return {};
        if (revocation.reason == CrlReason::certificate_hold)
            return {};  // may rightly have been released since
        ledger::Event event;
        event.issuer = id;
        event.source = "published";
        event.action = ledger::Action::revoke;
        event.serial = serial;
        event.reason = revocation.reason;
        event.time = revocation.time;
        auto answer = ledger_.apply(event);
        if (!answer)
            return tl::unexpected<Error>(answer.error());
        if (answer->verdict == ledger::Verdict::refused) {
            spdlog::error("issuer {}: {} was published as revoked, but the ledger refuses it: {}",
                          identity.settings.name, serial.to_hex(), answer->message);
        }
        ++restored;
        return {};
    });
    if (!loaded)
        return fail(fmt::format("issuer \"{}\"", identity.settings.name), loaded.error());
    if (restored != 0) {
        spdlog::error(
            "issuer {}: {} revocations were published that the ledger did not know; taken back into it",
            identity.settings.name, restored);
    }
    if (!loaded->remark.empty())
        spdlog::warn("issuer {}: page file: {}", identity.settings.name, loaded->remark);
    if (loaded->damaged_pages != 0) {
        spdlog::error("issuer {}: page file: {} pages are missing or damaged; they are signed again",
                      identity.settings.name, loaded->damaged_pages);
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

void Publisher::submit_crl(const std::string& issuer, Bytes der) {
    {
        const std::scoped_lock lock{mutex_};
        std::erase_if(
            crls_, [&](const auto& waiting) { return waiting.first == issuer; });  // only the newest counts
        std::erase_if(served_, [&](const auto& served) { return served.first == issuer; });
        served_.emplace_back(issuer, der);
        crls_.emplace_back(issuer, std::move(der));
        woken_ = true;
    }
    wake_.notify_all();
}

std::optional<Bytes> Publisher::served_crl(const std::string& issuer) {
    const std::scoped_lock lock{mutex_};
    for (const auto& [id, der] : served_) {
        if (id == issuer)
            return der;
    }
    return std::nullopt;
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
    auto done = sign_what_waits(line);
    if (!done) {
        if (line.state.fault != done.error().message) {
            spdlog::error("issuer {}: {}; what is signed goes on being served",
                          line.publication.identity()->settings.name, done.error().message);
        }
        line.state.fault = done.error().message;
        ++line.state.failures;
        line.retry_at = clock_.steady() + limits::signing_retry;
        // What is held in memory may have gone ahead of the page file: take up again what is really stored.
        if (line.publication.stale()) {
            if (auto loaded = restore_revocations(line); !loaded)
                spdlog::error("{}", loaded.error().message);
        }
    } else {
        line.state.fault.reset();
    }
    report(line);
    return done.value_or(false);
}

Result<bool> Publisher::sign_what_waits(Line& line) {
    const auto& identity = *line.publication.identity();
    if (auto published = publish_waiting_crls(line); !published)
        return fail("publishing the CRL", published.error());
    const UtcTime now = clock_.now();
    const auto as_of = as_of_(identity.issuer.id());
    if (!as_of)
        return false;  // no source has spoken yet: nothing can be said about any certificate (B-13)
    const auto times = answer_times(now, *as_of, identity.settings.validity,
                                    identity.signer_certificate.not_after(), identity.settings.scheme);
    if (times.next_update <= now) {
        return fail(fmt::format("the signer certificate ended at {}: nothing can be signed (D-07)",
                                to_iso8601(identity.signer_certificate.not_after())));
    }
    if (!line.publication.complete())
        return sign_anew(line, times);
    auto changed = sign_changes(line, times);
    if (!changed || *changed)
        return changed;
    return sign_due(line, times);
}

Result<bool> Publisher::sign_anew(Line& line, const AnswerTimes& times) {
    const auto& identity = line.publication.identity();
    const std::string& id = identity->issuer.id();
    if (!line.signing_anew || line.publication.forced(1).empty()) {
        auto count = ledger_.count(id);
        if (!count)
            return tl::unexpected<Error>(count.error());
        // From here on every change is written down one by one; all before is read from the ledger as the
        // pages are signed.
        auto last = ledger_.last_change_id(id);
        if (!last)
            return tl::unexpected<Error>(last.error());
        line.signing_anew = *last;
        line.state.certificates = *count;
        line.publication.begin_anew(page_bits_for(*count, record_octets(*identity)));
        spdlog::info("issuer {}: signing {} certificates for {} CertID hashes into {} pages",
                     identity->settings.name, *count, identity->profiles.size(),
                     std::uint64_t{1} << line.publication.page_bits());
    }
    const auto indices = line.publication.forced(limits::pages_per_first_round);
    if (auto done = sign_pages(line, indices, times); !done)
        return tl::unexpected<Error>(done.error());
    if (line.publication.complete()) {
        if (auto marked = ledger_.mark_all_published(id, *line.signing_anew); !marked)
            return tl::unexpected<Error>(marked.error());
        line.signing_anew.reset();
        listener_.on_published(*identity, {}, clock_.now());
        spdlog::info("issuer {}: all pages are signed and published", identity->settings.name);
    }
    return true;
}

Status Publisher::sign_pages(Line& line, std::span<const std::uint32_t> indices, const AnswerTimes& times) {
    const auto& identity = line.publication.identity();
    const std::uint64_t sequence = line.publication.next_sequence();
    auto signed_pages =
        press_.sign_pages(identity, ledger_, line.publication.page_bits(), indices, sequence, times);
    if (!signed_pages)
        return tl::unexpected<Error>(signed_pages.error());
    if (auto published = line.publication.publish_pages(std::move(*signed_pages), sequence, times);
        !published)
        return published;
    line.state.pages_refreshed += indices.size();
    if (line.publication.complete())
        line.state.last_publication = clock_.now();
    return {};
}

Result<bool> Publisher::sign_changes(Line& line, const AnswerTimes& times) {
    const auto& identity = line.publication.identity();
    const std::string& id = identity->issuer.id();
    auto changes = ledger_.unpublished(id, limits::changes_fetched);
    if (!changes)
        return tl::unexpected<Error>(changes.error());
    line.state.unpublished = changes->size();
    if (changes->empty())
        return false;

    // Many new certificates: sign whole pages, which cost little more than the patches that would be folded
    // into them anyway.
    const auto is_new = [](const ledger::Ledger::Change& change) { return !change.status_change; };
    if (static_cast<std::size_t>(std::ranges::count_if(*changes, is_new)) > limits::changes_before_pages &&
        is_new(changes->front())) {
        std::vector<std::uint64_t> ids;
        for (const auto& change : *changes) {
            line.publication.make_due(crypto::serial_hash(sha256_, change.serial.magnitude()));
            ids.push_back(change.id);
        }
        // Signed below as due pages before they are marked: a crash in between signs them again.
        while (true) {
            const auto indices = line.publication.forced(limits::pages_per_first_round);
            if (indices.empty())
                break;
            if (auto done = sign_pages(line, indices, times); !done)
                return tl::unexpected<Error>(done.error());
        }
        if (auto marked = ledger_.mark_published(id, ids); !marked)
            return tl::unexpected<Error>(marked.error());
        listener_.on_published(*identity, *changes, clock_.now());
        line.state.last_publication = clock_.now();
        return true;
    }

    if (changes->size() > limits::changes_per_patch)
        changes->erase(changes->begin() + limits::changes_per_patch, changes->end());
    std::vector<ledger::Certificate> certificates;
    std::vector<std::uint64_t> hashes;
    std::vector<std::uint64_t> ids;
    std::set<Serial> seen;
    for (const auto& change : *changes) {
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
    // A change is itself its source's word up to that moment: thisUpdate may be now.
    const AnswerTimes as_now{times.produced_at, times.produced_at, times.next_update};
    auto patch = press_.sign_patch(identity, certificates, sequence, as_now);
    if (!patch)
        return tl::unexpected<Error>(patch.error());
    if (auto published =
            line.publication.publish_patch(std::move(*patch), std::move(hashes), sequence, times.produced_at);
        !published) {
        return tl::unexpected<Error>(published.error());
    }
    // Crash here: the changes are signed once more, into a later patch.
    if (auto marked = ledger_.mark_published(id, ids); !marked)
        return tl::unexpected<Error>(marked.error());
    line.state.last_publication = clock_.now();
    listener_.on_published(*identity, *changes, clock_.now());
    if (auto merged = line.publication.merge_patches(times.produced_at); !merged)
        return tl::unexpected<Error>(merged.error());
    return true;
}

Result<bool> Publisher::sign_due(Line& line, const AnswerTimes& times) {
    const auto& identity = line.publication.identity();
    auto count = ledger_.count(identity->issuer.id());
    if (!count)
        return tl::unexpected<Error>(count.error());
    line.state.certificates = *count;
    // Grown: one bit more once pages are twice as large as planned.
    if (page_bits_for(*count, record_octets(*identity)) > line.publication.page_bits() + 1) {
        if (auto split = line.publication.split(times.produced_at); !split)
            return tl::unexpected<Error>(split.error());
        spdlog::info("issuer {}: {} pages now", identity->settings.name,
                     std::uint64_t{1} << line.publication.page_bits());
        return true;
    }
    const auto indices =
        line.publication.due(times.produced_at, identity->settings.refresh, limits::pages_per_round);
    if (indices.empty())
        return false;
    if (auto done = sign_pages(line, indices, times); !done)
        return tl::unexpected<Error>(done.error());
    return true;
}

Status Publisher::publish_waiting_crls(Line& line) {
    const auto& identity = *line.publication.identity();
    std::optional<Bytes> der;
    {
        const std::scoped_lock lock{mutex_};
        for (const auto& [issuer, waiting] : crls_) {
            if (issuer == identity.issuer.id())
                der = waiting;
        }
    }
    if (!der)
        return {};
    if (auto published = line.publication.publish_crl(identity.settings.crl_path, *der, clock_.now());
        !published)
        return published;
    const std::scoped_lock lock{mutex_};
    std::erase_if(crls_, [&](const auto& waiting) {
        return waiting.first == identity.issuer.id() && waiting.second == *der;
    });
    return {};
}

void Publisher::report(Line& line) {
    const auto& publication = line.publication;
    auto& state = line.state;
    state.complete = publication.complete();
    state.version = publication.version();
    state.pages = std::uint64_t{1} << publication.page_bits();
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
