#include "cache/page_pool.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "cache/held.h"
#include "cache/limits.h"

namespace eightbells::cache {

struct PagePool::Entry {
    Digest digest;
    std::size_t octets;
    std::atomic<bool> asked{true};  // since the hand last came by; a new one has been asked for
    StoredPage page;

    Entry(const Digest& its_digest, HeldPage its_page)
        : digest(its_digest),
          octets(sizeof(Entry) + limits::pool_page_overhead + its_page.page.bytes().size()),
          page(std::move(its_page)) {}
};

namespace {

// Digests are even: any of their octets will do.
std::uint64_t number_in(const Digest& digest) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof number; ++i)
        number = number << 8 | digest[i];
    return number;
}

std::uint32_t tag_of(const Digest& digest) noexcept {
    return static_cast<std::uint32_t>(number_in(digest));
}

}  // namespace

PagePool::PagePool(std::size_t octets)
    : limit_(octets),
      slack_(std::min(octets / 8, limits::pool_slack_max)),
      buckets_(std::bit_ceil(std::max<std::size_t>(1, octets / limits::pool_octets_per_bucket))) {}

PagePool::~PagePool() {
    for (Bucket& bucket : buckets_) {
        for (std::atomic<Entry*>& place : bucket.entries)
            delete place.load();
    }
    for (const Gone& gone : gone_)
        delete gone.entry;
}

PagePool::Reader::Reader(PagePool& pool, std::function<void()> wake)
    : pool_(pool), wake_(std::move(wake)), seen_(pool.generation_.load()) {
    const std::lock_guard lock(pool_.mutex_);
    pool_.readers_.push_back(this);
}

PagePool::Reader::~Reader() {
    const std::lock_guard lock(pool_.mutex_);
    std::erase(pool_.readers_, this);
}

PagePool::Bucket& PagePool::bucket_of(const Digest& digest) const noexcept {
    return buckets_[number_in(digest) >> 32 & (buckets_.size() - 1)];
}

PagePool::Entry* PagePool::look(const Digest& digest) const noexcept {
    const Bucket& bucket = bucket_of(digest);
    const std::uint32_t tag = tag_of(digest);
    for (std::size_t way = 0; way < Bucket::ways; ++way) {
        if (bucket.tags[way].load(std::memory_order_relaxed) != tag)
            continue;
        Entry* const entry = bucket.entries[way].load(std::memory_order_acquire);
        if (entry != nullptr && entry->digest == digest)
            return entry;
    }
    return nullptr;
}

const HeldPage* PagePool::find(const Digest& digest) const noexcept {
    Entry* const entry = look(digest);
    if (entry == nullptr)
        return nullptr;
    // Written only where that changes something: workers share the line.
    if (!entry->asked.load(std::memory_order_relaxed))
        entry->asked.store(true, std::memory_order_relaxed);
    return &entry->page;
}

void PagePool::fetch_ahead(const Digest& digest) const noexcept {
    __builtin_prefetch(&bucket_of(digest));
}

bool PagePool::has(const Digest& digest) const noexcept {
    const std::lock_guard lock(mutex_);  // nothing is freed meanwhile
    return look(digest) != nullptr;
}

std::size_t PagePool::octets() const noexcept {
    const std::lock_guard lock(mutex_);
    return held_ + gone_octets_;
}

bool PagePool::put(const Digest& digest, HeldPage page, Room room) {
    auto entry = std::make_unique<Entry>(digest, std::move(page));
    std::unique_lock lock(mutex_);
    if (look(digest) != nullptr)
        return true;
    // What may be held beside it.
    const std::size_t taken = buckets_.size() * sizeof(Bucket) + slack_ + entry->octets;
    std::atomic<Entry*>* place = free_place(bucket_of(digest));
    if (room == Room::spare && (place == nullptr || taken + held_ > limit_))
        return false;
    if (taken > limit_)
        return false;
    if (place == nullptr)
        place = take_out_one(bucket_of(digest));
    const auto patience = room == Room::make ? limits::pool_patience : std::chrono::milliseconds{0};
    if (!make_room(limit_ - taken, patience, lock))
        return false;
    // The lock was given up meanwhile.
    if (look(digest) != nullptr)
        return true;
    if (place->load() != nullptr)
        return false;
    Bucket& bucket = bucket_of(digest);
    bucket.tags[static_cast<std::size_t>(place - bucket.entries.data())].store(tag_of(digest),
                                                                               std::memory_order_relaxed);
    held_ += entry->octets;
    place->store(entry.release(), std::memory_order_release);
    return true;
}

std::atomic<PagePool::Entry*>* PagePool::free_place(Bucket& bucket) noexcept {
    const auto free =
        std::ranges::find_if(bucket.entries, [](const auto& one) { return one.load() == nullptr; });
    return free == bucket.entries.end() ? nullptr : &*free;
}

// Of a full bucket the first that was not asked for.
std::atomic<PagePool::Entry*>* PagePool::take_out_one(Bucket& bucket) {
    std::size_t turn = 0;
    while (bucket.entries[turn % Bucket::ways].load()->asked.exchange(false))
        ++turn;
    std::atomic<Entry*>& place = bucket.entries[turn % Bucket::ways];
    take_out(place);
    return &place;
}

void PagePool::take_out(std::atomic<Entry*>& place) {
    Entry* const entry = place.exchange(nullptr);
    gone_.push_back({entry, generation_.load()});
    held_ -= entry->octets;
    gone_octets_ += entry->octets;
}

// The hand goes on to the next that was not asked for since it came by.
bool PagePool::take_out_next() {
    const std::size_t places = buckets_.size() * Bucket::ways;
    for (std::size_t step = 0; step < 2 * places; ++step) {
        std::atomic<Entry*>& place = buckets_[hand_ / Bucket::ways].entries[hand_ % Bucket::ways];
        hand_ = (hand_ + 1) % places;
        Entry* const entry = place.load();
        if (entry == nullptr || entry->asked.exchange(false))
            continue;
        take_out(place);
        return true;
    }
    return false;
}

// Down to `most` octets held, and what has to go within its slack. False: it is still being read.
bool PagePool::make_room(std::size_t most, std::chrono::milliseconds patience,
                         std::unique_lock<std::mutex>& lock) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        while (held_ > most && take_out_next()) {
        }
        // Early, so that readers have mostly come by before it matters.
        if (gone_octets_ > slack_ / 4)
            begin_generation();
        free_gone();
        if (held_ <= most && gone_octets_ <= slack_)
            return true;
        if (std::chrono::steady_clock::now() >= until)
            return false;
        lock.unlock();
        std::this_thread::sleep_for(limits::pool_poll);
        lock.lock();
    }
}

// What was taken out before is found by nobody who has seen the new one.
void PagePool::begin_generation() {
    const std::uint64_t now = generation_.load();
    if (std::ranges::none_of(gone_, [&](const Gone& gone) { return gone.generation == now; }))
        return;
    generation_.store(now + 1);
    for (Reader* reader : readers_) {
        if (reader->wake_)
            reader->wake_();
    }
}

void PagePool::free_gone() {
    std::uint64_t seen = generation_.load();
    for (const Reader* reader : readers_)
        seen = std::min(seen, reader->seen_.load());
    std::erase_if(gone_, [&](const Gone& gone) {
        if (gone.generation >= seen)
            return false;
        gone_octets_ -= gone.entry->octets;
        delete gone.entry;
        return true;
    });
}

}  // namespace eightbells::cache
