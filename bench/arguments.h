#ifndef EIGHTBELLS_BENCH_ARGUMENTS_H
#define EIGHTBELLS_BENCH_ARGUMENTS_H

#include <netinet/in.h>

#include <map>
#include <string>
#include <string_view>

namespace eightbells::bench {

// "--name value" pairs. Every fault throws std::runtime_error with the option's name.
class Arguments {
  public:
    // `known`: all names, separated by blanks. Without arguments, and for --help, `usage` is printed and the
    // program ends.
    Arguments(int argc, char** argv, std::string_view known, std::string_view usage);

    bool has(const std::string& name) const { return values_.contains(name); }
    const std::string& text(const std::string& name) const;  // REQUIRED to be there
    double number(const std::string& name, double otherwise, double least, double most) const;
    std::size_t count(const std::string& name, std::size_t otherwise, std::size_t least,
                      std::size_t most) const;
    // "127.0.0.1:8080"
    sockaddr_in address(const std::string& name) const;

  private:
    std::map<std::string, std::string> values_;
};

}  // namespace eightbells::bench

#endif
