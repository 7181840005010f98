#include <fmt/format.h>

#include <algorithm>

#include "responder/config/checks.h"
#include "responder/config/limits.h"

namespace eightbells::config {

std::string_view path_of_uri(std::string_view uri) noexcept {
    constexpr std::string_view scheme = "http://";
    if (!uri.starts_with(scheme))
        return {};
    const auto slash = uri.find('/', scheme.size());
    return slash == std::string_view::npos || slash == scheme.size() ? std::string_view{} : uri.substr(slash);
}

namespace {

class GeneratedCrlCheck {
  public:
    GeneratedCrlCheck(const Config& config, std::size_t index, Report& report)
        : config_(config),
          issuer_(config.issuers[index]),
          crl_(issuer_.generated_crl),
          index_(index),
          report_(report) {}

    void run() {
        if (!crl_.on())
            return;
        if (!issuer_.crl.empty()) {
            report_.mistake(
                fmt::format("issuer[{}].crl", index_),
                fmt::format("is {}, but CRLs are made here (generated_crl.key); write \"\" for one of "
                            "the two",
                            issuer_.crl.string()));
        }
        times();
        uris();
    }

  private:
    std::string field(std::string_view name) const {
        return fmt::format("issuer[{}].generated_crl.{}", index_, name);
    }

    void times() {
        const bool ca = issuer_.issues_cas;
        if (crl_.delay < seconds{1} || crl_.delay > limits::publication_target) {
            report_.mistake(field("delay"), fmt::format("{} is not from 1s to {} (D-12); write \"1m\"",
                                                        duration_text(crl_.delay),
                                                        duration_text(limits::publication_target)));
        }
        const seconds every_max = ca ? limits::ca_crl_every_max : limits::crl_every_max;
        if (crl_.every < limits::crl_every_min || crl_.every > every_max) {
            report_.mistake(field("every"),
                            fmt::format("{} is not from {} to {} ({}); write \"12h\"",
                                        duration_text(crl_.every), duration_text(limits::crl_every_min),
                                        duration_text(every_max), ca ? "D-14" : "D-11"));
        }
        const seconds validity_max = ca ? limits::ca_crl_validity_max : limits::crl_validity_max;
        if (crl_.validity > validity_max) {
            report_.mistake(field("validity"),
                            fmt::format("{} is above {} ({}); write \"48h\"", duration_text(crl_.validity),
                                        duration_text(validity_max), ca ? "D-14" : "D-13"));
        } else if (crl_.validity - crl_.every < limits::crl_overlap) {
            report_.mistake(
                field("validity"),
                fmt::format("validity {} - every {} = {}, less than the {} by which the next CRL "
                            "comes before this one ends (D-15); write validity = \"{}\" or more",
                            duration_text(crl_.validity), duration_text(crl_.every),
                            duration_text(crl_.validity - crl_.every), duration_text(limits::crl_overlap),
                            duration_text(crl_.every + limits::crl_overlap)));
        }
        if (crl_.spare && (*crl_.spare <= crl_.validity || *crl_.spare > validity_max)) {
            report_.mistake(field("spare"),
                            fmt::format("{} is not above validity ({}) and at most {}; write "
                                        "\"off\" or a longer one",
                                        duration_text(*crl_.spare), duration_text(crl_.validity),
                                        duration_text(validity_max)));
        }
    }

    void uris() {
        if (crl_.partitions.size() > limits::crl_partitions) {
            report_.mistake(field("partitions"), fmt::format("{} are more than {}", crl_.partitions.size(),
                                                             limits::crl_partitions));
        }
        if (!crl_.delta.empty())
            uri(field("delta"), crl_.delta);
        for (std::size_t i = 0; i < crl_.partitions.size(); ++i)
            uri(field(fmt::format("partitions[{}]", i)), crl_.partitions[i]);
    }

    // Each URI is served at its own path, which no other CRL may have.
    void uri(const std::string& name, const std::string& uri) {
        const std::string_view path = path_of_uri(uri);
        const auto instead =
            "write it as it stands in the certificates, such as \"http://crl.example.org/1.crl\"";
        if (const std::string fault = path_fault(path); path.empty() || !fault.empty()) {
            report_.mistake(name, fmt::format("\"{}\" {}; {}", uri,
                                              path.empty() ? "is not \"http://\", a host and a path"
                                                           : "has a path that " + fault,
                                              instead));
            return;
        }
        if (!path.ends_with(".crl") || path.ends_with("/.crl")) {
            report_.mistake(
                name, fmt::format("\"{}\" does not end in a name with \".crl\" (F-20); {}", uri, instead));
        }
        if (paths_.empty()) {
            for (const Issuer& issuer : config_.issuers)
                paths_.push_back(issuer.crl_path);
            for (std::size_t i = 0; i < index_; ++i) {
                const GeneratedCrl& other = config_.issuers[i].generated_crl;
                paths_.emplace_back(path_of_uri(other.delta));
                for (const std::string& partition : other.partitions)
                    paths_.emplace_back(path_of_uri(partition));
            }
        }
        if (std::ranges::find(paths_, path) != paths_.end())
            report_.mistake(name, fmt::format("\"{}\" is the path of another CRL too; write another", path));
        paths_.emplace_back(path);
    }

    const Config& config_;
    const Issuer& issuer_;
    const GeneratedCrl& crl_;
    std::size_t index_;
    Report& report_;
    std::vector<std::string> paths_;  // taken
};

}  // namespace

void check_generated_crls(const Config& config, Report& report) {
    for (std::size_t i = 0; i < config.issuers.size(); ++i)
        GeneratedCrlCheck(config, i, report).run();
}

}  // namespace eightbells::config
