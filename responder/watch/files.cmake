set(SOURCES botan_seam.cc cause.cc chain.cc examine.cc fetch.cc history.cc judge.cc ledger_file.cc openssl_crl.cc
            openssl_ocsp.cc openssl_seam.cc outage_ledger.cc prober.cc prober_crl.cc revocations.cc rounds.cc status.cc
            status_json.cc timeline.cc watch.cc)
set(LIBRARIES botan curl fmt json libevent openssl spdlog sqlite)
