#include "responder/pair/leader.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "responder/pair/copied_ledger.h"
#include "responder/pair/limits.h"

namespace eightbells::pair {

namespace {

// From now on the ledger gives epochs above whatever the one that led before may still be writing.
Status rise_above(ledger::Ledger& ledger, const Lease& lease) {
    auto epoch = ledger.take_epoch(0);
    if (epoch && lease.epoch() > *epoch)
        epoch = ledger.take_epoch(std::min(lease.epoch(), *epoch + limits::epochs_believed));
    return epoch ? Status{} : tl::unexpected<Error>(epoch.error());
}

}  // namespace

Result<std::unique_ptr<Leader>> Leader::start(Settings settings, const Secret& secret, ledger::Ledger& ledger,
                                              Lease& lease, Seen seen, tls::Refusals::Count refused,
                                              const Clock& clock) {
    if (auto kept = ledger.journal().keep(); !kept)
        return tl::unexpected<Error>(kept.error());
    if (auto risen = rise_above(ledger, lease); !risen)
        return tl::unexpected<Error>(risen.error());
    auto listener = Listener::open(settings.listen);
    if (!listener)
        return tl::unexpected<Error>(listener.error());
    Descriptor wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!wake.open())
        return fail("out of file descriptors");
    std::unique_ptr<Leader> leader{new Leader(std::move(settings), secret, ledger, lease, std::move(seen),
                                              std::move(refused), clock, std::move(*listener),
                                              std::move(wake))};
    leader->tell();
    leader->thread_ = std::thread{[one = leader.get()] { one->loop(); }};
    ledger.journal().listen({[one = leader.get()] { ::eventfd_write(one->wake_.get(), 1); },
                             [one = leader.get()](std::uint64_t number) { return one->confirm(number); }});
    return leader;
}

Leader::Leader(Settings settings, const Secret& secret, ledger::Ledger& ledger, Lease& lease, Seen seen,
               tls::Refusals::Count refused, const Clock& clock, Listener listener, Descriptor wake)
    : settings_(std::move(settings)),
      secret_(secret),
      ledger_(ledger),
      journal_(ledger.journal()),
      lease_(lease),
      seen_(std::move(seen)),
      clock_(clock),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      refusals_(to_string(settings_.listen), std::move(refused)) {}

Leader::~Leader() {
    journal_.listen({});
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    done_.notify_all();
    ::eventfd_write(wake_.get(), 1);
    if (thread_.joinable())
        thread_.join();
}

bool Leader::leads() const {
    {
        const std::scoped_lock lock{mutex_};
        if (connected_ && in_step_ && clock_.steady() - heard_at_ < limits::pair_heard)
            return true;
    }
    return lease_.holds();
}

Status Leader::confirm(std::uint64_t number) {
    {
        std::unique_lock lock{mutex_};
        if (in_step_) {
            const bool has = done_.wait_for(lock, limits::pair_confirmation, [&] {
                return acknowledged_ >= number || !in_step_ || stopping_;
            });
            if (has && acknowledged_ >= number && in_step_)
                return {};
            if (stopping_)
                return fail("this signer ends; send it again");
            in_step_ = false;
        }
        alone_up_to_ = std::max(alone_up_to_, number);
    }
    // First "alone" in the lease, then the acknowledgement: should this signer be lost in between, the other
    // one knows that it may lack something.
    const bool was_alone = lease_.alone();
    if (!lease_.go_alone(limits::pair_alone)) {
        tell();
        return fail(
            "neither the other signer nor the lease in the store confirms that this signer still leads; it "
            "is not acknowledged: send it again, here or to the other signer");
    }
    if (!was_alone)
        spdlog::error("pair: \"{}\" acknowledges alone: the other signer does not confirm", settings_.name);
    tell();
    return {};
}

void Leader::tell() {
    bool in_step = false;
    {
        const std::scoped_lock lock{mutex_};
        in_step = connected_ && in_step_;
        // confirm() may have come to the lease after the other one had caught up.
        if (in_step)
            lease_.together_again();
    }
    seen_(in_step, lease_.alone());
}

void Leader::loop() {
    auto told_at = clock_.steady();
    while (!stopping_) {
        wait_and_accept();
        if (clock_.steady() - told_at >= limits::pair_beat) {
            told_at = clock_.steady();
            tell();
        }
        if (!channel_ || stopping_)
            continue;
        auto went = wants_copy_ ? send_copy() : send_what_is_new();
        if (went)
            went = hear();
        if (!went)
            drop(went.error());
    }
}

void Leader::drop(const Error& why) {
    spdlog::warn("pair: {}", why.message);
    channel_.reset();
    {
        const std::scoped_lock lock{mutex_};
        connected_ = false;
    }
    tell();
}

// Until there is something to do, or a turn has passed.
void Leader::wait_and_accept() {
    std::array<pollfd, 3> looked{{{wake_.get(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}, {-1, POLLIN, 0}}};
    if (channel_)
        looked[2].fd = channel_->fd();
    ::poll(looked.data(), looked.size(), static_cast<int>(limits::pair_turn.count()));
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    if ((looked[1].revents & POLLIN) == 0)
        return;
    // The newest counts: an older one may be what a partition has left of it.
    if (Descriptor socket = listener_.accept(settings_.peer.host, refusals_); socket.open())
        greet(std::move(socket));
}

void Leader::greet(Descriptor socket) {
    auto channel = Channel::accept(std::move(socket), secret_, refusals_);
    if (!channel)
        return;  // told of
    (*channel)->end_when(stopping_);
    auto first = (*channel)->receive(limits::pair_handshake);
    const Hello* hello = first && *first ? std::get_if<Hello>(&**first) : nullptr;
    if (hello == nullptr)
        return turn_away(first ? "the other signer has not said who it is" : first.error().message);
    if (hello->name == settings_.name)
        return turn_away(
            fmt::format("the other signer is called \"{}\" too: give each a name of its own", hello->name));
    const auto reached = hello->place ? journal_.after(*hello->place)
                                      : Result<std::optional<std::vector<ledger::Journal::Record>>>{};
    if (!reached)
        return turn_away(reached.error().message);
    told_.clear();
    channel_ = std::move(*channel);
    wants_copy_ = !hello->place || !*reached;
    spdlog::info("pair: \"{}\" follows{}", hello->name, wants_copy_ ? "; it gets a copy of the ledger" : "");
    beat_at_ = {};
    silent_since_ = clock_.steady();
    if (!wants_copy_)
        sent_ = *hello->place;
    {
        const std::scoped_lock lock{mutex_};
        connected_ = true;
        heard_at_ = clock_.steady();
        if (wants_copy_)
            in_step_ = false;
    }
    if (!wants_copy_)
        on_done(sent_.number);
    tell();
}

// It comes again twice a second.
void Leader::turn_away(const std::string& why) {
    if (std::exchange(told_, why) != why)
        spdlog::error("pair: {}", why);
}

Status Leader::send_what_is_new() {
    if (clock_.steady() - beat_at_ >= limits::pair_beat) {
        beat_at_ = clock_.steady();
        if (auto sent = channel_->send(Beat{}); !sent)
            return sent;
    }
    auto records = journal_.after(sent_);
    if (!records)
        return tl::unexpected<Error>(records.error());
    if (!*records) {
        wants_copy_ = true;
        return send_copy();
    }
    for (auto& record : **records) {
        sent_ = ledger::Journal::next(sent_, record.changes);
        if (auto sent = channel_->send(Record{std::move(record)}); !sent)
            return sent;
    }
    if (!(*records)->empty())
        ::eventfd_write(wake_.get(), 1);  // there may be more
    return {};
}

// It comes again with the place that it has then.
Status Leader::send_copy() {
    // It takes the place of the other's ledger, which may hold what was acknowledged since this one was
    // deposed without knowing it.
    if (!lease_.holds())
        return fail("the other signer needs a copy of the ledger, and gets it when this one surely leads");
    const std::filesystem::path file = settings_.ledger.string() + ".copy";
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    auto sent = journal_.copy_to(file);
    if (sent) {
        const auto digest = for_each_piece(file, [&](Bytes piece) {
            return stopping_ ? Status{fail("this signer ends")} : channel_->send(Piece{std::move(piece)});
        });
        sent = digest ? channel_->send(Copied{*digest}) : Status{tl::unexpected<Error>(digest.error())};
    }
    std::filesystem::remove(file, ignored);
    if (!sent)
        return sent;
    wants_copy_ = false;
    return fail("the other signer has its copy of the ledger and comes again");
}

Status Leader::hear() {
    while (true) {
        auto message = channel_->receive(std::chrono::milliseconds{0});
        if (!message)
            return tl::unexpected<Error>(message.error());
        if (!*message)
            break;
        silent_since_ = clock_.steady();
        {
            const std::scoped_lock lock{mutex_};
            heard_at_ = silent_since_;
        }
        if (const auto* done = std::get_if<Done>(&**message))
            on_done(done->number);
        else if (!std::holds_alternative<Beat>(**message))
            return fail("the other signer says what is not its to say");
    }
    if (clock_.steady() - silent_since_ > limits::pair_silence)
        return fail("the other signer has been silent for too long");
    return {};
}

void Leader::on_done(std::uint64_t number) {
    bool again = false;
    {
        // Read outside the lock, and before: what is written meanwhile is waited for.
        const auto end = journal_.place();
        const std::scoped_lock lock{mutex_};
        acknowledged_ = number;
        if (!in_step_ && end && *end && number >= (*end)->number && number >= alone_up_to_) {
            in_step_ = true;
            again = true;
            lease_.together_again();
        }
    }
    done_.notify_all();
    if (again) {
        spdlog::info("pair: the other signer is in step");
        tell();
    }
}

}  // namespace eightbells::pair
