#include "tests/faults/ladder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

namespace eightbells::faults {

using namespace conformance;

namespace {

Control* map_control(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof(Control)) != 0)
        throw std::runtime_error(file.string() + ": cannot be made");
    void* memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED)
        throw std::runtime_error(file.string() + ": cannot be mapped");
    return new (memory) Control;
}

std::string sanitizer_options() {
    const char* given = std::getenv("ASAN_OPTIONS");
    return std::string(given == nullptr ? "" : given) + ":verify_asan_link_order=0";
}

}  // namespace

ControlFile::ControlFile(std::filesystem::path file) : file_(std::move(file)), control_(map_control(file_)) {}

ControlFile::~ControlFile() {
    ::munmap(control_, sizeof(Control));
}

std::vector<std::string> ControlFile::before(std::vector<std::string> words) const {
    words.insert(words.begin(), {"/usr/bin/env", fmt::format("{}={}", control_variable, file_.string())});
    return words;
}

ControlOfAll::ControlOfAll(const ControlFile& file) {
    ::setenv("LD_PRELOAD", EIGHTBELLS_FAULTS_LIBRARY, 1);
    ::setenv("ASAN_OPTIONS", sanitizer_options().c_str(), 1);
    ::setenv(control_variable, file.file().c_str(), 1);
}

ControlOfAll::~ControlOfAll() {
    ::unsetenv("LD_PRELOAD");
    ::unsetenv(control_variable);
}

Ladder::Ladder(std::size_t rows, const std::string& more, const std::string& store)
    : World({{"ca", KeyKind::p256, false, more}}, faults::fronts),
      network(redis.port()),
      at_signer(*this / "at-signer"),
      at_front_0(*this / "at-front-0"),
      at_front_1(*this / "at-front-1"),
      at_clients(*this / "at-clients"),
      signer(at_signer.before({signer_program(), "--config", "eightbells.toml"}), *this / "",
             *this / "signer.log"),
      front_0_(at_front_0.before({front_program(), "--config", "eightbells.toml"}), *this / "",
               *this / "front-0.log"),
      front_1_(at_front_1.before({front_program(), "--config", "front-1.toml"}), *this / "",
               *this / "front-1.log") {
    for (std::size_t row = 0; row < rows; ++row)
        authority().issue(fmt::format("row-{}", row));
    const std::string tables = "[store]\nkind = \"redis\"\n[store.redis]\n" +
                               (store.empty() ? fmt::format("port = {}\n", network.port()) : store);
    configure("eightbells.toml", 0, tables);
    configure("front-1.toml", 1, tables);
    all_ = std::make_unique<ControlOfAll>(at_clients);
}

void Ladder::start() {
    signer.start();
    front_0_.start();
    front_1_.start();
    await_ready();
}

void Ladder::end() {
    for (Program* part : {&signer, &front_0_, &front_1_})
        BOOST_TEST(part->stop() == 0);
}

void Ladder::await_ready() {
    if (!comes([&] { return signer_ready() && front_ready(0) && front_ready(1); }))
        throw std::runtime_error("not ready:\n" + logs());
}

std::string Ladder::logs() const {
    constexpr std::size_t shown = 1200;  // of each: a message of Boost's is cut off at four times that
    std::string all;
    for (const Program* part : {&signer, &front_0_, &front_1_}) {
        const std::string log = part->log();
        all += log.substr(log.size() - std::min(log.size(), shown)) + "\n";
    }
    return all;
}

std::string Ladder::next_certificate() {
    return fmt::format("row-{}", rows_used_++);
}

void Ladder::pass(std::chrono::seconds time) {
    const std::int64_t by = std::chrono::nanoseconds{time}.count();
    for (const ControlFile* part : {&at_signer, &at_front_0, &at_front_1, &at_clients})
        (*part)->passed += by;
}

bool Ladder::says_revoked(std::size_t front, const std::string& certificate) const {
    for (const char* hash : {"sha1", "sha256"}) {
        if (!ask(url(front), authority(), certificate, hash).revoked("superseded"))
            return false;
    }
    return true;
}

bool Ladder::all_say_revoked(const std::string& certificate) const {
    return says_revoked(0, certificate) && says_revoked(1, certificate);
}

void Ladder::revoke(const std::string& certificate) const {
    const Ended told = tell("revoke", authority(), certificate, {"--reason", "superseded"});
    BOOST_TEST(told.ok(), told.all());
}

void Ladder::await_looks() const {
    for (std::size_t which = 0; which < faults::fronts; ++which) {
        const auto looks = [&] { return sum_of(front_metrics(which), "eightbells_front_syncs_total"); };
        const double before = looks();
        BOOST_TEST(comes([&] { return looks() >= before + 2; }), logs());
    }
}

double Ladder::signer_says(const std::string& metric) const {
    return value_of(signer_metrics(), metric);
}

Row::Row(Ladder& ladder, std::string fault, std::size_t asked)
    : ladder_(ladder),
      fault_(std::move(fault)),
      certificate_(ladder.next_certificate()),
      asking_(ladder, ladder.authority(),
              {{"good", "good"}, {"revoked", "revoked"}, {"hold", "revoked"}, {certificate_, "good>revoked"}},
              asked) {}

void Row::await_revoked() const {
    BOOST_TEST(comes([&] { return ladder_.all_say_revoked(certificate_); }), ladder_.logs());
}

void Row::end() {
    await_revoked();
    end_as_it_was();
}

void Row::end_as_it_was() {
    const Account account = asking_.stop();
    enter(fault_, account);
    BOOST_TEST(account.flawless(), fault_ << ": " << account);
}

void enter(const std::string& fault, const Account& account) {
    const std::string line = fmt::format("{:<64} {:>8} {:>6} {:>8} {:>7}\n", fault, account.sent,
                                         account.wrong, account.expired, account.failed);
    const int fd =
        ::open(EIGHTBELLS_BINARY_DIR "/ladder.txt", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    BOOST_TEST(::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    ::close(fd);
    BOOST_TEST_MESSAGE(line);
}

}  // namespace eightbells::faults
