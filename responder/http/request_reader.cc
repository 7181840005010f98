#include "responder/http/request_reader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "responder/http/limits.h"

namespace eightbells::http {
namespace {

constexpr std::size_t version_octets = 8;  // "HTTP/1.1"

std::string_view text_of(const std::uint8_t* data, std::uint32_t from, std::uint32_t to) noexcept {
    return {reinterpret_cast<const char*>(data) + from, to - from};
}

Fault fault_of(llhttp_errno_t error) noexcept {
    switch (error) {
        case HPE_INVALID_CONTENT_LENGTH:
        case HPE_UNEXPECTED_CONTENT_LENGTH:
            return Fault::content_length;
        case HPE_INVALID_TRANSFER_ENCODING:
            return Fault::transfer_coding;
        default:
            return Fault::header_line;
    }
}

}  // namespace

std::size_t ReaderLimits::line_octets() const noexcept {
    return limits::http_method_octets + 1 + target_octets + 1 + version_octets + 2;
}
std::size_t ReaderLimits::request_octets() const noexcept {
    return 2 + line_octets() + header_octets + body_octets;
}

const llhttp_settings_t& RequestReader::callbacks() noexcept {
    static const llhttp_settings_t settings = [] {
        llhttp_settings_t s;
        llhttp_settings_init(&s);
        s.on_header_field = [](llhttp_t* parser, const char* at, std::size_t size) noexcept {
            of(parser).note_name(at, size);
            return 0;
        };
        s.on_header_value = [](llhttp_t* parser, const char* at, std::size_t size) noexcept {
            of(parser).note_value(at, size);
            return 0;
        };
        s.on_header_value_complete = [](llhttp_t* parser) noexcept {
            of(parser).take_header();
            return 0;
        };
        s.on_headers_complete = [](llhttp_t* parser) noexcept {
            of(parser).parser_finished_ = true;
            return static_cast<int>(HPE_PAUSED);  // the body is ours
        };
        return s;
    }();
    return settings;
}

// llhttp as it stands behind a request line: each request starts from a copy, and the line costs nothing.
llhttp_t RequestReader::parser_after_line(std::string_view line) noexcept {
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &callbacks());
    if (llhttp_execute(&parser, line.data(), line.size()) != HPE_OK)
        std::abort();  // not the llhttp that we know: nothing could be served
    return parser;
}

void RequestReader::reset() noexcept {
    head_ = {};
    host_ = content_length_ = transfer_encoding_ = connection_ = expect_ = Field{};
    name_ = value_ = body_ = Span{};
    consumed_ = 0;
    scanned_ = line_at_ = parsed_ = headers_at_ = head_end_ = 0;
    header_line_count_ = 0;
    at_ = At::head;
    parser_finished_ = fault_leaves_framing_ = continue_wanted_ = false;
    connection_close_ = connection_keep_alive_ = false;
}

RequestReader::Step RequestReader::refuse(Fault fault) noexcept {
    fault_ = fault;
    return Step::fault;
}

RequestReader::Step RequestReader::read(std::uint8_t* data, std::size_t& size, const ReaderLimits& limits,
                                        KnownHeaders& known) noexcept {
    if (at_ == At::head) {
        const Step step = read_head(data, size, limits, known);
        if (step != Step::complete)
            return step;
        if (continue_wanted_) {
            continue_wanted_ = false;
            return Step::send_continue;
        }
    }
    return read_body(data, size, limits);
}

// `complete`: the head is. Each line is judged as soon as it is whole, first by our own rules, then by
// llhttp; llhttp gets all good lines of a piece in one call, and its objections to them come first.
RequestReader::Step RequestReader::read_head(const std::uint8_t* data, std::size_t size,
                                             const ReaderLimits& limits, KnownHeaders& known) noexcept {
    if (size != 0 && scanned_ == 0 && data[0] != '\r' && !is_token_char(static_cast<char>(data[0])))
        return refuse(Fault::request_line);  // a TLS hello, say: it would wait for us to speak
    const auto have = static_cast<std::uint32_t>(size);
    bool refused = false;
    while (head_end_ == 0) {
        const std::size_t end_of_line =
            headers_at_ == 0 ? line_at_ + limits.line_octets() : headers_at_ + limits.header_octets;
        const std::uint32_t window = std::min(have, static_cast<std::uint32_t>(end_of_line));
        const void* lf = scanned_ < window ? std::memchr(data + scanned_, '\n', window - scanned_) : nullptr;
        if (lf == nullptr) {
            scanned_ = std::max(scanned_, window);
            if (have < end_of_line)
                break;
            refused = true;
            fault_ = headers_at_ == 0 ? judge_overlong_line(text_of(data, line_at_, window))
                                      : Fault::header_too_large;
            break;
        }
        scanned_ = static_cast<std::uint32_t>(static_cast<const std::uint8_t*>(lf) - data) + 1;
        if (!take_line(data, scanned_, limits)) {
            refused = true;
            break;
        }
        line_at_ = scanned_;
        if (line_at_ == headers_at_ && take_known(data, have, known))
            return begin_body();
    }
    const Fault ours = fault_;
    if (!feed(data, line_at_))
        return Step::fault;
    if (refused)
        return refuse(ours);
    return head_end_ == 0 ? Step::more : finish_head(data, limits, known);
}

// Right behind a request line: header lines that were judged before.
bool RequestReader::take_known(const std::uint8_t* data, std::uint32_t have, KnownHeaders& known) noexcept {
    std::size_t octets = 0;
    if (head_.verb == Verb::other)
        return false;
    const HeaderFacts* const facts =
        known.find(data + headers_at_, have - headers_at_, head_.http_1_0, octets);
    if (facts == nullptr)
        return false;
    head_.headers = *facts;
    head_end_ = headers_at_ + static_cast<std::uint32_t>(octets);
    return true;
}

// data[line_at_..line_end) ends in LF.
bool RequestReader::take_line(const std::uint8_t* data, std::uint32_t line_end,
                              const ReaderLimits& limits) noexcept {
    const bool first = headers_at_ == 0;
    if (line_end - line_at_ < 2 || data[line_end - 2] != '\r') {
        fault_ = first ? Fault::request_line : Fault::header_line;  // section 2.2: a bare LF, by policy
        return false;
    }
    const std::string_view line = text_of(data, line_at_, line_end - 2);
    if (line.empty() && line_at_ == 0)
        return true;  // section 2.2: one empty line before a request is tolerated
    if (first) {
        if (!take_first_line(line, limits))
            return false;
        headers_at_ = parsed_ = line_end;
        return true;
    }
    if (line.empty()) {
        head_end_ = line_end;
        return true;
    }
    if (++header_line_count_ > limits::http_header_lines) {
        fault_ = Fault::header_too_large;
        return false;
    }
    fault_ = Fault::header_line;
    // Section 5.2: folding, or white space before the first header; section 5.1: a name is not empty.
    return line.front() != ' ' && line.front() != '\t' && line.front() != ':';
}

bool RequestReader::take_first_line(std::string_view line, const ReaderLimits& limits) noexcept {
    RequestLine request;
    if (const auto fault = parse_request_line(line, limits.target_octets, request)) {
        fault_ = *fault;
        return false;
    }
    static const std::array<llhttp_t, 2> parsers{parser_after_line("POST / HTTP/1.1\r\n"),
                                                 parser_after_line("POST / HTTP/1.0\r\n")};
    parser_ = parsers[request.http_1_0 ? 1 : 0];
    parser_.data = this;
    head_.verb = request.verb;
    head_.http_1_0 = request.http_1_0;
    head_.path = {line_at_ + static_cast<std::uint32_t>(request.path_at),
                  static_cast<std::uint32_t>(request.path_size)};
    return true;
}

// Gives llhttp the lines up to `end`. The last, empty line goes by itself, so that both parsers must agree on
// where the head ends.
bool RequestReader::feed(const std::uint8_t* data, std::uint32_t end) noexcept {
    header_lines_begin_ = data + headers_at_;
    if (headers_at_ == 0)
        return true;
    const std::uint32_t lines_end = head_end_ != 0 ? head_end_ - 2 : end;
    const auto give = [&](std::uint32_t until) {
        const auto* text = reinterpret_cast<const char*>(data);
        const llhttp_errno_t error = llhttp_execute(&parser_, text + parsed_, until - parsed_);
        parsed_ = until;
        return error;
    };
    if (lines_end > parsed_) {
        const llhttp_errno_t error = give(lines_end);
        if (error != HPE_OK) {
            fault_ = parser_finished_ ? Fault::header_line : fault_of(error);
            return false;
        }
    }
    if (head_end_ != 0) {
        const llhttp_errno_t error = give(head_end_);
        if (!parser_finished_) {
            fault_ = fault_of(error);
            return false;
        }
    }
    return true;
}

void RequestReader::note_name(const char* at, std::size_t size) noexcept {
    name_ = {static_cast<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(at) - header_lines_begin_),
             static_cast<std::uint32_t>(size)};
    value_ = {};
}
void RequestReader::note_value(const char* at, std::size_t size) noexcept {
    value_ = {static_cast<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(at) - header_lines_begin_),
              static_cast<std::uint32_t>(size)};
}

Field* RequestReader::field_named(std::string_view name) noexcept {
    const auto is = [&](std::string_view known, Field& field) {
        return equal_ignoring_case(name, known) ? &field : nullptr;
    };
    switch (name.size()) {
        case 4:
            return is("host", host_);
        case 5:
            return is("range", head_.headers.range);
        case 6:
            return is("expect", expect_);
        case 8:
            return is("if-range", head_.headers.if_range);
        case 10:
            return is("connection", connection_);
        case 12:
            return is("content-type", head_.headers.content_type);
        case 13:
            return is("if-none-match", head_.headers.if_none_match);
        case 14:
            return is("content-length", content_length_);
        case 17:
            if (Field* field = is("transfer-encoding", transfer_encoding_))
                return field;
            return is("if-modified-since", head_.headers.if_modified_since);
        default:
            return nullptr;
    }
}

// One header, whole: a line of its own, since folding never gets here.
void RequestReader::take_header() noexcept {
    Field* field = field_named(name_.of(header_lines_begin_));
    if (field == nullptr)
        return;
    const std::string_view raw = value_.of(header_lines_begin_);
    const std::string_view value = trim(raw);
    const Span span{value_.at + static_cast<std::uint32_t>(value.empty() ? 0 : value.data() - raw.data()),
                    static_cast<std::uint32_t>(value.size())};
    if (field == &connection_)  // a list, over as many lines as it likes
        for_each_element(value, [this](std::string_view option) {
            connection_close_ = connection_close_ || equal_ignoring_case(option, "close");
            connection_keep_alive_ = connection_keep_alive_ || equal_ignoring_case(option, "keep-alive");
        });
    if (field->lines == 0)
        field->value = span;
    field->lines = static_cast<std::uint8_t>(field->lines + 1);  // at most http_header_lines
}

RequestReader::Step RequestReader::finish_head(const std::uint8_t* data, const ReaderLimits& limits,
                                               KnownHeaders& known) noexcept {
    const std::uint8_t* const lines = data + headers_at_;
    HeaderFacts& facts = head_.headers;
    const bool host_needed = !head_.http_1_0;
    if (host_.lines > 1 || (host_.lines == 0 && host_needed) ||
        (host_.lines == 1 && !is_host(host_.value.of(lines))))
        return refuse(Fault::host);
    if (!judge_framing(lines, limits))
        return Step::fault;
    facts.keep_alive = !connection_close_ && (!head_.http_1_0 || connection_keep_alive_);
    fault_leaves_framing_ = !facts.has_body();
    consumed_ = head_end_;
    if (head_.verb == Verb::other)
        return refuse(Fault::method_not_allowed);
    if (expect_.lines != 0 && !head_.http_1_0) {  // RFC 9110, section 10.1.1: ignored in HTTP/1.0
        if (expect_.lines > 1 || !equal_ignoring_case(expect_.value.of(lines), "100-continue"))
            return refuse(Fault::expectation);
        facts.expects_continue = facts.has_body();
    }
    fault_leaves_framing_ = false;
    known.keep(lines, head_end_ - headers_at_, head_.http_1_0, facts);
    return begin_body();
}

// RFC 9112, section 6: how long the body is, or why that cannot be known for certain.
bool RequestReader::judge_framing(const std::uint8_t* lines, const ReaderLimits& limits) noexcept {
    HeaderFacts& facts = head_.headers;
    if (transfer_encoding_.lines != 0) {
        const std::string_view codings = transfer_encoding_.value.of(lines);
        fault_ = Fault::transfer_coding;
        if (content_length_.lines != 0 || head_.http_1_0 || transfer_encoding_.lines > 1)
            return false;
        facts.chunked = equal_ignoring_case(codings, "chunked");
        if (facts.chunked)
            return true;
        std::string_view last;
        unsigned chunked = 0;
        for_each_element(codings, [&](std::string_view coding) {
            last = coding;
            chunked += equal_ignoring_case(coding, "chunked") ? 1 : 0;
        });
        if (chunked == 1 && equal_ignoring_case(last, "chunked"))
            fault_ = Fault::coding_unknown;
        return false;
    }
    if (content_length_.lines != 0) {
        const auto length = parse_decimal(content_length_.value.of(lines));
        fault_ = Fault::content_length;
        if (content_length_.lines > 1 || !length)
            return false;
        fault_ = Fault::body_too_large;
        if (*length > limits.body_octets)
            return false;
        facts.body_octets = *length;
    }
    return true;
}

RequestReader::Step RequestReader::begin_body() noexcept {
    body_ = {head_end_, 0};
    consumed_ = head_end_;
    continue_wanted_ = head_.headers.expects_continue;
    at_ = At::body;
    if (head_.headers.chunked) {
        chunks_ = {};
        at_ = At::chunked;
    }
    return Step::complete;
}

RequestReader::Step RequestReader::read_body(std::uint8_t* data, std::size_t& size,
                                             const ReaderLimits& limits) noexcept {
    if (at_ == At::body) {
        const std::uint64_t octets = head_.headers.body_octets;
        if (size - head_end_ < octets)
            return Step::more;
        body_.size = static_cast<std::uint32_t>(octets);
        consumed_ = head_end_ + octets;
        return Step::complete;
    }
    std::size_t end = body_.at + body_.size;
    std::size_t raw = end;
    const ChunkedBody::Step step = chunks_.read(data, size, raw, end, limits.body_octets);
    body_.size = static_cast<std::uint32_t>(end - body_.at);
    consumed_ = raw;
    if (step == ChunkedBody::Step::fault)
        return refuse(chunks_.fault());
    if (step == ChunkedBody::Step::complete)
        return Step::complete;
    size = end;
    return Step::more;
}

}  // namespace eightbells::http
