#include "responder/front/foresight.h"

namespace eightbells::front {

void Foresight::foresee(const http::Request& request, std::size_t number, const FrontState& state,
                        crypto::Sha256& sha256) noexcept {
    Coming& coming = requests_[number];
    count_ = number + 1;
    coming.snapshot = nullptr;
    coming.understood = understand(request, sha256, coming);
    if (!coming.understood)
        return;
    const ocsp::CertIdView& cert_id = coming.known.request.cert_ids().front();
    const auto issuer = cert_id.hash ? state.issuers->find(cert_id) : std::nullopt;
    if (!issuer)
        return;
    coming.snapshot = state.snapshots[*issuer].get();
    coming.hash = *cert_id.hash;
}

bool Foresight::understand(const http::Request& request, crypto::Sha256& sha256, Coming& out) const noexcept {
    ByteView der;
    if (names_file(request.path) ||
        paths_.find_request(request, out.decoded, der) != OcspPaths::Content::request ||
        der.size() > limits::foreseen_octets || ocsp::parse_request(der, out.known.request) ||
        out.known.request.cert_ids().size() != 1)
        return false;
    out.known.key = lookup_key(out.known.request.cert_ids().front(), sha256);
    return out.known.key.has_value();
}

void Foresight::look_up() noexcept {
    for (unsigned step = 0; step < cache::IssuerSnapshot::steps_ahead; ++step)
        for (std::size_t i = 0; i < count_; ++i) {
            const Coming& coming = requests_[i];
            if (coming.snapshot != nullptr)
                coming.snapshot->fetch_ahead(coming.hash, coming.known.key->serial.magnitude(),
                                             coming.known.key->hash, step);
        }
    count_ = 0;
}

void Foresight::end_look_ups() noexcept {
    count_ = 0;
}

}  // namespace eightbells::front
