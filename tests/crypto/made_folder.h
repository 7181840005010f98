#ifndef EIGHTBELLS_TESTS_CRYPTO_MADE_FOLDER_H
#define EIGHTBELLS_TESTS_CRYPTO_MADE_FOLDER_H

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "responder/base/bytes.h"

namespace eightbells::test {

// A temporary folder in which other implementations (openssl, Python) make what a test reads. Gone with the
// object.
class MadeFolder {
  public:
    MadeFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "eightbells-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr)
            throw std::runtime_error("cannot make " + pattern);
        path_ = pattern;
    }
    ~MadeFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    MadeFolder(const MadeFolder&) = delete;
    MadeFolder& operator=(const MadeFolder&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

    Bytes read(const std::string& name) const {
        std::ifstream in(path_ / name, std::ios::binary);
        if (!in)
            throw std::runtime_error("not made: " + name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& name, ByteView bytes) const {
        std::ofstream(path_ / name, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    void write(const std::string& name, std::string_view text) const { write(name, as_bytes(text)); }

    // Runs a shell command in the folder; its output, both streams. A failing command fails the test.
    std::string run(const std::string& command) const {
        std::string output;
        if (!execute(command, output))
            throw std::runtime_error("failed: " + command + "\n" + output);
        return output;
    }
    // Whether the command ends well.
    bool succeeds(const std::string& command) const {
        std::string output;
        return execute(command, output);
    }

  private:
    bool execute(const std::string& command, std::string& output) const {
        const std::string line =
            "cd '" + path_.string() + "' && { " + command + "\n} >.output 2>&1 </dev/null";
        const int status = std::system(line.c_str());
        const Bytes bytes = read(".output");
        output.assign(bytes.begin(), bytes.end());
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    std::filesystem::path path_;
};

}  // namespace eightbells::test

#endif
