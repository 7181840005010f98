// Oracle of the reader: what it walks through, written again by the writer, gives the same octets; typed
// reads agree with the typed writes; nothing is consumed by a read that fails.

#include <cstdlib>
#include <vector>

#include "responder/der/writer.h"

namespace {

using namespace eightbells;
using der::Reader;
using der::Tag;
using der::Writer;

void must(bool claim) {
    if (!claim)
        std::abort();
}

constexpr int deepest = 64;

// Writes the elements of `bytes` in reverse; false when it is no sequence of elements.
bool write_again(Writer& writer, ByteView bytes, int depth) {
    Reader reader{bytes};
    std::vector<der::Element> elements;
    while (!reader.empty()) {
        const auto element = reader.read_any();
        if (!element)
            return false;
        elements.push_back(*element);
    }
    for (auto element = elements.rbegin(); element != elements.rend(); ++element) {
        const std::size_t since = writer.size();
        const bool constructed = (static_cast<unsigned>(element->tag) & 0x20) != 0;
        if (!constructed || depth == deepest || !write_again(writer, element->content, depth + 1)) {
            // The content is opaque: whatever was written of it is written over as a whole.
            const std::size_t more = writer.size() - since;
            must(more == 0 || constructed);
            if (more != 0)
                return false;
            writer.raw(element->content);
        }
        writer.wrap(element->tag, since);
    }
    return true;
}

template <class Read, class Write>
void typed(ByteView bytes, Read read, Write write) {
    Reader reader{bytes};
    const auto value = read(reader);
    if (!value) {
        must(reader.rest().size() == bytes.size());
        return;
    }
    std::vector<std::uint8_t> buffer(bytes.size() + 16);
    Writer writer{buffer};
    write(writer, *value);
    must(writer.ok() && equal(writer.bytes(), bytes.first(bytes.size() - reader.rest().size())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes{data, size};
    std::vector<std::uint8_t> buffer(size + 16);
    Writer writer{buffer};
    if (write_again(writer, bytes, 0))
        must(writer.ok() && equal(writer.bytes(), bytes));
    typed(
        bytes, [](Reader& r) { return r.read_boolean(); }, [](Writer& w, bool v) { w.boolean(v); });
    typed(
        bytes, [](Reader& r) { return r.read_unsigned(); },
        [](Writer& w, std::uint64_t v) { w.unsigned_integer(v); });
    typed(
        bytes, [](Reader& r) { return r.read_integer_content(); },
        [](Writer& w, ByteView v) { w.element(Tag::integer, v); });
    typed(
        bytes, [](Reader& r) { return r.read_bit_string_octets(); },
        [](Writer& w, ByteView v) { w.bit_string(v); });
    typed(
        bytes, [](Reader& r) { return r.read_generalized_time(); },
        [](Writer& w, UtcTime v) { w.generalized_time(v); });
    typed(
        bytes, [](Reader& r) { return r.read_oid(); },
        [](Writer& w, ByteView v) {
            must(der::is_oid_content(v));
            w.element(Tag::oid, v);
        });
    Reader reader{bytes};
    must(der::is_one_element(bytes) == (reader.read_any().has_value() && reader.empty()));
    return 0;
}
