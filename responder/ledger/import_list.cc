// Lists of issued certificates: CSV, JSON lines, a folder.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/crypto/crl_rules.h"
#include "responder/crypto/limits.h"
#include "responder/ledger/import.h"
#include "responder/ledger/limits.h"
#include "responder/ledger/line_reader.h"
#include "responder/ledger/list_entry.h"

namespace eightbells::ledger {

namespace {

Ledger::ImportSource list_source(const crypto::IssuerIdentity& issuer, const std::filesystem::path& path,
                                 UtcTime now) {
    const std::filesystem::path whole = path.has_filename() ? path : path.parent_path();  // "folder/"
    Ledger::ImportSource source;
    source.issuer = issuer.id();
    source.name = "list:" + whole.filename().string();
    source.file = path.string();
    source.as_of = now;
    return source;
}

// What the header line says of the columns.
struct Columns {
    std::vector<std::optional<ListField>> fields;
    bool says_status = false;
};

Result<Columns> read_header(const std::vector<std::string>& names) {
    Columns columns;
    std::array<bool, list_fields> seen{};
    for (const std::string& name : names) {
        const auto field = list_field_from_name(name);
        if (field && std::exchange(seen[static_cast<std::size_t>(*field)], true))
            return fail(fmt::format("header: {} stands twice", name));
        columns.fields.push_back(field);
    }
    const auto has = [&](ListField field) { return seen[static_cast<std::size_t>(field)]; };
    if (!has(ListField::serial) && !has(ListField::serial_decimal))
        return fail("header: a column serial (or serial_decimal) is needed");
    if (!has(ListField::not_after))
        return fail("header: a column not_after is needed");
    columns.says_status = has(ListField::status);
    if (!columns.says_status &&
        (has(ListField::revocation_time) || has(ListField::reason) || has(ListField::invalidity_date)))
        return fail("header: revocation_time, reason and invalidity_date need a column status");
    return columns;
}

// The next record of a CSV file; false at the end.
Result<bool> next_record(LineReader& lines, CsvRecord& record, std::uint64_t& first_line) {
    bool begun = false;
    while (const auto line = lines.next()) {
        if (!begun)
            first_line = lines.line();
        begun = true;
        auto complete = record.feed(*line);
        if (!complete)
            return lines.failure(complete.error().message);
        if (*complete)
            return true;
    }
    if (!begun)
        return false;
    if (auto end = lines.finish(); !end)  // a file still being written says so
        return fail(end.error().message);
    return fail(fmt::format("{}: a quoted field does not end", lines.place(first_line)));
}

Result<crypto::Sha256Digest> read_csv(LineReader& lines, const Columns& columns, const Ledger::Take& take) {
    CsvRecord record;
    std::uint64_t line = 0;
    for (;;) {
        const auto more = next_record(lines, record, line);
        if (!more)
            return fail(more.error().message);
        if (!*more)
            return lines.finish();
        if (record.fields().size() != columns.fields.size()) {
            return lines.failure(fmt::format("{} fields, {} are expected by the header",
                                             record.fields().size(), columns.fields.size()));
        }
        ListValues values;
        for (std::size_t i = 0; i < columns.fields.size(); ++i) {
            if (columns.fields[i])
                values[static_cast<std::size_t>(*columns.fields[i])] = record.fields()[i];
        }
        auto entry = to_entry(values, columns.says_status, line);
        if (!entry)
            return lines.failure(entry.error().message);
        if (auto taken = take(*entry); !taken)
            return fail(taken.error().message);
    }
}

Result<ListValues> read_object(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object())
        return fail("not a JSON object");
    ListValues values;
    for (const auto& [name, value] : json.items()) {
        const auto field = list_field_from_name(name);
        if (!field || value.is_null())
            continue;
        if (!value.is_string())
            return fail(fmt::format("{}: a text in quotes is expected", name));
        auto& place = values[static_cast<std::size_t>(*field)];
        if (place)
            return fail(fmt::format("{}: given twice", name));
        place = value.get<std::string>();
    }
    return values;
}

}  // namespace

Result<ImportReport> import_csv(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                const std::filesystem::path& file, UtcTime now) {
    auto reader = LineReader::open(file);
    if (!reader)
        return fail(reader.error().message);
    CsvRecord header;
    std::uint64_t line = 0;
    const auto more = next_record(**reader, header, line);
    if (!more)
        return fail(more.error().message);
    if (!*more) {
        if (auto end = (*reader)->finish(); !end)
            return fail(end.error().message);
        return fail(file.string() + ": empty; a header line is expected");
    }
    const auto columns = read_header(header.fields());
    if (!columns)
        return (*reader)->failure(columns.error().message);
    Ledger::ImportSource source = list_source(issuer, file, now);
    source.carries_status = columns->says_status;
    return ledger.import(source,
                         [&](const Ledger::Take& take) { return read_csv(**reader, *columns, take); });
}

Result<ImportReport> import_json_lines(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                       const std::filesystem::path& file, UtcTime now) {
    auto reader = LineReader::open(file);
    if (!reader)
        return fail(reader.error().message);
    LineReader& lines = **reader;
    // The first line tells whether the list speaks of status; then every line must.
    auto line = lines.next();
    bool says_status = false;
    if (line) {
        const auto first = read_object(*line);
        if (!first)
            return lines.failure(first.error().message);
        says_status = (*first)[static_cast<std::size_t>(ListField::status)].has_value();
    }
    Ledger::ImportSource source = list_source(issuer, file, now);
    source.carries_status = says_status;
    return ledger.import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        for (; line; line = lines.next()) {
            auto values = read_object(*line);
            if (!values)
                return lines.failure(values.error().message);
            if ((*values)[static_cast<std::size_t>(ListField::status)].has_value() != says_status)
                return lines.failure(says_status ? "status: missing" : "status: missing in the first line");
            auto entry = to_entry(*values, says_status, lines.line());
            if (!entry)
                return lines.failure(entry.error().message);
            if (auto taken = take(*entry); !taken)
                return fail(taken.error().message);
        }
        return lines.finish();
    });
}

namespace {

Result<std::vector<std::filesystem::path>> certificate_files(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        const std::string extension = at->path().extension().string();
        if (extension != ".pem" && extension != ".crt" && extension != ".cer" && extension != ".der")
            continue;
        std::error_code ignored;
        if (at->is_directory(ignored))
            continue;
        if (files.size() == limits::folder_entries)
            return fail(
                fmt::format("{}: more than {} certificates", folder.string(), limits::folder_entries));
        files.push_back(at->path());
    }
    if (error)
        return fail(fmt::format("{}: cannot read the folder: {}", folder.string(), error.message()));
    std::ranges::sort(files);
    return files;
}

// The one where the CRL is fetched: the first over HTTP (TLS BR, section 7.1.2.11.2), else the first.
std::optional<std::string> distribution_point_of(const std::vector<std::string>& uris) {
    if (uris.empty())
        return std::nullopt;
    const auto http =
        std::ranges::find_if(uris, [](const std::string& uri) { return uri.starts_with("http://"); });
    return http == uris.end() ? uris.front() : *http;
}

}  // namespace

Result<ImportReport> import_folder(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                   const std::filesystem::path& folder, UtcTime now) {
    const auto files = certificate_files(folder);
    if (!files)
        return fail(files.error().message);
    auto verifier =
        crypto::SignatureVerifier::from_public_key(issuer.certificate().subject_public_key_info());
    if (!verifier)
        return fail("the issuer's key", verifier.error());
    Ledger::ImportSource source = list_source(issuer, folder, now);
    source.repeats_tolerated = true;  // the same certificate as PEM and DER
    source.place = [&](std::uint64_t line) {
        return line == 0 || line > files->size() ? folder.string() : (*files)[line - 1].string();
    };
    return ledger.import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        crypto::Sha256 sha256;
        crypto::Sha256 whole;
        for (std::size_t i = 0; i < files->size(); ++i) {
            const std::string name = (*files)[i].string();
            const auto bytes = read_file((*files)[i], limits::certificate_octets);
            if (!bytes)
                return fail(bytes.error().message);
            const auto certificate = crypto::Certificate::parse(*bytes);
            if (!certificate)
                return fail(name, certificate.error());
            if (auto issued = crypto::check_issued_by(*certificate, issuer, *verifier); !issued)
                return fail(name, issued.error());
            const auto serial = certificate->serial();
            if (!serial)
                return fail(name + ": its serial number is not one (positive, at most 20 octets)");
            const auto points = crypto::crl_distribution_points(*certificate);
            if (!points)
                return fail(name, points.error());
            const crypto::Sha256Digest digest = sha256.of(certificate->der());
            whole.update(digest);
            Ledger::Entry entry{*serial, certificate->not_after(), digest, false, std::nullopt, i + 1};
            entry.distribution_point = distribution_point_of(*points);
            if (auto taken = take(entry); !taken)
                return fail(taken.error().message);
        }
        return whole.finish();
    });
}

}  // namespace eightbells::ledger
