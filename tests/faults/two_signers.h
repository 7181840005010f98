#ifndef EIGHTBELLS_TESTS_FAULTS_TWO_SIGNERS_H
#define EIGHTBELLS_TESTS_FAULTS_TWO_SIGNERS_H

#include <array>

#include "tests/faults/ladder.h"

namespace eightbells::faults {

// The ladder with two signers, "a" and "b", each with a network of its own to Redis and to the other one.
class TwoSigners : public Ladder {
  public:
    // `store`: the lines of [store.redis] where it is not this redis-server.
    explicit TwoSigners(std::size_t rows, const std::string& store = {});

    // `a` leads, `b` follows and has everything, the fronts answer.
    void begin();
    void end();

    struct One {
        One(TwoSigners& world, const std::string& name, std::uint16_t metrics_port, std::uint16_t pair_port);
        std::string config;
        std::uint16_t metrics_port;
        std::uint16_t pair_port;
        std::uint16_t live_port;
        Proxy to_store;
        Proxy to_this;  // the other signer's way here
        ControlFile at;
        conformance::Program program;
    };
    One& operator[](std::size_t which) { return which == 0 ? a_ : b_; }
    double says(std::size_t which, const std::string& metric);  // NaN: it does not answer
    bool leads(std::size_t which);
    std::size_t leader();  // waits until one leads; throws when none does
    // It leads, and the other one follows and has everything.
    void await_in_step(std::size_t leader);
    // The operator's command with this signer's configuration.
    conformance::Ended tell_signer(std::size_t which, const std::vector<std::string>& words);
    conformance::Ended revoke_at(std::size_t which, const std::string& certificate);
    std::string logs_of_both();
    void cut_pair(bool off);  // everything between the two is lost
    // The front answers with the nonce that was sent, so with what a signer signed for it.
    bool answers_live(std::size_t front, const std::string& certificate = "good");

  private:
    void write_configuration(std::size_t which);
    void let_fronts_ask();
    const bool own_store_;
    One a_;
    One b_;
};

}  // namespace eightbells::faults

#endif
