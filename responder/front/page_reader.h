#ifndef EIGHTBELLS_RESPONDER_FRONT_PAGE_READER_H
#define EIGHTBELLS_RESPONDER_FRONT_PAGE_READER_H

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "cache/replica.h"
#include "responder/base/clock.h"
#include "responder/metrics/front_metrics.h"

namespace eightbells::front {

enum class PageOutcome : std::uint8_t {
    in_memory,
    replaced,  // what was asked for is no more; the next state, which is on its way, knows what is there now
    failed,
};

// Reads the pages that are not in memory (front.memory_limit) from the front's own page file into the pool,
// on a thread of its own, so that no loop ever waits for the disk. A page is read once, however many ask for
// it meanwhile; at most limits::page_reads_waiting pages wait. Neither Redis nor the signer is asked: what is
// damaged on the disk, the loader fetches anew.
class PageReader {
  public:
    // What has been read for one worker, told on any thread and taken on its own.
    class Inbox {
      public:
        explicit Inbox(std::function<void()> wake) : wake_(std::move(wake)) {}
        void close();  // nobody is woken any more
        struct Arrival {
            cache::Digest digest{};
            PageOutcome outcome = PageOutcome::failed;
        };
        std::vector<Arrival> take();

      private:
        friend class PageReader;
        void put(const Arrival& arrival);

        std::function<void()> wake_;
        std::mutex mutex_;
        std::vector<Arrival> arrivals_;
    };

    // Neither `metrics` nor `clock` is owned; both outlive the reader.
    PageReader(std::filesystem::path page_file, metrics::FrontMetrics& metrics, const Clock& clock);
    ~PageReader();  // the page that is being read comes first; nobody hears of the others
    PageReader(const PageReader&) = delete;
    PageReader& operator=(const PageReader&) = delete;

    // Any thread. `inbox` hears of it once. False: too many wait.
    bool ask(const std::shared_ptr<Inbox>& inbox, std::shared_ptr<const cache::IssuerSnapshot> snapshot,
             const cache::PageRef& page);

  private:
    struct Job {
        std::shared_ptr<const cache::IssuerSnapshot> snapshot;
        cache::PageRef page;
    };
    void run() noexcept;
    Result<cache::IssuerSnapshot::PageRead> read(const Job& job);
    PageOutcome count(const Result<cache::IssuerSnapshot::PageRead>& read);
    void say(const std::string& trouble);

    const std::filesystem::path path_;
    metrics::FrontMetrics& metrics_;
    const Clock& clock_;
    std::unique_ptr<cache::PageFile> file_;                      // of the thread
    std::optional<std::chrono::steady_clock::time_point> said_;  // of the thread

    std::mutex mutex_;  // of what follows
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    std::map<cache::Digest, std::vector<std::shared_ptr<Inbox>>>
        asked_;  // of all jobs, and the one that is being done
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace eightbells::front

#endif
