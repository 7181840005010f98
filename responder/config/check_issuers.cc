#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "responder/config/checks.h"
#include "responder/config/limits.h"

namespace eightbells::config {

// What may stand in a URL's path without escapes (RFC 3986, unreserved), in segments that no proxy rewrites.
std::string path_fault(std::string_view path) {
    if (!path.starts_with('/'))
        return "does not begin with \"/\"";
    if (path.size() > limits::url_path_octets)
        return fmt::format("has {} characters, more than {}", path.size(), limits::url_path_octets);
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._~/").find(c) != std::string_view::npos;
    };
    const auto odd = std::ranges::find_if_not(path, allowed);
    if (odd != path.end())
        return fmt::format(
            "holds '{}'; letters, digits, \"-\", \".\", \"_\", \"~\" and \"/\" may stand there", *odd);
    if (path.find("//") != std::string_view::npos || path.find("/./") != std::string_view::npos ||
        path.find("/../") != std::string_view::npos)
        return "holds an empty, \".\" or \"..\" segment, which proxies rewrite";
    return {};
}

namespace {

bool public_trust(const Issuer& issuer) {
    return crypto::is_public_trust(issuer.scheme);
}
// The times that the web's rules ask for the status of subscriber certificates; those of CAs have D-08's
// twelve months, which is limits::validity_max.
bool subscriber_times(const Issuer& issuer) {
    return public_trust(issuer) && !issuer.issues_cas;
}
std::string_view scheme_text(const Issuer& issuer) {
    switch (issuer.scheme) {
        case crypto::Scheme::tls_br:
            return "tls-br";
        case crypto::Scheme::smime_br:
            return "smime-br";
        case crypto::Scheme::private_use:
            return "private";
        case crypto::Scheme::eutl:
            break;
    }
    return "eutl";
}

bool name_has_form(std::string_view name) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= 32 && name.front() != '-' && std::ranges::all_of(name, allowed);
}

class IssuerCheck {
  public:
    // Where each path is written, of all issuers so far.
    using Paths = std::map<std::string, std::string, std::less<>>;
    IssuerCheck(const Config& config, std::size_t index, Report& report, Paths& paths)
        : config_(config), issuer_(config.issuers[index]), index_(index), report_(report), paths_(paths) {}

    void run() {
        name();
        promise();
        validity();
        refresh();
        cache_for();
        scheme_rules();
        feeds();
        paths();
        imported_crls();
        live_answers();
        signing_files();
    }

  private:
    std::string field(std::string_view name) const { return fmt::format("issuer[{}].{}", index_, name); }
    bool written(std::string_view name) const {
        const auto found = config_.lines.find(field(name));
        return found != config_.lines.end() && found->second != 0;
    }

    void name() {
        if (!name_has_form(issuer_.name))
            report_.mistake(field("name"),
                            fmt::format("\"{}\" is not of the form; write 1 to 32 of a-z, 0-9 and \"-\", not "
                                        "\"-\" first",
                                        issuer_.name));
        for (std::size_t other = 0; other < index_; ++other) {
            name_taken_ = name_taken_ || config_.issuers[other].name == issuer_.name;
            if (config_.issuers[other].name == issuer_.name)
                report_.mistake(
                    field("name"),
                    fmt::format("\"{}\" is the name of issuer[{}] too (line {}); write another", issuer_.name,
                                other, config_.line_of(fmt::format("issuer[{}].name", other))));
            if (config_.issuers[other].certificate == issuer_.certificate)
                report_.mistake(
                    field("certificate"),
                    fmt::format("{} is the certificate of issuer[{}] too; write this issuer's own",
                                issuer_.certificate.string(), other));
        }
    }

    // D-18: what is stored outlives the next planned refresh by the runway.
    void promise() {
        const seconds left = issuer_.validity - issuer_.refresh;
        if (left >= limits::runway)
            return;
        std::string instead;
        if (issuer_.validity >= 2 * limits::runway)
            instead = fmt::format("refresh = \"{}\" or less", duration_text(longest_refresh()));
        else
            instead = "validity = \"24h\" and refresh = \"12h\"";
        report_.mistake(
            field(written("refresh") ? "refresh" : "validity"),
            fmt::format("validity {} - refresh {} = {}, less than the four hours promised; write {}",
                        duration_text(issuer_.validity), duration_text(issuer_.refresh), duration_text(left),
                        instead));
    }
    seconds longest_refresh() const {
        const seconds by_runway = issuer_.validity - limits::runway;
        return subscriber_times(issuer_) ? std::min(by_runway, issuer_.validity / 2) : by_runway;
    }

    void validity() {
        const bool strict = subscriber_times(issuer_);
        const seconds least = strict ? limits::public_trust_validity_min : limits::validity_min;
        const seconds most = strict ? limits::public_trust_validity_max : limits::validity_max;
        if (issuer_.validity < least)
            report_.mistake(field("validity"),
                            fmt::format("{} is below {}, the least for scheme \"{}\" ({}); write \"24h\"",
                                        duration_text(issuer_.validity), duration_text(least),
                                        scheme_text(issuer_), strict ? "D-06" : "D-05"));
        else if (issuer_.validity > most)
            report_.mistake(
                field("validity"),
                fmt::format("{} is above {}, the most for scheme \"{}\" ({}); write \"{}\" or less",
                            duration_text(issuer_.validity), duration_text(most), scheme_text(issuer_),
                            strict ? "D-05: 7 days, end points included" : "D-08", duration_text(most)));
    }

    void refresh() {
        if (issuer_.refresh < limits::refresh_min)
            report_.mistake(
                field("refresh"),
                fmt::format("{} is below {}; write \"{}\", half of validity", duration_text(issuer_.refresh),
                            duration_text(limits::refresh_min), duration_text(issuer_.validity / 2)));
        if (subscriber_times(issuer_) && issuer_.refresh > issuer_.validity / 2)
            report_.mistake(
                field("refresh"),
                fmt::format("{} is more than half of validity ({} / 2 = {}), the most for scheme \"{}\" "
                            "(D-06); write \"{}\" or leave it out",
                            duration_text(issuer_.refresh), duration_text(issuer_.validity),
                            duration_text(issuer_.validity / 2), scheme_text(issuer_),
                            duration_text(longest_refresh())));
    }

    // D-16: a cached "good" must not outlive the deadline for a revocation to be seen.
    void cache_for() {
        if (issuer_.cache_for > issuer_.refresh)
            report_.mistake(
                field("cache_for"),
                fmt::format("{} is more than refresh ({}): caches would keep an answer beyond the "
                            "next one; write \"10m\"",
                            duration_text(issuer_.cache_for), duration_text(issuer_.refresh)));
        if (issuer_.cache_for > limits::publication_deadline)
            report_.mistake(
                field("cache_for"),
                fmt::format("{} is more than {}, within which a revocation must be seen (D-04, D-16); "
                            "write \"10m\"",
                            duration_text(issuer_.cache_for), duration_text(limits::publication_deadline)));
        else if (issuer_.cache_for > limits::publication_target)
            report_.warning(
                field("cache_for"),
                fmt::format("{}: a revocation is seen that much later; {} and less is usual (D-03)",
                            duration_text(issuer_.cache_for), duration_text(limits::publication_target)));
    }

    void scheme_rules() {
        if (issuer_.suspension && public_trust(issuer_))
            report_.mistake(field("suspension"),
                            fmt::format("scheme \"{}\" forbids certificateHold (C-11); write false",
                                        scheme_text(issuer_)));
    }

    void feeds() {
        if (issuer_.status_from != StatusFrom::crl)
            return;
        if (std::ranges::none_of(issuer_.crls(), &ImportedCrl::is_fetched))
            report_.mistake(field("status_from"),
                            "\"crl\" needs a CRL; write its path into crl, or \"ledger\" here");
        const std::string instead =
            "speaks of status too, which comes from the CRL alone (status_from = \"crl\"); ";
        if (!issuer_.index.empty())
            report_.mistake(field("index"),
                            instead + "write \"\", and the certificates it lists into issued");
        if (issuer_.heartbeat)
            report_.mistake(field("heartbeat"), instead + "write \"off\"");
    }

    // One path leads to one thing, whoever's it is.
    void path(const std::string& where, const std::string& path, std::string_view end,
              const std::string& instead) {
        if (const std::string fault = path_fault(path); !fault.empty()) {
            report_.mistake(where, fmt::format("\"{}\" {}; write \"{}\"", path, fault, instead));
            return;
        }
        if (!path.ends_with(end) || path.ends_with(fmt::format("/{}", end)))
            report_.mistake(where, fmt::format("\"{}\" does not end in a name with \"{}\" ({}); write \"{}\"",
                                               path, end, end == ".crl" ? "F-20" : "F-29", instead));
        for (const std::string& prefix : config_.front.ocsp_prefixes) {
            if (prefix != "/" && path.starts_with(prefix + "/"))
                report_.mistake(where,
                                fmt::format("\"{}\" lies below the OCSP prefix \"{}\", where everything "
                                            "is a request; write \"{}\"",
                                            path, prefix, instead));
        }
        const auto [first, is_new] = paths_.emplace(path, where);
        // Of two issuers of one name the name is the mistake: paths follow from it.
        if (!is_new && !name_taken_)
            report_.mistake(where, fmt::format("\"{}\" is the path of {} too; write another", path,
                                               first->second.substr(0, first->second.rfind('.'))));
    }

    void paths() {
        const std::string crl = fmt::format("/{}.crl", issuer_.name);
        for (std::size_t i = 0; i < issuer_.imported_crls.size(); ++i)
            path(field(fmt::format("imported_crl[{}].path", i)), issuer_.imported_crls[i].path, ".crl", crl);
        // With tables alone nothing is served there.
        if (issuer_.crls().size() != issuer_.imported_crls.size())
            path(field("crl_path"), issuer_.crl_path, ".crl", crl);
        path(field("certificate_path"), issuer_.certificate_path, ".cer",
             fmt::format("/{}.cer", issuer_.name));
    }

    void imported_crls() {
        for (std::size_t i = 0; i < issuer_.imported_crls.size(); ++i) {
            const ImportedCrl& crl = issuer_.imported_crls[i];
            const auto at = [&](std::string_view name) {
                return field(fmt::format("imported_crl[{}].{}", i, name));
            };
            if (!crl.file.empty() && !crl.url.empty())
                report_.mistake(at("url"),
                                "stands beside file; write one of them: the newer would make the "
                                "older look like a roll-back");
            const bool http = crl.url.starts_with("http://") || crl.url.starts_with("https://");
            if (!crl.url.empty() && (!http || crl.url.size() > limits::url_octets ||
                                     crl.url.find_first_of("?#@ \t") != std::string::npos))
                report_.mistake(
                    at("url"),
                    fmt::format("\"{}\" is not of the form; write \"http://host/name.crl\"", crl.url));
            if (crl.poll < limits::crl_poll_min || crl.poll > limits::crl_poll_max)
                report_.mistake(
                    at("poll"),
                    fmt::format("{} is not between {} and {}; write \"10m\"", duration_text(crl.poll),
                                duration_text(limits::crl_poll_min), duration_text(limits::crl_poll_max)));
            delta_of(crl, at("delta_of"));
        }
    }

    void delta_of(const ImportedCrl& crl, const std::string& where) {
        if (crl.delta_of.empty())
            return;
        const auto all = issuer_.crls();
        const auto base = std::ranges::find(all, crl.delta_of, &ImportedCrl::path);
        if (base == all.end() || !base->delta_of.empty() || base->path == crl.path)
            report_.mistake(where, fmt::format("\"{}\" is not the path of a full CRL of this issuer; write "
                                               "the path of the one that the delta goes with",
                                               crl.delta_of));
        else if (base->distribution_point != crl.distribution_point)
            report_.mistake(where,
                            fmt::format("\"{}\" has another distribution_point; a delta has its base's "
                                        "scope (F-15)",
                                        crl.delta_of));
    }

    void max_age() {
        if (!issuer_.max_age)
            return;
        if (*issuer_.max_age < limits::max_age_min)
            report_.mistake(field("max_age"),
                            fmt::format("{} is below {}; write answers = \"live\" instead",
                                        duration_text(*issuer_.max_age), duration_text(limits::max_age_min)));
        if (issuer_.cache_for > *issuer_.max_age)
            report_.mistake(
                field(written("cache_for") ? "cache_for" : "max_age"),
                fmt::format("caches would keep answers for {}, and max_age is {}; write cache_for "
                            "= \"{}\" or less",
                            duration_text(issuer_.cache_for), duration_text(*issuer_.max_age),
                            duration_text(*issuer_.max_age)));
    }

    void live_answers() {
        max_age();
        if (config_.front.asks_signer())
            return;
        const std::string instead =
            "needs a signer to ask, but front.live_socket is empty and front.live_signers names none; write "
            "the socket's path there or";
        if (issuer_.answers == Answers::live)
            report_.mistake(field("answers"), fmt::format("\"live\" {} \"presigned\" here", instead));
        if (issuer_.max_age)
            report_.mistake(field("max_age"), fmt::format("{} \"off\" here", instead));
        if (issuer_.nonce == Nonce::echo)
            report_.mistake(field("nonce"), fmt::format("\"echo\" {} \"ignore\" here", instead));
    }

    void signing_files() {
        if (issuer_.certificate.empty())
            report_.mistake(field("certificate"), "is empty; write the path of the CA's certificate");
        if (issuer_.signer_key.empty())
            report_.mistake(field("signer_key"),
                            "is empty; write the path of the signing key (fronts never read it)");
        if (!issuer_.signer_certificate.empty() && issuer_.signer_certificate == issuer_.certificate)
            report_.mistake(field("signer_certificate"),
                            "is the CA's own certificate; write \"\" when the CA signs itself");
        if (issuer_.heartbeat && *issuer_.heartbeat < seconds{1})
            report_.mistake(field("heartbeat"), "is 0; write \"off\" or a duration such as \"5m\"");
    }

    const Config& config_;
    const Issuer& issuer_;
    std::size_t index_;
    Report& report_;
    Paths& paths_;
    bool name_taken_ = false;
};

}  // namespace

void check_issuers(const Config& config, Report& report) {
    if (config.issuers.empty() && !report.blames("issuer"))
        report.mistake(
            "issuer",
            "there is none; write [[issuer]] and below it name = \"...\" and certificate = \"...\"");
    IssuerCheck::Paths paths;
    std::size_t polled = 0;
    for (std::size_t i = 0; i < config.issuers.size(); ++i) {
        IssuerCheck(config, i, report, paths).run();
        for (const ImportedCrl& crl : config.issuers[i].imported_crls)
            polled += !crl.url.empty();
    }
    if (polled > limits::polled_crls)
        report.mistake("issuer",
                       fmt::format("{} CRLs have a url, more than {}; let files be put there instead", polled,
                                   limits::polled_crls));
    for (std::size_t i = 0; i < config.front.ocsp_prefixes.size(); ++i) {
        const std::string& prefix = config.front.ocsp_prefixes[i];
        const std::string field = fmt::format("front.ocsp_prefixes[{}]", i);
        if (const std::string fault = path_fault(prefix); !fault.empty())
            report.mistake(field, fmt::format("\"{}\" {}; write for example \"/ocsp\"", prefix, fault));
        else if (prefix.size() > 1 && prefix.ends_with('/'))
            report.mistake(field, fmt::format("\"{}\" ends in \"/\"; write \"{}\"", prefix,
                                              prefix.substr(0, prefix.size() - 1)));
        const auto first = std::ranges::find(config.front.ocsp_prefixes, prefix);
        if (first - config.front.ocsp_prefixes.begin() < static_cast<std::ptrdiff_t>(i))
            report.mistake(field, fmt::format("\"{}\" stands there twice; take one out", prefix));
    }
}

}  // namespace eightbells::config
