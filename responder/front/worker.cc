#include "responder/front/worker.h"

#include <algorithm>
#include <utility>

#include "responder/front/gauges.h"
#include "responder/front/limits.h"

namespace eightbells::front {

Worker::Worker(const Parts& parts)
    : parts_(parts),
      counters_(parts.state->issuers->size(), Answering::fault_names().size()),
      check_(parts.state->issuers) {}

Result<std::unique_ptr<Worker>> Worker::open(ListeningSockets sockets, const Parts& parts) {
    std::unique_ptr<Worker> worker(new Worker(parts));
    auto loop = Loop::open([self = worker.get()] { self->woken(); });
    if (!loop)
        return tl::unexpected(loop.error());
    worker->loop_ = *std::move(loop);
    if (parts.signers.any()) {
        worker->live_ = std::make_unique<LiveClient>(worker->loop_->base(), parts.signers, parts.clock);
        worker->watch_live_ =
            std::make_unique<Ticker>(*worker->loop_, limits::live_watch, [self = worker.get()] {
                self->live_connected_.store(self->live_->connected(), std::memory_order_relaxed);
            });
    }
    if (parts.pool != nullptr) {
        worker->pool_reader_ = std::make_unique<cache::PagePool::Reader>(
            *parts.pool, [loop = worker->loop_.get()] { loop->wake(); });
        worker->pages_ = std::make_unique<PageWaits>(*parts.pages, *worker->loop_, parts.clock);
    }
    worker->answering_ = std::make_unique<Answering>(Answering::Parts{.paths = parts.paths,
                                                                      .counters = worker->counters_,
                                                                      .metrics = parts.metrics,
                                                                      .live = worker->live_.get(),
                                                                      .check = &worker->check_,
                                                                      .pages = worker->pages_.get(),
                                                                      .clock = parts.clock},
                                                     parts.state);
    worker->parts_.state.reset();
    if (const Status listening = worker->listen(std::move(sockets)); !listening)
        return tl::unexpected(listening.error());
    parts.metrics.attach(worker->counters_);
    for (const auto& listener : worker->listeners_)
        attach_wire(parts.metrics, listener->counters());
    return worker;
}

Status Worker::listen(ListeningSockets sockets) {
    for (const int fd : sockets.release()) {
        auto listener = http::Listener::adopt(loop_->base(), fd, parts_.limits, *answering_, parts_.clock);
        if (!listener)
            return tl::unexpected(listener.error());
        listeners_.push_back(*std::move(listener));
    }
    return {};
}

Worker::~Worker() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        loop_->wake();
        thread_.join();
    }
    watch_drain_.reset();
    watch_live_.reset();
    listeners_.clear();
    live_.reset();
    pages_.reset();
    pool_reader_.reset();
}

void Worker::start() {
    thread_ = std::thread([this] {
        loop_->run();
        pool_reader_.reset();  // or pages that have to go would wait for one that never comes by again
    });
}

void Worker::give(std::shared_ptr<const FrontState> state) {
    {
        const std::lock_guard lock(mutex_);
        given_ = std::move(state);
    }
    loop_->wake();
}

void Worker::drain() noexcept {
    {
        const std::lock_guard lock(mutex_);
        draining_ = true;
    }
    loop_->wake();
}

void Worker::join() noexcept {
    if (thread_.joinable())
        thread_.join();
}

void Worker::woken() {
    std::shared_ptr<const FrontState> given;
    bool draining = false;
    bool ending = false;
    {
        const std::lock_guard lock(mutex_);
        given = std::exchange(given_, nullptr);
        draining = draining_;
        ending = ending_;
    }
    const bool another_state = given != nullptr;
    if (another_state)
        answering_->use(std::move(given));
    if (pool_reader_ != nullptr) {
        pool_reader_->quiet();  // no request is being answered here
        if (another_state)
            pages_->state_given();
        pages_->take_arrivals();
    }
    if (ending)
        loop_->end();
    else if (draining && !drain_until_)
        begin_drain();
}

void Worker::begin_drain() {
    drain_until_ = std::chrono::steady_clock::now() + limits::drain_time;
    for (const auto& listener : listeners_)
        listener->stop_accepting();
    watch_drain_ = std::make_unique<Ticker>(*loop_, limits::drain_poll, [this] { look_whether_done(); });
    look_whether_done();
}

void Worker::look_whether_done() {
    const bool done =
        std::ranges::all_of(listeners_, [](const auto& one) { return one->connections() == 0; });
    if (done || std::chrono::steady_clock::now() >= *drain_until_)
        loop_->end();
}

}  // namespace eightbells::front
