// Any octets as CSV lines: each record that is taken, spelled again with every field in quotes, is the same
// record; and an entry made of it says what its fields say.
#include <cstdlib>
#include <string>
#include <vector>

#include "responder/ledger/limits.h"
#include "responder/ledger/list_entry.h"

using namespace eightbells;
using namespace eightbells::ledger;

namespace {

void require(bool condition) {
    if (!condition)
        std::abort();
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> lines(1);
    for (const char c : text) {
        if (c == '\n')
            lines.emplace_back();
        else
            lines.back() += c;
    }
    return lines;
}

void check_again(const std::vector<std::string>& fields) {
    std::string text;
    for (const std::string& field : fields) {
        text += text.empty() ? "\"" : ",\"";
        for (const char c : field)
            text += c == '"' ? std::string("\"\"") : std::string(1, c);
        text += '"';
    }
    CsvRecord record;
    bool complete = false;
    for (const std::string& line : split(text)) {
        require(!complete);
        const auto fed = record.feed(line);
        if (!fed) {
            require(text.size() + 1 > limits::list_line_octets);  // the quotes made it longer
            return;
        }
        complete = *fed;
    }
    require(complete && record.fields() == fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    CsvRecord record;
    for (const std::string& line : split(text)) {
        const auto complete = record.feed(line);
        if (!complete)
            return 0;
        if (!*complete)
            continue;
        const auto& fields = record.fields();
        require(!fields.empty() && fields.size() <= limits::csv_columns);
        check_again(fields);
        ListValues values;
        for (std::size_t i = 0; i < fields.size() && i < list_fields; ++i)
            values[i] = fields[i];
        const auto entry = to_entry(values, true, 1);
        if (!entry)
            continue;
        require(entry->not_after.has_value());
        require(!entry->status || entry->status->reason != CrlReason::unspecified);
        require(!values[0]->empty() ? *Serial::from_hex(*values[0]) == entry->serial
                                    : *Serial::from_decimal(*values[1]) == entry->serial);
    }
    return 0;
}
