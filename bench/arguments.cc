#include "bench/arguments.h"

#include <arpa/inet.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace eightbells::bench {

Arguments::Arguments(int argc, char** argv, std::string_view known, std::string_view usage) {
    if (argc < 2 || std::string_view{argv[1]} == "--help") {
        std::printf("%.*s", static_cast<int>(usage.size()), usage.data());
        std::exit(argc < 2 ? 2 : 0);
    }
    const std::string names = " " + std::string{known} + " ";
    for (int i = 1; i < argc; i += 2) {
        std::string name = argv[i];
        if (!name.starts_with("--") || names.find(" " + name.substr(2) + " ") == std::string::npos)
            throw std::runtime_error(name + ": no such option; see --help");
        if (i + 1 == argc)
            throw std::runtime_error(name + ": a value is missing");
        values_[name.substr(2)] = argv[i + 1];
    }
}

const std::string& Arguments::text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end())
        throw std::runtime_error("--" + name + " is missing");
    return found->second;
}

double Arguments::number(const std::string& name, double otherwise, double least, double most) const {
    if (!has(name))
        return otherwise;
    char* end = nullptr;
    const double value = std::strtod(text(name).c_str(), &end);
    if (*end != 0 || !(value >= least && value <= most))
        throw std::runtime_error("--" + name + ": not a number from " + std::to_string(least) + " to " +
                                 std::to_string(most));
    return value;
}

std::size_t Arguments::count(const std::string& name, std::size_t otherwise, std::size_t least,
                             std::size_t most) const {
    return static_cast<std::size_t>(
        number(name, static_cast<double>(otherwise), static_cast<double>(least), static_cast<double>(most)));
}

sockaddr_in Arguments::address(const std::string& name) const {
    const std::string& value = text(name);
    const std::size_t colon = value.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const int port = colon == std::string::npos ? 0 : std::atoi(value.c_str() + colon + 1);
    if (port < 1 || port > 65535 ||
        ::inet_pton(AF_INET, value.substr(0, colon).c_str(), &address.sin_addr) != 1)
        throw std::runtime_error("--" + name + ": not an address like 127.0.0.1:8080");
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

}  // namespace eightbells::bench
