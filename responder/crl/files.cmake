set(SOURCES check.cc entries.cc parse.cc)
set(LIBRARIES fmt)
