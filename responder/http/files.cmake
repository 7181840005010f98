set(SOURCES answer.cc buffers.cc chunked.cc client_table.cc connection.cc counters.cc date.cc exchange.cc fault.cc grammar.cc
            known_headers.cc listener.cc preconditions.cc proxy_header.cc request_reader.cc response_head.cc worker.cc)
set(LIBRARIES libevent llhttp fmt)
