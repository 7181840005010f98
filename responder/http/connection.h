#ifndef EIGHTBELLS_RESPONDER_HTTP_CONNECTION_H
#define EIGHTBELLS_RESPONDER_HTTP_CONNECTION_H

#include <event2/event_struct.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "responder/http/buffers.h"
#include "responder/http/exchange.h"
#include "responder/http/preconditions.h"
#include "responder/http/request_reader.h"
#include "responder/http/response_head.h"
#include "responder/http/worker.h"

namespace eightbells::http {

// One client's connection. Reads into the worker's memory, answers into the worker's memory, sends with one
// call; only what does not pass in one piece gets memory of its own, and an idle connection has none.
//
// Its life: reading -> (awaiting a Deferred | sending) -> reading ... -> draining -> closed. Whatever ends
// it, `close` does; the worker frees it when its code has returned. Loop's thread only.
class Connection {
  public:
    // `client`: whom it is counted for, left again at the end. `header_due`: the octets begin with a PROXY
    // protocol header, and it is counted for the client named there.
    Connection(Worker& worker, int fd, std::optional<ClientKey> client, bool header_due) noexcept;
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool start() noexcept;
    void resume() noexcept;             // its turn has come again, or there is room for its output
    void time_out(Wait kind) noexcept;  // a wait of that kind is over
    void finish() noexcept;             // the listener stops: end after what has been begun
    void close() noexcept;
    // What the worker has received from it, in three steps (Worker::answer_received).
    void read_received(Received& received) noexcept;
    void answer_received(const Received& received) noexcept;  // into the worker's output
    void send_answers() noexcept;                             // from there, and decides what to wait for

    Link in_all;
    Link in_wait;
    Link in_resumed;
    std::chrono::steady_clock::time_point wait_since{};

  private:
    friend class Exchange;
    friend class Deferred;
    enum class Exchanging : std::uint8_t { no, asked, answered, deferred };

    static void on_event(evutil_socket_t, short what, void* self) noexcept;
    void on_readable() noexcept;
    void on_writable() noexcept;
    void take_proxy_header() noexcept;
    void drain() noexcept;
    std::ptrdiff_t receive(std::uint8_t* into, std::size_t room) noexcept;
    void watch(short what) noexcept;

    // Answers what is whole in data[0..size), keeps the rest, sends, and decides what to wait for.
    void take_turn(std::uint8_t* data, std::size_t size) noexcept;
    // The same without sending. `ahead`: its first request has been read.
    void answer_input(std::uint8_t* data, std::size_t size, const Received* ahead) noexcept;
    void take_requests(std::uint8_t* data, std::size_t& size, std::size_t& at,
                       const Received* ahead) noexcept;
    void take_input() noexcept;
    Request request_at(const std::uint8_t* data) const noexcept;
    void dispatch(const std::uint8_t* request, std::optional<std::size_t> foreseen) noexcept;
    void keep_input(const std::uint8_t* data, std::size_t at, std::size_t size) noexcept;
    bool grow_input() noexcept;
    void settle() noexcept;
    void begin_close() noexcept;

    // Answers.
    Conditions conditions(const std::uint8_t* request) const noexcept;
    void respond(const ResponseHead& head, ByteView body) noexcept;
    void respond_file(const ResponseHead& head, std::shared_ptr<const BodyFile> file,
                      std::uint64_t size) noexcept;
    Deferred defer() noexcept;
    void respond_deferred(const ResponseHead& head, ByteView body) noexcept;
    void encode(Output& out, const std::uint8_t* request, const ResponseHead& head, ByteView body) noexcept;
    void encode_head(Output& out, WireHead& head) noexcept;
    void refuse(Fault fault) noexcept;
    void answer_plainly(Output& out, std::uint16_t status, std::string_view allow) noexcept;
    void answer_options() noexcept;

    // Output. `false`: not all is gone (or the connection is).
    void answer_last(std::uint16_t status) noexcept;
    bool flush() noexcept;
    bool send_kept() noexcept;
    bool send_file() noexcept;
    std::ptrdiff_t send(const std::uint8_t* data, std::size_t size) noexcept;
    bool output_waits() const noexcept { return kept_output_ || file_; }

    Worker& worker_;
    event event_{};
    int fd_;
    short watched_ = 0;
    RequestReader reader_;
    const std::uint8_t* request_ = nullptr;  // while the handler answers
    Buffer input_;                           // begins with the current request
    std::size_t input_size_ = 0;
    Buffer kept_output_;
    std::size_t kept_sent_ = 0;
    std::size_t kept_size_ = 0;
    std::shared_ptr<const BodyFile> file_;
    std::uint64_t file_at_ = 0;
    std::uint64_t file_left_ = 0;
    std::shared_ptr<Connection*> promise_;  // what a Deferred looks through
    std::uint64_t drained_ = 0;
    ClientKey client_ = 0;
    Exchanging exchanging_ = Exchanging::no;
    bool closing_ = false;  // after what is in output
    bool draining_ = false;
    bool wants_turn_ = false;  // whole requests may be left in input_
    bool progressed_ = false;  // a request has been read whole since the last wait was set
    bool served_ = false;      // has had an answer
    bool counted_ = false;     // for client_
    bool header_due_ = false;
    bool closed_ = false;
};

}  // namespace eightbells::http

#endif
