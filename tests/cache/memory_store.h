#ifndef EIGHTBELLS_TESTS_CACHE_MEMORY_STORE_H
#define EIGHTBELLS_TESTS_CACHE_MEMORY_STORE_H

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cache/store.h"

namespace eightbells::cache {

// A store in memory that can be made to lie and to fail.
class MemoryStore final : public Store {
  public:
    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override {
        ++fetches;
        if (offline || (fail_after && fetches > *fail_after))
            return fail("memory store: out of reach");
        std::vector<std::optional<Bytes>> found;
        for (const std::string& wanted : names) {
            ++names_fetched;
            const auto there = blobs.find(wanted);
            std::optional<Bytes> blob = there == blobs.end() ? std::nullopt : std::optional{there->second};
            found.push_back(lie ? lie(wanted, std::move(blob)) : std::move(blob));
            if (after_each)
                after_each(wanted);
        }
        return found;
    }
    Status publish(const Batch& batch) override {
        if (offline)
            return fail("memory store: out of reach");
        for (const auto& [blob_name, bytes] : batch.put)
            blobs[blob_name] = bytes;
        if (!batch.head.empty())
            blobs[head_name(batch.issuer)] = batch.head;
        for (const std::string& erased : batch.erase)
            blobs.erase(erased);
        return {};
    }
    Result<bool> wait_notice(std::chrono::milliseconds) override { return false; }
    std::string name() const override { return "memory store"; }

    std::map<std::string, Bytes> blobs;
    bool offline = false;
    std::optional<std::uint64_t> fail_after;  // fetches
    std::function<std::optional<Bytes>(const std::string&, std::optional<Bytes>)> lie;
    std::function<void(const std::string&)> after_each;
    std::uint64_t fetches = 0;
    std::uint64_t names_fetched = 0;
};

}  // namespace eightbells::cache

#endif
