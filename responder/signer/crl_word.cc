#include "responder/signer/crl_word.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "responder/crl/crl.h"
#include "responder/signer/limits.h"

namespace eightbells::signer {

void CrlWord::accepted(const std::string& issuer, const std::string& path, ByteView der) {
    const auto view = crl::parse_crl(der);
    if (!view || !view->next_update)
        return;  // the gate lets none such through
    const std::scoped_lock lock{mutex_};
    Words& words = words_[issuer];
    words.by_path[path] = {view->this_update, *view->next_update};
    words.looked_at.reset();
}

std::optional<Vouched> CrlWord::of(const std::string& issuer, std::span<const std::string> paths) {
    const UtcTime now = clock_.now();
    const std::scoped_lock lock{mutex_};
    Words& words = words_[issuer];
    Vouched together{now, year_9999};
    for (const std::string& path : paths) {
        const auto found = words.by_path.find(path);
        if (found == words.by_path.end())
            return std::nullopt;
        together.as_of = std::min(together.as_of, found->second.as_of);
        together.until = std::min(together.until, found->second.until);
    }
    if (together.until != year_9999)
        return together;
    // Certificates expire and lists add some: looked up again now and then.
    if (!words.looked_at || now - *words.looked_at >= limits::feed_confirm || now < *words.looked_at) {
        words.last = is_last(issuer, now);
        words.looked_at = now;
    }
    if (words.last)
        together.as_of = now;
    return together;
}

bool CrlWord::is_last(const std::string& issuer, UtcTime now) const {
    const auto open = ledger_.find_open(issuer, now);
    if (!open)
        spdlog::error("ledger: {}", open.error().message);
    return open && !open->has_value();
}

}  // namespace eightbells::signer
