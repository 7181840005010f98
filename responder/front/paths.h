#ifndef EIGHTBELLS_RESPONDER_FRONT_PATHS_H
#define EIGHTBELLS_RESPONDER_FRONT_PATHS_H

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "responder/http/exchange.h"

namespace eightbells::front {

// Which paths are OCSP, and what of a path is the request. Paths are compared as they were sent, octet by
// octet: nothing is decoded, merged or cleaned up before, since `//`, `%2F` and `+` are data here (A-22,
// E-27).
//
// A configured prefix counts only when the path ends there or goes on with "/": `/ocsp` is valid base64
// itself, so that "/ocspMFEw" is data under "/". The longest prefix wins. "/" always counts.
class OcspPaths {
  public:
    // Prefixes as configured: "/ocsp"; a "/" at the end does not matter.
    explicit OcspPaths(std::span<const std::string> prefixes);

    // What follows the prefix and its "/": the encoded request of a GET. REQUIRES: `path` begins with "/". No
    // allocation.
    std::string_view data_of(std::string_view path) const noexcept;

    // Whether a POST may go here: a prefix or "/" itself, with or without a "/" at the end; a query is
    // ignored.
    bool takes_post(std::string_view path) const noexcept;

    // Where in a request that is not for a CRL its OCSP request stands, if it is for one.
    enum class Content : std::uint8_t {
        request,       // `der` is it, in the request's body or in `decoded`
        nothing_here,  // a GET for a file, a POST to a path that takes none: 404
        other_type,    // 415
        undecodable,   // the GET path is no base64 of anything, or of more than `decoded` holds
    };
    Content find_request(const http::Request& request, std::span<std::uint8_t> decoded,
                         ByteView& der) const noexcept;

  private:
    std::vector<std::string> prefixes_;  // without a "/" at the end, longest first, the last is ""
};

// The path without its query.
std::string_view without_query(std::string_view path) noexcept;

// Whether a path can only be the name of a file: it has a ".", which neither base64 nor a percent escape has.
bool names_file(std::string_view path) noexcept;

// The media type of a POST: application/ocsp-request in any case, parameters ignored, and a missing
// type is taken for it, since clients forget it and nothing else could be meant.
bool is_ocsp_request_type(std::string_view content_type) noexcept;

}  // namespace eightbells::front

#endif
