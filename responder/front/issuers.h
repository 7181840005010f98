#ifndef EIGHTBELLS_RESPONDER_FRONT_ISSUERS_H
#define EIGHTBELLS_RESPONDER_FRONT_ISSUERS_H

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "responder/config/config.h"
#include "responder/crypto/certificate.h"
#include "responder/http/exchange.h"
#include "responder/ocsp/cert_id.h"

namespace eightbells::front {

// The issuers whose status this front gives, found by what a CertID says of them. Immutable after `load`;
// share it between threads.
class Issuers {
  public:
    struct Issuer {
        config::Issuer settings;
        crypto::IssuerIdentity identity;
        http::EntityTag certificate_tag{};  // the first 16 octets of SHA-256 over its certificate
    };

    // Reads the certificate of each configured issuer. Two issuers of one Name and key are refused: they
    // would be one.
    static Result<std::shared_ptr<const Issuers>> load(std::span<const config::Issuer> settings);

    std::size_t size() const noexcept { return issuers_.size(); }
    const Issuer& operator[](std::size_t index) const noexcept { return issuers_[index]; }

    // Whose certificate is served at this exact path (F-29); nullptr: nobody's. No allocation.
    const Issuer* find_certificate(std::string_view path) const noexcept;

    // Both hashes must be of the same CA key; the look-up goes by the algorithm's OID, not by how its
    // parameters are spelled. Also finds by SHA-384 and SHA-512, for which nothing is signed ahead.
    // Binary search, no allocation.
    std::optional<std::size_t> find(const ocsp::CertIdView& cert_id) const noexcept;

    // Whether the front knows this hash at all. Everything else (MD5, SHA-3) is `unauthorized`.
    static bool knows_hash(ByteView hash_oid) noexcept;

  private:
    // Hashes are spread evenly, so their first eight octets decide nearly every comparison.
    struct Entry {
        std::uint64_t key_hash_start = 0;
        std::size_t issuer = 0;
        Bytes name_hash;
        Bytes key_hash;
    };
    static constexpr std::size_t known_hashes = 4;

    std::vector<Issuer> issuers_;
    std::array<std::vector<Entry>, known_hashes> by_hash_;  // each sorted by key_hash_start
};

}  // namespace eightbells::front

#endif
