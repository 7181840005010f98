#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <map>

#include "cache/walk.h"
#include "responder/crl/crl.h"
#include "responder/crypto/certificate.h"
#include "responder/ocsp/limits.h"
#include "responder/ocsp/response.h"
#include "responder/programs/commands.h"
#include "responder/programs/limits.h"
#include "responder/programs/start.h"

// `eightbells verify`: everything that a front would serve, checked from the bytes up: digests under the
// head, structure, each answer's signature under a certificate that the issuer has certified, its CertID and
// times, and the CRLs.
namespace eightbells::programs {

namespace {

class Verification {
  public:
    Verification(const NamedIssuer& issuer, cache::Walk& walk, UtcTime now)
        : issuer_(issuer), walk_(walk), now_(now) {}

    void check_everything() {
        const auto head = walk_.head();
        if (!head)
            return fault(head.error().message);
        for (const auto& set : head->sets) {
            for (std::uint32_t index = 0; index >> set.page_bits == 0; ++index) {
                auto page = walk_.page(set, index);
                if (!page) {
                    fault(page.error().message);
                } else if (*page) {
                    check_page(set, **page);
                }
            }
        }
        for (const auto& reference : head->patches) {
            auto patch = walk_.patch(reference);
            if (!patch) {
                fault(patch.error().message);
                continue;
            }
            ++patches_;
            for (const auto& entry : patch->records()) {
                check_record(fmt::format("patch {}", reference.sequence), patch->profiles(), entry.set.hash,
                             entry.record);
            }
        }
        for (const auto& reference : head->crls)
            check_crl(reference);
        fmt::print(
            "issuer {}: epoch {} sequence {} of {}: {} pages, {} patches, {} answers, {} CRLs, {} faults\n",
            issuer_.settings.name, head->version.epoch, head->version.sequence, to_iso8601(head->time),
            pages_, patches_, answers_, crls_, faults_);
    }
    std::uint64_t faults() const { return faults_; }

  private:
    struct Opened {
        ocsp::AnswerProfile profile;
        std::optional<crypto::SignatureVerifier> verifier;
    };

    void fault(const std::string& text) {
        ++faults_;
        if (faults_ <= limits::faults_printed)
            fmt::print(stderr, "issuer {}: {}\n", issuer_.settings.name, text);
        if (faults_ == limits::faults_printed)
            fmt::print(stderr, "issuer {}: further faults are only counted\n", issuer_.settings.name);
    }

    void check_page(const cache::Head::Set& set, const cache::Page& page) {
        ++pages_;
        const std::string place = fmt::format("page {} of {}", page.header().index, cache::to_string(set.id));
        if (auto member = cache::check_membership(page); !member)
            fault(place + ": " + member.error().message);
        for (std::size_t i = 0; i < page.size(); ++i)
            check_record(place, page.header().profiles, set.id.hash, page.record(i));
    }

    void check_record(const std::string& place, const std::vector<cache::Digest>& profiles,
                      ocsp::HashAlgorithm hash, const cache::Record& record) {
        ++answers_;
        const std::string where = fmt::format("{}, serial {}", place, to_hex(record.serial));
        auto* opened = open_profile(profiles[record.profile], where);
        if (opened == nullptr)
            return;
        const ocsp::SingleAnswer single{.serial = record.serial,
                                        .status = record.status,
                                        .produced_at = record.times.produced_at,
                                        .this_update = record.times.this_update,
                                        .next_update = record.times.next_update,
                                        .extensions = record.extensions};
        std::array<std::uint8_t, limits::answer_octets> buffer;
        const auto response = ocsp::encode_response(opened->profile, single, record.signature, buffer);
        const auto parsed = ocsp::parse_response(response);
        if (!parsed)
            return fault(where + ": " + parsed.error().message);
        if (parsed->singles.size() != 1 || parsed->singles.front().cert_id.hash != hash ||
            !equal(parsed->singles.front().cert_id.issuer_name_hash, issuer_.identity.name_hash(hash)) ||
            !equal(parsed->singles.front().cert_id.issuer_key_hash, issuer_.identity.key_hash(hash))) {
            return fault(where + ": the CertID is not this issuer's");
        }
        if (single.next_update <= now_)
            fault(fmt::format("{}: nextUpdate {} is past", where, to_iso8601(single.next_update)));
        if (single.produced_at > now_)
            fault(fmt::format("{}: producedAt {} is in the future", where, to_iso8601(single.produced_at)));
        if (!opened->verifier->verify(parsed->signature_algorithm, parsed->response_data,
                                      parsed->signature)) {
            fault(where + ": the signature does not verify");
        }
    }

    Opened* open_profile(const cache::Digest& digest, const std::string& where) {
        if (const auto known = opened_.find(digest); known != opened_.end()) {
            if (!known->second.verifier)
                ++faults_;
            return known->second.verifier ? &known->second : nullptr;
        }
        auto& made = opened_[digest];
        auto profile = walk_.profile(digest);
        if (!profile) {
            fault(where + ": " + profile.error().message);
            return nullptr;
        }
        made.profile = std::move(*profile);
        const bool direct = made.profile.signer_certificate.empty();
        auto certificate = direct ? Result<crypto::Certificate>{issuer_.identity.certificate()}
                                  : crypto::Certificate::parse(made.profile.signer_certificate);
        if (!certificate) {
            fault(where + ": signer certificate: " + certificate.error().message);
            return nullptr;
        }
        std::vector<std::string> warnings;
        for (const auto& rule : crypto::judge_signer_certificate(*certificate, issuer_.identity,
                                                                 issuer_.settings.scheme, now_, warnings)) {
            fault("signer certificate: " + rule);
        }
        auto verifier = crypto::SignatureVerifier::from_public_key(certificate->subject_public_key_info());
        if (!verifier) {
            fault(where + ": signer certificate: " + verifier.error().message);
            return nullptr;
        }
        made.verifier.emplace(std::move(*verifier));
        return &made;
    }

    void check_crl(const cache::Head::CrlRef& reference) {
        ++crls_;
        const auto der = walk_.crl(reference);
        if (!der)
            return fault(der.error().message);
        const auto view = crl::parse_crl(*der);
        if (!view)
            return fault(fmt::format("CRL {}: {}", reference.path, view.error().message));
        // By the rules of the issuer's own scheme, as when it was taken up; which base a delta goes with was
        // judged then, and another one may be there by now.
        crl::CrlPolicy policy;
        policy.scheme = issuer_.settings.scheme;
        policy.covers_cas = issuer_.settings.issues_cas;
        policy.accept_delta = view->is_delta;
        policy.base = view->is_delta ? &*view : nullptr;
        for (const auto& configured : issuer_.settings.crls()) {
            if (configured.path == reference.path)
                policy.distribution_point = configured.distribution_point;
        }
        if (auto checked = crl::check_crl(*view, *der, issuer_.identity, now_, std::nullopt, policy);
            !checked) {
            fault(fmt::format("CRL {}: {}", reference.path, checked.error().message));
        }
    }

    const NamedIssuer& issuer_;
    cache::Walk& walk_;
    UtcTime now_;
    std::map<cache::Digest, Opened> opened_;
    std::uint64_t pages_ = 0;
    std::uint64_t patches_ = 0;
    std::uint64_t answers_ = 0;
    std::uint64_t crls_ = 0;
    std::uint64_t faults_ = 0;
};

}  // namespace

int verify(const config::Config& config, const Clock& clock) {
    const auto keys = trusted_keys(config);
    const auto store = open_store(config);
    if (!keys || !store)
        return exit_failure;
    std::uint64_t faults = 0;
    for (const auto& settings : config.issuers) {
        const auto issuer = find_issuer(config, settings.name);
        if (!issuer)
            return exit_failure;
        cache::Walk walk{*store, issuer->identity.id(), *keys};
        Verification verification{*issuer, walk, clock.now()};
        verification.check_everything();
        faults += verification.faults();
    }
    return faults == 0 ? 0 : exit_failure;
}

}  // namespace eightbells::programs
