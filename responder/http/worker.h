#ifndef EIGHTBELLS_RESPONDER_HTTP_WORKER_H
#define EIGHTBELLS_RESPONDER_HTTP_WORKER_H

#include <event2/event_struct.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "responder/base/clock.h"
#include "responder/http/buffers.h"
#include "responder/http/client_table.h"
#include "responder/http/counters.h"
#include "responder/http/limits.h"
#include "responder/http/listener.h"
#include "responder/http/request_reader.h"
#include "responder/http/response_head.h"

namespace eightbells::http {

class Connection;
struct Chain;

// A connection's place in a chain of them; both null: in none. Intrusive, so that moving costs no allocation.
struct Link {
    Connection* previous = nullptr;
    Connection* next = nullptr;
    Chain* chain = nullptr;
};
// The connections that share something, in the order they came to it.
struct Chain {
    Connection* first = nullptr;
    Connection* last = nullptr;
};
// Which of a connection's links a function is about.
void append(Chain& chain, Connection& connection, Link Connection::*link) noexcept;
void remove(Connection& connection, Link Connection::*link) noexcept;

// What came from a connection that had sent nothing before. Answered together with what came from others.
struct Received {
    Connection* connection = nullptr;
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    // How far it has been read: the first request, or what there is of it.
    RequestReader::Step step = RequestReader::Step::more;
    std::optional<std::size_t> foreseen;  // the number that Handler::foresee had for it
    Output answers;
};

// What the connections of one listener share. All waits of one kind are equally long, so a chain in order of
// their beginning is in order of their end: setting a time-out is moving to the end of a chain, and one timer
// looks at the fronts.
struct Worker {
    Worker(event_base* loop, const ConnectionLimits& bounds, Handler& answers, const Clock& time);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void tick() noexcept;  // reads the clock, ends what has waited too long
    // `peer`: where it comes from; absent: no IP address, which nothing is counted by.
    void take_connection(int fd, const std::optional<IpAddress>& peer) noexcept;
    // One connection more for the client, as far as clients are counted. `false`: it has too many already.
    bool enter(ClientKey client) noexcept { return !clients || clients->enter(client); }
    void leave(ClientKey client) noexcept {
        if (clients)
            clients->leave(client);
    }
    void wait(Connection& connection, Wait kind) noexcept;
    // Gives the connection a turn after the others have had theirs.
    void resume_later(Connection& connection) noexcept;
    // Takes what was received into input(): it is answered when the loop is through with its batch of events,
    // or when as much waits as may wait.
    void answer_later(Connection& connection, std::size_t size) noexcept;
    // Reads all that was received, then answers it, then sends the answers: step by step for all, since each
    // step's instructions only just fit into the cache nearest the core. Whoever may end a connection that
    // has not received just now calls this first, so that none ends waiting.
    void answer_received() noexcept;
    // Where the next octets go, input_octets at most: behind those that wait.
    std::uint8_t* input() const noexcept { return input_memory_.get() + input_used_; }
    void bury_the_dead() noexcept;  // connections are freed only when none of their code runs
    void finish_all() noexcept;     // see Listener::stop_accepting

    event_base* base;
    Handler& handler;
    const Clock& clock;
    ConnectionLimits limits;
    ReaderLimits reader_limits;
    WireCounters counters;
    BufferPool pool;
    std::optional<ClientTable> clients;  // absent: no limit by address
    KnownHeaders known_headers;
    Moment moment;
    std::chrono::steady_clock::time_point steady_now;

    // Where one turn's bytes pass through. Hot in the cache, because all connections use the same.
    std::size_t input_octets;
    Output output;
    std::size_t foreseen = 0;          // requests of those that wait
    std::size_t file_octets_left = 0;  // that may go out in this turn of the loop

    Chain all;
    Chain dead;
    Chain resumed;
    std::array<Chain, wait_count> waits;
    std::array<std::chrono::milliseconds, wait_count> durations;
    event resume_event{};
    bool stopping = false;  // every answer is a connection's last

  private:
    void resume_those_waiting() noexcept;
    void resume_soon() noexcept;
    void send_answers(std::span<Received> answered) noexcept;
    std::unique_ptr<std::uint8_t[]> output_memory_;
    std::unique_ptr<std::uint8_t[]> input_memory_;
    std::size_t input_used_ = 0;
    std::array<Received, eightbells::limits::http_ahead> received_;
    std::size_t received_count_ = 0;
    bool answered_ = false;       // since files last had their turn
    std::size_t file_turns_ = 1;  // in how many turns' worth they had it
    event answer_event_{};
    bool answer_due_ = false;  // answer_event_ is on its way
};

}  // namespace eightbells::http

#endif
