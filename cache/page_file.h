#ifndef EIGHTBELLS_CACHE_PAGE_FILE_H
#define EIGHTBELLS_CACHE_PAGE_FILE_H

#include <filesystem>
#include <memory>

#include "cache/store.h"

namespace eightbells::cache {

// In the folder of whoever keeps it: the signer, a front, or the shared folder that is the store.
inline constexpr std::string_view page_file_name = "pages.db";

// The published bytes on local disk: an SQLite database (WAL) of name and bytes, so that a batch is applied
// whole or not at all, also across a crash, and several processes may read while one writes. The signer keeps
// everything it published in one; every front keeps a complete one of its own; in a shared folder it is the
// store of `eightbells run`. Several issuers share a file. One object a thread; objects on the same file know
// of each other only through the file.
class PageFile final : public Store {
  public:
    enum class Access { read, write };
    // write: creates the file where there is none; a file that is damaged or not ours is an error, never
    // overwritten. read: no file yet is an error as well; needs no right to write, and works while another
    // process writes and when none does any more.
    static Result<std::unique_ptr<PageFile>> open(const std::filesystem::path& path, Access access);
    ~PageFile() override;

    Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) override;
    // One transaction. Durable (fsync) on return when it holds a head; without one a crash may lose it whole.
    Status publish(const Batch& batch) override;
    // Sees what other objects and processes published, not what this one did. Looks every
    // limits::page_file_poll.
    Result<bool> wait_notice(std::chrono::milliseconds limit) override;
    std::string name() const override;

    // While it lives, what this object fetches is the file as it was at its first fetch, however much others
    // publish meanwhile: their log grows by that. No other call of the file; it must not outlive the file.
    class View {
      public:
        ~View();
        View(View&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
        View& operator=(View&&) = delete;

      private:
        friend class PageFile;
        explicit View(PageFile& file) noexcept : file_(&file) {}
        PageFile* file_;
    };
    Result<View> view();

    // The names that begin with `prefix`, in their order, at most `at_most`.
    Result<std::vector<std::string>> names(std::string_view prefix, std::size_t at_most);

    // The highest version ever accepted for an issuer; it is kept apart from the head and never goes down.
    // {0, 0} where there is none.
    Result<Version> floor(std::string_view issuer);
    Status raise_floor(std::string_view issuer, Version version);

    // Several changes as one transaction, written as they come: little memory whatever their size, and nobody
    // sees one of them before the commit. Undone on destruction unless committed. One at a time, and no other
    // call of the file meanwhile; it must not outlive the file.
    class Change {
      public:
        Status put(std::string_view name, ByteView bytes);
        Status erase(std::string_view name);
        Status raise_floor(std::string_view issuer, Version version);
        Status commit();

        ~Change();
        Change(Change&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
        Change& operator=(Change&&) = delete;

      private:
        friend class PageFile;
        explicit Change(PageFile& file) noexcept : file_(&file) {}
        PageFile* file_;
    };
    Result<Change> begin(bool durable);

    // Reads everything once and compares it with SQLite's own structure checks: "ok" or what is wrong.
    Status check_integrity();

  private:
    struct State;
    explicit PageFile(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace eightbells::cache

#endif
