// Any octets as a line of index.txt: refused, or taken for exactly what they say. The oracle reads the line
// anew in the plainest way and spells what was understood in other ways; all must agree.
#include <cstdlib>
#include <string>
#include <vector>

#include "responder/ledger/index_line.h"

using namespace eightbells;
using namespace eightbells::ledger;

namespace {

void require(bool condition) {
    if (!condition)
        std::abort();
}

std::vector<std::string> plain_fields(std::string_view line) {
    std::vector<std::string> fields(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\t' && !(i > 0 && line[i - 1] == '\\'))
            fields.emplace_back();
        else
            fields.back() += line[i];
    }
    return fields;
}

std::string spell_time(UtcTime time) {
    const std::string iso = to_iso8601(time);  // 2026-11-22T06:40:00Z
    return iso.substr(0, 4) + iso.substr(5, 2) + iso.substr(8, 2) + iso.substr(11, 2) + iso.substr(14, 2) +
           iso.substr(17, 2) + "Z";
}

std::string spell(const IndexLine& line, bool lower) {
    std::string text = line.status ? "R\t" : "V\t";
    text += spell_time(line.not_after) + "\t";
    if (line.status) {
        text += spell_time(line.status->time);
        if (line.status->invalidity_date) {
            text += line.status->reason == CrlReason::key_compromise ? ",keyTime," : ",CAkeyTime,";
            text += spell_time(*line.status->invalidity_date);
        } else if (line.status->reason) {
            text += "," + std::string(to_string(*line.status->reason));
        }
    }
    std::string serial = line.serial.to_hex();
    if (lower) {
        for (char& c : serial)
            c = c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c;
        serial = serial.starts_with('0') ? serial.substr(1) : "000" + serial;
    }
    return text + "\t" + serial + "\tunknown\t/CN=x";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = parse_index_line(text);
    if (!line) {
        require(!line.error().message.empty());
        return 0;
    }
    const auto fields = plain_fields(text);
    require(fields.size() == 6);
    require(fields[0] == "V" || fields[0] == "R" || fields[0] == "E");
    require((fields[0] == "R") == line->status.has_value());
    require((fields[0] == "R") == !fields[2].empty());
    require(parse_index_time(fields[1]) == line->not_after);
    require(*Serial::from_hex(fields[3]) == line->serial);
    if (line->status) {
        require(line->status->reason != CrlReason::unspecified);
        require(line->status->reason != CrlReason::remove_from_crl);
        require(parse_index_time(fields[2].substr(0, fields[2].find(','))) == line->status->time);
    }
    for (const bool lower : {false, true}) {
        const auto again = parse_index_line(spell(*line, lower));
        require(again.has_value());
        require(again->serial == line->serial && again->not_after == line->not_after &&
                again->status == line->status);
    }
    return 0;
}
