#include "cache/blob_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"

namespace eightbells::cache {

void BlobReader::reject(const std::string& name, const std::string& reason) {
    ++report_.rejected_by_kind[static_cast<std::size_t>(kind_of(name))];
    if (report_.rejected++ == 0)
        report_.first_rejection = fmt::format("{}: {}: {}", store_.name(), name, reason);
}

void BlobReader::begin_round() {
    report_.rejected = 0;
    report_.rejected_by_kind = {};
    report_.first_rejection.clear();
}

Result<std::vector<std::optional<Bytes>>> BlobReader::fetch(std::span<const std::string> names) {
    auto blobs = store_.fetch(names);
    if (blobs && blobs->size() != names.size())
        return fail(fmt::format("{}: {} blobs for {} names", store_.name(), blobs->size(), names.size()));
    if (blobs || !one_by_one_)
        return blobs;
    std::vector<std::optional<Bytes>> found;
    for (const std::string& name : names) {
        auto single = store_.fetch({&name, 1});
        // Rejected as missing by whoever asked.
        found.push_back(single && single->size() == 1 ? std::move(single->front()) : std::nullopt);
    }
    return found;
}

Status BlobReader::judge(const Wanted& wanted, std::size_t position, std::size_t max_octets,
                         std::optional<Bytes> blob, const Take& take) {
    if (!blob)
        return fail("is not there");
    if (blob->size() > max_octets)
        return fail(fmt::format("has {} octets, more than the limit of {}", blob->size(), max_octets));
    if (sha256_.of(*blob) != wanted.digest)
        return fail("does not have the digest that the head answers for");
    return take(position, std::move(*blob));
}

Status BlobReader::read(const std::vector<Wanted>& wanted, std::size_t max_octets, const Take& take,
                        const std::function<Status()>& batch_done) {
    const std::size_t batch =
        std::clamp<std::size_t>(limits::fetch_octets / max_octets, 1, limits::fetch_names);
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin < wanted.size(); begin += batch) {
        const std::size_t end = std::min(wanted.size(), begin + batch);
        names.clear();
        for (std::size_t i = begin; i < end; ++i)
            names.push_back(wanted[i].name);
        auto blobs = fetch(names);
        if (!blobs)
            return fail(blobs.error().message);
        for (std::size_t i = begin; i < end; ++i) {
            auto& blob = (*blobs)[i - begin];
            report_.fetched += blob ? 1 : 0;
            if (auto taken = judge(wanted[i], i, max_octets, std::move(blob), take); !taken)
                reject(wanted[i].name, taken.error().message);
            else
                ++accepted_;
        }
        if (batch_done) {
            if (auto done = batch_done(); !done)
                return done;
        }
    }
    return {};
}

Result<std::optional<Bytes>> BlobReader::read_one(const std::string& name, std::size_t max_octets) {
    auto blobs = fetch({&name, 1});
    if (!blobs)
        return fail(blobs.error().message);
    auto& blob = blobs->front();
    report_.fetched += blob ? 1 : 0;
    if (!blob) {
        reject(name, "is not there");
        return std::optional<Bytes>{};
    }
    if (blob->size() > max_octets) {
        reject(name, fmt::format("has {} octets, more than the limit of {}", blob->size(), max_octets));
        return std::optional<Bytes>{};
    }
    return std::move(blob);
}

}  // namespace eightbells::cache
