#include "tests/conformance/asking.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <stdexcept>

#include "tests/conformance/command.h"

namespace eightbells::conformance {

namespace {

class Socket {
  public:
    Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd() const { return fd_; }

  private:
    int fd_;
};

// "Nov 22 07:46:25 2026 GMT" as index.txt writes it.
std::string index_time(const std::string& printed) {
    std::tm parts{};
    if (::strptime(printed.c_str(), "%b %d %H:%M:%S %Y GMT", &parts) == nullptr)
        throw std::runtime_error("no time: " + printed);
    char text[32];
    std::strftime(text, sizeof text, "%y%m%d%H%M%SZ", &parts);
    return text;
}

// The rest of a line after `label`, if it begins with it.
std::optional<std::string> after(const std::string& line, std::string_view label) {
    if (!line.starts_with(label))
        return std::nullopt;
    return line.substr(label.size());
}

void take_line(const std::string& line, std::vector<Told>& told) {
    if (const auto text = after(line, "Responder Error: ")) {
        told.emplace_back().refusal = *text;
        return;
    }
    for (const char* status : {": good", ": revoked", ": unknown"}) {
        if (!line.starts_with("\t") && line.ends_with(status)) {
            told.emplace_back().status = status + 2;
            return;
        }
    }
    if (told.empty())
        return;
    if (const auto text = after(line, "\tThis Update: "))
        told.back().this_update = index_time(*text);
    else if (const auto next = after(line, "\tNext Update: "))
        told.back().next_update = index_time(*next);
    else if (const auto reason = after(line, "\tReason: "))
        told.back().reason = *reason;
    else if (const auto time = after(line, "\tRevocation Time: "))
        told.back().revoked_at = index_time(*time);
}

}  // namespace

std::optional<Reply> fetch(std::uint16_t port, const std::string& path) {
    const Socket socket;
    const timeval limit{30, 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in address = loopback(port);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::nullopt;
    const std::string request = "GET " + path + " HTTP/1.0\r\nHost: localhost\r\n\r\n";
    if (::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
        return std::nullopt;
    std::string text;
    char buffer[16384];
    for (ssize_t got = 0; (got = ::recv(socket.fd(), buffer, sizeof buffer, 0)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos || text.size() < 12)
        return std::nullopt;
    return Reply{std::atoi(text.c_str() + 9), text.substr(0, end + 2), text.substr(end + 4)};
}

std::vector<Told> ask_all(const std::string& url, const Authority& authority,
                          const std::vector<std::string>& words) {
    std::vector<std::string> command{"openssl",    "ocsp",    "-url",       url,        "-issuer",
                                     "issuer.pem", "-CAfile", "issuer.pem", "-timeout", "60"};
    // The hash counts for the certificates named after it.
    command.insert(command.end(), words.begin(), words.end());
    const Ended ended = run(command, authority.folder());
    std::vector<Told> told;
    std::istringstream lines{ended.out};
    for (std::string line; std::getline(lines, line);)
        take_line(line, told);
    if (told.empty())
        told.emplace_back();  // nobody answered, or nothing that it could read
    for (Told& one : told) {
        one.verified = ended.err.find("Response verify OK") != std::string::npos;
        one.all = ended.all();
    }
    return told;
}

Told ask(const std::string& url, const Authority& authority, const std::string& name,
         const std::string& hash) {
    return ask_all(url, authority, {"-no_nonce", "-" + hash, "-cert", name + ".pem"}).front();
}

std::string as_text(const std::string& der_response, const std::filesystem::path& scratch) {
    replace_text(scratch, der_response);
    return run({"openssl", "ocsp", "-respin", scratch.string(), "-resp_text", "-noverify"}).out;
}

double value_of(const std::string& metrics, const std::string& series) {
    const auto at = ("\n" + metrics).find("\n" + series + " ");
    if (at == std::string::npos)
        return std::nan("");
    return std::strtod(metrics.c_str() + at + series.size(), nullptr);
}

double sum_of(const std::string& metrics, const std::string& name) {
    double sum = 0;
    std::istringstream lines{metrics};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(name + "{") || line.starts_with(name + " "))
            sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
    }
    return sum;
}

}  // namespace eightbells::conformance
