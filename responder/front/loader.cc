#include "responder/front/loader.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "responder/front/gauges.h"
#include "responder/front/limits.h"
#include "responder/front/store_keys.h"

namespace eightbells::front {
namespace {

Status make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
        return fail("making the folder " + folder.string() + ": " + error.message());
    return {};
}

bool has_head(const cache::IssuerSnapshot& snapshot) noexcept {
    return snapshot.head().version > cache::Version{};
}

std::uint64_t missing_pages(const cache::IssuerSnapshot& snapshot) noexcept {
    return snapshot.pages_total() -
           std::min(snapshot.pages_total(), snapshot.pages_loaded() + snapshot.pages_stale());
}

metrics::SyncResult result_of(const Result<cache::SyncReport>& report) noexcept {
    if (!report)
        return metrics::SyncResult::failed;
    if (report->behind)
        return metrics::SyncResult::behind;
    return report->advanced ? metrics::SyncResult::advanced : metrics::SyncResult::unchanged;
}

}  // namespace

Loader::Loader(Settings settings, Parts parts)
    : settings_(std::move(settings)), parts_(std::move(parts)), copies_(parts_.issuers->size()) {}

Loader::~Loader() = default;

void Loader::run() noexcept {
    started_ = parts_.clock.steady();
    bool loaded = false;
    while (!stopping_) {
        if (own_ == nullptr) {
            const Status opened = open();
            say(said_at_start_, opened ? std::string{} : opened.error().message, "start");
            if (!opened) {
                answer();  // with tryLater: it may last, and nobody learns anything by waiting for it
                pause(limits::start_pause);
                continue;
            }
        }
        if (!std::exchange(loaded, true)) {
            load();
            if (parts_.loaded)
                parts_.loaded();
        }
        if (!answer()) {
            pause(limits::claim_poll);
            continue;
        }
        const auto began = std::chrono::steady_clock::now();
        const bool keeping = std::ranges::any_of(copies_, &Copy::keeping);
        pass(keeping ? std::chrono::milliseconds{0} : limits::sync_pause);
        // Notices may come in any number, and a store that is away answers at once.
        const auto took = std::chrono::steady_clock::now() - began;
        if (took < limits::sync_pause_min)
            pause(std::chrono::ceil<std::chrono::milliseconds>(limits::sync_pause_min - took));
    }
    keep_rest();
}

// Who starts next begins with it.
void Loader::keep_rest() {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        const auto& replica = copies_[i].replica;
        if (const Status kept = replica ? replica->keep_rest() : Status{}; !kept)
            spdlog::warn("{}: {}", label(i), kept.error().message);
    }
}

// True from the moment on in which nobody else answers: the claim is ours, and what was shown before is
// known.
bool Loader::answer() {
    if (answering_)
        return true;
    const bool waited = !parts_.alone;
    if (!parts_.claim.take())
        return false;
    answering_ = true;
    if (waited && own_ != nullptr)
        catch_up();
    if (parts_.answer)
        parts_.answer();
    return true;
}

void Loader::stop() noexcept {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
}

void Loader::pause(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, wait, [this] { return stopping_.load(); });
}

std::string Loader::label(std::size_t issuer) const {
    return "issuer \"" + (*parts_.issuers)[issuer].settings.name + "\"";
}

// Each change once, so that an outage is two lines and not a flood.
void Loader::say(std::string& said, const std::string& trouble, const std::string& about) {
    if (said == trouble)
        return;
    if (trouble.empty())
        spdlog::info("{}: all right again", about);
    else
        spdlog::warn("{}: {}", about, trouble);
    said = trouble;
}

// --- what must be there to begin

Status Loader::open() {
    if (trusted_.empty()) {
        auto keys = read_store_keys(settings_.store_keys, settings_.store_key_files);
        if (!keys)
            return tl::unexpected(keys.error());
        trusted_ = *std::move(keys);
    }
    if (Status made = make_folder(settings_.data / "crl"); !made)
        return made;
    if (Status opened = open_own_file(); !opened)
        return opened;
    make_replicas();
    return {};
}

Status Loader::open_own_file() {
    const auto path = settings_.data / cache::page_file_name;
    auto opened = cache::PageFile::open(path, cache::PageFile::Access::write);
    if (!opened && parts_.claim.take() && ++own_failures_ >= limits::own_file_attempts &&
        fault_is_the_files_own()) {
        spdlog::error("{}", opened.error().message);
        set_own_file_aside();
        opened = cache::PageFile::open(path, cache::PageFile::Access::write);
    }
    if (!opened)
        return tl::unexpected(opened.error());
    own_failures_ = 0;
    own_ = *std::move(opened);
    return {};
}

// Want of a permission, of a descriptor or of space is not cured by a new file, and this one is not to blame
// for it.
bool Loader::fault_is_the_files_own() const {
    const auto probe = settings_.data / "probe.db";
    const bool works = cache::PageFile::open(probe, cache::PageFile::Access::write).has_value();
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm"})
        std::filesystem::remove(probe.string() + end, ignored);
    return works;
}

// Kept for whoever wants to know what happened; the one before it is dropped, so that they do not fill the
// disk.
void Loader::set_own_file_aside() {
    const std::string path = (settings_.data / cache::page_file_name).string();
    std::error_code ignored;
    for (const char* end : {"-wal", "-shm", ""})
        std::filesystem::rename(path + end, path + ".damaged" + end, ignored);
    spdlog::error("page file {}: set aside as {}.damaged; it is made anew from the store", path, path);
}

// The store is there and yet no pass succeeds. If the own page file is at fault, the next one is begun by
// run().
void Loader::doubt_own_file() {
    if (const Status sound = own_->check_integrity(); sound || !fault_is_the_files_own())
        return;
    for (Copy& copy : copies_)
        copy.replica.reset();
    own_.reset();
    set_own_file_aside();
}

void Loader::make_replicas() {
    for (std::size_t i = 0; i < copies_.size(); ++i) {
        Copy& copy = copies_[i];
        const std::string& id = (*parts_.issuers)[i].identity.id();
        copy.anew = copy.shown != nullptr && has_head(*copy.shown);
        // What is served stays the floor, also where the page file that kept it had to be given up.
        if (copy.anew)
            if (const Status raised = own_->raise_floor(id, copy.shown->head().version); !raised)
                say(copy.said, raised.error().message, label(i));
        copy.replica =
            std::make_unique<cache::Replica>(id, trusted_, *own_, settings_.data / "crl", settings_.pool);
    }
}

// --- load, catch up and pass

void Loader::load() {
    for (std::size_t i = 0; i < copies_.size() && !stopping_; ++i) {
        Copy& copy = copies_[i];
        const cache::SyncReport report =
            copy.replica->load([this, i](auto snapshot) { show(i, std::move(snapshot)); });
        copy.settled = report.head_seen && report.rejected == 0;
        count_rejected(parts_.metrics, i, report);
        if (report.rejected > 0)
            say(copy.said, report.first_rejection, label(i));
        show(i, copy.replica->snapshot());
        judge_loaded(i);
        spdlog::info("{}: {} answers from the own page file", label(i), copy.shown->records());
    }
    ::malloc_trim(0);  // what a large set passed through: three hundredths of it
}

// After our load the front before us has shown more, and its page file has it: nobody is to see that taken
// back.
void Loader::catch_up() {
    const auto written =
        cache::PageFile::open(settings_.data / cache::page_file_name, cache::PageFile::Access::read);
    for (std::size_t i = 0; i < copies_.size() && !stopping_; ++i) {
        Copy& copy = copies_[i];
        const auto report =
            written ? copy.replica->sync(**written, {}) : tl::unexpected<Error>(written.error());
        if (!report)
            spdlog::error("{}: catching up with the front before: {}", label(i), report.error().message);
        if (const auto snapshot = copy.replica->snapshot(); snapshot != copy.shown)
            show(i, snapshot);
    }
}

void Loader::pass(std::chrono::milliseconds wait) {
    // Only a hint, and its errors are none: what is wrong with the store shows below.
    if (const auto notice = parts_.store->wait_notice(wait); !notice)
        pause(wait);
    for (std::size_t i = 0; i < copies_.size() && !stopping_ && own_ != nullptr; ++i)
        sync(i);
}

void Loader::want_lost(Copy& copy) {
    const auto now = parts_.clock.steady();
    if (copy.wanted_lost && now - *copy.wanted_lost < limits::lost_pages_pause)
        return;
    copy.wanted_lost = now;
    copy.replica->want_lost();
}

void Loader::sync(std::size_t issuer) {
    Copy& copy = copies_[issuer];
    want_lost(copy);
    const auto began = parts_.clock.steady();
    const auto report = copy.replica->sync(*parts_.store, [this, issuer](auto snapshot) {
        // All of it, which only our own disk does not have yet: nobody need wait for that.
        copies_[issuer].settled = snapshot->complete();
        show(issuer, std::move(snapshot));
        judge_loaded(issuer);
    });
    const auto now = parts_.clock.steady();
    if (report && report->head_seen)
        copy.settled = true;
    if (const auto snapshot = copy.replica->snapshot(); snapshot != copy.shown)
        show(issuer, snapshot);
    judge_loaded(issuer);
    copy.lagging = is_lagging(issuer, report);
    parts_.health.set_lagging(issuer, copy.lagging, now);
    const bool kept = std::exchange(copy.keeping, report && report->keeping) && !copy.keeping;
    say(copy.said, trouble_of(report), label(issuer));

    if (kept || (report && report->fetched >= limits::much_fetched))
        ::malloc_trim(0);  // as after load()

    metrics::FrontMetrics& metrics = parts_.metrics;
    metrics.syncs(result_of(report)).add();
    metrics.sync_duration().observe(now - began);
    metrics.behind(issuer).set(copy.lagging || (report && report->behind));
    metrics.store_reachable().set(report.has_value());
    if (report) {
        metrics.store_last_success().set(parts_.clock.now());
        count_rejected(metrics, issuer, *report);
        metrics.pages_mended(issuer).add(report->mended);
        if (report->mended > 0)
            spdlog::warn("{}: {} pages, damaged or missing in the own page file, were fetched anew",
                         label(issuer), report->mended);
    }
    copy.failures = !report && copy.lagging ? copy.failures + 1 : 0;
    if (copy.failures >= limits::own_file_doubts) {
        copy.failures = 0;
        doubt_own_file();
    }
}

std::string Loader::trouble_of(const Result<cache::SyncReport>& report) const {
    if (!report)
        return report.error().message;
    if (report->rejected > 0)
        return report->first_rejection;
    if (!report->head_seen)
        return parts_.store->name() + ": has no head";
    return report->not_kept;
}

// Behind for a reason that lies here. A blob that is missing or did not verify is the store's fault, and
// every front has it. After an error the head alone is looked at: where that can be read and is newer, the
// trouble is with our own disk.
bool Loader::is_lagging(std::size_t issuer, const Result<cache::SyncReport>& report) {
    const Copy& copy = copies_[issuer];
    if (report)
        return report->head_seen && report->behind && report->rejected == 0;
    const std::string name = cache::head_name((*parts_.issuers)[issuer].identity.id());
    const auto blobs = parts_.store->fetch({&name, 1});
    if (!blobs || blobs->empty() || !blobs->front())
        return copy.lagging;  // the store is away: nothing new is known
    const auto head = cache::parse_head(*blobs->front(), trusted_);
    const cache::Version served = copy.shown != nullptr ? copy.shown->head().version : cache::Version{};
    return head && head->version > served;
}

// Held once, but for the few pages that a store may have lost: they are tryLater and an alarm, here as on any
// other front.
void Loader::judge_loaded(std::size_t issuer) {
    const Copy& copy = copies_[issuer];
    if (copy.settled && has_head(*copy.shown) &&
        missing_pages(*copy.shown) * limits::ready_missing_share <= copy.shown->pages_total())
        parts_.health.set_loaded(issuer);
}

// --- to the workers

void Loader::show(std::size_t issuer, std::shared_ptr<const cache::IssuerSnapshot> snapshot) {
    Copy& copy = copies_[issuer];
    // A large set takes its time: what is there of it is answered from.
    if (parts_.alone && parts_.clock.steady() - started_ > limits::load_patience)
        answer();
    if (copy.anew && (!has_head(*snapshot) || missing_pages(*snapshot) > missing_pages(*copy.shown)))
        return;
    copy.anew = false;
    copy.shown = std::move(snapshot);
    auto crls = open_crls(issuer);
    if (crls != copy.crls) {
        // A new CRL is shown when every worker answers from what was published with it: no worker may hand
        // out the CRL while another still says good for one of its entries (C-09).
        const auto before = published_;
        publish();
        await_taken(before);
    }
    copy.crls = std::move(crls);
    set_gauges(parts_.metrics, issuer, *copy.shown, copy.crls);
    publish();
}

// A worker drops the state before when it takes the next, in well below a millisecond.
void Loader::await_taken(const std::weak_ptr<const FrontState>& before) {
    const auto until = std::chrono::steady_clock::now() + limits::answers_taken;
    while (!before.expired() && !stopping_ && std::chrono::steady_clock::now() < until)
        pause(limits::answers_taken_poll);
}

// Opened here, on the replica's thread: it unlinks a file when a newer snapshot no longer names it. A CRL
// that cannot be opened leaves the one before in its place, which is valid until its own nextUpdate.
std::vector<std::shared_ptr<const CrlFile>> Loader::open_crls(std::size_t issuer) const {
    const Copy& copy = copies_[issuer];
    std::vector<std::shared_ptr<const CrlFile>> crls;
    for (const cache::StoredCrl& stored : copy.shown->crls()) {
        const auto known =
            std::ranges::find(copy.crls, stored.path, [](const auto& crl) { return crl->path; });
        if (known != copy.crls.end() && (*known)->digest == stored.digest) {
            crls.push_back(*known);
            continue;
        }
        auto opened = open_crl(stored);
        if (opened)
            crls.push_back(*std::move(opened));
        else
            spdlog::error("{}: CRL: {}", label(issuer), opened.error().message);
        if (!opened && known != copy.crls.end())
            crls.push_back(*known);
    }
    return crls;
}

void Loader::publish() {
    std::vector<std::shared_ptr<const cache::IssuerSnapshot>> snapshots;
    std::vector<std::vector<std::shared_ptr<const CrlFile>>> crls;
    std::vector<bool> settled;
    for (const Copy& copy : copies_) {
        snapshots.push_back(copy.shown);
        crls.push_back(copy.crls);
        settled.push_back(copy.settled);
    }
    auto state = FrontState::make(parts_.issuers, std::move(snapshots), crls, settled);
    published_ = state;
    parts_.publish(std::move(state));
}

}  // namespace eightbells::front
