// parse_crl and for_each_entry. Oracle: an accepted CRL is walked a second time by code that shares no line
// with ours; the fields must be the same octets, and the entries the same in number, order, serial, time and
// reason.
#include <cstdlib>

#include "responder/crl/crl.h"
#include "responder/crl/octets.h"
#include "tests/crypto/walk.h"

using namespace eightbells;

namespace {

void require(bool condition) {
    if (!condition)
        std::abort();
}

// The entry's reason by the naive walk; nullopt: none, or unspecified.
std::optional<CrlReason> reason_in(ByteView entry) {
    const auto fields = test::children(entry);
    if (fields.size() < 3)
        return std::nullopt;
    for (const auto extension : test::children(fields[2])) {
        const auto parts = test::children(extension);
        if (to_hex(parts.at(0)) != "0603551d15")
            continue;
        const std::uint8_t code = parts.back().back();
        return code == 0 ? std::nullopt : std::optional{CrlReason{code}};
    }
    return std::nullopt;
}

// Walks along: what stands behind the last accepted entry has been checked by nobody.
void compare_entries(const crl::CrlView& view) {
    ByteView rest = view.revoked_certificates;
    const Status done = crl::for_each_entry(view, [&](const crl::CrlEntry& entry) {
        const ByteView walked = rest.first(test::whole(rest));
        rest = rest.subspan(walked.size());
        const auto fields = test::children(walked);
        const auto serial = test::content(fields.at(0));
        const auto magnitude = entry.serial.magnitude();
        require(serial.size() - magnitude.size() <= 1 && equal(serial.last(magnitude.size()), magnitude));
        require(test::time(fields.at(1)) == to_iso8601(entry.revocation.time));
        require(reason_in(walked) == entry.revocation.reason);
        return Status{};
    });
    require(!done || rest.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const ByteView der{bytes, size};
    Bytes content;
    const auto from_pem = crl::decode_crl_pem(der, [&](ByteView piece) {
        content.insert(content.end(), piece.begin(), piece.end());
        return Status{};
    });
    require(!from_pem || *from_pem || content.empty());
    const auto view = crl::parse_crl(der);
    if (!view) {
        // Entries alone: any octets may stand there.
        crl::CrlView entries;
        entries.revoked_certificates = der;
        static_cast<void>(crl::for_each_entry(entries, [](const crl::CrlEntry&) { return Status{}; }));
        return 0;
    }
    require(test::whole(der) == size);
    const auto outer = test::children(der);
    require(outer.size() == 3 && equal(outer[0], view->tbs) && equal(outer[1], view->signature_algorithm));
    require(equal(test::content(outer[2]).subspan(1), view->signature));
    const auto fields = test::children(view->tbs);
    require(equal(fields.at(1), view->signature_algorithm) && equal(fields.at(2), view->issuer_name));
    require(test::time(fields.at(3)) == to_iso8601(view->this_update));
    std::size_t at = 4;
    if (view->next_update)
        require(test::time(fields.at(at++)) == to_iso8601(*view->next_update));
    if (!view->revoked_certificates.empty())
        require(equal(test::content(fields.at(at++)), view->revoked_certificates));
    if (!view->crl_number.empty())
        require(fields.at(at)[0] == 0xa0 && view->crl_number.size() <= 20);
    require(fields.size() == at || (fields.size() == at + 1 && fields[at][0] == 0xa0));
    compare_entries(*view);
    return 0;
}
