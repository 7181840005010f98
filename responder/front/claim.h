#ifndef EIGHTBELLS_RESPONDER_FRONT_CLAIM_H
#define EIGHTBELLS_RESPONDER_FRONT_CLAIM_H

#include <filesystem>
#include <optional>

#include "responder/base/durable_file.h"

namespace eightbells::front {

// The right to keep a front's data folder, and with it to answer: one process at a time has it. Whoever
// replaces a running front loads everything, waits for the claim, and answers from the moment on in which the
// other gave it up. One thread at a time.
class Claim {
  public:
    explicit Claim(const std::filesystem::path& folder) : file_(folder / "lock") {}

    // False: another front has it. A folder in which nothing can be locked (the disk is full, its rights are
    // wrong) is nobody else's either: a front serves whatever is wrong with its disk.
    bool take() {
        if (held_)
            return true;
        auto lock = FileLock::try_acquire(file_);
        if (lock && !*lock)
            return false;
        held_ = true;
        if (lock)
            lock_ = *std::move(lock);
        return true;
    }
    void give_up() noexcept {
        lock_.reset();
        held_ = false;
    }

  private:
    std::filesystem::path file_;
    std::optional<FileLock> lock_;
    bool held_ = false;
};

}  // namespace eightbells::front

#endif
