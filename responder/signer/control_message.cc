#include "responder/signer/control_message.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

namespace eightbells::signer {

namespace {

using nlohmann::json;

Result<std::optional<std::string>> text_field(const json& line, const char* name) {
    const auto found = line.find(name);
    if (found == line.end())
        return std::nullopt;
    if (!found->is_string())
        return fail(fmt::format("{}: a string is expected", name));
    return found->get<std::string>();
}

Result<std::optional<UtcTime>> time_field(const json& line, const char* name) {
    auto text = text_field(line, name);
    if (!text)
        return tl::unexpected<Error>(text.error());
    if (!*text)
        return std::nullopt;
    auto time = from_iso8601(**text);
    if (!time)
        return fail(name, time.error());
    return *time;
}

Status check_names(const json& line) {
    static constexpr std::array known{"do",   "id",   "issuer",          "action",    "serial", "reason",
                                      "time", "hash", "invalidity_date", "not_after", "source", "sequence"};
    for (const auto& [name, value] : line.items()) {
        if (std::ranges::find(known, name) == known.end())
            return fail(fmt::format("{}: there is no such field", name));
    }
    return {};
}

Status read_what(const json& line, ledger::Event& event) {
    auto action = text_field(line, "action");
    if (!action)
        return tl::unexpected<Error>(action.error());
    const auto known = ledger::action_from_string(action->value_or(""));
    if (!known)
        return fail("action: one of issue, revoke, hold, release, correct, heartbeat is expected");
    event.action = *known;
    auto serial = text_field(line, "serial");
    if (!serial)
        return tl::unexpected<Error>(serial.error());
    if (*serial) {
        auto parsed = Serial::from_hex(**serial);
        if (!parsed)
            return fail("serial", parsed.error());
        event.serial = *parsed;
    } else if (event.action != ledger::Action::heartbeat) {
        return fail("serial: missing");
    }
    auto reason = text_field(line, "reason");
    if (!reason)
        return tl::unexpected<Error>(reason.error());
    if (*reason) {
        event.reason = reason_from_string(**reason);
        if (!event.reason || event.reason == CrlReason::remove_from_crl) {
            return fail(
                fmt::format("reason: \"{:.40}\" is none of unspecified, keyCompromise, cACompromise, "
                            "affiliationChanged, superseded, "
                            "cessationOfOperation, certificateHold, privilegeWithdrawn, aACompromise",
                            **reason));
        }
    }
    return {};
}

Status read_times(const json& line, ledger::Event& event) {
    for (const auto& [name, target] : {std::pair{"time", &event.time},
                                       {"invalidity_date", &event.invalidity_date},
                                       {"not_after", &event.not_after}}) {
        auto time = time_field(line, name);
        if (!time)
            return tl::unexpected<Error>(time.error());
        *target = *time;
    }
    auto hash = text_field(line, "hash");
    if (!hash)
        return tl::unexpected<Error>(hash.error());
    if (*hash) {
        const auto octets = from_hex(**hash);
        if (!octets || octets->size() != 32)
            return fail("hash: 64 hexadecimal digits of SHA-256 are expected");
        event.hash.emplace();
        std::ranges::copy(*octets, event.hash->begin());
    }
    return {};
}

}  // namespace

Result<ledger::Event> event_from_json(const json& line) {
    ledger::Event event;
    if (auto named = check_names(line); !named)
        return tl::unexpected<Error>(named.error());
    if (auto read = read_what(line, event); !read)
        return tl::unexpected<Error>(read.error());
    if (auto read = read_times(line, event); !read)
        return tl::unexpected<Error>(read.error());
    auto source = text_field(line, "source");
    if (!source)
        return tl::unexpected<Error>(source.error());
    event.source = source->value_or("operator");
    if (const auto sequence = line.find("sequence"); sequence != line.end()) {
        if (!sequence->is_number_unsigned() || sequence->get<std::uint64_t>() == 0) {
            return fail("sequence: a whole number from 1 is expected");
        }
        event.sequence = sequence->get<std::uint64_t>();
    }
    return event;
}

json to_json(const ledger::EventAnswer& answer) {
    static constexpr std::array verdicts{"applied", "unchanged", "refused"};
    return {{"ok", answer.verdict != ledger::Verdict::refused},
            {"verdict", verdicts[static_cast<std::size_t>(answer.verdict)]},
            {"sequence", answer.sequence},
            {"repeated", answer.repeated},
            {"gap", answer.gap},
            {"message", answer.message}};
}

}  // namespace eightbells::signer
