#include "tests/pair/simulated_pair.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "responder/pair/limits.h"

namespace eightbells::pair::test {

using namespace std::chrono_literals;

namespace {
constexpr const char* ca = "00112233445566778899aabbccddeeff";
constexpr unsigned certificates = 100;
Serial serial(unsigned number) {
    return *Serial::from_hex(to_hex(Bytes{0x01, static_cast<std::uint8_t>(number)}));
}
bool holds_all(const std::set<unsigned>& all, const std::set<unsigned>& some) {
    return std::ranges::includes(all, some);
}
}  // namespace

// The lease's word as one signer reaches it.
class SimulatedPair::Word final : public cache::SharedWord {
  public:
    Word(SimulatedStore& store, const bool& cut_off) : store_(store), cut_off_(cut_off) {}
    Result<std::string> exchange(const std::string& expected, const std::string& next) override {
        if (store_.away || cut_off_)
            return fail("out of reach");
        if (store_.primary.word == expected && expected != next) {
            store_.primary.word = next;
            store_.written();
        }
        return store_.primary.word;
    }
    Result<bool> replicated(std::chrono::milliseconds) override {
        if (store_.away || cut_off_)
            return fail("out of reach");
        return store_.replicated();
    }

  private:
    SimulatedStore& store_;
    const bool& cut_off_;
};

SimulatedPair::SimulatedPair(std::uint64_t seed) : random_(seed) {
    for (std::size_t i = 0; i < signers_.size(); ++i) {
        signers_[i].name = i == 0 ? "a" : "b";
        signers_[i].file = folder_ / (signers_[i].name + ".db");
    }
    auto made = ledger::Ledger::open(signers_[0].file, true, clock_);
    BOOST_REQUIRE(made);
    BOOST_REQUIRE((*made)->journal().keep());
    BOOST_REQUIRE((*made)->register_issuer(ca, "ca", true));
    for (unsigned number = 0; number < certificates; ++number) {
        ledger::Event event;
        event.issuer = ca;
        event.source = "ca";
        event.action = ledger::Action::issue;
        event.serial = serial(number);
        event.not_after = clock_.now() + 24h * 3650;
        BOOST_REQUIRE((*made)->apply(event));
    }
    const auto last = (*made)->last_change_id(ca);
    BOOST_REQUIRE((last && (*made)->mark_all_published(ca, *last)));
    made->reset();
    start(signers_[0]);
    while (!signers_[0].leads)
        second();
    start(signers_[1]);
    while (!well())
        second();
}

SimulatedPair::~SimulatedPair() = default;

// Both run, one leads, and the other one has everything.
bool SimulatedPair::well() const {
    const auto fine = [](const Signer& one) { return one.acts() && !one.cut_off; };
    const auto leader = std::ranges::find_if(signers_, [](const Signer& one) { return one.leads; });
    return link_ && !store_.away && store_.replica_connected && store_.replica_answers &&
           std::ranges::all_of(signers_, fine) && leader != signers_.end() && leader->in_step &&
           leader->lease->holds() && !leader->lease->alone() && !memory_counts_;
}

void SimulatedPair::start(Signer& one) {
    one.frozen = one.leads = one.in_step = one.follows = false;
    one.has = one.alone_up_to = 0;
    one.on_its_way.reset();
    one.heard_at.reset();
    if (std::filesystem::exists(one.file)) {
        auto opened = ledger::Ledger::open(one.file, false, clock_);
        BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
        one.ledger = std::move(*opened);
    }
    one.lease = std::make_unique<Lease>(std::make_unique<Word>(store_, one.cut_off), one.name, clock_);
    one.lease->seek([this, &one] {
        const bool heard = one.heard_at && clock_.steady() - *one.heard_at < limits::pair_heard;
        return Lease::Candidate{one.ledger != nullptr, heard};
    });
}

void SimulatedPair::kill(Signer& one) {
    one.leads = false;
    one.lease.reset();
    one.ledger.reset();
}

void SimulatedPair::freeze(Signer& one, bool on) {
    if (on && one.leads && one_in(2))
        one.on_its_way = next_head(one);
    one.frozen = on;
    // What was under way to Redis when it was frozen goes out, whatever has happened since.
    if (!on && one.on_its_way && !one.cut_off && !store_.away)
        write(*one.on_its_way);
    if (!on)
        one.on_its_way.reset();
}

void SimulatedPair::look(Signer& one) {
    if (!one.acts())
        return;
    one.lease->look();
    if (one.lease->taken() && !one.leads)
        begin_to_lead(one);
    else if (!one.lease->taken())
        one.leads = false;
    const Signer& other = other_of(one);
    BOOST_REQUIRE(!(one.lease->holds() && other.lease && other.lease->holds()));
    if (one.leads && one.lease->alone() && one.lease->holds())
        memory_counts_ = false;  // the store knows it again
}

// What makes the pair: whoever leads has everything that anybody was promised.
void SimulatedPair::begin_to_lead(Signer& one) {
    one.leads = true;
    one.in_step = one.follows = false;
    one.alone_up_to = 0;
    const auto which = static_cast<std::size_t>(&one - signers_.data());
    take_overs += std::exchange(last_leader_, which) != which;
    BOOST_REQUIRE_MESSAGE(holds_all(revoked_in(*one.ledger), promised_),
                          "\"" << one.name << "\" leads and lacks what was acknowledged");
    BOOST_REQUIRE(one.ledger->journal().keep());
    const auto epoch = one.ledger->take_epoch(std::max(one.pages.epoch, one.lease->epoch()));
    BOOST_REQUIRE(epoch);
    one.epoch = *epoch;
    one.sequence = one.pages.sequence;
    one.leadership = ++leaderships_;
    one.merged = false;
    // As TakeBack does: the ledger may be that of one who published what its own page file alone has got.
    std::set<Serial> lost;
    for (const unsigned number : revoked_in(*one.ledger)) {
        if (!one.pages.revoked.contains(number))
            lost.insert(serial(number));
    }
    BOOST_REQUIRE(one.ledger->publish_again(ca, std::move(lost)));
    one.ledger->journal().listen(
        {[] {}, [this, &one](std::uint64_t number) { return confirm(one, number); }});
}

// As Leader and Follower do over their connection.
void SimulatedPair::talk() {
    for (Signer& leader : signers_) {
        Signer& follower = other_of(leader);
        if (link_ && leader.leads && leader.acts() && follower.acts() && !follower.leads &&
            !follower.lease->taken())
            carry(leader, follower);
    }
}

bool SimulatedPair::carry(Signer& leader, Signer& follower) {
    follower.heard_at = clock_.steady();
    auto journal = leader.ledger->journal();
    const auto end = journal.place();
    BOOST_REQUIRE((end && *end));
    while (true) {
        const auto place = follower.ledger ? follower.ledger->journal().place()
                                           : Result<std::optional<ledger::Journal::Place>>{};
        BOOST_REQUIRE(place);
        const auto records =
            *place ? journal.after(**place) : Result<std::optional<std::vector<ledger::Journal::Record>>>{};
        BOOST_REQUIRE(records);
        if (!*place || !*records) {
            leader.in_step = false;
            if (leader.lease->holds())
                copy(leader, follower);
            return false;  // it comes again
        }
        leader.has = (*place)->number;
        if ((*records)->empty())
            break;
        for (const auto& record : **records) {
            if (one_in(200))
                return false;  // the connection breaks off
            if (!follower.ledger->journal().replay(record)) {
                leader.in_step = false;
                if (leader.lease->holds())
                    copy(leader, follower);
                return false;
            }
        }
    }
    if (!leader.in_step && leader.has >= (*end)->number && leader.has >= leader.alone_up_to) {
        leader.in_step = true;
        leader.lease->together_again();
    }
    return true;
}

void SimulatedPair::copy(Signer& leader, Signer& follower) {
    const auto coming = follower.file.string() + ".coming";
    std::filesystem::remove(coming);
    BOOST_REQUIRE(leader.ledger->journal().copy_to(coming));
    follower.ledger.reset();
    for (const char* end : {"", "-wal", "-shm"})
        std::filesystem::remove(follower.file.string() + end);
    std::filesystem::rename(coming, follower.file);
    auto opened = ledger::Ledger::open(follower.file, false, clock_);
    BOOST_REQUIRE_MESSAGE(opened, opened.error().message);
    follower.ledger = std::move(*opened);
}

void SimulatedPair::second() {
    clock_.advance(1s);
    const bool first = one_in(2);
    look(signers_[first ? 0 : 1]);
    look(signers_[first ? 1 : 0]);
    talk();
    for (Signer& one : signers_) {
        copy_pages(one);
        publish(one);
    }
}

// Leader::confirm, with time that the test moves.
Status SimulatedPair::confirm(Signer& one, std::uint64_t number) {
    Signer& other = other_of(one);
    const auto reaches = [&] { return link_ && other.acts() && !other.lease->taken(); };
    if (one.in_step) {
        if (reaches() && carry(one, other) && one.has >= number)
            return {};
        for (int i = 0; i < 2; ++i) {
            clock_.advance(1s);
            look(other);
            look(one);
        }
        one.in_step = false;
    }
    one.alone_up_to = std::max(one.alone_up_to, number);
    bool may = one.lease->go_alone(0ms);
    for (int i = 0; i < 2 && !may; ++i) {
        clock_.advance(1s);
        look(other);
        look(one);
        may = one.lease->go_alone(0ms);
    }
    if (!may)
        return fail("not acknowledged");
    ++alone;
    return {};
}

// A CA's connector: at one that says it leads, or at the other.
void SimulatedPair::revoke() {
    std::vector<Signer*> ready;
    for (Signer& one : signers_) {
        if (one.leads && one.acts())
            ready.push_back(&one);
    }
    if (ready.empty() || promised_.size() >= certificates)
        return;
    Signer& one = *ready[ready.size() > 1 && one_in(2)];
    ledger::Event event;
    event.issuer = ca;
    event.source = "ca";
    event.action = ledger::Action::revoke;
    unsigned number = std::uniform_int_distribution<unsigned>{0, certificates - 1}(random_);
    while (promised_.contains(number))
        number = (number + 1) % certificates;
    event.serial = serial(number);
    event.reason = CrlReason::superseded;
    const auto answer = one.ledger->apply(event);
    if (!answer || answer->verdict == ledger::Verdict::refused) {
        ++refused;
        return;
    }
    ++acknowledged;
    promised_.insert(number);
}

std::set<unsigned> SimulatedPair::revoked_in(ledger::Ledger& ledger) {
    std::set<unsigned> revoked;
    for (unsigned number = 0; number < certificates; ++number) {
        const auto found = ledger.find(ca, serial(number));
        BOOST_REQUIRE((found && *found));
        if ((*found)->status)
            revoked.insert(number);
    }
    return revoked;
}

// As StoreMerge, Publisher and FencedStore do: above what the store holds, of all changes that the ledger
// does not count as published, and through the fence.
std::optional<Published> SimulatedPair::next_head(Signer& one) {
    if (!one.leads || one.cut_off || store_.away)
        return std::nullopt;
    const Published& found = store_.primary.published;
    if (!std::exchange(one.merged, true) && found.epoch >= one.epoch) {
        const auto epoch = one.ledger->take_epoch(found.epoch);
        BOOST_REQUIRE(epoch);
        one.epoch = *epoch;
        one.sequence = std::max(one.sequence, found.sequence);
    }
    if (!one.lease->publishes_under(one.epoch, 0ms))
        return std::nullopt;
    one.pages = {one.epoch, ++one.sequence, std::move(one.pages.revoked), one.leadership};
    const auto changes = one.ledger->unpublished(ca, certificates);
    BOOST_REQUIRE(changes);
    std::vector<std::uint64_t> done;
    for (const auto& change : *changes) {
        one.pages.revoked.insert(change.serial.magnitude().back());
        done.push_back(change.id);
    }
    if (!one_in(10))  // else it comes again
        BOOST_REQUIRE(one.ledger->mark_published(ca, done));
    return one.pages;
}

void SimulatedPair::write(const Published& head) {
    const auto [by, first] = written_by_.try_emplace(head.epoch, head.leadership);
    BOOST_REQUIRE_MESSAGE(by->second == head.leadership, "two have written under epoch " << head.epoch);
    store_.primary.published = head;
    store_.written();
}

void SimulatedPair::publish(Signer& one) {
    if (!one.acts() || !one_in(3))
        return;
    const auto head = next_head(one);
    if (!head || one_in(3))  // it is in the page file; the store gets it with the next one
        return;
    write(*head);
    show(*head);
    BOOST_REQUIRE_MESSAGE(shown_.leadership == one.leadership, "fronts do not believe the one that leads");
    BOOST_REQUIRE_MESSAGE(holds_all(shown_.revoked, promised_), "published without what was acknowledged");
}

void SimulatedPair::copy_pages(Signer& one) {
    if (one.acts() && !one.leads && !one.cut_off && !store_.away && store_.primary.published.epoch != 0)
        one.pages = store_.primary.published;
}

// A front believes what is newer than what it has.
void SimulatedPair::show(const Published& head) {
    if (std::pair{head.epoch, head.sequence} <= std::pair{shown_.epoch, shown_.sequence})
        return;
    for (const unsigned number : shown_.revoked)
        BOOST_REQUIRE_MESSAGE((head.revoked.contains(number) || !promised_.contains(number)),
                              "good again: " << number);
    shown_ = head;
}

void SimulatedPair::happen_to_signers() {
    for (Signer& one : signers_) {
        const bool remembers = memory_counts_ && !one.leads;
        if (one.lease && one_in(150) && !remembers) {
            ++faults;
            kill(one);
        } else if (one.acts() && one_in(150)) {
            ++faults;
            freeze(one, true);
        } else if (one.acts() && one_in(300) && !remembers) {  // stopped in good order
            if (one.leads)
                one.lease->give_up();
            kill(one);
        }
        if (one_in(150)) {
            ++faults;
            one.cut_off = true;
        }
    }
    if (one_in(100)) {
        ++faults;
        link_ = false;
    }
}

void SimulatedPair::happen_to_store() {
    if (one_in(200)) {
        ++faults;
        store_.away = true;
    }
    if (one_in(100))
        store_.replica_answers = false;
    if (one_in(100))
        store_.replica_connected = false;
    if (!one_in(120))
        return;
    // The replica takes the primary's place. Where it was away, what it lacks is known to the signers alone:
    // not to one that is started after it, or was cut off meanwhile.
    const auto sees = [](const Signer& one) { return one.acts() && !one.cut_off; };
    const auto then = claim_from_text(store_.replica.word);
    const auto claim = claim_from_text(store_.primary.word);
    const bool behind = claim && claim->alone && !(then && then->alone && then->holder == claim->holder);
    const bool known = std::ranges::all_of(signers_, sees) && !store_.away;
    if (!store_.replica_connected && !known)
        return;
    if (known) {  // each has looked in this second
        look(signers_[0]);
        look(signers_[1]);
    }
    ++faults;
    memory_counts_ = memory_counts_ || (behind && !store_.replica_connected);
    // Or it was emptied; not when "alone" is lost with it, after which an operator has to say who leads.
    const auto in_doubt = [](const Signer& one) { return one.lease->alone(); };
    if (known && one_in(4) && std::ranges::none_of(signers_, in_doubt))
        store_.replica = {};
    store_.primary = store_.replica;
    store_.away = false;
    store_.replica_connected = store_.replica_answers = true;
}

void SimulatedPair::heal() {
    for (Signer& one : signers_) {
        if (!one.lease && one_in(30))
            start(one);
        if (one.frozen && one_in(20))
            freeze(one, false);
        if (one_in(20))
            one.cut_off = false;
    }
    if (one_in(20))
        link_ = true;
    if (one_in(15))
        store_.away = false;
    if (one_in(20))
        store_.replica_answers = store_.replica_connected = true;
    store_.written();
}

void SimulatedPair::step() {
    second();
    if (one_in(15))
        revoke();
    happen_to_signers();
    happen_to_store();
    heal();
    show(store_.primary.published);
    if (!well() || !one_in(20))
        return;
    // Hours in which nothing happens: the holder renews its lease all the while.
    clock_.advance(seconds{std::uniform_int_distribution<std::int64_t>{60, 12 * 3600}(random_)});
    Signer& leader = signers_[signers_[0].leads ? 0 : 1];
    look(leader);
    talk();
    look(other_of(leader));
}

void SimulatedPair::end() {
    for (Signer& one : signers_) {
        if (one.frozen)
            freeze(one, false);
        if (!one.lease)
            start(one);
        one.cut_off = false;
    }
    link_ = true;
    store_.away = false;
    store_.replica_connected = store_.replica_answers = true;
    for (int i = 0; i < 120; ++i)
        second();
    BOOST_REQUIRE(well());
    BOOST_REQUIRE(holds_all(store_.primary.published.revoked, promised_));
    BOOST_REQUIRE(holds_all(shown_.revoked, promised_));
    for (Signer& one : signers_)
        BOOST_REQUIRE(holds_all(revoked_in(*one.ledger), promised_));
}

}  // namespace eightbells::pair::test
