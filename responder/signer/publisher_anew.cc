#include <spdlog/spdlog.h>

#include "responder/signer/limits.h"
#include "responder/signer/publisher.h"

// When what is published does not have the right shape: signed anew, or pages split.
namespace eightbells::signer {

// One round of signing everything anew. What is published meanwhile stays and is renewed as ever.
Result<bool> Publisher::sign_anew(Line& line, const AnswerTimes& times, std::size_t pages) {
    const auto& identity = line.publication.identity();
    const std::string& id = identity->issuer.id();
    auto count = ledger_.count(id);
    if (!count)
        return tl::unexpected<Error>(count.error());
    line.state.certificates = *count;
    const unsigned bits = page_bits_for(*count, identity->record_octets());
    const bool grown = bits > line.publication.coming_bits() + limits::splits_before_anew;
    if (!line.signing_anew || !line.publication.coming() || grown) {
        // From here on every change is written down one by one; all before is read from the ledger as the
        // pages are signed.
        auto last = ledger_.last_change_id(id);
        if (!last)
            return tl::unexpected<Error>(last.error());
        if (auto begun = line.publication.begin_anew(bits); !begun)
            return tl::unexpected<Error>(begun.error());
        line.signing_anew = *last;
        line.as_pages.clear();
        spdlog::info("issuer {}: signing {} certificates for {} CertID hashes into {} pages",
                     identity->settings.name, *count, identity->profiles.size(),
                     std::uint64_t{1} << line.publication.coming_bits());
    }
    const auto indices = line.publication.missing(pages);
    if (auto done = sign_pages(line, indices, times, Pages::coming); !done)
        return tl::unexpected<Error>(done.error());
    if (!line.publication.coming()) {
        if (auto marked = ledger_.mark_all_published(id, *line.signing_anew); !marked)
            return tl::unexpected<Error>(marked.error());
        line.signing_anew.reset();
        listener_.on_published(*identity, {}, clock_.now());
        spdlog::info("issuer {}: all pages are signed and published", identity->settings.name);
    }
    return true;
}

// Grown: one bit more once pages are twice as large as planned; anew when they are far too large for their
// form.
Result<bool> Publisher::reshape(Line& line, UtcTime now) {
    const auto& identity = *line.publication.identity();
    auto count = ledger_.count(identity.issuer.id());
    if (!count)
        return tl::unexpected<Error>(count.error());
    line.state.certificates = *count;
    const unsigned wanted = page_bits_for(*count, identity.record_octets());
    const unsigned bits = line.publication.page_bits();
    if (wanted <= bits + 1)
        return false;
    if (wanted > bits + limits::splits_before_anew) {
        line.publication.give_up();
        return true;
    }
    if (!line.publication.forced(1).empty())
        return false;  // a page that must be signed again first
    if (auto split = line.publication.split(now); !split)
        return tl::unexpected<Error>(split.error());
    spdlog::info("issuer {}: {} pages now", identity.settings.name,
                 std::uint64_t{1} << line.publication.page_bits());
    return true;
}

}  // namespace eightbells::signer
