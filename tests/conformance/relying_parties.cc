#include "tests/conformance/relying_parties.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace eightbells::conformance {

namespace {

std::vector<std::string> words_for(const World& world, const Authority& authority,
                                   const std::vector<std::pair<std::string, std::string>>& certificates,
                                   std::size_t fronts) {
    std::vector<std::string> words{"/usr/bin/python3",
                                   EIGHTBELLS_SOURCE_DIR "/tests/conformance/relying_parties.py", "--issuer",
                                   (authority / "issuer.pem").string()};
    for (std::size_t front = 0; front < fronts; ++front) {
        words.emplace_back("--at");
        words.push_back(fmt::format("127.0.0.1:{}", world.port(front)));
    }
    for (const auto& [name, status] : certificates) {
        words.emplace_back("--certificate");
        words.push_back((authority / (name + ".pem")).string() + "=" + status);
    }
    return words;
}

int made_so_far = 0;  // each has a log of its own

}  // namespace

std::ostream& operator<<(std::ostream& out, const Account& account) {
    return out << account.sent << " requests, " << account.failed << " failed, " << account.wrong
               << " wrong, " << account.expired << " expired; " << account.first;
}

RelyingParties::RelyingParties(const World& world, const Authority& authority,
                               const std::vector<std::pair<std::string, std::string>>& certificates,
                               std::size_t fronts)
    : program_(words_for(world, authority, certificates, fronts), world / "",
               world / fmt::format("asked-{}.log", made_so_far++)) {
    program_.start();
    if (!comes(
            [this] { return !program_.running() || program_.log().find("asking\n") != std::string::npos; }) ||
        !program_.running())
        throw std::runtime_error("nobody asks:\n" + program_.log());
}

Account RelyingParties::stop() {
    if (const int code = program_.stop(); code != 0)
        throw std::runtime_error(fmt::format("relying parties ended with {}:\n{}", code, program_.log()));
    const std::string log = program_.log();
    const auto json = nlohmann::json::parse(log.substr(log.rfind('{')));
    return {json.at("sent"), json.at("failed"), json.at("wrong"), json.at("expired"), json.at("first")};
}

}  // namespace eightbells::conformance
