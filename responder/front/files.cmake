set(SOURCES answering.cc caching.cc crl_file.cc foresight.cc front.cc gauges.cc health.cc issuers.cc listening_sockets.cc live_check.cc
            live_client.cc loader.cc loop.cc page_reader.cc page_waits.cc paths.cc plan.cc state.cc store_keys.cc store_of.cc worker.cc)
set(LIBRARIES libevent openssl spdlog fmt)
