#include "tests/faults/simulated.h"

#include "responder/front/limits.h"
#include "responder/ocsp/response.h"

namespace eightbells::faults {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t simulated_fronts = 2;
constexpr std::size_t most_certificates = 24;
constexpr unsigned never_issued = 0xfffff;
// Room for one page, of the two hashes: with 24 certificates 2 KB and its object.
constexpr std::size_t one_page = 4096;
const Bytes damaged{1, 2, 3};

char state_of(const CertStatus& status) {
    if (!status)
        return 'g';
    return status->reason == CrlReason::certificate_hold ? 'h' : 'r';
}

Bytes element(std::uint8_t tag, ByteView content) {
    Bytes out{tag, static_cast<std::uint8_t>(content.size())};
    for (const std::uint8_t octet : content)
        out.push_back(octet);
    return out;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed)
    : random_(seed),
      world_(400),
      verifier_(*crypto::SignatureVerifier::from_public_key(
          world_.identity->signer_certificate.subject_public_key_info())) {
    static constexpr std::pair<std::chrono::hours, std::chrono::hours> periods[] = {
        {8h, 4h}, {24h, 12h}, {96h, 48h}};
    // Pages fall due at moments counted from 1970: each life begins at the same one, whenever it is replayed.
    constexpr seconds longest_refresh = 48h;
    world_.clock.advance(longest_refresh - world_.clock.now().time_since_epoch() % longest_refresh);
    const auto& [validity, refresh] = periods[any(std::size(periods))];
    world_.settings.validity = validity;
    world_.settings.refresh = refresh;
    world_.load_again();
    world_.restart();
    issuers_ = *front::Issuers::load({&world_.settings, 1});
    fronts_.resize(simulated_fronts);
    fronts_.back().pool = std::make_shared<cache::PagePool>(one_page);
    for (std::size_t which = 0; which < fronts_.size(); ++which)
        open(fronts_[which], which);
    world_.issue(0, 3);
    truth_.assign(3, Truth{"g"});
}

void Simulation::step() {
    world_.clock.advance(std::chrono::minutes{1 + any(200)});
    happen_to_certificates();
    happen_to_signer();
    happen_to_store();
    happen_to_fronts();
    heal_now_and_then();
    carry();
    for (std::size_t which = 0; which < fronts_.size(); ++which)
        check(fronts_[which], which);
}

void Simulation::happen_to_certificates() {
    if (!runs_)
        return;  // nobody takes events
    if (truth_.size() < most_certificates && one_in(40)) {
        world_.issue(static_cast<unsigned>(truth_.size()), 1);
        truth_.push_back({"g"});
    }
    if (!one_in(10))
        return;
    const auto certificate = static_cast<unsigned>(any(truth_.size()));
    std::string& states = truth_[certificate].states;
    if (states.back() == 'r')
        return;
    if (one_in(8)) {
        world_.apply(ledger::Action::revoke, certificate, CrlReason::superseded);
        states += 'r';
    } else if (states.back() == 'g') {
        world_.apply(ledger::Action::hold, certificate);
        states += 'h';
    } else {
        world_.apply(ledger::Action::release, certificate);
        states += 'g';
    }
}

void Simulation::happen_to_signer() {
    if (one_in(60)) {
        ++faults_;
        signs_ = false;
    }
    if (one_in(60)) {
        ++faults_;
        runs_ = false;
    }
    world_.trusted_now = [this] {
        return signs_ ? Result<UtcTime>{world_.clock.now()}
                      : Result<UtcTime>{fail("the clock is not trusted")};
    };
    if (runs_ && one_in(50))
        world_.restart();
    if (runs_ && signs_ && one_in(100))
        restore_ledger();
}

// A copy from before, brought back when all that was acknowledged since is published: what was revoked stays
// so. Holds may be as they were in the copy.
void Simulation::restore_ledger() {
    world_.settle();
    const std::string copy = "ledger-copy.db";
    if (!copied_) {
        world_.keep("ledger.db", copy);
        copied_ = true;
        return;
    }
    ++faults_;
    copied_ = false;
    world_.bring_back({{"ledger.db", copy}});
    world_.restart();
    for (unsigned certificate = 0; certificate < truth_.size(); ++certificate) {
        const auto found = world_.ledger->find(world_.id(), tests::World::serial(certificate));
        BOOST_REQUIRE(found);
        BOOST_REQUIRE_MESSAGE(*found, "certificate " << certificate << " was forgotten");
        std::string& states = truth_[certificate].states;
        const char state = state_of((*found)->status);
        BOOST_REQUIRE_MESSAGE((states.back() == 'r') == (state == 'r'), "certificate " << certificate);
        if (state == states.back())
            continue;
        states += state;
        truth_[certificate].certain_from = now() + world_.settings.refresh;
    }
}

void Simulation::happen_to_store() {
    if (one_in(40)) {
        ++faults_;
        store_up_ = false;
    }
    if (one_in(30))
        yesterday_ = store_.blobs;
    if (one_in(50) && !yesterday_.empty()) {
        ++faults_;
        store_.blobs = yesterday_;
    }
    if (one_in(100)) {
        ++faults_;
        store_.blobs.clear();
    }
    if (one_in(50) && !store_.blobs.empty()) {
        ++faults_;
        auto spoilt = std::next(store_.blobs.begin(), static_cast<std::ptrdiff_t>(any(store_.blobs.size())));
        if (spoilt->second.empty() || one_in(3))
            store_.blobs.erase(spoilt);
        else
            spoilt->second[any(spoilt->second.size())] ^= 0x40;
    }
}

void Simulation::happen_to_fronts() {
    for (std::size_t which = 0; which < fronts_.size(); ++which) {
        SimulatedFront& front = fronts_[which];
        if (one_in(40)) {
            ++faults_;
            front.cut_off = true;
        }
        if (front.pool != nullptr && one_in(30))
            lose_page(front);
        if (one_in(40))
            open(front, which);
        if (one_in(400)) {  // its disk is lost, and with it all that it knew
            ++faults_;
            front.replica.reset();
            front.own.reset();
            for (const char* end : {"", "-wal", "-shm"})
                std::filesystem::remove(world_.folder.path() /
                                        ("front-" + std::to_string(which) + ".db" + end));
            front.said.clear();
            front.lost.clear();
            front.whole_at = {};
            open(front, which);
        }
    }
}

// Damaged, or gone. It shows when the page is asked for and not in memory.
void Simulation::lose_page(SimulatedFront& front) {
    const auto snapshot = front.replica->snapshot();
    if (snapshot->head().sets.empty())
        return;
    const auto& set = snapshot->head().sets[any(snapshot->head().sets.size())];
    const auto index = static_cast<std::uint32_t>(any(std::size_t{1} << set.page_bits));
    const std::string page = cache::page_name(world_.id(), set.id, set.page_bits, index);
    if (!front.own->fetch({&page, 1})->front())
        return;
    ++faults_;
    front.lost[page].reset();
    auto change = *front.own->begin(false);
    BOOST_REQUIRE((one_in(2) ? change.erase(page) : change.put(page, damaged)));
    BOOST_REQUIRE(change.commit());
}

void Simulation::heal_now_and_then() {
    if (one_in(6))
        signs_ = true;
    if (one_in(6) && !runs_) {
        runs_ = true;
        world_.restart();
    }
    if (one_in(6))
        store_up_ = true;
    for (SimulatedFront& front : fronts_) {
        if (one_in(6))
            front.cut_off = false;
    }
}

void Simulation::carry() {
    if (runs_)
        world_.settle();
    const std::vector trusted{world_.store_key.public_key()};
    if (runs_ && store_up_) {
        const auto copied =
            cache::mirror(*world_.pages, store_, world_.id(), trusted, cache::CopyDepth::everything);
        BOOST_REQUIRE_MESSAGE(copied, copied.error().message);
    }
    for (SimulatedFront& front : fronts_) {
        if (!front.cut_off)
            sync(front);
    }
}

void Simulation::sync(SimulatedFront& front) {
    const auto synced = front.replica->sync(store_, {});
    BOOST_REQUIRE_MESSAGE(synced, synced.error().message);
}

void Simulation::open(SimulatedFront& front, std::size_t which) {
    // What it carries from before, because something under the head does not verify, it forgets: after a
    // start nobody can tell what was said since (cache/README.md). A sound store gives it back.
    if (front.replica != nullptr && !front.replica->snapshot()->complete())
        front.whole_at = {};
    front.replica.reset();
    front.own.reset();
    const auto file = world_.folder.path() / ("front-" + std::to_string(which) + ".db");
    front.own = *cache::PageFile::open(file, cache::PageFile::Access::write);
    front.replica = std::make_unique<cache::Replica>(
        world_.id(), std::vector{world_.store_key.public_key()}, *front.own,
        world_.folder.path() / ("front-" + std::to_string(which) + "-crl"), front.pool);
    front.replica->load({});
}

Bytes Simulation::cert_id(unsigned certificate, ocsp::HashAlgorithm hash) const {
    Bytes content = hash == ocsp::HashAlgorithm::sha1 ? *from_hex("300906052b0e03021a0500")
                                                      : *from_hex("300d06096086480165030402010500");
    const auto add = [&](std::uint8_t tag, ByteView octets) {
        for (const std::uint8_t octet : element(tag, octets))
            content.push_back(octet);
    };
    add(0x04, world_.identity->issuer.name_hash(hash));
    add(0x04, world_.identity->issuer.key_hash(hash));
    add(0x02, tests::World::serial(certificate).magnitude());
    return element(0x30, content);
}

void Simulation::check(SimulatedFront& front, std::size_t which) {
    const bool whole = healthy() && !front.cut_off;
    if (whole)
        front.whole_at = now();
    if (!front.lost.empty())
        mend(front);
    const auto state = front::FrontState::make(issuers_, {front.replica->snapshot()}, {{}}, {true});
    BOOST_TEST_CONTEXT("front " << which << " at " << to_iso8601(now())) {
        for (const auto hash : {ocsp::HashAlgorithm::sha1, ocsp::HashAlgorithm::sha256}) {
            for (unsigned certificate = 0; certificate < truth_.size(); ++certificate)
                check_one(front, *state, certificate, hash, whole);
            check_one(front, *state, never_issued, hash, whole);
        }
    }
}

// Each page that it can be asked for is asked for, and the next pass fetches those that are not there.
void Simulation::mend(SimulatedFront& front) {
    const auto snapshot = front.replica->snapshot();
    for (const auto hash : {ocsp::HashAlgorithm::sha1, ocsp::HashAlgorithm::sha256}) {
        for (unsigned certificate = 0; certificate < truth_.size(); ++certificate) {
            const Serial serial = tests::World::serial(certificate);
            if (const auto page = snapshot->awaited(hash, serial.magnitude(),
                                                    crypto::serial_hash(sha256_, serial.magnitude())))
                static_cast<void>(read(front, *page));
        }
    }
    front.replica->want_lost();
    if (front.cut_off)
        return;
    sync(front);
    // What is in memory is not missed before it has to go.
    std::erase_if(front.lost, [&](const auto& lost) {
        const auto there = front.own->fetch({&lost.first, 1})->front();
        return there && *there != damaged;
    });
}

Status Simulation::read(SimulatedFront& front, const cache::PageRef& page) {
    const auto read = front.replica->snapshot()->read_page(page, *front.own);
    BOOST_REQUIRE((!read || *read == cache::IssuerSnapshot::PageRead::in_memory));
    return read ? Status{} : tl::unexpected(read.error());
}

void Simulation::check_one(SimulatedFront& front, const front::FrontState& state, unsigned certificate,
                           ocsp::HashAlgorithm hash, bool whole) {
    const Bytes tlv = cert_id(certificate, hash);
    const auto asked = ocsp::parse_cert_id(tlv);
    BOOST_REQUIRE(asked);
    front::Plan plan = front::plan_stored(*asked, {state, sha256_, false, now(), nullptr});
    for (; plan.route == front::Plan::Route::read;
         plan = front::plan_stored(*asked, {state, sha256_, false, now(), nullptr})) {
        const Status there = read(front, *plan.awaited);
        if (there)
            continue;
        const cache::PageRef& page = *plan.awaited;
        const auto lost =
            front.lost.find(cache::page_name(world_.id(), page.set, page.page_bits, page.index));
        BOOST_REQUIRE_MESSAGE(lost != front.lost.end(), there.error().message);
        if (whole) {
            lost->second = lost->second.value_or(now());
            BOOST_REQUIRE_MESSAGE(lost->second == now(), "not fetched anew: " << there.error().message);
        }
        ++refusals_;  // tryLater
        return;
    }
    if (plan.route == front::Plan::Route::stored) {
        BOOST_REQUIRE_MESSAGE(certificate != never_issued, "an answer for what was never issued");
        ++answers_;
        return check_answer(front, certificate, hash, plan, whole);
    }
    ++refusals_;
    if (certificate == never_issued) {
        BOOST_REQUIRE((!whole || plan.refusal == front::Refusal::not_issued));
        return;
    }
    BOOST_REQUIRE_MESSAGE(!whole, "certificate " << certificate << ": refused though everything is well");
    // What it has once said it goes on saying for as long as was promised.
    if (!front.said.contains({hash, certificate}) || front.whole_at == UtcTime{})
        return;
    BOOST_REQUIRE_MESSAGE((plan.refusal != front::Refusal::not_issued),
                          "said to be never issued: " << certificate);
    // With a bound on memory less is carried than the promise needs where the store is damaged, too
    // (cache/README.md).
    if (front.pool != nullptr)
        return;
    const seconds promised = world_.settings.validity - world_.settings.refresh - limits::expiry_margin;
    BOOST_REQUIRE_MESSAGE(now() - front.whole_at >= promised,
                          "certificate " << certificate << ": dark " << (now() - front.whole_at).count()
                                         << " s after the loss, promised were " << promised.count());
}

void Simulation::check_answer(SimulatedFront& front, unsigned certificate, ocsp::HashAlgorithm hash,
                              const front::Plan& plan, bool whole) {
    std::array<std::uint8_t, 4096> buffer;
    const auto& [profile, single, signature] = *plan.stored;
    const ByteView answer = ocsp::encode_response(*profile, single, signature, buffer);
    const auto parsed = ocsp::parse_response(answer);
    BOOST_REQUIRE_MESSAGE(parsed, parsed.error().message);
    BOOST_REQUIRE(parsed->singles.size() == 1U);
    const auto& said = parsed->singles.front();
    BOOST_REQUIRE(said.next_update > now());
    BOOST_REQUIRE(said.this_update <= now());
    BOOST_REQUIRE(said.next_update <= world_.identity->signer_certificate.not_after());
    BOOST_REQUIRE((Serial::from_der_content(said.cert_id.serial) == tests::World::serial(certificate)));
    if (verified_.emplace(answer.begin(), answer.end()).second)
        BOOST_REQUIRE(
            verifier_.verify(parsed->signature_algorithm, parsed->response_data, parsed->signature));
    // Never further back than it was, and nothing that was never so.
    const std::string& states = truth_[certificate].states;
    std::size_t& reached = front.said[{hash, certificate}];
    const std::size_t found = states.find(state_of(said.status), reached);
    BOOST_REQUIRE_MESSAGE(found != std::string::npos, "certificate "
                                                          << certificate << " is '" << states << "', it said "
                                                          << states.substr(0, reached + 1) << ", and now "
                                                          << state_of(said.status));
    reached = found;
    if (whole && now() >= truth_[certificate].certain_from) {
        BOOST_REQUIRE_MESSAGE(state_of(said.status) == states.back(),
                              "certificate " << certificate << " is '" << states << "', told is "
                                             << state_of(said.status) << " though everything is well");
        reached = states.size() - 1;
    }
}

}  // namespace eightbells::faults
