set(SOURCES audit.cc books.cc certificates.cc comparison.cc events.cc import_run.cc ledger.cc published.cc schema.cc sqlite.cc staging.cc
            transition.cc)
set(LIBRARIES sqlite json fmt)
