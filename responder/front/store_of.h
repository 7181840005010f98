#ifndef EIGHTBELLS_RESPONDER_FRONT_STORE_OF_H
#define EIGHTBELLS_RESPONDER_FRONT_STORE_OF_H

#include <filesystem>
#include <memory>
#include <string>

#include "cache/page_file.h"
#include "cache/store.h"
#include "responder/config/config.h"

namespace eightbells::front {

// The store that a configuration names, as a front uses it: nothing is opened yet, and while it is away every
// call is an error at once. Never null.
std::unique_ptr<cache::Store> store_of(const config::Store& settings);

// A page file in a shared folder that may not be there yet, may go away and may be replaced by another file
// of the same name (a restored backup): opened again whenever that happened, before the next call. Read only.
class SharedPageFile final : public cache::Store {
  public:
    explicit SharedPageFile(std::filesystem::path path) : path_(std::move(path)) {}

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override;
    Status publish(const cache::Batch& batch) override;  // always an error: a front writes nothing there
    Result<bool> wait_notice(std::chrono::milliseconds limit) override;
    std::string name() const override;

  private:
    Status follow();

    std::filesystem::path path_;
    std::unique_ptr<cache::PageFile> file_;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
};

}  // namespace eightbells::front

#endif
