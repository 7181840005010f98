// Prints what the status page draws, made by the real code from a made ledger of 90 days:
//
//   page_states good|out|quiet operators|relying_parties FOLDER
//
// good: in reach, after outages of known length; out: one way out of reach for 72 minutes; quiet: nobody has
// looked for an hour. FOLDER is where the ledger is made.
#include <cstdio>
#include <iostream>

#include "responder/watch/outage_ledger.h"
#include "responder/watch/status.h"

namespace eightbells::watch {
namespace {

using namespace std::chrono_literals;

const UtcTime now = from_unix(1'795'344'000);  // 2026-11-22T10:40:00Z
constexpr seconds pace = 6h;                   // between two rounds: one holds until the next
// A name that a page must show and never run.
const std::string hostile = "Example <img src=x onerror=document.title='broken'> CA 3";

template <class T>
T need(Result<T> result) {
    if (result)
        return std::move(*result);
    std::cerr << result.error().message << '\n';
    std::exit(1);
}
void need(const eightbells::Status& status) {
    if (!status) {
        std::cerr << status.error().message << '\n';
        std::exit(1);
    }
}

struct Made {
    std::unique_ptr<OutageLedger> ledger;
    std::vector<std::size_t> series;

    // One round: `out` is the series that fails, or none.
    void round(UtcTime time, std::size_t out, Cause cause) {
        for (std::size_t at = 0; at < series.size(); ++at) {
            const bool fails = at == out;
            need(ledger->observe(series[at], {time,
                                              fails ? cause : Cause::none,
                                              fails ? "good canary: nothing came within 10 s" : "",
                                              {}}));
        }
        need(ledger->end_round(time, time + 2s));
        for (const char* issuer : {"Example Personal CA G4", hostile.c_str()}) {
            need(ledger->note_facts(issuer, OcspFacts{time, time - 3h, time + 15h, now + 400h}));
            need(ledger->note_facts(issuer, CrlFacts{time, "20261122", time - 3h, time + 96h, 48'211, 1204}));
        }
    }
};

int print(const std::string& state, Audience audience, const std::filesystem::path& folder) {
    const UtcTime begin = now - std::chrono::days{81};
    const ManualClock clock(begin);
    Made made{need(OutageLedger::open({folder, "north", {}}, clock)), {}};
    for (const char* issuer : {"Example Personal CA G4", hostile.c_str()})
        for (const Method method :
             {Method::ocsp_get, Method::ocsp_post, Method::crl, Method::crl_conditional})
            made.series.push_back(
                need(made.ledger->series({issuer, method, "192.0.2.1:80"}, pace + 10min, begin)));
    const std::size_t none = made.series.size();
    UtcTime last = begin;
    for (UtcTime time = begin; time < now - 2h; time += pace) {
        made.round(time, none, Cause::none);
        last = time;
        if (time - begin == 20 * pace) {  // an outage of 192 minutes, and one of two
            made.round(time + 1h, 5, Cause::http_status);
            made.round(time + 1h + 192min, none, Cause::none);
        }
        if (time - begin == 200 * pace) {
            made.round(time + 1h, 0, Cause::expired);
            made.round(time + 1h + 2min, none, Cause::none);
        }
    }
    RevocationSeen seen;
    seen.method = Method::ocsp_get;
    seen.revoked_at = now - 5h;
    seen.seen_at = now - 5h + 2s;
    need(made.ledger->note_revocation("Example Personal CA G4", seen));
    if (state != "quiet")
        made.round(now - 72min, state == "out" ? 0 : none, Cause::timeout);
    if (state != "quiet")
        made.round(now - 20s, state == "out" ? 0 : none, Cause::timeout);
    auto status = compute_status({&made.ledger->history()}, now);
    status.head = made.ledger->head();
    std::cout << to_json(status, audience);
    return 0;
}

}  // namespace
}  // namespace eightbells::watch

int main(int argc, char** argv) {
    if (argc != 4)
        return 2;
    using eightbells::watch::Audience;
    return eightbells::watch::print(
        argv[1], std::string(argv[2]) == "operators" ? Audience::operators : Audience::relying_parties,
        argv[3]);
}
