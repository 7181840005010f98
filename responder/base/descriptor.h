#ifndef EIGHTBELLS_RESPONDER_BASE_DESCRIPTOR_H
#define EIGHTBELLS_RESPONDER_BASE_DESCRIPTOR_H

#include <unistd.h>

#include <utility>

namespace eightbells {

// A file descriptor that closes itself; a negative one is none.
class Descriptor {
  public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }

    int get() const noexcept { return fd_; }
    bool open() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }  // to a new owner

  private:
    int fd_;
};

}  // namespace eightbells

#endif
