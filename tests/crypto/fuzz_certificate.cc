// Certificate::parse. Oracle: an accepted certificate is cut up a second time by an independent walk over its
// octets, which must find the same fields, and its serial and extension count.
#include <cstdlib>

#include "responder/crypto/certificate.h"
#include "tests/crypto/walk.h"

using namespace eightbells;

namespace {

void require(bool condition) {
    if (!condition)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto certificate = crypto::Certificate::parse({bytes, size});
    if (!certificate)
        return 0;
    const auto outer = test::children(certificate->der());
    require(outer.size() == 3 && test::whole(certificate->der()) == certificate->der().size());
    require(equal(outer[0], certificate->tbs()) && equal(outer[1], certificate->signature_algorithm()));
    auto fields = test::children(outer[0]);
    if (fields.at(0)[0] == 0xa0)
        fields.erase(fields.begin());
    require(equal(fields.at(1), certificate->signature_algorithm()));
    require(equal(fields.at(2), certificate->issuer_name()));
    require(equal(fields.at(4), certificate->subject_name()));
    require(equal(fields.at(5), certificate->subject_public_key_info()));
    const auto serial = certificate->serial();
    if (serial) {
        const auto content = test::content(fields.at(0));
        require(equal(content.last(serial->magnitude().size()), serial->magnitude()));
    }
    const auto validity = test::children(fields.at(3));
    require(validity.size() == 2 && test::time(validity[0]) == to_iso8601(certificate->not_before()) &&
            test::time(validity[1]) == to_iso8601(certificate->not_after()));
    std::size_t extensions = 0;
    if (fields.back()[0] == 0xa3)
        extensions = test::children(test::children(fields.back()).at(0)).size();
    require(extensions == certificate->extensions().size());
    // Texts for messages are made of anything, and stay on one line.
    for (const auto& text :
         {certificate->subject_text(), certificate->issuer_text(), certificate->key_name()})
        require(text.find('\n') == std::string::npos);
    static_cast<void>(certificate->authority_key_identifier());
    static_cast<void>(certificate->subject_key_identifier());
    return 0;
}
