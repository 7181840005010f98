// A front with a bound on its memory: pages that are not there are read from its own page file.
#define BOOST_TEST_MODULE front_pages
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <mutex>
#include <thread>

#include "cache/page_file.h"
#include "responder/front/limits.h"
#include "responder/front/worker.h"
#include "tests/front/small.h"

namespace eightbells::front::test {
namespace {

using cache::IssuerSnapshot;
using metrics::Outcome;

World::Options with_room_for(std::size_t octets) {
    World::Options options;
    options.pool_octets = octets;
    return options;
}

// 400 certificates on 16 pages of 3 KB for each hash, of which a third fit into memory.
struct Capped : World {
    Capped() : World(with_room_for(36 * 1024)) {
        for (int i = 0; i < 400; ++i)
            serials.push_back(set().issue());
        for (std::size_t i = 0; i < serials.size(); i += 10)
            set().revoke(serials[i]);
        publish();
    }
    // Once the page has been read.
    Response await() {
        for (;;) {
            turn();
            if (auto response = answer())
                return *response;
            wait_turn();
        }
    }
    void send_request(const Bytes& request) {
        send("GET " + path_of(request) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    // The reader has told what became of the page.
    void send_and_let_read(const Bytes& request) {
        turn();
        const unsigned before = wakes;
        send_request(request);
        while (wakes == before)
            wait_turn();
    }
    std::string ask_for(const Bytes& serial, HashAlgorithm hash) {
        const AskedId id = id_of(authority(), serial, hash);
        send_request(request_der({id}));
        return verdict(await(), authority(), {id});
    }
    bool is_on_disk(const Bytes& serial) const {
        IssuerSnapshot::Found found;
        return state->snapshots[0]->find(HashAlgorithm::sha256, serial,
                                         cache::built::BuiltSet::hash_of(serial),
                                         found) == IssuerSnapshot::Lookup::on_disk;
    }
    Bytes one_on_disk() const {
        const auto found =
            std::ranges::find_if(serials, [&](const Bytes& serial) { return is_on_disk(serial); });
        BOOST_REQUIRE((found != serials.end()));
        return *found;
    }
    std::string name_of_page(const Bytes& serial) {
        return cache::page_name(set().issuer(), {HashAlgorithm::sha256, cache::Life::live}, 4,
                                set().page_of(serial));
    }
    void damage(const std::string& page) {
        const auto own = need(
            cache::PageFile::open(folder / "front" / cache::page_file_name, cache::PageFile::Access::write));
        auto change = need(own->begin(false));
        BOOST_REQUIRE(change.put(page, Bytes{1, 2, 3}));
        BOOST_REQUIRE(change.commit());
    }
    std::vector<Bytes> serials;
};

struct Told final : PageWaits::Waiting {
    explicit Told(std::vector<PageOutcome>& to) : told(to) {}
    void arrived(PageOutcome outcome) noexcept override { told.push_back(outcome); }
    std::vector<PageOutcome>& told;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(pages_on_disk)

// Covers: B-24
BOOST_FIXTURE_TEST_CASE(every_certificate_is_answered_for_though_a_third_of_them_fits_into_memory, Capped) {
    BOOST_TEST(state->snapshots[0]->complete());
    BOOST_TEST(state->snapshots[0]->octets() > 3 * pool->limit() / 2);
    store->fail_after = 0;  // nobody is asked but the own page file
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < serials.size(); ++i) {
            for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256})
                BOOST_REQUIRE_EQUAL(ask_for(serials[i], hash), i % 10 == 0 ? "revoked" : "good");
            BOOST_REQUIRE_LE(pool->octets(), pool->limit());
        }
    }
    BOOST_TEST(ask_for({0x12, 0x34, 0x56}, HashAlgorithm::sha256) == "unauthorized");
    BOOST_TEST(metrics->page_reads().value() > 100U);
    BOOST_TEST(metrics->page_waits().value() >= metrics->page_reads().value());
    BOOST_TEST(metrics->page_waits().value() < 1601U);  // some were in memory
    BOOST_TEST(metrics->page_read_failures().value() == 0U);
    BOOST_TEST(metrics->page_waits_refused().value() == 0U);
    BOOST_TEST(counted(Outcome::good, metrics::Method::get) == 720U);
    BOOST_TEST(counted(Outcome::revoked, metrics::Method::get) == 80U);
}

BOOST_FIXTURE_TEST_CASE(the_end_of_the_signers_certificate_is_told_though_no_page_is_held, Capped) {
    BOOST_TEST(metrics->signer_certificate_not_after(0).value() ==
               static_cast<double>(to_unix(authority().signer->not_after())));
}

BOOST_FIXTURE_TEST_CASE(a_page_is_read_once_however_many_wait_for_it, Capped) {
    const Bytes serial = one_on_disk();
    const AskedId id = id_of(authority(), serial);
    const std::string request = "GET " + path_of(request_der({id})) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    std::vector<int> clients;
    for (int i = 0; i < 50; ++i) {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        listener->serve(ends[1]);
        clients.push_back(ends[0]);
        BOOST_REQUIRE(::send(ends[0], request.data(), request.size(), 0) > 0);
    }
    std::string first;
    for (const int client : clients) {
        char answer[65536];
        ssize_t got = -1;
        while ((got = ::recv(client, answer, sizeof answer, MSG_DONTWAIT)) < 0)
            wait_turn();
        const std::string_view text(answer, static_cast<std::size_t>(got));
        const std::string body(text.substr(text.find("\r\n\r\n") + 4));
        BOOST_TEST((body.size() > 500 && (first.empty() || body == first)));
        first = body;
        ::close(client);
    }
    // A second time at most: who asked in the moment between its coming and its being known to have come.
    BOOST_TEST(metrics->page_reads().value() >= 1U);
    BOOST_TEST(metrics->page_reads().value() <= 2U);
    BOOST_TEST(metrics->page_waits().value() >= 1U);
}

// Between the commit to the own page file and the worker's next state lies a moment in which the old page is
// gone and the new one is not known yet.
BOOST_FIXTURE_TEST_CASE(who_asks_for_a_page_that_is_being_replaced_gets_the_answer_of_the_next_state,
                        Capped) {
    const auto serial =
        std::ranges::find_if(serials, [&](const Bytes& one) { return is_on_disk(one) && one != serials[0]; });
    BOOST_REQUIRE((serial != serials.end()));
    holds_back = true;
    set().revoke(*serial);
    publish();
    const AskedId id = id_of(authority(), *serial);
    send_and_let_read(request_der({id}));
    BOOST_TEST(!answer());
    holds_back = false;
    take(state);
    BOOST_TEST(verdict(await(), authority(), {id}) == "revoked");
    BOOST_TEST(metrics->page_read_failures().value() == 0U);
    BOOST_TEST(metrics->page_waits_refused().value() == 0U);
}

BOOST_FIXTURE_TEST_CASE(who_waits_for_a_state_that_does_not_come_gets_try_later, Capped) {
    const Bytes serial = one_on_disk();
    holds_back = true;
    publish();
    send_and_let_read(request_der({id_of(authority(), serial)}));
    BOOST_TEST(!answer());
    clock.advance(seconds(3));
    const Response response = await();
    BOOST_TEST(verdict(response) == "tryLater");
    BOOST_TEST(is_uncacheable(response));
    BOOST_TEST(metrics->page_waits_refused().value() == 1U);
    BOOST_TEST(counted(Outcome::try_later_not_loaded, metrics::Method::get) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_damaged_page_is_try_later_and_counted_and_others_are_answered, Capped) {
    const Bytes serial = one_on_disk();
    damage(name_of_page(serial));
    BOOST_TEST(ask_for(serial, HashAlgorithm::sha256) == "tryLater");
    BOOST_TEST(metrics->page_read_failures().value() == 1U);
    BOOST_TEST(ask_for(serial, HashAlgorithm::sha1) != "tryLater");
}

// Covers: B-24
BOOST_FIXTURE_TEST_CASE(a_damaged_page_is_fetched_anew_by_the_next_pass_or_when_the_store_is_back, Capped) {
    const Bytes serial = one_on_disk();
    damage(name_of_page(serial));
    store->offline = true;
    for (int i = 0; i < 2; ++i) {
        BOOST_TEST(ask_for(serial, HashAlgorithm::sha256) == "tryLater");
        sync();
        clock.advance(limits::lost_pages_pause);
    }
    BOOST_TEST(metrics->page_read_failures().value() == 2U);
    BOOST_TEST(metrics->pages_mended(0).value() == 0U);
    store->offline = false;
    sync();
    BOOST_TEST(metrics->pages_mended(0).value() == 1U);
    BOOST_TEST(ask_for(serial, HashAlgorithm::sha256) != "tryLater");
    BOOST_TEST(metrics->page_read_failures().value() == 2U);
}

// Covers: B-24
BOOST_FIXTURE_TEST_CASE(a_disk_that_damages_all_it_is_given_costs_the_store_no_more_than_a_page_a_second,
                        Capped) {
    const Bytes serial = one_on_disk();
    clock.advance(limits::lost_pages_pause);
    sync();
    store->names_fetched = 0;
    for (int i = 0; i < 20; ++i) {
        damage(name_of_page(serial));
        if (is_on_disk(serial))
            BOOST_TEST(ask_for(serial, HashAlgorithm::sha256) == "tryLater");
        sync();
    }
    BOOST_TEST(store->names_fetched == 20U);  // the heads
    clock.advance(limits::lost_pages_pause);
    sync();
    BOOST_TEST(store->names_fetched == 22U);
    BOOST_TEST(metrics->pages_mended(0).value() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_worker_that_has_ended_before_the_others_keeps_no_page_in_memory, Capped) {
    const OcspPaths paths(std::vector<std::string>{"/ocsp"});
    const auto ended = need(Worker::open({}, {.paths = paths,
                                              .metrics = *metrics,
                                              .signers = {},
                                              .pool = pool.get(),
                                              .pages = page_reader.get(),
                                              .limits = {},
                                              .clock = clock,
                                              .state = state}));
    ended->start();
    ended->drain();
    ended->join();
    for (std::size_t i = 0; i < serials.size(); ++i)
        BOOST_REQUIRE_EQUAL(ask_for(serials[i], HashAlgorithm::sha256), i % 10 == 0 ? "revoked" : "good");
    BOOST_TEST(metrics->page_read_failures().value() == 0U);
}

BOOST_FIXTURE_TEST_CASE(no_more_than_a_bound_wait_and_the_next_gets_try_later_at_once, Capped) {
    std::vector<PageOutcome> told;
    for (std::size_t i = 0; i < limits::page_waiters; ++i)
        pages->wait({}, std::make_unique<Told>(told));
    const Bytes serial = one_on_disk();
    const Response refused = get(path_of(request_der({id_of(authority(), serial)})));
    BOOST_TEST(verdict(refused) == "tryLater");
    BOOST_TEST(is_uncacheable(refused));
    BOOST_TEST(metrics->page_waits_refused().value() == 1U);
    BOOST_TEST(metrics->page_waits().value() == 0U);
    BOOST_TEST(metrics->page_reads().value() == 0U);
    // Nothing comes for those: they hear of it when their time is over, and there is room again.
    clock.advance(seconds(3));
    while (told.empty())
        wait_turn();
    BOOST_TEST(told.size() == limits::page_waiters);
    BOOST_TEST((told.front() == PageOutcome::failed));
    BOOST_TEST(ask_for(serial, HashAlgorithm::sha256) != "tryLater");
}

BOOST_FIXTURE_TEST_CASE(no_more_than_a_bound_of_pages_wait_to_be_read, Capped) {
    // The reader's thread is held where it tells that the first one is there.
    std::mutex held;
    std::atomic<int> wakes_there{0};
    std::unique_lock holding(held);
    const auto inbox = std::make_shared<PageReader::Inbox>([&] {
        ++wakes_there;
        const std::lock_guard wait(held);
    });
    PageReader reader(folder / "nothing-here", *metrics, clock);
    const auto number = [](std::uint32_t i) {
        cache::PageRef page{{HashAlgorithm::sha1, cache::Life::live}, 4, 0, {}};
        page.digest[0] = static_cast<std::uint8_t>(i);
        page.digest[1] = static_cast<std::uint8_t>(i >> 8);
        return page;
    };
    const auto snapshot = state->snapshots[0];
    BOOST_REQUIRE(reader.ask(inbox, snapshot, number(0)));
    while (wakes_there == 0)
        std::this_thread::yield();
    for (std::uint32_t i = 1; i <= limits::page_reads_waiting; ++i)
        BOOST_REQUIRE(reader.ask(inbox, snapshot, number(i)));
    const auto last = static_cast<std::uint32_t>(limits::page_reads_waiting);
    BOOST_TEST(!reader.ask(inbox, snapshot, number(last + 1)));
    BOOST_TEST(reader.ask(inbox, snapshot, number(last)));  // somebody waits for it already
    holding.unlock();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eightbells::front::test
