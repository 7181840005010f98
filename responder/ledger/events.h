#ifndef EIGHTBELLS_RESPONDER_LEDGER_EVENTS_H
#define EIGHTBELLS_RESPONDER_LEDGER_EVENTS_H

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "responder/ledger/books.h"

namespace eightbells::ledger {

// Events within the caller's transaction: each validated, applied, remembered, on the audit log. The rows of
// their issuers and sources are read once and written by `finish`, which the transaction's commit must wait
// for.
class EventSeries {
  public:
    explicit EventSeries(Writing& writing) : writing_(writing) {}
    Result<EventAnswer> apply(const Event& event);
    Status finish();

  private:
    Result<Issuer*> issuer(const std::string& key);  // null: not known
    Result<SourceRow*> source(IssuerId issuer, const std::string& name);

    Writing& writing_;
    std::map<std::string, Issuer> issuers_;
    std::map<std::pair<IssuerId, std::string>, SourceRow> sources_;
};

// A status as the audit log writes it.
nlohmann::ordered_json status_json(const CertStatus& status);

}  // namespace eightbells::ledger

#endif
