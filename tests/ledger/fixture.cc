#include "tests/ledger/fixture.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace eightbells::ledger::testing {

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "eightbells-ledger-XXXXXX").string();
    BOOST_TEST_REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
}
TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Serial serial(std::string_view hex) {
    auto made = Serial::from_hex(hex);
    BOOST_TEST_REQUIRE(made.has_value());
    return *made;
}

void write(const std::filesystem::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    BOOST_TEST_REQUIRE(out.good());
}

std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    BOOST_TEST_REQUIRE(in.good(), "cannot read " << file);
    return {std::istreambuf_iterator<char>(in), {}};
}

void run(const std::filesystem::path& folder, const std::string& command) {
    const std::string line = "cd '" + folder.string() + "' && { " + command + "; } >log 2>&1 </dev/null";
    const bool succeeded = std::system(line.c_str()) == 0;
    BOOST_TEST_REQUIRE(succeeded, command << ": " << (succeeded ? "" : read(folder / "log")));
}

const TestCa& test_ca() {
    static const TempFolder folder;
    static const TestCa ca = [] {
        run(folder.path(),
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout issuer.key -out "
            "issuer.pem "
            "-subj '/C=NL/O=Ledger/CN=Ledger CA' -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign");
        const std::string pem = read(folder / "issuer.pem");
        auto certificate = crypto::Certificate::parse(as_bytes(pem));
        REQUIRE_OK(certificate);
        auto identity = crypto::IssuerIdentity::from_certificate(*certificate);
        REQUIRE_OK(identity);
        return TestCa{folder.path(), *identity};
    }();
    return ca;
}

Bench::Bench(bool suspension, std::string issuer_id) : id(std::move(issuer_id)) {
    auto opened = Ledger::open(folder / "ledger.db", true, clock);
    REQUIRE_OK(opened);
    ledger = std::move(*opened);
    REQUIRE_OK(ledger->register_issuer(id, "test", suspension));
}

void Bench::reopen() {
    ledger.reset();
    auto opened = Ledger::open(folder / "ledger.db", false, clock);
    REQUIRE_OK(opened);
    ledger = std::move(*opened);
}

EventAnswer Bench::apply(const Event& event) {
    auto answer = ledger->apply(event);
    REQUIRE_OK(answer);
    return *answer;
}

EventAnswer Bench::apply(Action action, std::string_view serial_hex, std::optional<CrlReason> reason,
                         std::optional<UtcTime> time) {
    Event event;
    event.issuer = id;
    event.source = "operator";
    event.action = action;
    event.serial = serial(serial_hex);
    event.reason = reason;
    event.time = time;
    return apply(event);
}

void Bench::issue(std::string_view serial_hex, UtcTime not_after) {
    Event event;
    event.issuer = id;
    event.source = "operator";
    event.action = Action::issue;
    event.serial = serial(serial_hex);
    event.not_after = not_after;
    const EventAnswer answer = apply(event);
    BOOST_TEST_REQUIRE(answer.verdict == Verdict::applied, answer.message);
}

std::optional<Certificate> Bench::find(std::string_view serial_hex) {
    auto found = ledger->find(id, serial(serial_hex));
    REQUIRE_OK(found);
    return *found;
}

CertStatus Bench::status(std::string_view serial_hex) {
    const auto found = find(serial_hex);
    BOOST_TEST_REQUIRE(found.has_value(), serial_hex << " is not known");
    return found->status;
}

std::vector<Source> Bench::sources() {
    auto sources = ledger->sources(id);
    REQUIRE_OK(sources);
    return *sources;
}

Result<ImportReport> Bench::import(const std::vector<Ledger::Entry>& entries, std::string version,
                                   const std::function<void(Ledger::ImportSource&)>& adjust) {
    Ledger::ImportSource source;
    source.issuer = id;
    source.name = "index";
    source.file = "index.txt";
    source.as_of = clock.now();
    source.carries_status = true;
    source.full_list = true;
    if (adjust)
        adjust(source);
    return ledger->import(source, [&](const Ledger::Take& take) -> Result<crypto::Sha256Digest> {
        for (const auto& entry : entries) {
            if (auto taken = take(entry); !taken)
                return fail(taken.error().message);
        }
        return crypto::sha256(as_bytes(version));
    });
}

namespace {
struct Connection {
    explicit Connection(const std::filesystem::path& file) {
        BOOST_TEST_REQUIRE(sqlite3_open(file.c_str(), &handle) == SQLITE_OK);
        sqlite3_busy_timeout(handle, 5000);
    }
    ~Connection() { sqlite3_close(handle); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    sqlite3* handle = nullptr;
};
}  // namespace

std::vector<std::string> Bench::audit_texts(std::string_view kind) {
    const Connection connection(folder / "ledger.db");
    sqlite3_stmt* statement = nullptr;
    BOOST_TEST_REQUIRE(sqlite3_prepare_v2(connection.handle,
                                          "SELECT at, text FROM audit WHERE kind = ? ORDER BY line", -1,
                                          &statement, nullptr) == SQLITE_OK);
    sqlite3_bind_text(statement, 1, kind.data(), static_cast<int>(kind.size()), SQLITE_TRANSIENT);
    std::vector<std::string> texts;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const auto* const at = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
        BOOST_TEST(from_iso8601(at).has_value(), at << " is not a UTC time");
        texts.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 1)));
        BOOST_TEST(nlohmann::json::accept(texts.back()));
    }
    sqlite3_finalize(statement);
    return texts;
}

void Bench::sql(const std::string& statements) {
    const Connection connection(folder / "ledger.db");
    char* error = nullptr;
    sqlite3_exec(connection.handle, statements.c_str(), nullptr, nullptr, &error);
    const std::string message = error == nullptr ? "" : error;
    sqlite3_free(error);
    if (!message.empty())
        throw std::runtime_error(message);
}

Ledger::Entry good(std::string_view serial_hex, std::uint64_t line) {
    return {serial(serial_hex), noon + std::chrono::days{365}, std::nullopt, true, std::nullopt, line};
}
Ledger::Entry revoked(std::string_view serial_hex, UtcTime time, std::optional<CrlReason> reason,
                      std::uint64_t line) {
    Ledger::Entry entry = good(serial_hex, line);
    entry.status = Revocation{time, reason, std::nullopt};
    return entry;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace eightbells::ledger::testing
