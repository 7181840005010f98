set(SOURCES botan_seam.cc cause.cc chain.cc examine.cc history.cc judge.cc ledger_file.cc openssl_crl.cc
            openssl_ocsp.cc openssl_seam.cc outage_ledger.cc prober.cc prober_crl.cc report.cc report_html.cc
            report_ledger.cc report_verify.cc report_words.cc revocations.cc rounds.cc status.cc
            status_json.cc timeline.cc watch.cc)
set(LIBRARIES botan fmt json libevent openssl spdlog sqlite)

# The status page is written as the HTML it is, and compiled into the program.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${FOLDER}/status_page.html)
file(READ ${FOLDER}/status_page.html STATUS_PAGE)
configure_file(${FOLDER}/status_page.cc.in ${CMAKE_CURRENT_BINARY_DIR}/watch/status_page.cc @ONLY)
set(GENERATED ${CMAKE_CURRENT_BINARY_DIR}/watch/status_page.cc)
