// The main of a fuzz harness in the ordinary run: every file of the corpus as it is, cut at every octet (up
// to a bound) and changed by a seeded generator, so that an oracle is at work in every test run and not only
// where libFuzzer is at hand. Arguments: the corpus folder, and optionally the number of changed inputs a
// file.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::uint32_t seed = 8;
constexpr std::size_t cuts_per_file = 2000;
constexpr std::size_t changes_per_file =
    2000;  // with 20 files of 1 KiB: well below a second without sanitizers

const Input* under_test = nullptr;

// So that an aborting oracle leaves the input to look at.
void show_input(int) {
    if (under_test != nullptr) {
        std::fputs("input: ", stderr);
        for (const std::uint8_t octet : *under_test)
            std::fprintf(stderr, "%02x", octet);
        std::fputc('\n', stderr);
    }
    std::_Exit(1);
}

void run(const Input& input) {
    // A heap block of exactly this size, so that the sanitizers see a read beyond its end.
    const Input exact(input.begin(), input.end());
    under_test = &exact;
    static_cast<void>(LLVMFuzzerTestOneInput(exact.data(), exact.size()));
    under_test = nullptr;
}

Input change(const Input& original, const std::vector<Input>& corpus, std::mt19937& random) {
    Input input = original;
    const auto below = [&random](std::size_t bound) { return bound == 0 ? 0 : random() % bound; };
    for (auto times = 1 + below(4); times > 0; --times) {
        const auto at = static_cast<std::ptrdiff_t>(below(input.size()));
        switch (input.empty() ? 4 : below(6)) {
            case 0:
                input[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            case 1:
                input[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random());
                break;
            case 2: {  // one up or down: lengths and counts
                auto& octet = input[static_cast<std::size_t>(at)];
                octet = static_cast<std::uint8_t>(octet + (below(2) == 0 ? 1 : -1));
                break;
            }
            case 3:
                input.erase(input.begin() + at, input.begin() + at + 1);
                break;
            case 4:
                input.insert(input.begin() + at, static_cast<std::uint8_t>(random()));
                break;
            default: {  // a piece of another file
                const Input& other = corpus[below(corpus.size())];
                const std::size_t from = below(other.size());
                const std::size_t size = std::min<std::size_t>(1 + below(32), other.size() - from);
                const auto begin = other.begin() + static_cast<std::ptrdiff_t>(from);
                input.insert(input.begin() + at, begin, begin + static_cast<std::ptrdiff_t>(size));
            }
        }
    }
    return input;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2 || !std::filesystem::is_directory(arguments[1])) {
        std::fprintf(stderr, "usage: %s CORPUS-FOLDER [CHANGES-PER-FILE]\n", arguments[0]);
        return 2;
    }
    const std::size_t changes = count > 2 ? std::stoul(arguments[2]) : changes_per_file;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[1])) {
        if (entry.is_regular_file())
            paths.push_back(entry.path());
    }
    std::ranges::sort(paths);  // the folder's own order differs between machines
    std::vector<Input> corpus;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    if (corpus.empty()) {
        std::fprintf(stderr, "%s: no files: a corpus that tests nothing\n", arguments[1]);
        return 2;
    }
    std::signal(SIGABRT, show_input);
    std::mt19937 random(seed);
    std::size_t inputs = 0;
    for (const Input& file : corpus) {
        run(file);
        const std::size_t cuts = std::min(file.size(), cuts_per_file);
        for (std::size_t size = 0; size < cuts; ++size)
            run({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)});
        for (std::size_t i = 0; i < changes; ++i)
            run(change(file, corpus, random));
        inputs += 1 + cuts + changes;
    }
    std::printf("%zu files, %zu inputs, seed %u: no oracle broken\n", corpus.size(), inputs, seed);
    return 0;
}
