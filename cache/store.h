#ifndef EIGHTBELLS_CACHE_STORE_H
#define EIGHTBELLS_CACHE_STORE_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cache/head.h"
#include "cache/tree.h"
#include "responder/base/bytes.h"

namespace eightbells::cache {

// Names of what is stored for an issuer, the same in every store ("eightbells:" stands before them in Redis).
std::string head_name(std::string_view issuer);
std::string page_name(std::string_view issuer, SetId set, unsigned page_bits, std::uint32_t index);
std::string table_name(std::string_view issuer, SetId set, unsigned page_bits, TableId table);
std::string patch_name(std::string_view issuer, std::uint64_t sequence);
std::string profile_name(std::string_view issuer, const Digest& digest);
std::string crl_piece_name(std::string_view issuer, const Digest& digest,
                           std::uint32_t piece);         // limits::crl_piece_octets each
std::string crl_pieces_prefix(std::string_view issuer);  // with which the names of them all begin

// What a name stands for; a name of none of these forms counts as a page.
enum class BlobKind : std::uint8_t { head, table, page, patch, profile, crl };
inline constexpr std::size_t blob_kinds = 6;
BlobKind kind_of(std::string_view name) noexcept;

// One publication. Stores apply it so that a reader never sees the new head before everything it covers.
struct Batch {
    std::string issuer;
    std::vector<std::pair<std::string, Bytes>> put;
    std::vector<std::string> erase;
    Bytes head;
};

// What the operator of a store must know of how it is set up.
struct StoreFinding {
    enum class Kind : std::uint8_t {
        evicts,       // what it holds can vanish silently (C-05)
        nearly_full,  // soon nothing new can be published
        not_told,     // it does not say whether it is one of these
    };
    Kind kind;
    std::string text;  // which server, where there are several, and what to do; the same while it is so
    friend bool operator==(const StoreFinding&, const StoreFinding&) = default;
};
inline constexpr std::size_t store_finding_kinds = 3;

// A place where published bytes lie. It can delay and lose, and nothing it returns is believed. Blocking,
// each call within a bounded time; one object a thread.
class Store {
  public:
    virtual ~Store() = default;

    // The bytes under each name, in the order asked; nullopt where there are none. At most
    // limits::fetch_names names a call.
    virtual Result<std::vector<std::optional<Bytes>>> fetch(std::span<const std::string> names) = 0;

    // Puts everything, then the head, then gives notice, then erases. Atomic where the store can (the page
    // file can). May be called with an empty head to add parts of a large publication beforehand.
    virtual Status publish(const Batch& batch) = 0;

    // Waits for a notice that something was published since this object last looked. Only a hint: false at
    // the time limit, and errors, mean "look at the head yourself".
    virtual Result<bool> wait_notice(std::chrono::milliseconds limit) = 0;

    // What is to be said of how it is set up now.
    virtual Result<std::vector<StoreFinding>> check_settings() { return std::vector<StoreFinding>{}; }

    // Rises whenever a part of it may have lost what was confirmed while the head, in another part, stayed:
    // only reading everything back shows that.
    virtual std::uint64_t may_have_lost() const { return 0; }

    // For messages: "redis 127.0.0.1:6379", "page file /var/lib/…".
    virtual std::string name() const = 0;
};

}  // namespace eightbells::cache

#endif
