// What a request costs besides the kernel's own work: system calls, allocations, memory; counted, not
// believed.
#define BOOST_TEST_MODULE http_cost
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>

#include "responder/http/limits.h"
#include "tests/http/server.h"

#if defined(__SANITIZE_ADDRESS__)
#define EIGHTBELLS_ASAN 1
#else
#define EIGHTBELLS_ASAN 0
#endif

namespace {
std::size_t allocations = 0;  // of this one thread's program
std::size_t allocated_octets = 0;
void count(std::size_t octets) noexcept {
    ++allocations;
    allocated_octets += octets;
}
}  // namespace

#if !EIGHTBELLS_ASAN
// Every allocation of the program, of C libraries too: glibc resolves its own callers to these.
extern "C" {
void* __libc_malloc(std::size_t) noexcept;               // NOLINT
void* __libc_calloc(std::size_t, std::size_t) noexcept;  // NOLINT
void* __libc_realloc(void*, std::size_t) noexcept;       // NOLINT
void* malloc(std::size_t octets) noexcept {
    count(octets);
    return __libc_malloc(octets);
}
void* calloc(std::size_t n, std::size_t octets) noexcept {
    count(n * octets);
    return __libc_calloc(n, octets);
}
void* realloc(void* old, std::size_t octets) noexcept {
    count(octets);
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
    [](const volatile void*, std::size_t octets) { count(octets); }, [](const volatile void*) {});
#endif

namespace eightbells::http::test {
namespace {

const std::string get_request =
    "GET /cached HTTP/1.1\r\nHost: ocsp.example.org\r\nAccept: */*\r\nUser-Agent: x/1.0\r\n\r\n";
const std::string post_request =
    "POST /cached HTTP/1.1\r\nHost: ocsp.example.org\r\nContent-Type: application/ocsp-request\r\n"
    "Content-Length: 76\r\n\r\n" +
    std::string(76, 'r');

// Answers /cached without allocating itself.
class Frugal final : public Handler {
  public:
    void answer(Exchange& exchange) noexcept override {
        ResponseHead head;
        head.content_type = "application/ocsp-response";
        head.caching = caching_;
        exchange.respond(head, body_);
    }

  private:
    const Caching caching_ = caching_of_tests();
    const Bytes body_ = Bytes(900, 'b');
};

// A listener and its loop in this very thread, and one end of a connection to it.
struct Local {
    Local() {
        event_config* config = event_config_new();
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        base = event_base_new_with_config(config);
        event_config_free(config);
        listener = *Listener::open(base, HostPort{"127.0.0.1", 0}, {}, handler, clock);
        client = connect();
    }
    ~Local() {
        listener.reset();
        ::close(client);
        event_base_free(base);
    }
    int connect() {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            std::abort();
        listener->serve(ends[1]);
        return ends[0];
    }
    // Writes, lets the loop run, reads what came.
    std::size_t ask(std::string_view request) {
        if (::send(client, request.data(), request.size(), MSG_NOSIGNAL) < 0)
            std::abort();
        event_base_loop(base, EVLOOP_ONCE);
        char answer[65536];
        const ssize_t n = ::recv(client, answer, sizeof answer, MSG_DONTWAIT);
        return n < 0 ? 0 : static_cast<std::size_t>(n);
    }
    Frugal handler;
    ManualClock clock{start_of_tests};
    event_base* base;
    std::unique_ptr<Listener> listener;
    int client;
};

// The system calls of a child process between two of its waits for events, by number.
class Tracee {
  public:
    explicit Tracee(const std::vector<int>& server_ends) {
        child_ = ::fork();
        if (child_ == 0)
            serve(server_ends);
        for (const int server_end : server_ends)
            ::close(server_end);
        int status = 0;
        ::waitpid(child_, &status, 0);
        usable_ = WIFSTOPPED(status) && ::ptrace(PTRACE_SETOPTIONS, child_, nullptr,
                                                 PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0;
    }
    ~Tracee() {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    bool usable() const { return usable_; }

    // Runs the child until it goes to sleep in epoll_wait, counting what it calls before.
    std::map<std::uint64_t, int> until_it_waits() {
        std::map<std::uint64_t, int> calls;
        for (;;) {
            ::ptrace(PTRACE_SYSCALL, child_, nullptr, nullptr);
            int status = 0;
            if (::waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status))
                throw std::runtime_error("the traced process has ended");
            __ptrace_syscall_info info{};
            ::ptrace(PTRACE_GET_SYSCALL_INFO, child_, sizeof info, &info);
            if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
                continue;
            if (info.entry.nr == SYS_epoll_wait || info.entry.nr == SYS_epoll_pwait)
                return calls;
            ++calls[info.entry.nr];
        }
    }

  private:
    [[noreturn]] static void serve(const std::vector<int>& server_ends) {
        Local local;
        for (const int server_end : server_ends)
            local.listener->serve(server_end);
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        std::raise(SIGSTOP);
        event_base_dispatch(local.base);
        ::_exit(0);
    }
    pid_t child_ = -1;
    bool usable_ = false;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_request_on_an_open_connection_allocates_nothing) {
    Local local;
    for (const std::string& request : {get_request, post_request}) {
        for (int i = 0; i < 10; ++i)
            BOOST_REQUIRE(local.ask(request) > 900U);
        const std::size_t before = allocations;
        std::size_t octets = 0;
        for (int i = 0; i < 1000; ++i)
            octets += local.ask(request);
        const std::size_t after = allocations;
        BOOST_TEST(octets > 1'000'000U);
        BOOST_TEST(after == before);
    }
    // Nor does one that arrives in pieces, once the pool has a block to lend.
    const auto in_pieces = [&] {
        local.ask(std::string_view{post_request}.substr(0, 20));
        local.ask(std::string_view{post_request}.substr(20, 100));
        return local.ask(std::string_view{post_request}.substr(120));
    };
    BOOST_REQUIRE(in_pieces() > 900U);
    const std::size_t before = allocations;
    for (int i = 0; i < 100; ++i)
        in_pieces();
    const std::size_t after = allocations;
    BOOST_TEST(after == before);
}

// Several at once go another way than one: received together, answered together.
BOOST_AUTO_TEST_CASE(requests_of_many_connections_at_once_allocate_nothing) {
    Local local;
    std::vector<int> clients(3 * limits::http_ahead / 2);
    for (int& client : clients)
        client = local.connect();
    const WireCounters& counters = local.listener->counters();
    const auto ask_all = [&] {
        for (std::size_t i = 0; i < clients.size(); ++i) {
            const std::string& request = i % 2 == 0 ? get_request : post_request;
            if (::send(clients[i], request.data(), request.size(), MSG_NOSIGNAL) < 0)
                std::abort();
        }
        event_base_loop(local.base, EVLOOP_ONCE);
        std::size_t octets = 0;
        char answer[65536];
        for (const int client : clients)
            octets += static_cast<std::size_t>(
                std::max<ssize_t>(::recv(client, answer, sizeof answer, MSG_DONTWAIT), 0));
        return octets;
    };
    for (int i = 0; i < 10; ++i)
        ask_all();
    const std::uint64_t reads = counters.reads.value();
    const std::uint64_t writes = counters.writes.value();
    const std::size_t before = allocations;
    std::size_t octets = 0;
    for (int i = 0; i < 100; ++i)
        octets += ask_all();
    const std::size_t after = allocations;
    BOOST_TEST(octets > 100 * clients.size() * 900);
    BOOST_TEST(after == before);
    BOOST_TEST(counters.reads.value() == reads + 100 * clients.size());
    BOOST_TEST(counters.writes.value() == writes + 100 * clients.size());
    for (const int client : clients)
        ::close(client);
}

BOOST_AUTO_TEST_CASE(a_request_takes_one_read_and_one_write_by_our_own_count) {
    Local local;
    local.ask(get_request);
    const WireCounters& counters = local.listener->counters();
    const std::uint64_t reads = counters.reads.value();
    const std::uint64_t writes = counters.writes.value();
    const std::uint64_t changes = counters.interest_changes.value();
    for (int i = 0; i < 1000; ++i)
        local.ask(i % 2 == 0 ? get_request : post_request);
    BOOST_TEST(counters.reads.value() == reads + 1000);
    BOOST_TEST(counters.writes.value() == writes + 1000);
    BOOST_TEST(counters.interest_changes.value() == changes);
    local.ask(get_request + post_request + get_request +
              post_request);  // pipelined: one of each for all of them
    BOOST_TEST(counters.reads.value() == reads + 1001);
    BOOST_TEST(counters.writes.value() == writes + 1001);
}

BOOST_AUTO_TEST_CASE(the_kernel_sees_a_receive_a_send_and_the_loops_wait_and_nothing_else) {
    constexpr int connections = 5;
    std::vector<int> clients;
    std::vector<int> server_ends;
    for (int i = 0; i < connections; ++i) {
        int ends[2];
        BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        clients.push_back(ends[0]);
        server_ends.push_back(ends[1]);
    }
    Tracee server(server_ends);
    const auto close_all = [&] {
        for (const int client : clients)
            ::close(client);
    };
    if (!server.usable()) {
        BOOST_TEST_MESSAGE("this machine does not let a process trace its child: " << errno);
        return close_all();
    }
    server.until_it_waits();
    char answer[65536];
    for (int i = 0; i < 50; ++i) {
        const int at_once =
            i % 3 == 0 ? connections : 1;  // all are readable when it wakes: it is stopped meanwhile
        const std::string& request = i % 2 == 0 ? get_request : post_request;
        for (int client = 0; client < at_once; ++client)
            BOOST_REQUIRE(
                ::send(clients.at(static_cast<std::size_t>(client)), request.data(), request.size(), 0) > 0);
        std::map<std::uint64_t, int> calls;
        while (calls.empty())  // a tick of the loop's timer may come between
            calls = server.until_it_waits();
        for (int client = 0; client < at_once; ++client)
            BOOST_TEST(::recv(clients.at(static_cast<std::size_t>(client)), answer, sizeof answer, 0) > 900);
        if (i < 4)
            continue;  // the first may touch memory for the first time
        const std::map<std::uint64_t, int> expected{{SYS_recvfrom, at_once}, {SYS_sendto, at_once}};
        for (const auto& [number, times] : calls)
            BOOST_TEST_MESSAGE("system call " << number << " x " << times);
        BOOST_TEST((calls == expected));
    }
    close_all();
}

// Covers: E-30
BOOST_AUTO_TEST_CASE(an_idle_connection_costs_less_than_a_kibibyte) {
    Local local;
    std::vector<int> clients;
    clients.reserve(2000);
    local.ask(get_request);
    const auto open_some = [&](int how_many) {
        const std::size_t before = allocated_octets;
        for (int i = 0; i < how_many; ++i) {
            clients.push_back(local.connect());
            std::swap(local.client, clients.back());
            BOOST_REQUIRE(local.ask(get_request) > 900U);  // has been used, and is idle again
            std::swap(local.client, clients.back());
        }
        return (allocated_octets - before) / static_cast<std::size_t>(how_many);
    };
    open_some(100);
    const std::size_t each = open_some(300);
    BOOST_TEST_MESSAGE("front.idle_connection_bytes " << each);
    BOOST_TEST(each > 100U);  // the counting works
    BOOST_TEST(each <= 1024U);
    for (const int client : clients)
        ::close(client);
}

}  // namespace eightbells::http::test
