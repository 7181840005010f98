#ifndef EIGHTBELLS_RESPONDER_HTTP_BUFFERS_H
#define EIGHTBELLS_RESPONDER_HTTP_BUFFERS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "responder/http/limits.h"

namespace eightbells::http {

class BufferPool;

// A block of a pool's memory, given back when it is destroyed. Empty when default-made.
class Buffer {
  public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), data_(other.data_), capacity_(other.capacity_) {}
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer() { release(); }

    explicit operator bool() const noexcept { return pool_ != nullptr; }
    std::uint8_t* data() const noexcept { return data_; }
    std::size_t capacity() const noexcept { return pool_ == nullptr ? 0 : capacity_; }
    void release() noexcept;

  private:
    friend class BufferPool;
    Buffer(BufferPool& pool, std::uint8_t* data, std::size_t capacity) noexcept
        : pool_(&pool), data_(data), capacity_(capacity) {}
    BufferPool* pool_ = nullptr;
    std::uint8_t* data_ = nullptr;
    std::size_t capacity_ = 0;
};

// One worker's memory for what did not pass in one piece: blocks of 2 KiB, 4 KiB, ... up to 16 MiB, those
// given back kept for the next (up to a bound), all of them together bounded. Must outlive its buffers. Not
// for several threads.
class BufferPool {
  public:
    explicit BufferPool(std::size_t most = limits::http_buffer_octets) noexcept : most_(most) {}
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool();

    // At least `octets`; empty when the bound is reached or memory is out.
    Buffer take(std::size_t octets) noexcept;
    std::size_t octets_in_use() const noexcept { return in_use_; }

  private:
    friend class Buffer;
    struct Free {
        Free* next;
    };
    static constexpr std::size_t smallest = 2048;
    static constexpr std::size_t sizes = 14;
    void give_back(std::uint8_t* data, std::size_t capacity) noexcept;

    std::array<Free*, sizes> free_{};
    std::size_t most_;
    std::size_t in_use_ = 0;
    std::size_t kept_ = 0;
};

}  // namespace eightbells::http

#endif
