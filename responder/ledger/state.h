#ifndef EIGHTBELLS_RESPONDER_LEDGER_STATE_H
#define EIGHTBELLS_RESPONDER_LEDGER_STATE_H

#include "responder/ledger/books.h"
#include "responder/ledger/schema.h"

namespace eightbells::ledger {

struct Ledger::State : Books {
    using Books::Books;
};

}  // namespace eightbells::ledger

#endif
