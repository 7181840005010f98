#include "responder/http/worker.h"

#include <event2/event.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "responder/http/connection.h"
#include "responder/http/limits.h"

namespace eightbells::http {

void append(Chain& chain, Connection& connection, Link Connection::*link) noexcept {
    Link& own = connection.*link;
    own = {chain.last, nullptr, &chain};
    if (chain.last != nullptr)
        (chain.last->*link).next = &connection;
    else
        chain.first = &connection;
    chain.last = &connection;
}

void remove(Connection& connection, Link Connection::*link) noexcept {
    Link& own = connection.*link;
    if (own.chain == nullptr)
        return;
    (own.previous != nullptr ? (own.previous->*link).next : own.chain->first) = own.next;
    (own.next != nullptr ? (own.next->*link).previous : own.chain->last) = own.previous;
    own = {};
}

Worker::Worker(event_base* loop, const ConnectionLimits& bounds, Handler& answers, const Clock& time)
    : base(loop),
      handler(answers),
      clock(time),
      limits(bounds),
      reader_limits{bounds.target_octets, bounds.header_octets, bounds.body_octets},
      // All of one request, and room to read the framing of a chunked body into.
      input_octets(std::bit_ceil(reader_limits.request_octets() + 4096)),
      durations{bounds.idle,
                bounds.header,
                bounds.write,
                eightbells::limits::http_answer_wait,
                eightbells::limits::http_drain_wait,
                eightbells::limits::http_last_request},
      output_memory_(std::make_unique_for_overwrite<std::uint8_t[]>(eightbells::limits::http_output_octets)),
      input_memory_(std::make_unique_for_overwrite<std::uint8_t[]>(2 * input_octets)) {
    if (bounds.connections_per_address != 0)
        clients.emplace(bounds.connections, bounds.connections_per_address);
    output = {output_memory_.get(), 0, eightbells::limits::http_output_octets};
    evtimer_assign(
        &resume_event, base,
        [](evutil_socket_t, short, void* self) noexcept {
            static_cast<Worker*>(self)->resume_those_waiting();
        },
        this);
    evtimer_assign(
        &answer_event_, base,
        [](evutil_socket_t, short, void* self) noexcept {
            auto& worker = *static_cast<Worker*>(self);
            worker.answer_due_ = false;
            worker.answer_received();
            worker.bury_the_dead();
        },
        this);
    moment.set(clock.now());
    steady_now = clock.steady();
}

Worker::~Worker() {
    while (all.first != nullptr)
        all.first->close();
    bury_the_dead();
    event_del(&resume_event);
    event_del(&answer_event_);
}

void Worker::answer_later(Connection& connection, std::size_t size) noexcept {
    constexpr std::size_t cache_line = 64;
    Received& received = received_[received_count_++];
    received.connection = &connection;
    received.data = input();
    received.size = size;
    received.foreseen.reset();
    input_used_ += (size + cache_line - 1) / cache_line * cache_line;
    if (received_count_ == received_.size() || input_used_ > input_octets) {
        answer_received();
    } else if (!answer_due_) {
        // Stands in the loop's queue behind all events that it has found with this one.
        answer_due_ = true;
        event_active(&answer_event_, EV_TIMEOUT, 0);
    }
}

// In one go from the first request that is foreseen to the last answer: the handler serves the listeners of
// other addresses as well, whose requests must not come in between.
void Worker::answer_received() noexcept {
    // One look for all that came together. That of the last tick would do for dates, but a state published
    // since then would be judged by a time before it was signed.
    if (received_count_ != 0)
        moment.set(clock.now());
    const std::span<Received> all_received{received_.data(), received_count_};
    for (Received& one : all_received)
        one.connection->read_received(one);
    std::size_t answered = 0;
    const Output whole = output = {output_memory_.get(), 0, eightbells::limits::http_output_octets};
    for (std::size_t sent = 0; answered != received_count_;) {
        Received& one = received_[answered++];
        one.connection->answer_received(one);
        one.answers = output;
        output = output.rest();
        if (answered == received_count_ || output.capacity < eightbells::limits::http_answer_room) {
            send_answers(all_received.subspan(sent, answered - sent));
            sent = answered;
            output = whole;
        }
    }
    answered_ = answered_ || answered != 0;
    received_count_ = input_used_ = foreseen = 0;
}

void Worker::send_answers(std::span<Received> answered) noexcept {
    for (const Received& one : answered) {
        output = one.answers;
        one.connection->send_answers();
    }
}

void Worker::tick() noexcept {
    answer_received();
    moment.set(clock.now());
    steady_now = clock.steady();
    counters.buffer_octets.subtract(counters.buffer_octets.value() - pool.octets_in_use());
    for (std::size_t kind = 0; kind < wait_count; ++kind) {
        Chain& chain = waits[kind];
        const auto oldest = steady_now - durations[kind];
        while (chain.first != nullptr && chain.first->wait_since <= oldest) {
            Connection& connection = *chain.first;
            remove(connection, &Connection::in_wait);
            counters.timeouts[kind].add();
            connection.time_out(static_cast<Wait>(kind));
        }
    }
    bury_the_dead();
}

void Worker::take_connection(int fd, const std::optional<IpAddress>& peer) noexcept {
    const auto stands_in = [&](const std::vector<Network>& networks) {
        return peer && std::ranges::any_of(networks, [&](const Network& one) { return one.contains(*peer); });
    };
    const bool header_due = stands_in(limits.proxy_protocol_from);
    std::optional<ClientKey> client;
    if (peer && !header_due && !stands_in(limits.trusted_proxies))
        client = client_key(*peer);
    if (client && !enter(*client)) {
        counters.refused_by_address.add();
        ::close(fd);
        return;
    }
    auto* connection = new (std::nothrow) Connection(*this, fd, client, header_due);
    if (connection == nullptr && client)
        leave(*client);
    if (connection == nullptr || !connection->start()) {
        counters.accept_failures.add();
        if (connection == nullptr)
            ::close(fd);
        else
            connection->close();
        bury_the_dead();
    }
}

void Worker::wait(Connection& connection, Wait kind) noexcept {
    Chain& chain = waits[static_cast<std::size_t>(kind)];
    if (connection.in_wait.chain == &chain && connection.wait_since == steady_now)
        return;  // on a busy connection nearly always
    remove(connection, &Connection::in_wait);
    connection.wait_since = steady_now;
    append(chain, connection, &Connection::in_wait);
}

void Worker::resume_later(Connection& connection) noexcept {
    if (connection.in_resumed.chain != nullptr)
        return;
    append(resumed, connection, &Connection::in_resumed);
    resume_soon();
}

void Worker::resume_soon() noexcept {
    // A timer of no length runs after the loop has looked at the sockets once more: that is what makes it
    // fair.
    if (!evtimer_pending(&resume_event, nullptr)) {
        const timeval at_once{0, 0};
        evtimer_add(&resume_event, &at_once);
    }
}

void Worker::resume_those_waiting() noexcept {
    answer_received();  // those who ask for little do not wait for those who ask for much
    file_turns_ = std::exchange(answered_, false)
                      ? 1
                      : std::min(2 * file_turns_, eightbells::limits::http_file_turns_alone);
    file_octets_left = eightbells::limits::http_file_octets_per_turn * file_turns_;
    std::size_t turns = 0;
    for (const Connection* c = resumed.first; c != nullptr; c = c->in_resumed.next)
        ++turns;
    for (; turns != 0 && resumed.first != nullptr && file_octets_left != 0; --turns) {
        Connection& connection = *resumed.first;
        remove(connection, &Connection::in_resumed);
        connection.resume();
    }
    if (resumed.first != nullptr)
        resume_soon();
    bury_the_dead();
}

void Worker::bury_the_dead() noexcept {
    while (dead.first != nullptr) {
        Connection* const connection = dead.first;
        remove(*connection, &Connection::in_all);
        delete connection;
    }
}

void Worker::finish_all() noexcept {
    stopping = true;
    answer_received();
    for (Connection* c = all.first; c != nullptr;) {
        Connection* const next = c->in_all.next;
        c->finish();
        c = next;
    }
    bury_the_dead();
}

}  // namespace eightbells::http
