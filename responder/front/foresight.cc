#include "responder/front/foresight.h"

namespace eightbells::front {

void Foresight::foresee(const http::Request& request, std::size_t number) noexcept {
    requests_[number].understood = understand(request, requests_[number]);
    count_ = number + 1;
}

bool Foresight::understand(const http::Request& request, Coming& out) const noexcept {
    ByteView der;
    return !names_file(request.path) &&
           paths_.find_request(request, out.decoded, der) == OcspPaths::Content::request &&
           der.size() <= limits::foreseen_octets && !ocsp::parse_request(der, out.known.request) &&
           out.known.request.cert_ids().size() == 1;
}

void Foresight::look_up(const FrontState& state, crypto::Sha256& sha256) noexcept {
    for (std::size_t i = 0; i < count_; ++i)
        if (requests_[i].understood)
            prepare(requests_[i], state, sha256);
    for (unsigned step = 0; step < cache::IssuerSnapshot::steps_ahead; ++step)
        for (std::size_t i = 0; i < count_; ++i) {
            const Coming& coming = requests_[i];
            if (coming.understood && coming.snapshot != nullptr)
                coming.snapshot->fetch_ahead(coming.hash, coming.known.key->serial.magnitude(),
                                             coming.known.key->hash, step);
        }
    count_ = 0;
}

void Foresight::prepare(Coming& coming, const FrontState& state, crypto::Sha256& sha256) noexcept {
    const ocsp::CertIdView& cert_id = coming.known.request.cert_ids().front();
    coming.snapshot = nullptr;
    coming.known.key = lookup_key(cert_id, sha256);
    const auto issuer = coming.known.key && cert_id.hash ? state.issuers->find(cert_id) : std::nullopt;
    if (!issuer)
        return;
    coming.snapshot = state.snapshots[*issuer].get();
    coming.hash = *cert_id.hash;
}

}  // namespace eightbells::front
