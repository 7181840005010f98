#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "responder/base/durable_file.h"
#include "responder/config/checks.h"
#include "responder/config/config.h"
#include "responder/config/fields.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

template <class Enum>
using Choice = std::pair<std::string_view, Enum>;
constexpr std::array<Choice<StoreKind>, 2> store_kinds{
    {{"directory", StoreKind::directory}, {"redis", StoreKind::redis}}};
constexpr std::array<Choice<crypto::Scheme>, 4> schemes{{{"eutl", crypto::Scheme::eutl},
                                                         {"tls-br", crypto::Scheme::tls_br},
                                                         {"smime-br", crypto::Scheme::smime_br},
                                                         {"private", crypto::Scheme::private_use}}};
constexpr std::array<Choice<StatusFrom>, 2> status_sources{
    {{"ledger", StatusFrom::ledger}, {"crl", StatusFrom::crl}}};
constexpr std::array<Choice<Unissued>, 1> unissued_answers{{{"unauthorized", Unissued::unauthorized}}};
constexpr std::array<Choice<Answers>, 2> answer_kinds{
    {{"presigned", Answers::presigned}, {"live", Answers::live}}};
constexpr std::array<Choice<Nonce>, 2> nonce_kinds{{{"ignore", Nonce::ignore}, {"echo", Nonce::echo}}};
constexpr std::array<Choice<ClockCheck>, 3> clock_checks{
    {{"synchronised", ClockCheck::synchronised}, {"steps", ClockCheck::steps}, {"off", ClockCheck::off}}};
constexpr std::array<Choice<std::string_view>, 4> log_levels{
    {{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}}};

template <class Enum, std::size_t n>
std::span<const Choice<Enum>> all(const std::array<Choice<Enum>, n>& choices) {
    return choices;
}

void read_store(Fields fields, Store& store) {
    fields.choice("kind", all(store_kinds), store.kind);
    fields.path("directory", store.directory);
    Fields redis = fields.table("redis");
    redis.text("host", store.redis.host);
    std::uint32_t port = store.redis.port;
    redis.number("port", 1, 65535, port);
    store.redis.port = static_cast<std::uint16_t>(port);
    redis.path("unix_socket", store.redis.unix_socket);
    redis.texts("sentinels", store.redis.sentinels);
    redis.text("sentinel_service", store.redis.sentinel_service);
    redis.text("sentinel_user", store.redis.sentinel_user);
    redis.path("sentinel_password_file", store.sentinel_password_file);
    redis.texts("cluster", store.redis.cluster);
    redis.text("user", store.redis.user);
    redis.path("password_file", store.redis_password_file);
    redis.flag("tls", store.redis.tls);
    redis.path("tls_ca_file", store.redis.tls_ca_file);
    redis.milliseconds("connect_timeout", store.redis.connect_timeout);
    redis.milliseconds("command_timeout", store.redis.command_timeout);
    redis.leave();
    fields.leave();
}

void read_pair(Fields fields, Pair& pair) {
    fields.text("name", pair.name);
    fields.text("listen", pair.listen);
    fields.text("peer", pair.peer);
    fields.leave();
}

void read_signer(Fields fields, Signer& signer) {
    fields.path("data", signer.data);
    signer.control_socket = signer.data / "control.sock";
    signer.live_socket = signer.data / "live.sock";
    signer.store_key = signer.data / "store-key.pem";
    signer.store_key_public = signer.data / "store-key.pub";
    fields.path("control_socket", signer.control_socket);
    fields.path("live_socket", signer.live_socket);
    fields.text("live_listen", signer.live_listen);
    signer.live_secret_file = signer.data / "live-secret";
    fields.path("live_secret_file", signer.live_secret_file);
    fields.text("metrics", signer.metrics);
    fields.number("threads", 0, limits::workers, signer.threads);
    fields.flag("self_check", signer.self_check);
    fields.choice("clock_check", all(clock_checks), signer.clock_check);
    fields.duration("compare_delay", signer.compare_delay);
    fields.texts("compare_fronts", signer.compare_fronts);
    fields.number("compare_rate", 1, limits::compare_rate_max, signer.compare_rate);
    fields.numbers("control_users", signer.control_users);
    read_pair(fields.table("pair"), signer.pair);
    fields.leave();
}

void read_front(Fields fields, const Signer& signer, Front& front) {
    fields.path("data", front.data);
    fields.texts("listen", front.listen);
    fields.texts("ocsp_prefixes", front.ocsp_prefixes);
    fields.text("metrics", front.metrics);
    fields.number("workers", 0, limits::workers, front.workers);
    fields.number("memory_limit", 0, limits::memory_mib, front.memory_limit);
    fields.number("connections", 1, limits::connections, front.connections);
    fields.number("connections_per_address", 0, limits::connections, front.connections_per_address);
    fields.texts("trusted_proxies", front.trusted_proxies);
    fields.texts("proxy_protocol_from", front.proxy_protocol_from);
    front.live_socket = signer.live_socket;
    fields.path("live_socket", front.live_socket);
    fields.texts("live_signers", front.live_signers);
    front.live_secret_file = signer.live_secret_file;
    fields.path("live_secret_file", front.live_secret_file);
    fields.texts("store_keys", front.store_keys);
    fields.paths("store_key_files", front.store_key_files);
    if (front.store_keys.empty() && front.store_key_files.empty())
        front.store_key_files.push_back(signer.store_key_public);
    fields.leave();
}

void read_watch(Fields fields, Watch& watch) {
    fields.text("name", watch.name);
    fields.path("data", watch.data);
    watch.revocations = watch.data / "revocations.jsonl";
    fields.text("metrics", watch.metrics);
    fields.duration("period", watch.period);
    watch.crl_period = 5 * watch.period;
    fields.duration("crl_period", watch.crl_period);
    fields.milliseconds("timeout", watch.timeout);
    fields.path("tls_ca_file", watch.tls_ca_file);
    fields.paths("anchors", watch.anchors);
    fields.paths("witness", watch.witness);
    fields.path("revocations", watch.revocations);
    fields.leave();
}

void read_canary(Fields& fields, const char* field, const std::filesystem::path& folder, std::string& value) {
    if (fields.text(field, value) && !value.empty() && !value.starts_with("serial:"))
        value = (folder / value).lexically_normal().string();
}

void read_issuer_watch(Fields fields, const std::filesystem::path& folder, IssuerWatch& watch) {
    fields.text("ocsp", watch.ocsp);
    fields.text("crl", watch.crl);
    fields.texts("fronts", watch.fronts);
    read_canary(fields, "good", folder, watch.good);
    read_canary(fields, "revoked", folder, watch.revoked);
    read_canary(fields, "hold", folder, watch.hold);
    read_canary(fields, "expired", folder, watch.expired);
    read_canary(fields, "unissued", folder, watch.unissued);
    fields.leave();
}

void read_imported_crl(Fields fields, const std::string& crl_path, ImportedCrl& crl) {
    crl.path = crl_path;
    fields.text("path", crl.path);
    fields.path("file", crl.file);
    fields.text("url", crl.url);
    fields.duration("poll", crl.poll);
    fields.text("distribution_point", crl.distribution_point);
    fields.text("delta_of", crl.delta_of);
    fields.leave();
}

void read_generated_crl(Fields fields, GeneratedCrl& crl) {
    fields.key("key", crl.key);
    fields.path("key_passphrase", crl.key_passphrase);
    fields.flag("rsa_pss", crl.rsa_pss);
    fields.duration("delay", crl.delay);
    fields.duration("every", crl.every);
    fields.duration("validity", crl.validity);
    fields.duration_or_off("spare", crl.spare);
    fields.text("delta", crl.delta);
    fields.texts("partitions", crl.partitions);
    fields.flag("next_publish", crl.next_publish);
    fields.leave();
}

void read_issuer(Fields fields, const std::filesystem::path& folder, Issuer& issuer) {
    issuer.certificate = folder / "issuer.pem";
    issuer.signer_certificate = folder / "ocsp-signer.pem";
    issuer.signer_key = folder / "ocsp-signer.key";
    fields.text("name", issuer.name);
    fields.path("certificate", issuer.certificate);
    fields.choice("scheme", all(schemes), issuer.scheme);
    fields.flag("issues_cas", issuer.issues_cas);
    fields.flag("sha1", issuer.sha1);
    fields.flag("suspension", issuer.suspension);
    fields.choice("status_from", all(status_sources), issuer.status_from);
    fields.path("issued", issuer.issued);
    fields.path("index", issuer.index);
    fields.path("crl", issuer.crl);
    issuer.crl_path = "/" + issuer.name + ".crl";
    fields.text("crl_path", issuer.crl_path);
    for (Fields& table : fields.tables("imported_crl", limits::imported_crls))
        read_imported_crl(table, issuer.crl_path, issuer.imported_crls.emplace_back());
    issuer.certificate_path = "/" + issuer.name + ".cer";
    fields.text("certificate_path", issuer.certificate_path);
    fields.flag("ocsp_in_certificates", issuer.ocsp_in_certificates);
    fields.duration_or_off("heartbeat", issuer.heartbeat);
    fields.path("signer_certificate", issuer.signer_certificate);
    fields.key("signer_key", issuer.signer_key);
    fields.path("signer_key_passphrase", issuer.signer_key_passphrase);
    fields.flag("rsa_pss", issuer.rsa_pss);
    fields.duration("validity", issuer.validity);
    issuer.refresh = issuer.validity / 2;
    fields.duration("refresh", issuer.refresh);
    fields.duration("cache_for", issuer.cache_for);
    fields.flag("archive_cutoff", issuer.archive_cutoff);
    fields.time("records_since", issuer.records_since);
    fields.flag("invalidity_date", issuer.invalidity_date);
    fields.choice("unissued", all(unissued_answers), issuer.unissued);
    fields.choice("answers", all(answer_kinds), issuer.answers);
    fields.choice("nonce", all(nonce_kinds), issuer.nonce);
    fields.duration_or_off("max_age", issuer.max_age);
    fields.number("live_budget", 1, limits::live_budget, issuer.live_budget);
    read_generated_crl(fields.table("generated_crl"), issuer.generated_crl);
    read_issuer_watch(fields.table("watch"), folder, issuer.watch);
    fields.leave();
}

void read_all(const toml::table& root, const std::filesystem::path& folder, Report& report, Config& config) {
    Fields fields(&root, {}, folder, report);
    config.data = folder / "data";
    fields.path("data", config.data);
    std::string_view log_level = config.log_level;
    fields.choice("log_level", all(log_levels), log_level);
    config.log_level = log_level;
    config.store.directory = config.data / "store";
    config.signer.data = config.data / "signer";
    config.front.data = config.data / "front";
    config.watch.data = config.data / "watch";
    read_store(fields.table("store"), config.store);
    read_signer(fields.table("signer"), config.signer);
    read_front(fields.table("front"), config.signer, config.front);
    read_watch(fields.table("watch"), config.watch);
    for (Fields& issuer : fields.tables("issuer", limits::issuers))
        read_issuer(issuer, folder, config.issuers.emplace_back());
    fields.leave();
}

// "issuer[3].validity" is judged as "issuer[].validity".
std::string without_index(std::string_view field) {
    std::string result;
    bool inside = false;
    for (const char c : field) {
        inside = inside && c != ']';
        if (!inside)
            result += c;
        inside = inside || c == '[';
    }
    return result;
}

std::string table_title(std::string_view table) {
    if (table.empty())
        return "the top of the file, before the first [table]";
    if (table.ends_with("[]"))
        return fmt::format("[[{}]]", table.substr(0, table.size() - 2));
    return fmt::format("[{}]", table);
}

// A key nobody knows: what it was meant to be, where it belongs, or what there is.
std::string explain_unknown(std::string_view field) {
    const std::string generic = without_index(field);
    const auto dot = generic.rfind('.');
    const std::string table = dot == std::string::npos ? "" : generic.substr(0, dot);
    const std::string name = dot == std::string::npos ? generic : generic.substr(dot + 1);
    const std::string prefix = table.empty() ? "" : table + ".";
    std::vector<std::string> siblings;
    std::string elsewhere;
    for (const std::string& known : known_fields()) {
        if (known.starts_with(prefix)) {
            std::string_view sibling(known);
            sibling.remove_prefix(prefix.size());
            sibling = sibling.substr(0, sibling.find_first_of(".["));
            if (std::ranges::find(siblings, sibling) == siblings.end())
                siblings.emplace_back(sibling);
        }
        const auto last = known.rfind('.');
        if (elsewhere.empty() && known.substr(last == std::string::npos ? 0 : last + 1) == name)
            elsewhere = table_title(last == std::string::npos ? "" : known.substr(0, last));
    }
    if (const std::string_view meant = nearest(name, siblings); !meant.empty())
        return fmt::format("is not a known field; did you mean \"{}\"?", meant);
    if (!elsewhere.empty())
        return fmt::format("is not a field of {}; write it in {}", table_title(table), elsewhere);
    return fmt::format("is not a known field; in {} stand: {}", table_title(table),
                       fmt::join(siblings, ", "));
}

void read_password(const std::string& field, const std::filesystem::path& file, std::string& password,
                   Report& report) {
    if (file.empty())
        return;
    const Result<Bytes> content = read_file(file, limits::password_octets);
    if (!content) {
        report.mistake(field, content.error().message + "; write the path of the file with the password");
        return;
    }
    const std::string_view text = as_text(*content);
    password = text.substr(0, text.find_first_of("\r\n"));
    if (password.empty())
        report.mistake(field,
                       fmt::format("the first line of {} is empty; write the password there", file.string()));
}

void read_passwords(Config& config, Report& report) {
    Store& store = config.store;
    if (store.kind != StoreKind::redis)
        return;
    read_password("store.redis.password_file", store.redis_password_file, store.redis.password, report);
    read_password("store.redis.sentinel_password_file", store.sentinel_password_file,
                  store.redis.sentinel_password, report);
}

void sort_by_line(std::vector<Mistake>& mistakes) {
    std::ranges::stable_sort(mistakes, {}, &Mistake::line);
}

}  // namespace

std::string Mistake::to_string() const {
    std::string text = line == 0 ? file : fmt::format("{}:{}", file, line);
    if (!field.empty())
        text += ": " + field;
    return text + ": " + message;
}

std::uint32_t Config::line_of(std::string_view field) const {
    while (!field.empty()) {
        const auto found = lines.find(field);
        if (found != lines.end() && found->second != 0)
            return found->second;
        const auto end = field.find_last_of(".[");
        field = end == std::string_view::npos ? std::string_view() : field.substr(0, end);
    }
    return 0;
}

Mistake at_field(const Config& config, std::string field, std::string message) {
    const std::uint32_t line = config.line_of(field);
    return {config.file.string(), line, std::move(field), std::move(message)};
}

std::vector<ImportedCrl> Issuer::crls() const {
    std::vector<ImportedCrl> all;
    if (!crl.empty() || imported_crls.empty()) {
        ImportedCrl& one = all.emplace_back();
        one.path = crl_path;
        one.file = crl;
    }
    all.insert(all.end(), imported_crls.begin(), imported_crls.end());
    return all;
}

const std::vector<std::string>& known_fields() {
    static const std::vector<std::string> fields = [] {
        Loaded loaded;
        Report report(loaded);
        toml::table root;
        toml::table issuer;
        issuer.insert("imported_crl", toml::array{toml::table{}});
        root.insert("issuer", toml::array{issuer});
        read_all(root, {}, report, loaded.config);
        std::vector<std::string> result;
        for (const std::string& field : report.known())
            result.push_back(without_index(field));
        return result;
    }();
    return fields;
}

Loaded load_text(std::string_view text, const std::filesystem::path& file) {
    Loaded loaded;
    Config& config = loaded.config;
    config.file = file;
    Report report(loaded);
    try {
        const toml::table root = toml::parse(text, file.string());
        const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
        read_all(root, folder.lexically_normal(), report, config);
    } catch (const toml::parse_error& error) {
        report.mistake_at(static_cast<std::uint32_t>(error.source().begin.line), {},
                          fmt::format("not TOML: {}", error.description()));
        return loaded;
    } catch (const std::exception& error) {
        report.mistake_at(0, {}, fmt::format("cannot be read: {}", error.what()));
        return loaded;
    }
    for (const auto& [field, line] : report.unknowns())
        report.mistake_at(line, field, explain_unknown(field));
    read_passwords(config, report);
    check_programs(config, report);
    check_issuers(config, report);
    check_generated_crls(config, report);
    check_watch(config, report);
    sort_by_line(loaded.mistakes);
    sort_by_line(loaded.warnings);
    return loaded;
}

Loaded load(const std::filesystem::path& file) {
    const Result<Bytes> content = read_file(file, limits::config_octets);
    if (content)
        return load_text(as_text(*content), file);
    Loaded loaded;
    loaded.config.file = file;
    Report(loaded).mistake_at(0, {},
                              content.error().message +
                                  "; write the path of a configuration file (deploy/eightbells.toml is "
                                  "an example)");
    return loaded;
}

}  // namespace eightbells::config
