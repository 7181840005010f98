#include "tests/http/strict_http.h"

#include <cctype>
#include <map>
#include <optional>
#include <set>

namespace eightbells::http::test {
namespace {

using Text = std::string_view;

enum class Outcome { whole, more, refused };

bool every(Text text, bool (*good)(unsigned char)) {
    for (const char c : text)
        if (!good(static_cast<unsigned char>(c)))
            return false;
    return true;
}
bool tchar(unsigned char c) {
    return std::isalnum(c) != 0 ||
           (c != 0 && Text{"!#$%&'*+-.^_`|~"}.find(static_cast<char>(c)) != Text::npos);
}
bool field_char(unsigned char c) {
    return c == '\t' || c >= 128 || (c >= 32 && c != 127);
}
std::string lowered(Text text) {
    std::string low;
    for (const char c : text)
        low += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return low;
}
std::string stripped(Text text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == Text::npos)
        return {};
    return std::string{text.substr(first, text.find_last_not_of(" \t") - first + 1)};
}

bool good_host(const std::string& host) {
    std::size_t i = 0;
    if (!host.empty() && host[0] == '[') {
        const auto close = host.find(']');
        if (close == std::string::npos || close < 3)
            return false;
        if (!every(Text{host}.substr(1, close - 1), [](unsigned char c) {
                return std::isalnum(c) != 0 ||
                       (c != 0 && Text{":.-_~!$&'()*+,;="}.find(static_cast<char>(c)) != Text::npos);
            }))
            return false;
        i = close + 1;
    } else {
        for (; i < host.size() && host[i] != ':'; ++i) {
            const auto c = static_cast<unsigned char>(host[i]);
            if (c == '%') {
                if (i + 2 >= host.size() || std::isxdigit(static_cast<unsigned char>(host[i + 1])) == 0 ||
                    std::isxdigit(static_cast<unsigned char>(host[i + 2])) == 0)
                    return false;
            } else if (std::isalnum(c) == 0 &&
                       (c == 0 || Text{"-._~!$&'()*+,;="}.find(host[i]) == Text::npos)) {
                return false;
            }
        }
        if (i == 0)
            return false;
    }
    if (i == host.size())
        return true;
    const std::string port = host.substr(i + 1);
    return host[i] == ':' && port.size() <= 5 &&
           every(port, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
           (port.empty() || std::stol(port) < 65536);
}

struct Message {
    std::string method;
    std::string path;
    bool old = false;  // HTTP/1.0
    std::multimap<std::string, std::string> fields;
    std::string body;
    std::string one(const std::string& name) const {
        const auto found = fields.find(name);
        return found == fields.end() ? std::string{} : found->second;
    }
};

bool read_first_line(Text line, const StrictLimits& limits, Message& out) {
    const auto a = line.find(' ');
    const auto b = a == Text::npos ? a : line.find(' ', a + 1);
    if (b == Text::npos || line.find(' ', b + 1) != Text::npos)
        return false;
    out.method = line.substr(0, a);
    std::string target(line.substr(a + 1, b - a - 1));
    const Text version = line.substr(b + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return false;
    out.old = version == "HTTP/1.0";
    static const std::set<std::string> known{"GET",    "HEAD",  "POST",    "OPTIONS", "PUT",
                                             "DELETE", "TRACE", "CONNECT", "PATCH"};
    if (known.count(out.method) == 0 || target.empty() || target.size() > limits.target)
        return false;
    if (!every(target, [](unsigned char c) { return c > 32 && c < 127 && c != '#'; }))
        return false;
    if (out.method == "CONNECT")
        return good_host(target);
    if (target[0] != '/' && !(target == "*" && out.method == "OPTIONS")) {
        const std::string low = lowered(target);
        const std::size_t skip = low.rfind("http://", 0) == 0 ? 7 : low.rfind("https://", 0) == 0 ? 8 : 0;
        if (skip == 0)
            return false;
        const auto slash = target.find('/', skip);
        if (!good_host(target.substr(skip, slash == std::string::npos ? slash : slash - skip)))
            return false;
        target = slash == std::string::npos ? "/" : target.substr(slash);
    }
    out.path = target;
    return true;
}

// The lines of a head or of trailers: all octets up to and with the empty line, taken off `rest`.
Outcome read_fields(Text& rest, std::size_t most, std::size_t most_lines, Message& out) {
    const std::size_t all = rest.size();
    for (std::size_t lines = 0;;) {
        const std::size_t used = all - rest.size();
        const auto lf = rest.find('\n');
        if (lf == Text::npos ? rest.size() + used >= most : used + lf + 1 > most)
            return Outcome::refused;
        if (lf == Text::npos)
            return Outcome::more;
        if (lf == 0 || rest[lf - 1] != '\r')
            return Outcome::refused;
        const Text line = rest.substr(0, lf - 1);
        rest.remove_prefix(lf + 1);
        if (line.empty())
            return Outcome::whole;
        if (++lines > most_lines)
            return Outcome::refused;
        const auto colon = line.find(':');
        if (colon == Text::npos || colon == 0 || !every(line.substr(0, colon), tchar) ||
            !every(line.substr(colon + 1), field_char))
            return Outcome::refused;
        out.fields.emplace(lowered(line.substr(0, colon)), stripped(line.substr(colon + 1)));
    }
}

// The framing of a chunked body is judged octet by octet: a line that has not ended yet is refused as soon as
// nothing that may follow could make it good. `part` has no LF; a CR at its end says that it is whole.
bool chunk_line_may_be_good(Text part) {
    const bool ended = !part.empty() && part.back() == '\r';
    if (ended)
        part.remove_suffix(1);
    const auto digits = std::min(part.find_first_not_of("0123456789abcdefABCDEF"), part.size());
    if (digits > 16 || !every(part, field_char))
        return false;
    if (digits == 0)
        return part.empty() && !ended;
    const Text tail = part.substr(digits);
    const std::string text = stripped(tail);
    return text.empty() ? tail.empty() || !ended : text[0] == ';';
}
bool trailer_may_be_good(Text part) {
    const bool ended = !part.empty() && part.back() == '\r';
    if (ended)
        part.remove_suffix(1);
    const auto colon = part.find(':');
    if (colon == Text::npos)
        return every(part, tchar) && (part.empty() || !ended);
    return colon != 0 && every(part.substr(0, colon), tchar) && every(part.substr(colon + 1), field_char);
}

Outcome read_trailers(Text& rest) {
    for (;;) {
        const auto lf = rest.find('\n');
        const Text line = rest.substr(0, lf);
        if (!trailer_may_be_good(line))
            return Outcome::refused;
        if (lf == Text::npos)
            return Outcome::more;
        if (line.empty() || line.back() != '\r')
            return Outcome::refused;
        rest.remove_prefix(lf + 1);
        if (line.size() == 1)
            return Outcome::whole;
    }
}

Outcome read_chunks(Text& rest, std::size_t most, Message& out) {
    for (;;) {
        const auto lf = rest.find('\n');
        const Text line = rest.substr(0, lf);
        if (!chunk_line_may_be_good(line))
            return Outcome::refused;
        if (lf == Text::npos)
            return Outcome::more;
        if (line.empty() || line.back() != '\r')
            return Outcome::refused;
        rest.remove_prefix(lf + 1);
        const std::string digits(line.substr(0, line.find_first_not_of("0123456789abcdefABCDEF")));
        const unsigned long long size = std::stoull(digits, nullptr, 16);
        if (size > most - out.body.size())
            return Outcome::refused;
        if (size == 0)
            return read_trailers(rest);
        const std::size_t there = std::min<std::size_t>(rest.size(), size);
        out.body += rest.substr(0, there);
        rest.remove_prefix(there);
        const Text tail = rest.substr(0, 2);
        if (tail != Text{"\r\n"}.substr(0, tail.size()))
            return Outcome::refused;
        if (tail.size() < 2)
            return Outcome::more;
        rest.remove_prefix(2);
    }
}

bool has_token(const Message& message, const std::string& name, const std::string& token) {
    bool found = false;
    const auto [from, to] = message.fields.equal_range(name);
    for (auto at = from; at != to; ++at) {
        std::string list = at->second + ",";
        for (std::size_t comma = 0; (comma = list.find(',')) != std::string::npos; list.erase(0, comma + 1))
            found = found || lowered(stripped(Text{list}.substr(0, comma))) == token;
    }
    return found;
}

bool good_head(const Message& message, const StrictLimits& limits, std::optional<std::size_t>& length) {
    const std::size_t hosts = message.fields.count("host");
    if (hosts > 1 || (hosts == 0 && !message.old) || (hosts == 1 && !good_host(message.one("host"))))
        return false;
    const std::size_t codings = message.fields.count("transfer-encoding");
    const std::size_t lengths = message.fields.count("content-length");
    if (codings != 0)
        return codings == 1 && lengths == 0 && !message.old &&
               lowered(message.one("transfer-encoding")) == "chunked";
    length = 0;
    if (lengths == 0)
        return true;
    std::string digits = message.one("content-length");
    if (lengths > 1 || digits.empty() || !every(digits, [](unsigned char c) { return std::isdigit(c) != 0; }))
        return false;
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    if (digits.size() > 10 || std::stoull(digits) > limits.body)
        return false;
    length = std::stoull(digits);
    return true;
}

}  // namespace

Judgement judge(std::string_view stream, const StrictLimits& limits) {
    Judgement result;
    Text rest = stream;
    const auto stop = [&](Outcome outcome) {
        result.end = outcome == Outcome::refused ? Judgement::End::refused : Judgement::End::open;
        return result;
    };
    for (;;) {
        if (!rest.empty() && rest[0] != '\r' && !tchar(static_cast<unsigned char>(rest[0])))
            return stop(Outcome::refused);
        // One empty line may come first; the longest request line that is looked at follows from the limits.
        if (rest.substr(0, 2) == "\r\n")
            rest.remove_prefix(2);
        const std::size_t longest = 32 + 1 + limits.target + 1 + 8 + 2;
        const auto lf = rest.substr(0, longest).find('\n');
        if (lf == Text::npos)
            return stop(rest.size() < longest ? Outcome::more : Outcome::refused);
        Message message;
        if (lf == 0 || rest[lf - 1] != '\r' || !read_first_line(rest.substr(0, lf - 1), limits, message))
            return stop(Outcome::refused);
        rest.remove_prefix(lf + 1);
        if (const Outcome fields = read_fields(rest, limits.headers, 100, message); fields != Outcome::whole)
            return stop(fields);
        std::optional<std::size_t> length;
        if (!good_head(message, limits, length))
            return stop(Outcome::refused);
        const bool has_body = !length || *length != 0;
        const bool aside = message.method != "GET" && message.method != "HEAD" && message.method != "POST";
        const bool not_allowed = aside && message.method != "OPTIONS";
        const std::size_t expects = message.old ? 0 : message.fields.count("expect");
        const bool unexpected =
            expects > 1 || (expects == 1 && lowered(message.one("expect")) != "100-continue");
        if ((not_allowed || unexpected) && has_body)
            return stop(Outcome::refused);
        if (!length) {
            if (const Outcome chunks = read_chunks(rest, limits.body, message); chunks != Outcome::whole)
                return stop(chunks);
        } else {
            if (rest.size() < *length)
                return stop(Outcome::more);
            message.body = rest.substr(0, *length);
            rest.remove_prefix(*length);
        }
        if (aside || unexpected)
            ++result.answered_aside;
        else
            result.accepted.push_back(message.method + " " + message.path + "\n" + message.body);
        if (has_token(message, "connection", "close") ||
            (message.old && !has_token(message, "connection", "keep-alive"))) {
            result.end = Judgement::End::closed;
            return result;
        }
    }
}

}  // namespace eightbells::http::test
