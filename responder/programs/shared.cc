#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cache/page_file.h"
#include "cache/redis_store.h"
#include "responder/base/durable_file.h"
#include "responder/config/limits.h"
#include "responder/crypto/limits.h"
#include "responder/programs/commands.h"

namespace eightbells::programs {

Result<crypto::Certificate> ca_certificate(const config::Issuer& issuer) {
    const auto octets = read_file(issuer.certificate, limits::certificate_octets);
    if (!octets)
        return tl::unexpected<Error>(octets.error());
    return crypto::Certificate::parse(*octets);
}

std::optional<NamedIssuer> find_issuer(const config::Config& config, const std::string& name) {
    const auto found = name.empty() && config.issuers.size() == 1
                           ? config.issuers.begin()
                           : std::ranges::find(config.issuers, name, &config::Issuer::name);
    if (found == config.issuers.end()) {
        std::vector<std::string> names;
        for (const auto& issuer : config.issuers)
            names.push_back(issuer.name);
        fmt::print(stderr, "{}: say which with --issuer; configured are: {}\n",
                   name.empty() ? "several issuers are configured" : fmt::format("no issuer \"{}\"", name),
                   fmt::join(names, ", "));
        return std::nullopt;
    }
    auto certificate = ca_certificate(*found);
    auto identity = certificate ? crypto::IssuerIdentity::from_certificate(*certificate)
                                : Result<crypto::IssuerIdentity>{tl::unexpected<Error>(certificate.error())};
    if (!identity) {
        fmt::print(stderr, "issuer \"{}\": certificate: {}\n", found->name, identity.error().message);
        return std::nullopt;
    }
    return NamedIssuer{*found, std::move(*identity)};
}

std::unique_ptr<cache::Store> open_store(const config::Config& config) {
    if (config.store.kind == config::StoreKind::redis)
        return std::make_unique<cache::RedisStore>(config.store.redis);
    auto opened =
        cache::PageFile::open(config.store.directory / cache::page_file_name, cache::PageFile::Access::read);
    if (!opened) {
        fmt::print(stderr, "store: {}\n", opened.error().message);
        return nullptr;
    }
    return std::move(*opened);
}

std::optional<std::vector<cache::StorePublicKey>> trusted_keys(const config::Config& config) {
    std::vector<cache::StorePublicKey> keys;
    const auto take = [&](std::string_view text, const std::string& where) {
        const auto octets = from_hex(text);
        if (!octets || octets->size() != cache::StorePublicKey{}.size()) {
            fmt::print(stderr, "{}: 64 hexadecimal digits of a store key are expected\n", where);
            return false;
        }
        std::ranges::copy(*octets, keys.emplace_back().begin());
        return true;
    };
    for (const auto& text : config.front.store_keys) {
        if (!take(text, "front.store_keys"))
            return std::nullopt;
    }
    for (const auto& file : config.front.store_key_files) {
        const auto bytes = read_file(file, limits::store_key_file_octets);
        if (!bytes) {
            fmt::print(stderr, "{}\n", bytes.error().message);
            return std::nullopt;
        }
        std::string_view rest = as_text(*bytes);
        while (!rest.empty()) {
            const auto end = std::min(rest.find('\n'), rest.size());
            auto text = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            // As the front reads it: blanks around a key and lines of remarks are allowed.
            text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
            text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
            if (!text.empty() && !text.starts_with('#') && !take(text, file.string()))
                return std::nullopt;
        }
    }
    if (keys.empty()) {
        fmt::print(stderr, "no store key is trusted: set front.store_keys or front.store_key_files\n");
        return std::nullopt;
    }
    return keys;
}

}  // namespace eightbells::programs
