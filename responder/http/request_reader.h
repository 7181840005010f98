#ifndef EIGHTBELLS_RESPONDER_HTTP_REQUEST_READER_H
#define EIGHTBELLS_RESPONDER_HTTP_REQUEST_READER_H

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "responder/http/chunked.h"
#include "responder/http/fault.h"
#include "responder/http/known_headers.h"
#include "responder/http/request_head.h"

namespace eightbells::http {

struct ReaderLimits {
    std::size_t target_octets;
    std::size_t header_octets;
    std::size_t body_octets;
    // The octets of a request line up to and including its LF.
    std::size_t line_octets() const noexcept;
    // The most that has to be in memory for one request.
    std::size_t request_octets() const noexcept;
};

// Reads one request at a time out of bytes that arrive in any pieces, and refuses whatever RFC 9112 leaves
// no doubt about. The request line is judged here (parse_request_line): llhttp cannot tell an unknown method
// from garbage, and took most of its time over the target. llhttp parses the header lines, each given to it
// once it is whole and has passed the rules that llhttp lets through (line folding, bare LF, an empty name,
// ...). The framing of the body is read here. Every verdict falls at a fixed octet, so that it cannot depend
// on the pieces.
//
// Copies nothing and allocates nothing. Not for several threads; must not move while a request is begun.
class RequestReader {
  public:
    enum class Step : std::uint8_t {
        more,           // all that is there is read, and it is not a whole request yet
        send_continue,  // the client waits for 100 (Continue): say so, then read on. At most once a request.
        complete,
        fault
    };

    RequestReader() noexcept { reset(); }
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;

    void reset() noexcept;  // for the next request

    // `data` is the request's first octet, wherever its bytes are by now; `size` counts all octets there,
    // those read before included. On `more` it may have shrunk: the framing of a chunked body is dropped.
    Step read(std::uint8_t* data, std::size_t& size, const ReaderLimits& limits,
              KnownHeaders& known) noexcept;

    // From here on after `complete`.
    const RequestHead& head() const noexcept { return head_; }
    Span body() const noexcept { return body_; }                 // from the request's first octet
    std::size_t consumed() const noexcept { return consumed_; }  // where the next request begins
    // The header lines with the empty one: what the spans of HeaderFacts count from.
    Span header_lines() const noexcept { return {headers_at_, head_end_ - headers_at_}; }

    // After `fault`. When the whole request has been read nevertheless (a method not served, say), consumed()
    // is valid and the connection can live on.
    Fault fault() const noexcept { return fault_; }
    bool fault_leaves_framing() const noexcept { return fault_leaves_framing_; }

    bool begun() const noexcept { return scanned_ != 0; }

  private:
    enum class At : std::uint8_t { head, body, chunked };
    static const llhttp_settings_t& callbacks() noexcept;
    static llhttp_t parser_after_line(std::string_view line) noexcept;
    static RequestReader& of(llhttp_t* parser) noexcept { return *static_cast<RequestReader*>(parser->data); }

    Step refuse(Fault fault) noexcept;
    Step read_head(const std::uint8_t* data, std::size_t size, const ReaderLimits& limits,
                   KnownHeaders& known) noexcept;
    bool take_known(const std::uint8_t* data, std::uint32_t have, KnownHeaders& known) noexcept;
    bool take_line(const std::uint8_t* data, std::uint32_t line_end, const ReaderLimits& limits) noexcept;
    bool take_first_line(std::string_view line, const ReaderLimits& limits) noexcept;
    bool feed(const std::uint8_t* data, std::uint32_t end) noexcept;
    Step finish_head(const std::uint8_t* data, const ReaderLimits& limits, KnownHeaders& known) noexcept;
    Step begin_body() noexcept;
    bool judge_framing(const std::uint8_t* data, const ReaderLimits& limits) noexcept;
    Step read_body(std::uint8_t* data, std::size_t& size, const ReaderLimits& limits) noexcept;
    void note_name(const char* at, std::size_t size) noexcept;
    void note_value(const char* at, std::size_t size) noexcept;
    void take_header() noexcept;
    Field* field_named(std::string_view name) noexcept;

    llhttp_t parser_;
    const std::uint8_t* header_lines_begin_ = nullptr;  // while llhttp runs
    RequestHead head_;
    Field host_;
    Field content_length_;
    Field transfer_encoding_;
    Field connection_;
    Field expect_;
    Span name_;
    Span value_;
    Span body_;
    std::size_t consumed_ = 0;
    std::uint32_t scanned_ = 0;     // looked for LF up to here
    std::uint32_t line_at_ = 0;     // the current line
    std::uint32_t parsed_ = 0;      // given to llhttp up to here
    std::uint32_t headers_at_ = 0;  // 0: the request line is not whole yet
    std::uint32_t head_end_ = 0;    // 0: the head is not whole yet
    std::uint16_t header_line_count_ = 0;
    ChunkedBody chunks_;
    At at_ = At::head;
    Fault fault_ = Fault::request_line;
    bool parser_finished_ = false;
    bool fault_leaves_framing_ = false;
    bool continue_wanted_ = false;
    bool connection_close_ = false;
    bool connection_keep_alive_ = false;
};

}  // namespace eightbells::http

#endif
