#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/config/fixture.h"

using namespace eightbells;
using namespace eightbells::config;
using namespace eightbells::config::testing;

namespace {

// A folder with a configuration and everything it names, gone at the end.
struct Folder {
    Folder() {
        char name[] = "/tmp/eightbells-config-XXXXXX";
        path = ::mkdtemp(name);
        for (const char* file : {"issuer.pem", "ocsp-signer.pem", "index.txt", "crl.pem"})
            write(file, "x");
        write("ocsp-signer.key", "x", 0600);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    void write(const std::string& name, std::string_view text, mode_t mode = 0644) const {
        std::ofstream(path / name) << text;
        ::chmod((path / name).c_str(), mode);
    }
    Loaded load_and_check(std::string_view text, Role role) const {
        write("eightbells.toml", text);
        Loaded loaded = load(path / "eightbells.toml");
        check_files(loaded, role);
        return loaded;
    }

    std::filesystem::path path;
};

constexpr std::string_view whole = "[[issuer]]\nindex = \"index.txt\"\ncrl = \"crl.pem\"\n";

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_a_mistake_without_a_line) {
    const Loaded loaded = load("/nowhere/eightbells.toml");
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U);
    BOOST_TEST(loaded.mistakes.front().line == 0U);
    BOOST_TEST((loaded.mistakes.front().to_string().find("/nowhere/eightbells.toml") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_file_beyond_the_bound_is_not_read) {
    const Folder folder;
    folder.write("big.toml", std::string(1024 * 1024 + 1, '#'));
    BOOST_TEST(load(folder.path / "big.toml").mistakes.size() == 1U);
}

BOOST_AUTO_TEST_CASE(files_that_are_all_there_are_no_mistake) {
    const Folder folder;
    for (const Role role : {Role::signer, Role::both}) {
        const Loaded loaded = folder.load_and_check(whole, role);
        BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
        BOOST_TEST(loaded.warnings.empty(), listing(loaded.warnings));
    }
}

BOOST_AUTO_TEST_CASE(each_missing_file_is_named_at_its_field) {
    const Folder folder;
    const std::pair<const char*, const char*> files[] = {{"issuer.pem", "issuer[0].certificate"},
                                                         {"ocsp-signer.pem", "issuer[0].signer_certificate"},
                                                         {"ocsp-signer.key", "issuer[0].signer_key"},
                                                         {"index.txt", "issuer[0].index"},
                                                         {"crl.pem", "issuer[0].crl"}};
    for (const auto& [file, field] : files) {
        std::filesystem::rename(folder.path / file, folder.path / "aside");
        const Loaded loaded = folder.load_and_check(whole, Role::signer);
        std::filesystem::rename(folder.path / "aside", folder.path / file);
        BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
        BOOST_TEST(loaded.mistakes.front().field == field);
        BOOST_TEST((loaded.mistakes.front().message.find("No such file") != std::string::npos));
    }
}

// A folder where a file should be must not pass for one.
BOOST_AUTO_TEST_CASE(a_folder_in_place_of_a_file_is_a_mistake) {
    const Folder folder;
    std::filesystem::remove(folder.path / "index.txt");
    std::filesystem::create_directory(folder.path / "index.txt");
    const Loaded loaded = folder.load_and_check(whole, Role::signer);
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
    BOOST_TEST(loaded.mistakes.front().line == 2U);
}

// Covers: H-12
BOOST_AUTO_TEST_CASE(a_front_needs_no_signing_key_but_a_store_key) {
    const Folder folder;
    std::filesystem::remove(folder.path / "ocsp-signer.key");
    std::filesystem::remove(folder.path / "ocsp-signer.pem");
    Loaded loaded = folder.load_and_check(whole, Role::front);
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
    BOOST_TEST(loaded.mistakes.front().field == "front.store_key_files[0]");
    std::filesystem::create_directories(folder.path / "data/signer");
    folder.write("data/signer/store-key.pub", "x");
    loaded = folder.load_and_check(whole, Role::front);
    BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
}

BOOST_AUTO_TEST_CASE(a_key_that_others_may_read_is_a_warning) {
    const Folder folder;
    folder.write("ocsp-signer.key", "x", 0644);
    const Loaded loaded = folder.load_and_check(whole, Role::signer);
    BOOST_TEST_REQUIRE(loaded.warnings.size() == 1U, listing(loaded.warnings));
    BOOST_TEST(loaded.warnings.front().field == "issuer[0].signer_key");
    BOOST_TEST((loaded.warnings.front().message.find("chmod 600") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(the_secret_for_the_signer_is_needed_by_fronts_and_is_private) {
    const Folder folder;
    std::filesystem::create_directories(folder.path / "data/signer");
    folder.write("data/signer/store-key.pub", "x");
    const std::string text = std::string(whole) + "[front]\nlive_signers = [\"192.0.2.1:9645\"]\n";
    const Loaded lacks = folder.load_and_check(text, Role::front);
    BOOST_TEST_REQUIRE(lacks.mistakes.size() == 1U, listing(lacks.mistakes));
    BOOST_TEST(lacks.mistakes.front().field == "front.live_secret_file");
    for (const Role role : {Role::signer, Role::both})  // where it is made
        BOOST_TEST(folder.load_and_check(text, role).mistakes.empty());
    folder.write("data/signer/live-secret", "x", 0644);
    const Loaded loaded = folder.load_and_check(text, Role::front);
    BOOST_TEST(loaded.mistakes.empty(), listing(loaded.mistakes));
    BOOST_TEST_REQUIRE(loaded.warnings.size() == 1U, listing(loaded.warnings));
    BOOST_TEST(loaded.warnings.front().field == "front.live_secret_file");
}

BOOST_AUTO_TEST_CASE(the_password_of_redis_is_the_first_line_of_its_file) {
    const Folder folder;
    const std::string text = "[[issuer]]\n[store]\nkind = \"redis\"\n[store.redis]\npassword_file = \"p\"\n";
    folder.write("p", "se cret\r\nand more", 0600);
    BOOST_TEST(folder.load_and_check(text, Role::signer).config.store.redis.password == "se cret");
    folder.write("s", "for sentinels", 0600);
    const auto both = folder.load_and_check(
        text + "sentinels = [\"s:1\"]\nsentinel_service = \"m\"\nsentinel_password_file = \"s\"\n",
        Role::front);
    BOOST_TEST(both.config.store.redis.sentinel_password == "for sentinels");
    BOOST_TEST(both.config.store.redis.password == "se cret");
    folder.write("p", "\n", 0600);
    const Loaded loaded = folder.load_and_check(text, Role::signer);
    BOOST_TEST_REQUIRE(loaded.mistakes.size() == 1U, listing(loaded.mistakes));
    BOOST_TEST(loaded.mistakes.front().line == 5U);
}
