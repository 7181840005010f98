#ifndef EIGHTBELLS_RESPONDER_PROGRAMS_SUPERVISOR_H
#define EIGHTBELLS_RESPONDER_PROGRAMS_SUPERVISOR_H

#include <sys/types.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "responder/base/supervision.h"
#include "responder/config/config.h"

namespace eightbells::programs {

// What `eightbells run` does: starts the programs as separate processes and starts them again when they end.
// They share nothing but the store folder and the signer's sockets, exactly as they would on separate
// machines.
//
// The front's listening sockets are opened here and given to it, so that clients wait for a front that is
// being started again instead of being refused, and so that one front can take another's place. `replace`
// does that for all programs, with the configuration as the file then is and whatever lies in the folder of
// the programs then:
//
// 1. The configuration is read and checked, and so are keys and certificates. A mistake: nothing changes.
// 2. The signer ends and starts again. Relying parties notice nothing: the fronts answer by themselves.
// 3. A second front starts, reads its page file and verifies it, and waits. Where it does not get so far it
//    is ended, and the first one goes on.
// 4. The first one lets go: it takes no more connections and answers what was begun. The second one answers.
// 5. The watch starts again.
//
// One thread, which must wait for no child but through `step`.
class Supervisor {
  public:
    using SteadyTime = std::chrono::steady_clock::time_point;

    // `folder`: where the programs lie. An error: an address cannot be listened on.
    static Result<std::unique_ptr<Supervisor>> open(const config::Config& config,
                                                    std::filesystem::path folder);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // Starts what is due, takes in who has ended and who is ready. False: all have ended, as `end` asked.
    bool step(SteadyTime now);
    void end(SteadyTime now);      // SIGTERM to all; SIGKILL after limits::stop_time
    void replace(SteadyTime now);  // see above; one that comes while another is under way comes after it

  private:
    struct Child {
        std::string program;  // "": there is none
        pid_t pid = 0;        // 0: not running
        bool ready = false;   // has said so
        bool asked_to_end = false;
        SteadyTime started{};
        SteadyTime start_at{};
        std::chrono::milliseconds pause{};
    };
    enum class Replacing : std::uint8_t { nothing, signer, next_front, front };
    using OpenSockets = std::map<std::string, int>;  // by the address as the configuration has it

    Supervisor(config::Config config, std::filesystem::path folder, ServiceNotices notices);
    Result<OpenSockets> open_sockets(const config::Front& front);
    void close_those_not_in(const OpenSockets& kept);
    void start(Child& child, SteadyTime now);
    void ask_to_end(Child& child);
    bool passes_check(const std::string& program);
    bool take_configuration();
    void reap(SteadyTime now);
    void note_end(Child& child, int how, SteadyTime now);
    void note_ready();
    void go_on_replacing(SteadyTime now);
    void give_up_replacing(const std::string& why);
    void expect(Replacing what, SteadyTime now);

    config::Config config_;
    std::filesystem::path folder_;
    ServiceNotices notices_;
    OpenSockets sockets_;
    Child signer_;
    Child front_;
    Child watch_;
    Child next_front_;  // "eightbells-front" while it is to take the front's place
    std::array<Child*, 4> children_{&signer_, &front_, &watch_, &next_front_};
    Replacing replacing_ = Replacing::nothing;
    bool replace_again_ = false;
    SteadyTime replace_until_{};
    std::optional<SteadyTime> ending_;
};

}  // namespace eightbells::programs

#endif
