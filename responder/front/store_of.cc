#include "responder/front/store_of.h"

#include <sys/stat.h>

#include <utility>

#include "cache/redis_store.h"

namespace eightbells::front {

std::unique_ptr<cache::Store> store_of(const config::Store& settings) {
    if (settings.kind == config::StoreKind::redis)
        return std::make_unique<cache::RedisStore>(settings.redis);
    return std::make_unique<SharedPageFile>(settings.directory / cache::page_file_name);
}

Status SharedPageFile::follow() {
    struct stat facts {};
    if (::stat(path_.c_str(), &facts) != 0) {
        file_.reset();
        return fail("page file " + path_.string() + ": there is none yet");
    }
    const auto device = static_cast<std::uint64_t>(facts.st_dev);
    const auto inode = static_cast<std::uint64_t>(facts.st_ino);
    if (file_ != nullptr && device == device_ && inode == inode_)
        return {};
    file_.reset();
    auto opened = cache::PageFile::open(path_, cache::PageFile::Access::read);
    if (!opened)
        return tl::unexpected(opened.error());
    file_ = *std::move(opened);
    device_ = device;
    inode_ = inode;
    return {};
}

Result<std::vector<std::optional<Bytes>>> SharedPageFile::fetch(std::span<const std::string> names) {
    if (const Status followed = follow(); !followed)
        return tl::unexpected(followed.error());
    auto blobs = file_->fetch(names);
    if (!blobs)
        file_.reset();
    return blobs;
}

Status SharedPageFile::publish(const cache::Batch&) {
    return fail(name() + ": is read only here");
}

Result<bool> SharedPageFile::wait_notice(std::chrono::milliseconds limit) {
    if (const Status followed = follow(); !followed)
        return tl::unexpected(followed.error());
    auto notice = file_->wait_notice(limit);
    if (!notice)
        file_.reset();
    return notice;
}

std::string SharedPageFile::name() const {
    return "page file " + path_.string();
}

}  // namespace eightbells::front
