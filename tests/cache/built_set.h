#ifndef EIGHTBELLS_TESTS_CACHE_BUILT_SET_H
#define EIGHTBELLS_TESTS_CACHE_BUILT_SET_H

#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/system_rng.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "cache/fold.h"
#include "cache/limits.h"
#include "cache/patch.h"
#include "cache/profile.h"
#include "cache/store.h"
#include "responder/crypto/digest.h"

// A small issuer whose answers are published as the signer publishes them: pages, patches and CRLs under a
// signed head, for both CertID hashes. For tests of what reads stores. The head's signature is real; the
// answers' signatures are, unless `sign` is set, octets that differ with every signing.
namespace eightbells::cache::built {

inline constexpr UtcTime start_time = from_unix(1795329600);  // 2026-11-22T06:40:00Z
inline const std::string issuer_id = "0123456789abcdef0123456789abcdef";

template <class T>
T need(Result<T> result) {
    if (!result)
        throw std::runtime_error(result.error().message);
    return std::move(*result);
}

class TestKey {
  public:
    explicit TestKey(std::uint8_t seed_octet)
        : key_(Botan::Ed25519_PrivateKey::from_seed(std::vector<std::uint8_t>(32, seed_octet))) {}
    StorePublicKey public_key() const {
        StorePublicKey out{};
        std::ranges::copy(key_.raw_public_key_bits(), out.begin());
        return out;
    }
    SignHead signs() const {
        return [this](ByteView message) -> Result<std::array<std::uint8_t, 64>> {
            Botan::PK_Signer signer(key_, Botan::system_rng(), "Pure");
            std::array<std::uint8_t, 64> out{};
            std::ranges::copy(signer.sign_message(message, Botan::system_rng()), out.begin());
            return out;
        };
    }

  private:
    Botan::Ed25519_PrivateKey key_;
};

// The content of a profile that parses; give real ones where answers are encoded.
inline ocsp::AnswerProfile dummy_profile(ocsp::HashAlgorithm hash) {
    ocsp::AnswerProfile profile;
    profile.cert_id_hash = hash;
    profile.issuer_name_hash = Bytes(ocsp::digest_octets(hash), 0x11);
    profile.issuer_key_hash = Bytes(ocsp::digest_octets(hash), 0x22);
    profile.responder_key_hash.fill(0x33);
    profile.signature_form = ocsp::SignatureForm::ecdsa_p256;
    profile.signature_algorithm = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    profile.signer_certificate = {0x30, 0x03, 0x02, 0x01, 0x01};
    return profile;
}

class BuiltSet {
  public:
    explicit BuiltSet(unsigned page_bits = 4, std::string issuer = issuer_id, std::uint8_t key_seed = 1)
        : key_(key_seed), issuer_(std::move(issuer)), page_bits_(page_bits) {
        for (std::size_t h = 0; h < ocsp::hash_algorithms; ++h)
            profiles[h] = dummy_profile(ocsp::HashAlgorithm{static_cast<std::uint8_t>(h)});
        begin_trees();
        sequences_.assign(pages(), 0);
    }

    // To be set before the first publication, where wanted.
    std::array<ocsp::AnswerProfile, ocsp::hash_algorithms> profiles;
    std::function<Bytes(const ocsp::AnswerProfile&, const ocsp::SingleAnswer&)> sign;

    UtcTime now = start_time;
    seconds validity{86400};

    const std::string& issuer() const noexcept { return issuer_; }
    StorePublicKey key() const { return key_.public_key(); }
    std::vector<StorePublicKey> keys() const { return {key()}; }
    Version version() const noexcept { return version_; }
    unsigned page_bits() const noexcept { return page_bits_; }
    std::uint32_t pages() const noexcept { return std::uint32_t{1} << page_bits_; }
    const Head& head() const noexcept { return head_; }
    std::uint32_t page_of(ByteView serial) const { return page_index(hash_of(serial), page_bits_); }
    static std::uint64_t hash_of(ByteView serial) {
        crypto::Sha256 sha256;
        return crypto::serial_hash(sha256, serial);
    }

    // What changes; it goes out as a patch with the next publication.
    Bytes issue() {
        const crypto::Sha256Digest digest = crypto::sha256(as_bytes(issuer_ + std::to_string(issued_++)));
        Bytes serial(digest.begin(), digest.begin() + 16);
        serial[0] = static_cast<std::uint8_t>(serial[0] | 0x40);
        certificates_[serial] = {};
        changed_.insert(serial);
        return serial;
    }
    std::vector<Bytes> issue_many(std::size_t count) {
        std::vector<Bytes> serials;
        while (serials.size() < count)
            serials.push_back(issue());
        return serials;
    }
    void issue(const Bytes& serial) {
        certificates_[serial] = {};
        changed_.insert(serial);
    }
    void revoke(const Bytes& serial, CrlReason reason = CrlReason::key_compromise) {
        certificates_.at(serial).status = Revocation{now, reason, std::nullopt};
        changed_.insert(serial);
    }
    void release(const Bytes& serial) {
        certificates_.at(serial).status = std::nullopt;
        changed_.insert(serial);
    }
    // Moves to the settled set when its page is refreshed.
    void expire(const Bytes& serial) { certificates_.at(serial).life = Life::settled; }
    void set_crl(const std::string& path, Bytes der) { crls_[path] = std::move(der); }
    void remove_crl(const std::string& path) { crls_.erase(path); }
    void switch_off(ocsp::HashAlgorithm hash) {
        std::erase_if(trees_, [&](const auto& tree) { return tree.first.hash == hash; });
    }
    void begin_epoch(std::uint64_t epoch) noexcept { version_.epoch = epoch; }

    // A publication: a patch of what changed, `refreshed` pages signed anew, a head.
    Batch publish(const std::vector<std::uint32_t>& refreshed = {}) {
        Batch batch;
        batch.issuer = issuer_;
        ++version_.sequence;
        put_profiles(batch);
        const OfPage certificates = refreshed.empty() ? OfPage{} : by_page();
        for (const std::uint32_t index : refreshed)
            refresh(index, certificates, batch);
        if (!changed_.empty())
            put_patch(batch);
        prune_patches(batch);
        put_crls(batch);
        put_head(batch);
        return batch;
    }
    // Everything signed anew, nothing as a patch.
    Batch publish_all() {
        changed_.clear();
        std::vector<std::uint32_t> all(pages());
        for (std::uint32_t i = 0; i < pages(); ++i)
            all[i] = i;
        return publish(all);
    }
    // One bit more, nothing signed again.
    Batch split() {
        Batch batch;
        batch.issuer = issuer_;
        ++version_.sequence;
        for (const auto& [id, tree] : trees_) {
            for (const auto& table : tree.all_tables())
                batch.erase.push_back(table_name(issuer_, id, page_bits_, table.id));
        }
        const auto old_pages = std::exchange(page_bytes_, {});
        const auto old_sequences = std::exchange(sequences_, {});
        ++page_bits_;
        begin_trees();
        for (const std::uint64_t sequence : old_sequences)
            sequences_.insert(sequences_.end(), 2, sequence);
        for (const auto& [place, bytes] : old_pages) {
            if (!trees_.contains(place.first))
                continue;
            batch.erase.push_back(page_name(issuer_, place.first, page_bits_ - 1, place.second));
            auto halves = need(split_page(need(Page::parse(bytes))));
            put_page(place.first, 2 * place.second, std::move(halves.first), batch);
            put_page(place.first, 2 * place.second + 1, std::move(halves.second), batch);
        }
        put_head(batch);
        return batch;
    }
    // All patches as one under a new sequence, nothing signed again.
    Batch join() {
        Batch batch;
        batch.issuer = issuer_;
        ++version_.sequence;
        std::vector<Patch> newest_first;
        for (auto at = patches_.rbegin(); at != patches_.rend(); ++at) {
            newest_first.push_back(need(Patch::parse(at->second.bytes)));
            batch.erase.push_back(patch_name(issuer_, at->first));
        }
        patches_.clear();
        std::set<std::pair<ocsp::HashAlgorithm, Bytes>> seen;
        LaidPatch joined;
        std::vector<LaidRecord> counting;
        for (const Patch& patch : newest_first) {
            for (const PatchRecord& laid : patch.records()) {
                const Bytes serial(laid.record.serial.begin(), laid.record.serial.end());
                const bool counts = counts_over(patch.sequence(), sequences_[page_of(serial)]);
                if (!counts || !trees_.contains(laid.set) || !seen.insert({laid.set.hash, serial}).second)
                    continue;
                joined.serials.insert(serial);
                counting.push_back({&patch, &laid});
            }
        }
        if (!counting.empty()) {
            joined.bytes = need(join_patches(version_.sequence, times(), counting));
            joined.digest = crypto::sha256(joined.bytes);
            batch.put.emplace_back(patch_name(issuer_, version_.sequence), joined.bytes);
            patches_[version_.sequence] = std::move(joined);
        }
        put_head(batch);
        return batch;
    }

    // The newest patch leaves the head although no page has what it says: no signer of ours does that.
    Batch drop_patch() {
        Batch batch;
        batch.issuer = issuer_;
        ++version_.sequence;
        const auto newest = std::prev(patches_.end());
        batch.erase.push_back(patch_name(issuer_, newest->first));
        patches_.erase(newest);
        put_head(batch);
        return batch;
    }

    struct Certificate {
        CertStatus status;
        Life life = Life::live;
    };
    const std::map<Bytes, Certificate>& certificates() const noexcept { return certificates_; }

  private:
    struct LaidPatch {
        Digest digest{};
        Bytes bytes;
        std::set<Bytes> serials;
    };

    void begin_trees() {
        std::map<SetId, Tree> trees;
        for (std::size_t h = 0; h < ocsp::hash_algorithms; ++h) {
            for (const Life life : {Life::live, Life::settled}) {
                const SetId id{ocsp::HashAlgorithm{static_cast<std::uint8_t>(h)}, life};
                if (trees_.empty() || trees_.contains(id))
                    trees.emplace(id, Tree{page_bits_});
            }
        }
        trees_ = std::move(trees);
    }
    BaseTimes times() const { return {now, now, now + validity}; }
    Digest profile_digest(ocsp::HashAlgorithm hash) const {
        return crypto::sha256(need(encode_profile(profiles[static_cast<std::size_t>(hash)])));
    }
    Record record(const Bytes& serial, const Certificate& certificate, ocsp::HashAlgorithm hash,
                  std::vector<Bytes>& kept) const {
        Record made;
        made.serial = serial;
        made.status = certificate.status;
        made.times = times();
        const auto& profile = profiles[static_cast<std::size_t>(hash)];
        if (sign) {
            ocsp::SingleAnswer single;
            single.serial = serial;
            single.status = certificate.status;
            single.produced_at = made.times.produced_at;
            single.this_update = made.times.this_update;
            single.next_update = made.times.next_update;
            kept.push_back(sign(profile, single));
        } else {
            const crypto::Sha256Digest first =
                crypto::sha256(as_bytes(to_hex(serial) + std::to_string(version_.sequence)));
            Bytes octets(first.begin(), first.end());
            octets.insert(octets.end(), first.begin(), first.end());
            kept.push_back(std::move(octets));
        }
        made.signature = kept.back();
        return made;
    }
    void put_page(SetId id, std::uint32_t index, Bytes bytes, Batch& batch) {
        Tree& tree = trees_.at(id);
        if (bytes.empty()) {
            if (page_bytes_.erase({id, index}) > 0)
                batch.erase.push_back(page_name(issuer_, id, page_bits_, index));
            tree.set_page(index, empty_digest);
            return;
        }
        tree.set_page(index, crypto::sha256(bytes));
        page_bytes_[{id, index}] = bytes;
        batch.put.emplace_back(page_name(issuer_, id, page_bits_, index), std::move(bytes));
    }
    using OfPage = std::map<std::uint32_t, std::vector<std::map<Bytes, Certificate>::const_iterator>>;
    OfPage by_page() const {
        OfPage all;
        for (auto at = certificates_.begin(); at != certificates_.end(); ++at)
            all[page_of(at->first)].push_back(at);
        return all;
    }
    void refresh(std::uint32_t index, const OfPage& certificates, Batch& batch) {
        sequences_[index] = version_.sequence;
        const auto on_page = certificates.find(index);
        for (auto& [id, tree] : trees_) {
            std::vector<Bytes> kept;
            std::vector<Record> records;
            if (on_page != certificates.end()) {
                kept.reserve(on_page->second.size());
                for (const auto& at : on_page->second) {
                    if (at->second.life == id.life)
                        records.push_back(record(at->first, at->second, id.hash, kept));
                }
            }
            PageHeader header;
            header.set = id;
            header.page_bits = static_cast<std::uint8_t>(page_bits_);
            header.index = index;
            header.sequence = version_.sequence;
            header.times = times();
            header.profiles = {profile_digest(id.hash)};
            put_page(id, index, records.empty() ? Bytes{} : need(encode_page(header, std::move(records))),
                     batch);
        }
        if (!changed_.empty())
            std::erase_if(changed_, [&](const Bytes& serial) { return page_of(serial) == index; });
    }
    void put_patch(Batch& batch) {
        std::vector<Bytes> kept;
        kept.reserve(changed_.size() * trees_.size());
        std::vector<Digest> named;
        std::vector<PatchRecord> records;
        for (std::size_t h = 0; h < ocsp::hash_algorithms; ++h) {
            const auto hash = ocsp::HashAlgorithm{static_cast<std::uint8_t>(h)};
            if (!trees_.contains({hash, Life::live}))
                continue;
            for (const Bytes& serial : changed_) {
                Record made = record(serial, certificates_.at(serial), hash, kept);
                made.profile = static_cast<std::uint8_t>(named.size());
                records.push_back({{hash, certificates_.at(serial).life}, made});
            }
            named.push_back(profile_digest(hash));
        }
        Bytes bytes = need(encode_patch(version_.sequence, named, times(), records));
        patches_[version_.sequence] = {crypto::sha256(bytes), bytes, std::exchange(changed_, {})};
        batch.put.emplace_back(patch_name(issuer_, version_.sequence), std::move(bytes));
    }
    void prune_patches(Batch& batch) {
        std::erase_if(patches_, [&](const auto& patch) {
            const bool folded = std::ranges::all_of(patch.second.serials, [&](const Bytes& serial) {
                return sequences_[page_of(serial)] >= patch.first;
            });
            if (folded)
                batch.erase.push_back(patch_name(issuer_, patch.first));
            return folded;
        });
    }
    void put_profiles(Batch& batch) {
        for (const auto& profile : profiles) {
            Bytes bytes = need(encode_profile(profile));
            const Digest digest = crypto::sha256(bytes);
            if (profile_digests_.insert(digest).second)
                batch.put.emplace_back(profile_name(issuer_, digest), std::move(bytes));
        }
    }
    void put_crls(Batch& batch) {
        std::map<Digest, std::uint64_t> now_named;
        for (const auto& [path, der] : crls_) {
            const Digest digest = crypto::sha256(der);
            now_named[digest] = der.size();
            if (crl_digests_.contains(digest))
                continue;
            std::uint32_t piece = 0;
            for (std::size_t at = 0; at < der.size(); at += limits::crl_piece_octets) {
                const auto part =
                    ByteView{der}.subspan(at, std::min(limits::crl_piece_octets, der.size() - at));
                batch.put.emplace_back(crl_piece_name(issuer_, digest, piece++),
                                       Bytes(part.begin(), part.end()));
            }
        }
        for (const auto& [digest, size] : crl_digests_) {
            for (std::uint32_t piece = 0;
                 piece * limits::crl_piece_octets < size && !now_named.contains(digest); ++piece)
                batch.erase.push_back(crl_piece_name(issuer_, digest, piece));
        }
        crl_digests_ = std::move(now_named);
    }
    void put_head(Batch& batch) {
        head_ = {};
        head_.issuer = issuer_;
        head_.version = version_;
        head_.time = now;
        for (auto& [id, tree] : trees_) {
            for (auto& table : tree.take_changes()) {
                const std::string name = table_name(issuer_, id, page_bits_, table.id);
                if (table.bytes.empty())
                    batch.erase.push_back(name);
                else
                    batch.put.emplace_back(name, std::move(table.bytes));
            }
            head_.sets.push_back({id, static_cast<std::uint8_t>(page_bits_), tree.root()});
        }
        for (const auto& [sequence, patch] : patches_)
            head_.patches.push_back({sequence, patch.digest});
        head_.profiles.assign(profile_digests_.begin(), profile_digests_.end());
        for (const auto& [path, der] : crls_)
            head_.crls.push_back({path, crypto::sha256(der), der.size()});
        batch.head = need(encode_head(head_, key_.public_key(), key_.signs()));
    }

    TestKey key_;
    std::string issuer_;
    unsigned page_bits_;
    Version version_{1, 0};
    std::uint64_t issued_ = 0;
    std::map<Bytes, Certificate> certificates_;
    std::set<Bytes> changed_;
    std::map<SetId, Tree> trees_;
    std::map<std::pair<SetId, std::uint32_t>, Bytes> page_bytes_;
    std::vector<std::uint64_t> sequences_;
    std::map<std::uint64_t, LaidPatch> patches_;
    std::set<Digest> profile_digests_;
    std::map<std::string, Bytes> crls_;
    std::map<Digest, std::uint64_t> crl_digests_;
    Head head_;
};

}  // namespace eightbells::cache::built

#endif
