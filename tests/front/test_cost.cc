// What a request costs besides the kernel's own work: counted, not believed.
#define BOOST_TEST_MODULE front_cost
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <new>

#include "responder/http/counters.h"
#include "tests/front/world.h"

#if defined(__SANITIZE_ADDRESS__)
#define EIGHTBELLS_ASAN 1
#else
#define EIGHTBELLS_ASAN 0
#endif

namespace {
std::size_t allocations = 0;
}

#if !EIGHTBELLS_ASAN
// Every allocation of the program, of C libraries and Botan too.
extern "C" {
void* __libc_malloc(std::size_t) noexcept;               // NOLINT
void* __libc_calloc(std::size_t, std::size_t) noexcept;  // NOLINT
void* __libc_realloc(void*, std::size_t) noexcept;       // NOLINT
void* malloc(std::size_t octets) noexcept {
    ++allocations;
    return __libc_malloc(octets);
}
void* calloc(std::size_t n, std::size_t octets) noexcept {
    ++allocations;
    return __libc_calloc(n, octets);
}
void* realloc(void* old, std::size_t octets) noexcept {
    ++allocations;
    return __libc_realloc(old, octets);
}
}
#else
// The sanitizer has its own allocator, and says what it is asked for (sanitizer/allocator_interface.h, which
// not every compiler's package brings).
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),  // NOLINT
                                                         void (*)(const volatile void*));
const int hooked = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
#endif

namespace eightbells::front::test {
namespace {

// One end of a connection to a world's listener, with as little of the test's own work between as can be.
struct Wire {
    explicit Wire(World& with) : world(with) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            std::abort();
        world.listener->serve(ends[1]);
        client = ends[0];
    }
    ~Wire() { ::close(client); }
    void send(std::string_view request) {
        if (::send(client, request.data(), request.size(), MSG_NOSIGNAL) < 0)
            std::abort();
    }
    std::size_t receive() {
        const ssize_t n = ::recv(client, answer, sizeof answer, MSG_DONTWAIT);
        return size = n < 0 ? 0 : static_cast<std::size_t>(n);
    }
    std::size_t ask(std::string_view request) {
        send(request);
        event_base_loop(world.base, EVLOOP_ONCE);
        return receive();
    }
    World& world;
    int client;
    char answer[65536];
    std::size_t size = 0;  // of the answer
};

}  // namespace

BOOST_AUTO_TEST_CASE(no_stored_answer_and_no_refusal_allocates) {
    World world;
    std::vector<Bytes> serials;
    for (int i = 0; i < 50; ++i)
        serials.push_back(world.set().issue());
    world.set().revoke(serials[0]);
    world.publish();
    world.set().revoke(serials[1]);
    world.publish_patch();
    serials.push_back({0x11, 0x22, 0x33});  // never issued

    std::vector<std::string> requests;
    for (const Bytes& serial : serials)
        for (const HashAlgorithm hash : {HashAlgorithm::sha1, HashAlgorithm::sha256}) {
            const Bytes request = request_der({id_of(world.authority(), serial, hash)}, Bytes(16, 5));
            requests.push_back("GET " + world.path_of(request) + " HTTP/1.1\r\nHost: x\r\n\r\n");
            requests.push_back(
                "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n"
                "Content-Length: " +
                std::to_string(request.size()) + "\r\n\r\n" + std::string(as_text(request)));
        }
    const Bytes foreign = request_der({id_of(Authority::number(1), serials[0])});
    const Bytes several =
        request_der({id_of(world.authority(), serials[0]), id_of(world.authority(), serials[1])});
    for (const Bytes& request : {foreign, several, Bytes{1, 2, 3}})
        requests.push_back("GET " + world.path_of(request) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    requests.push_back("GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n");

    Wire wire(world);
    for (const std::string& request : requests)
        BOOST_REQUIRE(wire.ask(request) > 100U);
    const http::WireCounters& counters = world.listener->counters();
    const std::uint64_t reads = counters.reads.value();
    const std::uint64_t writes = counters.writes.value();
    const long references = world.state.use_count();
    const std::size_t before = allocations;
    std::size_t octets = 0;
    for (int round = 0; round < 20; ++round)
        for (const std::string& request : requests)
            octets += wire.ask(request);
    const std::size_t after = allocations;
    BOOST_TEST(octets > 20 * 200 * 900U);
    BOOST_TEST(before > 1000U);  // the counting works
    BOOST_TEST(after == before);
    BOOST_TEST(world.state.use_count() == references);
    // One read and one write a request, and no other call of ours.
    BOOST_TEST(counters.reads.value() == reads + 20 * requests.size());
    BOOST_TEST(counters.writes.value() == writes + 20 * requests.size());
}

BOOST_AUTO_TEST_CASE(stored_answers_to_many_connections_at_once_allocate_nothing_and_are_the_same) {
    World world;
    std::vector<std::string> requests;
    for (int i = 0; i < 20; ++i) {
        const Bytes request = request_der({id_of(world.authority(), world.set().issue())});
        requests.push_back("GET " + world.path_of(request) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    world.publish();
    std::vector<std::string> alone;
    Wire wire(world);
    for (const std::string& request : requests) {
        BOOST_REQUIRE(wire.ask(request) > 900U);
        alone.emplace_back(wire.answer, wire.size);
    }
    std::vector<std::unique_ptr<Wire>> wires;
    for (std::size_t i = 0; i < requests.size(); ++i)
        wires.push_back(std::make_unique<Wire>(world));
    const std::size_t before = allocations;
    for (int round = 0; round < 50; ++round) {
        for (std::size_t i = 0; i < requests.size(); ++i)
            wires[i]->send(requests[i]);
        event_base_loop(world.base, EVLOOP_ONCE);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            wires[i]->receive();
            BOOST_REQUIRE((std::string_view(wires[i]->answer, wires[i]->size) == alone[i]));
        }
    }
    const std::size_t after = allocations;
    BOOST_TEST(after == before);
}

}  // namespace eightbells::front::test
