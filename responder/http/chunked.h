#ifndef EIGHTBELLS_RESPONDER_HTTP_CHUNKED_H
#define EIGHTBELLS_RESPONDER_HTTP_CHUNKED_H

#include <cstddef>
#include <cstdint>

#include "responder/http/fault.h"

namespace eightbells::http {

// A chunked body (RFC 9112, section 7.1), read strictly: CRLF and nothing else ends a line, sizes are plain
// hexadecimal, extensions and trailers are checked, bounded and dropped. Octet by octet, so that it does not
// matter how the octets arrive. Ours rather than the parser's, so that the decoded octets close up in place
// and the same bytes are judged alike whatever the parser's version.
class ChunkedBody {
  public:
    enum class Step : std::uint8_t { more, complete, fault };

    // Reads data[raw..size) and moves the body's octets down to data[end..), advancing both. On `complete`
    // `raw` is the first octet after the body; on `more` all has been read. `most` is the body's bound.
    Step read(std::uint8_t* data, std::size_t size, std::size_t& raw, std::size_t& end,
              std::size_t most) noexcept;
    Fault fault() const noexcept { return fault_; }

  private:
    enum class At : std::uint8_t {
        size,
        size_blank,  // white space after the size: only before ";"
        extension,
        size_lf,
        octets,
        octets_cr,
        octets_lf,
        trailer,  // the beginning of a line
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf
    };
    Step refuse(Fault fault) noexcept;
    Step read_size_line(std::uint8_t octet, std::size_t decoded, std::size_t most) noexcept;
    Step read_trailer(std::uint8_t octet) noexcept;

    std::uint64_t left_ = 0;  // of this chunk; its size while that is read
    std::size_t decoded_ = 0;
    std::uint32_t extension_octets_ = 0;
    std::uint32_t trailer_octets_ = 0;
    std::uint8_t digits_ = 0;
    At at_ = At::size;
    Fault fault_ = Fault::chunk;
};

}  // namespace eightbells::http

#endif
