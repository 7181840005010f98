#include "responder/signer/crl_poller.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include "responder/crl/limits.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

CrlPoller::CrlPoller(config::ImportedCrl crl, std::filesystem::path scratch, Hooks hooks,
                     std::chrono::seconds stalls)
    : crl_(std::move(crl)), scratch_(std::move(scratch)), hooks_(std::move(hooks)), stalls_(stalls) {}

CrlPoller::~CrlPoller() {
    stop();
}

void CrlPoller::start() {
    thread_ = std::thread{[this] { loop(); }};
}

void CrlPoller::stop() {
    {
        const std::scoped_lock lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable())
        thread_.join();
}

void CrlPoller::loop() {
    while (!stopping_) {
        poll_once();
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, crl_.poll, [this] { return stopping_.load(); });
    }
}

void CrlPoller::poll_once() {
    const auto refuse = [&](const Error& why) {
        forget();
        hooks_.refuse({nullptr, crl_.url}, {fmt::format("{}: {}", crl_.url, why.message)});
    };
    auto body = SpoolFile::make(scratch_);
    if (!body)
        return refuse(body.error());
    fetch::Fetcher::Settings settings;
    settings.timeout = limits::crl_fetch_time;
    settings.stalls = stalls_;
    settings.user_agent = "eightbells";
    auto fetcher = fetch::Fetcher::make(settings);
    if (!fetcher)
        return refuse(fetcher.error());
    fetch::Fetch wanted;
    wanted.url = crl_.url;
    wanted.at_most = limits::crl_octets;
    std::optional<Error> disk;
    wanted.take = [&](ByteView octets) {
        if (auto written = body->append(octets); !written)
            disk = written.error();
        return !disk;
    };
    if (!etag_.empty())
        wanted.headers.push_back("If-None-Match: " + etag_);
    if (!last_modified_.empty())
        wanted.headers.push_back("If-Modified-Since: " + last_modified_);
    std::optional<fetch::Fetched> answer;
    auto done = fetcher->fetch(
        std::span{&wanted, 1}, [&](std::size_t, fetch::Fetched fetched) { answer = std::move(fetched); },
        [this] { return stopping_.load(); });
    if (!done)
        return refuse(done.error());
    if (disk)
        return refuse(*disk);
    if (answer)
        judge(std::move(*answer), std::move(*body));
}

// A refusal stands as an alarm until a CRL is taken; of "not modified" the gate would not hear.
void CrlPoller::forget() {
    etag_.clear();
    last_modified_.clear();
}

void CrlPoller::judge(fetch::Fetched fetched, SpoolFile body) {
    const auto refuse = [&](const std::string& why) {
        forget();
        auto octets = body.map();
        hooks_.refuse({octets && body.size() != 0 ? *octets : nullptr, crl_.url},
                      {fmt::format("{}: {}", crl_.url, why)});
    };
    if (fetched.failure == fetch::Failure::too_large)
        return refuse(fmt::format("more than the limit of {} octets", limits::crl_octets));
    if (fetched.failure != fetch::Failure::none)
        return refuse(fetched.why);
    if (fetched.status == 304 && (!etag_.empty() || !last_modified_.empty()))
        return;
    if (fetched.status >= 300 && fetched.status < 400 && fetched.status != 304)
        return refuse(
            fmt::format("HTTP {}: redirects to {}; redirects are not followed: configure where it lies",
                        fetched.status, fetched.header("location")));
    if (fetched.status != 200)
        return refuse(fmt::format("HTTP {} where 200 was expected", fetched.status));
    if (fetched.header("content-type").starts_with("text/html"))
        return refuse("HTML was served, not a CRL");
    auto octets = body.map();
    if (!octets)
        return refuse(octets.error().message);
    if (!hooks_.offer({std::move(*octets), crl_.url}))
        return forget();
    etag_ = fetched.header("etag");
    last_modified_ = fetched.header("last-modified");
}

}  // namespace eightbells::signer
