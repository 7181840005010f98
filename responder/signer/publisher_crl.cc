#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cache/limits.h"
#include "responder/signer/publisher.h"

// CRLs on their way to be served.
namespace eightbells::signer {

Status Publisher::take_up_crls(Line& line) {
    const auto& identity = *line.publication.identity();
    for (const std::string& path : line.publication.crl_paths()) {
        auto served = line.publication.served_crl(path, scratch_);
        if (!served)
            return fail(fmt::format("issuer \"{}\": CRL {}", identity.settings.name, path), served.error());
        if (*served == nullptr) {
            spdlog::error("issuer {}: page file: the CRL {} is missing or damaged", identity.settings.name,
                          path);
            continue;
        }
        const std::scoped_lock lock{mutex_};
        served_[{identity.issuer.id(), path}] = std::move(*served);
    }
    return {};
}

void Publisher::submit_crl(const std::string& issuer, const std::string& path, CrlOctets der) {
    const cache::Digest digest = crypto::sha256(der->bytes());
    {
        const std::scoped_lock lock{mutex_};
        served_[{issuer, path}] = der;
        // Only the newest counts; it has waited for as long as the one before.
        const auto at =
            crls_.try_emplace({issuer, path}, WaitingCrl{path, nullptr, {}, clock_.steady(), {}, {}}).first;
        at->second.der = std::move(der);
        at->second.digest = digest;
        at->second.again_at = {};
        woken_ = true;
    }
    wake_.notify_all();
}

CrlOctets Publisher::served_crl(const std::string& issuer, const std::string& path) {
    const std::scoped_lock lock{mutex_};
    const auto found = served_.find({issuer, path});
    return found == served_.end() ? nullptr : found->second;
}

bool Publisher::crl_waits(const std::string& issuer, const std::string& path) {
    const std::scoped_lock lock{mutex_};
    return crls_.contains({issuer, path});
}

std::vector<std::string> Publisher::served_crl_paths(const std::string& issuer) {
    std::vector<std::string> paths;
    const std::scoped_lock lock{mutex_};
    for (const auto& [place, der] : served_) {
        if (place.first == issuer)
            paths.push_back(place.second);
    }
    return paths;
}

std::vector<Publisher::WaitingCrl> Publisher::waiting_crls(const Line& line) {
    const std::string& id = line.publication.identity()->issuer.id();
    std::vector<WaitingCrl> waiting;
    const std::scoped_lock lock{mutex_};
    for (const auto& [place, crl] : crls_) {
        if (place.first == id && clock_.steady() >= crl.again_at)
            waiting.push_back(crl);
    }
    return waiting;
}

// It is tried again; answers are signed and other CRLs go out whether or not there is room for it on the
// disk, say.
void Publisher::note_crl_fault(Line& line, const WaitingCrl& crl, const Error& error) {
    const auto& identity = *line.publication.identity();
    ++line.state.failures;
    const std::scoped_lock lock{mutex_};
    const auto at = crls_.find({identity.issuer.id(), crl.path});
    if (at == crls_.end() || at->second.der != crl.der)
        return;  // a newer one has come
    at->second.again_at = clock_.steady() + limits::signing_retry;
    const std::string fault = fmt::format("publishing the CRL {}: {}", crl.path, error.message);
    if (std::exchange(at->second.fault, fault) != fault)
        spdlog::error("issuer {}: {}; the one before stays", identity.settings.name, fault);
}

std::optional<std::string> Publisher::crl_fault(const Line& line) {
    const std::string& id = line.publication.identity()->issuer.id();
    const std::scoped_lock lock{mutex_};
    for (const auto& [place, crl] : crls_) {
        if (place.first == id && !crl.fault.empty())
            return crl.fault;
    }
    return std::nullopt;
}

// One slice: a piece of the first that waits, or the heads that show small ones. A change of status never
// waits for more than that. True: there is more.
Result<bool> Publisher::advance_crls(Line& line, const std::vector<WaitingCrl>& waiting, UtcTime now,
                                     Upto upto) {
    auto& publication = line.publication;
    const std::string& id = publication.identity()->issuer.id();
    std::size_t octets = 0;
    for (const WaitingCrl& crl : waiting) {
        if (octets >= limits::crl_piece_octets)
            return true;
        const ByteView der = crl.der->bytes();
        const auto laid = publication.lay_crl(der, crl.digest);
        if (laid && !*laid)
            return true;
        if (laid && upto == Upto::pieces)
            return false;
        const Status published = laid ? publication.publish_crl(crl.path, der, crl.digest, now)
                                      : Status{tl::unexpected<Error>(laid.error())};
        if (!published) {
            note_crl_fault(line, crl, published.error());
            if (publication.stale())
                return tl::unexpected<Error>(published.error());
            continue;
        }
        if (upto == Upto::head_alone)
            spdlog::error("issuer {}: the CRL {} goes out although the answers do not say yet what it says",
                          publication.identity()->settings.name, crl.path);
        octets += std::min(der.size(), limits::crl_piece_octets);
        const std::scoped_lock lock{mutex_};
        if (const auto at = crls_.find({id, crl.path}); at != crls_.end() && at->second.der == crl.der)
            crls_.erase(at);
    }
    return publication.erase_unnamed_pieces();
}

}  // namespace eightbells::signer
