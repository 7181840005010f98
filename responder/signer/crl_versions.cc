#include "responder/signer/crl_versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "responder/base/durable_file.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

using nlohmann::json;

namespace {

std::string text_of(const json& one, const char* field) {
    const auto found = one.find(field);
    return found != one.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

Result<CrlVersions> CrlVersions::load(std::filesystem::path file) {
    CrlVersions versions{std::move(file)};
    std::error_code error;
    if (!std::filesystem::exists(versions.file_, error))
        return versions;
    const std::string at = versions.file_.string();
    const auto octets = read_file(versions.file_, limits::crl_versions_octets);
    if (!octets)
        return tl::unexpected<Error>(octets.error());
    const json list = json::parse(octets->begin(), octets->end(), nullptr, false);
    if (!list.is_array())
        return fail(at +
                    ": is not the list of CRLs that was written here; restore it, or remove it and look "
                    "that no older CRL than the last is offered");
    for (const json& one : list) {
        const auto number = from_hex(one.is_object() ? text_of(one, "number") : "?");
        const auto this_update = from_iso8601(one.is_object() ? text_of(one, "this_update") : "?");
        const auto digest = from_hex(one.is_object() ? text_of(one, "sha256") : "?");
        crl::CrlVersion version;
        if (!number || !this_update || !digest || digest->size() != version.digest.size())
            return fail(at + ": a CRL's number, this_update or sha256 is missing or malformed");
        version.crl_number = *number;
        version.this_update = *this_update;
        std::ranges::copy(*digest, version.digest.begin());
        versions.versions_[{text_of(one, "issuer"), text_of(one, "path")}] = std::move(version);
    }
    return versions;
}

std::optional<crl::CrlVersion> CrlVersions::of(const std::string& issuer, const std::string& path) const {
    const auto found = versions_.find({issuer, path});
    return found == versions_.end() ? std::nullopt : std::optional{found->second};
}

Status CrlVersions::note(const std::string& issuer, const std::string& path, const crl::CrlVersion& version) {
    if (const auto known = of(issuer, path); known && known->digest == version.digest)
        return {};
    auto next = versions_;
    next[{issuer, path}] = version;
    json list = json::array();
    for (const auto& [place, one] : next) {
        list.push_back({{"issuer", place.first},
                        {"path", place.second},
                        {"number", to_hex(one.crl_number)},
                        {"this_update", to_iso8601(one.this_update)},
                        {"sha256", to_hex(one.digest)}});
    }
    const std::string text = list.dump(1) + "\n";
    if (auto written = write_file_durably(file_, as_bytes(text)); !written)
        return written;
    versions_ = std::move(next);
    return {};
}

}  // namespace eightbells::signer
