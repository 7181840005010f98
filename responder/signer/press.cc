#include "responder/signer/press.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <mutex>
#include <optional>

#include "cache/patch.h"
#include "responder/der/writer.h"
#include "responder/ocsp/limits.h"
#include "responder/signer/limits.h"
#include "responder/signer/signing_context.h"
#include "responder/signer/workers.h"

namespace eightbells::signer {

namespace {

// One certificate's record: what it borrows lives here.
struct SignedRecord {
    Bytes signature;
    Bytes extensions;
};

cache::Record to_record(const ledger::Certificate& certificate, const AnswerTimes& times,
                        const SignedRecord& made) {
    cache::Record record;
    record.serial = certificate.serial.magnitude();
    record.status = certificate.status;
    if (record.status)
        record.status->invalidity_date.reset();  // stands in the extensions, as signed
    record.profile = 0;
    const AnswerTimes own = times_of(certificate, times);
    record.times = {own.produced_at, own.this_update, own.next_update};
    record.signature = made.signature;
    record.extensions = made.extensions;
    return record;
}

// What the pages of one round have in common.
struct PageRound {
    const std::shared_ptr<const Identity>& identity;
    ledger::Ledger& ledger;
    unsigned page_bits;
    std::uint64_t sequence;
    const AnswerTimes& times;
};

}  // namespace

struct Press::State {
    State(unsigned threads, bool check, metrics::SignerMetrics& used_metrics)
        : workers(threads), self_check(check), metrics(used_metrics), contexts(workers.size()) {}

    Workers workers;
    bool self_check;
    metrics::SignerMetrics& metrics;
    std::vector<std::map<const Identity*, std::unique_ptr<SigningContext>>> contexts;  // [worker]

    std::mutex failure_mutex;
    std::optional<Error> failure;

    void record_failure(const Error& error) {
        const std::scoped_lock lock{failure_mutex};
        if (!failure)
            failure = error;
    }
    bool failed() {
        const std::scoped_lock lock{failure_mutex};
        return failure.has_value();
    }

    SigningContext* context(unsigned worker, const std::shared_ptr<const Identity>& identity) {
        auto& mine = contexts[worker];
        if (const auto found = mine.find(identity.get()); found != mine.end())
            return found->second.get();
        if (mine.size() >= limits::signing_contexts)
            mine.clear();  // identities that were rolled away
        auto made = make_signing_context(identity);
        if (!made) {
            record_failure(made.error());
            return nullptr;
        }
        return mine.emplace(identity.get(), std::move(*made)).first->second.get();
    }

    // What only measures this machine is not `counted` among the signatures over answers.
    Result<SignedRecord> sign(SigningContext& context, const SigningProfile& profile,
                              const ledger::Certificate& certificate, const AnswerTimes& times,
                              bool counted = true) {
        SignedRecord made;
        made.extensions = single_extensions(certificate, context.identity->settings);
        const AnswerTimes own = times_of(certificate, times);
        const ocsp::SingleAnswer single{.serial = certificate.serial.magnitude(),
                                        .status = certificate.status,
                                        .produced_at = own.produced_at,
                                        .this_update = own.this_update,
                                        .next_update = own.next_update,
                                        .extensions = made.extensions};
        std::array<std::uint8_t, limits::answer_octets> buffer;
        const auto data = ocsp::encode_response_data(profile.answer, single, buffer);
        if (data.empty())
            return fail("the answer does not fit its buffer");
        using metrics::SignatureOutcome;
        const std::size_t issuer = context.identity->index;
        const auto begun = std::chrono::steady_clock::now();
        auto signature = context.signer->sign(data);
        metrics.signing_duration(issuer).observe(std::chrono::steady_clock::now() - begun);
        if (!signature) {
            metrics.signatures(issuer, SignatureOutcome::failed).add();
            return fail("signing failed", signature.error());
        }
        if (counted)
            metrics.signatures(issuer, SignatureOutcome::made).add();
        made.signature = std::move(*signature);
        if (self_check) {
            const auto response = ocsp::encode_response(profile.answer, single, made.signature, buffer);
            const MeantSingle meant{.cert_id = {},
                                    .serial = single.serial,
                                    .unknown = false,
                                    .status = single.status,
                                    .this_update = single.this_update,
                                    .next_update = single.next_update};
            const auto checked = check_answer(response, profile.answer, times.produced_at,
                                              std::span{&meant, 1}, std::nullopt, context.verifier);
            if (!checked) {
                metrics.signatures(issuer, SignatureOutcome::self_check_failed).add();
                return fail(fmt::format("serial {}", certificate.serial.to_hex()), checked.error());
            }
        }
        return made;
    }

    // One page under way: its profiles may be signed by several workers.
    struct PageBegun {
        std::once_flag read;
        std::optional<Result<std::vector<ledger::Certificate>>> certificates;
    };

    // Signs one page for one profile. Whoever comes to the page first reads it.
    Status sign_page(unsigned worker, const PageRound& round, std::size_t p, PageBegun& begun,
                     SignedPage& page) {
        const auto& identity = round.identity;
        std::call_once(begun.read, [&] {
            begun.certificates = round.ledger.page(identity->issuer.id(), round.page_bits, page.index);
        });
        const auto& certificates = *begun.certificates;
        if (!certificates)
            return fail("ledger", certificates.error());
        if (certificates->empty())
            return {};
        SigningContext* mine = context(worker, identity);
        if (mine == nullptr)
            return {};  // the failure is recorded
        const auto& profile = identity->profiles[p];
        const AnswerTimes& times = round.times;
        std::vector<SignedRecord> made;
        made.reserve(certificates->size());
        for (const auto& certificate : *certificates) {
            auto one = sign(*mine, profile, certificate, times);
            if (!one)
                return tl::unexpected<Error>(one.error());
            made.push_back(std::move(*one));
        }
        std::vector<cache::Record> records;
        records.reserve(made.size());
        for (std::size_t i = 0; i < made.size(); ++i)
            records.push_back(to_record((*certificates)[i], times, made[i]));
        cache::PageHeader header;
        header.set = {profile.hash, cache::Life::live};
        header.page_bits = static_cast<std::uint8_t>(round.page_bits);
        header.index = page.index;
        header.sequence = round.sequence;
        header.times = {times.produced_at, times.this_update, times.next_update};
        header.profiles = {profile.digest};
        auto encoded = cache::encode_page(header, std::move(records));
        if (!encoded)
            return fail(fmt::format("page {}", page.index), encoded.error());
        page.by_profile[p] = std::move(*encoded);
        return {};
    }

    // The failure of the round that just ended, if there was one.
    std::optional<Error> take_failure() {
        const std::scoped_lock lock{failure_mutex};
        return std::exchange(failure, std::nullopt);
    }
};

Press::Press(unsigned threads, bool self_check, metrics::SignerMetrics& metrics)
    : state_(std::make_unique<State>(threads, self_check, metrics)) {}
Press::~Press() = default;

Result<double> Press::measure_capacity(const std::shared_ptr<const Identity>& identity, const Clock& clock) {
    // Any serial will do: the answers are made, checked and thrown away.
    static constexpr std::array<std::uint8_t, 1> one{1};
    const ledger::Certificate certificate{*Serial::from_magnitude(one), year_9999, std::nullopt, std::nullopt,
                                          clock.now()};
    const AnswerTimes times{clock.now(), clock.now(), clock.now() + seconds{1}};
    const std::size_t workers = state_->workers.size();
    const auto begun = std::chrono::steady_clock::now();  // real time: this measures the machine
    std::size_t made = 0;
    while (std::chrono::steady_clock::now() - begun < limits::capacity_measurement) {
        state_->workers.run(workers * limits::capacity_signatures, [&](unsigned worker, std::size_t) {
            SigningContext* mine = state_->context(worker, identity);
            if (mine == nullptr)
                return;
            auto signature = state_->sign(*mine, identity->profiles.back(), certificate, times, false);
            if (!signature)
                state_->record_failure(signature.error());
        });
        if (auto failure = state_->take_failure())
            return tl::unexpected<Error>(*failure);
        made += workers * limits::capacity_signatures;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    return static_cast<double>(made) / took.count();
}

Result<std::vector<Press::SignedPage>> Press::sign_pages(const std::shared_ptr<const Identity>& identity,
                                                         ledger::Ledger& ledger, unsigned page_bits,
                                                         std::span<const std::uint32_t> indices,
                                                         std::uint64_t sequence, const AnswerTimes& times) {
    const std::size_t count = indices.size();
    const std::size_t profiles = identity->profiles.size();
    const PageRound round{identity, ledger, page_bits, sequence, times};
    std::vector<SignedPage> pages(count);
    for (std::size_t i = 0; i < count; ++i) {
        pages[i].index = indices[i];
        pages[i].by_profile.resize(profiles);
    }
    // A single page is shared out too: it takes half as long on two cores, and so does waiting for it. Of
    // many pages each worker has its own first.
    std::vector<State::PageBegun> begun(count);
    state_->workers.run(count * profiles, [&](unsigned worker, std::size_t i) {
        if (state_->failed())
            return;
        const auto made = state_->sign_page(worker, round, i / count, begun[i % count], pages[i % count]);
        if (!made)
            state_->record_failure(made.error());
    });
    if (auto failure = state_->take_failure())
        return tl::unexpected<Error>(*failure);
    for (std::size_t i = 0; i < count; ++i)
        pages[i].records = (*begun[i].certificates)->size();
    return pages;
}

Result<Bytes> Press::sign_patch(const std::shared_ptr<const Identity>& identity,
                                const std::vector<ledger::Certificate>& certificates, std::uint64_t sequence,
                                const AnswerTimes& times) {
    const std::size_t profiles = identity->profiles.size();
    std::vector<SignedRecord> made(certificates.size() * profiles);
    state_->workers.run(made.size(), [&](unsigned worker, std::size_t i) {
        if (state_->failed())
            return;
        SigningContext* mine = state_->context(worker, identity);
        if (mine == nullptr)
            return;
        auto one = state_->sign(*mine, identity->profiles[i % profiles], certificates[i / profiles], times);
        if (!one) {
            state_->record_failure(one.error());
            return;
        }
        made[i] = std::move(*one);
    });
    if (auto failure = state_->take_failure())
        return tl::unexpected<Error>(*failure);

    std::vector<cache::Digest> table;
    for (const auto& profile : identity->profiles)
        table.push_back(profile.digest);
    std::vector<cache::PatchRecord> records;
    records.reserve(made.size());
    for (std::size_t i = 0; i < made.size(); ++i) {
        cache::PatchRecord record{{identity->profiles[i % profiles].hash, cache::Life::live},
                                  to_record(certificates[i / profiles], times, made[i])};
        record.record.profile = static_cast<std::uint8_t>(i % profiles);
        records.push_back(record);
    }
    return cache::encode_patch(sequence, table, {times.produced_at, times.this_update, times.next_update},
                               records);
}

Bytes single_extensions(const ledger::Certificate& certificate, const config::Issuer& settings) {
    static constexpr std::array<std::uint8_t, 3> invalidity_date_oid{0x55, 0x1d, 0x18};
    if (!settings.invalidity_date || !certificate.status || !certificate.status->invalidity_date)
        return {};
    std::array<std::uint8_t, 64> buffer{};
    der::Writer writer{buffer};
    writer.generalized_time(*certificate.status->invalidity_date);
    writer.wrap(der::Tag::octet_string, 0);
    writer.element(der::Tag::oid, invalidity_date_oid);
    writer.wrap(der::Tag::sequence, 0);
    return {writer.bytes().begin(), writer.bytes().end()};
}

}  // namespace eightbells::signer
