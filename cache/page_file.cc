#include "cache/page_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <thread>

#include "cache/limits.h"
#include "cache/page_file_state.h"

namespace eightbells::cache {

PageFile::PageFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
PageFile::~PageFile() = default;

Result<std::unique_ptr<PageFile>> PageFile::open(const std::filesystem::path& path, Access access) {
    std::error_code ignored;
    const bool there = std::filesystem::exists(path, ignored);
    if (!there && access == Access::read)
        return fail(fmt::format("page file {}: there is none yet", path.string()));

    auto state = std::make_unique<State>();
    state->path = path;
    const int flags =
        SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
        (access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(path.c_str(), &state->db, flags, nullptr) != SQLITE_OK)
        return state->failed("cannot open");
    if (auto hard = state->harden(); !hard)
        return fail(hard.error().message);

    const auto pages = state->number("PRAGMA page_count");
    if (!pages)
        return fail(pages.error().message);
    const auto size = there ? std::filesystem::file_size(path, ignored) : 0;
    // Nothing at all in it: new, or a crash before the first commit. What held octets once is never made
    // anew.
    if (access == Access::write && *pages == 0 && size == 0) {
        if (auto made = state->create(); !made)
            return fail(made.error().message);
    }
    if (auto ours = state->check_ours(); !ours)
        return fail(ours.error().message);
    if (access == Access::write) {
        // The -wal and -shm files stay when the last writer leaves, so that a reader without the right to
        // write in the folder can open the file then, too.
        int keep = 1;
        sqlite3_file_control(state->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        if (auto set = state->use_wal(); !set)
            return fail(set.error().message);
    }
    if (auto prepared = state->prepare(); !prepared)
        return fail(prepared.error().message);
    const auto seen = state->look();
    if (!seen)
        return fail(seen.error().message);
    state->seen = *seen;
    return std::unique_ptr<PageFile>(new PageFile(std::move(state)));
}

Result<std::vector<std::string>> PageFile::names(std::string_view prefix, std::size_t at_most) {
    std::string beyond{prefix};
    if (!beyond.empty())
        ++beyond.back();  // our names are ASCII
    sqlite3_stmt* statement = state_->statements[select_names];
    const Use use{statement};
    bind_text(statement, 1, prefix);
    bind_text(statement, 2, beyond);
    sqlite3_bind_int64(statement, 3, static_cast<std::int64_t>(at_most));
    std::vector<std::string> found;
    int result = sqlite3_step(statement);
    for (; result == SQLITE_ROW; result = sqlite3_step(statement)) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
        if (text == nullptr)
            return state_->failed("reading names");
        found.emplace_back(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    }
    if (result != SQLITE_DONE)
        return state_->failed("reading names");
    return found;
}

Result<std::vector<std::optional<Bytes>>> PageFile::fetch(std::span<const std::string> names) {
    if (names.size() > limits::fetch_names) {
        return fail(fmt::format("{}: {} names in one fetch, more than the limit of {}", name(), names.size(),
                                limits::fetch_names));
    }
    std::vector<std::optional<Bytes>> blobs;
    blobs.reserve(names.size());
    // All as of one moment.
    if (auto begun = state_->viewed ? Status{} : state_->run("BEGIN", "reading"); !begun)
        return fail(begun.error().message);
    Status status;
    for (const std::string& wanted : names) {
        auto blob = state_->blob(wanted);
        if (!blob) {
            status = fail(fmt::format("{} (at {})", blob.error().message, wanted));
            break;
        }
        blobs.push_back(std::move(*blob));
    }
    // Ends the reading; there is nothing to undo, and after some failures SQLite has ended it already.
    if (!state_->viewed)
        sqlite3_exec(state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    if (!status)
        return fail(status.error().message);
    return blobs;
}

Status PageFile::publish(const Batch& batch) {
    auto change = begin(!batch.head.empty());
    if (!change)
        return fail(change.error().message);
    for (const auto& [blob_name, bytes] : batch.put) {
        if (auto put = change->put(blob_name, bytes); !put)
            return put;
    }
    if (!batch.head.empty()) {
        if (auto put = change->put(head_name(batch.issuer), batch.head); !put)
            return put;
    }
    for (const std::string& blob_name : batch.erase) {
        if (auto erased = change->erase(blob_name); !erased)
            return erased;
    }
    return change->commit();
}

Result<bool> PageFile::wait_notice(std::chrono::milliseconds limit) {
    const auto until =
        std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(limit, limits::notice_wait);
    for (;;) {
        const auto version = state_->look();
        if (!version)
            return fail(version.error().message);
        if (*version != state_->seen) {
            state_->seen = *version;
            return true;
        }
        const auto left = until - std::chrono::steady_clock::now();
        if (left <= std::chrono::steady_clock::duration::zero())
            return false;
        std::this_thread::sleep_for(
            std::min<std::chrono::steady_clock::duration>(left, limits::page_file_poll));
    }
}

std::string PageFile::name() const {
    return "page file " + state_->path.string();
}

Result<Version> PageFile::floor(std::string_view issuer) {
    return state_->floor(issuer);
}

Status PageFile::raise_floor(std::string_view issuer, Version version) {
    auto change = begin(true);
    if (!change)
        return fail(change.error().message);
    if (auto raised = change->raise_floor(issuer, version); !raised)
        return raised;
    return change->commit();
}

Result<PageFile::View> PageFile::view() {
    if (auto begun = state_->run("BEGIN", "reading"); !begun)
        return fail(begun.error().message);
    state_->viewed = true;
    return View{*this};
}

PageFile::View::~View() {
    if (file_ == nullptr)
        return;
    sqlite3_exec(file_->state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    file_->state_->viewed = false;
}

Result<PageFile::Change> PageFile::begin(bool durable) {
    // In WAL mode NORMAL never damages the file: a crash takes back whole transactions, and a later FULL one
    // makes the earlier ones durable as well.
    const char* sql = durable ? "PRAGMA synchronous = FULL; BEGIN IMMEDIATE;"
                              : "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE;";
    if (auto begun = state_->run(sql, "writing"); !begun)
        return fail(begun.error().message);
    return Change{*this};
}

Status PageFile::Change::put(std::string_view name, ByteView bytes) {
    return file_->state_->put(name, bytes);
}
Status PageFile::Change::erase(std::string_view name) {
    return file_->state_->erase(name);
}
Status PageFile::Change::raise_floor(std::string_view issuer, Version version) {
    return file_->state_->raise_floor(issuer, version);
}
Status PageFile::Change::commit() {
    PageFile* file = std::exchange(file_, nullptr);
    auto committed = file->state_->run("COMMIT", "writing");
    if (!committed)
        sqlite3_exec(file->state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
    return committed;
}
PageFile::Change::~Change() {
    if (file_ != nullptr)
        sqlite3_exec(file_->state_->db, "ROLLBACK", nullptr, nullptr, nullptr);
}

Status PageFile::check_integrity() {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(state_->db, "PRAGMA integrity_check(1)", -1, &statement, nullptr) != SQLITE_OK)
        return state_->failed("checking");
    std::string finding = "no finding";
    if (sqlite3_step(statement) == SQLITE_ROW) {
        if (const unsigned char* text = sqlite3_column_text(statement, 0))
            finding = reinterpret_cast<const char*>(text);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK)
        return state_->failed("checking");
    if (finding != "ok")
        return fail(fmt::format("page file {}: it is damaged: {}", state_->path.string(), finding));
    return {};
}

}  // namespace eightbells::cache
