#ifndef EIGHTBELLS_RESPONDER_SIGNER_KEY_EVENTS_H
#define EIGHTBELLS_RESPONDER_SIGNER_KEY_EVENTS_H

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "responder/ledger/ledger.h"
#include "responder/signer/identity.h"

namespace eightbells::signer {

// One key that signs here: answers ("status"), CRLs ("crl"), heads ("store").
struct KeyInUse {
    std::string use;
    std::string issuer;       // IssuerIdentity::id(); empty for the store key
    std::string key;          // SHA-256 of its SubjectPublicKeyInfo (of the store key: itself), hex
    std::string certificate;  // SHA-256 of the signer certificate, hex; empty where none goes with it
    std::string not_after;    // of that, ISO 8601
    friend bool operator==(const KeyInUse&, const KeyInUse&) = default;
};
std::vector<KeyInUse> keys_in_use(const std::vector<std::shared_ptr<const Identity>>& identities,
                                  ByteView store_key);

// H-14: what has become of keys since the last start goes into the audit log, a line for each: "made" (the
// store key, the only one that is made here), "activated", and "retired" with the window in which it was in
// use. `file` remembers what was in use. A crash between the two writes the lines once more. `signer`: of two
// signers, whose one audit log this is, the one that says so (signer.pair.name); else empty.
Status note_key_events(const std::filesystem::path& file, const std::vector<KeyInUse>& now_in_use,
                       bool store_key_made, const std::string& signer, ledger::Ledger& ledger, UtcTime now);

}  // namespace eightbells::signer

#endif
