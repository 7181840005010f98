#ifndef EIGHTBELLS_TESTS_CONFORMANCE_AUTHORITY_H
#define EIGHTBELLS_TESTS_CONFORMANCE_AUTHORITY_H

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

// A throwaway CA in a folder, made and run with the `openssl` command alone: what it writes is what CAs have.
namespace eightbells::conformance {

// YYYYMMDDHHMMSSZ, as `openssl ca` takes times.
std::string generalized_time(std::chrono::system_clock::time_point moment);

enum class KeyKind { p256, p384, rsa2048, rsa4096 };

class Authority {
  public:
    // A CA with the delegated signer ocsp-signer.pem and .key, an empty index.txt and an empty crl.pem.
    // `name` stands in its subject; with `pss` its certificates and CRLs are signed with RSASSA-PSS, with
    // SHA-512 where the key has 4096 bits (PKIoverheid G4).
    Authority(std::filesystem::path folder, std::string name, KeyKind kind, bool pss = false);

    // What index.txt says of a certificate, word for word.
    struct Entry {
        std::string kind;        // V, R or E
        std::string serial;      // upper-case hexadecimal
        std::string revoked_at;  // YYMMDDHHMMSSZ, or empty
        std::string reason;      // with its argument, as OpenSSL spells it; empty: none
    };
    // By common name: a certificate `good` is /CN=good and lies in good.pem.
    std::map<std::string, Entry> index() const;
    Entry entry(const std::string& name) const { return index().at(name); }
    std::string serial(const std::string& name) const { return entry(name).serial; }

    void issue(const std::string& name);
    // Times as generalized_time spells them.
    void issue(const std::string& name, const std::string& not_before, const std::string& not_after);
    // Signed by the CA, on no list. Its serial number is 0x0123456789ABCDEF.
    void issue_unlisted(const std::string& name);
    // `how`: the words after -revoke, such as {"-crl_reason", "keyCompromise"}.
    void revoke(const std::string& name, const std::vector<std::string>& how = {});
    // A new crl.pem over index.txt, or another file. `times`: {"-crlhours", "48"} and the like.
    void make_crl(const std::string& file = "crl.pem",
                  const std::vector<std::string>& times = {"-crlhours", "48"});
    // A certificate for OCSP signing over a new key, FILE.pem and FILE.key, with the extensions of a section
    // of `settings`.
    void make_signer(const std::string& file, const std::string& section = "signer",
                     const std::vector<std::string>& times = {"-days", "90"});

    const std::filesystem::path& folder() const noexcept { return folder_; }
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
    const std::string& name() const noexcept { return name_; }
    bool pss() const noexcept { return pss_; }

  private:
    std::string openssl(std::vector<std::string> words) const;
    std::vector<std::string> ca(std::vector<std::string> words) const;
    void use_pss(std::vector<std::string>& words) const;
    void make_key(const std::string& file) const;

    std::filesystem::path folder_;
    std::string name_;
    KeyKind kind_;
    bool pss_;
};

// Names of the certificates that `populate` makes: one for each thing that can be said of a certificate.
inline constexpr const char* revoked_names[] = {"revoked",     "unspecified", "ca-compromise",
                                                "affiliation", "superseded",  "cessation",
                                                "no-reason",   "key-time",    "ca-key-time"};
inline constexpr const char* good_names[] = {"good", "expired", "lapsed"};
inline constexpr const char* hold_names[] = {"hold", "hold-instruction"};

// good, expired (in 2021), lapsed (a minute ago), hold (twice), revoked for each reason that OpenSSL knows
// and once without one, expired and revoked; `unissued` on no list; and the CRL.
void populate(Authority& authority);
std::vector<std::string> listed_names();

}  // namespace eightbells::conformance

#endif
