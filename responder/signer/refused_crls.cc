#include "responder/signer/refused_crls.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "responder/base/durable_file.h"
#include "responder/crypto/digest.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

namespace fs = std::filesystem;

Status RefusedCrls::keep(ByteView octets, const Refusal& refusal) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error)
        return fail(fmt::format("{}: cannot make this folder: {}", folder_.string(), error.message()));
    const auto digest = crypto::sha256(octets);
    const std::string name = fmt::format("{}-{}", refusal.issuer, to_hex(ByteView{digest}.first(8)));
    const ByteView kept = octets.first(std::min(octets.size(), limits::refused_crl_octets));
    const fs::path file = folder_ / (name + ".crl");
    if (!fs::exists(file, error)) {
        if (auto written = write_file_durably(file, kept); !written)
            return written;
    }
    const std::string text = fmt::format(
        "refused: {}\nfrom: {}\nfor: issuer \"{}\", {}\nat: {}\noctets: {}{}\nsha256: {}\n", refusal.reason,
        refusal.place, refusal.issuer, refusal.path, to_iso8601(refusal.at), octets.size(),
        kept.size() < octets.size() ? fmt::format(", of which the first {} are kept", kept.size()) : "",
        to_hex(digest));
    auto written = write_file_durably(folder_ / (name + ".txt"), as_bytes(text));
    drop_oldest();
    return written;
}

void RefusedCrls::drop_oldest() const {
    std::vector<std::pair<fs::file_time_type, fs::path>> texts;
    std::error_code error;
    for (fs::directory_iterator entry{folder_, error}, end; !error && entry != end; entry.increment(error)) {
        if (entry->path().extension() != ".txt")
            continue;
        const auto written = entry->last_write_time(error);
        if (!error)
            texts.emplace_back(written, entry->path());
    }
    if (texts.size() <= limits::refused_crls)
        return;
    std::ranges::sort(texts);
    texts.resize(texts.size() - limits::refused_crls);
    for (auto& [written, text] : texts) {
        fs::remove(text, error);
        fs::remove(text.replace_extension(".crl"), error);
    }
}

}  // namespace eightbells::signer
