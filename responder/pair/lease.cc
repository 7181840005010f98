#include "responder/pair/lease.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>

#include "responder/pair/limits.h"

namespace eightbells::pair {

namespace {
std::string new_term() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}
}  // namespace

Lease::Lease(std::unique_ptr<cache::SharedWord> word, std::string name, const Clock& clock)
    : word_(std::move(word)), name_(std::move(name)), clock_(clock), since_(clock.steady()) {}

Lease::~Lease() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void Lease::run() {
    thread_ = std::thread{[this] {
        while (true) {
            look();
            std::unique_lock lock{mutex_};
            wake_.wait_for(lock, limits::lease_look, [this] { return stopping_ || soon_; });
            soon_ = false;
            if (stopping_)
                return;
        }
    }};
}

void Lease::look() {
    std::unique_lock lock{mutex_};
    if (own_)
        look_at_ours(lock);
    else
        look_at_others(lock);
    lock.unlock();
    written_.notify_all();
}

// The store is asked without the lock: it may take a second.
std::optional<std::string> Lease::exchange(std::unique_lock<std::mutex>& lock, const std::string& expected,
                                           const std::string& next) {
    lock.unlock();
    auto stands = word_->exchange(expected, next);
    lock.lock();
    if (!stands && reached_)
        spdlog::warn("lease: {}", stands.error().message);
    reached_ = stands.has_value();
    return stands ? std::optional{std::move(*stands)} : std::nullopt;
}

void Lease::look_at_ours(std::unique_lock<std::mutex>& lock) {
    const auto asked_at = clock_.steady();
    Claim next = *own_;
    ++next.beat;
    next.epoch = epoch_;
    next.alone = want_alone_;
    const std::string text = to_text(next);
    writes_alone_ = next.alone;
    auto stands = exchange(lock, to_text(*own_), text);
    if (stands && *stands != text) {
        const auto claim = claim_from_text(*stands);
        // While we surely hold it nobody can have taken it: it is the store that has gone back.
        const bool gone_back = claim && claim->epoch < own_->epoch && leads_ && clock_.steady() < until_;
        if (claim && claim->term != own_->term && !gone_back) {
            spdlog::critical("lease: \"{}\" leads now: this signer publishes and acknowledges nothing more",
                             claim->holder);
            own_.reset();
            leads_ = given_up_ = false;
            note(*claim);
            seen_ = std::move(*stands);
            since_ = clock_.steady();
            return;
        }
        // Gone, garbage, or an older one out of a dump or a replica.
        stays_ = false;
        stands = exchange(lock, *stands, text);
    }
    if (!stands || *stands != text)
        return;  // out of reach, or somebody came between: the next look tells
    stays_ = stays_ && (own_->alone || !next.alone) && own_->epoch == next.epoch;
    own_ = next;
    last_claim_ = next;
    until_ = asked_at + limits::lease_lasts - limits::lease_margin;
    if (!stays_)
        make_it_stay(lock);
}

void Lease::make_it_stay(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    const auto stays = word_->replicated(limits::lease_replicated);
    lock.lock();
    stays_ = stays && *stays;
    if (stays_)
        epoch_stands_ = own_->epoch;
    if (stays_ && !std::exchange(leads_, true))
        spdlog::warn("lease: this signer, \"{}\", leads now", name_);
    soon_ = !stays_;  // somebody waits for it
    if (soon_ && !std::exchange(told_, true))
        spdlog::warn("lease: it does not stand in the store's replicas yet{}",
                     stays ? "" : ": " + stays.error().message);
    told_ = soon_;
}

void Lease::look_at_others(std::unique_lock<std::mutex>& lock) {
    auto stands = exchange(lock, seen_, seen_);
    if (!stands || *stands != seen_) {
        since_ = clock_.steady();  // while it is out of reach nobody can renew it either
        if (!stands)
            return;
        seen_ = std::move(*stands);
        const auto now_claimed = claim_from_text(seen_);
        given_up_ =
            now_claimed && now_claimed->over && (!last_claim_ || last_claim_->term == now_claimed->term);
        if (now_claimed)
            note(*now_claimed);
    }
    const auto claim = claim_from_text(seen_);
    const Candidate candidate = candidate_ ? candidate_() : Candidate{};
    if (claim && claim->holder != name_ && (claim->alone || candidate.leader_heard))
        may_lack_ = claim->alone;
    if (!may_take(candidate))
        return;
    // Whoever had it with the other one in step, had it so; of a word that is gone nothing is known.
    const bool alone = !claim || claim->alone || may_lack_;
    const auto asked_at = clock_.steady();
    const Claim next{name_, new_term(), ++epoch_, 1, alone, false};
    const auto now_stands = exchange(lock, seen_, to_text(next));
    if (now_stands != to_text(next))
        return;
    if (claim && claim->holder != name_)
        spdlog::warn("lease: taken from \"{}\"", claim->holder);
    own_ = next;
    last_claim_ = next;
    want_alone_ = alone;
    writes_alone_ = alone;
    leads_ = stays_ = false;
    epoch_stands_ = 0;
    may_lack_ = false;
    ordered_ = false;
    until_ = asked_at + limits::lease_lasts - limits::lease_margin;
    make_it_stay(lock);
}

// A store that failed over may bring an older claim back: its epoch has been published under all the same.
void Lease::note(const Claim& claim) {
    last_claim_ = claim;
    epoch_ = std::max(epoch_, claim.epoch);
}

bool Lease::may_take(const Candidate& candidate) const {
    const auto claim = claim_from_text(seen_);
    const bool lapsed = clock_.steady() - since_ >= limits::lease_lasts || given_up_;
    if (!lapsed || !candidate.has_ledger)
        return false;
    if (may_lack_)
        return ordered_;
    return claim || !candidate.leader_heard;
}

void Lease::seek(std::function<Candidate()> candidate) {
    const std::scoped_lock lock{mutex_};
    candidate_ = std::move(candidate);
}

void Lease::order() {
    const std::scoped_lock lock{mutex_};
    ordered_ = true;
}

bool Lease::taken() const {
    const std::scoped_lock lock{mutex_};
    return own_ && leads_;
}

bool Lease::holds() const {
    const std::scoped_lock lock{mutex_};
    return own_ && leads_ && clock_.steady() < until_;
}

std::string Lease::holder() const {
    const std::scoped_lock lock{mutex_};
    return last_claim_ && !last_claim_->over ? last_claim_->holder : std::string{};
}

bool Lease::reached() const {
    const std::scoped_lock lock{mutex_};
    return reached_;
}

bool Lease::alone() const {
    const std::scoped_lock lock{mutex_};
    return own_ ? own_->alone : may_lack_;
}

bool Lease::go_alone(std::chrono::milliseconds at_most) {
    std::unique_lock lock{mutex_};
    want_alone_ = true;
    // What is being written at this moment counts as well.
    const auto may = [this] {
        return own_ && own_->alone && leads_ && writes_alone_ && stays_ && clock_.steady() < until_;
    };
    if (may())
        return true;
    soon_ = true;
    wake_.notify_all();
    return written_.wait_for(lock, at_most, may);
}

std::uint64_t Lease::epoch() const {
    const std::scoped_lock lock{mutex_};
    return epoch_;
}

bool Lease::publishes_under(std::uint64_t epoch, std::chrono::milliseconds at_most) {
    std::unique_lock lock{mutex_};
    const auto may = [&] { return own_ && leads_ && epoch_stands_ >= epoch && clock_.steady() < until_; };
    if (!own_ || epoch_stands_ >= epoch)
        return may();
    epoch_ = std::max(epoch_, epoch);
    soon_ = true;
    wake_.notify_all();
    return written_.wait_for(lock, at_most, may);
}

void Lease::together_again() {
    const std::scoped_lock lock{mutex_};
    want_alone_ = false;
}

void Lease::give_up() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
    std::unique_lock lock{mutex_};
    if (!own_)
        return;
    Claim last = *own_;
    last.over = true;
    static_cast<void>(exchange(lock, to_text(*own_), to_text(last)));  // else it lapses by itself
    own_.reset();
}

}  // namespace eightbells::pair
