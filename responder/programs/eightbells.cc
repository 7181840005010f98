// eightbells: the operator's hand. One subcommand a job; each is described by --help.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "responder/programs/commands.h"
#include "responder/programs/start.h"
#include "responder/signer/capacity.h"
#include "responder/signer/identity.h"
#include "responder/watch/watch.h"

namespace {

using namespace eightbells;

// The command line as it was read: the job it asks for, and what the job needs. Jobs point into it.
struct CommandLine {
    const SystemClock clock;
    std::string file = "eightbells.toml";
    std::optional<config::Role> files;  // whose files are looked at before the job begins
    std::function<int(const config::Config&)> job;
    programs::EventArguments event;
    programs::ImportArguments import;
    programs::ShowArguments show;
    programs::ReportArguments report;
    std::function<int()> job_without_config;  // goes before the other
    std::string accept;
    std::string issuer;
    std::string confirm;
    std::string time;
};

int check_config(const config::Config& config, const Clock& clock);

void add_plain_commands(CLI::App& app, CommandLine& line) {
    app.add_subcommand("run", "start the signer and a front and keep them running")->callback([&] {
        line.job = programs::run;
    });
    auto* check = app.add_subcommand("check-config", "explain every mistake in the configuration");
    check->add_option("file", line.file, "the configuration file, as with --config");
    check->callback([&] {
        line.files = config::Role::both;
        line.job = [&](const config::Config& config) { return check_config(config, line.clock); };
    });
    app.add_subcommand("status", "what the running signer has published")->callback([&] {
        line.job = programs::status;
    });
    app.add_subcommand("lead",
                       "of two signers, the one that follows: lead as soon as the other is gone, although "
                       "it may have acknowledged what this one lacks")
        ->callback([&] { line.job = programs::lead; });
    auto* clock = app.add_subcommand(
        "clock", "what the signer thinks of the clock; `clock accept`: it is right as it is now, sign again");
    clock->add_option("accept", line.accept)->check(CLI::IsMember({"accept"}));
    clock->callback([&] {
        line.job = [&](const config::Config& config) {
            return programs::clock(config, !line.accept.empty());
        };
    });
    app.add_subcommand("verify", "check every byte and every signature of the store")->callback([&] {
        line.job = [&](const config::Config& config) { return programs::verify(config, line.clock); };
    });
}

void add_event_command(CLI::App& app, CommandLine& line, const std::string& name, const std::string& help,
                       bool has_reason) {
    auto* command = app.add_subcommand(name, help);
    auto& event = line.event;
    command->add_option("serial", event.serial, "the certificate's serial number, hexadecimal")->required();
    command->add_option("--issuer", event.issuer, "the issuer's name; not needed with a single one");
    command->add_option("--source", event.source, "who says so (default: operator)");
    command->add_option("--sequence", event.sequence, "the source's own number of this event, from 1");
    command->add_option("--time", event.time, "when it took effect, 2026-11-22T06:40:00Z (default: now)");
    command->add_option("--invalidity-date", event.invalidity_date,
                        "when the key is thought to have become invalid");
    if (has_reason)
        command->add_option("--reason", event.reason,
                            "keyCompromise, superseded, ... (RFC 5280, section 5.3.1)");
    command->callback([&line, name] {
        line.event.action = name;
        line.job = [&line](const config::Config& config) { return programs::send_event(config, line.event); };
    });
}

void add_import_command(CLI::App& app, CommandLine& line) {
    auto* command = app.add_subcommand("import", "take up a CA's records: all of the file or nothing");
    command->add_option("kind", line.import.kind, "index, crl, csv, json-lines or folder")
        ->required()
        ->check(CLI::IsMember({"index", "crl", "csv", "json-lines", "folder"}));
    command->add_option("path", line.import.path)->required();
    command->add_option("--issuer", line.import.issuer, "the issuer's name; not needed with a single one");
    command->add_option("--crl-path", line.import.crl_path,
                        "of several CRLs the one that is served at this path");
    command->callback([&line] {
        line.job = [&line](const config::Config& config) { return programs::import(config, line.import); };
    });
}

void add_compromise_command(CLI::App& app, CommandLine& line) {
    auto* command = app.add_subcommand("compromise",
                                       "the CA's own key is compromised: revoke every certificate, for good");
    command->add_option("issuer", line.issuer, "the issuer's name")->required();
    command->add_option("--confirm", line.confirm, "the issuer's name once more")->required();
    command->add_option("--time", line.time, "since when, 2026-11-22T06:40:00Z (default: now)");
    command->callback([&line] {
        line.job = [&line](const config::Config& config) {
            return programs::compromise(config, line.issuer, line.confirm, line.time);
        };
    });
}

void add_resign_command(CLI::App& app, CommandLine& line) {
    auto* command = app.add_subcommand(
        "resign",
        "sign every answer of an issuer anew, now: after its signer key was compromised and replaced");
    command->add_option("issuer", line.issuer, "the issuer's name")->required();
    command->callback([&line] {
        line.job = [&line](const config::Config& config) { return programs::resign(config, line.issuer); };
    });
}

void add_last_crl_command(CLI::App& app, CommandLine& line) {
    auto* command = app.add_subcommand(
        "last-crl",
        "make an issuer's last CRL, valid for ever: when every certificate is expired or revoked");
    command->add_option("issuer", line.issuer, "the issuer's name")->required();
    command->callback([&line] {
        line.job = [&line](const config::Config& config) { return programs::last_crl(config, line.issuer); };
    });
}

void add_show_command(CLI::App& app, CommandLine& line) {
    auto& show = line.show;
    auto* command = app.add_subcommand("show", "what is stored for a serial number and what would be sent");
    command->add_option("serial", show.serial, "hexadecimal")->required();
    command->add_option("--issuer", show.issuer, "the issuer's name; not needed with a single one");
    command->add_option("--hash", show.hash, "sha256 or sha1")->check(CLI::IsMember({"sha256", "sha1"}));
    command->add_flag("--der", show.der, "write the answer's bytes to standard output");
    command->callback([&line] {
        line.job = [&line](const config::Config& config) {
            return programs::show(config, line.show, line.clock);
        };
    });
}

void add_report_command(CLI::App& app, CommandLine& line) {
    auto& report = line.report;
    auto* command = app.add_subcommand("report", "the signed availability report of a month, JSON and HTML");
    command->add_option("--month", report.month, "the calendar month (UTC), 2026-11");
    // Not greedy, so that a file may stand behind them.
    command
        ->add_option("--ledger", report.ledgers,
                     "a watch's folder, more than once for several watches (default: the configured one)")
        ->allow_extra_args(false);
    command->add_option("--vantage", report.vantage,
                        "only what the watch of this name saw (default: merged)");
    command->add_option("--out", report.out, "the folder for the report")->capture_default_str();
    command->add_option("--anchors", report.anchors, "a file of signed heads that was kept elsewhere")
        ->allow_extra_args(false);
    auto* verify = command->add_subcommand(
        "verify", "check a report's signature and, with --ledger, every number and the ledger itself");
    verify->add_option("file", report.file, "availability-2026-11.json")->required();
    verify->add_option("--key", report.key,
                       "the watch's public key: 64 hex digits, or its file watch-key.pub");
    verify->callback(
        [&line] { line.job_without_config = [&] { return programs::verify_report(line.report); }; });
    command->callback([&line, verify] {
        if (verify->parsed())
            return;
        if (line.report.month.empty())
            throw CLI::RequiredError("--month");
        if (!line.report.ledgers.empty())
            line.job_without_config = [&] { return programs::make_report(line.report, line.clock); };
        line.job = [&](const config::Config& config) {
            line.report.ledgers.push_back(config.watch.data.string());
            return programs::make_report(line.report, line.clock);
        };
    });
}

// Measured with the very keys, and counted where certificates are known already.
bool check_capacity(const config::Config& config,
                    const std::vector<std::shared_ptr<const signer::Identity>>& identities,
                    const Clock& clock) {
    std::vector<std::string> names;
    std::vector<signer::Refreshed> refreshed;
    for (const auto& identity : identities) {
        names.push_back(identity->settings.name);
        const auto count = signer::known_certificates(config, *identity);
        if (!count) {
            fmt::print(stderr, "issuer \"{}\": its certificates cannot be counted: {}\n", names.back(),
                       count.error().message);
            return false;
        }
        if (!*count)
            fmt::print("issuer \"{}\": neither ledger nor index is there to count its certificates in\n",
                       names.back());
        refreshed.push_back({identity, count->value_or(0)});
    }
    metrics::SignerMetrics unseen{std::move(names)};
    signer::Press press{config.signer.threads, config.signer.self_check, unseen};
    const auto capacity = signer::measure_capacity(refreshed, press, unseen, clock);
    if (!capacity) {
        fmt::print(stderr, "{}\n", capacity.error().message);
        return false;
    }
    if (!capacity->enough()) {
        const std::string field = fmt::format("issuer[{}].refresh", capacity->most);
        fmt::print(stderr, "{}\n", config::at_field(config, field, capacity->text).to_string());
        return false;
    }
    fmt::print("{}\n", capacity->text);
    return true;
}

// What `check-config` adds to what every program says about its configuration: keys and certificates, judged
// as at a start (group H).
int check_config(const config::Config& config, const Clock& clock) {
    int mistakes = 0;
    std::vector<std::shared_ptr<const signer::Identity>> identities;
    for (std::size_t i = 0; i < config.issuers.size(); ++i) {
        std::vector<std::string> warnings;
        auto identity = signer::load_identity(i, config.issuers[i], clock.now(), warnings);
        const std::string field = fmt::format("issuer[{}].signer_certificate", i);
        for (const auto& warning : warnings)
            fmt::print("{} (warning)\n", config::at_field(config, field, warning).to_string());
        if (identity) {
            identities.push_back(*std::move(identity));
            continue;
        }
        ++mistakes;
        fmt::print(stderr, "{}\n", config::at_field(config, field, identity.error().message).to_string());
    }
    if (config.watches()) {
        if (const auto watched = watch::load_watched(config); !watched) {
            ++mistakes;
            fmt::print(stderr, "{}\n", watched.error().message);
        }
    }
    if (mistakes != 0 || !check_capacity(config, identities, clock))
        return programs::exit_configuration;
    fmt::print("{}: no mistakes; {} issuer{}, store: {}\n", config.file.string(), config.issuers.size(),
               config.issuers.size() == 1 ? "" : "s",
               config.store.kind == config::StoreKind::redis ? "Redis" : "local folder");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Eightbells: OCSP responder and CRL distribution, at the operator's hand."};
    CommandLine line;
    app.add_option("--config", line.file, "the configuration file")->capture_default_str();
    app.require_subcommand(1);
    app.fallthrough();  // --config may stand behind the subcommand as well
    add_plain_commands(app, line);
    add_event_command(app, line, "revoke", "revoke a certificate, for good", true);
    add_event_command(app, line, "hold", "suspend a certificate", false);
    add_event_command(app, line, "release", "release a certificate from hold", false);
    add_event_command(app, line, "correct", "correct the reason, time or invalidity date of a revocation",
                      true);
    add_import_command(app, line);
    add_compromise_command(app, line);
    add_last_crl_command(app, line);
    add_resign_command(app, line);
    add_show_command(app, line);
    add_report_command(app, line);

    if (const auto ended = programs::read_arguments(app, argc, argv))
        return *ended;
    if (line.job_without_config)
        return line.job_without_config();
    const auto config = programs::load_config(line.file, "eightbells", line.files);
    if (!config)
        return programs::exit_configuration;
    return line.job(*config);
}
