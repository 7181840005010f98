#ifndef EIGHTBELLS_CACHE_WALK_H
#define EIGHTBELLS_CACHE_WALK_H

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cache/head.h"
#include "cache/patch.h"
#include "cache/store.h"
#include "responder/ocsp/answer.h"

namespace eightbells::cache {

// Reads one issuer's part of a store as a stranger would: from a head signed by a trusted key down, every
// byte checked on the way, little held in memory. For looking at a store from outside (`eightbells show`,
// `eightbells verify`); a front uses a Replica. One thread.
class Walk {
  public:
    // `store` is not owned and must outlive the walk.
    Walk(Store& store, std::string issuer, std::vector<StorePublicKey> trusted);

    Result<Head> head();
    // nullopt: signed as empty. Errors name the blob and what is wrong with it.
    Result<std::optional<Page>> page(const Head::Set& set, std::uint32_t index);
    Result<Patch> patch(const Head::PatchRef& reference);
    Result<ocsp::AnswerProfile> profile(const Digest& digest);
    // The whole CRL, in memory.
    Result<Bytes> crl(const Head::CrlRef& reference);

    // The newest verified record for a serial; what it borrows lives in it.
    struct Found {
        std::string place;  // "page …" or "patch …": the blob's name
        std::uint64_t sequence = 0;
        Bytes blob;  // what `record` points into
        Record record;
        ocsp::AnswerProfile profile;
    };
    Result<std::optional<Found>> find(const Head& head, ocsp::HashAlgorithm hash, ByteView serial);

  private:
    Result<std::optional<Bytes>> fetch_one(const std::string& name);
    Result<Bytes> fetch_checked(const std::string& name, const Digest& digest);
    // The digests of a table, from the last one read or down from the root.
    Result<const std::vector<Digest>*> table(const Head::Set& set, TableId id);

    Store& store_;
    std::string issuer_;
    std::vector<StorePublicKey> trusted_;
    struct KeptTable {
        Digest root{};
        SetId set;
        TableId id;
        std::vector<Digest> digests;
    };
    std::vector<KeptTable> kept_;  // one a level, the last one used
};

}  // namespace eightbells::cache

#endif
