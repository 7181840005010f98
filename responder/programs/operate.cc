#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "responder/programs/commands.h"
#include "responder/programs/limits.h"
#include "responder/programs/start.h"
#include "responder/watch/limits.h"

// The commands that talk to a running signer over its control socket: one line there, one line back.
namespace eightbells::programs {

namespace {

using nlohmann::json;

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd() const { return fd_; }

  private:
    int fd_;
};

Result<json> ask(const std::filesystem::path& path, const json& question) {
    const Socket socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        return fail(text + ": the socket's path is too long");
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    const timeval limit{static_cast<time_t>(limits::command_timeout.count()), 0};
    (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail(fmt::format("{}: {}: is the signer running?", text, std::strerror(errno)));
    }
    const std::string line = question.dump() + "\n";
    if (::send(socket.fd(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
        return fail(fmt::format("{}: {}", text, std::strerror(errno)));
    }
    std::string answer;
    while (answer.find('\n') == std::string::npos) {
        char buffer[4096];
        const ssize_t got = ::recv(socket.fd(), buffer, sizeof buffer, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || answer.size() > limits::command_answer_octets) {
            // The request may have been taken: repeating an event with its source and sequence is safe.
            return fail(fmt::format("{}: no answer ({})", text,
                                    got < 0 ? std::strerror(errno) : "connection closed or too much"));
        }
        answer.append(buffer, static_cast<std::size_t>(got));
    }
    json parsed = json::parse(answer, nullptr, false);
    if (!parsed.is_object())
        return fail(text + ": the answer is no JSON object");
    return parsed;
}

int report_failure(const Error& error) {
    fmt::print(stderr, "{}\n", error.message);
    return exit_failure;
}

void print_counts(const json& report) {
    for (const char* name :
         {"read", "issued", "revoked", "released", "corrected", "unchanged", "missing", "contradicted"}) {
        fmt::print("{:>12} {}\n", report.value(name, std::uint64_t{0}), name);
    }
    for (const auto& warning : report.value("warnings", json::array()))
        fmt::print("warning: {}\n", warning.get<std::string>());
}

}  // namespace

namespace {

// One line behind what stands there; begun anew where the file has grown, of which only the last day counts.
Status add_line(const std::filesystem::path& file, const std::string& line) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(file, missing);
    const bool full = !missing && size + line.size() > limits::revocations_file_octets;
    const int fd =
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (full ? O_TRUNC : 0), 0600);
    if (fd < 0)
        return fail(fmt::format("{}: {}", file.string(), std::strerror(errno)));
    const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    const int why = errno;
    ::close(fd);
    return written ? Status{} : fail(fmt::format("{}: {}", file.string(), std::strerror(why)));
}

// Tells the watch, where one stands beside, so that it times the revocation's way to relying parties (D-02).
// What cannot be told costs the revocation nothing: it is durable already.
void announce(const config::Config& config, const EventArguments& arguments) {
    const auto issuer = std::ranges::find_if(config.issuers, [&](const config::Issuer& one) {
        return one.name == arguments.issuer || (arguments.issuer.empty() && config.issuers.size() == 1);
    });
    if (config.watch.revocations.empty() || issuer == config.issuers.end() || !issuer->watch.any())
        return;
    const json line{
        {"issuer", issuer->name}, {"serial", arguments.serial}, {"time", to_iso8601(SystemClock().now())}};
    if (auto told = add_line(config.watch.revocations, line.dump() + "\n"); !told)
        fmt::print(stderr, "the watch was not told, so this is not timed: {}\n", told.error().message);
}

}  // namespace

int send_event(const config::Config& config, const EventArguments& arguments) {
    json event{{"do", "event"}, {"action", arguments.action}, {"serial", arguments.serial}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty())
            event[name] = value;
    };
    add("issuer", arguments.issuer);
    add("reason", arguments.reason);
    add("time", arguments.time);
    add("invalidity_date", arguments.invalidity_date);
    add("source", arguments.source);
    if (arguments.sequence)
        event["sequence"] = *arguments.sequence;
    const auto answer = ask(config.signer.control_socket, event);
    if (!answer)
        return report_failure(answer.error());
    if (!answer->value("ok", false)) {
        fmt::print(stderr, "refused: {}\n",
                   answer->value("error", answer->value("message", std::string{"no reason was given"})));
        return exit_failure;
    }
    fmt::print("{}: {} (sequence {}{}{})\n", answer->value("verdict", std::string{}),
               answer->value("message", std::string{}), answer->value("sequence", std::uint64_t{0}),
               answer->value("repeated", false) ? ", seen before" : "",
               answer->value("gap", false) ? ", numbers before it are missing" : "");
    if (arguments.action == "revoke" && !answer->value("repeated", false))
        announce(config, arguments);
    return 0;
}

namespace {
// A question that is answered with an import's report.
int ask_for_report(const config::Config& config, const json& question) {
    const auto answer = ask(config.signer.control_socket, question);
    if (!answer)
        return report_failure(answer.error());
    if (!answer->value("ok", false)) {
        fmt::print(stderr, "refused, nothing changed: {}\n", answer->value("error", std::string{}));
        return exit_failure;
    }
    print_counts(answer->value("report", json::object()));
    return 0;
}
}  // namespace

int import(const config::Config& config, const ImportArguments& arguments) {
    std::error_code error;
    const auto path = std::filesystem::absolute(arguments.path, error);
    json question{{"do", "import"}, {"kind", arguments.kind}, {"path", path.string()}};
    if (!arguments.issuer.empty())
        question["issuer"] = arguments.issuer;
    if (!arguments.crl_path.empty())
        question["crl_path"] = arguments.crl_path;
    return ask_for_report(config, question);
}

int compromise(const config::Config& config, const std::string& issuer, const std::string& confirm,
               const std::string& time) {
    json question{{"do", "compromise"}, {"issuer", issuer}, {"confirm", confirm}};
    if (!time.empty())
        question["time"] = time;
    return ask_for_report(config, question);
}

int last_crl(const config::Config& config, const std::string& issuer) {
    const auto answer = ask(config.signer.control_socket, {{"do", "last-crl"}, {"issuer", issuer}});
    if (!answer)
        return report_failure(answer.error());
    if (!answer->value("ok", false)) {
        fmt::print(stderr, "refused, nothing changed: {}\n", answer->value("error", std::string{}));
        return exit_failure;
    }
    fmt::print("the last CRL of {} is made; no other will be\n", issuer);
    return 0;
}

int status(const config::Config& config) {
    const auto answer = ask(config.signer.control_socket, {{"do", "status"}});
    if (!answer)
        return report_failure(answer.error());
    fmt::print("{}\n", answer->value("issuers", json::array()).dump(2));
    const json clock = answer->value("clock", json::object());
    if (const auto why = clock.value("why", std::string{}); !why.empty())
        fmt::print(stderr, "clock: {}\n", why);
    if (const json pair = answer->value("pair", json::object()); !pair.empty())
        fmt::print(stderr, "this signer follows: {}\n", pair.dump());
    return 0;
}

namespace {
int order(const config::Config& config, const json& what, const std::string& done) {
    const auto answer = ask(config.signer.control_socket, what);
    if (!answer)
        return report_failure(answer.error());
    if (!answer->value("ok", false)) {
        fmt::print(stderr, "refused: {}\n", answer->value("error", std::string{}));
        return exit_failure;
    }
    fmt::print("{}\n", done);
    return 0;
}
}  // namespace

int lead(const config::Config& config) {
    return order(config, {{"do", "lead"}}, "this signer leads as soon as the other one does not");
}

int resign(const config::Config& config, const std::string& issuer) {
    return order(config, {{"do", "resign"}, {"issuer", issuer}},
                 "every answer is being signed anew; `eightbells status` shows the pages that are due");
}

int clock(const config::Config& config, bool accept) {
    const auto answer = ask(config.signer.control_socket, {{"do", "clock"}, {"accept", accept}});
    if (!answer)
        return report_failure(answer.error());
    if (!answer->value("ok", false)) {
        fmt::print(stderr, "refused: {}\n", answer->value("error", std::string{}));
        return exit_failure;
    }
    const json clock = answer->value("clock", json::object());
    const auto why = clock.value("why", std::string{});
    fmt::print("{}{}{}\n", clock.value("state", std::string{}), why.empty() ? "" : ": ", why);
    return clock.value("may_sign", false) ? 0 : exit_failure;
}

}  // namespace eightbells::programs
