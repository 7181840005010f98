#ifndef EIGHTBELLS_CACHE_PAGE_POOL_H
#define EIGHTBELLS_CACHE_PAGE_POOL_H

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cache/page.h"

namespace eightbells::cache {

struct HeldPage;  // cache/held.h

// The pages that are in memory where not all may be: verified, by digest, in a bounded number of octets.
// Which ones, requests decide: whoever was asked for since the clock's hand last came by stays.
//
// Look-ups take no lock and do not count references. So a page that has to go is first taken out of the
// table, and freed when every Reader has said that it holds nothing from before. `find` and `fetch_ahead` are
// for threads with a Reader, everything else for any thread.
class PagePool {
  public:
    // Octets: of the pages, their objects, the table, and what has to go but may still be read.
    explicit PagePool(std::size_t octets);
    ~PagePool();  // after its readers
    PagePool(const PagePool&) = delete;
    PagePool& operator=(const PagePool&) = delete;

    // A thread that looks pages up. What it has found stays until its next quiet().
    class Reader {
      public:
        // `wake`: from any thread; must bring about a quiet() soon. May be empty where quiet() is called
        // often in any case.
        Reader(PagePool& pool, std::function<void()> wake);
        ~Reader();
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;
        void quiet() noexcept { seen_.store(pool_.generation_.load()); }

      private:
        friend class PagePool;
        PagePool& pool_;
        std::function<void()> wake_;
        std::atomic<std::uint64_t> seen_;
    };

    // Null: not in memory.
    const HeldPage* find(const Digest& digest) const noexcept;
    void fetch_ahead(const Digest& digest) const noexcept;

    enum class Room : std::uint8_t {
        spare,    // only where nothing has to go for it
        at_once,  // others go; not where that means to wait for readers
        make,     // others go; waits for readers, at most limits::pool_patience
    };
    // Whether the page is in memory now.
    bool put(const Digest& digest, HeldPage page, Room room);
    bool has(const Digest& digest) const noexcept;
    std::size_t octets() const noexcept;  // of the pages, those that have to go included
    std::size_t limit() const noexcept { return limit_; }

  private:
    struct Entry;
    // On one cache line, so that a look-up waits once for it and once for the page.
    struct alignas(64) Bucket {
        static constexpr std::size_t ways = 4;
        std::array<std::atomic<std::uint32_t>, ways> tags{};
        std::array<std::atomic<Entry*>, ways> entries{};
    };
    struct Gone {
        Entry* entry;
        std::uint64_t generation;
    };

    Bucket& bucket_of(const Digest& digest) const noexcept;
    Entry* look(const Digest& digest) const noexcept;
    void take_out(std::atomic<Entry*>& place);
    bool take_out_next();
    bool make_room(std::size_t most, std::chrono::milliseconds patience, std::unique_lock<std::mutex>& lock);
    void begin_generation();
    void free_gone();
    static std::atomic<Entry*>* free_place(Bucket& bucket) noexcept;
    std::atomic<Entry*>* take_out_one(Bucket& bucket);

    const std::size_t limit_;
    const std::size_t slack_;  // for what has to go but may still be read
    mutable std::vector<Bucket> buckets_;
    std::atomic<std::uint64_t> generation_{1};
    mutable std::mutex mutex_;  // of what follows
    std::vector<Reader*> readers_;
    std::vector<Gone> gone_;
    std::size_t held_ = 0;
    std::size_t gone_octets_ = 0;
    std::size_t hand_ = 0;
};

}  // namespace eightbells::cache

#endif
