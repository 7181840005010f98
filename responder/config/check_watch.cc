#include <fmt/format.h>

#include <algorithm>

#include "responder/base/serial.h"
#include "responder/base/socket_address.h"
#include "responder/config/checks.h"
#include "responder/config/limits.h"

namespace eightbells::config {
namespace {

bool name_has_form(std::string_view name) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= 32 && name.front() != '-' && std::ranges::all_of(name, allowed);
}

// What is wrong with a URL as it stands in certificates; empty: nothing.
std::string url_fault(std::string_view url) {
    const bool http = url.starts_with("http://");
    if (!http && !url.starts_with("https://"))
        return "does not begin with http:// or https://";
    const std::string_view rest = url.substr(http ? 7 : 8);
    if (rest.empty() || rest.front() == '/' || rest.front() == ':')
        return "names no host";
    if (url.size() > limits::url_path_octets + 55)
        return fmt::format("has {} characters, more than 255", url.size());
    const auto odd = std::ranges::find_if(rest, [](char c) {
        return c <= ' ' || c > '~' || std::string_view("?#@\"<>\\").find(c) != std::string_view::npos;
    });
    if (odd != rest.end())
        return fmt::format("holds '{}', which has no place in such a URL", *odd);
    return {};
}

void check_issuer(const Issuer& issuer, const std::string& table, Report& report) {
    const IssuerWatch& watch = issuer.watch;
    for (const auto& [name, url] : {std::pair("ocsp", &watch.ocsp), std::pair("crl", &watch.crl)}) {
        const std::string fault = url->empty() ? "" : url_fault(*url);
        if (!fault.empty())
            report.mistake(table + "." + name,
                           fmt::format("\"{}\" {}; write the URL that stands in the certificates, "
                                       "for example \"http://status.example/ocsp\"",
                                       *url, fault));
    }
    for (std::size_t i = 0; i < watch.fronts.size(); ++i) {
        const auto address = parse_host_port(watch.fronts[i]);
        const std::string field = fmt::format("{}.fronts[{}]", table, i);
        if (!address)
            report.mistake(field, fmt::format("\"{}\": {}; write for example \"192.0.2.1:80\"",
                                              watch.fronts[i], address.error().message));
        else if (address->port == 0)
            report.mistake(field, fmt::format("\"{}\" has no port to ask; write for example \"192.0.2.1:80\"",
                                              watch.fronts[i]));
    }
    bool any = false;
    for (const auto& [name, canary] : {std::pair("good", &watch.good), std::pair("revoked", &watch.revoked),
                                       std::pair("hold", &watch.hold), std::pair("expired", &watch.expired),
                                       std::pair("unissued", &watch.unissued)}) {
        any = any || !canary->empty();
        if (!canary->starts_with("serial:"))
            continue;
        if (const auto serial = Serial::from_hex(std::string_view(*canary).substr(7)); !serial)
            report.mistake(table + "." + name,
                           fmt::format("\"{}\": {}; write \"serial:\" and the serial number in "
                                       "hexadecimal",
                                       *canary, serial.error().message));
    }
    if (!watch.ocsp.empty() && !any)
        report.mistake(table + ".good",
                       "no certificate is named whose status is known; write the path of a good one, and "
                       "best of a revoked one too");
    if (!watch.any() && (any || !watch.fronts.empty()))
        report.mistake(table + ".ocsp", "is empty, and so is crl: nothing would be watched; write a URL");
}

}  // namespace

bool Config::watches() const noexcept {
    return std::ranges::any_of(issuers, [](const Issuer& issuer) { return issuer.watch.any(); });
}

void check_watch(const Config& config, Report& report) {
    const Watch& watch = config.watch;
    if (!name_has_form(watch.name))
        report.mistake("watch.name",
                       fmt::format("\"{}\" is not of the form; write 1 to 32 of a-z, 0-9 and \"-\", not "
                                   "beginning with \"-\"",
                                   watch.name));
    if (watch.period < limits::watch_period_min || watch.period > limits::watch_period_max)
        report.mistake("watch.period", fmt::format("{} is out of range; write \"5s\" to \"1h\"",
                                                   duration_text(watch.period)));
    else if (watch.crl_period < watch.period || watch.crl_period > limits::watch_crl_period_max)
        report.mistake("watch.crl_period",
                       fmt::format("{} is out of range; write \"{}\" (the period) to \"24h\"",
                                   duration_text(watch.crl_period), duration_text(watch.period)));
    if (watch.timeout < limits::watch_timeout_min || watch.timeout > limits::watch_timeout_max)
        report.mistake("watch.timeout", fmt::format("{}ms is out of range; write \"100ms\" to \"60s\"",
                                                    watch.timeout.count()));
    for (const auto& [name, folder] :
         {std::pair("signer.data", &config.signer.data), std::pair("front.data", &config.front.data),
          std::pair("store.directory", &config.store.directory)}) {
        if (watch.data == *folder)
            report.mistake("watch.data",
                           fmt::format("{} is {} too; the watch trusts nothing of theirs: write another "
                                       "folder",
                                       watch.data.string(), name));
    }
    for (std::size_t i = 0; i < config.issuers.size(); ++i)
        check_issuer(config.issuers[i], fmt::format("issuer[{}].watch", i), report);
}

}  // namespace eightbells::config
