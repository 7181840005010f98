#ifndef EIGHTBELLS_RESPONDER_FRONT_LOADER_H
#define EIGHTBELLS_RESPONDER_FRONT_LOADER_H

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cache/page_file.h"
#include "cache/replica.h"
#include "cache/store.h"
#include "responder/base/clock.h"
#include "responder/front/claim.h"
#include "responder/front/health.h"
#include "responder/front/state.h"
#include "responder/metrics/front_metrics.h"

namespace eightbells::front {

// The thread that keeps the answers: loads the front's own page file, follows the store, and hands every new
// state to the workers. It alone touches disk and store, so that no request ever waits for either. Nothing
// that goes wrong here ends it: the store down, the store key not made yet, a full disk are tried again for
// ever, at bounded pauses, and stand in the log once per change.
//
// While another front has the claim, this one loads and waits: nothing is written, and the store is not
// followed.
//
// run() is the whole life; open(), load() and pass() are its steps, for tests.
class Loader {
  public:
    struct Settings {
        std::filesystem::path data;  // of the front: page_file_name and crl/
        std::vector<std::string> store_keys;
        std::vector<std::filesystem::path> store_key_files;
        std::shared_ptr<cache::PagePool> pool{};  // null: every page is in memory
    };
    struct Parts {
        std::unique_ptr<cache::Store> store;
        std::shared_ptr<const Issuers> issuers;
        // Called on the loader's thread.
        std::function<void(std::shared_ptr<const FrontState>)> publish;
        std::function<void()> loaded{};  // what the own page file holds is with the workers; may be empty
        // It is time to answer: nobody else does, and what the own page file holds is with the workers or
        // makes itself waited for. May be empty.
        std::function<void()> answer{};
        bool alone = true;  // no other front had the claim at the start
        // Not owned; outlive the loader.
        Claim& claim;
        Health& health;
        metrics::FrontMetrics& metrics;
        const Clock& clock;
    };
    Loader(Settings settings, Parts parts);
    ~Loader();

    void run() noexcept;   // until stop()
    void stop() noexcept;  // from any thread; returns at once

    // Folders, own page file and trusted keys. An error may pass: try again. A page file that stays unusable
    // although a new one in its place would work is set aside (limits::own_file_attempts): it is a copy, and
    // what is served now stays the floor.
    Status open();
    // What the own page file holds, verified, to the workers. REQUIRES: open() has succeeded.
    void load();
    // Waits for a notice, at most `wait`, and takes over what the store has for every issuer. REQUIRES:
    // open() has succeeded.
    void pass(std::chrono::milliseconds wait);

  private:
    struct Copy {  // of one issuer
        std::unique_ptr<cache::Replica> replica;
        std::shared_ptr<const cache::IssuerSnapshot> shown;  // null: nothing yet
        std::vector<std::shared_ptr<const CrlFile>> crls;
        bool settled = false;  // load or a pass has ended with a head: what is not there was not published
        bool anew = false;     // the replica has begun anew: what is shown stays until it has as much again
        bool lagging = false;
        bool keeping = false;  // the own page file does not have all of it yet
        std::optional<std::chrono::steady_clock::time_point> wanted_lost;  // when pages were last wanted anew
        unsigned failures =
            0;             // passes one after the other that failed although the store's head can be read
        std::string said;  // the last trouble that stands in the log
    };

    bool answer();
    void catch_up();
    void keep_rest();
    Status open_own_file();
    bool fault_is_the_files_own() const;
    void set_own_file_aside();
    void doubt_own_file();
    void make_replicas();
    void sync(std::size_t issuer);
    void want_lost(Copy& copy);
    std::string trouble_of(const Result<cache::SyncReport>& report) const;
    bool is_lagging(std::size_t issuer, const Result<cache::SyncReport>& report);
    void judge_loaded(std::size_t issuer);
    void show(std::size_t issuer, std::shared_ptr<const cache::IssuerSnapshot> snapshot);
    std::vector<std::shared_ptr<const CrlFile>> open_crls(std::size_t issuer) const;
    void publish();
    void await_taken(const std::weak_ptr<const FrontState>& before);
    void say(std::string& said, const std::string& trouble, const std::string& about);
    void pause(std::chrono::milliseconds wait);
    std::string label(std::size_t issuer) const;

    Settings settings_;
    Parts parts_;
    std::vector<cache::StorePublicKey> trusted_;
    std::unique_ptr<cache::PageFile> own_;
    unsigned own_failures_ = 0;                  // to open it, one after the other
    std::vector<Copy> copies_;                   // [issuer]
    std::weak_ptr<const FrontState> published_;  // lives for as long as a worker answers from it
    std::chrono::steady_clock::time_point started_{};
    bool answering_ = false;
    std::string said_at_start_;  // the last trouble that stands in the log

    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
};

}  // namespace eightbells::front

#endif
