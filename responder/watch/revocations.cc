#include "responder/watch/revocations.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/watch/chain.h"
#include "responder/watch/limits.h"

namespace eightbells::watch {

std::string reference_of(const std::string& issuer, const Serial& serial) {
    return to_hex(sha256(as_bytes(issuer + "\n" + serial.to_hex())));
}

Revocations::Revocations(std::filesystem::path file, std::vector<std::string> issuers)
    : file_(std::move(file)), issuers_(std::move(issuers)) {}

Result<Awaited> Revocations::read_line(std::string_view line) const {
    try {
        const auto json = nlohmann::json::parse(line);
        const auto& name = json.at("issuer").get_ref<const std::string&>();
        const auto issuer = std::ranges::find(issuers_, name);
        if (issuer == issuers_.end())
            return fail(fmt::format("issuer: \"{}\" is not watched", name));
        const auto serial = Serial::from_hex(json.at("serial").get_ref<const std::string&>());
        if (!serial)
            return fail("serial", serial.error());
        const auto time = from_iso8601(json.at("time").get_ref<const std::string&>());
        if (!time)
            return fail("time", time.error());
        return Awaited{static_cast<std::size_t>(issuer - issuers_.begin()),
                       *serial,
                       *time,
                       reference_of(name, *serial),
                       {}};
    } catch (const nlohmann::json::exception& error) {
        return fail(error.what());
    }
}

std::vector<Awaited> Revocations::look(const History& history, UtcTime now,
                                       std::vector<std::string>& faults) {
    std::vector<Awaited> result;
    std::error_code missing;
    if (file_.empty() || !std::filesystem::exists(file_, missing))
        return result;
    const auto content = read_file(file_, limits::revocations_file_octets);
    if (!content) {
        if (!std::exchange(too_large_said_, true))
            faults.push_back(content.error().message);
        return result;
    }
    too_large_said_ = false;
    if (content->size() < read_)
        read_ = 0;  // begun anew
    std::string_view rest = as_text(*content).substr(read_);
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        const std::size_t at = read_;
        read_ += end + 1;
        if (line.empty())
            continue;
        auto awaited = read_line(line);
        if (!awaited) {
            faults.push_back(fmt::format("{}: at octet {}: {}", file_.string(), at, awaited.error().message));
            continue;
        }
        if (awaited->revoked_at + limits::awaited_for < now)
            continue;
        for (const RevocationSeen& seen : history.issuer(issuers_[awaited->issuer]).revocations) {
            if (seen.reference == awaited->reference && seen.revoked_at == awaited->revoked_at)
                awaited->seen[static_cast<std::size_t>(seen.method)] = true;
        }
        result.push_back(std::move(*awaited));
    }
    return result;
}

}  // namespace eightbells::watch
