#ifndef EIGHTBELLS_RESPONDER_WATCH_OPENSSL_HANDLES_H
#define EIGHTBELLS_RESPONDER_WATCH_OPENSSL_HANDLES_H

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <string>

#include "responder/base/bytes.h"
#include "responder/base/clock.h"
#include "responder/base/serial.h"

// Owners of OpenSSL's objects and its values as ours; for this module's sources that speak to OpenSSL.
namespace eightbells::watch {

template <class T, void (*release)(T*)>
struct OpensslRelease {
    void operator()(T* object) const noexcept { release(object); }
};
template <class T, void (*release)(T*)>
using OpensslOwner = std::unique_ptr<T, OpensslRelease<T, release>>;

using X509Owner = OpensslOwner<X509, X509_free>;
using X509CrlOwner = OpensslOwner<X509_CRL, X509_CRL_free>;
using StoreOwner = OpensslOwner<X509_STORE, X509_STORE_free>;
using PkeyOwner = OpensslOwner<EVP_PKEY, EVP_PKEY_free>;
using IntegerOwner = OpensslOwner<ASN1_INTEGER, ASN1_INTEGER_free>;
using EnumeratedOwner = OpensslOwner<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;
using CertIdOwner = OpensslOwner<OCSP_CERTID, OCSP_CERTID_free>;
using OcspRequestOwner = OpensslOwner<OCSP_REQUEST, OCSP_REQUEST_free>;
using OcspResponseOwner = OpensslOwner<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OcspBasicOwner = OpensslOwner<OCSP_BASICRESP, OCSP_BASICRESP_free>;

std::optional<UtcTime> time_of(const ASN1_TIME* time) noexcept;
IntegerOwner integer_of(const Serial& serial) noexcept;
std::optional<Serial> serial_of(const ASN1_INTEGER* integer) noexcept;
// The newest of OpenSSL's errors in its own words; the queue is empty afterwards.
std::string last_openssl_error();

}  // namespace eightbells::watch

#endif
