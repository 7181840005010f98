#include "responder/front/page_reader.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "responder/front/limits.h"

namespace eightbells::front {

std::vector<PageReader::Inbox::Arrival> PageReader::Inbox::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(arrivals_, {});
}

void PageReader::Inbox::put(const Arrival& arrival) {
    const std::lock_guard lock(mutex_);
    if (wake_ == nullptr)
        return;
    arrivals_.push_back(arrival);
    wake_();
}

void PageReader::Inbox::close() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
}

PageReader::PageReader(std::filesystem::path page_file, metrics::FrontMetrics& metrics, const Clock& clock)
    : path_(std::move(page_file)), metrics_(metrics), clock_(clock) {
    thread_ = std::thread([this] { run(); });
}

PageReader::~PageReader() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

bool PageReader::ask(const std::shared_ptr<Inbox>& inbox,
                     std::shared_ptr<const cache::IssuerSnapshot> snapshot, const cache::PageRef& page) {
    {
        const std::lock_guard lock(mutex_);
        const auto known = asked_.find(page.digest);
        if (known != asked_.end()) {
            if (std::ranges::find(known->second, inbox) == known->second.end())
                known->second.push_back(inbox);
            return true;
        }
        if (jobs_.size() >= limits::page_reads_waiting)
            return false;
        asked_.emplace(page.digest, std::vector{inbox});
        jobs_.push_back({std::move(snapshot), page});
    }
    changed_.notify_one();
    return true;
}

void PageReader::run() noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (stopping_)
            return;
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        const PageOutcome outcome = count(read(job));
        job.snapshot.reset();  // it may have been the last to hold it
        lock.lock();
        const auto asked = asked_.extract(job.page.digest);
        lock.unlock();
        for (const auto& inbox : asked.mapped())
            inbox->put({job.page.digest, outcome});
        lock.lock();
    }
}

Result<cache::IssuerSnapshot::PageRead> PageReader::read(const Job& job) {
    if (file_ == nullptr) {
        auto opened = cache::PageFile::open(path_, cache::PageFile::Access::read);
        if (!opened)
            return tl::unexpected(opened.error());
        file_ = *std::move(opened);
    }
    auto read = job.snapshot->read_page(job.page, *file_);
    // Another file may lie there now.
    if (!read || *read == cache::IssuerSnapshot::PageRead::replaced)
        file_.reset();
    return read;
}

PageOutcome PageReader::count(const Result<cache::IssuerSnapshot::PageRead>& read) {
    if (!read) {
        metrics_.page_read_failures().add();
        say(read.error().message);
        return PageOutcome::failed;
    }
    if (*read == cache::IssuerSnapshot::PageRead::replaced)
        return PageOutcome::replaced;
    metrics_.page_reads().add();
    return PageOutcome::in_memory;
}

// One a minute at most: a disk that fails now and then, asked thousands of times a second, would fill the
// log.
void PageReader::say(const std::string& trouble) {
    const auto now = clock_.steady();
    if (said_ && now - *said_ < limits::page_log_pause)
        return;
    said_ = now;
    spdlog::warn("pages that are not in memory: {}", trouble);
}

}  // namespace eightbells::front
