#ifndef EIGHTBELLS_TESTS_CONFORMANCE_WORLD_H
#define EIGHTBELLS_TESTS_CONFORMANCE_WORLD_H

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/cache/temporary_folder.h"
#include "tests/conformance/asking.h"
#include "tests/conformance/authority.h"
#include "tests/conformance/command.h"

// A CA or more, and the real programs serving it, in a folder of their own that goes with them.
namespace eightbells::conformance {

// The programs that the build made.
std::string eightbells_program();
std::string signer_program();
std::string front_program();

class World {
  public:
    struct Issuer {
        std::string name;  // in the configuration; its folder too
        KeyKind kind;
        bool pss = false;
        std::string more{};  // further lines of its table in the configuration
        // Fed by its CRL and the folder of the certificates it issued, instead of index.txt and CRL.
        bool crl_only = false;
        bool makes_crl = true;  // false: nothing says where its CRLs come from but `more`
    };
    explicit World(const std::vector<Issuer>& issuers, std::size_t fronts = 1);
    virtual ~World() = default;
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Authority& ca(const std::string& name) const;
    const std::vector<std::unique_ptr<Authority>>& authorities() const noexcept { return authorities_; }
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

    std::string url(std::size_t front = 0) const;
    std::uint16_t port(std::size_t front = 0) const { return fronts_.at(front).port; }
    std::string front_metrics(std::size_t front = 0) const;
    std::string signer_metrics() const;
    bool front_ready(std::size_t front = 0) const;
    bool signer_ready() const;
    std::uint16_t signer_metrics_port() const noexcept { return signer_metrics_port_; }
    std::uint16_t front_metrics_port(std::size_t front = 0) const { return fronts_.at(front).metrics_port; }

    // The operator's command with this world's configuration.
    Ended operate(std::vector<std::string> words) const;
    // The same, for a certificate by its name.
    Ended tell(const std::string& action, const Authority& authority, const std::string& name,
               std::vector<std::string> more = {}) const;

  protected:
    // Writes FILE over the ports of `front`. `store`: the table [store] and those below it.
    void configure(const std::string& file, std::size_t front, const std::string& store) const;

  private:
    struct Front {
        std::uint16_t port = 0;
        std::uint16_t metrics_port = 0;
    };
    TemporaryFolder folder_;
    std::vector<Issuer> issuers_;
    std::vector<std::unique_ptr<Authority>> authorities_;
    std::uint16_t signer_metrics_port_ = 0;
    std::vector<Front> fronts_;
};

// `eightbells run`: one signer, one front, the store a folder.
class RunWorld : public World {
  public:
    explicit RunWorld(const std::vector<Issuer>& issuers);
    ~RunWorld() override;

    void start();
    // Throws when `eightbells run` ends with anything but 0 or leaves a child behind.
    void stop();
    Program& supervisor() { return supervisor_; }
    // The process id of "eightbells-signer" or "eightbells-front"; 0 when it does not run.
    pid_t child(const std::string& program) const;
    std::string log() const { return supervisor_.log(); }
    std::filesystem::path store() const { return *this / "store/pages.db"; }

  private:
    Program supervisor_;
};

}  // namespace eightbells::conformance

#endif
