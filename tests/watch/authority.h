#ifndef EIGHTBELLS_TESTS_WATCH_AUTHORITY_H
#define EIGHTBELLS_TESTS_WATCH_AUTHORITY_H

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/watch/openssl_handles.h"

// A CA with a delegated OCSP signer, made and run with OpenSSL's library alone: what the watch judges is
// never made by our own encoder.
namespace eightbells::watch::test {

struct Identity {
    PkeyOwner key;
    X509Owner certificate;
    Bytes der() const;
    std::string pem() const;
    std::string key_pem() const;
};

struct IdentityWish {
    std::string subject = "test";
    std::int64_t serial = 1;
    const Identity* issuer = nullptr;  // null: signs itself
    bool ca = false;
    bool ocsp_signing = false;
    std::string host;  // subjectAltName of a TLS server
    UtcTime not_before{};
    UtcTime not_after{};
};
Identity make_identity(const IdentityWish& wish);

// What is said of one certificate.
struct Said {
    int status = V_OCSP_CERTSTATUS_GOOD;
    int reason = -1;  // none
    UtcTime revoked_at{};
};

// How an OCSP answer is made; the defaults make a right one.
struct AnswerWish {
    UtcTime this_update{};
    std::optional<UtcTime> next_update;
    UtcTime produced_at{};
    const Identity* signer = nullptr;
    const Identity* named_issuer = nullptr;    // whose CertID it bears; null: the true one
    std::optional<std::int64_t> named_serial;  // another serial than was asked for
    bool broken_signature = false;
    bool critical_extension = false;  // one that nobody knows: whoever reads it must refuse
};

struct CrlWish {
    std::int64_t number = 1;
    UtcTime this_update{};
    std::optional<UtcTime> next_update;
    const Identity* signer = nullptr;
    const Identity* named_issuer = nullptr;
    std::map<std::int64_t, Said> entries;
    bool broken_signature = false;
};

// The serial and the hash that an OCSP request asks about.
struct AskedFor {
    std::int64_t serial = 0;
    bool sha1 = false;
};
std::optional<AskedFor> read_request(ByteView der);
Bytes make_answer(const Identity& issuer, const AskedFor& asked, const Said& said, const AnswerWish& wish);
Bytes make_error(int response_status);
Bytes make_crl(const CrlWish& wish);

}  // namespace eightbells::watch::test

#endif
