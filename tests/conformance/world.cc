#include "tests/conformance/world.h"

#include <fmt/format.h>

#include <stdexcept>

namespace eightbells::conformance {

std::string eightbells_program() {
    return EIGHTBELLS_PROGRAM;
}
std::string signer_program() {
    return EIGHTBELLS_SIGNER_PROGRAM;
}
std::string front_program() {
    return EIGHTBELLS_FRONT_PROGRAM;
}

World::World(const std::vector<Issuer>& issuers, std::size_t fronts) : issuers_(issuers), fronts_(fronts) {
    for (const Issuer& issuer : issuers) {
        authorities_.push_back(
            std::make_unique<Authority>(folder_ / issuer.name, issuer.name, issuer.kind, issuer.pss));
        populate(*authorities_.back());
    }
    signer_metrics_port_ = free_port();
    for (Front& front : fronts_)
        front = {free_port(), free_port()};
}

Authority& World::ca(const std::string& name) const {
    for (const auto& authority : authorities_) {
        if (authority->name() == name)
            return *authority;
    }
    throw std::runtime_error("no CA " + name);
}

void World::configure(const std::string& file, std::size_t front, const std::string& store) const {
    std::string text = fmt::format(
        R"(data = "data"
{store}
[signer]
data = "signer"
metrics = "127.0.0.1:{signer_metrics}"
threads = 2
[front]
data = "front-{front}"
listen = ["127.0.0.1:{port}"]
metrics = "127.0.0.1:{front_metrics}"
workers = 2
)",
        fmt::arg("store", store), fmt::arg("signer_metrics", signer_metrics_port_), fmt::arg("front", front),
        fmt::arg("port", fronts_[front].port), fmt::arg("front_metrics", fronts_[front].metrics_port));
    for (const Issuer& issuer : issuers_) {
        text += fmt::format(
            R"([[issuer]]
name = "{name}"
certificate = "{name}/issuer.pem"
{feeds}
{crl}
signer_certificate = "{name}/ocsp-signer.pem"
signer_key = "{name}/ocsp-signer.key"
suspension = true
scheme = "eutl"
rsa_pss = {pss}
{more}
)",
            fmt::arg("name", issuer.name), fmt::arg("pss", issuer.pss), fmt::arg("more", issuer.more),
            fmt::arg("crl", issuer.makes_crl ? fmt::format("crl = \"{}/crl.pem\"", issuer.name) : ""),
            fmt::arg("feeds", issuer.crl_only
                                  ? fmt::format("status_from = \"crl\"\nissued = \"{}/certs\"", issuer.name)
                                  : fmt::format("index = \"{}/index.txt\"", issuer.name)));
    }
    replace_text(folder_ / file, text);
}

std::string World::url(std::size_t front) const {
    return fmt::format("http://127.0.0.1:{}/", fronts_.at(front).port);
}

namespace {
std::string metrics_of(std::uint16_t port) {
    const auto reply = fetch(port, "/metrics");
    return reply && reply->status == 200 ? reply->body : std::string{};
}
bool says_ready(std::uint16_t port) {
    const auto reply = fetch(port, "/ready");
    return reply && reply->status == 200;
}
}  // namespace

std::string World::front_metrics(std::size_t front) const {
    return metrics_of(fronts_.at(front).metrics_port);
}
std::string World::signer_metrics() const {
    return metrics_of(signer_metrics_port_);
}
bool World::front_ready(std::size_t front) const {
    return says_ready(fronts_.at(front).metrics_port);
}
bool World::signer_ready() const {
    return says_ready(signer_metrics_port_);
}

Ended World::operate(std::vector<std::string> words) const {
    words.insert(words.begin(), {eightbells_program(), "--config", (folder_ / "eightbells.toml").string()});
    return run(words);
}

Ended World::tell(const std::string& action, const Authority& authority, const std::string& name,
                  std::vector<std::string> more) const {
    std::vector<std::string> words{action, authority.serial(name), "--issuer", authority.name()};
    words.insert(words.end(), more.begin(), more.end());
    return operate(std::move(words));
}

RunWorld::RunWorld(const std::vector<Issuer>& issuers)
    : World(issuers),
      supervisor_({eightbells_program(), "--config", "eightbells.toml", "run"}, *this / "",
                  *this / "run.log") {
    configure("eightbells.toml", 0, "[store]\ndirectory = \"store\"");
}

RunWorld::~RunWorld() {
    try {
        stop();
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
    }
}

void RunWorld::start() {
    supervisor_.start();
    if (!comes([&] { return !supervisor_.running() || (signer_ready() && front_ready()); }) ||
        !supervisor_.running())
        throw std::runtime_error("not ready:\n" + log());
}

void RunWorld::stop() {
    if (!supervisor_.running())
        return;
    const std::vector<pid_t> children = supervisor_.children();
    if (const int code = supervisor_.stop(); code != 0)
        throw std::runtime_error(fmt::format("`eightbells run` ended with {}\n{}", code, log()));
    for (const pid_t child : children) {
        if (!gone(child))
            throw std::runtime_error(fmt::format("process {} is left behind\n{}", child, log()));
    }
}

pid_t RunWorld::child(const std::string& program) const {
    for (const pid_t pid : supervisor_.children()) {
        if (name_of(pid) == program.substr(0, 15))
            return pid;
    }
    return 0;
}

}  // namespace eightbells::conformance
