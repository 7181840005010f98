#include "responder/signer/front_comparer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "responder/der/writer.h"
#include "responder/ledger/transition.h"
#include "responder/ocsp/response.h"
#include "responder/signer/comparer.h"
#include "responder/signer/limits.h"
#include "responder/signer/schedule.h"

namespace eightbells::signer {

Bytes encode_request(const crypto::IssuerIdentity& issuer, ocsp::HashAlgorithm hash, const Serial& serial) {
    // AlgorithmIdentifiers of SHA-1 and SHA-256 with NULL parameters.
    static constexpr std::array<std::uint8_t, 11> sha1{0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                                                       0x03, 0x02, 0x1a, 0x05, 0x00};
    static constexpr std::array<std::uint8_t, 15> sha256{0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                         0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
    std::array<std::uint8_t, limits::ocsp_request_octets> buffer{};
    der::Writer writer{buffer};
    writer.unsigned_integer(serial.magnitude());
    writer.element(der::Tag::octet_string, issuer.key_hash(hash));
    writer.element(der::Tag::octet_string, issuer.name_hash(hash));
    writer.raw(hash == ocsp::HashAlgorithm::sha1 ? ByteView{sha1} : ByteView{sha256});
    // CertID, Request, requestList, TBSRequest, OCSPRequest
    for (int i = 0; i < 5; ++i)
        writer.wrap(der::Tag::sequence, 0);
    const ByteView request = writer.bytes();
    return {request.begin(), request.end()};
}

namespace {

// What an answer says of the serial: its status, or why there is none to compare.
struct Said {
    bool anything = true;  // false: tryLater and the like
    bool issued = false;
    CertStatus status;
    std::string text;
};

Said read_answer(ByteView body, const Serial& serial) {
    const auto answer = ocsp::parse_response(body);
    if (!answer)
        return {true, false, {}, "what cannot be read: " + answer.error().message};
    if (answer->status == ocsp::ResponseStatus::unauthorized)
        return {true, false, {}, "not issued (unauthorized)"};
    if (answer->status != ocsp::ResponseStatus::successful)
        return {false, false, {}, {}};
    if (answer->singles.size() != 1)
        return {true, false, {}, "an answer for several certificates"};
    const auto& single = answer->singles.front();
    const auto about = Serial::from_der_content(single.cert_id.serial);
    if (!about || *about != serial)
        return {true, false, {}, "an answer for another certificate"};
    if (single.unknown)
        return {true, false, {}, "unknown"};
    return {true, true, single.status, ledger::describe(single.status)};
}

}  // namespace

FrontComparer::FrontComparer(Settings settings, std::vector<std::shared_ptr<const Identity>> identities,
                             ledger::Ledger& ledger, Differences& differences, Ask ask,
                             metrics::SignerMetrics& metrics, const Clock& clock)
    : settings_(std::move(settings)),
      identities_(std::move(identities)),
      ledger_(ledger),
      differences_(differences),
      ask_(std::move(ask)),
      metrics_(metrics),
      clock_(clock) {}

FrontComparer::~FrontComparer() {
    stop();
    if (thread_.joinable())
        thread_.join();
}

void FrontComparer::start() {
    paced_ = true;
    thread_ = std::thread{[this] { loop(); }};
}

void FrontComparer::stop() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
}

bool FrontComparer::wait(std::chrono::milliseconds length) {
    std::unique_lock lock{mutex_};
    return !wake_.wait_for(lock, length, [this] { return stopping_.load(); });
}

void FrontComparer::loop() {
    while (true) {
        const bool asked = next();
        if (!wait(asked ? std::chrono::milliseconds{0} : limits::front_idle))
            return;
    }
}

void FrontComparer::changed(const std::string& issuer, const std::vector<Serial>& serials) {
    const auto found =
        std::ranges::find_if(identities_, [&](const auto& one) { return one->issuer.id() == issuer; });
    if (found == identities_.end())
        return;
    const std::scoped_lock lock{mutex_};
    for (const Serial& serial : serials)
        changed_.push_back({static_cast<std::size_t>(found - identities_.begin()), serial});
    while (changed_.size() > limits::front_changes)
        changed_.pop_front();
}

bool FrontComparer::next() {
    const auto subject = next_subject();
    if (!subject)
        return false;
    ask_about(*subject);
    return true;
}

std::optional<FrontComparer::Subject> FrontComparer::next_subject() {
    const auto take = [](std::deque<Subject>& from) {
        Subject subject = from.front();
        from.pop_front();
        return subject;
    };
    {
        const std::scoped_lock lock{mutex_};
        if (!changed_.empty())
            return take(changed_);
    }
    if (again_.empty() && clock_.steady() - look_again_ >= limits::front_again) {
        look_again_ = clock_.steady();
        std::set<std::pair<std::size_t, Serial>> seen;  // once for all hashes and fronts
        for (std::size_t i = 0; i < identities_.size(); ++i) {
            for (const auto& key : differences_.of(identities_[i]->issuer.id(), metrics::Compared::front)) {
                if (again_.size() < limits::front_again_at_once && seen.emplace(i, key.serial).second)
                    again_.push_back({i, key.serial});
            }
        }
    }
    if (!again_.empty())
        return take(again_);
    return next_of_walk();
}

// Slices of the ledger, one issuer after the other.
std::optional<FrontComparer::Subject> FrontComparer::next_of_walk() {
    for (std::size_t empty = 0; slice_.empty(); ++empty) {
        if (identities_.empty() || empty > limits::slices * identities_.size())
            return std::nullopt;
        issuer_ = issuer_ % identities_.size();
        const auto& identity = *identities_[issuer_];
        const auto count = ledger_.count(identity.issuer.id());
        const unsigned bits =
            std::max(count ? page_bits_for(*count, identity.record_octets()) : 0U, limits::slice_bits);
        const auto certificates = count && *count > 0 ? ledger_.page(identity.issuer.id(), bits, index_)
                                                      : Result<std::vector<ledger::Certificate>>{};
        if (!certificates)
            spdlog::error("ledger: {}", certificates.error().message);
        else
            for (const auto& certificate : *certificates)
                slice_.push_back({issuer_, certificate.serial});
        if (++index_ >> bits != 0 || !count || *count == 0) {
            index_ = 0;
            ++issuer_;
        }
    }
    Subject subject = slice_.front();
    slice_.pop_front();
    return subject;
}

void FrontComparer::ask_about(const Subject& subject) {
    const auto& identity = *identities_[subject.identity];
    const auto pause = std::chrono::milliseconds{1000 / std::max(settings_.per_second, 1U)};
    for (const std::string& front : settings_.fronts) {
        for (const auto& profile : identity.profiles) {
            ask_one(identity, subject.serial, front, profile);
            if (paced_ && !wait(pause))
                return;
        }
    }
}

// Once a change: a wrong address in the configuration would otherwise compare nothing, for ever.
void FrontComparer::say_trouble(const std::string& front, const std::string& trouble) {
    std::string& before = troubles_[front];
    if (before == trouble)
        return;
    before = trouble;
    if (trouble.empty())
        spdlog::info("front {} answers again and is compared", front);
    else
        spdlog::warn("a front is not compared with the ledger: {}", trouble);
}

void FrontComparer::ask_one(const Identity& identity, const Serial& serial, const std::string& front,
                            const SigningProfile& profile) {
    const std::string& id = identity.issuer.id();
    const auto before = ledger_.find(id, serial);
    const auto body = ask_(front, encode_request(identity.issuer, profile.hash, serial),
                           [this] { return stopping_.load(); });
    if (stopping_)
        return;
    say_trouble(front, body ? std::string{} : body.error().message);
    const auto after = ledger_.find(id, serial);
    if (!body || !before || !after)
        return;
    const bool issued = after->has_value();
    if (before->has_value() != issued || (issued && !same_status((*before)->status, (*after)->status)))
        return;  // it changed while we asked; it is asked about again
    metrics_.compared(identity.index, metrics::Compared::front).add();
    const Said said = read_answer(*body, serial);
    const DifferenceKey key{id, metrics::Compared::front,
                            front + " " + std::string{ocsp::to_string(profile.hash)}, serial};
    if (!said.anything)
        return;
    if (said.issued == issued && (!issued || same_status((*after)->status, said.status)))
        return differences_.clear(key);
    differences_.see(key, issued ? ledger::describe((*after)->status) : "not issued", said.text,
                     {settings_.delay, settings_.delay});
}

}  // namespace eightbells::signer
