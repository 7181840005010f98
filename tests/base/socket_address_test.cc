#define BOOST_TEST_MODULE socket_address
#include "responder/base/socket_address.h"

#include <unistd.h>

#include <boost/test/unit_test.hpp>

using namespace eightbells;

BOOST_AUTO_TEST_CASE(addresses_are_read_strictly) {
    for (const std::string text :
         {"127.0.0.1:8080", "[::1]:8080", "0.0.0.0:80", "[2001:db8::1]:65535", "1.2.3.4:0"})
        BOOST_TEST(to_string(*parse_host_port(text)) == text);
    for (const std::string_view text :
         {"", "8080", ":8080", "localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:80x", "::1:80", "[::1]", "[::1]:", "[127.0.0.1]:80", "127.1:80", "1.2.3.4 :80", "[]:80"})
        BOOST_TEST(!parse_host_port(text).has_value(), text);
    BOOST_TEST(!parse_host_port(std::string_view{"1.2.3.4\0:80", 11}).has_value());
}

BOOST_AUTO_TEST_CASE(one_address_is_written_in_one_way) {
    BOOST_TEST(to_string(*parse_host_port("[2001:0DB8:0:0::1]:80")) == "[2001:db8::1]:80");
    BOOST_TEST((*parse_host_port("[::0001]:1") == *parse_host_port("[::1]:1")));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_an_address_is_said) {
    const auto says = [](std::string_view text, std::string_view what) {
        const auto place = parse_host_port(text);
        BOOST_REQUIRE(!place.has_value());
        BOOST_TEST(place.error().message.find(what) != std::string::npos, place.error().message);
    };
    says("127.0.0.1", "has no port");
    says("localhost:80", "is a name");
    says("300.0.0.1:80", "\"300.0.0.1\" is not a numeric address");
    says("::1:80", "\"[::1]:80\"");
    says("[127.0.0.1]:80", "without brackets");
    says("127.0.0.1:65536", "not a port");
}

BOOST_AUTO_TEST_CASE(the_kernel_says_back_where_it_was_told_to_listen) {
    for (const std::string host : {"127.0.0.1", "::1"}) {
        const auto address = socket_address({host, 0});
        BOOST_REQUIRE(address.has_value());
        const int socket = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        BOOST_REQUIRE(::bind(socket, address->generic(), address->size) == 0);
        const HostPort bound = bound_address(socket);
        BOOST_TEST(bound.host == host);
        BOOST_TEST(bound.port != 0);
        ::close(socket);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_ip_socket_has_no_place) {
    const int local = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    BOOST_TEST((bound_address(local) == HostPort{}));
    ::close(local);
    BOOST_TEST((bound_address(-1) == HostPort{}));
    BOOST_TEST(!ip_address(SocketAddress{}).has_value());
}

BOOST_AUTO_TEST_CASE(an_ipv4_address_means_the_same_on_either_kind_of_socket) {
    const auto plain = ip_address(*socket_address({"192.0.2.7", 1}));
    const auto mapped = ip_address(*socket_address({"::ffff:192.0.2.7", 1}));
    BOOST_REQUIRE(plain.has_value());
    BOOST_TEST((plain == mapped));
    BOOST_TEST(parse_network("192.0.2.0/24")->contains(*mapped));
}
