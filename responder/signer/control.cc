#include "responder/signer/control.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "responder/signer/ca_compromise.h"
#include "responder/signer/control_message.h"
#include "responder/signer/limits.h"
#include "responder/signer/local_socket.h"

namespace eightbells::signer {

using nlohmann::json;

std::string report_to_json(const ledger::ImportReport& report) {
    return json{{"read", report.read},           {"issued", report.issued},
                {"revoked", report.revoked},     {"released", report.released},
                {"corrected", report.corrected}, {"unchanged", report.unchanged},
                {"missing", report.missing},     {"contradicted", report.contradicted},
                {"warnings", report.warnings}}
        .dump(-1, ' ', false, json::error_handler_t::replace);  // file names are any bytes
}

Result<ledger::ImportReport> run_import(ledger::Ledger& ledger, CrlGate& gate, const FedIssuer& fed,
                                        const std::string& kind, const std::filesystem::path& path,
                                        const std::string& crl_path, UtcTime now) {
    const auto& issuer = fed.issuer;
    if (kind == "index" && fed.settings.status_from == config::StatusFrom::crl)
        return fail(
            "kind: this issuer's status comes from its CRL alone (status_from); give its list of issued "
            "certificates as csv, json-lines or folder");
    if (kind == "index")
        return ledger::import_index(ledger, issuer, path, now);
    if (kind == "csv")
        return ledger::import_csv(ledger, issuer, path, now);
    if (kind == "json-lines")
        return ledger::import_json_lines(ledger, issuer, path, now);
    if (kind == "folder")
        return ledger::import_folder(ledger, issuer, path, now);
    if (kind == "crl") {
        const auto crl = CrlGate::find(fed, crl_path);
        if (!crl)
            return tl::unexpected<Error>(crl.error());
        auto octets = crl::copy_crl(path, gate.scratch());
        if (!octets)
            return tl::unexpected<Error>(octets.error());
        return gate.take(fed, *crl, {std::move(*octets), path.string()});
    }
    return fail("kind: one of index, crl, csv, json-lines, folder is expected");
}

namespace {
// Where the CRL is the source, a certificate may be issued and revoked ahead of it; what it lists is its own
// to take back or to correct.
Result<ledger::Event> taken_from_events(const FedIssuer& fed, ledger::Event event) {
    const bool ahead = event.action == ledger::Action::issue || event.action == ledger::Action::revoke;
    if (fed.settings.status_from == config::StatusFrom::crl && !ahead)
        return fail(
            "action: this issuer's status comes from its CRL alone (status_from): only issue and revoke are "
            "taken ahead of it");
    return event;
}

json clock_json(const ClockGuard::Reading& reading) {
    return {{"state", metrics::clock_state_names[static_cast<std::size_t>(reading.state)]},
            {"may_sign", reading.may_sign},
            {"why", reading.why}};
}
}  // namespace

struct Control::State {
    State(std::vector<FedIssuer> fed, ledger::Ledger& used_ledger, Feeds& used_feeds, CrlGate& used_gate,
          Hooks used_hooks, const Clock& used_clock)
        : issuers(std::move(fed)),
          ledger(used_ledger),
          feeds(used_feeds),
          gate(used_gate),
          hooks(std::move(used_hooks)),
          clock(used_clock) {}
    ~State() {
        if (thread.joinable()) {
            event_active(stop, 0, 0);
            thread.join();
        }
        server.reset();
        if (finished_event != nullptr)
            event_free(finished_event);
        if (group_event != nullptr)
            event_free(group_event);
        if (stop != nullptr)
            event_free(stop);
        if (base != nullptr)
            event_base_free(base);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // Of an event that waits to be committed with its group: who asked.
    struct Asked {
        std::uint64_t connection = 0;
        json id;
        std::string refused;  // why it does not come to the ledger
    };

    std::optional<std::size_t> take(Connection& connection, ByteView input);
    void take_event(Connection& connection, const json& line);
    void commit();
    void answer_other(Connection& connection, const json& line);
    void answer_clock(Connection& connection, const json& line);
    void start_import(Connection& connection, const json& line);
    void start_compromise(Connection& connection, const json& line);
    void start_last_crl(Connection& connection, const json& line);
    void enqueue(Connection& connection, const json& line, Feeds::Import import);
    const FedIssuer* issuer(const json& line) const;
    static json id_of(const json& asked) {
        const json none(json::value_t::discarded);
        return asked.is_object() ? asked.value("id", none) : none;
    }
    static void send(Connection& connection, const json& asked, json answer) {
        send_under(connection, id_of(asked), std::move(answer));
    }
    static void send_under(Connection& connection, const json& id, json answer) {
        if (!id.is_discarded())
            answer["id"] = id;
        const std::string text = answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
        connection.send(as_bytes(text));
    }
    static json refusal(std::string_view why) { return {{"ok", false}, {"error", why}}; }
    void send_finished() {
        std::deque<std::pair<std::uint64_t, std::pair<json, json>>> done;
        {
            const std::scoped_lock lock{finished_mutex};
            done.swap(finished);
        }
        for (auto& [id, answer] : done) {
            if (auto* connection = server->connections().find(id))
                send(*connection, answer.first, std::move(answer.second));
        }
    }

    std::vector<FedIssuer> issuers;
    ledger::Ledger& ledger;
    Feeds& feeds;
    CrlGate& gate;
    Hooks hooks;
    const Clock& clock;
    event_base* base = nullptr;
    event* stop = nullptr;
    event* finished_event = nullptr;
    event* group_event = nullptr;
    std::unique_ptr<LocalServer> server;
    std::vector<Asked> asked;          // the group, answered in this order
    std::vector<ledger::Event> group;  // those of them that are not refused yet
    std::mutex finished_mutex;
    std::deque<std::pair<std::uint64_t, std::pair<json, json>>>
        finished;  // connection, (asked, answer): imports that ended
    std::thread thread;
};

const FedIssuer* Control::State::issuer(const json& line) const {
    const auto named = line.find("issuer");
    if (named == line.end())
        return issuers.size() == 1 ? &issuers.front() : nullptr;
    if (!named->is_string())
        return nullptr;
    const auto& text = named->get_ref<const std::string&>();
    const auto found = std::ranges::find_if(
        issuers, [&](const FedIssuer& fed) { return fed.settings.name == text || fed.issuer.id() == text; });
    return found == issuers.end() ? nullptr : &*found;
}

std::optional<std::size_t> Control::State::take(Connection& connection, ByteView input) {
    std::size_t used = 0;
    for (std::size_t commands = 0; commands < limits::control_commands;) {
        const auto rest = as_text(input.subspan(used));
        const auto end = rest.find('\n');
        if (end == std::string_view::npos)
            return rest.size() > limits::control_line_octets ? std::nullopt : std::optional{used};
        used += end + 1;
        const auto text = rest.substr(0, end);
        if (text.find_first_not_of(" \t\r") == std::string_view::npos)
            continue;
        // Flat objects only: what is nested deeply would be taken apart and written back by recursion.
        const auto opened = std::ranges::count_if(text, [](char c) { return c == '{' || c == '['; });
        const json line = opened > limits::control_nesting ? json{} : json::parse(text, nullptr, false);
        if (line.is_object() && line.value("do", json{}) == "event") {
            take_event(connection, line);
            continue;
        }
        commit();  // answers stay in the order of the lines
        ++commands;
        if (line.is_object())
            answer_other(connection, line);
        else
            send(connection, json::object(), refusal("a JSON object on one line is expected"));
    }
    return used;
}

// The group is committed when everything that had come when the loop last looked is read, from all
// connections.
void Control::State::take_event(Connection& connection, const json& line) {
    const auto* fed = issuer(line);
    auto event = event_from_json(line);
    if (event && fed != nullptr)
        event = taken_from_events(*fed, std::move(*event));
    Asked one{connection.id(), id_of(line), {}};
    if (!event) {
        one.refused = event.error().message;
    } else if (fed == nullptr) {
        one.refused = "issuer: no issuer of this name is configured";
    } else {
        event->issuer = fed->issuer.id();
        group.push_back(std::move(*event));
    }
    asked.push_back(std::move(one));
    if (asked.size() == 1)
        event_active(group_event, 0, 0);
    if (asked.size() >= limits::control_batch)
        commit();
}

void Control::State::commit() {
    if (asked.empty())
        return;
    // One transaction, one fsync. Crash before it: nothing was acknowledged, the CA sends again. Crash after:
    // the repetition gets the same answer.
    const auto answers = group.empty() ? std::vector<ledger::EventAnswer>{} : ledger.apply(group);
    if (!answers)
        spdlog::error("ledger: {}; events are refused", answers.error().message);
    std::size_t applied = 0;
    for (const auto& one : asked) {
        json answer;
        if (!one.refused.empty()) {
            answer = refusal(one.refused);
        } else if (!answers) {
            hooks.on_event(group[applied++].action, nullptr);
            answer = refusal("ledger: " + answers.error().message);
        } else {
            hooks.on_event(group[applied].action, &(*answers)[applied]);
            answer = to_json((*answers)[applied]);
            ++applied;
        }
        if (auto* connection = server->connections().find(one.connection))
            send_under(*connection, one.id, std::move(answer));
    }
    asked.clear();
    group.clear();
    hooks.on_change();
}

void Control::State::answer_other(Connection& connection, const json& line) {
    const json what = line.value("do", json{});
    if (what == "status") {
        send(connection, line,
             {{"ok", true},
              {"issuers", json::parse(hooks.status(), nullptr, false)},
              {"clock", clock_json(hooks.clock())}});
    } else if (what == "clock") {
        answer_clock(connection, line);
    } else if (what == "import") {
        start_import(connection, line);
    } else if (what == "compromise") {
        start_compromise(connection, line);
    } else if (what == "last-crl") {
        start_last_crl(connection, line);
    } else if (what == "resign") {
        const auto* fed = issuer(line);
        if (fed != nullptr)
            hooks.resign(fed->issuer.id());
        send(connection, line,
             fed != nullptr ? json{{"ok", true}} : refusal("issuer: no issuer of this name is configured"));
    } else {
        send(connection, line,
             refusal("do: one of event, import, compromise, last-crl, resign, status, clock is expected"));
    }
}

void Control::State::answer_clock(Connection& connection, const json& line) {
    const json accept = line.value("accept", json(false));
    if (!accept.is_boolean())
        return send(connection, line, refusal("accept: true or false is expected"));
    if (accept.get<bool>()) {
        if (auto accepted = hooks.accept_clock(connection.user()); !accepted)
            return send(connection, line, refusal("clock: " + accepted.error().message));
        hooks.on_change();  // what had to wait is signed at once
    }
    send(connection, line, {{"ok", true}, {"clock", clock_json(hooks.clock())}});
}

void Control::State::start_import(Connection& connection, const json& line) {
    const auto* fed = issuer(line);
    if (fed == nullptr)
        return send(connection, line, refusal("issuer: no issuer of this name is configured"));
    const json kind = line.value("kind", json{});
    const json path = line.value("path", json{});
    if (!kind.is_string())
        return send(connection, line,
                    refusal("kind: one of index, crl, csv, json-lines, folder is expected"));
    if (!path.is_string() || !path.get_ref<const std::string&>().starts_with("/")) {
        return send(connection, line, refusal("path: an absolute path is expected"));
    }
    const json crl_path = line.value("crl_path", json(""));
    if (!crl_path.is_string())
        return send(connection, line, refusal("crl_path: a string is expected"));
    const auto import = [this, fed, k = kind.get<std::string>(), p = path.get<std::string>(),
                         c = crl_path.get<std::string>()] {
        return run_import(ledger, gate, *fed, k, p, c, clock.now());
    };
    enqueue(connection, line, import);
}

void Control::State::start_compromise(Connection& connection, const json& line) {
    const auto* fed = issuer(line);
    if (fed == nullptr)
        return send(connection, line, refusal("issuer: no issuer of this name is configured"));
    if (line.value("confirm", json{}) != fed->settings.name)
        return send(connection, line,
                    refusal("confirm: the issuer's name is expected once more: there is no way back"));
    UtcTime time = clock.now();
    if (const auto given = line.find("time"); given != line.end()) {
        const auto parsed = given->is_string() ? from_iso8601(given->get_ref<const std::string&>())
                                               : Result<UtcTime>{fail("a string is expected")};
        if (!parsed)
            return send(connection, line, refusal("time: " + parsed.error().message));
        time = *parsed;
    }
    spdlog::critical("issuer {}: its key is declared compromised: every certificate is being revoked",
                     fed->settings.name);
    enqueue(connection, line,
            [this, fed, time] { return revoke_everything(ledger, fed->issuer, time, clock.now()); });
}

void Control::State::start_last_crl(Connection& connection, const json& line) {
    const auto* fed = issuer(line);
    if (fed == nullptr)
        return send(connection, line, refusal("issuer: no issuer of this name is configured"));
    enqueue(connection, line, [this, fed]() -> Result<ledger::ImportReport> {
        if (auto issued = hooks.issue_last_crl(fed->issuer.id()); !issued)
            return tl::unexpected<Error>(issued.error());
        return ledger::ImportReport{};
    });
}

// Runs where imports run, one at a time; the answer comes when it is done.
void Control::State::enqueue(Connection& connection, const json& line, Feeds::Import import) {
    const std::uint64_t id = connection.id();
    // What an operator is told is done has reached the second signer, where there is one.
    auto confirmed = [this, run = std::move(import)] {
        auto report = run();
        if (auto both_have_it = report ? ledger.journal().confirm() : Status{}; !both_have_it)
            report = tl::unexpected<Error>(both_have_it.error());
        return report;
    };
    const auto done = [this, id, line](const Result<ledger::ImportReport>& report) {
        json answer = report ? json{{"ok", true}, {"report", json::parse(report_to_json(*report))}}
                             : refusal(report.error().message);
        {
            const std::scoped_lock lock{finished_mutex};
            finished.emplace_back(id, std::pair{line, std::move(answer)});
        }
        hooks.on_change();
        event_active(finished_event, 0, 0);
    };
    if (!feeds.enqueue(std::move(confirmed), done))
        send(connection, line, refusal("too many imports are waiting; try again later"));
}

Control::Control(std::unique_ptr<State> state) : state_(std::move(state)) {}
Control::~Control() = default;

Result<std::unique_ptr<Control>> Control::open(const std::filesystem::path& socket, std::vector<uid_t> users,
                                               std::vector<FedIssuer> issuers, ledger::Ledger& ledger,
                                               Feeds& feeds, CrlGate& gate, Hooks hooks, const Clock& clock) {
    evthread_use_pthreads();
    auto state = std::make_unique<State>(std::move(issuers), ledger, feeds, gate, std::move(hooks), clock);
    state->base = event_base_new();
    if (state->base == nullptr)
        return fail("cannot make an event loop");
    state->stop = event_new(
        state->base, -1, 0,
        [](evutil_socket_t, short, void* b) noexcept { event_base_loopbreak(static_cast<event_base*>(b)); },
        state->base);
    state->finished_event = event_new(
        state->base, -1, 0,
        [](evutil_socket_t, short, void* s) noexcept { static_cast<State*>(s)->send_finished(); },
        state.get());
    state->group_event = event_new(
        state->base, -1, 0,
        [](evutil_socket_t, short, void* s) noexcept { static_cast<State*>(s)->commit(); }, state.get());
    LocalServer::Settings settings;
    settings.path = socket;
    settings.limits.connections = limits::control_connections;
    settings.limits.input_octets = 4 * limits::control_line_octets;
    settings.limits.idle = limits::control_idle;
    settings.may_connect = [allowed = std::move(users), own = ::geteuid()](uid_t user) {
        return user == 0 || user == own || std::ranges::find(allowed, user) != allowed.end();
    };
    auto server = LocalServer::open(
        state->base, std::move(settings),
        [s = state.get()](Connection& connection, ByteView input) { return s->take(connection, input); });
    if (!server)
        return tl::unexpected<Error>(server.error());
    state->server = std::move(*server);
    state->thread = std::thread{[base = state->base] { event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY); }};
    return std::unique_ptr<Control>{new Control(std::move(state))};
}

}  // namespace eightbells::signer
