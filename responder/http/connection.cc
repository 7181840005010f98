#include "responder/http/connection.h"

#include <event2/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "responder/http/limits.h"
#include "responder/http/proxy_header.h"
#include "responder/http/system_calls.h"

namespace eightbells::http {
namespace {

// 10,000 idle connections must cost 1 KiB each at most, the loop's own tables included.
static_assert(sizeof(Connection) <= 832);

}  // namespace

Connection::Connection(Worker& worker, int fd, std::optional<ClientKey> client, bool header_due) noexcept
    : worker_(worker),
      fd_(fd),
      client_(client.value_or(0)),
      counted_(client.has_value()),
      header_due_(header_due) {
    append(worker.all, *this, &Connection::in_all);
    worker.counters.open.add();
}

Connection::~Connection() = default;

bool Connection::start() noexcept {
    worker_.wait(*this, header_due_ ? Wait::request : Wait::idle);
    watch(EV_READ);
    return watched_ != 0;
}

void Connection::close() noexcept {
    if (closed_)
        return;
    closed_ = true;
    if (output_waits() || exchanging_ == Exchanging::deferred)
        worker_.counters.lost.add();
    watch(0);
    ::close(fd_);
    if (counted_)
        worker_.leave(client_);
    promise_.reset();
    input_.release();
    kept_output_.release();
    file_.reset();
    remove(*this, &Connection::in_wait);
    remove(*this, &Connection::in_resumed);
    remove(*this, &Connection::in_all);
    append(worker_.dead, *this, &Connection::in_all);
    worker_.counters.open.subtract();
}

// May close, so that it comes after all else that is set: what is closed waits for nothing.
void Connection::watch(short what) noexcept {
    if (what == watched_)
        return;
    if (watched_ != 0)
        event_del(&event_);
    watched_ = what;
    worker_.counters.interest_changes.add();
    if (what == 0)
        return;
    event_assign(&event_, worker_.base, fd_, static_cast<short>(what | EV_PERSIST), &Connection::on_event,
                 this);
    if (event_add(&event_, nullptr) != 0) {
        watched_ = 0;  // no memory for the loop's tables: nobody would ever wake us
        close();
    }
}

void Connection::on_event(evutil_socket_t, short what, void* self) noexcept {
    auto& connection = *static_cast<Connection*>(self);
    Worker& worker = connection.worker_;
    if ((what & EV_WRITE) != 0)
        connection.on_writable();
    else if (connection.draining_)
        connection.drain();
    else
        connection.on_readable();
    worker.bury_the_dead();
}

// As recv: 0 at the end, -1 when there is nothing now; any error closes and is -1 too.
std::ptrdiff_t Connection::receive(std::uint8_t* into, std::size_t room) noexcept {
    worker_.counters.reads.add();
    const ssize_t n = receive_octets(fd_, into, room);
    if (n > 0)
        worker_.counters.octets_in.add(static_cast<std::uint64_t>(n));
    else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        close();
    return n;
}

// Only called while nothing is owed to the client, so that its end of the stream is the end of it all.
void Connection::on_readable() noexcept {
    if (in_resumed.chain != nullptr)
        return;  // has had its share; its turn comes
    if (header_due_) {
        take_proxy_header();
        return;
    }
    if (!input_) {
        const std::ptrdiff_t n = receive(worker_.input(), worker_.input_octets);
        if (n > 0)
            worker_.answer_later(*this, static_cast<std::size_t>(n));
        else if (n == 0)
            close();
        return;
    }
    if (input_size_ == input_.capacity() && !grow_input())
        return;
    const std::ptrdiff_t n = receive(input_.data() + input_size_, input_.capacity() - input_size_);
    if (n > 0) {
        input_size_ += static_cast<std::size_t>(n);
        take_input();
    } else if (n == 0) {
        close();
    }
}

// The time for it runs from the connection's start: a proxy has nothing to wait for.
void Connection::take_proxy_header() noexcept {
    std::uint8_t* const data = input_ ? input_.data() : worker_.input();
    const std::ptrdiff_t n =
        receive(data + input_size_, (input_ ? input_.capacity() : worker_.input_octets) - input_size_);
    if (n == 0)
        close();
    if (n <= 0)
        return;
    const std::size_t size = input_size_ + static_cast<std::size_t>(n);
    const ProxyHeader header = read_proxy_header({data, size});
    if (header.step == ProxyHeader::Step::more) {
        keep_input(data, 0, size);
        if (!input_)
            close();  // no memory for it
        return;
    }
    if (header.step == ProxyHeader::Step::fault) {
        // Without a word: it may not be HTTP that the other side speaks.
        worker_.counters.faults[static_cast<std::size_t>(Fault::proxy_header)].add();
        close();
        return;
    }
    header_due_ = false;
    if (header.source) {
        client_ = client_key(*header.source);
        counted_ = worker_.enter(client_);
        if (!counted_) {
            worker_.counters.refused_by_address.add();
            input_.release();
            input_size_ = 0;
            answer_last(503);  // a bare end would look like a fault of ours to the proxy
            return;
        }
    }
    if (size > header.octets)
        take_turn(data + header.octets, size - header.octets);
    else
        take_turn(data, 0);
}

bool Connection::grow_input() noexcept {
    Buffer larger = worker_.pool.take(input_.capacity() * 2);
    if (!larger) {
        worker_.output.size = 0;
        refuse(Fault::no_buffer);
        flush();
        settle();
        return false;
    }
    std::memcpy(larger.data(), input_.data(), input_size_);
    input_ = std::move(larger);
    return true;
}

// After the last answer: wait for the client to have read it, which its closing shows.
void Connection::drain() noexcept {
    const std::ptrdiff_t n = receive(worker_.input(), worker_.input_octets);
    if (n > 0)
        drained_ += static_cast<std::uint64_t>(n);
    if (n == 0 || drained_ > limits::http_drain_octets)
        close();
}

// A file waits until those who ask for little have been answered.
void Connection::on_writable() noexcept {
    if (kept_output_ || !file_)
        resume();
    else
        worker_.resume_later(*this);
}

void Connection::resume() noexcept {
    if (closed_ || draining_)
        return;
    if ((kept_output_ && !send_kept()) || (file_ && !send_file()) || exchanging_ == Exchanging::deferred ||
        closing_ || input_size_ == 0)
        settle();
    else
        take_input();
}

void Connection::take_input() noexcept {
    take_turn(input_.data(), input_size_);
}

void Connection::read_received(Received& received) noexcept {
    received.step = reader_.read(received.data, received.size, worker_.reader_limits, worker_.known_headers);
    if (received.step == RequestReader::Step::complete && reader_.head().verb != Verb::options) {
        received.foreseen = worker_.foreseen++;
        worker_.handler.foresee(request_at(received.data), *received.foreseen);
    }
}

void Connection::answer_received(const Received& received) noexcept {
    answer_input(received.data, received.size, &received);
}

void Connection::take_turn(std::uint8_t* data, std::size_t size) noexcept {
    worker_.output.size = 0;
    answer_input(data, size, nullptr);
    send_answers();
}

void Connection::answer_input(std::uint8_t* data, std::size_t size, const Received* ahead) noexcept {
    wants_turn_ = false;
    std::size_t at = 0;
    take_requests(data, size, at, ahead);
    if (!closed_)
        keep_input(data, at, size);
}

void Connection::send_answers() noexcept {
    if (closed_)
        return;
    flush();
    settle();
}

// Takes whole requests off data[at..size) as long as each can be answered at once.
void Connection::take_requests(std::uint8_t* data, std::size_t& size, std::size_t& at,
                               const Received* ahead) noexcept {
    unsigned taken = 0;
    while (at < size && exchanging_ == Exchanging::no && !closing_ && !output_waits()) {
        if (taken == limits::http_requests_per_turn) {
            wants_turn_ = true;
            return;
        }
        if (worker_.output.room() < limits::http_answer_room && !flush())
            return;
        std::size_t have = size - at;
        std::optional<std::size_t> foreseen;
        RequestReader::Step step{};
        if (const Received* const received = std::exchange(ahead, nullptr)) {
            step = received->step;
            foreseen = received->foreseen;
        } else {
            step = reader_.read(data + at, have, worker_.reader_limits, worker_.known_headers);
        }
        switch (step) {
            case RequestReader::Step::more:
                size = at + have;
                return;
            case RequestReader::Step::send_continue:
                worker_.output.put(continue_response);
                worker_.counters.responses[status_row(100)].add();
                continue;
            case RequestReader::Step::fault:
                refuse(reader_.fault());
                break;
            case RequestReader::Step::complete:
                dispatch(data + at, foreseen);
                break;
        }
        progressed_ = true;
        if (exchanging_ == Exchanging::deferred || closing_)
            return;
        at += reader_.consumed();
        reader_.reset();
        ++taken;
    }
}

// The request that begins at `data` and has been read whole. REQUIRES: of a method that is served.
Request Connection::request_at(const std::uint8_t* data) const noexcept {
    const RequestHead& head = reader_.head();
    const Method method = head.verb == Verb::get    ? Method::get
                          : head.verb == Verb::head ? Method::head
                                                    : Method::post;
    const Span body = reader_.body();
    return {method, head.path.empty() ? std::string_view{"/"} : head.path.of(data),
            ByteView{data + body.at, body.size},
            head.headers.content_type.value.of(data + reader_.header_lines().at)};
}

void Connection::dispatch(const std::uint8_t* request, std::optional<std::size_t> foreseen) noexcept {
    served_ = true;
    if (reader_.head().verb == Verb::options) {
        answer_options();
        return;
    }
    Exchange exchange(*this, request_at(request), foreseen);
    worker_.counters.requests[static_cast<std::size_t>(exchange.request().method)].add();
    request_ = request;
    exchanging_ = Exchanging::asked;
    worker_.handler.answer(exchange);
    if (exchanging_ == Exchanging::asked)
        answer_plainly(worker_.output, 500, {});
    if (exchanging_ != Exchanging::deferred)
        exchanging_ = Exchanging::no;
    request_ = nullptr;
}

// What is left for later goes into memory of our own, from the request that it belongs to on.
void Connection::keep_input(const std::uint8_t* data, std::size_t at, std::size_t size) noexcept {
    const std::size_t left = closing_ && exchanging_ != Exchanging::deferred ? 0 : size - at;
    if (left == 0) {
        input_.release();
    } else if (input_) {
        if (data + at != input_.data())
            std::memmove(input_.data(), data + at, left);
    } else {
        input_ = worker_.pool.take(left + 1);
        if (!input_) {
            if (output_waits() || exchanging_ == Exchanging::deferred)
                close();  // a refusal would overtake what is owed
            else
                refuse(Fault::no_buffer);
            return;
        }
        std::memcpy(input_.data(), data + at, left);
    }
    input_size_ = left;
}

// What to wait for now, and how long.
void Connection::settle() noexcept {
    if (closed_)
        return;
    if (output_waits()) {
        worker_.wait(*this, Wait::write);
        watch(EV_WRITE);
    } else if (exchanging_ == Exchanging::deferred) {
        worker_.wait(*this, Wait::answer);
        watch(0);
    } else if (closing_) {
        begin_close();
    } else {
        if (wants_turn_)
            worker_.resume_later(*this);
        const bool same_request =
            !progressed_ && in_wait.chain == &worker_.waits[static_cast<std::size_t>(Wait::request)];
        if (input_size_ == 0)
            worker_.wait(*this, Wait::idle);
        else if (!same_request)  // from its first octet: slow octets do not buy time
            worker_.wait(*this, Wait::request);
        watch(EV_READ);
    }
    progressed_ = false;
}

// RFC 9112, section 9.6: half of the close now, the rest when the client has closed too. Closing at once with
// octets unread would send a reset, which may overtake the answer.
void Connection::begin_close() noexcept {
    input_.release();
    input_size_ = 0;
    draining_ = true;
    ::shutdown(fd_, SHUT_WR);
    worker_.wait(*this, Wait::drain);
    watch(EV_READ);
}

void Connection::time_out(Wait kind) noexcept {
    switch (kind) {
        case Wait::request:
            remove(*this, &Connection::in_resumed);
            if (reader_.begun())
                answer_last(408);
            else
                close();
            return;
        case Wait::last:
            begin_close();
            return;
        case Wait::answer:
            promise_.reset();
            exchanging_ = Exchanging::no;
            answer_last(503);
            return;
        case Wait::write: {
            // The kernel would keep trying to deliver what it has for many minutes: drop it.
            const linger at_once{1, 0};
            ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            close();
            return;
        }
        default:
            close();
            return;
    }
}

void Connection::answer_last(std::uint16_t status) noexcept {
    worker_.output.size = 0;
    closing_ = true;
    answer_plainly(worker_.output, status, {});
    flush();
    settle();
}

void Connection::finish() noexcept {
    const auto idle = [this] {
        return !closed_ && !draining_ && !closing_ && exchanging_ == Exchanging::no && !output_waits() &&
               input_size_ == 0;
    };
    if (!idle())
        return;
    on_readable();  // a request may be waiting to be read: it was sent in good faith
    worker_.answer_received();
    if (!idle())
        return;
    // The next request may be on its way, and nobody can be told not to send it but by an answer.
    worker_.wait(*this, served_ ? Wait::last : Wait::request);
}

}  // namespace eightbells::http
