#include "responder/live/secret.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

#include "responder/base/durable_file.h"
#include "responder/crypto/digest.h"
#include "responder/live/limits.h"

namespace eightbells::live {

tls::Key key_of(const tls::Secret& secret) {
    // One way: the name says nothing about 256 random bits.
    constexpr std::string_view label = "eightbells: the name of a live secret; version 1";
    Bytes named(label.begin(), label.end());
    named.insert(named.end(), secret.begin(), secret.end());
    const auto digest = crypto::sha256(named);
    OPENSSL_cleanse(named.data(), named.size());
    return {"eightbells-live-1-" + to_hex(ByteView{digest}.first(8)), secret};
}

Result<std::vector<tls::Key>> parse_secrets(std::string_view text, std::string_view place) {
    std::vector<tls::Key> keys;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view digits = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (digits.ends_with('\r'))
            digits.remove_suffix(1);
        if (digits.empty())
            continue;
        auto octets = from_hex(digits);
        tls::Secret secret;
        if (!octets || octets->size() != secret.size())
            return fail(
                fmt::format("{}:{}: not a secret; write its 64 hexadecimal digits, and nothing else, on a "
                            "line",
                            place, line));
        if (keys.size() == limits::live_secrets)
            return fail(fmt::format("{}:{}: more than {} secrets; take out what is not used any more", place,
                                    line, limits::live_secrets));
        std::ranges::copy(*octets, secret.begin());
        OPENSSL_cleanse(octets->data(), octets->size());
        keys.push_back(key_of(secret));
    }
    if (keys.empty())
        return fail(fmt::format("{}: no secret stands in it", place));
    return keys;
}

Result<std::vector<tls::Key>> load_secrets(const std::filesystem::path& file) {
    auto read = read_file(file, limits::live_secret_file_octets);
    if (!read)
        return tl::unexpected<Error>(read.error());
    auto keys = parse_secrets(as_text(*read), file.string());
    OPENSSL_cleanse(read->data(), read->size());
    return keys;
}

Result<std::vector<tls::Key>> load_or_create_secrets(const std::filesystem::path& file) {
    std::error_code fault;
    if (std::filesystem::exists(file, fault) || fault)
        return load_secrets(file);
    tls::Secret secret;
    if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1)
        return fail(file.string() + ": no random numbers for a new secret");
    std::string text = to_hex(secret) + "\n";
    const auto written = write_file_durably(file, as_bytes(text), 0600);
    OPENSSL_cleanse(text.data(), text.size());
    if (!written)
        return tl::unexpected<Error>(written.error());
    return std::vector{key_of(secret)};
}

}  // namespace eightbells::live
