// The half of a connection that answers and sends.
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "responder/http/connection.h"
#include "responder/http/limits.h"
#include "responder/http/system_calls.h"

namespace eightbells::http {
namespace {

constexpr std::string_view all_methods = "GET, HEAD, POST, OPTIONS";
constexpr seconds retry_after{10};  // for our own 503: about when a full machine has moved on

bool fits(const ResponseHead& head, ByteView body) noexcept {
    return body.size() <= limits::http_answer_octets &&
           head.content_type.size() <= limits::http_answer_text_octets &&
           head.allow.size() <= limits::http_answer_text_octets;
}

WireHead to_wire(const ResponseHead& head, std::uint64_t octets) noexcept {
    WireHead wire;
    wire.status = head.status;
    wire.content_type = head.content_type;
    wire.content_length = octets;
    wire.caching = head.status == 200 && head.caching ? &*head.caching : nullptr;
    wire.retry_after = head.retry_after;
    wire.allow = head.allow;
    if (head.status == 405 && head.allow.empty())
        wire.allow = all_methods;
    return wire;
}

void make_not_modified(WireHead& wire) noexcept {
    wire.status = 304;
    wire.content_type = {};
    wire.content_length.reset();
}

}  // namespace

Conditions Connection::conditions(const std::uint8_t* request) const noexcept {
    return {&reader_.head(), reader_.header_lines().of(request)};
}

// Adds what belongs to the connection, counts and writes.
void Connection::encode_head(Output& out, WireHead& head) noexcept {
    const RequestHead& request = reader_.head();
    if (closing_ || worker_.stopping || !request.headers.keep_alive)
        closing_ = true;
    head.persistence = closing_           ? Persistence::close
                       : request.http_1_0 ? Persistence::keep_said
                                          : Persistence::keep;
    worker_.counters.responses[status_row(head.status)].add();
    write_head(out, head, worker_.moment);
}

void Connection::encode(Output& out, const std::uint8_t* request, const ResponseHead& head,
                        ByteView body) noexcept {
    if (!fits(head, body)) {
        answer_plainly(out, 500, {});
        return;
    }
    const Verb verb = reader_.head().verb;
    WireHead wire = to_wire(head, body.size());
    if (wire.caching != nullptr && verb != Verb::post &&
        not_modified(conditions(request), *wire.caching, worker_.moment.now))
        make_not_modified(wire);
    encode_head(out, wire);
    if (verb != Verb::head && wire.status != 304)
        out.put(body);
}

void Connection::respond(const ResponseHead& head, ByteView body) noexcept {
    if (exchanging_ != Exchanging::asked)
        return;
    exchanging_ = Exchanging::answered;
    encode(worker_.output, request_, head, body);
}

void Connection::respond_file(const ResponseHead& head, std::shared_ptr<const BodyFile> file,
                              std::uint64_t size) noexcept {
    if (exchanging_ != Exchanging::asked)
        return;
    exchanging_ = Exchanging::answered;
    if (!fits(head, {}) || file == nullptr) {
        answer_plainly(worker_.output, 500, {});
        return;
    }
    const Verb verb = reader_.head().verb;
    WireHead wire = to_wire(head, size);
    ByteRange range{ByteRange::Kind::whole, 0, size};
    if (wire.caching != nullptr && verb != Verb::post &&
        not_modified(conditions(request_), *wire.caching, worker_.moment.now)) {
        make_not_modified(wire);
        range.octets = 0;
    } else if (head.status == 200) {
        wire.accept_ranges = true;
        range = choose_range(conditions(request_), head.caching, size);
        wire.content_length = range.octets;
        if (range.kind == ByteRange::Kind::part) {
            wire.status = 206;
            wire.range = ContentRange{range.first, range.octets, size};
        } else if (range.kind == ByteRange::Kind::unsatisfiable) {
            wire.status = 416;
            wire.content_type = {};
            wire.caching = nullptr;
            wire.range = ContentRange{0, 0, size};
        }
    }
    encode_head(worker_.output, wire);
    if (verb == Verb::head || range.octets == 0)
        return;
    file_ = std::move(file);
    file_at_ = range.first;
    file_left_ = range.octets;
}

Deferred Connection::defer() noexcept {
    if (exchanging_ != Exchanging::asked)
        return {};
    exchanging_ = Exchanging::deferred;
    promise_ = std::make_shared<Connection*>(this);
    return Deferred{std::weak_ptr<Connection*>{promise_}};
}

void Connection::respond_deferred(const ResponseHead& head, ByteView body) noexcept {
    if (closed_ || exchanging_ != Exchanging::deferred)
        return;
    promise_.reset();
    if (request_ != nullptr) {  // our handler has not returned yet: an answer like any other
        exchanging_ = Exchanging::answered;
        encode(worker_.output, request_, head, body);
        return;
    }
    // The worker's output may be in the middle of another connection's turn. Earlier answers may still wait.
    const std::size_t waiting = kept_size_ - kept_sent_;
    const std::size_t own = fits(head, body) ? body.size() : 0;
    Buffer buffer = worker_.pool.take(waiting + limits::http_answer_head_octets + own);
    if (!buffer) {
        close();
        return;
    }
    Output out{buffer.data(), 0, buffer.capacity()};
    if (kept_output_)
        out.put(ByteView{kept_output_.data() + kept_sent_, waiting});
    encode(out, input_.data(), head, body);
    kept_output_ = std::move(buffer);
    kept_sent_ = 0;
    kept_size_ = out.size;
    exchanging_ = Exchanging::no;
    input_size_ -= reader_.consumed();
    std::memmove(input_.data(), input_.data() + reader_.consumed(), input_size_);
    if (input_size_ == 0)
        input_.release();
    reader_.reset();
    progressed_ = true;
    worker_.resume_later(*this);
}

// Refused by HTTP's own rules. What follows on the connection is not trusted, unless the request was whole.
void Connection::refuse(Fault fault) noexcept {
    worker_.counters.faults[static_cast<std::size_t>(fault)].add();
    if (fault == Fault::no_buffer || !reader_.fault_leaves_framing())
        closing_ = true;
    answer_plainly(worker_.output, status_of(fault), {});
}

void Connection::answer_plainly(Output& out, std::uint16_t status, std::string_view allow) noexcept {
    served_ = true;
    WireHead wire;
    wire.status = status;
    wire.content_length = 0;
    wire.allow = status == 405 ? all_methods : allow;
    if (status == 503)
        wire.retry_after = retry_after;
    encode_head(out, wire);
}

void Connection::answer_options() noexcept {
    answer_plainly(worker_.output, 200, all_methods);
}

// -1: the connection is closed. 0: the kernel takes nothing now.
std::ptrdiff_t Connection::send(const std::uint8_t* data, std::size_t size) noexcept {
    worker_.counters.writes.add();
    // A file comes next: let its first octets travel with the head.
    const ssize_t n = send_octets(fd_, data, size, file_ ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL);
    if (n >= 0) {
        worker_.counters.octets_out.add(static_cast<std::uint64_t>(n));
        return n;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return 0;
    worker_.counters.lost.add();
    close();
    return -1;
}

// Sends what this turn has put into the worker's output, keeping what the kernel does not take.
bool Connection::flush() noexcept {
    Output& out = worker_.output;
    if (out.size != 0) {
        const std::ptrdiff_t n = send(out.data, out.size);
        if (n < 0) {
            out.size = 0;
            return false;
        }
        const std::size_t left = out.size - static_cast<std::size_t>(n);
        if (left != 0) {
            kept_output_ = worker_.pool.take(left);
            if (!kept_output_) {
                out.size = 0;
                worker_.counters.lost.add();
                close();
                return false;
            }
            std::memcpy(kept_output_.data(), out.data + n, left);
            kept_sent_ = 0;
            kept_size_ = left;
        }
        out.size = 0;
    }
    return !output_waits();
}

bool Connection::send_kept() noexcept {
    const std::ptrdiff_t n = send(kept_output_.data() + kept_sent_, kept_size_ - kept_sent_);
    if (n < 0)
        return false;
    kept_sent_ += static_cast<std::size_t>(n);
    if (kept_sent_ != kept_size_)
        return false;
    kept_output_.release();
    kept_sent_ = kept_size_ = 0;
    return true;
}

// One piece, of what all files may send in a turn of the loop; the next one when others have had their turn.
bool Connection::send_file() noexcept {
    if (closed_ || worker_.file_octets_left == 0)
        return false;
    worker_.counters.writes.add();
    auto offset = static_cast<off_t>(file_at_);
    const auto piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(file_left_, worker_.file_octets_left));
    const ssize_t n = ::sendfile(fd_, file_->fd(), &offset, piece);
    const auto used = std::max<std::size_t>(n > 0 ? static_cast<std::size_t>(n) : 0, limits::http_file_call);
    worker_.file_octets_left -= std::min(used, worker_.file_octets_left);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return false;
    if (n <= 0) {
        if (n == 0)
            worker_.counters.files_cut.add();
        time_out(Wait::write);  // reset: the length was promised, and is not there
        return false;
    }
    worker_.counters.octets_out.add(static_cast<std::uint64_t>(n));
    file_at_ += static_cast<std::uint64_t>(n);
    file_left_ -= static_cast<std::uint64_t>(n);
    if (file_left_ != 0)
        return false;
    file_.reset();
    return true;
}

}  // namespace eightbells::http
