#ifndef EIGHTBELLS_TESTS_OCSP_PEER_H
#define EIGHTBELLS_TESTS_OCSP_PEER_H

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "responder/base/bytes.h"

// Other implementations, asked through their command lines.
namespace peer {

// A folder of its own under the system's, gone with the object.
class Folder {
  public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "eightbells-ocsp-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
            throw std::runtime_error("mkdtemp: " + name);
        path_ = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

struct Said {
    int status = -1;
    std::string text;  // standard output and standard error
};

// Runs a shell command in the folder.
inline Said run(const Folder& folder, const std::string& command) {
    const std::string line = "cd '" + folder.path().string() + "' && { " + command + "; } 2>&1 </dev/null";
    FILE* pipe = popen(line.c_str(), "r");
    if (pipe == nullptr)
        throw std::runtime_error("popen: " + command);
    Said said;
    char buffer[4096];
    for (std::size_t size = 0; (size = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        said.text.append(buffer, size);
    said.status = pclose(pipe);
    return said;
}

// The same, where failing is the test's own fault.
inline std::string must_run(const Folder& folder, const std::string& command) {
    Said said = run(folder, command);
    if (said.status != 0)
        throw std::runtime_error(command + ": " + said.text);
    return std::move(said.text);
}

inline eightbells::Bytes read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write(const std::filesystem::path& path, eightbells::ByteView bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file)
        throw std::runtime_error("cannot write " + path.string());
}

// What stands between `label` and the end of its line, for every such line.
inline std::vector<std::string> lines_after(const std::string& text, const std::string& label) {
    std::vector<std::string> found;
    for (std::size_t at = text.find(label); at != std::string::npos; at = text.find(label, at + 1)) {
        const std::size_t begin = at + label.size();
        std::string line = text.substr(begin, text.find('\n', begin) - begin);
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r'))
            line.pop_back();
        found.push_back(line);
    }
    return found;
}

}  // namespace peer

#endif
