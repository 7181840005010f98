#ifndef EIGHTBELLS_TESTS_CONFORMANCE_ASKING_H
#define EIGHTBELLS_TESTS_CONFORMANCE_ASKING_H

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/cache/free_port.h"
#include "tests/conformance/authority.h"

// How the tests ask and read what comes back, with nothing of ours in between.
namespace eightbells::conformance {

using eightbells::free_port;

// GET of a private listener's or a front's path over HTTP/1.0; empty when nobody answers.
struct Reply {
    int status = 0;
    std::string headers;
    std::string body;
};
std::optional<Reply> fetch(std::uint16_t port, const std::string& path);

// What `openssl ocsp` says of one certificate.
struct Told {
    std::string status;       // good, revoked, unknown; empty when there is none
    std::string reason;       // as OpenSSL spells it; empty: none
    std::string revoked_at;   // YYMMDDHHMMSSZ, as in index.txt
    std::string this_update;  // the same
    std::string next_update;  // the same
    std::string refusal;      // "unauthorized (6)": the responder's error
    bool verified = false;    // "Response verify OK"
    std::string all;          // what it printed

    bool good() const { return verified && status == "good"; }
    bool revoked(const std::string& because) const {
        return verified && status == "revoked" && reason == because;
    }
};
// `words`: what to ask for and how, -cert FILE, -serial N, -sha256, -nonce ... One answer for each -cert and
// -serial.
std::vector<Told> ask_all(const std::string& url, const Authority& authority,
                          const std::vector<std::string>& words);
Told ask(const std::string& url, const Authority& authority, const std::string& name,
         const std::string& hash = "sha256");

// A command that prints a DER answer to standard output, read by `openssl ocsp -respin`.
std::string as_text(const std::string& der_response, const std::filesystem::path& scratch);

// The value of a series in Prometheus' text, "name" or "name{labels}"; NaN when it is not there.
double value_of(const std::string& metrics, const std::string& series);
// The sum over all label values.
double sum_of(const std::string& metrics, const std::string& name);

}  // namespace eightbells::conformance

#endif
