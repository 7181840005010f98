#ifndef EIGHTBELLS_TESTS_CACHE_REDIS_CLUSTER_H
#define EIGHTBELLS_TESTS_CACHE_REDIS_CLUSTER_H

#include <array>
#include <memory>

#include "tests/cache/redis_sentinel.h"
#include "tests/cache/server_certificates.h"

namespace eightbells {

// Three real primaries that share the slots.
class RedisCluster {
  public:
    static constexpr std::size_t size = 3;

    // With certificates every port speaks TLS and nothing else; they must outlive the cluster.
    explicit RedisCluster(const std::vector<std::string>& options = {},
                          const ServerCertificates* certificates = nullptr)
        : certificates_(certificates) {
        std::string places;
        for (auto& node : nodes_) {
            std::vector<std::string> words{"--cluster-enabled",      "yes",
                                           "--cluster-port",         std::to_string(free_port()),
                                           "--cluster-node-timeout", "30000"};  // a node may stall
            words.insert(words.end(), options.begin(), options.end());
            if (certificates != nullptr) {
                const auto shown = certificates->options("address");
                words.insert(words.end(), shown.begin(), shown.end());
                words.emplace_back("--tls-cluster");
                words.emplace_back("yes");
            }
            node = std::make_unique<RedisServer>(words, certificates != nullptr);
            places += " 127.0.0.1:" + std::to_string(node->port());
        }
        const std::string tls =
            certificates == nullptr ? "" : "--tls --cacert '" + (*certificates / "ours.pem").string() + "' ";
        const std::string said =
            output_of(nodes_[0]->redis_cli() + tls + "--cluster create" + places + " --cluster-yes 2>&1");
        const bool all_know = soon([&] {
            for (const auto& node : nodes_) {
                if (node->command("cluster info").find("cluster_state:ok") == std::string::npos)
                    return false;
            }
            return true;
        });
        if (!all_know)
            throw std::runtime_error("no cluster came about: " + said);
    }

    RedisServer& operator[](std::size_t i) const { return *nodes_[i]; }
    std::string place(std::size_t i) const { return "127.0.0.1:" + std::to_string(nodes_[i]->port()); }
    cache::RedisAddress address() const {
        cache::RedisAddress address = patient();
        address.cluster = {place(0)};
        if (certificates_ != nullptr) {
            address.tls = true;
            address.tls_ca_file = *certificates_ / "ours.pem";
        }
        return address;
    }
    std::string id(std::size_t i) const { return nodes_[i]->command("cluster myid"); }
    unsigned slot_of(const std::string& key) const {
        return static_cast<unsigned>(std::stoul(nodes_[0]->command("cluster keyslot '" + key + "'")));
    }
    // Who serves the key now, by its own word.
    std::size_t holder_of(const std::string& key) const {
        for (std::size_t i = 0; i < size; ++i) {
            if (nodes_[i]->command("type '" + key + "'").find("MOVED") == std::string::npos)
                return i;
        }
        throw std::runtime_error("nobody holds " + key);
    }
    // First half of a slot's move, its keys included: the old holder says ASK.
    void begin_move(unsigned slot, std::size_t from, std::size_t to) const {
        const std::string number = std::to_string(slot);
        const std::string password = nodes_[to]->password();
        const std::string login = password.empty() ? "" : " auth '" + password + "'";
        nodes_[to]->command("cluster setslot " + number + " importing " + id(from));
        nodes_[from]->command("cluster setslot " + number + " migrating " + id(to));
        for (;;) {
            const std::string key = nodes_[from]->command("--raw cluster getkeysinslot " + number + " 1");
            if (key.empty())
                return;
            const std::string said = nodes_[from]->command(
                "migrate 127.0.0.1 " + std::to_string(nodes_[to]->port()) + " '" + key + "' 0 60000" + login);
            if (said.starts_with("ERR"))  // it would be so for ever
                throw std::runtime_error("migrate: " + said);
        }
    }
    void end_move(unsigned slot, std::size_t to) const {
        for (const std::size_t i : {to, (to + 1) % size, (to + 2) % size})
            nodes_[i]->command("cluster setslot " + std::to_string(slot) + " node " + id(to));
    }
    // How often a node has said it: "MOVED", "ASK".
    std::size_t times_said(const std::string& what) const {
        std::size_t times = 0;
        for (const auto& node : nodes_) {
            const std::string all = node->command("info errorstats");
            const std::string field = "errorstat_" + what + ":count=";
            if (const auto at = all.find(field); at != std::string::npos)
                times += std::stoul(all.substr(at + field.size()));
        }
        return times;
    }

  private:
    const ServerCertificates* certificates_;
    std::array<std::unique_ptr<RedisServer>, size> nodes_;
};

}  // namespace eightbells

#endif
