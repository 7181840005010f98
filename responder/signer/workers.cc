#include "responder/signer/workers.h"

#include <algorithm>

namespace eightbells::signer {

Workers::Workers(unsigned threads) {
    const unsigned count = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
    threads_.reserve(count);
    for (unsigned worker = 0; worker < count; ++worker) {
        threads_.emplace_back([this, worker] { loop(worker); });
    }
}

Workers::~Workers() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    start_.notify_all();
    for (auto& thread : threads_)
        thread.join();
}

void Workers::run(std::size_t count, const Work& work) {
    if (count == 0)
        return;
    std::unique_lock lock{mutex_};
    work_ = &work;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    busy_ = size();
    ++round_;
    start_.notify_all();
    done_.wait(lock, [this] { return busy_ == 0; });
    work_ = nullptr;
}

void Workers::loop(unsigned worker) {
    std::uint64_t seen = 0;
    std::unique_lock lock{mutex_};
    while (true) {
        start_.wait(lock, [&] { return stopping_ || round_ != seen; });
        if (stopping_)
            return;
        seen = round_;
        const Work& work = *work_;
        const std::size_t count = count_;
        lock.unlock();
        for (std::size_t i = next_.fetch_add(1); i < count; i = next_.fetch_add(1))
            work(worker, i);
        lock.lock();
        if (--busy_ == 0)
            done_.notify_one();
    }
}

}  // namespace eightbells::signer
