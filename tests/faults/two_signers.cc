#include "tests/faults/two_signers.h"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cmath>

namespace eightbells::faults {

using namespace conformance;

TwoSigners::One::One(TwoSigners& world, const std::string& name, std::uint16_t port,
                     std::uint16_t its_pair_port)
    : config("signer-" + name + ".toml"),
      metrics_port(port),
      pair_port(its_pair_port),
      live_port(conformance::free_port()),
      to_store(world.redis.port()),
      to_this(its_pair_port),
      at(world / ("at-signer-" + name)),
      program(at.before({signer_program(), "--config", config}), world / "",
              world / ("signer-" + name + ".log")) {}

TwoSigners::TwoSigners(std::size_t rows, const std::string& store)
    : Ladder(rows, "nonce = \"echo\"", store),
      own_store_(store.empty()),
      a_(*this, "a", signer_metrics_port(), conformance::free_port()),
      b_(*this, "b", conformance::free_port(), conformance::free_port()) {
    replace_text(*this / "signer.log", "");  // of the ladder's own signer, which never runs
    let_fronts_ask();
    write_configuration(0);
    write_configuration(1);
}

// Both signers, over TCP: the front's machine is another one.
void TwoSigners::let_fronts_ask() {
    for (const char* file : {"eightbells.toml", "front-1.toml"}) {
        std::string text = read_text(*this / file);
        const std::string table = "[front]\n";
        text.replace(text.find(table), table.size(),
                     fmt::format("{}live_signers = [\"127.0.0.1:{}\", \"127.0.0.1:{}\"]\n"
                                 "live_secret_file = \"{}\"\n",
                                 table, a_.live_port, b_.live_port,
                                 file == std::string{"front-1.toml"} ? "live-secret-1" : "live-secret-0"));
        replace_text(*this / file, text);
    }
}

// `a` has the data folder of the ladder's own signer, which never runs: the fronts believe its store key.
void TwoSigners::write_configuration(std::size_t which) {
    One& one = (*this)[which];
    One& other = (*this)[1 - which];
    std::string text = read_text(*this / "eightbells.toml");
    const auto exchange = [&](const std::string& from, const std::string& to) {
        const auto at = text.find(from);
        if (at == std::string::npos)
            throw std::runtime_error("not in the configuration: " + from);
        text.replace(at, from.size(), to);
    };
    if (own_store_)
        exchange(fmt::format("port = {}\n", network.port()), fmt::format("port = {}\n", one.to_store.port()));
    exchange(fmt::format("127.0.0.1:{}", signer_metrics_port()),
             fmt::format("127.0.0.1:{}", one.metrics_port));
    if (which == 1)
        exchange("[signer]\ndata = \"signer\"", "[signer]\ndata = \"signer-b\"");
    exchange("[signer]\n", fmt::format("[signer]\nlive_listen = \"127.0.0.1:{}\"\n", one.live_port));
    text += fmt::format("[signer.pair]\nname = \"{}\"\nlisten = \"127.0.0.1:{}\"\npeer = \"127.0.0.1:{}\"\n",
                        which == 0 ? "a" : "b", one.pair_port, other.to_this.port());
    replace_text(*this / one.config, text);
}

void TwoSigners::begin() {
    {
        Program first{
            {signer_program(), "--config", a_.config, "--create-ledger"}, *this / "", *this / "first.log"};
        first.start();
        if (!comes([&] { return leads(0); }))
            throw std::runtime_error("the first signer does not lead:\n" + first.log());
        first.stop();
    }
    std::filesystem::create_directory(*this / "signer-b");
    std::filesystem::copy(*this / "signer/store-key.pem", *this / "signer-b/store-key.pem");
    for (const char* copy : {"signer-b/live-secret", "live-secret-0", "live-secret-1"})
        std::filesystem::copy(*this / "signer/live-secret", *this / copy);
    a_.program.start();
    front(0).start();
    front(1).start();
    if (!comes([&] { return leads(0); }))
        throw std::runtime_error("signer a does not lead:\n" + logs_of_both());
    b_.program.start();
    await_in_step(0);
    if (!comes([&] { return front_ready(0) && front_ready(1); }))
        throw std::runtime_error("not ready:\n" + logs());
}

void TwoSigners::end() {
    for (One* one : {&b_, &a_}) {
        one->to_store.lose(false);
        one->to_this.lose(false);
        BOOST_TEST(one->program.stop() == 0);
    }
    for (std::size_t which = 0; which < fronts; ++which)
        BOOST_TEST(front(which).stop() == 0);
}

double TwoSigners::says(std::size_t which, const std::string& metric) {
    const auto reply = fetch((*this)[which].metrics_port, "/metrics");
    return reply && reply->status == 200 ? value_of(reply->body, metric) : std::nan("");
}

bool TwoSigners::leads(std::size_t which) {
    return says(which, "eightbells_signer_leads") == 1;
}

std::size_t TwoSigners::leader() {
    std::size_t found = 2;
    const bool one_leads = comes([&] {
        for (found = 0; found < 2 && !leads(found);)
            ++found;
        return found < 2;
    });
    if (!one_leads)
        throw std::runtime_error("no signer leads:\n" + logs_of_both());
    return found;
}

void TwoSigners::await_in_step(std::size_t leading) {
    const bool in_step = comes([&] {
        return leads(leading) && says(leading, "eightbells_signer_pair_in_step") == 1 &&
               says(leading, "eightbells_signer_alone") == 0 &&
               says(1 - leading, "eightbells_signer_leads") == 0;
    });
    if (!in_step)
        throw std::runtime_error("not in step:\n" + logs_of_both());
}

Ended TwoSigners::tell_signer(std::size_t which, const std::vector<std::string>& words) {
    std::vector<std::string> all{eightbells_program(), "--config", (*this / (*this)[which].config).string()};
    all.insert(all.end(), words.begin(), words.end());
    return run(all);
}

Ended TwoSigners::revoke_at(std::size_t which, const std::string& certificate) {
    return tell_signer(which, {"revoke", authority().serial(certificate), "--issuer", authority().name(),
                               "--reason", "superseded"});
}

std::string TwoSigners::logs_of_both() {
    constexpr std::size_t shown = 1800;  // of each: a message of Boost's is cut off
    std::string all;
    for (const One* one : {&a_, &b_}) {
        const std::string log = one->program.log();
        all += one->config + ":\n" + log.substr(log.size() - std::min(log.size(), shown)) + "\n";
    }
    return all;
}

bool TwoSigners::answers_live(std::size_t front, const std::string& certificate) {
    const auto told =
        ask_all(url(front), authority(),
                {"-nonce", "-sha256", "-cert", (authority() / (certificate + ".pem")).string()});
    return told.size() == 1 && told[0].verified &&
           told[0].all.find("no nonce in response") == std::string::npos;
}

void TwoSigners::cut_pair(bool off) {
    a_.to_this.lose(off);
    b_.to_this.lose(off);
}

}  // namespace eightbells::faults
