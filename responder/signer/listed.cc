#include "responder/signer/listed.h"

#include <algorithm>

#include "cache/limits.h"
#include "responder/base/mapped_file.h"
#include "responder/crl/crl.h"
#include "responder/crl/distribution_point.h"
#include "responder/crypto/digest.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace {

// The pieces under the head, put together in a file without a name and held against the digest.
Result<std::shared_ptr<const MappedFile>> fetch_crl(cache::Store& store, const std::string& issuer,
                                                    const cache::Head::CrlRef& reference,
                                                    const std::filesystem::path& scratch) {
    auto file = SpoolFile::make(scratch);
    if (!file)
        return tl::unexpected<Error>(file.error());
    crypto::Sha256 sha256;
    for (std::uint32_t piece = 0; file->size() < reference.size; ++piece) {
        const std::string name = cache::crl_piece_name(issuer, reference.digest, piece);
        const auto stored = store.fetch(std::span{&name, 1});
        if (!stored)
            return tl::unexpected<Error>(stored.error());
        if (!stored->front() || stored->front()->empty())
            return fail(name + ": missing");
        sha256.update(*stored->front());
        if (auto written = file->append(*stored->front()); !written)
            return tl::unexpected<Error>(written.error());
    }
    if (sha256.finish() != reference.digest)
        return fail("CRL " + reference.path + ": its digest is not the one that the head vouches for");
    return file->map();
}

// The gate has judged the rest.
void take_scope(ByteView issuing_distribution_point, Listed::Crl& crl) {
    if (issuing_distribution_point.empty())
        return;
    crl.issuing_distribution_point.assign(issuing_distribution_point.begin(),
                                          issuing_distribution_point.end());
    const auto point = crl::parse_issuing_distribution_point(issuing_distribution_point);
    if (!point || point->only_user_certificates || point->only_ca_certificates || point->only_some_reasons ||
        point->indirect || point->only_attribute_certificates) {
        crl.scope = Listed::Crl::Scope::other;
        return;
    }
    crl.scope = Listed::Crl::Scope::part;
    for (const ByteView uri : point->uris)
        crl.uris.emplace_back(as_text(uri));
}

}  // namespace

Result<Listed> Listed::read(cache::Store& store, const std::string& issuer, const cache::Head& head,
                            const std::filesystem::path& scratch) {
    Listed listed{scratch};
    for (const auto& reference : head.crls) {
        const auto file = fetch_crl(store, issuer, reference, scratch);
        if (!file)
            return tl::unexpected<Error>(file.error());
        const auto view = crl::parse_crl((*file)->bytes());
        if (!view)
            return fail("CRL " + reference.path, view.error());
        Crl crl;
        crl.path = reference.path;
        crl.digest = reference.digest;
        crl.this_update = view->this_update;
        crl.is_delta = view->is_delta;
        crl.number.assign(view->crl_number.begin(), view->crl_number.end());
        crl.base_number.assign(view->base_crl_number.begin(), view->base_crl_number.end());
        take_scope(view->issuing_distribution_point, crl);
        crl.expired_certs_on_crl = view->expired_certs_on_crl;
        if (auto added = listed.add(crl, (*file)->bytes()); !added)
            return fail("CRL " + reference.path, added.error());
        listed.crls_.push_back(std::move(crl));
    }
    return listed;
}

Status Listed::add(const Crl& crl, ByteView der) {
    const auto view = crl::parse_crl(der);
    if (!view)
        return tl::unexpected<Error>(view.error());
    crypto::Sha256 sha256;
    return crl::for_each_entry(*view, [&](const crl::CrlEntry& entry) -> Status {
        ledger::Staged staged;
        const ByteView magnitude = entry.serial.magnitude();
        std::ranges::copy(magnitude, staged.serial.begin());
        staged.serial_octets = static_cast<std::uint8_t>(magnitude.size());
        staged.hash = crypto::serial_hash(sha256, magnitude);
        staged.line = static_cast<std::uint32_t>(crls_.size());  // which CRL: the one being added
        staged.flags = ledger::Staged::says_status;
        if (!crl.is_delta || entry.revocation.reason != CrlReason::remove_from_crl) {
            staged.flags |= ledger::Staged::is_revoked;
            staged.revoked_at = to_unix(entry.revocation.time);
            if (entry.revocation.reason && entry.revocation.reason != CrlReason::unspecified)
                staged.reason = static_cast<std::uint8_t>(*entry.revocation.reason);
        }
        return staging_->add(staged, nullptr);
    });
}

std::optional<std::size_t> Listed::delta_over(std::size_t crl) const {
    const Crl& base = crls_[crl];
    if (base.is_delta)
        return std::nullopt;
    for (std::size_t i = 0; i < crls_.size(); ++i) {
        const Crl& delta = crls_[i];
        if (delta.is_delta && delta.issuing_distribution_point == base.issuing_distribution_point &&
            crl::compare_crl_numbers(delta.number, base.number) > 0 &&
            crl::compare_crl_numbers(delta.base_number, base.number) <= 0) {
            return i;
        }
    }
    return std::nullopt;
}

UtcTime Listed::spoke(std::size_t crl) const {
    const auto delta = delta_over(crl);
    return std::max(crls_[crl].this_update, delta ? crls_[*delta].this_update : UtcTime{});
}

Result<std::vector<Listed::Entry>> Listed::bucket(std::size_t first_octet) const {
    std::vector<Entry> entries;
    if (staging_->size() == 0)
        return entries;
    const auto staged = staging_->load(first_octet);
    if (!staged)
        return tl::unexpected<Error>(staged.error());
    entries.reserve(staged->entries.size());
    std::size_t group = 0;  // where the entries of the present serial begin: they lie together
    for (const auto& one : staged->entries) {
        const auto serial = Serial::from_magnitude(one.magnitude());
        if (!serial || one.line >= crls_.size())
            return fail("an entry was damaged while it waited");
        if (group == entries.size() || entries[group].serial != *serial) {
            take_deltas_word(entries, group);
            group = entries.size();
        }
        if (entries.size() == group || entries.back().crl != one.line)
            entries.push_back({one.hash, *serial, one.line, one.status()});
    }
    take_deltas_word(entries, group);
    return entries;
}

// Of one serial's entries, from `group` on: without those that a delta has replaced, and without those of a
// delta that goes with no CRL any more.
void Listed::take_deltas_word(std::vector<Entry>& entries, std::size_t group) const {
    const std::vector<Entry> all(entries.begin() + static_cast<std::ptrdiff_t>(group), entries.end());
    const auto lists = [&](std::size_t crl) { return std::ranges::find(all, crl, &Entry::crl) != all.end(); };
    const auto stands = [&](const Entry& entry) {
        if (crls_[entry.crl].is_delta) {
            for (std::size_t crl = 0; crl < crls_.size(); ++crl) {
                if (delta_over(crl) == entry.crl)
                    return true;
            }
            return false;
        }
        const auto delta = delta_over(entry.crl);
        return !delta || !lists(*delta);
    };
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(group), entries.end());
    std::ranges::copy_if(all, std::back_inserter(entries), stands);
}

}  // namespace eightbells::signer
