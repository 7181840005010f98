#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "responder/http/listener.h"

namespace eightbells::http {

Result<HostPort> parse_host_port(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return fail(fmt::format("\"{}\": {}; write \"127.0.0.1:8080\" or \"[::1]:8080\"", text, why));
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos)
        return wrong("no port");
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (brackets)
        host = host.substr(1, host.size() - 2);
    HostPort result{std::string{host}, 0};
    std::array<unsigned char, sizeof(in6_addr)> ignored{};
    if (inet_pton(brackets ? AF_INET6 : AF_INET, result.host.c_str(), ignored.data()) != 1 ||
        host.find('\0') != std::string_view::npos)
        return wrong(brackets ? "not an IPv6 address" : "not an IPv4 address (IPv6 stands in brackets)");
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        return wrong("the port is not a number from 0 to 65535");
    return result;
}

std::string to_string(const HostPort& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

}  // namespace eightbells::http
