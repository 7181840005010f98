#include "responder/signer/comparer.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "cache/fold.h"
#include "cache/store.h"
#include "responder/ledger/transition.h"
#include "responder/signer/limits.h"
#include "responder/signer/schedule.h"

namespace eightbells::signer {

namespace {

std::string said_by(const std::optional<ledger::Certificate>& certificate) {
    return certificate ? ledger::describe(certificate->status) : "not issued";
}

std::uint64_t first_hash(unsigned bits, std::uint32_t index) noexcept {
    return bits == 0 ? 0 : std::uint64_t{index} << (64 - bits);
}

std::uint64_t last_hash(unsigned bits, std::uint32_t index) noexcept {
    return first_hash(bits, index) | (bits == 0 ? UINT64_MAX : UINT64_MAX >> bits);
}

// How long until a CRL can say what the last could not: the delay of those that are made here, a day of
// others.
seconds rhythm_of(const config::Issuer& settings) {
    return settings.generated_crl.on() ? settings.generated_crl.delay : limits::crl_rhythm;
}

}  // namespace

bool same_status(const CertStatus& a, const CertStatus& b) noexcept {
    if (!a || !b)
        return !a && !b;
    return a->time == b->time && ledger::canonical(a->reason) == ledger::canonical(b->reason);
}

Comparer::Comparer(Settings settings, std::vector<std::shared_ptr<const Identity>> identities,
                   cache::StorePublicKey store_key, ledger::Ledger& ledger, Differences& differences,
                   metrics::SignerMetrics& metrics, const Clock& clock)
    : settings_(std::move(settings)),
      identities_(std::move(identities)),
      store_key_(store_key),
      ledger_(ledger),
      differences_(differences),
      metrics_(metrics),
      clock_(clock) {}

Comparer::~Comparer() {
    stop();
    if (thread_.joinable())
        thread_.join();
}

void Comparer::start() {
    paced_ = true;
    thread_ = std::thread{[this] { loop(); }};
}

void Comparer::stop() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
}

bool Comparer::wait(std::chrono::milliseconds length) {
    std::unique_lock lock{mutex_};
    return !wake_.wait_for(lock, length, [this] { return stopping_; });
}

void Comparer::loop() {
    std::map<std::string, std::string> said;  // the last trouble of each issuer: once a change
    while (wait(limits::compare_pause)) {
        for (const auto& identity : identities_) {
            const auto passed = pass(*identity);
            std::string& before = said[identity->settings.name];
            const std::string trouble = passed ? std::string{} : passed.error().message;
            if (trouble != before && !trouble.empty())
                spdlog::error("issuer {}: what is published cannot be compared: {}", identity->settings.name,
                              trouble);
            before = trouble;
        }
        differences_.measure();
        if (auto saved = differences_.save(); !saved)
            spdlog::error("{}", saved.error().message);
    }
}

Status Comparer::pass(const Identity& identity) {
    auto pages = cache::PageFile::open(settings_.page_file, cache::PageFile::Access::read);
    if (!pages)
        return tl::unexpected<Error>(pages.error());
    const std::string name = cache::head_name(identity.issuer.id());
    const auto stored = (*pages)->fetch(std::span{&name, 1});
    if (!stored)
        return tl::unexpected<Error>(stored.error());
    if (!stored->front())
        return {};  // nothing is published yet
    cache::Walk walk{**pages, identity.issuer.id(), {store_key_}};
    auto head = walk.head();
    if (!head)
        return tl::unexpected<Error>(head.error());
    Published now;
    if (auto read = take_up(walk, std::move(*head), now); !read)
        return read;
    return walk_over(identity, **pages, walk, std::move(now));
}

// In a burst heads follow one another, each with a patch more: those that are known are not read again.
Status Comparer::take_up(cache::Walk& walk, cache::Head head, Published& now) {
    now.page_bits = 0;
    for (const auto& set : head.sets)
        now.page_bits = std::max<unsigned>(now.page_bits, set.page_bits);
    decltype(now.patches) patches;
    std::vector<Published::Patched> added;
    std::size_t octets = 0;
    for (const auto& [sequence, digest] : head.patches) {
        auto known = now.patches.extract({sequence, digest});
        const bool is_new = known.empty();
        if (is_new) {
            auto patch = walk.patch({sequence, digest});
            if (!patch)
                return tl::unexpected<Error>(patch.error());
            patches.try_emplace({sequence, digest}, std::move(*patch));
        } else {
            patches.insert(std::move(known));
        }
        const auto& patch = patches.at({sequence, digest});
        octets += patch.bytes().size();
        if (octets > limits::compared_patch_octets)
            return fail("more waits in patches than is compared; pages take it in at their refresh");
        for (std::size_t i = 0; is_new && i < patch.records().size(); ++i) {
            const auto& record = patch.records()[i];
            added.push_back({crypto::serial_hash(sha256_, record.record.serial), sequence, &record});
        }
    }
    // What is left of the old ones is gone from the head.
    std::set<std::uint64_t> gone;
    for (const auto& [key, patch] : now.patches)
        gone.insert(key.first);
    std::erase_if(now.patched, [&](const auto& one) { return gone.contains(one.sequence); });
    std::ranges::sort(added, {}, &Published::Patched::serial_hash);
    std::vector<Published::Patched> merged;
    merged.reserve(now.patched.size() + added.size());
    std::ranges::merge(now.patched, added, std::back_inserter(merged), {}, &Published::Patched::serial_hash,
                       &Published::Patched::serial_hash);
    now.patched = std::move(merged);
    now.patches = std::move(patches);
    now.head = std::move(head);
    return {};
}

// The newest head, if it has moved on: so that what is read of the answers is never older than what is read
// of the ledger by more than a moment.
Status Comparer::follow(cache::Walk& walk, Published& now) {
    auto head = walk.head();
    if (!head)
        return tl::unexpected<Error>(head.error());
    if (head->version == now.head.version)
        return {};
    return take_up(walk, std::move(*head), now);
}

// What fronts would answer for every serial of this slice: the newest of page and patches.
Status Comparer::add_answers(cache::Walk& walk, const Published& published, unsigned bits,
                             std::uint32_t index, Slice& slice) {
    const std::uint64_t first = first_hash(bits, index);
    const std::uint64_t last = last_hash(bits, index);
    std::map<std::pair<Serial, std::string>, std::uint64_t> sequences;  // of what stands in the slice
    const auto take = [&](cache::SetId set, const cache::Record& record, std::uint64_t sequence, bool patch) {
        const auto serial = Serial::from_magnitude(record.serial);
        if (!serial)
            return;
        const std::string name{ocsp::to_string(set.hash)};
        const auto [at, is_new] = sequences.try_emplace({*serial, name}, sequence);
        if (!is_new && !(patch ? cache::counts_over(sequence, at->second) : sequence > at->second))
            return;
        at->second = sequence;
        slice[*serial].answers[name] = record.status;
    };
    for (const auto& set : published.head.sets) {
        auto page = walk.page(set, cache::page_index(first, set.page_bits));
        if (!page)
            return tl::unexpected<Error>(page.error());
        for (std::size_t i = 0; *page && i < (*page)->size(); ++i) {
            const cache::Record record = (*page)->record(i);
            const std::uint64_t hash = crypto::serial_hash(sha256_, record.serial);
            if (hash >= first && hash <= last)
                take(set.id, record, (*page)->header().sequence, false);
        }
    }
    for (auto at = std::ranges::lower_bound(published.patched, first, {}, &Published::Patched::serial_hash);
         at != published.patched.end() && at->serial_hash <= last; ++at)
        take(at->record->set, at->record->record, at->sequence, true);
    return {};
}

Status Comparer::walk_over(const Identity& identity, cache::PageFile& pages, cache::Walk& walk,
                           Published now) {
    const std::string& id = identity.issuer.id();
    const UtcTime begun = clock_.now();
    auto listed = Listed::read(pages, id, now.head, settings_.scratch);
    for (int attempt = 1; attempt < limits::compare_attempts && !listed; ++attempt) {
        // A CRL that was replaced while it was read is gone under its old head, and no fault.
        const auto version = now.head.version;
        if (auto newest = follow(walk, now); !newest)
            return newest;
        if (now.head.version == version)
            break;
        listed = Listed::read(pages, id, now.head, settings_.scratch);
    }
    if (!listed)
        return tl::unexpected<Error>(listed.error());
    // Slices as fine as the buckets of CRL entries, finer where pages are, or would be.
    const auto count = ledger_.count(id);
    if (!count)
        return fail("ledger", count.error());
    const unsigned bits =
        std::max({now.page_bits, page_bits_for(*count, identity.record_octets()), limits::slice_bits});
    const bool has_parts = std::ranges::any_of(
        listed->crls(), [](const Listed::Crl& crl) { return crl.scope == Listed::Crl::Scope::part; });
    std::vector<Listed::Entry> bucket;
    std::size_t in_bucket = limits::slices;  // none yet
    for (std::uint32_t index = 0; index >> bits == 0; ++index) {
        if (const std::size_t octet = index >> (bits - limits::slice_bits); octet != in_bucket) {
            auto loaded = listed->bucket(octet);
            if (!loaded)
                return tl::unexpected<Error>(loaded.error());
            bucket = std::move(*loaded);
            in_bucket = octet;
        }
        Slice slice;
        Status answers = fail("not looked at");
        for (int attempt = 0; attempt < limits::compare_attempts && !answers; ++attempt) {
            if (auto newest = follow(walk, now); !newest)
                return newest;
            if (now.page_bits > bits)
                return fail("the pages took another form meanwhile");  // next time
            slice.clear();
            answers = add_answers(walk, now, bits, index, slice);  // fails, too, when the head has just moved
        }
        if (!answers)
            return answers;
        auto certificates = ledger_.page(id, bits, index);
        if (!certificates)
            return fail("ledger", certificates.error());
        for (auto& certificate : *certificates) {
            const Serial serial = certificate.serial;
            slice[serial].ledger = std::move(certificate);
        }
        if (has_parts) {
            auto points = ledger_.distribution_points(id, bits, index);
            if (!points)
                return fail("ledger", points.error());
            for (auto& [serial, uri] : *points)
                slice[serial].distribution_point = std::move(uri);
        }
        for (auto at =
                 std::ranges::lower_bound(bucket, first_hash(bits, index), {}, &Listed::Entry::serial_hash);
             at != bucket.end() && at->serial_hash <= last_hash(bits, index); ++at)
            slice[at->serial].listed[at->crl] = at->status;
        compare(identity, now.head, *listed, slice);
        const std::chrono::milliseconds rest{1000 * slice.size() / limits::compared_per_second};
        if (paced_ && !wait(rest))
            return {};
    }
    differences_.clear_unseen(id, metrics::Compared::answers, begun);
    differences_.clear_unseen(id, metrics::Compared::crl, begun);
    metrics_.last_comparison(identity.index).set(clock_.now());
    return {};
}

void Comparer::compare(const Identity& identity, const cache::Head& head, const Listed& listed,
                       const Slice& slice) {
    for (const auto& [serial, sides] : slice) {
        compare_answers(identity, head, serial, sides);
        compare_listed(identity, listed, serial, sides);
        compare_unlisted(identity, listed, serial, sides);
    }
    metrics_.compared(identity.index, metrics::Compared::answers).add(slice.size());
    if (!listed.crls().empty())
        metrics_.compared(identity.index, metrics::Compared::crl).add(slice.size());
}

void Comparer::compare_answers(const Identity& identity, const cache::Head& head, const Serial& serial,
                               const Sides& sides) {
    for (const auto& profile : identity.profiles) {
        // Everything is being signed for the first time: until then fronts say tryLater, which is no status.
        if (std::ranges::none_of(head.sets, [&](const auto& set) { return set.id.hash == profile.hash; }))
            continue;
        const std::string hash{ocsp::to_string(profile.hash)};
        const auto answer = sides.answers.find(hash);
        const bool answered = answer != sides.answers.end();
        const bool same = answered == sides.ledger.has_value() &&
                          (!answered || same_status(sides.ledger->status, answer->second));
        if (!same) {
            differences_.see({identity.issuer.id(), metrics::Compared::answers, hash, serial},
                             said_by(sides.ledger),
                             answered ? ledger::describe(answer->second) : "not issued",
                             {settings_.delay, settings_.delay});
        }
    }
}

// What stands on a CRL stands in the ledger, with the same time and reason.
void Comparer::compare_listed(const Identity& identity, const Listed& listed, const Serial& serial,
                              const Sides& sides) {
    for (const auto& [crl, status] : sides.listed) {
        const bool known = sides.ledger.has_value();
        const auto& where = listed.crls()[crl];
        if (known ? same_status(sides.ledger->status, status) : !status)
            continue;
        const DifferenceKey key{identity.issuer.id(), metrics::Compared::crl, where.path, serial};
        // A CRL is taken up before it is served: that the ledger does not know one of its entries as revoked
        // is no delay of anybody's. Other differences (a hold released, a revocation corrected since) the
        // next CRL ends.
        const bool taken_up = known && (sides.ledger->status || on_hold(status));
        const seconds until_next = settings_.delay + (taken_up ? rhythm_of(identity.settings) : seconds{0});
        differences_.see(key, said_by(sides.ledger), ledger::describe(status),
                         {settings_.delay, until_next, listed.spoke(crl)});
    }
}

// What is revoked stands on every CRL that would list it.
void Comparer::compare_unlisted(const Identity& identity, const Listed& listed, const Serial& serial,
                                const Sides& sides) {
    if (!sides.ledger || !sides.ledger->status)
        return;
    const auto lists = [&](std::size_t crl) {
        const auto delta = listed.delta_over(crl);
        return sides.listed.contains(crl) || (delta && sides.listed.contains(*delta));
    };
    const auto& crls = listed.crls();
    const auto may_lack = [&](const Listed::Crl& crl) {
        const bool kept = crl.expired_certs_on_crl && *crl.expired_certs_on_crl <= sides.ledger->not_after;
        return sides.ledger->not_after <= crl.this_update && !kept;  // C-13, F-16: not before it has expired
    };
    const auto miss = [&](std::size_t crl, const std::string& where, const std::string& said) {
        // A CRL from before the revocation cannot know it: the next one will (D-11).
        differences_.see({identity.issuer.id(), metrics::Compared::crl, where, serial}, said_by(sides.ledger),
                         said,
                         {settings_.delay, settings_.delay + rhythm_of(identity.settings), listed.spoke(crl),
                          sides.ledger->status->time});
    };
    const std::string not_listed = "nothing: it is not listed";
    std::vector<std::size_t> parts;
    bool whole = false;
    for (std::size_t crl = 0; crl < crls.size(); ++crl) {
        if (crls[crl].is_delta)
            continue;
        if (crls[crl].scope == Listed::Crl::Scope::part)
            parts.push_back(crl);
        if (crls[crl].scope != Listed::Crl::Scope::whole)
            continue;
        whole = true;
        if (!lists(crl) && !may_lack(crls[crl]))
            miss(crl, crls[crl].path, not_listed);
    }
    if (parts.empty())
        return;
    // F-12: it stands on each part that has the certificate's own URI, octet by octet.
    bool named = false;
    for (const std::size_t part : parts) {
        if (!sides.distribution_point ||
            std::ranges::find(crls[part].uris, *sides.distribution_point) == crls[part].uris.end())
            continue;
        named = true;
        if (!lists(part) && !may_lack(crls[part]))
            miss(part, crls[part].path, not_listed);
    }
    // One that names none of them needs a list of all; of one whose URI is not known any part will do.
    if (named || whole ||
        std::ranges::any_of(parts, [&](std::size_t part) { return may_lack(crls[part]); }) ||
        (!sides.distribution_point && std::ranges::any_of(parts, lists)))
        return;
    const std::size_t oldest =
        *std::ranges::min_element(parts, {}, [&](std::size_t part) { return crls[part].this_update; });
    miss(oldest, "any partition",
         sides.distribution_point ? "nothing: no CRL is for " + *sides.distribution_point : not_listed);
}

}  // namespace eightbells::signer
