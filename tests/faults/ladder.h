#ifndef EIGHTBELLS_TESTS_FAULTS_LADDER_H
#define EIGHTBELLS_TESTS_FAULTS_LADDER_H

#include <memory>
#include <string>
#include <vector>

#include "tests/cache/redis_server.h"
#include "tests/conformance/relying_parties.h"
#include "tests/faults/control.h"
#include "tests/faults/proxy.h"

// The ladder of faults: each case brings one into the real programs while relying parties go on asking, and
// holds what they got to what README.md promises.
namespace eightbells::faults {

// One program's Control, in a file.
class ControlFile {
  public:
    explicit ControlFile(std::filesystem::path file);
    ~ControlFile();
    ControlFile(const ControlFile&) = delete;
    ControlFile& operator=(const ControlFile&) = delete;
    Control* operator->() const noexcept { return control_; }
    // The words of a program that is under this control.
    std::vector<std::string> before(std::vector<std::string> words) const;
    const std::filesystem::path& file() const noexcept { return file_; }

  private:
    std::filesystem::path file_;
    Control* control_;
};

// From here on for everything that a test starts: what is not under another control is under this one. Until
// the end of this object.
class ControlOfAll {
  public:
    explicit ControlOfAll(const ControlFile& file);
    ~ControlOfAll();
    ControlOfAll(const ControlOfAll&) = delete;
    ControlOfAll& operator=(const ControlOfAll&) = delete;
};

inline constexpr std::size_t fronts = 2;

// redis-server behind a network of its own, eightbells-signer and two eightbells-fronts, as on several
// machines; and the certificates row-0, row-1 ... of the CA "ca", each for one row to revoke.
class Ladder : public conformance::World {
  public:
    // `store`: the lines of [store.redis] where it is not this redis-server.
    explicit Ladder(std::size_t rows, const std::string& more = {}, const std::string& store = {});

    void start();
    void end();  // of signer and fronts, in good order
    void await_ready();
    conformance::Authority& authority() const { return ca("ca"); }
    std::string next_certificate();
    conformance::Program& front(std::size_t which) { return which == 0 ? front_0_ : front_1_; }
    std::string logs() const;  // the ends of them

    // For all programs, and for relying parties that are started after it: time passes, or the clock is
    // stepped.
    void pass(std::chrono::seconds time);

    // Over both hashes.
    bool says_revoked(std::size_t front, const std::string& certificate) const;
    bool all_say_revoked(const std::string& certificate) const;
    void revoke(const std::string& certificate) const;  // and it was acknowledged
    void await_looks() const;                           // each front has looked at the store twice since now
    double signer_says(const std::string& metric) const;

    eightbells::RedisServer redis;
    Proxy network;
    ControlFile at_signer;
    ControlFile at_front_0;
    ControlFile at_front_1;
    ControlFile at_clients;
    conformance::Program signer;

  private:
    std::unique_ptr<ControlOfAll> all_;
    conformance::Program front_0_;
    conformance::Program front_1_;
    std::size_t rows_used_ = 0;
};

// One row of the ladder: from its beginning on relying parties ask both fronts for what is good, what is
// revoked and what this row revokes.
class Row {
  public:
    // `asked`: how many of the fronts.
    Row(Ladder& ladder, std::string fault, std::size_t asked = fronts);

    const std::string& certificate() const noexcept { return certificate_; }
    void revoke() const { ladder_.revoke(certificate_); }
    void await_revoked() const;
    // Every front says revoked, and nobody was told anything wrong, expired or nothing at all since the
    // beginning.
    void end();
    // The same for a row that revokes nothing.
    void end_as_it_was();

  private:
    Ladder& ladder_;
    std::string fault_;
    std::string certificate_;
    conformance::RelyingParties asking_;
};

// A line of the summary that tests/run prints.
void enter(const std::string& fault, const conformance::Account& account);

}  // namespace eightbells::faults

#endif
