#include "responder/signer/folders.h"

#include <fmt/format.h>

#include <filesystem>

#include "responder/signer/signer.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

Result<FileLock> take_folders(const config::Config& config) {
    for (const fs::path& folder : {config.signer.data, page_file_path(config).parent_path()}) {
        std::error_code error;
        fs::create_directories(folder, error);
        if (error)
            return fail(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
    }
    std::error_code error;
    fs::permissions(config.signer.data, fs::perms::owner_all, fs::perm_options::replace, error);
    if (error)
        return fail(fmt::format("{}: cannot make this folder private: {}", config.signer.data.string(),
                                error.message()));
    auto locked = FileLock::acquire(config.signer.data / "lock");
    if (!locked)
        return fail("another signer runs on this data folder", locked.error());
    return std::move(*locked);
}

}  // namespace eightbells::signer
