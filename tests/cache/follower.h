#ifndef EIGHTBELLS_TESTS_CACHE_FOLLOWER_H
#define EIGHTBELLS_TESTS_CACHE_FOLLOWER_H

#include <array>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cache/page_file.h"
#include "cache/replica.h"
#include "tests/cache/built_set.h"
#include "tests/cache/memory_store.h"
#include "tests/cache/said.h"
#include "tests/cache/temporary_folder.h"

namespace eightbells::cache {

using built::BuiltSet;
using built::need;
using Lookup = IssuerSnapshot::Lookup;
using ocsp::HashAlgorithm;

inline constexpr std::array both_hashes{HashAlgorithm::sha1, HashAlgorithm::sha256};

// A front's part: a replica with its own page file, which can be started again on the same files.
class Follower {
  public:
    explicit Follower(const BuiltSet& set) : issuer_(set.issuer()), keys_(set.keys()) { start(); }

    void start() {
        replica_.reset();
        own_.reset();
        own_ = need(PageFile::open(folder_ / "own", PageFile::Access::write));
        replica_ = std::make_unique<Replica>(issuer_, keys_, *own_, folder_ / "crl");
    }
    SyncReport restart() {
        start();
        return replica_->load({});
    }
    SyncReport sync(Store& store) { return need(replica_->sync(store, {})); }

    Replica& replica() { return *replica_; }
    PageFile& own() { return *own_; }
    const TemporaryFolder& folder() const { return folder_; }
    std::shared_ptr<const IssuerSnapshot> snapshot() const { return replica_->snapshot(); }

    Lookup look(const Bytes& serial, HashAlgorithm hash = HashAlgorithm::sha256) const {
        IssuerSnapshot::Found found;
        return snapshot()->find(hash, serial, BuiltSet::hash_of(serial), found);
    }
    // "good", "revoked", "not issued", "not loaded"; both hashes must agree.
    std::string says(const Bytes& serial) const {
        std::string first;
        for (const HashAlgorithm hash : both_hashes) {
            IssuerSnapshot::Found found;
            const Lookup lookup = snapshot()->find(hash, serial, BuiltSet::hash_of(serial), found);
            std::string said = lookup == Lookup::not_issued   ? "not issued"
                               : lookup == Lookup::not_loaded ? "not loaded"
                               : found.single.status          ? "revoked"
                                                              : "good";
            if (lookup == Lookup::found && (found.profile == nullptr || found.profile->cert_id_hash != hash ||
                                            !equal(found.single.serial, serial)))
                said = "another answer";
            if (!first.empty() && said != first)
                said = first + " and " + said;
            first = said;
        }
        return first;
    }

  private:
    std::string issuer_;
    std::vector<StorePublicKey> keys_;
    TemporaryFolder folder_;
    std::unique_ptr<PageFile> own_;
    std::unique_ptr<Replica> replica_;
};

inline void publish(Store& store, const Batch& batch) {
    const auto published = store.publish(batch);
    BOOST_REQUIRE_MESSAGE(published, (published ? "" : published.error().message));
}

// The name of the sha256 live page of a serial.
inline std::string page_of(const BuiltSet& set, const Bytes& serial,
                           HashAlgorithm hash = HashAlgorithm::sha256) {
    return page_name(set.issuer(), {hash, Life::live}, set.page_bits(), set.page_of(serial));
}

inline const Bytes never_issued{0x7f, 1, 2, 3};

}  // namespace eightbells::cache

#endif
