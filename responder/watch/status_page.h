#ifndef EIGHTBELLS_RESPONDER_WATCH_STATUS_PAGE_H
#define EIGHTBELLS_RESPONDER_WATCH_STATUS_PAGE_H

#include <string_view>

namespace eightbells::watch {

// The page of status_page.html: self-contained, draws what stands at its own address with ".json" behind it,
// so that one text serves operators and relying parties.
std::string_view status_page() noexcept;

}  // namespace eightbells::watch

#endif
