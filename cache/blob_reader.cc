#include "cache/blob_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "cache/limits.h"

namespace eightbells::cache {

void BlobReader::reject(const std::string& name, const std::string& reason) {
    ++report_.rejected_by_kind[static_cast<std::size_t>(kind_of(name))];
    if (report_.rejected++ == 0)
        report_.first_rejection = fmt::format("{}: {}: {}", store_.name(), name, reason);
}

void BlobReader::begin_round() {
    report_.rejected = 0;
    report_.rejected_by_kind = {};
    report_.first_rejection.clear();
}

// The batches of one reading, in their order. From its making to its end nobody else uses the store.
class BlobReader::Ahead {
  public:
    Ahead(BlobReader& reader, const std::vector<Wanted>& wanted, std::size_t batch)
        : reader_(reader), wanted_(wanted), batch_(batch) {
        if (wanted.size() <= batch)
            return;
        try {
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
            // Then each batch is fetched when it is asked for.
        }
    }
    ~Ahead() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        if (thread_.joinable())
            thread_.join();
    }
    Ahead(const Ahead&) = delete;
    Ahead& operator=(const Ahead&) = delete;

    // REQUIRES: called once for each batch. After an error there is nothing more.
    Blobs next() {
        if (!thread_.joinable())
            return fetch(std::exchange(at_, at_ + batch_));
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !fetched_.empty(); });
        Blobs blobs = std::move(fetched_.front());
        fetched_.pop_front();
        changed_.notify_all();
        return blobs;
    }

  private:
    Blobs fetch(std::size_t begin) {
        const std::size_t end = std::min(wanted_.size(), begin + batch_);
        names_.clear();
        for (std::size_t i = begin; i < end; ++i)
            names_.push_back(wanted_[i].name);
        return reader_.fetch(names_);
    }
    void run() {
        bool failed = false;
        for (std::size_t begin = 0; begin < wanted_.size() && !failed; begin += batch_) {
            Blobs blobs = fetch(begin);
            failed = !blobs;
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || fetched_.size() < limits::batches_ahead; });
            if (stopping_)
                return;
            fetched_.push_back(std::move(blobs));
            changed_.notify_all();
        }
    }

    BlobReader& reader_;
    const std::vector<Wanted>& wanted_;
    const std::size_t batch_;
    std::size_t at_ = 0;              // without a thread
    std::vector<std::string> names_;  // of the batch that is being fetched
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Blobs> fetched_;
    bool stopping_ = false;
    std::thread thread_;
};

BlobReader::Blobs BlobReader::fetch(std::span<const std::string> names) {
    auto blobs = store_.fetch(names);
    if (blobs && blobs->size() != names.size())
        return fail(fmt::format("{}: {} blobs for {} names", store_.name(), blobs->size(), names.size()));
    if (blobs || !one_by_one_)
        return blobs;
    std::vector<std::optional<Bytes>> found;
    for (const std::string& name : names) {
        auto single = store_.fetch({&name, 1});
        // Rejected as missing by whoever asked.
        found.push_back(single && single->size() == 1 ? std::move(single->front()) : std::nullopt);
    }
    return found;
}

Status BlobReader::judge(const Wanted& wanted, std::size_t position, std::size_t max_octets,
                         std::optional<Bytes> blob, const Take& take) {
    if (!blob)
        return fail("is not there");
    if (blob->size() > max_octets)
        return fail(fmt::format("has {} octets, more than the limit of {}", blob->size(), max_octets));
    if (sha256_.of(*blob) != wanted.digest)
        return fail("does not have the digest that the head answers for");
    return take(position, std::move(*blob));
}

Status BlobReader::read(const std::vector<Wanted>& wanted, std::size_t max_octets, const Take& take,
                        const std::function<Status()>& batch_done) {
    const std::size_t batch =
        std::clamp<std::size_t>(limits::fetch_octets / max_octets, 1, limits::fetch_names);
    Ahead ahead{*this, wanted, batch};
    for (std::size_t begin = 0; begin < wanted.size(); begin += batch) {
        const std::size_t end = std::min(wanted.size(), begin + batch);
        auto blobs = ahead.next();
        if (!blobs)
            return fail(blobs.error().message);
        for (std::size_t i = begin; i < end; ++i) {
            auto& blob = (*blobs)[i - begin];
            report_.fetched += blob ? 1 : 0;
            if (auto taken = judge(wanted[i], i, max_octets, std::move(blob), take); !taken)
                reject(wanted[i].name, taken.error().message);
            else
                ++accepted_;
        }
        if (batch_done) {
            if (auto done = batch_done(); !done)
                return done;
        }
    }
    return {};
}

Result<std::optional<Bytes>> BlobReader::read_one(const std::string& name, std::size_t max_octets) {
    auto blobs = fetch({&name, 1});
    if (!blobs)
        return fail(blobs.error().message);
    auto& blob = blobs->front();
    report_.fetched += blob ? 1 : 0;
    if (!blob) {
        reject(name, "is not there");
        return std::optional<Bytes>{};
    }
    if (blob->size() > max_octets) {
        reject(name, fmt::format("has {} octets, more than the limit of {}", blob->size(), max_octets));
        return std::optional<Bytes>{};
    }
    return std::move(blob);
}

}  // namespace eightbells::cache
