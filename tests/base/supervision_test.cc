#define BOOST_TEST_MODULE supervision
#include "responder/base/supervision.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <functional>
#include <string>

#include "responder/base/limits.h"

using namespace eightbells;

namespace {

int listening_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    BOOST_REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    BOOST_REQUIRE(::listen(fd, 1) == 0);
    return fd;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

// What a child says, which may do with descriptors and environment as it likes: "" is well.
std::string in_child(const std::function<std::string()>& work) {
    int ends[2] = {-1, -1};
    BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int out = ::fcntl(ends[1], F_DUPFD, 200);  // out of the way of the given ones
        const std::string said = work();
        const bool written = ::write(out, said.data(), said.size()) == static_cast<ssize_t>(said.size());
        ::_exit(written ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said;
    char octets[256];
    for (ssize_t size = 0; (size = ::read(ends[0], octets, sizeof octets)) > 0;)
        said.append(octets, static_cast<std::size_t>(size));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status == 0 ? said : said + " (and ended with " + std::to_string(status) + ")";
}

void set_given(const std::string& pid, const std::string& count, const char* names = nullptr) {
    ::setenv("LISTEN_PID", pid.c_str(), 1);
    ::setenv("LISTEN_FDS", count.c_str(), 1);
    if (names != nullptr)
        ::setenv("LISTEN_FDNAMES", names, 1);
}

std::string error_of(const Result<std::vector<GivenSocket>>& taken) {
    return taken ? "(no error)" : taken.error().message;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(supervision)

BOOST_AUTO_TEST_CASE(sockets_that_are_given_are_taken_once_in_their_order_and_with_their_names) {
    const int first = listening_socket();
    const int second = listening_socket();
    BOOST_TEST(in_child([&]() -> std::string {
                   const auto ports = std::to_string(port_of(second)) + " " + std::to_string(port_of(first));
                   if (!give_sockets({{second, "metrics"}, {first, ""}}))
                       return "not given";
                   const auto taken = take_given_sockets();
                   if (!taken || taken->size() != 2)
                       return error_of(taken);
                   const auto& [one, other] = std::pair{taken->at(0), taken->at(1)};
                   if (std::to_string(port_of(one.fd)) + " " + std::to_string(port_of(other.fd)) != ports)
                       return "other sockets";
                   if (one.fd != 3 || other.fd != 4 || one.name != "metrics" || !other.name.empty())
                       return "other places or names";
                   if ((::fcntl(one.fd, F_GETFD) & FD_CLOEXEC) == 0)
                       return "a child's child would have it";
                   return take_given_sockets()->empty() && std::getenv("LISTEN_FDS") == nullptr
                              ? ""
                              : "taken twice";
               }) == "");
    ::close(first);
    ::close(second);
}

BOOST_AUTO_TEST_CASE(sockets_that_are_each_others_places_do_not_overwrite_one_another) {
    const int first = listening_socket();
    const int second = listening_socket();
    BOOST_TEST(in_child([&]() -> std::string {
                   const std::uint16_t first_port = port_of(first);
                   ::dup2(first, 100);
                   ::dup2(second, 101);
                   ::dup2(101, 3);
                   ::dup2(100, 4);
                   if (!give_sockets({{4, ""}, {3, ""}}))
                       return "not given";
                   return port_of(3) == first_port ? "" : "overwritten";
               }) == "");
    ::close(first);
    ::close(second);
}

BOOST_AUTO_TEST_CASE(what_is_meant_for_another_process_is_not_ours) {
    BOOST_TEST(in_child([]() -> std::string {
                   set_given(std::to_string(::getpid() + 1), "2");
                   const auto taken = take_given_sockets();
                   return taken && taken->empty() ? "" : error_of(taken);
               }) == "");
    BOOST_TEST(take_given_sockets()->empty());
}

BOOST_AUTO_TEST_CASE(what_is_no_number_no_socket_or_too_much_is_named) {
    const auto said = [](const std::string& pid, const std::string& count) {
        return in_child([&] {
            for (int fd = 3; fd < 8; ++fd)
                ::close(fd);
            set_given(pid == "own" ? std::to_string(::getpid()) : pid, count);
            return error_of(take_given_sockets());
        });
    };
    BOOST_TEST(said("own", "two") == "LISTEN_FDS: \"two\" is not a number");
    BOOST_TEST(said("1x", "2") == "LISTEN_PID: \"1x\" is not a number");
    BOOST_TEST(said("own", "1") == "LISTEN_FDS: descriptor 3 is not a listening stream socket");
    BOOST_TEST(said("own", "65") == "LISTEN_FDS: 65 sockets; 0 to 64 are allowed");
    BOOST_TEST(said("own", "-1") == "LISTEN_FDS: -1 sockets; 0 to 64 are allowed");
}

BOOST_AUTO_TEST_CASE(a_manager_hears_who_is_ready_and_believes_no_other_name) {
    auto notices = ServiceNotices::open();
    BOOST_REQUIRE(notices);
    BOOST_TEST(notices->take_ready().empty());
    ::setenv("NOTIFY_SOCKET", notices->address().c_str(), 1);
    tell_manager("STATUS=begins\nREADY=1\nMAINPID=1");
    tell_manager("READY=0\nREADY=12");
    BOOST_TEST(notices->take_ready() == std::vector{static_cast<int>(::getpid())});
    BOOST_TEST(notices->take_ready().empty());
    // Nobody there, and no such name: not our trouble.
    notices = ServiceNotices::open();
    tell_manager("READY=1");
    for (const char* name : {"", "@", "relative", "/no/such/socket"}) {
        ::setenv("NOTIFY_SOCKET", name, 1);
        tell_manager("READY=1");
    }
    ::unsetenv("NOTIFY_SOCKET");
    tell_manager("READY=1");
    BOOST_TEST(notices->take_ready().empty());
}

BOOST_AUTO_TEST_SUITE_END()
