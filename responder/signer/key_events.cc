#include "responder/signer/key_events.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/crypto/digest.h"
#include "responder/keys/limits.h"

namespace eightbells::signer {

using nlohmann::ordered_json;

namespace {

struct Kept {
    KeyInUse key;
    std::string since;
};

std::string digest(ByteView octets) {
    return to_hex(crypto::sha256(octets));
}

ordered_json to_json(const KeyInUse& key) {
    ordered_json json{{"use", key.use}, {"issuer", key.issuer}, {"key", key.key}};
    if (!key.certificate.empty()) {
        json["certificate"] = key.certificate;
        json["not_after"] = key.not_after;
    }
    return json;
}

// What cannot be read is as good as nothing: every key in use is then written down as activated again.
std::vector<Kept> read(const std::filesystem::path& file) {
    std::vector<Kept> kept;
    const auto text = read_file(file, limits::keys_in_use_octets);
    if (!text)
        return kept;
    const auto list = nlohmann::json::parse(as_text(*text), nullptr, false);
    for (const auto& one : list.is_array() ? list : nlohmann::json::array()) {
        if (!one.is_object())
            continue;
        const auto word = [&](const char* name) {
            const auto found = one.find(name);
            return found != one.end() && found->is_string() ? found->get<std::string>() : std::string{};
        };
        kept.push_back({{word("use"), word("issuer"), word("key"), word("certificate"), word("not_after")},
                        word("since")});
    }
    return kept;
}

}  // namespace

std::vector<KeyInUse> keys_in_use(const std::vector<std::shared_ptr<const Identity>>& identities,
                                  ByteView store_key) {
    std::vector<KeyInUse> keys{{"store", "", digest(store_key), "", ""}};
    for (const auto& identity : identities) {
        const auto& certificate = identity->signer_certificate;
        keys.push_back({"status", identity->issuer.id(), digest(identity->key->subject_public_key_info()),
                        digest(certificate.der()), to_iso8601(certificate.not_after())});
        if (identity->crl_key)
            keys.push_back(
                {"crl", identity->issuer.id(), digest(identity->crl_key->subject_public_key_info()), "", ""});
    }
    return keys;
}

Status note_key_events(const std::filesystem::path& file, const std::vector<KeyInUse>& now_in_use,
                       bool store_key_made, const std::string& signer, ledger::Ledger& ledger, UtcTime now) {
    const std::vector<Kept> before = read(file);
    const auto note = [&](const char* event, ordered_json what) {
        what["event"] = event;
        if (!signer.empty())
            what["signer"] = signer;
        return ledger.append_audit("key", what.dump());
    };
    bool changed = false;
    for (const Kept& kept : before) {
        if (std::ranges::find(now_in_use, kept.key) != now_in_use.end())
            continue;
        changed = true;
        auto line = to_json(kept.key);
        line["from"] = kept.since;
        line["until"] = to_iso8601(now);
        if (auto noted = note("retired", std::move(line)); !noted)
            return noted;
    }
    ordered_json list = ordered_json::array();
    for (const KeyInUse& key : now_in_use) {
        const auto known = std::ranges::find(before, key, &Kept::key);
        auto entry = to_json(key);
        entry["since"] = known != before.end() ? known->since : to_iso8601(now);
        list.push_back(std::move(entry));
        if (known != before.end())
            continue;
        changed = true;
        if (key.use == "store" && store_key_made) {
            if (auto noted = note("made", to_json(key)); !noted)
                return noted;
        }
        if (auto noted = note("activated", to_json(key)); !noted)
            return noted;
    }
    return changed ? write_file_durably(file, as_bytes(list.dump(1) + "\n")) : Status{};
}

}  // namespace eightbells::signer
