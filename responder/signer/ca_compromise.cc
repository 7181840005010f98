#include "responder/signer/ca_compromise.h"

#include <fmt/format.h>

#include "responder/base/limits.h"

namespace eightbells::signer {

Result<ledger::ImportReport> revoke_everything(ledger::Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                               UtcTime time, UtcTime now) {
    const std::string& id = issuer.id();
    if (time > now)
        return fail("time: a compromise in the future cannot be recorded");
    auto count = ledger.count(id);
    if (!count)
        return tl::unexpected<Error>(count.error());
    // Read in portions that stay well below what one look at the ledger may return.
    unsigned bits = 0;
    while (bits < limits::page_bits && (*count >> bits) > limits::page_records / 4)
        ++bits;

    ledger::Ledger::ImportSource source;
    source.issuer = id;
    source.name = "ca-compromise";
    source.file = "the ledger itself";
    source.carries_status = true;
    source.as_of = now;
    const auto produce = [&](const ledger::Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        std::uint64_t line = 0;
        for (std::uint32_t portion = 0; portion >> bits == 0; ++portion) {
            auto certificates = ledger.page(id, bits, portion);
            if (!certificates)
                return tl::unexpected<Error>(certificates.error());
            for (const auto& certificate : *certificates) {
                if (certificate.status && !on_hold(certificate.status))
                    continue;
                ledger::Ledger::Entry entry{
                    certificate.serial, certificate.not_after, certificate.hash, true, {}, ++line};
                entry.status = Revocation{certificate.status ? certificate.status->time : time,
                                          CrlReason::ca_compromise, std::nullopt};
                if (auto taken = take(entry); !taken)
                    return tl::unexpected<Error>(taken.error());
            }
        }
        return crypto::sha256(as_bytes(fmt::format("{} {} {}", id, to_unix(now), line)));
    };
    auto report = ledger.import(source, produce);
    if (!report)
        return report;
    auto noted = ledger.append_audit(
        "ca-compromise",
        fmt::format(R"({{"issuer":"{}","time":"{}","revoked":{}}})", id, to_iso8601(time), report->revoked));
    if (!noted)
        return fail("audit log", noted.error());
    return report;
}

}  // namespace eightbells::signer
