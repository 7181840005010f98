#include "responder/signer/mirror.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "cache/copy.h"
#include "cache/until_stopped.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {
std::size_t octets(const cache::Batch& batch) noexcept {
    std::size_t sum = batch.head.size();
    for (const auto& [name, bytes] : batch.put)
        sum += name.size() + bytes.size();
    return sum;
}

static_assert(static_cast<std::size_t>(metrics::StoreFinding::count_) == cache::store_finding_kinds &&
              static_cast<int>(metrics::StoreFinding::not_told) ==
                  static_cast<int>(cache::StoreFinding::Kind::not_told));
}  // namespace

Mirror::Mirror(std::filesystem::path page_file, std::unique_ptr<cache::Store> target,
               std::vector<std::string> issuers, std::vector<cache::StorePublicKey> trusted, Gate gate,
               metrics::SignerMetrics& metrics, const Clock& clock)
    : page_file_(std::move(page_file)),
      target_(std::move(target)),
      issuers_(std::move(issuers)),
      trusted_(std::move(trusted)),
      gate_(std::move(gate)),
      metrics_(metrics),
      clock_(clock),
      thread_([this] { loop(); }) {}

Mirror::~Mirror() {
    stop();
}

void Mirror::stop() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Mirror::hand_over(const cache::Batch& batch) {
    {
        const std::scoped_lock lock{mutex_};
        waiting_octets_ += octets(batch);
        if (compare_due_ || waiting_.size() >= limits::mirror_batches ||
            waiting_octets_ > limits::mirror_octets) {
            waiting_.clear();
            waiting_octets_ = 0;
            compare_due_ = true;
        } else {
            waiting_.push_back(batch);
        }
    }
    wake_.notify_all();
}

void Mirror::compare_soon() {
    {
        const std::scoped_lock lock{mutex_};
        compare_due_ = true;
    }
    wake_.notify_all();
}

void Mirror::note_failure(const Error& error) {
    if (stopping_)
        return;
    metrics_.store_reachable().set(false);
    if (!failure_logged_)
        spdlog::error("store {}: {}; signing goes on, it is brought up when it is back", target_->name(),
                      error.message);
    failure_logged_ = true;
}

// Each second, whatever else there is to do. It asks every server: one of a cluster that was lost while
// nothing was published shows here alone (may_have_lost). Measured each time, told when it changes; that it
// cannot be reached shows elsewhere.
void Mirror::check_settings() {
    const auto now = clock_.steady();
    if (now < next_settings_look_)
        return;
    next_settings_look_ = now + limits::mirror_retry;
    auto found = target_->check_settings();
    if (!found)
        return;
    for (std::size_t kind = 0; kind < cache::store_finding_kinds; ++kind) {
        const bool is_so = std::ranges::any_of(
            *found, [&](const auto& one) { return static_cast<std::size_t>(one.kind) == kind; });
        metrics_.store_finding(static_cast<metrics::StoreFinding>(kind)).set(is_so);
    }
    if (*found == findings_)
        return;
    findings_ = *std::move(found);
    for (const auto& one : findings_)
        spdlog::warn("store {}: {}", target_->name(), one.text);
    if (findings_.empty())
        spdlog::info("store {}: nothing is wrong any more with how it is set up", target_->name());
}

std::unique_ptr<cache::PageFile> Mirror::open_page_file() {
    auto opened = cache::PageFile::open(page_file_, cache::PageFile::Access::read);
    if (!opened)
        note_failure(opened.error());
    return opened ? std::move(*opened) : nullptr;
}

// True when the store holds what the page file holds.
bool Mirror::compare(cache::PageFile& pages) {
    cache::UntilStopped target{*target_, stopping_};
    bool all = true;
    for (const auto& issuer : issuers_) {
        if (!may_write(issuer, pages)) {
            all = false;
            continue;
        }
        // One state of the page file for all of it: copying ten million certificates takes half a minute, and
        // while they are refreshed heads follow one another in fractions of a second.
        const auto view = pages.view();
        if (!view) {
            note_failure(view.error());
            return false;
        }
        const auto copied = cache::mirror(pages, target, issuer, trusted_);
        if (!copied) {
            note_failure(copied.error());
            return false;
        }
        if (copied->copied != 0)
            spdlog::info("store {}: {} blobs were brought up", target_->name(), copied->copied);
        left_[issuer] = copied->present;
    }
    return all;
}

// Single values that the store lost or changed show only when all are read back: now and then that is done,
// and whenever a part of the store may have gone behind the head in another.
bool Mirror::is_read_back_due() const {
    const auto now = clock_.steady();
    return now >= no_read_back_before_ && open_.size() == issuers_.size() &&
           (now >= next_read_back_ || target_->may_have_lost() != read_back_at_);
}

// False: it failed, and the two must be compared again.
bool Mirror::read_back(cache::PageFile& pages) {
    const std::uint64_t may_have_lost = target_->may_have_lost();
    Status done;
    for (auto issuer = issuers_.begin(); done && issuer != issuers_.end(); ++issuer)
        done = read_back(pages, *issuer);
    if (done) {
        next_read_back_ = clock_.steady() + limits::mirror_read_back;
        read_back_at_ = may_have_lost;
        read_back_failure_.clear();
        return true;
    }
    no_read_back_before_ = clock_.steady() + limits::mirror_retry;
    if (is_compare_due())
        return true;  // that goes first
    // Whether the store is away shows in the comparison.
    if (!stopping_ && read_back_failure_ != done.error().message)
        spdlog::warn("store {}: it was not read back to the end: {}", target_->name(), done.error().message);
    read_back_failure_ = done.error().message;
    return false;
}

// Publications go on between two fetches: at ten million certificates this takes a quarter of a minute, for
// which no revocation may wait.
Status Mirror::read_back(cache::PageFile& pages, const std::string& issuer) {
    struct Turns final : cache::Meanwhile {
        explicit Turns(Mirror& mirror) : mirror_(mirror) {}
        Status turn() override {
            auto published = mirror_.publish_waiting([this](const cache::Batch& batch) -> Status {
                for (const auto& [name, bytes] : batch.put)
                    names_.insert(name);
                names_.insert(batch.erase.begin(), batch.erase.end());
                return names_.size() <= limits::mirror_touched ? Status{}
                                                               : fail("too much was published meanwhile");
            });
            return published && mirror_.is_compare_due() ? fail("it must be compared first") : published;
        }
        bool touched(const std::string& name) const override { return names_.contains(name); }

        Mirror& mirror_;
        std::set<std::string> names_;
    } turns{*this};
    const auto view = pages.view();
    if (!view)
        return tl::unexpected<Error>(view.error());
    cache::UntilStopped target{*target_, stopping_};
    // First one head in both, though the page file may be ahead of what was handed over.
    auto copied = cache::mirror(pages, target, issuer, trusted_);
    if (!copied)
        return tl::unexpected<Error>(copied.error());
    left_[issuer] = copied->present;
    copied = cache::mirror(pages, target, issuer, trusted_, cache::CopyDepth::everything, &turns);
    if (!copied)
        return tl::unexpected<Error>(copied.error());
    if (copied->copied != 0)
        spdlog::warn("store {}: {} blobs were missing or damaged and are put right", target_->name(),
                     copied->copied);
    return {};
}

// What has been handed over by now. `published` is told of each.
Status Mirror::publish_waiting(const std::function<Status(const cache::Batch&)>& published) {
    std::unique_lock lock{mutex_};
    while (!waiting_.empty() && !compare_due_ && !stopping_) {
        const cache::Batch batch = std::move(waiting_.front());
        waiting_.pop_front();
        waiting_octets_ -= std::min(waiting_octets_, octets(batch));
        lock.unlock();
        if (!publish(batch))
            return fail("a publication failed");
        metrics_.store_last_mirror().set(clock_.now());
        if (auto told = published(batch); !told)
            return told;
        lock.lock();
    }
    return {};
}

bool Mirror::is_compare_due() {
    const std::scoped_lock lock{mutex_};
    return compare_due_;
}

// What is handed over goes on top of what we left. A store that was emptied, restored or replaced by its
// replica since would hold the new head and little below it, and no comparison of heads would show that.
bool Mirror::publish(const cache::Batch& batch) {
    const std::string name = cache::head_name(batch.issuer);
    auto found = target_->fetch(std::span{&name, 1});
    if (!found) {
        note_failure(found.error());
        return false;
    }
    const Bytes& left = left_[batch.issuer];
    if (found->front().value_or(Bytes{}) != left) {
        spdlog::warn("store {}: its head is not the one that was left there; it is compared",
                     target_->name());
        compare_soon();
        return true;
    }
    // A comparison may have seen the page file after this publication, which was handed over during it.
    const auto ours = cache::parse_head(batch.head, trusted_);
    const auto theirs = cache::parse_head(left, trusted_);
    if (ours && theirs && ours->version <= theirs->version)
        return true;
    if (auto published = target_->publish(batch); !published) {
        note_failure(published.error());
        return false;
    }
    if (!batch.head.empty())
        left_[batch.issuer] = batch.head;
    return true;
}

bool Mirror::may_write(const std::string& issuer, cache::Store& pages) {
    if (open_.contains(issuer))
        return true;
    cache::UntilStopped target{*target_, stopping_};
    const auto opened = gate_(issuer, pages, target);
    if (!opened)
        note_failure(opened.error());
    if (!opened || !*opened)
        return false;
    open_.insert(issuer);
    return true;
}

void Mirror::loop() {
    std::unique_ptr<cache::PageFile> pages;
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        const bool reads_back = waiting_.empty() && !compare_due_ && pages && is_read_back_due();
        if (waiting_.empty() && !compare_due_ && !reads_back) {
            // Once in a while the heads are compared even when nothing happens: a flushed or restored store
            // shows there.
            const bool woken = wake_.wait_for(lock, limits::mirror_retry, [this] {
                return stopping_ || !waiting_.empty() || compare_due_;
            });
            if (!woken)
                compare_due_ = true;
            continue;
        }
        const bool compares = std::exchange(compare_due_, false);
        if (compares) {
            waiting_.clear();
            waiting_octets_ = 0;
        }
        lock.unlock();
        check_settings();
        bool ok = true;
        if (compares) {
            if (!pages)
                pages = open_page_file();
            ok = pages && compare(*pages);
        } else if (reads_back) {
            ok = read_back(*pages);
        } else {
            ok = publish_waiting([](const cache::Batch&) { return Status{}; }).has_value();
        }
        if (ok) {
            metrics_.store_reachable().set(true);
            metrics_.store_last_mirror().set(clock_.now());
            if (failure_logged_)
                spdlog::info("store {} is back", target_->name());
            failure_logged_ = false;
        }
        lock.lock();
        if (!ok) {
            compare_due_ = true;
            wake_.wait_for(lock, limits::mirror_retry, [this] { return stopping_.load(); });
        }
    }
}

}  // namespace eightbells::signer
