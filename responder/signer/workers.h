#ifndef EIGHTBELLS_RESPONDER_SIGNER_WORKERS_H
#define EIGHTBELLS_RESPONDER_SIGNER_WORKERS_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace eightbells::signer {

// A fixed set of threads that share out the indices of one loop at a time. One thread calls run(); it waits
// until all are done.
class Workers {
  public:
    explicit Workers(unsigned threads);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    unsigned size() const noexcept { return static_cast<unsigned>(threads_.size()); }

    // Calls `work(worker, index)` for every index below `count`, each once, on some worker (0 to size() - 1).
    // `work` must not throw.
    using Work = std::function<void(unsigned worker, std::size_t index)>;
    void run(std::size_t count, const Work& work);

  private:
    void loop(unsigned worker);

    std::mutex mutex_;
    std::condition_variable start_;
    std::condition_variable done_;
    const Work* work_ = nullptr;
    std::size_t count_ = 0;
    std::atomic<std::size_t> next_{0};
    unsigned busy_ = 0;
    std::uint64_t round_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace eightbells::signer

#endif
