#include <fmt/format.h>

#include <algorithm>

#include "responder/base/durable_file.h"
#include "responder/crl/crl.h"
#include "responder/crl/limits.h"
#include "responder/ledger/import.h"
#include "responder/ledger/limits.h"

namespace eightbells::ledger {

namespace {

Result<std::optional<crl::CrlVersion>> version_of(const std::optional<Bytes>& der) {
    if (!der)
        return std::nullopt;
    const auto view = crl::parse_crl(*der);
    if (!view)
        return fail("the CRL that is served now", view.error());
    return crl::CrlVersion{Bytes(view->crl_number.begin(), view->crl_number.end()), view->this_update,
                           crypto::sha256(*der)};
}

}  // namespace

Result<CrlImport> import_crl(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                             const std::filesystem::path& file, UtcTime now,
                             const std::optional<Bytes>& served_now, crypto::Scheme scheme) {
    auto bytes = read_file(file, limits::crl_octets);
    if (!bytes)
        return fail(bytes.error().message);
    auto der = crl::to_der(std::move(*bytes));
    if (!der)
        return fail(file.string(), der.error());
    const auto view = crl::parse_crl(*der);
    if (!view)
        return fail(file.string(), view.error());
    const auto served = version_of(served_now);
    if (!served)
        return fail(served.error().message);
    std::vector<std::string> warnings;
    crl::CrlPolicy policy;
    policy.scheme = scheme;
    policy.warnings = &warnings;
    if (auto status = crl::check_crl(*view, *der, issuer, now, *served, policy); !status)
        return fail(file.string(), status.error());

    Ledger::ImportSource source;
    source.issuer = issuer.id();
    source.name = "crl";
    source.file = file.string();
    source.as_of = std::min(view->this_update, now);
    source.carries_status = true;
    source.absence_releases = view->issuing_distribution_point.empty();
    source.repeats_tolerated = true;
    source.issue_unknown = true;
    source.place = [&](std::uint64_t line) {
        return line == 0 ? file.string() : fmt::format("{}: entry {}", file.string(), line);
    };
    auto report = ledger.import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        std::uint64_t position = 0;
        auto read = crl::for_each_entry(*view, [&](const crl::CrlEntry& entry) -> Status {
            return take({entry.serial, std::nullopt, std::nullopt, true, entry.revocation, ++position});
        });
        if (!read)
            return fail(read.error().message);
        return crypto::sha256(*der);
    });
    if (!report)
        return fail(report.error().message);
    for (std::string& warning : warnings) {
        if (report->warnings.size() < limits::import_warnings)
            report->warnings.push_back(file.string() + ": " + warning);
    }
    return CrlImport{std::move(*report), std::move(*der)};
}

}  // namespace eightbells::ledger
