#include "responder/watch/openssl_seam.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>

#include "responder/watch/limits.h"
#include "responder/watch/openssl_handles.h"
#include "responder/watch/openssl_issuer.h"

namespace eightbells::watch {

std::optional<UtcTime> time_of(const ASN1_TIME* time) noexcept {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1)
        return std::nullopt;
    return from_unix(::timegm(&parts));
}

IntegerOwner integer_of(const Serial& serial) noexcept {
    const ByteView octets = serial.magnitude();
    IntegerOwner integer;
    if (BIGNUM* number = BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr)) {
        integer.reset(BN_to_ASN1_INTEGER(number, nullptr));
        BN_free(number);
    }
    return integer;
}

std::optional<Serial> serial_of(const ASN1_INTEGER* integer) noexcept {
    if (integer == nullptr || (ASN1_STRING_type(integer) & V_ASN1_NEG) != 0)
        return std::nullopt;
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(integer));
    return Serial::from_magnitude({ASN1_STRING_get0_data(integer), size});
}

std::string last_openssl_error() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    std::array<char, 256> text{};
    if (code == 0)
        return "no reason given";
    const char* const reason = ERR_reason_error_string(code);
    if (reason != nullptr)
        return reason;
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

DerExtent der_extent(ByteView octets) noexcept {
    if (octets.size() < 2)
        return octets.empty() || octets[0] == 0x30 ? DerExtent::cut_off : DerExtent::no_der;
    if (octets[0] != 0x30)
        return DerExtent::no_der;
    std::uint64_t length = octets[1];
    std::size_t header = 2;
    if (length >= 0x80) {
        const std::size_t count = length & 0x7f;
        if (count == 0 || count > 4)
            return DerExtent::no_der;
        header += count;
        if (octets.size() < header)
            return DerExtent::cut_off;
        length = 0;
        for (std::size_t i = 0; i < count; ++i)
            length = length << 8 | octets[2 + i];
    }
    const std::uint64_t whole = header + length;
    if (octets.size() < whole)
        return DerExtent::cut_off;
    return octets.size() == whole ? DerExtent::whole : DerExtent::more_behind;
}

namespace {

X509Owner read_certificate(ByteView bytes) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> memory{
        BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), &BIO_free};
    X509Owner certificate;
    if (!bytes.empty() && bytes[0] == 0x30) {
        const unsigned char* at = bytes.data();
        certificate.reset(d2i_X509(nullptr, &at, static_cast<long>(bytes.size())));
    } else {
        certificate.reset(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    }
    return certificate;
}

Bytes der_of(X509* certificate) {
    unsigned char* octets = nullptr;
    const int size = i2d_X509(certificate, &octets);
    Bytes der;
    if (size > 0)
        der.assign(octets, octets + size);
    OPENSSL_free(octets);
    return der;
}

}  // namespace

OpensslIssuer::OpensslIssuer(std::unique_ptr<State> state) : state_(std::move(state)) {}
OpensslIssuer::OpensslIssuer(OpensslIssuer&&) noexcept = default;
OpensslIssuer& OpensslIssuer::operator=(OpensslIssuer&&) noexcept = default;
OpensslIssuer::~OpensslIssuer() = default;

const Bytes& OpensslIssuer::der() const noexcept {
    return state_->der;
}
UtcTime OpensslIssuer::not_after() const noexcept {
    return time_of(X509_get0_notAfter(state_->certificate.get())).value_or(UtcTime{});
}

Result<OpensslIssuer> OpensslIssuer::parse(ByteView pem_or_der) {
    auto state = std::make_unique<State>();
    state->certificate = read_certificate(pem_or_der);
    if (state->certificate == nullptr)
        return fail("not a certificate in PEM or DER: " + last_openssl_error());
    if (X509_get0_pubkey(state->certificate.get()) == nullptr)
        return fail("its public key cannot be used: " + last_openssl_error());
    state->der = der_of(state->certificate.get());
    return OpensslIssuer(std::move(state));
}

Result<Canary> OpensslIssuer::canary(CanaryKind kind, ByteView certificate) const {
    const X509Owner read = read_certificate(certificate);
    if (read == nullptr)
        return fail("not a certificate in PEM or DER: " + last_openssl_error());
    if (X509_NAME_cmp(X509_get_issuer_name(read.get()), X509_get_subject_name(state_->certificate.get())) !=
        0)
        return fail("the certificate was not issued by this issuer");
    const auto serial = serial_of(X509_get0_serialNumber(read.get()));
    if (!serial)
        return fail("the certificate's serial number is zero, negative or above 20 octets");
    return Canary{kind, *serial, der_of(read.get())};
}

Result<Canary> OpensslIssuer::canary(CanaryKind kind, const Serial& serial) const {
    // Botan's functions take a certificate where OpenSSL's take a serial. Nobody verifies this one.
    const PkeyOwner key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
    const X509Owner made{X509_new()};
    const IntegerOwner number = integer_of(serial);
    if (key == nullptr || made == nullptr || number == nullptr)
        return fail("a stand-in certificate cannot be made: " + last_openssl_error());
    X509_NAME* const issuer = X509_get_subject_name(state_->certificate.get());
    const bool done =
        X509_set_version(made.get(), X509_VERSION_3) == 1 &&
        X509_set_serialNumber(made.get(), number.get()) == 1 &&
        X509_set_issuer_name(made.get(), issuer) == 1 && X509_set_subject_name(made.get(), issuer) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(made.get()), 0) != nullptr &&
        X509_gmtime_adj(X509_getm_notAfter(made.get()), 86400L * 3650) != nullptr &&
        X509_set_pubkey(made.get(), key.get()) == 1 && X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
    if (!done)
        return fail("a stand-in certificate cannot be made: " + last_openssl_error());
    return Canary{kind, serial, der_of(made.get())};
}

CertIdOwner OpensslIssuer::State::cert_id(const Serial& serial, RequestHash hash) const {
    const IntegerOwner number = integer_of(serial);
    return CertIdOwner{OCSP_cert_id_new(hash == RequestHash::sha1 ? EVP_sha1() : EVP_sha256(),
                                        X509_get_subject_name(certificate.get()),
                                        X509_get0_pubkey_bitstr(certificate.get()), number.get())};
}

Result<Bytes> OpensslIssuer::request(const Serial& serial, RequestHash hash) const {
    const OcspRequestOwner request{OCSP_REQUEST_new()};
    CertIdOwner id = state_->cert_id(serial, hash);
    if (request == nullptr || id == nullptr || OCSP_request_add0_id(request.get(), id.get()) == nullptr)
        return fail("an OCSP request cannot be made: " + last_openssl_error());
    static_cast<void>(id.release());  // the request's own now
    unsigned char* octets = nullptr;
    const int size = i2d_OCSP_REQUEST(request.get(), &octets);
    if (size <= 0)
        return fail("an OCSP request cannot be written: " + last_openssl_error());
    Bytes der(octets, octets + size);
    OPENSSL_free(octets);
    return der;
}

}  // namespace eightbells::watch
