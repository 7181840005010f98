#include "responder/pair/follower.h"

#include <spdlog/spdlog.h>

#include "cache/copy.h"
#include "cache/until_stopped.h"
#include "responder/pair/limits.h"

namespace eightbells::pair {

Follower::Follower(Settings settings, const Secret& secret, Pages pages, const Clock& clock)
    : settings_(std::move(settings)), secret_(secret), pages_(std::move(pages)), clock_(clock) {}

Result<std::unique_ptr<Follower>> Follower::start(Settings settings, const Secret& secret, Pages pages,
                                                  const Clock& clock) {
    std::unique_ptr<Follower> follower{new Follower(std::move(settings), secret, std::move(pages), clock)};
    std::error_code error;
    if (std::filesystem::exists(follower->settings_.ledger, error)) {
        if (auto opened = follower->open_ledger(); !opened)
            return tl::unexpected<Error>(opened.error());
    }
    auto opened = cache::PageFile::open(follower->pages_.file, cache::PageFile::Access::write);
    if (!opened)
        return fail("page file", opened.error());
    follower->page_file_ = std::move(*opened);
    follower->following_ = std::thread{[one = follower.get()] { one->follow(); }};
    follower->copying_ = std::thread{[one = follower.get()] { one->copy_pages(); }};
    return follower;
}

Follower::~Follower() {
    stopping_ = true;
    if (following_.joinable())
        following_.join();
    if (copying_.joinable())
        copying_.join();
}

Status Follower::open_ledger() {
    auto opened = ledger::Ledger::open(settings_.ledger, false, clock_);
    if (!opened)
        return fail("ledger", opened.error());
    ledger_ = std::move(*opened);
    if (auto kept = ledger_->journal().keep(); !kept)
        return fail("ledger", kept.error());
    const std::scoped_lock lock{mutex_};
    has_ledger_ = true;
    return {};
}

Lease::Candidate Follower::candidate() const {
    const std::scoped_lock lock{mutex_};
    return {has_ledger_, heard_at_ && clock_.steady() - *heard_at_ < limits::pair_heard};
}

void Follower::rest(std::chrono::milliseconds time) const {
    const auto until = std::chrono::steady_clock::now() + time;
    while (!stopping_ && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::min(time, limits::pair_turn));
}

void Follower::follow() {
    while (!stopping_) {
        auto channel = Channel::connect(settings_.peer, secret_);
        Status went;
        if (channel)
            went = talk(**channel);
        else
            went = tl::unexpected<Error>(channel.error());
        coming_.reset();
        if (!went && went.error().message != told_) {
            told_ = went.error().message;
            spdlog::warn("pair: {}", told_);
        }
        rest(limits::pair_reconnect);
    }
}

Status Follower::talk(Channel& channel) {
    channel.end_when(stopping_);
    Hello hello{settings_.name};
    if (ledger_ && !wants_copy_) {
        auto place = ledger_->journal().place();
        if (!place)
            return tl::unexpected<Error>(place.error());
        hello.place = *place;
    }
    if (auto said = channel.send(hello); !said)
        return said;
    auto beat_at = clock_.steady();
    auto silent_since = clock_.steady();
    while (!stopping_) {
        auto message = channel.receive(limits::pair_turn);
        if (!message)
            return tl::unexpected<Error>(message.error());
        const auto now = clock_.steady();
        if (*message) {
            silent_since = now;
            told_.clear();
            {
                const std::scoped_lock lock{mutex_};
                heard_at_ = now;
            }
            if (auto taken = take(channel, std::move(**message)); !taken)
                return taken;
        } else if (now - silent_since > limits::pair_silence) {
            return fail("the other signer has been silent for too long");
        }
        if (now - beat_at < limits::pair_beat)
            continue;
        beat_at = now;
        if (auto said = channel.send(Beat{}); !said)
            return said;
    }
    return {};
}

Status Follower::take(Channel& channel, Message message) {
    if (const auto* record = std::get_if<Record>(&message); record != nullptr && ledger_) {
        // Crash before the record is durable here: it is not confirmed, and comes again.
        if (auto done = ledger_->journal().replay(record->record); !done) {
            wants_copy_ = true;
            return done;
        }
        return channel.send(Done{record->record.number});
    }
    if (const auto* piece = std::get_if<Piece>(&message)) {
        if (!coming_) {
            auto begun = CopiedLedger::begin(settings_.ledger);
            if (!begun)
                return tl::unexpected<Error>(begun.error());
            coming_.emplace(std::move(*begun));
        }
        return coming_->add(piece->octets);
    }
    if (const auto* copied = std::get_if<Copied>(&message); copied != nullptr && coming_)
        return install(copied->digest);
    return std::holds_alternative<Beat>(message) ? Status{}
                                                 : fail("the other signer says what is not its to say");
}

Status Follower::install(const crypto::Sha256Digest& digest) {
    const bool had = ledger_ != nullptr;
    {
        const std::scoped_lock lock{mutex_};
        has_ledger_ = false;
    }
    ledger_.reset();
    auto installed = coming_->install(digest);
    coming_.reset();
    std::error_code ignored;
    if (std::filesystem::exists(settings_.ledger, ignored)) {
        if (auto opened = open_ledger(); !opened)
            return opened;
    }
    if (!installed)
        return installed;
    wants_copy_ = false;
    if (had)
        spdlog::error(
            "pair: this signer's ledger had gone another way than the one that leads, or was too far behind; "
            "it has a copy of that one now, and its own is kept as {}: it may hold events that are in no "
            "other (README, \"Two signers\", says how they are found)",
            set_aside(settings_.ledger).string());
    return fail("the ledger was copied from the other signer");
}

void Follower::copy_pages() {
    std::string told;
    cache::UntilStopped store{*pages_.store, stopping_};
    while (!stopping_) {
        std::string trouble;
        for (const std::string& issuer : pages_.issuers) {
            if (auto copied = cache::mirror(store, *page_file_, issuer, pages_.trusted); !copied)
                trouble = copied.error().message;
        }
        if (trouble != told && !trouble.empty() && !stopping_)
            spdlog::warn("pair: what is published cannot be copied: {}", trouble);
        told = trouble;
        rest(limits::pair_pages);
    }
}

}  // namespace eightbells::pair
