#include "responder/crypto/crl_rules.h"

#include "responder/crypto/extension_oids.h"
#include "responder/crypto/limits.h"
#include "responder/der/reader.h"

namespace eightbells::crypto {

namespace {

using der::Reader;
using der::Tag;

tl::unexpected<Error> not_der() {
    return fail("certificate: cRLDistributionPoints is not DER");
}

// DistributionPoint ::= SEQUENCE { distributionPoint [0] { fullName [0] GeneralNames | [1] } OPTIONAL,
//                                  reasons [1] OPTIONAL, cRLIssuer [2] OPTIONAL }
Status take_point(Reader point, std::vector<std::string>& uris) {
    std::vector<std::string> found;
    if (auto name = point.read_into(der::context_constructed(0))) {
        const bool full = name->next_is(der::context_constructed(0));
        auto names = full ? name->read_into(der::context_constructed(0)) : std::nullopt;
        if (full && !names)
            return not_der();
        while (names && !names->empty()) {
            const auto general_name = names->read_any();
            if (!general_name)
                return not_der();
            if (general_name->tag == der::context(6))
                found.emplace_back(as_text(general_name->content));
        }
    }
    bool indirect = false;
    while (!point.empty()) {
        const auto field = point.read_any();
        if (!field)
            return not_der();
        indirect = indirect || field->tag == der::context_constructed(2);
    }
    for (auto& uri : found) {
        if (indirect || uri.empty() || uri.size() > limits::distribution_point_octets)
            continue;
        if (uris.size() == limits::distribution_points)
            break;
        uris.push_back(std::move(uri));
    }
    return {};
}

}  // namespace

std::string why_not_crl_signer(const Certificate& ca, Scheme scheme) {
    if (!ca.is_ca())
        return "F-01: the certificate is not a CA's";
    const auto* usage = ca.find_extension(oids::key_usage);
    if (usage == nullptr) {
        if (scheme == Scheme::private_use)
            return {};
        return "F-01: the CA certificate has no keyUsage; cRLSign must be there";
    }
    Reader reader{usage->value};
    const auto bits = reader.read(Tag::bit_string);
    if (!bits || !reader.empty() || bits->empty() || (*bits)[0] > 7)
        return "F-01: the CA certificate's keyUsage is not DER";
    static constexpr std::uint8_t crl_sign = 0x02;  // bit 6, counted from the first octet's first
    if (bits->size() < 2 || ((*bits)[1] & crl_sign) == 0)
        return "F-01: the CA certificate's keyUsage lacks cRLSign";
    return {};
}

Result<std::vector<std::string>> crl_distribution_points(const Certificate& certificate) {
    std::vector<std::string> uris;
    const auto* extension = certificate.find_extension(oids::crl_distribution_points);
    if (extension == nullptr)
        return uris;
    Reader reader{extension->value};
    auto points = reader.read_into(Tag::sequence);
    if (!points || !reader.empty())
        return not_der();
    while (!points->empty()) {
        const auto point = points->read_into(Tag::sequence);
        if (!point)
            return not_der();
        if (auto taken = take_point(*point, uris); !taken)
            return tl::unexpected(taken.error());
    }
    return uris;
}

}  // namespace eightbells::crypto
