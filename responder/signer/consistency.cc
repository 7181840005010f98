#include "responder/signer/consistency.h"

#include <fmt/format.h>

#include <span>

#include "responder/fetch/fetch.h"
#include "responder/signer/limits.h"
#include "responder/signer/signer.h"

namespace eightbells::signer {

namespace {

std::vector<std::pair<std::string, std::string>> names_of(
    const std::vector<std::shared_ptr<const Identity>>& identities) {
    std::vector<std::pair<std::string, std::string>> names;
    for (const auto& identity : identities)
        names.emplace_back(identity->issuer.id(), identity->settings.name);
    return names;
}

// One OCSP request by POST to one of our own fronts; the body of its 200.
Result<Bytes> ask_front(const std::string& front, Bytes request, const std::function<bool()>& stop) {
    fetch::Fetcher::Settings settings;
    settings.timeout = limits::front_timeout;
    settings.user_agent = "eightbells";
    auto fetcher = fetch::Fetcher::make(std::move(settings));
    if (!fetcher)
        return tl::unexpected<Error>(fetcher.error());
    fetch::Fetch wanted;
    wanted.url = "http://" + front + "/";
    wanted.post = std::move(request);
    wanted.at_most = limits::front_answer_octets;
    Result<Bytes> answer = fail(front + ": not asked");
    const auto take = [&](std::size_t, fetch::Fetched fetched) {
        if (fetched.failure != fetch::Failure::none)
            answer = fail(fmt::format("{}: {}", front, fetched.why));
        else if (fetched.status != 200)
            answer = fail(fmt::format("{}: HTTP {}", front, fetched.status));
        else
            answer = std::move(fetched.body);
    };
    if (auto fetched = fetcher->fetch(std::span{&wanted, 1}, take, stop); !fetched)
        return tl::unexpected<Error>(fetched.error());
    return answer;
}

}  // namespace

Consistency::Consistency(const config::Config& config,
                         const std::vector<std::shared_ptr<const Identity>>& identities,
                         cache::StorePublicKey store_key, ledger::Ledger& ledger,
                         metrics::SignerMetrics& metrics, const Clock& clock)
    : differences_(config.signer.data / "differences.json", names_of(identities), metrics, clock),
      comparer_({page_file_path(config), config.signer.data, config.signer.compare_delay}, identities,
                store_key, ledger, differences_, metrics, clock) {
    for (const auto& identity : identities)
        metrics.last_comparison(identity->index).set(clock.now());  // the first walk is not late yet
    if (config.signer.compare_fronts.empty())
        return;
    fronts_.emplace(FrontComparer::Settings{config.signer.compare_fronts, config.signer.compare_rate,
                                            config.signer.compare_delay},
                    identities, ledger, differences_, ask_front, metrics, clock);
}

void Consistency::start() {
    comparer_.start();
    if (fronts_)
        fronts_->start();
}

void Consistency::published(const std::string& issuer, const std::vector<ledger::Ledger::Change>& changes) {
    std::vector<Serial> serials;
    for (const auto& change : changes) {
        serials.push_back(change.serial);
        if (change.status_change)
            differences_.changed(issuer, change.serial, change.at);
    }
    if (fronts_)
        fronts_->changed(issuer, serials);
}

}  // namespace eightbells::signer
