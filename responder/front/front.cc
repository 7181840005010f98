#include "responder/front/front.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "responder/front/limits.h"
#include "responder/front/listening_sockets.h"
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

Result<std::unique_ptr<Front>> Front::start(const config::Config& config, const Clock& clock,
                                            std::vector<GivenSocket> given, std::function<void()> loaded) {
    auto issuers = Issuers::load(config.issuers);
    if (!issuers)
        return tl::unexpected(issuers.error());
    std::vector<std::string> names;
    for (const config::Issuer& issuer : config.issuers)
        names.push_back(issuer.name);

    std::unique_ptr<Front> front(new Front(config, clock));
    // What cannot be made or locked is tried again, or done without, by the loader.
    std::error_code ignored;
    std::filesystem::create_directories(config.front.data, ignored);
    const bool alone = front->claim_.take();
    if (!alone && given.empty()) {
        return fail(
            fmt::format("{}: another front runs on this data folder; one that is to take its place gets "
                        "its listening sockets from a service manager",
                        config.front.data.string()));
    }
    front->metrics_ = std::make_shared<metrics::FrontMetrics>(names, Answering::fault_names());
    front->health_ = std::make_unique<Health>(names);
    front->paths_ = std::make_unique<OcspPaths>(config.front.ocsp_prefixes);
    if (config.front.memory_limit > 0) {
        front->pool_ =
            std::make_shared<cache::PagePool>(std::size_t{config.front.memory_limit} * 1024 * 1024);
        front->pages_ =
            std::make_unique<PageReader>(config.front.data / cache::page_file_name, *front->metrics_, clock);
    }
    std::optional<int> given_private;
    std::erase_if(given, [&](const GivenSocket& socket) {
        const bool is_private = socket.name == metrics_socket_name && !given_private;
        if (is_private)
            given_private = socket.fd;
        return is_private;
    });
    if (const Status opened = front->open_workers(config.front, given, empty_state(*issuers)); !opened)
        return tl::unexpected(opened.error());
    if (const Status opened = front->open_private(config.front.metrics, given_private); !opened)
        return tl::unexpected(opened.error());

    const auto to_workers = [self = front.get()](const std::shared_ptr<const FrontState>& state) {
        for (const auto& worker : self->workers_)
            worker->give(state);
    };
    front->loader_ =
        std::make_unique<Loader>(Loader::Settings{config.front.data, config.front.store_keys,
                                                  config.front.store_key_files, front->pool_},
                                 Loader::Parts{.store = store_of(config.store),
                                               .issuers = *issuers,
                                               .publish = to_workers,
                                               .loaded = std::move(loaded),
                                               .answer = [self = front.get()] { self->begin_to_answer(); },
                                               .alone = alone,
                                               .claim = front->claim_,
                                               .health = *front->health_,
                                               .metrics = *front->metrics_,
                                               .clock = clock});
    if (alone)
        front->private_thread_ = std::thread([self = front.get()] { self->private_loop_->run(); });
    front->loader_thread_ = std::thread([self = front.get()] { self->loader_->run(); });
    return front;
}

// Not beside a front that answers already, whose private listener this one's may share.
void Front::begin_to_answer() {
    const std::lock_guard lock(answering_mutex_);
    if (answering_ || leaving_)
        return;
    answering_ = true;
    if (!private_thread_.joinable())
        private_thread_ = std::thread([this] { private_loop_->run(); });
    for (const auto& worker : workers_)
        worker->start();
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

Status Front::open_workers(const config::Front& settings, const std::vector<GivenSocket>& given,
                           const std::shared_ptr<const FrontState>& state) {
    const unsigned count =
        settings.workers != 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
    auto sockets = given.empty() ? open_sockets(settings.listen, count) : deal_sockets(given, count);
    if (!sockets)
        return fail(given.empty() ? "front.listen" : "given sockets", sockets.error());
    addresses_ = std::move(sockets->addresses);
    const auto limits = limits_of(settings);
    if (!limits)
        return tl::unexpected(limits.error());
    const auto signers = SignerPlaces::of(settings);
    if (!signers)
        return tl::unexpected(signers.error());
    for (ListeningSockets& own : sockets->of_worker) {
        auto worker = Worker::open(std::move(own), {.paths = *paths_,
                                                    .metrics = *metrics_,
                                                    .signers = *signers,
                                                    .pool = pool_.get(),
                                                    .pages = pages_.get(),
                                                    .limits = *limits,
                                                    .clock = clock_,
                                                    .state = state});
        if (!worker)
            return fail("front.listen", worker.error());
        workers_.push_back(*std::move(worker));
    }
    return {};
}

Status Front::open_private(const std::string& address, std::optional<int> given) {
    auto loop = Loop::open([this] {
        if (private_leaves_)
            private_->stop_accepting();
        if (private_ends_)
            private_loop_->end();
    });
    if (!loop)
        return tl::unexpected(loop.error());
    private_loop_ = *std::move(loop);
    metrics::PrivateListener::Answers answers;
    answers.metrics = metrics_;
    answers.ready = [this] { return health_->readiness(clock_.steady()); };
    private_given_ = given.has_value();
    auto listener = given
                        ? metrics::PrivateListener::adopt(private_loop_->base(), *given, std::move(answers))
                        : metrics::PrivateListener::open(private_loop_->base(), address, std::move(answers));
    if (!listener)
        return fail("front.metrics", listener.error());
    private_ = *std::move(listener);
    refresh_ = std::make_unique<Ticker>(*private_loop_, limits::gauge_refresh, [this] { refresh_gauges(); });
    return {};
}

void Front::refresh_gauges() {
    const metrics::Readiness readiness = health_->readiness(clock_.steady());
    metrics_->ready().set(readiness.ready);
    metrics_->page_pool_bytes().set(pool_ == nullptr ? 0 : pool_->octets());
    for (std::size_t i = 0; i < readiness.issuers.size(); ++i)
        metrics_->issuer_ready(i).set(readiness.issuers[i].ready);
    metrics_->live_connected().set(
        std::ranges::any_of(workers_, [](const auto& worker) { return worker->live_connected(); }));
}

// The loader first, and when it has ended the claim: whoever waits for it finds in the page file all that was
// ever shown here.
void Front::drain() {
    health_->set_leaving();
    bool answering = false;
    {
        const std::lock_guard lock(answering_mutex_);
        leaving_ = true;
        answering = answering_;
    }
    loader_->stop();
    loader_thread_.join();
    claim_.give_up();
    if (!answering)
        return;
    if (private_given_) {
        private_leaves_ = true;
        private_loop_->wake();
    }
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
