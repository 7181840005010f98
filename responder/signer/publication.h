#ifndef EIGHTBELLS_RESPONDER_SIGNER_PUBLICATION_H
#define EIGHTBELLS_RESPONDER_SIGNER_PUBLICATION_H

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cache/fold.h"
#include "cache/head.h"
#include "cache/page_file.h"
#include "cache/patch.h"
#include "cache/tree.h"
#include "responder/keys/signing_key.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/identity.h"
#include "responder/signer/press.h"

namespace eightbells::signer {

// What is published for one issuer, and how it changes: pages, patches and CRLs under one signed head, first
// in the signer's page file (durable, one transaction a publication), then handed on. Holds digests and ages,
// not the pages. One thread uses it.
//
// Crash rules: a publication that did not reach the page file did not happen, its changes are still
// unpublished in the ledger and are signed again; one that did is handed on again by comparing heads. Nothing
// is marked published before the page file has it.
class Publication {
  public:
    // After the page file has it: the batch, or null where one batch does not say all that changed and the
    // store must be compared.
    using HandOn = std::function<void(const cache::Batch*)>;

    Publication(std::shared_ptr<const Identity> identity, cache::PageFile& pages,
                const keys::StoreKey& store_key, HandOn hand_on);

    // Takes up what the page file holds. `revoked` is called for every stored revocation, so that a ledger
    // restored from an old copy can take back what it has forgotten (C-08). A head that is not ours or does
    // not verify is treated as nothing stored; `remark` says so.
    using OnRevoked = std::function<Status(const Serial&, const Revocation&)>;
    struct Loaded {
        bool head = false;
        std::uint64_t pages = 0;
        std::uint64_t damaged_pages = 0;  // missing or wrong: they fall due at once
        std::string remark;
    };
    Result<Loaded> load(const OnRevoked& revoked);

    // From now on heads carry this epoch; it must be above everything published before.
    void begin_epoch(std::uint64_t epoch) noexcept;
    void use_identity(std::shared_ptr<const Identity>
                          identity);  // a roll-over: pages keep their profile until they fall due
    const std::shared_ptr<const Identity>& identity() const noexcept { return identity_; }

    bool complete() const noexcept {
        return complete_;
    }  // every page was signed at least once under every hash
    cache::Version version() const noexcept { return version_; }
    std::uint64_t next_sequence() const noexcept { return version_.sequence + 1; }
    unsigned page_bits() const noexcept { return page_bits_; }

    // Starts from nothing with this many bits. Heads are published again once every page is signed.
    void begin_anew(unsigned page_bits);
    // What is published no longer fits: complete() is false until begin_anew() and every page is signed; the
    // old head is served meanwhile.
    void give_up() noexcept { complete_ = false; }
    // Pages that are due, never signed ones first, then the longest overdue; at most `at_most`.
    std::vector<std::uint32_t> due(UtcTime now, seconds period, std::size_t at_most) const;
    std::uint64_t count_due(UtcTime now, seconds period) const;
    void make_due(std::uint64_t serial_hash);  // e.g. for many new certificates on one page
    std::vector<std::uint32_t> forced(std::size_t at_most) const;  // pages that were never signed or made due
    bool stale() const noexcept { return stale_; }  // a publication failed half way: load() before the next
    // Over signed, non-empty pages; year_9999 when there are none.
    UtcTime earliest_next_update() const noexcept;
    // The least time that an answer stays valid beyond its next planned refresh (beyond now when that is
    // overdue): the promise is four hours. nullopt: no answers.
    std::optional<seconds> shortest_runway(UtcTime now, seconds period) const noexcept;
    UtcTime oldest_signed_at() const noexcept;  // over signed, non-empty pages; year_9999 when there are none

    Status publish_pages(std::vector<Press::SignedPage> pages, std::uint64_t sequence,
                         const AnswerTimes& times);
    // `serial_hashes`: of the certificates in it.
    Status publish_patch(Bytes patch, std::vector<std::uint64_t> serial_hashes, std::uint64_t sequence,
                         UtcTime now);
    // Many small patches become one, nothing signed again, once there are limits::patches_before_merge of
    // them.
    Status merge_patches(UtcTime now);
    std::size_t patches() const noexcept { return patches_.size(); }
    // Doubles the pages, nothing signed again.
    Status split(UtcTime now);

    Status publish_crl(const std::string& path, ByteView der, UtcTime now);
    std::optional<Bytes> served_crl(const std::string& path);  // as stored, or nothing

  private:
    struct Facts {
        std::int64_t signed_at = 0;  // 0: never, or due at once
        std::int64_t next_update = 0;
        std::uint64_t sequence = 0;
        std::uint16_t profiles = 0;  // bit set of positions in profiles_
        bool empty = false;
    };
    struct Set {
        cache::SetId id;
        cache::Tree tree;
    };
    struct LaidPatch {
        std::uint64_t sequence = 0;
        cache::Digest digest{};
        std::vector<std::uint64_t> serial_hashes;  // sorted
        std::uint16_t profiles = 0;
        std::size_t octets = 0;
    };

    Result<bool> load_set(const cache::Head::Set& stored, bool wanted, const OnRevoked& revoked,
                          Loaded& report);
    Status load_pages(Set& set, bool wanted, const OnRevoked& revoked, Loaded& report);
    Result<bool> load_patches(const cache::Head& head, const OnRevoked& revoked);
    bool is_signed_now(cache::SetId id) const noexcept;
    bool prepare_facts(const cache::Head& head);
    void note_age(Facts& facts, const cache::PageHeader& header);
    void reset();
    std::uint16_t profile_bit(const cache::Digest& digest);
    std::vector<std::size_t> patches_to_join() const;
    std::vector<cache::LaidRecord> records_to_join(std::span<const cache::Patch> opened,
                                                   std::vector<std::uint64_t>& serial_hashes);
    void prune_patches(cache::Batch& batch);
    void prune_profiles(cache::Batch& batch);
    enum class Says { all, part };  // whether the batch holds everything since the last head
    Status commit(cache::Batch batch, std::uint64_t sequence, UtcTime now, Says says = Says::all);
    Status refuse_while_stale() const;
    Facts& facts_of(std::uint64_t serial_hash) { return facts_[cache::page_index(serial_hash, page_bits_)]; }

    std::shared_ptr<const Identity> identity_;
    cache::PageFile& pages_;
    const keys::StoreKey& store_key_;
    HandOn hand_on_;
    std::string issuer_;

    cache::Version version_;
    unsigned page_bits_ = 0;
    bool complete_ = false;
    bool stale_ = false;        // a publication failed half way: what is held must be loaded again first
    std::vector<Facts> facts_;  // [page], the same for every set: their pages are always signed together
    std::vector<Set> sets_;
    std::vector<LaidPatch> patches_;
    std::vector<cache::Digest> profiles_;
    std::vector<cache::Head::CrlRef> crls_;
};

}  // namespace eightbells::signer

#endif
