// eightbells: the operator's hand. One subcommand a job; each is described by --help.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "responder/programs/commands.h"
#include "responder/programs/start.h"
#include "responder/signer/identity.h"

namespace {

using namespace eightbells;

void add_event_options(CLI::App& command, programs::EventArguments& arguments) {
    command.add_option("serial", arguments.serial, "the certificate's serial number, hexadecimal")
        ->required();
    command.add_option("--issuer", arguments.issuer, "the issuer's name; not needed with a single one");
    command.add_option("--source", arguments.source, "who says so (default: operator)");
    command.add_option("--sequence", arguments.sequence, "the source's own number of this event, from 1");
    command.add_option("--time", arguments.time, "when it took effect, 2026-11-22T06:40:00Z (default: now)");
    command.add_option("--invalidity-date", arguments.invalidity_date,
                       "when the key is thought to have become invalid");
}

// What `check-config` adds to what every program says about its configuration: keys and certificates, judged
// as at a start (group H).
int check_config(const config::Config& config, const Clock& clock) {
    int mistakes = 0;
    for (std::size_t i = 0; i < config.issuers.size(); ++i) {
        std::vector<std::string> warnings;
        const auto identity = signer::load_identity(i, config.issuers[i], clock.now(), warnings);
        const std::string field = fmt::format("issuer[{}].signer_certificate", i);
        for (const auto& warning : warnings)
            fmt::print("{} (warning)\n", config::at_field(config, field, warning).to_string());
        if (identity)
            continue;
        ++mistakes;
        fmt::print(stderr, "{}\n", config::at_field(config, field, identity.error().message).to_string());
    }
    if (mistakes != 0)
        return programs::exit_configuration;
    fmt::print("{}: no mistakes; {} issuer{}, store: {}\n", config.file.string(), config.issuers.size(),
               config.issuers.size() == 1 ? "" : "s",
               config.store.kind == config::StoreKind::redis ? "Redis" : "local folder");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Eightbells: OCSP responder and CRL distribution, at the operator's hand."};
    std::string file = "eightbells.toml";
    app.add_option("--config", file, "the configuration file")->capture_default_str();
    app.require_subcommand(1);
    app.fallthrough();  // --config may stand behind the subcommand as well

    const SystemClock clock;
    std::function<int(const config::Config&)> job;
    std::optional<config::Role> files;
    app.add_subcommand("run", "start the signer and a front and keep them running")->callback([&] {
        job = programs::run;
    });
    app.add_subcommand("check-config", "explain every mistake in the configuration")->callback([&] {
        files = config::Role::both;
        job = [&](const config::Config& config) { return check_config(config, clock); };
    });
    app.add_subcommand("status", "what the running signer has published")->callback([&] {
        job = programs::status;
    });
    app.add_subcommand("verify", "check every byte and every signature of the store")->callback([&] {
        job = [&](const config::Config& config) { return programs::verify(config, clock); };
    });

    programs::EventArguments event;
    for (const auto& [name, help] :
         {std::pair{"revoke", "revoke a certificate, for good"},
          {"hold", "suspend a certificate"},
          {"release", "release a certificate from hold"},
          {"correct", "correct the reason, time or invalidity date of a revocation"}}) {
        auto* command = app.add_subcommand(name, help);
        add_event_options(*command, event);
        if (std::string_view{name} == "revoke" || std::string_view{name} == "correct") {
            command->add_option("--reason", event.reason,
                                "keyCompromise, superseded, ... (RFC 5280, section 5.3.1)");
        }
        command->callback([&, name = std::string{name}] {
            event.action = name;
            job = [&](const config::Config& config) { return programs::send_event(config, event); };
        });
    }

    programs::ImportArguments import;
    auto* import_command = app.add_subcommand("import", "take up a CA's records: all of the file or nothing");
    import_command->add_option("kind", import.kind, "index, crl, csv, json-lines or folder")
        ->required()
        ->check(CLI::IsMember({"index", "crl", "csv", "json-lines", "folder"}));
    import_command->add_option("path", import.path)->required();
    import_command->add_option("--issuer", import.issuer, "the issuer's name; not needed with a single one");
    import_command->callback(
        [&] { job = [&](const config::Config& config) { return programs::import(config, import); }; });

    std::string issuer;
    std::string confirm;
    std::string time;
    auto* compromise = app.add_subcommand(
        "compromise", "the CA's own key is compromised: revoke every certificate, for good");
    compromise->add_option("issuer", issuer, "the issuer's name")->required();
    compromise->add_option("--confirm", confirm, "the issuer's name once more")->required();
    compromise->add_option("--time", time, "since when, 2026-11-22T06:40:00Z (default: now)");
    compromise->callback([&] {
        job = [&](const config::Config& config) {
            return programs::compromise(config, issuer, confirm, time);
        };
    });

    programs::ShowArguments show;
    auto* show_command =
        app.add_subcommand("show", "what is stored for a serial number and what would be sent");
    show_command->add_option("serial", show.serial, "hexadecimal")->required();
    show_command->add_option("--issuer", show.issuer, "the issuer's name; not needed with a single one");
    show_command->add_option("--hash", show.hash, "sha256 or sha1")->check(CLI::IsMember({"sha256", "sha1"}));
    show_command->add_flag("--der", show.der, "write the answer's bytes to standard output");
    show_command->callback(
        [&] { job = [&](const config::Config& config) { return programs::show(config, show, clock); }; });

    CLI11_PARSE(app, argc, argv);
    const auto config = programs::load_config(file, "eightbells", files);
    if (!config)
        return programs::exit_configuration;
    return job(*config);
}
