#ifndef EIGHTBELLS_RESPONDER_SIGNER_PUBLICATION_H
#define EIGHTBELLS_RESPONDER_SIGNER_PUBLICATION_H

#include <algorithm>
#include <cstdint>
#include <filesystem>
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
#include "responder/base/mapped_file.h"
#include "responder/keys/signing_key.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/identity.h"
#include "responder/signer/press.h"
#include "responder/signer/take_back.h"

namespace eightbells::signer {

// What is published for one issuer, and how it changes: pages, patches and CRLs under one signed head, first
// in the signer's page file (durable, one transaction a publication), then handed on. Holds digests and ages,
// not the pages. One thread uses it.
//
// Where everything must be signed anew (the first time; another CertID hash; far more certificates; damage in
// the page file), the new pages are laid beside the published ones, under names that the head does not know,
// and take their place under one new head when all of them are signed. Until then the old head is renewed as
// ever: patches, due pages and CRLs go out under it.
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

    // Takes up what the page file holds. `witness` sees everything that verifies, so that a ledger restored
    // from an old copy can take back what it has forgotten (C-08). A head that is not ours or does not verify
    // is treated as nothing stored; `remark` says so.
    struct Loaded {
        bool head = false;
        std::uint64_t pages = 0;
        std::uint64_t damaged_pages = 0;  // missing or wrong: they fall due at once
        std::string remark;
        std::vector<std::string> left_out;  // paths of CRLs that are not configured any more
    };
    Result<Loaded> load(Witness& witness);

    // From now on heads carry this epoch; it must be above everything published before.
    void begin_epoch(std::uint64_t epoch) noexcept;
    // The next sequence is above this one.
    void begin_sequence(std::uint64_t sequence) noexcept {
        version_.sequence = std::max(version_.sequence, sequence);
    }
    void use_identity(std::shared_ptr<const Identity>
                          identity);  // a roll-over: pages keep their profile until they fall due
    const std::shared_ptr<const Identity>& identity() const noexcept { return identity_; }

    // A head of ours stands in the page file: patches and CRLs can go out.
    bool published() const noexcept { return published_; }
    // And all that we sign now stands under it; otherwise everything is to be signed anew.
    bool complete() const noexcept { return published_ && !anew_; }
    cache::Version version() const noexcept { return version_; }
    cache::Version stored() const noexcept { return stored_; }  // of the head in the page file
    std::uint64_t next_sequence() const noexcept { return version_.sequence + 1; }
    unsigned page_bits() const noexcept { return shape_.page_bits; }

    // Signing anew. Pages get about this many bits: one more where the published ones have as many.
    Status begin_anew(unsigned page_bits);
    bool coming() const noexcept { return coming_.has_value(); }
    unsigned coming_bits() const noexcept { return coming_ ? coming_->page_bits : 0; }
    // Coming pages that are not signed yet.
    std::vector<std::uint32_t> missing(std::size_t at_most) const;
    // The last of them brings the new head.
    Status publish_coming(std::vector<Press::SignedPage> pages, std::uint64_t sequence,
                          const AnswerTimes& times);
    // Published pages that are due, at most `at_most`; first those that cannot wait, then the longest
    // overdue, of these at most `paced`. What cannot wait: pages that are damaged or were made due; whose
    // answers end early (with a CRL, say) where `times`, which signing now would give them, last much longer;
    // and those overdue for so long that half of what their answers outlast a planned refresh by is gone.
    std::vector<std::uint32_t> due(const AnswerTimes& times, std::size_t at_most, std::size_t paced) const;
    std::uint64_t count_due(UtcTime now, seconds period) const;
    void make_due(std::uint64_t serial_hash);  // e.g. for many new certificates on one page
    void make_all_due();
    void give_up() noexcept { anew_ = true; }  // what is published no longer fits: begin_anew() is next
    // Published pages that are damaged or were made due.
    std::vector<std::uint32_t> forced(std::size_t at_most) const;
    // A publication failed half way, or the page file has lost what is held: load() before the next.
    bool stale() const noexcept { return stale_; }
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

    // The same under a new head.
    Status publish_head(UtcTime now) { return commit({}, next_sequence(), now); }

    // CRLs, piece by piece, so that what is more urgent goes out between two of them: lay_crl() until it says
    // true, then publish_crl().
    // Lays the next piece beside what is published, where no head names it; true: only the last one is left.
    // One CRL at a time: beginning another gives up the one before. `digest`: SHA-256 of it all.
    Result<bool> lay_crl(ByteView der, const cache::Digest& digest);
    // Served at this path from now on. REQUIRES: published(), lay_crl() said true.
    Status publish_crl(const std::string& path, ByteView der, const cache::Digest& digest, UtcTime now);
    // Erases some of the pieces that no head names: of CRLs that were replaced, given up, or half laid before
    // a crash. True: there are more.
    Result<bool> erase_unnamed_pieces();
    // The stored head names CRLs at paths that are not configured any more: publish_head() leaves them out.
    bool head_due() const noexcept { return head_due_; }
    std::vector<std::string> crl_paths() const;
    // As stored, in a file without a name in `scratch`; null: there is none, or it is damaged.
    Result<std::shared_ptr<const MappedFile>> served_crl(const std::string& path,
                                                         const std::filesystem::path& scratch);

  private:
    struct Facts {
        std::int64_t signed_at = 0;  // 0: never
        std::int64_t next_update = 0;
        std::uint64_t sequence = 0;
        std::uint16_t profiles = 0;  // bit set of positions in profiles_
        bool empty = false;
        bool wanted = false;  // due at once
    };
    struct Set {
        cache::SetId id;
        cache::Tree tree;
    };
    struct Shape {
        unsigned page_bits = 0;
        std::vector<Facts> facts;  // [page], the same for every set: their pages are always signed together
        std::vector<Set> sets;
        // False: the tables of a set are damaged, so none of its pages can be replaced; `roots` stand under
        // the head as they are until new pages have come.
        bool known = true;
        std::vector<cache::Head::Set> roots;
        const Facts& facts_of(std::uint64_t serial_hash) const {
            return facts[cache::page_index(serial_hash, page_bits)];
        }
    };
    struct LaidPatch {
        std::uint64_t sequence = 0;
        cache::Digest digest{};
        std::vector<std::uint64_t> serial_hashes;  // sorted
        std::uint16_t profiles = 0;
        std::size_t octets = 0;
        bool lost =
            false;  // missing or damaged: nobody knows what it says, so it stays until new pages have come
    };

    Result<bool> load_set(const cache::Head::Set& stored, bool wanted, Witness& witness, Loaded& report);
    Status load_pages(Set& set, bool wanted, Witness& witness, Loaded& report);
    Result<bool> load_patches(const cache::Head& head, Witness& witness);
    bool is_signed_now(cache::SetId id) const noexcept;
    bool prepare_facts(const cache::Head& head);
    void freeze(const cache::Head& head);
    void note_age(Facts& facts, const cache::PageHeader& header);
    void reset();
    std::uint16_t profile_bit(const cache::Digest& digest);
    std::vector<std::size_t> patches_to_join(bool crowded) const;
    std::vector<cache::LaidRecord> records_to_join(std::span<const cache::Patch> opened,
                                                   std::vector<std::uint64_t>& serial_hashes);
    std::uint16_t lay(Shape& shape, std::vector<Press::SignedPage>& pages, std::uint64_t sequence,
                      const AnswerTimes& times, cache::Batch& batch);
    void take_place(cache::Batch& batch);
    void erase_pages(const Shape& shape, cache::Batch& batch) const;
    Status clear_names(unsigned page_bits);
    bool has_lost_patch() const noexcept;
    Status take_up_crls(std::vector<cache::Head::CrlRef> stored, Loaded& report);
    bool names_crl(const cache::Digest& digest) const noexcept;
    void leave_pieces(const cache::Digest& digest, std::uint32_t pieces);
    bool is_lengthened(const Facts& facts, const AnswerTimes& times) const noexcept;
    bool is_late(const Facts& facts, UtcTime now) const noexcept;
    bool is_folded(std::uint64_t serial_hash, std::uint64_t sequence) const;
    void prune_patches(cache::Batch& batch);
    void prune_profiles(cache::Batch& batch);
    enum class Says { all, part };  // whether the batch holds everything since the last head
    Status commit(cache::Batch batch, std::uint64_t sequence, UtcTime now, Says says = Says::all);
    Status refuse_while_stale() const;

    std::shared_ptr<const Identity> identity_;
    cache::PageFile& pages_;
    const keys::StoreKey& store_key_;
    HandOn hand_on_;
    std::string issuer_;

    cache::Version version_;
    cache::Version stored_;
    bool published_ = false;
    bool anew_ = true;    // what is published is not all that we sign now, or not whole
    bool stale_ = false;  // what is held must be loaded again first
    Shape shape_;         // under the head
    std::optional<Shape> coming_;
    std::vector<Set> dropped_;  // under the stored head, under the next one no more
    std::vector<LaidPatch> patches_;
    std::vector<cache::Digest> profiles_;
    std::vector<cache::Head::CrlRef> crls_;
    struct LaidCrl {
        cache::Digest digest{};
        std::uint32_t pieces = 0;
    };
    std::optional<LaidCrl> coming_crl_;
    std::vector<std::string> unnamed_pieces_;  // in the page file, under no head
    bool head_due_ = false;
};

}  // namespace eightbells::signer

#endif
