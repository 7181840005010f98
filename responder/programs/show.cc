#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "cache/walk.h"
#include "responder/ocsp/answer.h"
#include "responder/ocsp/limits.h"
#include "responder/programs/commands.h"
#include "responder/programs/start.h"

namespace eightbells::programs {

namespace {

std::string status_text(const CertStatus& status) {
    if (!status)
        return "good";
    std::string text = fmt::format("revoked at {}", to_iso8601(status->time));
    if (status->reason)
        text += fmt::format(", {}", to_string(*status->reason));
    return text;
}

bool write_all(ByteView bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0;
}

}  // namespace

int show(const config::Config& config, const ShowArguments& arguments, const Clock& clock) {
    const auto serial = Serial::from_hex(arguments.serial);
    if (!serial) {
        fmt::print(stderr, "{}\n", serial.error().message);
        return exit_usage;
    }
    const auto issuer = find_issuer(config, arguments.issuer);
    const auto keys = trusted_keys(config);
    const auto store = open_store(config);
    if (!issuer || !keys || !store)
        return exit_failure;
    cache::Walk walk{*store, issuer->identity.id(), *keys};
    const auto head = walk.head();
    if (!head) {
        fmt::print(stderr, "{}: {}\n", store->name(), head.error().message);
        return exit_failure;
    }
    const auto hash = arguments.hash == "sha1" ? ocsp::HashAlgorithm::sha1 : ocsp::HashAlgorithm::sha256;
    auto found = walk.find(*head, hash, serial->magnitude());
    if (!found) {
        fmt::print(stderr, "{}: {}\n", store->name(), found.error().message);
        return exit_failure;
    }
    if (!*found) {
        if (arguments.der)
            return write_all(ocsp::encode_error(ocsp::ResponseStatus::unauthorized)) ? 0 : exit_failure;
        fmt::print(
            "serial       {}\nissuer       {}\nnot issued: epoch {} sequence {} of {} states that no such "
            "certificate exists\n"
            "a front answers unauthorized\n",
            serial->to_hex(), issuer->settings.name, head->version.epoch, head->version.sequence,
            to_iso8601(head->time));
        return 0;
    }
    const auto& record = (*found)->record;
    const ocsp::SingleAnswer single{.serial = record.serial,
                                    .status = record.status,
                                    .produced_at = record.times.produced_at,
                                    .this_update = record.times.this_update,
                                    .next_update = record.times.next_update,
                                    .extensions = record.extensions};
    std::array<std::uint8_t, limits::answer_octets> buffer{};
    const auto answer = ocsp::encode_response((*found)->profile, single, record.signature, buffer);
    if (answer.empty()) {
        fmt::print(stderr, "{}: the record does not make an answer\n", (*found)->place);
        return exit_failure;
    }
    if (arguments.der)
        return write_all(answer) ? 0 : exit_failure;
    const bool ended = single.next_update <= clock.now();
    fmt::print(
        "serial       {}\nissuer       {} ({})\nstatus       {}\nproducedAt   {}\nthisUpdate   "
        "{}\nnextUpdate   {}{}\n"
        "CertID hash  {}\nstored in    {} ({} octets), sequence {}\nhead         epoch {} sequence {} of {}\n"
        "signature    {} octets stored\nanswer       {} octets: see it with --der | openssl ocsp -respin "
        "/dev/stdin -resp_text -noverify\n",
        serial->to_hex(), issuer->settings.name, issuer->identity.certificate().subject_text(),
        status_text(single.status), to_iso8601(single.produced_at), to_iso8601(single.this_update),
        to_iso8601(single.next_update), ended ? " (past: a front answers tryLater)" : "", arguments.hash,
        (*found)->place, (*found)->blob.size(), (*found)->sequence, head->version.epoch,
        head->version.sequence, to_iso8601(head->time), record.signature.size(), answer.size());
    return 0;
}

}  // namespace eightbells::programs
