#include "cache/replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "cache/blob_reader.h"
#include "cache/crl_folder.h"
#include "cache/held.h"
#include "cache/kept.h"
#include "cache/limits.h"
#include "cache/pass.h"

namespace eightbells::cache {

namespace {

std::string to_string(Version version) {
    return fmt::format("{}.{}", version.epoch, version.sequence);
}

bool same_crls(const HeldState& a, const HeldState& b) {
    return std::ranges::equal(a.crls, b.crls, [](const StoredCrl& x, const StoredCrl& y) {
        return x.path == y.path && x.digest == y.digest;
    });
}

}  // namespace

struct Replica::State {
    State(std::string id, std::vector<StorePublicKey> keys, PageFile& file,
          const std::filesystem::path& folder, std::shared_ptr<PagePool> pages)
        : issuer(std::move(id)),
          trusted(std::move(keys)),
          own(file),
          crls(folder / issuer, issuer),
          pool(std::move(pages)) {
        if (pool != nullptr)
            lost = std::make_shared<LostPages>();
        hand_out(std::make_shared<const HeldState>());
        saved = current;
    }

    std::string issuer;
    std::vector<StorePublicKey> trusted;
    PageFile& own;
    CrlFolder crls;
    std::optional<Version> floor;              // nullopt: not read yet
    std::shared_ptr<const HeldState> current;  // what is handed out
    std::shared_ptr<const HeldState> saved;    // what the own page file holds
    std::shared_ptr<const IssuerSnapshot> snapshot;
    bool partial = false;  // `current` is the progress of a pass that broke off
    std::size_t next_retry = 0;
    std::shared_ptr<PagePool> pool;
    std::optional<PageFile::Change> change;  // with a pool, the pages of this sync so far
    std::optional<Filling> filling;          // while a first state is written; `saved` holds nothing then
    std::shared_ptr<LostPages> lost;         // with a pool
    LostPages::Pages anew;                   // until a pass has been through and is kept

    void hand_out(std::shared_ptr<const HeldState> state) {
        current = std::move(state);
        snapshot = std::make_shared<const IssuerSnapshot>(current);
    }
    Status read_floor();
    Status begin_keeping();
    Status keep_page(const std::string& name, ByteView bytes);
    Status keep_all(const HeldState& next);
    Result<bool> keep_next(const std::shared_ptr<const HeldState>& next);
    Status raise_floor(Version version);
    Result<Head> judge(ByteView bytes, const HeldState& base) const;
    Status show_progress(std::shared_ptr<const HeldState> shown, const OnProgress& on_progress);
    Status adopt(std::shared_ptr<const HeldState> next, SyncReport& report);
    Result<std::shared_ptr<HeldState>> follow(BlobReader& blobs, SyncReport& report,
                                              const OnProgress& on_progress);
};

Status Replica::State::read_floor() {
    if (floor)
        return {};
    auto read = own.floor(issuer);
    if (!read)
        return tl::unexpected(read.error());
    floor = *read;
    return {};
}

// And with it the pages kept so far, which are then read from there.
Status Replica::State::raise_floor(Version version) {
    if (!change && floor && version <= *floor)
        return {};
    Status raised;
    if (change) {
        raised = change->raise_floor(issuer, version);
        if (raised)
            raised = change->commit();
        change.reset();
    } else {
        raised = own.raise_floor(issuer, version);
    }
    if (raised)
        floor = std::max(floor.value_or(Version{}), version);
    return raised;
}

Status Replica::State::begin_keeping() {
    if (change)
        return {};
    auto begun = own.begin(true);
    if (!begun)
        return tl::unexpected(begun.error());
    change.emplace(std::move(*begun));
    return {};
}

Status Replica::State::keep_page(const std::string& name, ByteView bytes) {
    if (auto begun = begin_keeping(); !begun)
        return begun;
    return change->put(name, bytes);
}

Status Replica::State::keep_all(const HeldState& next) {
    if (auto begun = begin_keeping(); !begun)
        return begun;
    PageFile::Change whole{std::move(*change)};
    change.reset();
    return keep(std::move(whole), issuer, filling ? filling->held() : *saved, next);
}

// True: the own page file has it all.
Result<bool> Replica::State::keep_next(const std::shared_ptr<const HeldState>& next) {
    if (filling && filling->has_pieces(*next)) {
        auto begun = own.begin(false);
        auto written = begun ? filling->keep_piece(std::move(*begun), issuer, *next)
                             : Status{tl::unexpected(begun.error())};
        return written ? Result<bool>{false} : tl::unexpected(written.error());
    }
    if (auto kept = keep_all(*next); !kept)
        return tl::unexpected(kept.error());
    filling.reset();
    saved = next;
    floor = std::max(floor.value_or(Version{}), next->head.version);
    return true;
}

// What a head must be beyond well signed: of this issuer, and not from yesterday.
Result<Head> Replica::State::judge(ByteView bytes, const HeldState& base) const {
    auto head = parse_head(bytes, trusted);
    if (!head)
        return head;
    if (head->issuer != issuer)
        return fail(fmt::format("it is the head of another issuer, {}", head->issuer));
    const Version least = std::max(floor.value_or(Version{}), base.head.version);
    if (head->version < least) {
        return fail(fmt::format("version {} is older than {}, which was accepted before",
                                to_string(head->version), to_string(least)));
    }
    if (!base.head_bytes.empty() && head->version == base.head.version) {
        return fail(
            fmt::format("another head under the version {} that is held already", to_string(head->version)));
    }
    return head;
}

// Only while nothing complete is served: such a snapshot answers where there was no answer at all.
Status Replica::State::show_progress(std::shared_ptr<const HeldState> shown, const OnProgress& on_progress) {
    // A crash after this leaves the floor above the own page file's head, if it has one: its answers are then
    // not served again, for a newer head has been.
    if (auto raised = raise_floor(shown->head.version); !raised)
        return raised;
    hand_out(std::move(shown));
    partial = true;
    on_progress(snapshot);
    return {};
}

Status Replica::State::adopt(std::shared_ptr<const HeldState> next, SyncReport& report) {
    const auto kept = keep_next(next);
    if (!kept && pool != nullptr)
        return tl::unexpected(kept.error());  // its pages could be read from nowhere
    if (!kept || !*kept) {
        // The state may be too large for a full disk, or for now, where the floor is not; and with the floor
        // durable the worst is a restart that has to wait for the store.
        report.keeping = kept.has_value();
        report.not_kept = kept ? std::string{} : kept.error().message;
        if (auto raised = raise_floor(next->head.version); !raised)
            return kept ? raised : tl::unexpected(kept.error());
    }
    partial = false;
    if (next != current)
        hand_out(std::move(next));
    for (const auto& [digest, page] : std::exchange(anew, {})) {
        const HeldSet* held = current->set(page.set);
        report.mended += held != nullptr && held->page_bits == page.page_bits &&
                         held->slot(page.index).state == SlotState::present;
    }
    crls.remove_others(*current);
    return {};
}

// The rounds of a pass. nullptr: nothing to do, or nothing to be had; the report says which.
Result<std::shared_ptr<HeldState>> Replica::State::follow(BlobReader& blobs, SyncReport& report,
                                                          const OnProgress& on_progress) {
    const bool first_load = current->totals.loaded == 0 && on_progress;
    const std::string name = head_name(issuer);
    std::shared_ptr<const HeldState> base = current;
    std::shared_ptr<HeldState> next;
    PagePlaces places{pool,
                      [this](const std::string& page, ByteView octets) { return keep_page(page, octets); },
                      lost, anew};
    for (unsigned round = 0; round < limits::sync_rounds; ++round) {
        auto bytes = blobs.read_one(name, limits::head_octets);
        if (!bytes)
            return tl::unexpected(bytes.error());
        if (!*bytes)
            break;
        const bool same = **bytes == base->head_bytes;
        if (same) {
            report.head_seen = true;
            // Nothing to do; or much that fails, and asking again at once would only load the store.
            if ((base->complete() && places.anew.empty()) ||
                (round > 0 && base->totals.unverified > limits::fetch_names))
                break;
        }
        auto head = same ? Result<Head>{base->head} : judge(**bytes, *base);
        if (!head) {
            blobs.reject(name, head.error().message);
            break;
        }
        report.head_seen = true;
        blobs.begin_round();
        Pass pass{issuer, *base, std::move(*head), std::move(**bytes), blobs, places};
        // Under a head that was gone through once, what is wanted has failed before.
        const bool retry = same && !(partial && base == current);
        const std::size_t budget = retry ? limits::retry_pages : std::numeric_limits<std::size_t>::max();
        std::function<Status()> progress;
        if (first_load)
            progress = [&] { return show_progress(pass.state(), on_progress); };
        if (auto ran = pass.run(budget, next_retry, progress); !ran)
            return tl::unexpected(ran.error());
        next_retry = retry ? next_retry + budget : 0;
        next = pass.state();
        // Where a table did not verify, mostly since the head has moved on, whatever lies below it counts as
        // stale: from what was whole before the next round is shorter.
        if (pass.tables_complete() || !base->complete() || base->head_bytes.empty())
            base = next;
        places.anew.clear();  // they are there, or absent as others are
        if (next->profiles_complete && next->patches_complete && next->totals.unverified == 0)
            break;
    }
    return next;
}

Replica::Replica(std::string issuer, std::vector<StorePublicKey> trusted, PageFile& own,
                 std::filesystem::path crl_folder, std::shared_ptr<PagePool> pool)
    : state_(
          std::make_unique<State>(std::move(issuer), std::move(trusted), own, crl_folder, std::move(pool))) {}
Replica::~Replica() = default;

std::shared_ptr<const IssuerSnapshot> Replica::snapshot() const noexcept {
    return state_->snapshot;
}

Status Replica::keep_rest() {
    Result<bool> all = !state_->filling || state_->partial;
    while (all && !*all)
        all = state_->keep_next(state_->current);
    return all ? Status{} : tl::unexpected(all.error());
}

void Replica::want_lost() {
    if (state_->lost != nullptr && state_->anew.empty())
        state_->anew = state_->lost->take();
}

SyncReport Replica::load(const OnProgress& on_progress) {
    State& state = *state_;
    SyncReport report;
    BlobReader blobs{state.own, report, true};
    const std::string name = head_name(state.issuer);
    // One state from floor and head to the last page: the front before may go on writing.
    std::optional<PageFile::View> view;
    const auto look = [&] {
        view.reset();
        if (auto begun = state.own.view())
            view.emplace(std::move(*begun));
    };
    look();
    if (auto read = state.read_floor(); !read) {
        blobs.reject(name, read.error().message);
        return report;
    }
    auto bytes = state.own.fetch({&name, 1});
    if (!bytes) {
        blobs.reject(name, bytes.error().message);
        return report;
    }
    std::optional<Bytes>& stored = bytes->front();
    if (!stored || *stored == state.current->head_bytes)
        return report;
    auto head = state.judge(*stored, *state.current);
    if (!head) {
        blobs.reject(name, head.error().message);
        return report;
    }
    report.head_seen = true;
    if (head->version > *state.floor) {
        // Now, and not between its pages, which another thread reads ahead by the same connection. A file
        // that may only be read has its head as its floor.
        view.reset();
        static_cast<void>(state.raise_floor(head->version));
        state.floor = head->version;
        look();
    }
    const auto before = state.current;
    Pass pass{state.issuer,       *before, std::move(*head),
              std::move(*stored), blobs,   {state.pool, {}, state.lost}};
    std::function<Status()> progress;
    if (on_progress && before->totals.loaded == 0)
        progress = [&] { return state.show_progress(pass.state(), on_progress); };
    // What was read is held either way.
    if (auto ran = pass.run(std::numeric_limits<std::size_t>::max(), 0, progress); !ran)
        report.not_kept = ran.error().message;
    auto next = pass.state();
    // The CRLs lie in files of their own; what is missing there comes from the store.
    static_cast<void>(state.crls.update(*next, *before, blobs, false));
    state.saved = next;
    state.hand_out(std::move(next));
    state.partial = false;
    report.advanced = true;
    report.behind = !state.current->complete();
    return report;
}

Result<SyncReport> Replica::sync(Store& source, const OnProgress& on_progress) {
    State& state = *state_;
    SyncReport report;
    if (auto read = state.read_floor(); !read)
        return tl::unexpected(read.error());
    const auto before = state.current;
    const bool first_load = before->totals.loaded == 0 && on_progress && state.pool == nullptr;
    // What a pass kept that then broke off is taken back, whichever way this is left.
    struct Undo {
        State& state;
        ~Undo() { state.change.reset(); }
    };
    const Undo undo{state};
    BlobReader blobs{source, report, false};
    auto followed = state.follow(blobs, report, on_progress);
    if (!followed)
        return tl::unexpected(followed.error());
    std::shared_ptr<HeldState> next = std::move(*followed);
    std::shared_ptr<const HeldState> adopted;
    if (next != nullptr) {
        if (auto updated = state.crls.update(*next, *state.current, blobs, true); !updated)
            return tl::unexpected(updated.error());
        const bool nothing_new = next->head_bytes == state.current->head_bytes && blobs.accepted() == 0 &&
                                 state.anew.empty() && same_crls(*next, *state.current);
        adopted = nothing_new ? nullptr : next;
    } else if (report.head_seen && state.saved != state.current) {
        adopted = state.current;  // the own page file did not take it the last time
    }
    if (adopted != nullptr) {
        if (first_load) {
            if (auto shown = state.show_progress(adopted, on_progress); !shown)
                return tl::unexpected(shown.error());
        }
        if (on_progress && state.pool == nullptr && !state.filling && state.saved->head_bytes.empty())
            state.filling.emplace(*adopted);
        if (auto done = state.adopt(adopted, report); !done)
            return tl::unexpected(done.error());
        report.advanced = state.current != before;
    }
    report.behind = report.head_seen && !state.current->complete();
    return report;
}

}  // namespace eightbells::cache
