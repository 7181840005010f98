#include "tests/watch/authority.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include <stdexcept>

namespace eightbells::watch::test {
namespace {

using TimeOwner = OpensslOwner<ASN1_TIME, ASN1_TIME_free>;
using GeneralizedOwner = OpensslOwner<ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free>;

void must(bool done, const char* what) {
    if (!done)
        throw std::runtime_error(std::string(what) + ": " + last_openssl_error());
}

TimeOwner asn1_time(UtcTime time) {
    return TimeOwner(ASN1_TIME_set(nullptr, static_cast<time_t>(to_unix(time))));
}
GeneralizedOwner generalized(UtcTime time) {
    return GeneralizedOwner(ASN1_GENERALIZEDTIME_set(nullptr, static_cast<time_t>(to_unix(time))));
}

template <class T>
Bytes encoded(T* object, int (*encode)(const T*, unsigned char**)) {
    unsigned char* octets = nullptr;
    const int size = encode(object, &octets);
    must(size > 0, "i2d");
    Bytes bytes(octets, octets + size);
    OPENSSL_free(octets);
    return bytes;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const OpensslOwner<X509_EXTENSION, X509_EXTENSION_free> extension{
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
    must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

std::string memory_text(BIO* memory) {
    char* at = nullptr;
    const long size = BIO_get_mem_data(memory, &at);
    return std::string(at, static_cast<std::size_t>(size));
}
using BioOwner = OpensslOwner<BIO, BIO_free_all>;

OpensslOwner<ASN1_INTEGER, ASN1_INTEGER_free> integer(std::int64_t value) {
    OpensslOwner<ASN1_INTEGER, ASN1_INTEGER_free> number{ASN1_INTEGER_new()};
    ASN1_INTEGER_set_int64(number.get(), value);
    return number;
}

}  // namespace

Bytes Identity::der() const {
    return encoded<X509>(certificate.get(), &i2d_X509);
}
std::string Identity::pem() const {
    const BioOwner memory{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(memory.get(), certificate.get());
    return memory_text(memory.get());
}
std::string Identity::key_pem() const {
    const BioOwner memory{BIO_new(BIO_s_mem())};
    PEM_write_bio_PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return memory_text(memory.get());
}

Identity make_identity(const IdentityWish& wish) {
    Identity made{PkeyOwner(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")), X509Owner(X509_new())};
    X509* const certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    X509_set_serialNumber(certificate, integer(wish.serial).get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.subject.c_str()), -1, -1, 0);
    const Identity& issuer = wish.issuer == nullptr ? made : *wish.issuer;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
    X509_set1_notBefore(certificate, asn1_time(wish.not_before).get());
    X509_set1_notAfter(certificate, asn1_time(wish.not_after).get());
    X509_set_pubkey(certificate, made.key.get());
    add_extension(certificate, NID_basic_constraints, wish.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate, NID_subject_key_identifier, "hash");
    if (wish.ca)
        add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (wish.ocsp_signing) {
        add_extension(certificate, NID_key_usage, "critical,digitalSignature");
        add_extension(certificate, NID_ext_key_usage, "OCSPSigning");
    }
    if (!wish.host.empty())
        add_extension(certificate, NID_subject_alt_name, "DNS:" + wish.host);
    must(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0, "X509_sign");
    return made;
}

std::optional<AskedFor> read_request(ByteView der) {
    const unsigned char* at = der.data();
    const OcspRequestOwner request{d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(der.size()))};
    if (request == nullptr || OCSP_request_onereq_count(request.get()) != 1)
        return std::nullopt;
    ASN1_OBJECT* hash = nullptr;
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, &hash, nullptr, &serial,
                      OCSP_onereq_get0_id(OCSP_request_onereq_get0(request.get(), 0)));
    AskedFor asked;
    asked.sha1 = OBJ_obj2nid(hash) == NID_sha1;
    ASN1_INTEGER_get_int64(&asked.serial, serial);
    return asked;
}

Bytes make_answer(const Identity& issuer, const AskedFor& asked, const Said& said, const AnswerWish& wish) {
    const Identity& named = wish.named_issuer == nullptr ? issuer : *wish.named_issuer;
    const CertIdOwner id{OCSP_cert_id_new(asked.sha1 ? EVP_sha1() : EVP_sha256(),
                                          X509_get_subject_name(named.certificate.get()),
                                          X509_get0_pubkey_bitstr(named.certificate.get()),
                                          integer(wish.named_serial.value_or(asked.serial)).get())};
    const OcspBasicOwner basic{OCSP_BASICRESP_new()};
    const auto from = generalized(wish.this_update);
    const auto to = wish.next_update ? generalized(*wish.next_update) : GeneralizedOwner{};
    const auto revoked = generalized(said.revoked_at);
    must(OCSP_basic_add1_status(basic.get(), id.get(), said.status, said.reason,
                                said.status == V_OCSP_CERTSTATUS_REVOKED ? revoked.get() : nullptr,
                                from.get(), to.get()) != nullptr,
         "OCSP_basic_add1_status");
    if (wish.critical_extension) {
        const OpensslOwner<ASN1_OBJECT, ASN1_OBJECT_free> oid{OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1)};
        const OpensslOwner<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> value{ASN1_OCTET_STRING_new()};
        ASN1_OCTET_STRING_set(value.get(), reinterpret_cast<const unsigned char*>("\x05\x00"), 2);
        const OpensslOwner<X509_EXTENSION, X509_EXTENSION_free> extension{
            X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 1, value.get())};
        OCSP_BASICRESP_add_ext(basic.get(), extension.get(), -1);
    }
    must(OCSP_basic_sign(basic.get(), wish.signer->certificate.get(), wish.signer->key.get(), EVP_sha256(),
                         nullptr, 0) == 1,
         "OCSP_basic_sign");
    if (wish.broken_signature) {
        const ASN1_OCTET_STRING* const signature = OCSP_resp_get0_signature(basic.get());
        ASN1_STRING_get0_data(signature);
        const_cast<unsigned char*>(ASN1_STRING_get0_data(signature))[ASN1_STRING_length(signature) - 1] ^= 1;
    }
    const OcspResponseOwner response{OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get())};
    return encoded<OCSP_RESPONSE>(response.get(), &i2d_OCSP_RESPONSE);
}

Bytes make_error(int response_status) {
    const OcspResponseOwner response{OCSP_response_create(response_status, nullptr)};
    return encoded<OCSP_RESPONSE>(response.get(), &i2d_OCSP_RESPONSE);
}

Bytes make_crl(const CrlWish& wish) {
    const X509CrlOwner crl{X509_CRL_new()};
    const Identity& named = wish.named_issuer == nullptr ? *wish.signer : *wish.named_issuer;
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(named.certificate.get()));
    X509_CRL_set1_lastUpdate(crl.get(), asn1_time(wish.this_update).get());
    if (wish.next_update)
        X509_CRL_set1_nextUpdate(crl.get(), asn1_time(*wish.next_update).get());
    X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, integer(wish.number).get(), 0, 0);
    for (const auto& [serial, said] : wish.entries) {
        X509_REVOKED* const entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, integer(serial).get());
        X509_REVOKED_set_revocationDate(entry, asn1_time(said.revoked_at).get());
        if (said.reason > 0) {
            const EnumeratedOwner reason{ASN1_ENUMERATED_new()};
            ASN1_ENUMERATED_set(reason.get(), said.reason);
            X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason.get(), 0, 0);
        }
        X509_CRL_add0_revoked(crl.get(), entry);
    }
    X509_CRL_sort(crl.get());
    must(X509_CRL_sign(crl.get(), wish.signer->key.get(), EVP_sha256()) > 0, "X509_CRL_sign");
    Bytes der = encoded<X509_CRL>(crl.get(), &i2d_X509_CRL);
    if (wish.broken_signature)
        der.back() ^= 1;
    return der;
}

}  // namespace eightbells::watch::test
