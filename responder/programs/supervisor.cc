#include "responder/programs/supervisor.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>
#include <vector>

#include "responder/base/clock.h"
#include "responder/http/listener.h"
#include "responder/programs/commands.h"
#include "responder/programs/limits.h"
#include "responder/programs/start.h"

namespace eightbells::programs {
namespace {

// In the child: blocked signals of the supervisor's are nobody else's.
[[noreturn]] void become(std::vector<std::string> words) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

std::string how_it_ended(int how) {
    return WIFSIGNALED(how) ? fmt::format("was ended by signal {}", WTERMSIG(how))
                            : fmt::format("ended with code {}", WEXITSTATUS(how));
}

// A CA's status goes on until its certificate has ended (F-27): an issuer that is lost from the file is a
// mistake. One that is meant to leave before does so when everything is stopped and started.
Status every_ca_stays(const config::Config& served, const config::Config& next, UtcTime now) {
    std::set<Bytes> keys;
    for (const auto& issuer : next.issuers) {
        const auto certificate = ca_certificate(issuer);
        if (!certificate)
            return fail("issuer \"" + issuer.name + "\"", certificate.error());
        const ByteView key = certificate->subject_public_key_info();
        keys.insert({key.begin(), key.end()});
    }
    for (const auto& issuer : served.issuers) {
        const auto certificate = ca_certificate(issuer);
        if (!certificate)
            return fail("issuer \"" + issuer.name + "\", which is served", certificate.error());
        const ByteView key = certificate->subject_public_key_info();
        if (certificate->not_after() >= now && !keys.contains({key.begin(), key.end()}))
            return fail(fmt::format(
                "F-27: the issuer \"{}\" is left out, although its certificate is valid until {}; "
                "if that is meant, stop eightbells and start it again",
                issuer.name, to_iso8601(certificate->not_after())));
    }
    return {};
}

}  // namespace

Supervisor::Supervisor(config::Config config, std::filesystem::path folder, ServiceNotices notices)
    : config_(std::move(config)), folder_(std::move(folder)), notices_(std::move(notices)) {
    signer_.program = "eightbells-signer";
    front_.program = "eightbells-front";
    if (config_.watches())
        watch_.program = "eightbells-watch";
    for (Child* child : children_)
        child->pause = limits::restart_pause_min;
}

Result<std::unique_ptr<Supervisor>> Supervisor::open(const config::Config& config,
                                                     std::filesystem::path folder) {
    auto notices = ServiceNotices::open();
    if (!notices)
        return tl::unexpected(notices.error());
    std::unique_ptr<Supervisor> supervisor(new Supervisor(config, std::move(folder), std::move(*notices)));
    auto sockets = supervisor->open_sockets(config.front);
    if (!sockets)
        return tl::unexpected(sockets.error());
    supervisor->sockets_ = std::move(*sockets);
    // What has never been in reach yet is no outage: the watch's ledger would begin with one at every start.
    supervisor->watch_.start_at = std::chrono::steady_clock::now() + limits::watch_start_pause;
    return supervisor;
}

Supervisor::~Supervisor() {
    close_those_not_in({});
}

// --- the front's sockets

// Those that are open already stay as they are, with whoever waits in them.
Result<Supervisor::OpenSockets> Supervisor::open_sockets(const config::Front& front) {
    OpenSockets sockets;
    std::vector<std::string> texts = front.listen;
    texts.push_back(front.metrics);
    for (const std::string& text : texts) {
        if (const auto known = sockets_.find(text); known != sockets_.end()) {
            sockets.insert(*known);
            continue;
        }
        const auto address = parse_host_port(text);
        const auto fd = address ? http::open_listening_socket(*address)
                                : Result<int>{tl::unexpected<Error>(address.error())};
        if (!fd) {
            std::swap(sockets_, sockets);
            close_those_not_in(sockets);
            std::swap(sockets_, sockets);
            return fail(text == front.metrics ? "front.metrics" : "front.listen", fd.error());
        }
        sockets[text] = *fd;
    }
    return sockets;
}

void Supervisor::close_those_not_in(const OpenSockets& kept) {
    for (const auto& [address, fd] : sockets_) {
        if (!kept.contains(address))
            ::close(fd);
    }
}

// --- children

void Supervisor::start(Child& child, SteadyTime now) {
    std::vector<GivenSocket> given;
    if (child.program == front_.program) {
        for (const std::string& address : config_.front.listen)
            given.push_back({sockets_.at(address), ""});
        given.push_back({sockets_.at(config_.front.metrics), std::string{metrics_socket_name}});
    }
    const std::vector<std::string> words{(folder_ / child.program).string(), "--config",
                                         std::filesystem::absolute(config_.file).string()};
    const pid_t supervisor = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a supervisor that is killed leaves nobody behind
        if (::getppid() != supervisor || ::setenv("NOTIFY_SOCKET", notices_.address().c_str(), 1) != 0 ||
            (!given.empty() && !give_sockets(given)))
            ::_exit(exit_failure);
        become(words);
    }
    child.pid = std::max(pid, 0);  // no process to be had: tried again at once
    child.ready = child.asked_to_end = false;
    child.started = now;
    if (pid > 0)
        spdlog::info("started {} as process {}", child.program, pid);
}

void Supervisor::note_end(Child& child, int how, SteadyTime now) {
    child.pid = 0;
    child.ready = false;
    if (std::exchange(child.asked_to_end, false)) {
        child.start_at = now;
        return;
    }
    spdlog::error("{} {}; it is started again", child.program, how_it_ended(how));
    // One that ran for a while starts again at once, one that cannot start waits longer and longer.
    const bool ran = now - child.started > limits::restart_pause_max;
    child.pause = ran ? limits::restart_pause_min : std::min(child.pause * 2, limits::restart_pause_max);
    child.start_at = now + child.pause;
}

void Supervisor::reap(SteadyTime now) {
    int how = 0;
    for (pid_t pid = ::waitpid(-1, &how, WNOHANG); pid > 0; pid = ::waitpid(-1, &how, WNOHANG)) {
        const auto ended = std::ranges::find(children_, pid, &Child::pid);
        if (ended == children_.end())
            continue;
        if (*ended == &next_front_ && !ending_) {
            next_front_ = {};
            give_up_replacing("the new front " + how_it_ended(how));
        } else if (*ended == &front_ && next_front_.pid != 0 && !ending_) {
            // As it was asked to, or not: the other one is there, and has the claim by now.
            front_ = std::exchange(next_front_, {});
            replacing_ = Replacing::front;
            spdlog::info("the new front answers: process {}", front_.pid);
        } else {
            note_end(**ended, how, now);
        }
    }
}

void Supervisor::note_ready() {
    for (const int pid : notices_.take_ready()) {
        const auto one = std::ranges::find(children_, pid, &Child::pid);
        if (pid > 0 && one != children_.end())
            (*one)->ready = true;
    }
}

bool Supervisor::step(SteadyTime now) {
    reap(now);
    note_ready();
    if (!ending_)
        go_on_replacing(now);
    bool any = false;
    for (Child* child : children_) {
        const bool wanted = !child->program.empty() && child != &next_front_;
        if (wanted && child->pid == 0 && !ending_ && now >= child->start_at)
            start(*child, now);
        any = any || child->pid != 0;
    }
    if (ending_ && now - *ending_ > limits::stop_time) {
        for (const Child* child : children_) {
            if (child->pid != 0)
                ::kill(child->pid, SIGKILL);
        }
    }
    return !ending_ || any;
}

void Supervisor::end(SteadyTime now) {
    if (ending_)
        return;
    ending_ = now;
    for (Child* child : children_)
        ask_to_end(*child);
}

void Supervisor::ask_to_end(Child& child) {
    if (child.pid == 0)
        return;
    child.asked_to_end = true;
    ::kill(child.pid, SIGTERM);
}

// --- all in their places anew

void Supervisor::replace(SteadyTime now) {
    if (ending_)
        return;
    if (replacing_ != Replacing::nothing) {
        replace_again_ = true;
        return;
    }
    if (!take_configuration()) {
        spdlog::error("reload: nothing is changed");
        return;
    }
    spdlog::info("reload: the configuration is sound; the signer starts again, then the front is replaced");
    signer_.ready = false;
    ask_to_end(signer_);
    expect(Replacing::signer, now);
}

// All or nothing: what is wrong shows before anything ends.
bool Supervisor::take_configuration() {
    config::Loaded loaded = config::load(config_.file);
    if (loaded.mistakes.empty())
        config::check_files(loaded, config::Role::both);
    for (const auto& mistake : loaded.mistakes)
        spdlog::error("reload: {}", mistake.to_string());
    if (!loaded.mistakes.empty() || !passes_check(signer_.program) || !passes_check(front_.program))
        return false;
    if (auto stays = every_ca_stays(config_, loaded.config, SystemClock{}.now()); !stays) {
        spdlog::error("reload: {}", stays.error().message);
        return false;
    }
    auto sockets = open_sockets(loaded.config.front);
    if (!sockets) {
        spdlog::error("reload: {}", sockets.error().message);
        return false;
    }
    config_ = std::move(loaded.config);
    watch_.program = config_.watches() ? "eightbells-watch" : "";
    // Those that go are closed here; the front that is there still has them, and ends them with itself.
    close_those_not_in(*sockets);
    sockets_ = std::move(*sockets);
    return true;
}

// The program itself judges keys and certificates; what it has to say goes to our own log.
bool Supervisor::passes_check(const std::string& program) {
    const std::vector<std::string> words{(folder_ / program).string(), "--config",
                                         std::filesystem::absolute(config_.file).string(), "--check"};
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::alarm(static_cast<unsigned>(limits::check_time.count()));  // kept across exec
        become(words);
    }
    int how = 0;
    if (pid < 0 || ::waitpid(pid, &how, 0) != pid) {
        spdlog::error("reload: {} cannot be asked", program);
        return false;
    }
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
        spdlog::error("reload: {} --check {}", program, how_it_ended(how));
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

void Supervisor::expect(Replacing what, SteadyTime now) {
    replacing_ = what;
    replace_until_ = now + limits::replace_time;
}

void Supervisor::give_up_replacing(const std::string& why) {
    if (replacing_ == Replacing::nothing)
        return;
    spdlog::error("reload: {}; the front stays as it is", why);
    if (next_front_.pid != 0)
        ::kill(next_front_.pid, SIGKILL);
    replacing_ = Replacing::nothing;
}

void Supervisor::go_on_replacing(SteadyTime now) {
    switch (replacing_) {
        case Replacing::nothing:
            if (std::exchange(replace_again_, false))
                replace(now);
            return;
        case Replacing::signer:
            if (signer_.ready) {
                next_front_.program = front_.program;
                start(next_front_, now);
                expect(Replacing::next_front, now);
            } else if (now >= replace_until_) {
                give_up_replacing("the signer does not start");
            }
            return;
        case Replacing::next_front:
            if (next_front_.ready) {
                ask_to_end(front_);
                expect(Replacing::front, now);
            } else if (now >= replace_until_) {
                give_up_replacing("the new front did not become ready");
            }
            return;
        case Replacing::front:
            if (next_front_.pid != 0)
                return;  // the one before still answers what was begun
            ask_to_end(watch_);
            replacing_ = Replacing::nothing;
            spdlog::info("reload: done");
            return;
    }
}

}  // namespace eightbells::programs
