#include "responder/watch/chain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "responder/base/durable_file.h"
#include "responder/watch/limits.h"

namespace eightbells::watch {
namespace {

bool take_digest(const nlohmann::json& text, Digest& out) {
    const auto octets = from_hex(text.get_ref<const std::string&>());
    if (!octets || octets->size() != out.size())
        return false;
    std::ranges::copy(*octets, out.begin());
    return true;
}

}  // namespace

Digest sha256(ByteView bytes) noexcept {
    Digest digest{};
    unsigned int size = 0;
    // Fails only when OpenSSL has no SHA-256 at all; zeros then match no chain.
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        digest.fill(0);
    return digest;
}

Digest row_digest(const Digest& previous, std::uint64_t number, std::string_view kind,
                  std::string_view body) {
    return sha256(as_bytes(fmt::format("{}\n{}\n{}\n{}\n", to_hex(previous), number, kind, body)));
}

std::string signed_text(const Anchor& anchor) {
    return fmt::format("eightbells-watch anchor\n{}\n{}\n{}\n{}\n{}\n", anchor.watch, anchor.ledger,
                       anchor.head.number, to_hex(anchor.head.digest), to_iso8601(anchor.time));
}

std::string to_line(const Anchor& anchor) {
    const nlohmann::ordered_json json{
        {"watch", anchor.watch},           {"ledger", anchor.ledger},
        {"number", anchor.head.number},    {"digest", to_hex(anchor.head.digest)},
        {"time", to_iso8601(anchor.time)}, {"signature", to_hex(anchor.signature)}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<Anchor> parse_anchor(std::string_view line) {
    try {
        const auto json = nlohmann::json::parse(line);
        Anchor anchor;
        anchor.watch = json.at("watch").get<std::string>();
        anchor.ledger = json.at("ledger").get<std::string>();
        anchor.head.number = json.at("number").get<std::uint64_t>();
        const auto time = from_iso8601(json.at("time").get_ref<const std::string&>());
        const auto signature = from_hex(json.at("signature").get_ref<const std::string&>());
        if (!take_digest(json.at("digest"), anchor.head.digest))
            return fail("digest: not 64 hex digits");
        if (!time)
            return fail("time", time.error());
        if (!signature)
            return fail("signature", signature.error());
        anchor.time = *time;
        anchor.signature = *signature;
        return anchor;
    } catch (const nlohmann::json::exception& error) {
        return fail(fmt::format("not an anchor: {}", error.what()));
    }
}

Result<std::vector<Anchor>> read_anchors(const std::filesystem::path& file) {
    std::error_code missing;
    if (!std::filesystem::exists(file, missing))
        return std::vector<Anchor>{};
    const auto content = read_file(file, limits::anchor_file_octets);
    if (!content)
        return fail(content.error().message);
    std::vector<Anchor> anchors;
    std::string_view rest = as_text(*content);
    for (int number = 1; !rest.empty(); ++number) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        const bool whole = end < rest.size();
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty())
            continue;
        auto anchor = parse_anchor(line);
        if (anchor)
            anchors.push_back(std::move(*anchor));
        else if (whole)  // a last line without its end is what a crash left; append_anchor takes it away
            return fail(fmt::format("{}:{}: {}", file.string(), number, anchor.error().message));
    }
    return anchors;
}

Status append_anchor(const std::filesystem::path& file, const Anchor& anchor) {
    const auto held = read_anchors(file);
    if (!held)
        return fail(held.error().message);
    std::string text;
    for (const Anchor& one : *held) {
        text += to_line(one);
        if (one.ledger == anchor.ledger && one.head == anchor.head && one.watch == anchor.watch)
            return {};
    }
    text += to_line(anchor);
    // Written whole: the file is small, and so a crash leaves the old one or the new one.
    return write_file_durably(file, as_bytes(text), 0644);
}

}  // namespace eightbells::watch
