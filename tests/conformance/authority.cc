#include "tests/conformance/authority.h"

#include <chrono>
#include <ctime>
#include <sstream>
#include <stdexcept>

#include "tests/conformance/command.h"

namespace eightbells::conformance {

namespace {

constexpr std::string_view settings = R"([ca]
default_ca = here
[here]
database = index.txt
crlnumber = crlnumber
new_certs_dir = certs
certificate = issuer.pem
private_key = issuer.key
default_md = sha256
default_days = 30
unique_subject = no
rand_serial = yes
policy = any
[any]
commonName = supplied
[req]
distinguished_name = nobody
[nobody]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier = hash
[root-without-signing]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signer]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
noCheck = ignored
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signer-without-nocheck]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
authorityKeyIdentifier = keyid
[signer-that-is-a-ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning
noCheck = ignored
authorityKeyIdentifier = keyid
[signer-for-tls]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,serverAuth
noCheck = ignored
authorityKeyIdentifier = keyid
[signer-for-tls-too]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,OCSPSigning,serverAuth
noCheck = ignored
authorityKeyIdentifier = keyid
[crl]
authorityKeyIdentifier = keyid
)";

}  // namespace

std::string generalized_time(std::chrono::system_clock::time_point moment) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(moment);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts);
    return text;
}

Authority::Authority(std::filesystem::path folder, std::string name, KeyKind kind, bool pss)
    : folder_(std::move(folder)), name_(std::move(name)), kind_(kind), pss_(pss) {
    std::filesystem::create_directories(folder_ / "certs");
    replace_text(folder_ / "settings", settings);
    replace_text(folder_ / "index.txt", "");
    replace_text(folder_ / "crlnumber", "01\n");
    make_key("issuer.key");
    std::vector<std::string> words{
        "req",  "-x509",   "-new",     "-key",        "issuer.key", "-subj",   "/CN=" + name_, "-days",
        "3650", "-config", "settings", "-extensions", "root",       "-sha256", "-out",         "issuer.pem"};
    use_pss(words);
    openssl(words);
    make_key("leaf.key");
    openssl(
        {"req", "-new", "-key", "leaf.key", "-subj", "/CN=leaf", "-config", "settings", "-out", "leaf.csr"});
    make_signer("ocsp-signer");
    make_crl();
}

void Authority::use_pss(std::vector<std::string>& words) const {
    if (!pss_)
        return;
    const bool g4 = kind_ == KeyKind::rsa4096;
    words.insert(words.end(), {"-sigopt", "rsa_padding_mode:pss", "-sigopt",
                               g4 ? "rsa_pss_saltlen:64" : "rsa_pss_saltlen:32"});
    if (g4)
        words.insert(words.end(), {words.at(0) == "ca" ? "-md" : "-sha512"});
    if (g4 && words.at(0) == "ca")
        words.emplace_back("sha512");
}

std::string Authority::openssl(std::vector<std::string> words) const {
    words.insert(words.begin(), "openssl");
    return must(words, folder_);
}

std::vector<std::string> Authority::ca(std::vector<std::string> words) const {
    words.insert(words.begin(), {"ca", "-batch", "-config", "settings"});
    use_pss(words);
    return words;
}

void Authority::make_key(const std::string& file) const {
    const bool leaf =
        file == "leaf.key";  // what a subscriber's key is does not matter here: the fastest to make
    if ((kind_ == KeyKind::rsa2048 || kind_ == KeyKind::rsa4096) && !leaf)
        openssl({"genpkey", "-algorithm", "RSA", "-pkeyopt",
                 kind_ == KeyKind::rsa4096 ? "rsa_keygen_bits:4096" : "rsa_keygen_bits:2048", "-out", file});
    else
        openssl({"genpkey", "-algorithm", "EC", "-pkeyopt",
                 kind_ == KeyKind::p384 && !leaf ? "ec_paramgen_curve:P-384" : "ec_paramgen_curve:P-256",
                 "-out", file});
    std::filesystem::permissions(folder_ / file,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

void Authority::make_signer(const std::string& file, const std::string& section,
                            const std::vector<std::string>& times) {
    make_key(file + ".key");
    openssl({"req", "-new", "-key", file + ".key", "-subj", "/CN=" + file, "-config", "settings", "-out",
             file + ".csr"});
    std::vector<std::string> words{"-notext",     "-extensions", section,      "-in",
                                   file + ".csr", "-out",        file + ".pem"};
    words.insert(words.end(), times.begin(), times.end());
    openssl(ca(words));
}

void Authority::issue(const std::string& name) {
    openssl(ca({"-notext", "-extensions", "leaf", "-in", "leaf.csr", "-subj", "/CN=" + name, "-out",
                name + ".pem"}));
}

void Authority::issue(const std::string& name, const std::string& not_before, const std::string& not_after) {
    openssl(ca({"-notext", "-extensions", "leaf", "-in", "leaf.csr", "-subj", "/CN=" + name, "-out",
                name + ".pem", "-startdate", not_before, "-enddate", not_after}));
}

void Authority::issue_unlisted(const std::string& name) {
    openssl({"x509", "-req", "-in", "leaf.csr", "-CA", "issuer.pem", "-CAkey", "issuer.key", "-set_serial",
             "0x0123456789ABCDEF", "-days", "30", "-out", name + ".pem"});
}

void Authority::revoke(const std::string& name, const std::vector<std::string>& how) {
    std::vector<std::string> words{"-revoke", name + ".pem"};
    words.insert(words.end(), how.begin(), how.end());
    openssl(ca(words));
}

void Authority::make_crl(const std::string& file, const std::vector<std::string>& times) {
    std::vector<std::string> words{"-gencrl", "-crlexts", "crl", "-out", file + ".made"};
    words.insert(words.end(), times.begin(), times.end());
    openssl(ca(words));
    std::filesystem::rename(folder_ / (file + ".made"), folder_ / file);
}

std::map<std::string, Authority::Entry> Authority::index() const {
    std::istringstream text{read_text(folder_ / "index.txt")};
    std::map<std::string, Entry> entries;
    for (std::string line; std::getline(text, line);) {
        std::vector<std::string> fields;
        std::istringstream parts{line};
        for (std::string field; std::getline(parts, field, '\t');)
            fields.push_back(field);
        if (fields.size() != 6 || !fields[5].starts_with("/CN="))
            throw std::runtime_error("index.txt: " + line);
        Entry entry{fields[0], fields[3], fields[2], {}};
        if (const auto comma = fields[2].find(','); comma != std::string::npos) {
            entry.revoked_at = fields[2].substr(0, comma);
            entry.reason = fields[2].substr(comma + 1);
        }
        entries.emplace(fields[5].substr(4), entry);
    }
    return entries;
}

void populate(Authority& authority) {
    const auto now = std::chrono::system_clock::now();
    for (const std::string& name : listed_names()) {
        if (name == "expired" || name == "revoked-expired")
            authority.issue(name, "20200101000000Z", "20210101000000Z");
        else if (name == "lapsed")
            authority.issue(name, generalized_time(now - std::chrono::hours{24}),
                            generalized_time(now - std::chrono::minutes{1}));
        else
            authority.issue(name);
    }
    authority.issue_unlisted("unissued");
    const auto reason = [](const char* word) { return std::vector<std::string>{"-crl_reason", word}; };
    authority.revoke("revoked", reason("keyCompromise"));
    authority.revoke("unspecified", reason("unspecified"));
    authority.revoke("ca-compromise", reason("CACompromise"));
    authority.revoke("affiliation", reason("affiliationChanged"));
    authority.revoke("superseded", reason("superseded"));
    authority.revoke("cessation", reason("cessationOfOperation"));
    authority.revoke("hold", reason("certificateHold"));
    authority.revoke("hold-instruction", {"-crl_hold", "holdInstructionCallIssuer"});
    authority.revoke("key-time", {"-crl_compromise", "20260101120000Z"});
    authority.revoke("ca-key-time", {"-crl_CA_compromise", "20260102120000Z"});
    authority.revoke("no-reason");
    authority.revoke("revoked-expired", reason("superseded"));
    authority.make_crl();
}

std::vector<std::string> listed_names() {
    std::vector<std::string> names{std::begin(good_names), std::end(good_names)};
    names.insert(names.end(), std::begin(hold_names), std::end(hold_names));
    names.insert(names.end(), std::begin(revoked_names), std::end(revoked_names));
    names.emplace_back("revoked-expired");
    return names;
}

}  // namespace eightbells::conformance
