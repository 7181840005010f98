#include "responder/front/front.h"

#include <algorithm>
#include <utility>

#include "responder/front/limits.h"
#include "responder/front/store_of.h"

namespace eightbells::front {
namespace {

// How a front knows nothing yet.
std::shared_ptr<const FrontState> empty_state(const std::shared_ptr<const Issuers>& issuers) {
    return FrontState::make(issuers,
                            std::vector<std::shared_ptr<const cache::IssuerSnapshot>>(issuers->size()), {},
                            std::vector<bool>(issuers->size()));
}

}  // namespace

Result<std::unique_ptr<Front>> Front::start(const config::Config& config, const Clock& clock) {
    auto issuers = Issuers::load(config.issuers);
    if (!issuers)
        return tl::unexpected(issuers.error());
    std::vector<std::string> names;
    for (const config::Issuer& issuer : config.issuers)
        names.push_back(issuer.name);

    std::unique_ptr<Front> front(new Front(clock));
    front->metrics_ = std::make_shared<metrics::FrontMetrics>(names, Answering::fault_names());
    front->health_ = std::make_unique<Health>(names);
    front->paths_ = std::make_unique<OcspPaths>(config.front.ocsp_prefixes);
    if (const Status opened = front->open_workers(config.front, empty_state(*issuers)); !opened)
        return tl::unexpected(opened.error());
    if (const Status opened = front->open_private(config.front.metrics); !opened)
        return tl::unexpected(opened.error());

    const auto to_workers = [self = front.get()](const std::shared_ptr<const FrontState>& state) {
        for (const auto& worker : self->workers_)
            worker->give(state);
    };
    front->loader_ = std::make_unique<Loader>(
        Loader::Settings{config.front.data, config.front.store_keys, config.front.store_key_files},
        Loader::Parts{store_of(config.store), *issuers, to_workers, *front->health_, *front->metrics_,
                      clock});
    front->loader_thread_ = std::thread([self = front.get()] { self->loader_->run(); });
    front->private_thread_ = std::thread([self = front.get()] { self->private_loop_->run(); });
    for (const auto& worker : front->workers_)
        worker->start();
    return front;
}

namespace {

Result<std::vector<Network>> networks_of(const std::vector<std::string>& texts) {
    std::vector<Network> networks;
    for (const std::string& text : texts) {
        auto network = parse_network(text);
        if (!network)
            return tl::unexpected(network.error());
        networks.push_back(*network);
    }
    return networks;
}

Result<http::ConnectionLimits> limits_of(const config::Front& settings) {
    http::ConnectionLimits limits;
    limits.connections = settings.connections;
    limits.connections_per_address = settings.connections_per_address;
    auto trusted = networks_of(settings.trusted_proxies);
    if (!trusted)
        return fail("front.trusted_proxies", trusted.error());
    auto with_header = networks_of(settings.proxy_protocol_from);
    if (!with_header)
        return fail("front.proxy_protocol_from", with_header.error());
    limits.trusted_proxies = *std::move(trusted);
    limits.proxy_protocol_from = *std::move(with_header);
    return limits;
}

}  // namespace

Status Front::open_workers(const config::Front& settings, const std::shared_ptr<const FrontState>& state) {
    for (const std::string& text : settings.listen) {
        auto address = http::parse_host_port(text);
        if (!address)
            return fail("front.listen: " + text, address.error());
        addresses_.push_back(*std::move(address));
    }
    const auto limits = limits_of(settings);
    if (!limits)
        return tl::unexpected(limits.error());
    const unsigned count =
        settings.workers != 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) {
        auto worker = Worker::open(addresses_, {.paths = *paths_,
                                                .metrics = *metrics_,
                                                .live_socket = settings.live_socket,
                                                .limits = *limits,
                                                .clock = clock_,
                                                .state = state});
        if (!worker)
            return fail("front.listen", worker.error());
        workers_.push_back(*std::move(worker));
        addresses_ = workers_.back()->addresses();  // a free port is chosen once, by the first
    }
    return {};
}

Status Front::open_private(const std::string& address) {
    auto loop = Loop::open([this] {
        if (private_ends_)
            private_loop_->end();
    });
    if (!loop)
        return tl::unexpected(loop.error());
    private_loop_ = *std::move(loop);
    metrics::PrivateListener::Answers answers;
    answers.metrics = metrics_;
    answers.ready = [this] { return health_->readiness(clock_.steady()); };
    auto listener = metrics::PrivateListener::open(private_loop_->base(), address, std::move(answers));
    if (!listener)
        return fail("front.metrics", listener.error());
    private_ = *std::move(listener);
    refresh_ = std::make_unique<Ticker>(*private_loop_, limits::gauge_refresh, [this] { refresh_gauges(); });
    return {};
}

void Front::refresh_gauges() {
    const metrics::Readiness readiness = health_->readiness(clock_.steady());
    metrics_->ready().set(readiness.ready);
    for (std::size_t i = 0; i < readiness.issuers.size(); ++i)
        metrics_->issuer_ready(i).set(readiness.issuers[i].ready);
    metrics_->live_connected().set(
        std::ranges::any_of(workers_, [](const auto& worker) { return worker->live_connected(); }));
}

void Front::drain() {
    health_->set_leaving();
    loader_->stop();
    for (const auto& worker : workers_)
        worker->drain();
    for (const auto& worker : workers_)
        worker->join();
}

Front::~Front() {
    if (loader_ != nullptr)
        loader_->stop();
    if (loader_thread_.joinable())
        loader_thread_.join();
    if (private_thread_.joinable()) {
        private_ends_ = true;
        private_loop_->wake();
        private_thread_.join();
    }
    // Nobody reads the metrics any more: what is attached to them may go.
    refresh_.reset();
    private_.reset();
    workers_.clear();
}

}  // namespace eightbells::front
