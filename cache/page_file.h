#ifndef EIGHTBELLS_CACHE_PAGE_FILE_H
#define EIGHTBELLS_CACHE_PAGE_FILE_H

#include <filesystem>
#include <memory>

#include "cache/store.h"

namespace eightbells::cache {

// The published bytes on local disk: an SQLite database (WAL) of name and bytes, so that a batch is applied
// whole or not at all, also across a crash, and several processes may read while one writes. The signer keeps
// everything it published in one; every front keeps a complete one of its own; in a shared folder it is the
// store of `eightbells run`.
class PageFile final : public Store {
  public:
    enum class Access { read, write };
    // write: creates the file where there is none; a file that is damaged or not ours is an error, never
    // overwritten. read: no file yet is an error as well.
    static Result<std::unique_ptr<PageFile>> open(const std::filesystem::path& path, Access access);
    ~PageFile() override;

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override;
    Status publish(const Batch& batch) override;  // one transaction, durable (fsync) when it holds a head
    Result<bool> wait_notice(std::chrono::milliseconds limit) override;
    std::string name() const override;

    // The highest version ever accepted for an issuer; it is kept apart from the head and never goes down.
    Result<Version> floor(std::string_view issuer);
    Status raise_floor(std::string_view issuer, Version version);

    // Reads everything once and compares it with SQLite's own structure checks: "ok" or what is wrong.
    Status check_integrity();

  private:
    struct State;
    explicit PageFile(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
