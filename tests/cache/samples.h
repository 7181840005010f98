#ifndef EIGHTBELLS_TESTS_CACHE_SAMPLES_H
#define EIGHTBELLS_TESTS_CACHE_SAMPLES_H

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cache/page.h"
#include "cache/patch.h"
#include "responder/crypto/digest.h"
#include "tests/cache/said.h"

// Seeded random records, pages and digests. A failing case is run again with EIGHTBELLS_SEED=<the seed
// printed>.
namespace eightbells::cache::samples {

inline std::uint64_t seed() {
    const char* given = std::getenv("EIGHTBELLS_SEED");
    const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    BOOST_TEST_MESSAGE("EIGHTBELLS_SEED=" << value);
    return value;
}

// 2026-11-22T06:40:00Z and a day
inline constexpr UtcTime now = from_unix(1795329600);
inline constexpr BaseTimes day{now, now - seconds{300}, now + seconds{86400}};

class Samples {
  public:
    explicit Samples(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t bound) {
        return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
    }
    bool chance(unsigned percent) { return below(100) < percent; }

    // Kept as long as this object, for records to borrow.
    ByteView octets(std::size_t size) {
        Bytes& bytes = kept_.emplace_back(size);
        for (std::uint8_t& octet : bytes)
            octet = static_cast<std::uint8_t>(random_());
        return bytes;
    }
    ByteView serial(std::size_t size) {
        octets(size);
        std::uint8_t& first = kept_.back().front();
        first = first == 0 ? 1 : first;
        return kept_.back();
    }
    // Short ones often, so that neighbours and different lengths meet.
    ByteView serial() { return serial(chance(30) ? 1 + below(3) : 1 + below(20)); }

    Digest digest() {
        Digest value{};
        std::ranges::copy(octets(value.size()), value.begin());
        value[0] |= 1;
        return value;
    }
    std::vector<Digest> digests(std::size_t count) {
        std::vector<Digest> all(count);
        std::ranges::generate(all, [&] { return digest(); });
        return all;
    }
    UtcTime time() {
        switch (below(4)) {
            case 0:
                return year_9999 - seconds{below(3)};
            case 1:
                return from_unix(static_cast<std::int64_t>(below(3)));
            case 2:
                return now + seconds{below(1'000'000)} - seconds{500'000};
            default:
                return from_unix(static_cast<std::int64_t>(below(253402300800)));
        }
    }
    BaseTimes times() { return {time(), time(), time()}; }
    BaseTimes times_near(const BaseTimes& base) {
        BaseTimes t = base;
        if (chance(20))
            t.produced_at = time();
        if (chance(20))
            t.this_update = time();
        if (chance(20))
            t.next_update = chance(50) ? year_9999 : time();
        return t;
    }
    CertStatus status() {
        static constexpr std::uint8_t codes[] = {1, 2, 3, 4, 5, 6, 9, 10};
        if (chance(60))
            return std::nullopt;
        Revocation revocation;
        revocation.time = time();
        if (chance(70))
            revocation.reason = CrlReason{codes[below(std::size(codes))]};
        return revocation;
    }
    std::size_t signature_octets() {
        static constexpr std::size_t sizes[] = {1, 64, 64, 64, 96, 127, 128, 256, 132};
        return sizes[below(std::size(sizes))];
    }
    Record record(ByteView serial, const BaseTimes& base, std::size_t profiles) {
        Record r;
        r.serial = serial;
        r.status = status();
        r.profile = static_cast<std::uint8_t>(below(profiles));
        r.times = times_near(base);
        r.signature = octets(signature_octets());
        if (chance(20))
            r.extensions = octets(1 + below(200));
        return r;
    }
    // Different serials, in no order.
    std::vector<Record> records(std::size_t count, const BaseTimes& base, std::size_t profiles) {
        std::set<Bytes> taken;
        std::vector<Record> all;
        while (all.size() < count) {
            const ByteView one = serial();
            if (taken.insert(Bytes(one.begin(), one.end())).second)
                all.push_back(record(one, base, profiles));
        }
        return all;
    }
    PageHeader header(unsigned page_bits, std::uint32_t index) {
        PageHeader h;
        h.set = set();
        h.page_bits = static_cast<std::uint8_t>(page_bits);
        h.index = index;
        h.sequence = below(1'000'000);
        h.times = chance(50) ? day : times();
        h.profiles = digests(1 + below(8));
        return h;
    }
    SetId set() {
        return {ocsp::HashAlgorithm{static_cast<std::uint8_t>(below(2))},
                Life{static_cast<std::uint8_t>(below(3))}};
    }
    template <class T>
    void shuffle(std::vector<T>& list) {
        std::shuffle(list.begin(), list.end(), random_);
    }
    std::mt19937_64& random() { return random_; }

  private:
    std::mt19937_64 random_;
    std::deque<Bytes> kept_;
};

inline bool same(const Record& a, const Record& b) {
    return equal(a.serial, b.serial) && a.status == b.status && a.profile == b.profile &&
           a.times == b.times && equal(a.signature, b.signature) && equal(a.extensions, b.extensions);
}

inline std::uint64_t hash_of(ByteView serial) {
    crypto::Sha256 sha256;
    return crypto::serial_hash(sha256, serial);
}

inline std::vector<Record> records_of(const Page& page) {
    std::vector<Record> all;
    for (std::size_t i = 0; i < page.size(); ++i)
        all.push_back(page.record(i));
    return all;
}

}  // namespace eightbells::cache::samples

#endif
