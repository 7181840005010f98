#include <boost/test/unit_test.hpp>
#include <set>

#include "cache/limits.h"
#include "tests/cache/follower.h"

using namespace eightbells;
using namespace eightbells::cache;

BOOST_AUTO_TEST_SUITE(replica)

BOOST_AUTO_TEST_CASE(before_the_first_load_nothing_is_known_about_any_serial) {
    const BuiltSet set;
    const Follower front{set};
    BOOST_TEST(front.says(never_issued) == "not loaded");
    BOOST_TEST(front.snapshot()->pages_total() == 0U);
    BOOST_TEST((front.snapshot()->earliest_next_update() == year_9999));
    BOOST_TEST(front.snapshot()->crls().empty());
}

BOOST_AUTO_TEST_CASE(every_issued_certificate_is_found_under_both_hashes_and_nothing_else_is) {
    for (const unsigned page_bits : {0U, 1U, 4U, 8U, 9U}) {
        BuiltSet set{page_bits};
        MemoryStore store;
        std::vector<Bytes> serials = set.issue_many(60);
        set.revoke(serials[7]);
        publish(store, set.publish_all());
        Follower front{set};
        const SyncReport report = front.sync(store);
        BOOST_TEST(report.head_seen);
        BOOST_TEST(report.advanced);
        BOOST_TEST(!report.behind);
        BOOST_TEST(report.rejected == 0U, report.first_rejection);
        for (std::size_t i = 0; i < serials.size(); ++i)
            BOOST_TEST(front.says(serials[i]) == (i == 7 ? "revoked" : "good"));
        BOOST_TEST(front.says(never_issued) == "not issued");
        const auto snapshot = front.snapshot();
        BOOST_TEST(snapshot->records() == 120U);
        BOOST_TEST(snapshot->pages_loaded() == snapshot->pages_total());
        BOOST_TEST(snapshot->pages_stale() == 0U);
        BOOST_TEST((snapshot->earliest_next_update() == set.now + set.validity));
        BOOST_TEST((snapshot->oldest_produced_at() == set.now));
        BOOST_TEST((snapshot->head() == set.head()));
        std::size_t seen = 0;
        snapshot->for_each([&](SetId, const IssuerSnapshot::Found&) { return ++seen < 1000; });
        BOOST_TEST(seen == 120U);
        seen = 0;
        snapshot->for_each([&](SetId, const IssuerSnapshot::Found&) { return ++seen < 5; });
        BOOST_TEST(seen == 5U);
    }
}

BOOST_AUTO_TEST_CASE(an_issuer_without_certificates_has_issued_none) {
    BuiltSet set;
    MemoryStore store;
    publish(store, set.publish_all());
    Follower front{set};
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST(front.says(never_issued) == "not issued");
}

// Covers: D-17
BOOST_AUTO_TEST_CASE(a_patch_replaces_both_variants_in_one_step_and_is_folded_into_its_page_unseen) {
    BuiltSet set;
    MemoryStore store;
    const Bytes a = set.issue();
    const Bytes b = set.issue();
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    set.revoke(a);
    const Bytes later = set.issue();
    publish(store, set.publish());
    const auto before = front.snapshot();
    front.sync(store);
    BOOST_TEST(front.says(a) == "revoked");
    BOOST_TEST(front.says(b) == "good");
    BOOST_TEST(front.says(later) == "good");
    std::size_t seen = 0;
    front.snapshot()->for_each([&](SetId, const IssuerSnapshot::Found&) { return ++seen > 0; });
    BOOST_TEST(seen == 6U);
    // Who holds the older snapshot still has it as it was.
    IssuerSnapshot::Found found;
    BOOST_TEST((before->find(HashAlgorithm::sha1, a, BuiltSet::hash_of(a), found) == Lookup::found));
    BOOST_TEST(!found.single.status.has_value());
    publish(store, set.publish({set.page_of(a), set.page_of(later)}));
    BOOST_TEST(set.head().patches.empty());
    front.sync(store);
    BOOST_TEST(front.says(a) == "revoked");
    BOOST_TEST(front.says(later) == "good");
}

BOOST_AUTO_TEST_CASE(a_patch_counts_only_over_older_pages) {
    BuiltSet set{0};
    MemoryStore store;
    const Bytes a = set.issue();
    const Bytes b = set.issue();
    publish(store, set.publish_all());
    set.revoke(a, CrlReason::certificate_hold);
    publish(store, set.publish());
    const MemoryStore with_patch = store;
    set.release(a);
    Batch batch = set.publish({0});
    BOOST_TEST(set.head().patches.empty());
    publish(store, batch);
    Follower front{set};
    front.sync(store);
    BOOST_TEST(front.says(a) == "good");
    BOOST_TEST(front.says(b) == "good");
    // A front that met it in between says what was true then.
    Follower other{set};
    MemoryStore old = with_patch;
    other.sync(old);
    BOOST_TEST(other.says(a) == "revoked");
    other.sync(store);
    BOOST_TEST(other.says(a) == "good");
}

// Whatever a head says, one that was followed and one that is read afresh say the same: a hold that an older
// patch tells of comes back with it, and never the page's good. Covers: C-08
BOOST_AUTO_TEST_CASE(where_a_patch_leaves_without_its_pages_an_older_one_counts_again) {
    BuiltSet set;
    MemoryStore store;
    const Bytes held = set.issue();
    const Bytes other = set.issue();
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    set.revoke(held, CrlReason::certificate_hold);
    publish(store, set.publish());
    front.sync(store);
    set.release(held);
    set.revoke(other);
    publish(store, set.publish());
    front.sync(store);
    BOOST_TEST(front.says(held) == "good");
    BOOST_TEST(front.says(other) == "revoked");
    publish(store, set.drop_patch());
    front.sync(store);
    Follower fresh{set};
    fresh.sync(store);
    BOOST_TEST(fresh.says(held) == "revoked");
    BOOST_TEST(front.says(held) == "revoked");
    BOOST_TEST(front.says(other) == fresh.says(other));
}

BOOST_AUTO_TEST_CASE(when_nothing_changed_a_pass_costs_one_fetch_and_a_change_costs_what_changed) {
    BuiltSet set{9};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(2000);
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    store.fetches = store.names_fetched = 0;
    BOOST_TEST(!front.sync(store).advanced);
    BOOST_TEST(store.names_fetched == 1U);
    publish(store, set.publish({set.page_of(serials[0])}));
    store.fetches = store.names_fetched = 0;
    BOOST_TEST(front.sync(store).advanced);
    // The head; for each hash: the root, one table, one page. (The settled sets are empty.)
    BOOST_TEST(store.names_fetched == 7U);
}

// Covers: B-23, C-05
BOOST_AUTO_TEST_CASE(one_flipped_bit_anywhere_is_never_served) {
    BuiltSet set{2};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(12);
    publish(store, set.publish_all());
    set.revoke(serials[0]);
    publish(store, set.publish());
    const auto whole = store.blobs;
    for (const auto& [name, bytes] : whole) {
        for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
            store.blobs = whole;
            store.blobs[name][at] ^= 0x10;
            Follower front{set};
            const SyncReport report = front.sync(store);
            BOOST_TEST(report.rejected >= 1U, name);
            BOOST_TEST(contains(report.first_rejection, name), report.first_rejection);
            for (std::size_t i = 0; i < serials.size(); ++i) {
                IssuerSnapshot::Found found;
                for (const HashAlgorithm hash : both_hashes) {
                    const Lookup lookup =
                        front.snapshot()->find(hash, serials[i], BuiltSet::hash_of(serials[i]), found);
                    BOOST_TEST((lookup != Lookup::not_issued), name);
                    if (lookup == Lookup::found)
                        BOOST_TEST(found.single.status.has_value() == (i == 0), name);
                }
            }
            // It heals when the store does.
            store.blobs = whole;
            BOOST_TEST(!front.sync(store).behind);
            BOOST_TEST(front.says(serials[0]) == "revoked");
            BOOST_TEST(front.says(never_issued) == "not issued");
        }
    }
}

// Covers: B-23, C-05
BOOST_AUTO_TEST_CASE(a_missing_page_proves_nothing_and_the_others_are_served) {
    BuiltSet set;
    MemoryStore store;
    const Bytes a = set.issue();
    Bytes b = set.issue();
    while (set.page_of(b) == set.page_of(a))
        b = set.issue();
    publish(store, set.publish_all());
    for (const HashAlgorithm hash : both_hashes)
        store.blobs.erase(page_of(set, a, hash));
    Follower front{set};
    const SyncReport report = front.sync(store);
    BOOST_TEST(report.behind);
    BOOST_TEST(report.rejected == 2U);
    BOOST_TEST(contains(report.first_rejection, "is not there"));
    BOOST_TEST(front.says(a) == "not loaded");
    BOOST_TEST(front.says(b) == "good");
    BOOST_TEST(front.snapshot()->pages_loaded() + 2 == front.snapshot()->pages_total());
}

BOOST_AUTO_TEST_CASE(a_head_of_a_strange_key_or_of_another_issuer_is_not_followed) {
    BuiltSet set;
    const Bytes a = set.issue();
    MemoryStore store;
    publish(store, set.publish_all());
    BuiltSet stranger{4, set.issuer(), 2};
    const Bytes b = stranger.issue();
    MemoryStore other;
    publish(other, stranger.publish_all());
    Follower front{set};
    const SyncReport refused = front.sync(other);
    BOOST_TEST(!refused.head_seen);
    BOOST_TEST(refused.rejected == 1U);
    BOOST_TEST(front.says(b) == "not loaded");
    front.sync(store);
    BOOST_TEST(!front.sync(other).advanced);
    BOOST_TEST(front.says(a) == "good");

    BuiltSet neighbour{4, "ffffffffffffffffffffffffffffffff"};
    neighbour.issue();
    Batch batch = neighbour.publish_all();
    batch.issuer = set.issuer();  // under our head's name
    publish(store, batch);
    const SyncReport mixed = front.sync(store);
    BOOST_TEST(contains(mixed.first_rejection, "another issuer"), mixed.first_rejection);
    BOOST_TEST(front.says(a) == "good");
}

// Covers: C-08, D-20
BOOST_AUTO_TEST_CASE(yesterdays_copy_of_the_store_is_refused_also_after_a_restart) {
    BuiltSet set;
    const Bytes a = set.issue();
    MemoryStore store;
    publish(store, set.publish_all());
    MemoryStore yesterday = store;
    set.now += seconds{3600};
    set.revoke(a);
    publish(store, set.publish());
    set.now += seconds{3600};
    publish(store, set.publish({set.page_of(a)}));
    Follower front{set};
    front.sync(store);
    for (int i = 0; i < 2; ++i) {
        const SyncReport report = front.sync(yesterday);
        BOOST_TEST(!report.head_seen);
        BOOST_TEST(contains(report.first_rejection, "is older than 1.3"), report.first_rejection);
        BOOST_TEST(front.says(a) == "revoked");
        front.restart();
        BOOST_TEST(front.says(a) == "revoked");
    }
    // Its pages under the present head: not verified, the newer ones stay.
    for (auto& [name, bytes] : yesterday.blobs) {
        if (contains(name, ":page:"))
            store.blobs[name] = bytes;
    }
    publish(store, set.publish({(set.page_of(a) + 1) % set.pages()}));
    front.sync(store);
    BOOST_TEST(front.says(a) == "revoked");
    // With its page file lost but the floor kept, the old copy is refused, too.
    {
        auto change = front.own().begin(true);
        BOOST_REQUIRE(change->erase(head_name(set.issuer())));
        BOOST_REQUIRE(change->commit());
    }
    front.restart();
    BOOST_TEST(front.says(a) == "not loaded");
    front.sync(yesterday);
    BOOST_TEST(front.says(a) == "not loaded");
}

BOOST_AUTO_TEST_CASE(
    a_higher_epoch_is_newer_whatever_its_sequence_and_two_heads_of_one_version_are_one_too_many) {
    BuiltSet set;
    const Bytes a = set.issue();
    MemoryStore store;
    publish(store, set.publish_all());
    BuiltSet twin = set;
    Follower front{set};
    front.sync(store);
    set.revoke(a);
    publish(store, set.publish());
    front.sync(store);
    MemoryStore other = store;
    twin.issue();
    publish(other, twin.publish());
    const SyncReport report = front.sync(other);
    BOOST_TEST(contains(report.first_rejection, "another head under the version 1.2"),
               report.first_rejection);
    BOOST_TEST(front.says(a) == "revoked");
    set.begin_epoch(2);
    publish(store, set.publish_all());
    BOOST_TEST(front.sync(store).advanced);
    BOOST_TEST((front.own().floor(set.issuer()).value() == set.version()));
}

// The heart of the rule: the page under the new head cannot be had, and the patch that was laid over the old
// one is gone from the head.
// Covers: C-08, B-23, C-05
BOOST_AUTO_TEST_CASE(where_a_new_page_does_not_verify_the_old_one_stays_with_what_was_laid_over_it) {
    BuiltSet set;
    MemoryStore store;
    const Bytes a = set.issue();
    const Bytes b = set.issue();
    Bytes elsewhere = set.issue();
    while (set.page_of(elsewhere) == set.page_of(a))
        elsewhere = set.issue();
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    set.revoke(a);
    publish(store, set.publish());
    front.sync(store);
    BOOST_TEST(front.says(a) == "revoked");

    const auto old_blobs = store.blobs;
    set.now += seconds{3600};
    const Bytes late = set.issue();
    publish(store, set.publish({set.page_of(a), set.page_of(late)}));
    BOOST_TEST(set.head().patches.empty());
    const auto good_blobs = store.blobs;
    for (const HashAlgorithm hash : both_hashes)
        store.blobs[page_of(set, a, hash)] = old_blobs.at(page_of(set, a, hash));
    for (int pass = 0; pass < 3; ++pass) {
        const SyncReport report = front.sync(store);
        BOOST_TEST(report.head_seen);
        BOOST_TEST(report.behind);
        BOOST_TEST(report.rejected == 2U);
        BOOST_TEST(front.says(a) == "revoked");
        BOOST_TEST(front.says(elsewhere) == "good");
        BOOST_TEST(front.snapshot()->pages_stale() == 2U);
        // Its page may have it by now.
        Bytes neighbour = never_issued;
        while (set.page_of(neighbour) != set.page_of(a))
            ++neighbour.back();
        BOOST_TEST(front.says(neighbour) == "not loaded");
    }
    // After a restart with the store as broken as it was: no answer, but no false one either.
    front.restart();
    BOOST_TEST(front.says(a) == "not loaded");
    BOOST_TEST(front.says(elsewhere) == "good");
    front.sync(store);
    BOOST_TEST(front.says(a) == "not loaded");
    store.blobs = good_blobs;
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST(front.says(a) == "revoked");
    BOOST_TEST(front.says(late) == "good");
    BOOST_TEST(front.snapshot()->pages_stale() == 0U);
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(where_a_new_patch_does_not_verify_older_patches_stay_and_nothing_counts_as_unissued) {
    BuiltSet set;
    MemoryStore store;
    const Bytes a = set.issue();
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    set.revoke(a);
    publish(store, set.publish());
    front.sync(store);
    const Bytes late = set.issue();
    publish(store, set.publish());
    const std::string lost = patch_name(set.issuer(), set.version().sequence);
    const Bytes kept = store.blobs.at(lost);
    store.blobs[lost] = Bytes(kept.size(), 0);
    BOOST_TEST(front.sync(store).behind);
    BOOST_TEST(front.says(a) == "revoked");
    BOOST_TEST(front.says(late) == "not loaded");
    store.blobs[lost] = kept;
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST(front.says(late) == "good");
    BOOST_TEST(front.says(never_issued) == "not issued");
}

// Covers: C-08
BOOST_AUTO_TEST_CASE(
    a_certificate_that_expired_while_its_old_page_is_stuck_is_answered_by_the_verified_page) {
    BuiltSet set{0};
    MemoryStore store;
    const Bytes a = set.issue();
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    const auto old_blobs = store.blobs;
    set.revoke(a);
    set.expire(a);
    const Bytes other = set.issue();
    publish(store, set.publish({0}));
    for (const HashAlgorithm hash : both_hashes) {
        const std::string live = page_name(set.issuer(), {hash, Life::live}, 0, 0);
        store.blobs[live] = old_blobs.at(live);
    }
    BOOST_TEST(front.sync(store).behind);
    BOOST_TEST(front.says(a) == "revoked");  // the stale live page says good
    BOOST_TEST(front.says(other) == "not loaded");
}

BOOST_AUTO_TEST_CASE(a_publication_in_the_middle_of_a_pass_is_caught_up_with_in_the_next_round) {
    BuiltSet set;
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(50);
    publish(store, set.publish_all());
    Follower front{set};
    set.revoke(serials[3]);
    Batch next = set.publish_all();
    // Just after the head was read.
    store.after_each = [&](const std::string& name) {
        if (name == head_name(set.issuer()) && !next.head.empty())
            publish(store, std::exchange(next, {}));
    };
    const SyncReport report = front.sync(store);
    BOOST_TEST(!report.behind);
    BOOST_TEST(report.rejected == 0U, report.first_rejection);
    BOOST_TEST((front.snapshot()->head() == set.head()));
    BOOST_TEST(front.says(serials[3]) == "revoked");
}

// Below a table of ten million certificates that does not verify for a moment lie 65,536 pages.
// Covers: D-17
BOOST_AUTO_TEST_CASE(a_publication_between_a_head_and_its_tables_costs_no_more_than_what_changed) {
    BuiltSet set{9};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(2000);
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    publish(store, set.publish({set.page_of(serials[0])}));
    Batch next = set.publish({set.page_of(serials[1])});
    store.after_each = [&](const std::string& name) {
        if (name == head_name(set.issuer()) && !next.head.empty())
            publish(store, std::exchange(next, {}));
    };
    store.names_fetched = 0;
    const SyncReport report = front.sync(store);
    BOOST_TEST(!report.behind);
    BOOST_TEST(report.rejected == 0U, report.first_rejection);
    BOOST_TEST((front.snapshot()->head() == set.head()));
    // The heads; for each hash the root of either, two tables, two pages.
    BOOST_TEST(store.names_fetched <= 3U + 2U * 6U);
}

// Covers: B-23, D-17
BOOST_AUTO_TEST_CASE(pages_below_a_table_that_was_damaged_for_a_while_are_not_fetched_again) {
    BuiltSet set{9};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(2000);
    publish(store, set.publish_all());
    Follower front{set};
    front.sync(store);
    publish(store, set.publish({set.page_of(serials[0])}));
    const std::string root = table_name(set.issuer(), {HashAlgorithm::sha256, Life::live}, 9, {1, 0});
    store.lie = [&](const std::string& name, std::optional<Bytes> blob) {
        return name == root ? Bytes{1, 2, 3} : std::move(blob);
    };
    BOOST_TEST(front.sync(store).behind);
    BOOST_TEST(front.snapshot()->pages_stale() > 300U);
    store.lie = {};
    store.names_fetched = 0;
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST(front.snapshot()->pages_stale() == 0U);
    BOOST_TEST(store.names_fetched <= 5U);  // head, root, two tables, the page
}

BOOST_AUTO_TEST_CASE(a_store_that_always_moves_on_ends_the_pass_after_some_rounds) {
    BuiltSet set;
    MemoryStore store;
    const Bytes a = set.issue();
    publish(store, set.publish_all());
    Follower front{set};
    int heads = 0;
    store.after_each = [&](const std::string& name) {
        if (name != head_name(set.issuer()))
            return;
        ++heads;
        publish(store, set.publish_all());
    };
    BOOST_TEST(front.sync(store).behind);
    BOOST_TEST(heads == static_cast<int>(limits::sync_rounds));
    store.after_each = {};
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST(front.says(a) == "good");
}

BOOST_AUTO_TEST_CASE(a_split_changes_no_answer_and_a_page_that_is_lost_on_the_way_is_answered_from_before) {
    BuiltSet set{2};
    MemoryStore store;
    std::vector<Bytes> serials = set.issue_many(40);
    publish(store, set.publish_all());
    set.revoke(serials[0]);
    publish(store, set.publish());
    Follower front{set};
    front.sync(store);
    publish(store, set.split());
    const std::string lost = page_of(set, serials[0]);
    const Bytes kept = store.blobs.at(lost);
    store.blobs.erase(lost);
    BOOST_TEST(front.sync(store).behind);
    const auto all_as_before = [&] {
        for (std::size_t i = 0; i < serials.size(); ++i)
            BOOST_TEST(front.says(serials[i]) == (i == 0 ? "revoked" : "good"));
    };
    all_as_before();
    BOOST_TEST(front.snapshot()->pages_stale() == 1U);
    std::set<std::pair<bool, Bytes>> seen;
    std::size_t count = 0;
    front.snapshot()->for_each([&](SetId id, const IssuerSnapshot::Found& found) {
        seen.insert(
            {id.hash == HashAlgorithm::sha1, Bytes(found.single.serial.begin(), found.single.serial.end())});
        return ++count > 0;
    });
    BOOST_TEST(count == 80U);
    BOOST_TEST(seen.size() == 80U);
    store.blobs[lost] = kept;
    BOOST_TEST(!front.sync(store).behind);
    all_as_before();
    front.restart();
    all_as_before();
    BOOST_TEST(front.says(never_issued) == "not issued");
    // The own page file does not go on holding what was before.
    const std::string old_page = page_name(set.issuer(), {HashAlgorithm::sha256, Life::live}, 2, 0);
    BOOST_TEST(!front.own().fetch({&old_page, 1})->front().has_value());
}

BOOST_AUTO_TEST_CASE(a_hash_that_was_switched_off_disappears) {
    BuiltSet set;
    MemoryStore store;
    const Bytes a = set.issue();
    publish(store, set.publish_all());
    set.revoke(a);
    publish(store, set.publish());
    Follower front{set};
    front.sync(store);
    set.switch_off(HashAlgorithm::sha1);
    publish(store, set.publish());
    BOOST_TEST(!front.sync(store).behind);
    BOOST_TEST((front.look(a, HashAlgorithm::sha1) == Lookup::not_loaded));
    BOOST_TEST((front.look(a, HashAlgorithm::sha256) == Lookup::found));
    front.restart();
    BOOST_TEST((front.look(a, HashAlgorithm::sha1) == Lookup::not_loaded));
    BOOST_TEST((front.look(a, HashAlgorithm::sha256) == Lookup::found));
}

// Covers: G-23
BOOST_AUTO_TEST_SUITE_END()
