#include "cache/profile.h"

#include <fmt/format.h>

#include <algorithm>

#include "cache/limits.h"
#include "cache/octets.h"
#include "responder/der/reader.h"

namespace eightbells::cache {

namespace {

constexpr std::uint8_t signature_forms = 4;
constexpr std::size_t part_length_octets = 2;
static_assert(limits::profile_octets <= 0xffff);

// What goes between other bytes in every answer must not change how those are read.
bool is_row_of_sequences(ByteView bytes) noexcept {
    der::Reader in(bytes);
    while (!in.empty()) {
        if (!in.read(der::Tag::sequence))
            return false;
    }
    return true;
}

bool is_one_sequence(ByteView bytes) noexcept {
    der::Reader in(bytes);
    return in.read(der::Tag::sequence).has_value() && in.empty();
}

Status check_profile(const ocsp::AnswerProfile& profile) {
    const std::size_t hash_octets = ocsp::digest_octets(profile.cert_id_hash);
    if (profile.issuer_name_hash.size() != hash_octets)
        return fail(fmt::format("profile: issuer_name_hash: {} octets instead of {}",
                                profile.issuer_name_hash.size(), hash_octets));
    if (profile.issuer_key_hash.size() != hash_octets)
        return fail(fmt::format("profile: issuer_key_hash: {} octets instead of {}",
                                profile.issuer_key_hash.size(), hash_octets));
    if (static_cast<std::uint8_t>(profile.signature_form) >= signature_forms)
        return fail("profile: signature_form: no such form");
    if (!is_one_sequence(profile.signature_algorithm))
        return fail("profile: signature_algorithm: not one DER AlgorithmIdentifier");
    if (!profile.signer_certificate.empty() && !is_one_sequence(profile.signer_certificate))
        return fail("profile: signer_certificate: not one DER Certificate");
    if (!is_row_of_sequences(profile.single_extensions))
        return fail("profile: single_extensions: not a row of DER Extensions");
    return {};
}

std::size_t encoded_octets(const ocsp::AnswerProfile& profile) noexcept {
    return profile_magic.size() + 2 + profile.responder_key_hash.size() + profile.issuer_name_hash.size() +
           profile.issuer_key_hash.size() + 3 * part_length_octets + profile.signature_algorithm.size() +
           profile.signer_certificate.size() + profile.single_extensions.size();
}

Bytes owned(ByteView view) {
    return {view.begin(), view.end()};
}

}  // namespace

Result<Bytes> encode_profile(const ocsp::AnswerProfile& profile) {
    if (auto checked = check_profile(profile); !checked)
        return tl::unexpected(checked.error());
    if (encoded_octets(profile) > limits::profile_octets)
        return fail(fmt::format("profile: takes {} octets (signer_certificate {}), at most {} are possible",
                                encoded_octets(profile), profile.signer_certificate.size(),
                                limits::profile_octets));
    Bytes out;
    out.reserve(encoded_octets(profile));
    append_octets(profile_magic, out);
    append_number(static_cast<std::uint8_t>(profile.cert_id_hash), 1, out);
    append_number(static_cast<std::uint8_t>(profile.signature_form), 1, out);
    append_octets(profile.responder_key_hash, out);
    append_octets(profile.issuer_name_hash, out);
    append_octets(profile.issuer_key_hash, out);
    for (const Bytes* part :
         {&profile.signature_algorithm, &profile.signer_certificate, &profile.single_extensions}) {
        append_number(part->size(), part_length_octets, out);
        append_octets(*part, out);
    }
    return out;
}

Result<ocsp::AnswerProfile> parse_profile(ByteView bytes) {
    if (bytes.size() > limits::profile_octets)
        return fail(
            fmt::format("profile: {} octets, at most {} are possible", bytes.size(), limits::profile_octets));
    OctetReader in(bytes);
    if (!in.magic(profile_magic))
        return fail("profile: not a profile of version 1");
    ocsp::AnswerProfile profile;
    const std::uint8_t hash = in.octet();
    if (hash >= ocsp::hash_algorithms)
        return fail("profile: cert_id_hash: no such CertID hash");
    profile.cert_id_hash = ocsp::HashAlgorithm{hash};
    profile.signature_form = ocsp::SignatureForm{in.octet()};  // check_profile looks whether there is one
    std::ranges::copy(in.octets(profile.responder_key_hash.size()), profile.responder_key_hash.begin());
    profile.issuer_name_hash = owned(in.octets(ocsp::digest_octets(profile.cert_id_hash)));
    profile.issuer_key_hash = owned(in.octets(ocsp::digest_octets(profile.cert_id_hash)));
    for (Bytes* part :
         {&profile.signature_algorithm, &profile.signer_certificate, &profile.single_extensions})
        *part = owned(in.octets(in.number(part_length_octets)));
    if (!in.ok())
        return fail("profile: cut short");
    if (!in.rest().empty())
        return fail(fmt::format("profile: {} octets after its end", in.rest().size()));
    if (auto checked = check_profile(profile); !checked)
        return tl::unexpected(checked.error());
    return profile;
}

}  // namespace eightbells::cache
