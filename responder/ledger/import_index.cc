#include <utility>

#include "responder/ledger/import.h"
#include "responder/ledger/index_line.h"
#include "responder/ledger/line_reader.h"

namespace eightbells::ledger {

Result<ImportReport> import_index(Ledger& ledger, const crypto::IssuerIdentity& issuer,
                                  const std::filesystem::path& file, UtcTime now) {
    Ledger::ImportSource source;
    source.issuer = issuer.id();
    source.name = "index";
    source.file = file.string();
    source.as_of = now;
    source.carries_status = true;
    source.full_list = true;
    return ledger.import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        auto reader = LineReader::open(file);
        if (!reader)
            return fail(reader.error().message);
        LineReader& lines = **reader;
        while (const auto line = lines.next()) {
            if (is_index_comment(*line))
                continue;
            auto entry = parse_index_line(*line);
            if (!entry)
                return lines.failure(entry.error().message);
            auto taken =
                take({entry->serial, entry->not_after, std::nullopt, true, entry->status, lines.line()});
            if (!taken)
                return fail(taken.error().message);
        }
        return lines.finish();
    });
}

}  // namespace eightbells::ledger
