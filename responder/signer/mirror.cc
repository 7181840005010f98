#include "responder/signer/mirror.h"

#include <spdlog/spdlog.h>

#include "cache/copy.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {
std::size_t octets(const cache::Batch& batch) noexcept {
    std::size_t sum = batch.head.size();
    for (const auto& [name, bytes] : batch.put)
        sum += name.size() + bytes.size();
    return sum;
}

// A store whose calls fail once the mirror is to end: what runs over many of them ends with the one that is
// under way.
class UntilStopped final : public cache::Store {
  public:
    UntilStopped(cache::Store& store, const std::atomic<bool>& stopped) : store_(store), stopped_(stopped) {}
    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        return stopped_ ? fail("the signer ends") : store_.fetch(names);
    }
    Status publish(const cache::Batch& batch) override {
        return stopped_ ? Status{fail("the signer ends")} : store_.publish(batch);
    }
    Result<bool> wait_notice(std::chrono::milliseconds limit) override { return store_.wait_notice(limit); }
    std::string name() const override { return store_.name(); }

  private:
    cache::Store& store_;
    const std::atomic<bool>& stopped_;
};
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

// True when the store holds what the page file holds.
bool Mirror::compare(cache::Store& pages) {
    // Single values that the store lost or changed show only when all are read back: now and then that is
    // done.
    const bool read_back = clock_.steady() >= next_read_back_;
    const auto depth = read_back ? cache::CopyDepth::everything : cache::CopyDepth::differences;
    UntilStopped target{*target_, stopping_};
    bool all = true;
    for (const auto& issuer : issuers_) {
        if (!may_write(issuer, pages)) {
            all = false;
            continue;
        }
        const auto copied = cache::mirror(pages, target, issuer, trusted_, depth);
        if (!copied) {
            note_failure(copied.error());
            return false;
        }
        if (copied->copied != 0)
            spdlog::info("store {}: {} blobs were brought up", target_->name(), copied->copied);
    }
    if (all && read_back)
        next_read_back_ = clock_.steady() + limits::mirror_read_back;
    return all;
}

bool Mirror::may_write(const std::string& issuer, cache::Store& pages) {
    if (open_.contains(issuer))
        return true;
    UntilStopped target{*target_, stopping_};
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
        if (waiting_.empty() && !compare_due_) {
            // Once in a while the heads are compared even when nothing happens: a flushed or restored store
            // shows there.
            const bool woken = wake_.wait_for(lock, limits::mirror_retry, [this] {
                return stopping_ || !waiting_.empty() || compare_due_;
            });
            if (!woken)
                compare_due_ = true;
            continue;
        }
        bool ok = true;
        if (compare_due_) {
            compare_due_ = false;
            waiting_.clear();
            waiting_octets_ = 0;
            lock.unlock();
            if (!pages) {
                auto opened = cache::PageFile::open(page_file_, cache::PageFile::Access::read);
                if (opened) {
                    pages = std::move(*opened);
                } else {
                    note_failure(opened.error());
                }
            }
            ok = pages && compare(*pages);
        } else {
            const cache::Batch batch = std::move(waiting_.front());
            waiting_.pop_front();
            waiting_octets_ -= std::min(waiting_octets_, octets(batch));
            lock.unlock();
            const auto published = target_->publish(batch);
            if (!published)
                note_failure(published.error());
            ok = published.has_value();
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
