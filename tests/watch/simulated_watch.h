#ifndef EIGHTBELLS_TESTS_WATCH_SIMULATED_WATCH_H
#define EIGHTBELLS_TESTS_WATCH_SIMULATED_WATCH_H

#include <array>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "responder/watch/ledger_file.h"
#include "responder/watch/outage_ledger.h"
#include "tests/watch/made_ledger.h"

// Ninety days of a watch with known outages, and what they amount to, counted second by second in a way that
// has nothing in common with the programs' arithmetic.
namespace eightbells::watch::test {

inline UtcTime time_at(const char* text) {
    return need(from_iso8601(text));
}

inline const UtcTime simulation_begin = time_at("2026-09-01T00:00:00Z");
inline const UtcTime simulation_end = time_at("2026-11-30T00:00:00Z");

struct Episode {
    const char* from;
    const char* to;
    std::string
        what;  // "ocsp_get", "crl", "first" (one address of ocsp_get), "all"; "watch": it does not run
    Cause cause = Cause::none;
};
inline const std::vector<Episode>& episodes() {
    static const std::vector<Episode> list{
        {"2026-09-10T08:00:00Z", "2026-09-10T08:25:00Z", "ocsp_get", Cause::timeout},
        {"2026-09-20T13:00:00Z", "2026-09-20T13:40:00Z", "all", Cause::expired},
        {"2026-09-30T22:10:00Z", "2026-10-01T03:20:00Z", "crl", Cause::signature},
        {"2026-10-15T00:00:00Z", "2026-10-16T00:00:00Z", "first", Cause::connect},
        {"2026-10-20T10:00:00Z", "2026-10-20T12:00:00Z", "watch"},
        {"2026-10-25T09:50:00Z", "2026-10-25T11:30:00Z", "ocsp_get", Cause::stale},
        {"2026-10-25T10:00:00Z", "2026-10-25T11:00:00Z", "watch"},
        {"2026-11-03T03:00:00Z", "2026-11-03T08:30:00Z", "watch"},
        {"2026-11-16T06:00:00Z", "2026-11-16T06:30:00Z", "all", Cause::dns},
        {"2026-11-18T06:00:00Z", "2026-11-18T06:45:00Z", "all", Cause::tls},
        {"2026-11-29T23:30:00Z", "2026-12-31T00:00:00Z", "crl", Cause::http_status},
    };
    return list;
}

class SimulatedWatch {
  public:
    static constexpr seconds period{300};
    static constexpr seconds hold{610};
    enum State : std::uint8_t { unseen, up, out };
    using Seconds = std::vector<std::uint8_t>;  // one State each, from simulation_begin

    explicit SimulatedWatch(const std::filesystem::path& folder)
        : key_(need(WatchKey::load_or_make(folder / watch_key_name))),
          file_(need(LedgerFile::open(folder / outage_ledger_name, LedgerFile::Access::make))) {
        LedgerFile::Batch batch(file_);
        append("genesis", {{"format", 1},
                           {"watch", "north"},
                           {"key", to_hex(key_.public_key())},
                           {"time", to_iso8601(simulation_begin)}});
        id_ = to_hex(head_.digest);
        for (std::size_t s = 0; s < probes_.size(); ++s)
            append("series", {{"series", s},
                              {"issuer", "demo"},
                              {"method", s < 2 ? "ocsp_get" : "crl"},
                              {"address", "192.0.2." + std::to_string(s + 1) + ":80"},
                              {"hold", hold.count()},
                              {"time", to_iso8601(simulation_begin)}});
        for (std::int64_t i = 0; simulation_begin + i * period + 15s < simulation_end; ++i)
            round(i);
        need(batch.commit());
    }

    // What a method was at each second.
    Seconds truth(const std::string& method) const {
        if (method == "crl")
            return of_series(2);
        const Seconds first = of_series(0);
        const Seconds second = of_series(1);
        Seconds both(first.size(), unseen);
        for (std::size_t s = 0; s < both.size(); ++s)
            both[s] = first[s] == up || second[s] == up     ? up
                      : first[s] == out || second[s] == out ? out
                                                            : unseen;
        return both;
    }
    std::uint64_t probes_in(std::size_t series, UtcTime from, UtcTime to, bool failed_only) const {
        return static_cast<std::uint64_t>(std::ranges::count_if(probes_[series], [&](const auto& probe) {
            return from <= probe.first && probe.first < to && (!failed_only || probe.second != Cause::none);
        }));
    }

  private:
    void append(std::string_view kind, const nlohmann::ordered_json& body, ByteView evidence = {}) {
        const std::string text = body.dump();
        const Digest digest = row_digest(head_.digest, head_.number + 1, kind, text);
        if (!evidence.empty())
            need(file_.put_evidence(sha256(evidence), evidence));
        need(file_.append(head_.number + 1, kind, text, digest));
        head_ = {head_.number + 1, digest};
    }

    static Cause what_is_seen(std::size_t series, UtcTime time) {
        for (const Episode& one : episodes()) {
            const bool concerns = one.what == "all" || (one.what == "first" && series == 0) ||
                                  (one.what == "ocsp_get" && series < 2) ||
                                  (one.what == "crl" && series == 2);
            if (concerns && time_at(one.from) <= time && time < time_at(one.to))
                return one.cause;
        }
        return Cause::none;
    }
    static bool runs(UtcTime time) {
        return std::ranges::none_of(episodes(), [&](const Episode& one) {
            return one.what == "watch" && time_at(one.from) <= time && time < time_at(one.to);
        });
    }

    void round(std::int64_t i) {
        const UtcTime began = simulation_begin + i * period + seconds{i * 7 % 11};  // jitter
        if (!runs(began))
            return;
        nlohmann::ordered_json seen = nlohmann::ordered_json::array();
        for (std::size_t s = 0; s < probes_.size(); ++s) {
            const seconds offset{static_cast<std::int64_t>(s)};
            const UtcTime time = began + offset;
            const Cause cause = what_is_seen(s, time);
            const bool same = !probes_[s].empty() && probes_[s].back().second == cause &&
                              time - probes_[s].back().first <= hold;
            probes_[s].emplace_back(time, cause);
            if (same) {
                seen.push_back({s, offset.count()});
                continue;
            }
            const std::string answer = cause == Cause::none ? "" : "answer of " + to_iso8601(time);
            append("change",
                   {{"series", s},
                    {"time", to_iso8601(time)},
                    {"cause", to_string(cause)},
                    {"text", cause == Cause::none ? "" : "good: <what> & \"how\""},
                    {"evidence", answer.empty() ? "" : to_hex(sha256(as_bytes(answer)))},
                    {"answer_octets", answer.size()}},
                   as_bytes(answer));
        }
        append("round", {{"began", to_iso8601(began)}, {"ended", to_iso8601(began + 3s)}, {"seen", seen}});
        if (i % 288 == 287)
            anchor(began + 3s);
    }

    void anchor(UtcTime now) {
        Anchor made{"north", id_, head_, now, {}};
        made.signature = need(key_.sign(signed_text(made)));
        append("anchor", nlohmann::ordered_json::parse(to_line(made)));
    }

    Seconds of_series(std::size_t series) const {
        Seconds result(static_cast<std::size_t>((simulation_end - simulation_begin).count()), unseen);
        const auto& probes = probes_[series];
        for (std::size_t i = 0; i < probes.size(); ++i) {
            const UtcTime next = i + 1 < probes.size() ? probes[i + 1].first : simulation_end;
            if (next - probes[i].first > hold)
                continue;
            for (UtcTime s = probes[i].first; s < next; s += 1s)
                result[static_cast<std::size_t>((s - simulation_begin).count())] =
                    probes[i].second == Cause::none ? up : out;
        }
        return result;
    }

    WatchKey key_;
    LedgerFile file_;
    Head head_;
    std::string id_;
    std::array<std::vector<std::pair<UtcTime, Cause>>, 3> probes_;
};

}  // namespace eightbells::watch::test

#endif
