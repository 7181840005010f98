#include "responder/signer/feeds.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>

#include "responder/signer/limits.h"
#include "responder/signer/same_file.h"

namespace eightbells::signer {

namespace {
// What a poller waits for; "no" where the import never comes to run.
struct Verdict {
    std::promise<bool> accepted;
    bool given = false;
    void give(bool yes) {
        given = true;
        accepted.set_value(yes);
    }
    ~Verdict() {
        if (!given)
            accepted.set_value(false);
    }
};
}  // namespace

Feeds::Feeds(std::vector<FedIssuer> issuers, ledger::Ledger& ledger, CrlGate& gate, FeedListener& listener,
             const Clock& clock)
    : issuers_(std::move(issuers)), ledger_(ledger), gate_(gate), listener_(listener), clock_(clock) {
    const auto watch = [&](std::size_t issuer, Kind kind, const std::filesystem::path& path) {
        if (path.empty())
            return;
        File file;
        file.issuer = issuer;
        file.kind = kind;
        file.path = path;
        files_.push_back(std::move(file));
    };
    for (std::size_t i = 0; i < issuers_.size(); ++i) {
        watch(i, Kind::list, issuers_[i].settings.issued);
        watch(i, Kind::index, issuers_[i].settings.index);
    }
    crl_sources_ = std::make_unique<CrlSources>(
        issuers_, gate_,
        [this](const FedIssuer& issuer, const ledger::ImportReport& report) {
            listener_.on_imported(issuer.issuer.id(), "crl", report);
        },
        clock_);
    for (const FedIssuer& issuer : issuers_) {
        for (const auto& crl : issuer.settings.crls()) {
            if (!crl.url.empty())
                poll(issuer, crl);
        }
    }
}

// What a poller brings is judged on the feeds' thread, where imports take turns.
void Feeds::poll(const FedIssuer& issuer, const config::ImportedCrl& crl) {
    const auto on_feeds_thread = [this](Import import) {
        auto verdict = std::make_shared<Verdict>();
        auto known = verdict->accepted.get_future();
        Done done = [verdict](const Result<ledger::ImportReport>& report) {
            verdict->give(report.has_value());
        };
        verdict.reset();
        enqueue(std::move(import), std::move(done));
        return known.get();
    };
    CrlPoller::Hooks hooks;
    hooks.offer = [this, &issuer, crl, on_feeds_thread](CrlGate::Offer offer) {
        return on_feeds_thread([this, &issuer, crl, offer] {
            auto report = gate_.take(issuer, crl, offer);
            if (report)
                listener_.on_imported(issuer.issuer.id(), "crl", *report);
            return report;
        });
    };
    hooks.refuse = [this, &issuer, crl, on_feeds_thread](const CrlGate::Offer& offer, const Error& why) {
        on_feeds_thread([this, &issuer, crl, offer, why]() -> Result<ledger::ImportReport> {
            gate_.refuse(issuer, crl, offer, why);
            return tl::unexpected<Error>(why);
        });
    };
    pollers_.push_back(std::make_unique<CrlPoller>(crl, gate_.scratch(), std::move(hooks)));
}

// As the ledger names it.
std::string Feeds::source_of(const File& file) {
    return file.kind == Kind::index ? "index" : "list:" + file.path.filename().string();
}

Feeds::~Feeds() {
    stop();
}

void Feeds::stop() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
        imports_.clear();
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
    for (const auto& poller : pollers_)
        poller->stop();
}

void Feeds::start() {
    thread_ = std::thread{[this] { loop(); }};
    for (const auto& poller : pollers_)
        poller->start();
}

bool Feeds::look_once() {
    bool changed = false;
    for (auto& file : files_)
        changed = look(file) || changed;
    // Lists and index first: they know the end dates of what a CRL only lists.
    return crl_sources_->look_once() || changed;
}

bool Feeds::look(File& file) {
    const auto& issuer = issuers_[file.issuer];
    const std::string source = source_of(file);
    const UtcTime now = clock_.now();  // before the look: the file speaks for this moment, not a later one
    struct ::stat facts {};
    if (::stat(file.path.c_str(), &facts) != 0) {
        const Error error{fmt::format("{}: {}", file.path.string(), std::strerror(errno))};
        if (file.last_refusal != error.message) {
            file.last_refusal = error.message;
            listener_.on_refused(issuer.issuer.id(), source, error);
        }
        return false;
    }
    if (file.taken && same_file(*file.taken, facts)) {
        if (!file.refused) {
            if (file.kind == Kind::index) {
                const std::scoped_lock lock{mutex_};
                confirmed_[issuer.issuer.id()] = now;
            }
            if (file.kind == Kind::index && now - file.confirmed >= limits::feed_confirm) {
                file.confirmed = now;
                if (auto noted = ledger_.confirm(issuer.issuer.id(), source, now); !noted) {
                    spdlog::error("ledger: {}", noted.error().message);
                }
            }
            if (file.kind != Kind::index || clock_.steady() - file.tried < limits::feed_reconciled)
                return false;
        }
        if (file.refused && clock_.steady() - file.tried < limits::feed_retry)
            return false;
    }
    file.taken = facts;
    file.tried = clock_.steady();
    return take_up(file);
}

Result<ledger::ImportReport> Feeds::import(const File& file, UtcTime now) {
    const auto& issuer = issuers_[file.issuer];
    if (file.kind == Kind::index)
        return ledger::import_index(ledger_, issuer.issuer, file.path, now);
    if (S_ISDIR(file.taken->st_mode))
        return ledger::import_folder(ledger_, issuer.issuer, file.path, now);
    return file.path.extension() == ".csv"
               ? ledger::import_csv(ledger_, issuer.issuer, file.path, now)
               : ledger::import_json_lines(ledger_, issuer.issuer, file.path, now);
}

bool Feeds::take_up(File& file) {
    const std::string& id = issuers_[file.issuer].issuer.id();
    const UtcTime now = clock_.now();
    const auto report = import(file, now);
    const std::string source = source_of(file);
    file.refused = !report.has_value();
    if (!report) {
        if (file.last_refusal != report.error().message)
            listener_.on_refused(id, source, report.error());
        file.last_refusal = report.error().message;
        return false;
    }
    file.last_refusal.clear();
    file.confirmed = now;
    if (file.kind == Kind::index) {
        const std::scoped_lock lock{mutex_};
        confirmed_[id] = now;
    }
    listener_.on_imported(id, source, *report);
    return true;
}

std::optional<UtcTime> Feeds::as_of(const std::string& issuer) {
    const auto found =
        std::ranges::find_if(issuers_, [&](const FedIssuer& fed) { return fed.issuer.id() == issuer; });
    // Fed by lists and events alone, without heartbeats: the ledger itself is the register, current at any
    // moment.
    if (found != issuers_.end() && found->settings.index.empty() && !found->settings.heartbeat &&
        std::ranges::none_of(found->settings.crls(), &config::ImportedCrl::is_fetched)) {
        return clock_.now();
    }
    std::optional<UtcTime> seen;
    {
        const std::scoped_lock lock{mutex_};
        if (const auto confirmed = confirmed_.find(issuer); confirmed != confirmed_.end())
            seen = confirmed->second;
    }
    auto known = ledger_.as_of(issuer);
    if (!known) {
        spdlog::error("ledger: {}", known.error().message);
        return seen;
    }
    if (found != issuers_.end())
        seen = std::max(seen, as_of_parts(issuer, found->settings));
    return std::max(seen, *known);
}

// CRLs that each cover a part of the certificates speak for all of them as of the oldest.
std::optional<UtcTime> Feeds::as_of_parts(const std::string& issuer, const config::Issuer& settings) {
    std::optional<UtcTime> oldest;
    const auto sources = ledger_.sources(issuer);
    for (const auto& crl : settings.crls()) {
        if (crl.distribution_point.empty() || !crl.delta_of.empty())
            continue;
        const auto spoke = sources ? std::ranges::find(*sources, "crl:" + crl.path, &ledger::Source::name)
                                   : std::vector<ledger::Source>::const_iterator{};
        if (!sources || spoke == sources->end())
            return std::nullopt;
        oldest = oldest ? std::min(*oldest, spoke->as_of) : spoke->as_of;
    }
    return oldest;
}

bool Feeds::enqueue(Import import, Done done) {
    {
        const std::scoped_lock lock{mutex_};
        if (stopping_ || imports_.size() >= limits::control_imports_waiting + limits::polled_crls)
            return false;
        imports_.emplace_back(std::move(import), std::move(done));
    }
    wake_.notify_all();
    return true;
}

void Feeds::loop() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        wake_.wait_for(lock, limits::feed_poll, [this] { return stopping_ || !imports_.empty(); });
        if (stopping_)
            break;
        if (!imports_.empty()) {
            auto [import, done] = std::move(imports_.front());
            imports_.pop_front();
            lock.unlock();
            done(import());
        } else {
            lock.unlock();
            look_once();
        }
        lock.lock();
    }
}

}  // namespace eightbells::signer
