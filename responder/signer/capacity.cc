#include "responder/signer/capacity.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "responder/ledger/index_line.h"
#include "responder/signer/limits.h"
#include "responder/signer/signer.h"

namespace eightbells::signer {

bool Capacity::enough() const noexcept {
    return share <= limits::signing_share;
}

Result<Capacity> measure_capacity(const std::vector<Refreshed>& issuers, Press& press,
                                  metrics::SignerMetrics& metrics, const Clock& clock) {
    Capacity all;
    double largest = 0;
    std::string arithmetic;
    for (std::size_t i = 0; i < issuers.size(); ++i) {
        const auto& [identity, certificates] = issuers[i];
        const config::Issuer& settings = identity->settings;
        auto capacity = press.measure_capacity(identity, clock);
        if (!capacity)
            return fail(fmt::format("issuer \"{}\": the key does not sign", settings.name), capacity.error());
        const std::size_t hashes = identity->profiles.size();
        const double demand =
            static_cast<double>(certificates * hashes) / static_cast<double>(settings.refresh.count());
        metrics.signing_capacity(identity->index).set(*capacity);
        metrics.signing_demand(identity->index).set(demand);
        all.share += demand / *capacity;
        if (demand / *capacity > largest) {
            largest = demand / *capacity;
            all.most = i;
        }
        arithmetic += fmt::format(
            "\n  issuer \"{}\": {} certificates x {} CertID hashes / {} s = {:.1f} signatures a second of "
            "{:.0f}",
            settings.name, certificates, hashes, settings.refresh.count(), demand, *capacity);
    }
    all.text = all.enough()
                   ? fmt::format("refreshing takes {:.2f} % of the measured signing rate", all.share * 100)
                   : fmt::format(
                         "refreshing would take {:.0f} % of the measured signing rate, more than "
                         "{:.0f} %: raise `refresh` and `validity`, or give the signer more cores",
                         all.share * 100, limits::signing_share * 100);
    all.text += arithmetic;
    return all;
}

Status check_capacity(const std::vector<std::shared_ptr<const Identity>>& identities, ledger::Ledger& ledger,
                      Press& press, metrics::SignerMetrics& metrics, const Clock& clock) {
    std::vector<Refreshed> refreshed;
    for (const auto& identity : identities) {
        const auto count = ledger.count(identity->issuer.id());
        if (!count)
            return fail("ledger", count.error());
        refreshed.push_back({identity, *count});
    }
    const auto capacity = measure_capacity(refreshed, press, metrics, clock);
    if (!capacity)
        return tl::unexpected<Error>(capacity.error());
    if (!capacity->enough())
        return fail(capacity->text);
    spdlog::info("{}", capacity->text.substr(0, capacity->text.find('\n')));
    return {};
}

namespace {

// Every line that is no comment is a certificate. What is wrong with one, an import says.
Result<std::uint64_t> count_lines(const std::filesystem::path& index) {
    std::ifstream file(index);
    std::uint64_t count = 0;
    for (std::string line; std::getline(file, line);)
        count += line.empty() || ledger::is_index_comment(line) ? 0 : 1;
    if (!file.eof())
        return fail(fmt::format("{}: {}", index.string(), std::strerror(errno)));
    return count;
}

}  // namespace

Result<std::optional<std::uint64_t>> known_certificates(const config::Config& config,
                                                        const Identity& identity) {
    std::error_code error;
    if (const auto file = config.signer.data / ledger_name; std::filesystem::exists(file, error)) {
        auto count = ledger::Ledger::count_in(file, identity.issuer.id());
        if (!count || *count)
            return count;
    }
    if (identity.settings.index.empty() || !std::filesystem::exists(identity.settings.index, error))
        return std::nullopt;
    const auto lines = count_lines(identity.settings.index);
    if (!lines)
        return tl::unexpected<Error>(lines.error());
    return std::optional{*lines};
}

}  // namespace eightbells::signer
