#ifndef EIGHTBELLS_RESPONDER_CRL_ENCODE_H
#define EIGHTBELLS_RESPONDER_CRL_ENCODE_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "responder/base/mapped_file.h"
#include "responder/crl/crl.h"
#include "responder/crypto/digest.h"

namespace eightbells::crl {

// A CRL's facts apart from its entries, to be written as RFC 5280, section 5, has them: v2, dates up to 2049
// as UTCTime (F-05), revokedCertificates absent when nothing is revoked (F-06), every extension with the
// criticality that it must have.
struct CrlFields {
    ByteView signature_algorithm;  // AlgorithmIdentifier TLV, for inside and outside (F-02)
    ByteView issuer_name;          // DER Name of the CA, byte for byte
    UtcTime this_update{};
    UtcTime next_update{};
    ByteView crl_number;                   // magnitude, at most 20 octets, below 2^159 (F-04)
    ByteView authority_key_identifier;     // keyIdentifier, never empty (F-03)
    std::optional<Bytes> base_crl_number;  // a delta CRL: critical deltaCRLIndicator (F-15)
    std::string distribution_point;        // URI of a critical IDP (F-12); empty: covers all
    std::string freshest_crl;              // URI of the delta CRL; empty: none; never in a delta (F-15)
    std::optional<UtcTime> expired_certs_on_crl;  // F-17
    std::optional<UtcTime> next_publish;          // Microsoft's 1.3.6.1.4.1.311.21.4 (F-25)
};

// The number after this one; an error when none is left below 2^159 (F-04).
Result<Bytes> crl_number_after(ByteView magnitude);
Bytes crl_number_of(std::uint64_t value);

// The keyIdentifier for authorityKeyIdentifier: the certificate's subjectKeyIdentifier, else SHA-1 over its
// key (RFC 5280, section 4.2.1.2).
Bytes key_identifier_for(const crypto::Certificate& issuer);

// What tells one list of entries from another, whatever CRL they stand in: SHA-256 over serials, dates,
// reasons.
class EntryDigest {
  public:
    void add(const CrlEntry& entry);
    crypto::Sha256Digest finish() { return sha256_.finish(); }

  private:
    crypto::Sha256 sha256_;
};

// Entries of one CRL on their way: encoded as they come, kept in a file without a name, so that ten million
// of them take no memory. Reason `unspecified` is left out (F-08); a removeFromCRL is the caller's to allow
// (F-09). Not for several threads.
class EntrySpool {
  public:
    static Result<EntrySpool> make(const std::filesystem::path& folder);
    Status add(const CrlEntry& entry);
    Status finish();  // before the first write_crl
    std::uint64_t count() const noexcept { return count_; }
    const crypto::Sha256Digest& digest() const noexcept { return digest_; }
    ByteView octets() const noexcept { return mapped_ ? mapped_->bytes() : ByteView{}; }

  private:
    explicit EntrySpool(SpoolFile file) : file_(std::move(file)) {}
    SpoolFile file_;
    Bytes waiting_;
    EntryDigest entries_;
    crypto::Sha256Digest digest_{};
    std::uint64_t count_ = 0;
    std::shared_ptr<const MappedFile> mapped_;
};

// Signs octets that come one after the other. `finish` gives the signature as it stands in the BIT STRING.
struct TbsSigner {
    std::function<Status(ByteView)> update;
    std::function<Result<Bytes>()> finish;
};

// The whole CRL, in a file without a name in `folder`. The octets of the entries are read twice, once to sign
// and once to copy; memory stays below a few MB. The same spool may be written into several CRLs.
Result<std::shared_ptr<const MappedFile>> write_crl(const CrlFields& fields, const EntrySpool& entries,
                                                    const TbsSigner& signer,
                                                    const std::filesystem::path& folder);

}  // namespace eightbells::crl

#endif
