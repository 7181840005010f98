#ifndef EIGHTBELLS_TESTS_CACHE_SERVER_CERTIFICATES_H
#define EIGHTBELLS_TESTS_CACHE_SERVER_CERTIFICATES_H

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/cache/temporary_folder.h"

namespace eightbells {

// Two CAs, ours.pem and other.pem, and what servers on 127.0.0.1 may show: "address" is from ours and names
// 127.0.0.1, "elsewhere" is from ours and names another host, "foreign" is from other and names 127.0.0.1.
class ServerCertificates {
  public:
    ServerCertificates() {
        const std::string made = R"(
            key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
            for ca in ours other; do
                openssl req -x509 $key -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 2
            done
            cat ours.pem other.pem > both.pem
            certificate() {
                openssl req $key -keyout $1.key -out $1.csr -subj /CN=redis
                printf 'subjectAltName=%s' $3 > $1.ext
                openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -out $1.pem -days 2 \
                    -extfile $1.ext
            }
            certificate address ours IP:127.0.0.1
            certificate elsewhere ours DNS:elsewhere.example
            certificate foreign other IP:127.0.0.1
        )";
        const std::string line =
            "( set -e; cd '" + folder_.path().string() + "'" + made + ") >/dev/null 2>&1";
        if (std::system(line.c_str()) != 0)
            throw std::runtime_error("openssl made no certificates");
    }

    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
    // With these a redis-server shows `name`. It believes both CAs itself: a node that we refuse is one of
    // its cluster all the same.
    std::vector<std::string> options(const std::string& name) const {
        return {"--tls-cert-file",    file(name + ".pem"), "--tls-key-file",     file(name + ".key"),
                "--tls-ca-cert-file", file("both.pem"),    "--tls-auth-clients", "no"};
    }
    // The same for its configuration file.
    std::string lines(const std::string& name) const {
        const auto words = options(name);
        std::string all;
        for (std::size_t i = 0; i < words.size(); i += 2)
            all += words[i].substr(2) + " " + words[i + 1] + "\n";
        return all;
    }
    // The command after which a server shows `name` to whoever connects.
    std::string change_to(const std::string& name) const {
        return "config set tls-cert-file '" + file(name + ".pem") + "' tls-key-file '" + file(name + ".key") +
               "'";
    }

  private:
    std::string file(const std::string& name) const { return (folder_ / name).string(); }

    TemporaryFolder folder_;
};

}  // namespace eightbells

#endif
