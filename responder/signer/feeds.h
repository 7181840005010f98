#ifndef EIGHTBELLS_RESPONDER_SIGNER_FEEDS_H
#define EIGHTBELLS_RESPONDER_SIGNER_FEEDS_H

#include <sys/stat.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "responder/base/clock.h"
#include "responder/config/config.h"
#include "responder/crypto/certificate.h"
#include "responder/ledger/import.h"
#include "responder/ledger/ledger.h"
#include "responder/signer/crl_gate.h"
#include "responder/signer/crl_poller.h"
#include "responder/signer/crl_sources.h"

namespace eightbells::signer {

// What the feeds tell the rest of the signer, on the feeds' thread.
class FeedListener {
  public:
    virtual ~FeedListener() = default;
    // Something in the ledger changed.
    virtual void on_imported(const std::string& issuer, const std::string& source,
                             const ledger::ImportReport& report) = 0;
    virtual void on_refused(const std::string& issuer, const std::string& source, const Error& error) = 0;
};

// Watches what CAs really have (lists of certificates, index.txt, CRLs in files, folders and at URLs) and
// takes it up within a second of its being there, on a thread of its own; imports asked for by an operator
// run there as well, so that one import runs at a time. What is refused leaves everything as it was.
class Feeds {
  public:
    // Everything is borrowed and must outlive the feeds.
    Feeds(std::vector<FedIssuer> issuers, ledger::Ledger& ledger, CrlGate& gate, FeedListener& listener,
          const Clock& clock);
    ~Feeds();
    Feeds(const Feeds&) = delete;
    Feeds& operator=(const Feeds&) = delete;

    // One look at every file, on the caller's thread; returns true when something was taken up. For the start
    // and for tests, before start().
    bool look_once();
    void start();
    // Ends the thread once the import that runs is done; what waits is dropped. Nothing calls the listener
    // any more after it.
    void stop();

    // The moment up to which the issuer's status is known to be right (B-13): when its index was last seen
    // whole and unchanged, else what the ledger says. Any thread.
    std::optional<UtcTime> as_of(const std::string& issuer);

    // Runs an operator's import on the feeds' thread and calls `done` there. False: too many wait already.
    using Import = std::function<Result<ledger::ImportReport>()>;
    using Done = std::function<void(const Result<ledger::ImportReport>&)>;
    bool enqueue(Import import, Done done);

  private:
    enum class Kind { list, index };
    struct File {
        std::size_t issuer = 0;
        Kind kind = Kind::index;
        std::filesystem::path path;
        std::optional<struct ::stat> taken;  // as it was when it was last taken up or refused
        bool refused = false;
        std::string last_refusal;
        std::chrono::steady_clock::time_point tried{};
        UtcTime confirmed{};
    };
    static std::string source_of(const File& file);
    bool look(File& file);
    bool take_up(File& file);
    Result<ledger::ImportReport> import(const File& file, UtcTime now);
    void loop();

    void poll(const FedIssuer& issuer, const config::ImportedCrl& crl);
    std::optional<UtcTime> as_of_parts(const std::string& issuer, const config::Issuer& settings);

    std::vector<FedIssuer> issuers_;
    ledger::Ledger& ledger_;
    CrlGate& gate_;
    FeedListener& listener_;
    const Clock& clock_;
    std::vector<File> files_;
    std::unique_ptr<CrlSources> crl_sources_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<std::string, UtcTime> confirmed_;  // issuer id
    std::deque<std::pair<Import, Done>> imports_;
    bool stopping_ = false;
    std::thread thread_;
    std::vector<std::unique_ptr<CrlPoller>> pollers_;
};

}  // namespace eightbells::signer

#endif
