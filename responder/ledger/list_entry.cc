#include "responder/ledger/list_entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "responder/ledger/index_line.h"
#include "responder/ledger/limits.h"

namespace eightbells::ledger {

namespace {

constexpr std::array<std::string_view, list_fields> names{"serial", "serial_decimal",  "not_after",
                                                          "sha256", "status",          "revocation_time",
                                                          "reason", "invalidity_date", "distribution_point"};

bool same(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

const std::optional<std::string>& value_of(const ListValues& values, ListField field) {
    return values[static_cast<std::size_t>(field)];
}

Result<std::optional<UtcTime>> time_of(const ListValues& values, ListField field) {
    const auto& text = value_of(values, field);
    if (!text)
        return std::nullopt;
    if (text->size() == 15) {
        if (const auto time = parse_index_time(*text))
            return *time;
    }
    const auto time = from_iso8601(*text);
    if (!time)
        return fail(fmt::format("{}: \"{:.40}\" is not a time like 2026-11-22T06:40:00Z or 20261122064000Z",
                                names[static_cast<std::size_t>(field)], *text));
    return *time;
}

Result<Serial> serial_of(const ListValues& values) {
    const auto& hex = value_of(values, ListField::serial);
    const auto& decimal = value_of(values, ListField::serial_decimal);
    if (hex.has_value() == decimal.has_value())
        return fail(hex ? "serial: given twice, as serial and serial_decimal" : "serial: missing");
    auto serial = hex ? Serial::from_hex(*hex) : Serial::from_decimal(*decimal);
    if (!serial)
        return fail(hex ? "serial" : "serial_decimal", serial.error());
    return serial;
}

Result<CertStatus> status_of(const ListValues& values) {
    const auto& text = value_of(values, ListField::status);
    const auto time = time_of(values, ListField::revocation_time);
    if (!time)
        return fail(time.error().message);
    const auto invalidity_date = time_of(values, ListField::invalidity_date);
    if (!invalidity_date)
        return fail(invalidity_date.error().message);
    const auto& reason_text = value_of(values, ListField::reason);
    if (!text)
        return fail("status: missing");
    if (same(*text, "good")) {
        if (*time || *invalidity_date || reason_text)
            return fail("status: good, with revocation_time, reason or invalidity_date");
        return std::nullopt;
    }
    const bool held = same(*text, "hold");
    if (!held && !same(*text, "revoked"))
        return fail(fmt::format("status: \"{:.20}\" is none of good, revoked, hold", *text));
    if (!*time)
        return fail("revocation_time: missing");
    Revocation revocation{**time, std::nullopt, *invalidity_date};
    if (held)
        revocation.reason = CrlReason::certificate_hold;
    if (reason_text) {
        const auto reason = reason_from_string(*reason_text);
        if (!reason || *reason == CrlReason::remove_from_crl)
            return fail(fmt::format("reason: \"{:.40}\" is not a reason for a revocation", *reason_text));
        if (held && *reason != CrlReason::certificate_hold)
            return fail("reason: a hold has no other reason than certificateHold");
        if (*reason != CrlReason::unspecified)  // B-15
            revocation.reason = *reason;
    }
    return revocation;
}

}  // namespace

std::optional<ListField> list_field_from_name(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (same(names[i], name))
            return static_cast<ListField>(i);
    }
    return std::nullopt;
}

Result<Ledger::Entry> to_entry(const ListValues& given, bool says_status, std::uint64_t line) {
    ListValues values = given;
    for (auto& value : values) {
        if (value && value->empty())
            value.reset();
    }
    const auto serial = serial_of(values);
    if (!serial)
        return fail(serial.error().message);
    const auto not_after = time_of(values, ListField::not_after);
    if (!not_after)
        return fail(not_after.error().message);
    if (!*not_after)
        return fail("not_after: missing");
    Ledger::Entry entry{*serial, *not_after, std::nullopt, says_status, std::nullopt, line};
    if (const auto& text = value_of(values, ListField::sha256)) {
        const auto bytes = from_hex(*text);
        if (!bytes || bytes->size() != crypto::Sha256Digest{}.size())
            return fail("sha256: 64 hexadecimal digits are expected");
        std::ranges::copy(*bytes, entry.hash.emplace().begin());
    }
    if (const auto& uri = value_of(values, ListField::distribution_point))
        entry.distribution_point = *uri;
    if (says_status) {
        auto status = status_of(values);
        if (!status)
            return fail(status.error().message);
        entry.status = *status;
    }
    return entry;
}

Status CsvRecord::end_field(std::string field) {
    if (fields_.size() == limits::csv_columns)
        return fail(fmt::format("more than {} fields", limits::csv_columns));
    fields_.push_back(std::move(field));
    return {};
}

Result<bool> CsvRecord::feed(std::string_view line) {
    std::string field;
    if (in_quotes_) {
        field = std::move(open_);
        field += '\n';
    } else {
        fields_.clear();
        octets_ = 0;
    }
    octets_ += line.size() + 1;
    if (octets_ > limits::list_line_octets)
        return fail(fmt::format("a record of more than {} octets: is a closing quote missing?",
                                limits::list_line_octets));
    bool was_quoted = in_quotes_;  // nothing but a comma may follow the closing quote
    bool fresh = !in_quotes_;      // at the beginning of a field
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (in_quotes_) {
            if (c != '"') {
                field += c;
            } else if (i + 1 < line.size() && line[i + 1] == '"') {
                field += '"';
                ++i;
            } else {
                in_quotes_ = false;
            }
        } else if (c == ',') {
            if (auto status = end_field(std::move(field)); !status)
                return fail(status.error().message);
            field.clear();
            was_quoted = false;
            fresh = true;
            continue;
        } else if (c == '"' && fresh) {
            in_quotes_ = was_quoted = true;
        } else if (c == '"' || was_quoted) {
            return fail("a quote within a field: write it twice and the field in quotes (RFC 4180)");
        } else {
            field += c;
        }
        fresh = false;
    }
    if (in_quotes_) {
        open_ = std::move(field);
        return false;
    }
    if (auto status = end_field(std::move(field)); !status)
        return fail(status.error().message);
    return true;
}

}  // namespace eightbells::ledger
