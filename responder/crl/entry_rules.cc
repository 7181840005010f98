#include "responder/crl/entry_rules.h"

#include <fmt/format.h>

#include "responder/crl/distribution_point.h"

namespace eightbells::crl {

namespace {

constexpr std::array<std::string_view, 4> texts{
    "F-08: reasonCode is critical", "F-08: reasonCode says unspecified; it must be left out then",
    "F-08: reasonCode is missing, which CA certificates must have", "F-10: invalidityDate is critical"};

std::string place(const CrlEntry& entry, std::uint64_t position) {
    return fmt::format("entry {} (serial {})", position, entry.serial.to_hex());
}

// TLS BR 7.2.2: for certificates of subscribers 1, 3, 4, 5 and 9; a CA's key may be compromised as well.
bool is_tls_reason(CrlReason reason, bool covers_cas) {
    switch (reason) {
        case CrlReason::key_compromise:
        case CrlReason::affiliation_changed:
        case CrlReason::superseded:
        case CrlReason::cessation_of_operation:
        case CrlReason::privilege_withdrawn:
            return true;
        case CrlReason::ca_compromise:
            return covers_cas;
        default:
            return false;
    }
}

}  // namespace

EntryRules::EntryRules(const CrlView& crl, const CrlPolicy& policy)
    : policy_(policy),
      public_trust_(crypto::is_public_trust(policy.scheme)),
      covers_cas_(covers_cas(crl, policy)),
      delta_(crl.is_delta) {}

Status EntryRules::depart(Kind kind, const CrlEntry& entry, std::uint64_t position) {
    if (public_trust_)
        return fail(fmt::format("CRL: {}: {}", place(entry, position), texts[kind]));
    Seen& seen = seen_[kind];
    // A remark about a CRL that is right goes to the log of every day, where no serial stands (G-17).
    if (seen.times++ == 0)
        seen.first = fmt::format("entry {}", position);
    return {};
}

Status EntryRules::check(const CrlEntry& entry, std::uint64_t position) {
    const auto refuse = [&](std::string_view why) {
        return fail(fmt::format("CRL: {}: {}", place(entry, position), why));
    };
    Status status;
    if (entry.reason_critical)
        status = depart(reason_critical, entry, position);
    if (status && entry.reason_spelled_unspecified)
        status = depart(reason_spelled, entry, position);
    if (status && entry.invalidity_date_critical)
        status = depart(invalidity_critical, entry, position);
    if (!status)
        return status;
    const auto reason = entry.revocation.reason;
    if (!reason)
        return covers_cas_ ? depart(reason_missing, entry, position) : Status{};
    if (*reason == CrlReason::remove_from_crl && delta_)
        return {};
    if (*reason == CrlReason::certificate_hold && (public_trust_ || covers_cas_)) {
        return refuse(covers_cas_ ? "F-09: certificateHold of a CA certificate"
                                  : "F-09: certificateHold is forbidden by this profile");
    }
    if (policy_.scheme == crypto::Scheme::tls_br && !is_tls_reason(*reason, covers_cas_))
        return refuse(fmt::format("F-08: reasonCode {} is not one that TLS certificates may have",
                                  static_cast<int>(*reason)));
    return {};
}

void EntryRules::tell() const {
    if (policy_.warnings == nullptr)
        return;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        if (seen_[kind].times != 0)
            policy_.warnings->push_back(fmt::format("CRL: {}: {}, and {} more", seen_[kind].first,
                                                    texts[kind], seen_[kind].times - 1));
    }
}

}  // namespace eightbells::crl
