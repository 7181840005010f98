#include "responder/http/buffers.h"

#include <bit>
#include <new>

#include "responder/http/limits.h"

namespace eightbells::http {

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    if (this != &other) {
        release();
        pool_ = std::exchange(other.pool_, nullptr);
        data_ = other.data_;
        capacity_ = other.capacity_;
    }
    return *this;
}

void Buffer::release() noexcept {
    if (BufferPool* pool = std::exchange(pool_, nullptr))
        pool->give_back(data_, capacity_);
}

BufferPool::~BufferPool() {
    for (Free* block : free_)
        while (block != nullptr) {
            Free* const next = block->next;
            ::operator delete(block);
            block = next;
        }
}

Buffer BufferPool::take(std::size_t octets) noexcept {
    const std::size_t capacity = octets <= smallest ? smallest : std::bit_ceil(octets);
    const auto row = static_cast<std::size_t>(std::countr_zero(capacity / smallest));
    if (row >= sizes || in_use_ + capacity > most_)
        return {};
    void* data = free_[row];
    if (data != nullptr) {
        free_[row] = free_[row]->next;
        kept_ -= capacity;
    } else {
        data = ::operator new(capacity, std::nothrow);
        if (data == nullptr)
            return {};
    }
    in_use_ += capacity;
    return {*this, static_cast<std::uint8_t*>(data), capacity};
}

void BufferPool::give_back(std::uint8_t* data, std::size_t capacity) noexcept {
    in_use_ -= capacity;
    if (kept_ + capacity > limits::http_buffer_kept_octets) {
        ::operator delete(data);
        return;
    }
    const auto row = static_cast<std::size_t>(std::countr_zero(capacity / smallest));
    free_[row] = ::new (data) Free{free_[row]};
    kept_ += capacity;
}

}  // namespace eightbells::http
