#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "responder/config/config.h"
#include "responder/config/key_name.h"

namespace eightbells::config {
namespace {

class FileCheck {
  public:
    explicit FileCheck(Loaded& loaded) : loaded_(loaded) {}

    // Empty paths mean "not used".
    void readable(const std::string& field, const std::filesystem::path& path, std::string_view instead) {
        if (!path.empty())
            look(field, path, instead);
    }

    // The same for what only its owner may see.
    void secret(const std::string& field, const std::filesystem::path& path, std::string_view instead) {
        if (path.empty())
            return;
        struct stat status {};
        if (look(field, path, instead) && ::stat(path.c_str(), &status) == 0 &&
            (status.st_mode & (S_IRWXG | S_IRWXO) & ~static_cast<mode_t>(S_IRGRP)) != 0)
            loaded_.warnings.push_back(
                at_field(loaded_.config, field,
                         fmt::format("{} may be used by others than its owner (mode {:o}); run: chmod 600 {}",
                                     path.string(), status.st_mode & 07777U, path.string())));
    }

    // The same for a key, which may lie in a token instead.
    void key(const std::string& field, const std::filesystem::path& key, std::string_view instead) {
        if (!names_token(key))
            secret(field, key, instead);
    }

    // A file, or a folder in its place.
    void readable_or_folder(const std::string& field, const std::filesystem::path& path,
                            std::string_view instead) {
        std::error_code ignored;  // what cannot be looked at is named below
        if (!path.empty() && !std::filesystem::is_directory(path, ignored))
            look(field, path, instead);
    }

  private:
    bool look(const std::string& field, const std::filesystem::path& path, std::string_view instead) {
        struct stat status {};
        std::string fault;
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || ::fstat(fd, &status) != 0)
            fault = std::strerror(errno);
        else if (!S_ISREG(status.st_mode))
            fault = "is not a regular file";
        if (fd >= 0)
            ::close(fd);
        if (fault.empty())
            return true;
        loaded_.mistakes.push_back(
            at_field(loaded_.config, field, fmt::format("{}: {}; write {}", path.string(), fault, instead)));
        return false;
    }

    Loaded& loaded_;
};

void check_canaries(FileCheck& check, const IssuerWatch& watch, const std::string& table) {
    const std::pair<const char*, const std::string*> canaries[] = {{"good", &watch.good},
                                                                   {"revoked", &watch.revoked},
                                                                   {"hold", &watch.hold},
                                                                   {"expired", &watch.expired},
                                                                   {"unissued", &watch.unissued}};
    for (const auto& [name, path] : canaries) {
        if (!path->starts_with("serial:"))
            check.readable(table + "." + name, *path, "the path of its certificate, or \"serial:0A1B2C\"");
    }
}

}  // namespace

void check_files(Loaded& loaded, Role role) {
    FileCheck check(loaded);
    const Config& config = loaded.config;
    for (std::size_t i = 0; i < config.issuers.size(); ++i) {
        const Issuer& issuer = config.issuers[i];
        const auto field = [i](std::string_view name) { return fmt::format("issuer[{}].{}", i, name); };
        check.readable(field("certificate"), issuer.certificate, "the path of the CA's certificate");
        if (role == Role::watch || role == Role::both)
            check_canaries(check, issuer.watch, field("watch"));
        if (role == Role::front || role == Role::watch)
            continue;
        check.readable(field("signer_certificate"), issuer.signer_certificate,
                       "the path of the signer's certificate, or \"\" when the CA signs itself");
        check.key(field("signer_key"), issuer.signer_key, "the path of the signing key");
        check.secret(field("signer_key_passphrase"), issuer.signer_key_passphrase,
                     "the path of the file with the passphrase, or \"\" when the key is not encrypted");
        check.key(field("generated_crl.key"), issuer.generated_crl.key,
                  "the path of the CA's own key, or \"\"");
        check.secret(field("generated_crl.key_passphrase"), issuer.generated_crl.key_passphrase,
                     "the path of the file with the passphrase, or \"\" when the key is not encrypted");
        check.readable(field("index"), issuer.index, "the path of the CA's index.txt, or \"\"");
        check.readable_or_folder(
            field("issued"), issuer.issued,
            "the path of a list of issued certificates (.csv, .jsonl), of a folder of them, or \"\"");
        check.readable(field("crl"), issuer.crl, "the path of the CA's CRL, or \"\"");
        for (std::size_t j = 0; j < issuer.imported_crls.size(); ++j) {
            check.readable_or_folder(field(fmt::format("imported_crl[{}].file", j)),
                                     issuer.imported_crls[j].file,
                                     "the path of the CRL or of the folder where it appears, or \"\"");
        }
    }
    if (config.watches() && (role == Role::watch || role == Role::both))
        check.readable("watch.tls_ca_file", config.watch.tls_ca_file,
                       "the path of the CA certificates that the fronts' certificates chain to");
    if (role == Role::watch)
        return;
    for (std::size_t i = 0; role != Role::signer && i < config.front.store_key_files.size(); ++i) {
        const std::filesystem::path& path = config.front.store_key_files[i];
        // The signer makes its own at its first start.
        if (role == Role::front || path != config.signer.store_key_public)
            check.readable(fmt::format("front.store_key_files[{}]", i), path,
                           "the path of the signer's store-key.pub, or its digits into store_keys");
    }
    // The signer makes its own at its first start.
    const bool made_here =
        role == Role::both && config.front.live_secret_file == config.signer.live_secret_file;
    if (role != Role::signer && !config.front.live_signers.empty() && !made_here)
        check.secret("front.live_secret_file", config.front.live_secret_file,
                     "the path of a copy of the signer's live-secret");
    if (config.store.kind == StoreKind::redis) {
        check.readable("store.redis.tls_ca_file", config.store.redis.tls_ca_file,
                       "the path of the CA certificates that Redis's certificate chains to");
        check.secret("store.redis.password_file", config.store.redis_password_file,
                     "the path of the file with the password");
        check.secret("store.redis.sentinel_password_file", config.store.sentinel_password_file,
                     "the path of the file with the Sentinels' password");
    }
}

}  // namespace eightbells::config
