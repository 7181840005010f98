set(SOURCES audit.cc books.cc certificates.cc comparison.cc crls.cc events.cc import_crl.cc import_index.cc import_list.cc import_run.cc
            index_line.cc journal.cc ledger.cc line_reader.cc list_entry.cc published.cc schema.cc sqlite.cc staging.cc transition.cc)
set(LIBRARIES sqlite json fmt)
