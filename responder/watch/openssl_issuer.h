#ifndef EIGHTBELLS_RESPONDER_WATCH_OPENSSL_ISSUER_H
#define EIGHTBELLS_RESPONDER_WATCH_OPENSSL_ISSUER_H

#include "responder/watch/openssl_handles.h"
#include "responder/watch/openssl_seam.h"

// The inside of OpensslIssuer, shared by the sources that read OCSP answers and CRLs.
namespace eightbells::watch {

struct OpensslIssuer::State {
    X509Owner certificate;
    Bytes der;
    CertIdOwner cert_id(const Serial& serial, RequestHash hash) const;
};

}  // namespace eightbells::watch

#endif
