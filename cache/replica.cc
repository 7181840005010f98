#include "cache/replica.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

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
          const std::filesystem::path& folder)
        : issuer(std::move(id)), trusted(std::move(keys)), own(file), crls(folder / issuer, issuer) {
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

    void hand_out(std::shared_ptr<const HeldState> state) {
        current = std::move(state);
        snapshot = std::make_shared<const IssuerSnapshot>(current);
    }
    Status read_floor();
    Status raise_floor(Version version);
    Result<Head> judge(ByteView bytes, const HeldState& base) const;
    Status show_progress(const Pass& pass, const OnProgress& on_progress);
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

Status Replica::State::raise_floor(Version version) {
    if (floor && version <= *floor)
        return {};
    if (auto raised = own.raise_floor(issuer, version); !raised)
        return raised;
    floor = version;
    return {};
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

// Only while nothing complete is served: a partial snapshot answers some where there was no answer at all.
Status Replica::State::show_progress(const Pass& pass, const OnProgress& on_progress) {
    auto shown = pass.state();
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
    if (auto kept = keep(own, issuer, *saved, *next); kept) {
        saved = next;
        floor = std::max(floor.value_or(Version{}), next->head.version);
    } else {
        // The state may be too large for a full disk where the floor is not; and with the floor durable the
        // worst is a restart that has to wait for the store.
        report.not_kept = kept.error().message;
        if (!raise_floor(next->head.version))
            return kept;
    }
    partial = false;
    if (next != current) {
        hand_out(std::move(next));
        report.advanced = true;
        crls.remove_others(*current);
    }
    return {};
}

// The rounds of a pass. nullptr: nothing to do, or nothing to be had; the report says which.
Result<std::shared_ptr<HeldState>> Replica::State::follow(BlobReader& blobs, SyncReport& report,
                                                          const OnProgress& on_progress) {
    const bool first_load = current->totals.loaded == 0 && on_progress;
    const std::string name = head_name(issuer);
    std::shared_ptr<const HeldState> base = current;
    std::shared_ptr<HeldState> next;
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
            if (base->complete() || (round > 0 && base->totals.unverified > limits::fetch_names))
                break;
        }
        auto head = same ? Result<Head>{base->head} : judge(**bytes, *base);
        if (!head) {
            blobs.reject(name, head.error().message);
            break;
        }
        report.head_seen = true;
        blobs.begin_round();
        Pass pass{issuer, *base, std::move(*head), std::move(**bytes), blobs};
        // Under a head that was gone through once, what is wanted has failed before.
        const bool retry = same && !(partial && base == current);
        const std::size_t budget = retry ? limits::retry_pages : std::numeric_limits<std::size_t>::max();
        std::function<Status()> progress;
        if (first_load)
            progress = [&] { return show_progress(pass, on_progress); };
        if (auto ran = pass.run(budget, next_retry, progress); !ran)
            return tl::unexpected(ran.error());
        next_retry = retry ? next_retry + budget : 0;
        next = pass.state();
        base = next;
        if (next->profiles_complete && next->patches_complete && next->totals.unverified == 0)
            break;
    }
    return next;
}

Replica::Replica(std::string issuer, std::vector<StorePublicKey> trusted, PageFile& own,
                 std::filesystem::path crl_folder)
    : state_(std::make_unique<State>(std::move(issuer), std::move(trusted), own, crl_folder)) {}
Replica::~Replica() = default;

std::shared_ptr<const IssuerSnapshot> Replica::snapshot() const noexcept {
    return state_->snapshot;
}

SyncReport Replica::load(const OnProgress& on_progress) {
    State& state = *state_;
    SyncReport report;
    BlobReader blobs{state.own, report, true};
    const std::string name = head_name(state.issuer);
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
    const auto before = state.current;
    Pass pass{state.issuer, *before, std::move(*head), std::move(*stored), blobs};
    std::function<Status()> progress;
    if (on_progress && before->totals.loaded == 0)
        progress = [&] { return state.show_progress(pass, on_progress); };
    // Only the progress could fail here; what was read is held either way.
    if (auto ran = pass.run(std::numeric_limits<std::size_t>::max(), 0, progress); !ran)
        report.not_kept = ran.error().message;
    auto next = pass.state();
    // The CRLs lie in files of their own; what is missing there comes from the store.
    static_cast<void>(state.crls.update(*next, *before, blobs, false));
    state.saved = next;
    // A file that may only be read has its head as its floor.
    static_cast<void>(state.raise_floor(next->head.version));
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
                                 same_crls(*next, *state.current);
        adopted = nothing_new ? nullptr : next;
    } else if (report.head_seen && state.saved != state.current) {
        adopted = state.current;  // the own page file did not take it the last time
    }
    if (adopted != nullptr) {
        if (auto done = state.adopt(adopted, report); !done)
            return tl::unexpected(done.error());
    }
    report.behind = report.head_seen && !state.current->complete();
    return report;
}

}  // namespace eightbells::cache
