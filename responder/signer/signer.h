#ifndef EIGHTBELLS_RESPONDER_SIGNER_SIGNER_H
#define EIGHTBELLS_RESPONDER_SIGNER_SIGNER_H

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "responder/base/clock.h"
#include "responder/config/config.h"

struct event_base;

namespace eightbells::pair {
class Lease;
}

namespace eightbells::signer {

// Of all issuers together.
struct SigningProgress {
    std::uint64_t pages = 0;
    std::uint64_t pages_due = 0;
    double pages_per_second = 0;
};

// The private program, put together: ledger, feeds, press, publisher, mirror, control socket, live service
// and metrics. It runs on threads of its own from start() until it is destroyed; destruction lets what is
// being published finish.
class Signer {
  public:
    struct Start {
        bool create_ledger =
            false;  // although a page file or store key is there already: the ledger was lost (design, 6)
        event_base* base = nullptr;  // runs the private listener; not owned
        // Of a pair: taken, and outliving the signer. Who sees it lost ends the signer.
        pair::Lease* lease = nullptr;
    };
    // Everything that can be wrong is found before anything changes: keys and certificates are judged (group
    // H), the ledger must be ours. `clock` must outlive the signer.
    static Result<std::unique_ptr<Signer>> start(const config::Config& config, const Start& how,
                                                 const Clock& clock);
    ~Signer();

    // What start() judges before it changes anything: certificates and keys.
    static Status check(const config::Config& config, const Clock& clock);

    std::string status_json() const;  // what `eightbells status` prints
    SigningProgress progress() const;
    struct State;

  private:
    explicit Signer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

inline constexpr const char* ledger_name = "ledger.db";  // in signer.data

// Where the signer keeps what it has published: the store itself when that is a local folder.
std::filesystem::path page_file_path(const config::Config& config);

}  // namespace eightbells::signer

#endif
