set(SOURCES check.cc distribution_point.cc encode.cc entries.cc entry_rules.cc octets.cc parse.cc)
set(LIBRARIES fmt)
