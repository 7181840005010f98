#include "responder/watch/report_words.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace eightbells::watch {
namespace {

constexpr std::int64_t hundred_percent = 10'000'000;  // in steps of 0.00001 %

std::string places(std::int64_t steps) {
    return fmt::format("{}.{:05}", steps / 100'000, steps % 100'000);
}

}  // namespace

std::string_view reach_name(Reach reach) noexcept {
    switch (reach) {
        case Reach::up:
            return "in reach";
        case Reach::out:
            return "out";
        case Reach::unobserved:
            break;
    }
    return "unobserved";
}

std::string percent_cut(std::int64_t part, std::int64_t whole) {
    return whole <= 0 ? "" : places(part * hundred_percent / whole);
}

std::string percent_up(std::int64_t part, std::int64_t whole) {
    return whole <= 0 ? "" : places((part * hundred_percent + whole - 1) / whole);
}

nlohmann::ordered_json report_formulae() {
    return {
        {"time",
         "All times are UTC, all lengths whole seconds. A span runs from its first moment up to, not "
         "including, its last. The window is the calendar month, or as much of it as was over when the "
         "report was made: then it is marked as partial."},
        {"probe",
         "A probe passes only if the answer can be used by a relying party: it arrives in time, parses, "
         "is signed by one who may sign it, speaks of the certificate that was asked for, says what that "
         "certificate's status is, and is fresh. Anything else is a failure with the first thing that was "
         "wrong as its cause."},
        {"state",
         "What a probe of one address saw holds from its time up to the next probe of that address. When "
         "the next one comes later than the series' hold time (the row of kind \"series\"), all between "
         "the two is unobserved. The last probe holds until the report's time, if that is within the hold "
         "time. Where nobody looked, time is unobserved: never in reach."},
        {"method",
         "A method is out of reach at a moment when every address that was observed was out of reach, in "
         "reach when one of them was in reach, unobserved when none was observed. Several watches that "
         "are merged are joined by the same rule."},
        {"seconds",
         "in_reach + out + unobserved = the window; observed = in_reach + out. They are the sums of the "
         "spans in \"timeline\", and \"days\" are the same by calendar day."},
        {"availability",
         "100 * in_reach / observed, cut after five places, never rounded up. Empty when nothing "
         "was observed."},
        {"outage",
         "Begins with the first moment out of reach and ends with the first moment in reach after it. "
         "Unobserved time between belongs to it, because it was not seen to be over, and is named beside "
         "its length. Its whole length counts, also what lies before or after the window; "
         "seconds_in_window is the part within. Open: not seen to be over when the report was made; its "
         "end is the report's time then."},
        {"promise",
         "broken: an outage that touches the window was longer than four hours (14400 s). not shown: "
         "none was, but for longer than that nobody saw it in reach. kept: neither."},
        {"rows",
         "The rows of an outage are those of kind \"change\" of every address of that method: the one in "
         "force when the outage began, and all up to and with its end; a cause \"none\" is a probe that "
         "passed again. evidence is the SHA-256 of the answer's octets in the ledger's table \"evidence\"."},
        {"nis2",
         "Wholly out: all watched methods of the issuer out of reach at once, joined by the rule of "
         "\"method\"; the threshold is 20 minutes on end, or one hour added up within a calendar week "
         "(Monday to Sunday; weeks at the window's edges are counted whole, as far as they were over). "
         "Limited: more than 1 % of the probes failed, by clock hour and over the window; the percentage is "
         "rounded up. Probes of all methods, addresses and watches are counted alike."},
        {"revocations",
         "From the time of an announced revocation to the first correct answer outside, by method."},
        {"chain",
         "Each ledger is a chain: a row's digest is SHA-256 over: the digest of the row before in 64 hex "
         "digits (zeros for row 1), LF, the row's number, LF, its kind, LF, its body, LF. head names the "
         "last row that was counted here and its digest. An anchor is a head that the watch signed and "
         "left with others: Ed25519 over \"eightbells-watch anchor\", the watch, the ledger (digest of "
         "row 1), number, digest and time, each followed by LF."},
        {"signature",
         "Ed25519 (RFC 8032) with the key named in signed_by over the octets of this file, in the file "
         "of the same name with .sig behind it. openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey "
         "KEY "
         "-sigfile FILE.sig -in FILE checks it; KEY is the key with 302a300506032b6570032100 in "
         "front, from hex to binary (DER)."},
    };
}

std::string length_in_words(std::int64_t seconds) {
    const std::int64_t days = seconds / 86400;
    const std::int64_t hours = seconds / 3600 % 24;
    const std::int64_t minutes = seconds / 60 % 60;
    if (days > 0)
        return fmt::format("{} d {:02} h {:02} min {:02} s", days, hours, minutes, seconds % 60);
    if (hours > 0)
        return fmt::format("{} h {:02} min {:02} s", hours, minutes, seconds % 60);
    if (minutes > 0)
        return fmt::format("{} min {:02} s", minutes, seconds % 60);
    return fmt::format("{} s", seconds);
}

}  // namespace eightbells::watch
