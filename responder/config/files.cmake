set(SOURCES check_files.cc check_generated_crl.cc check_issuers.cc check_programs.cc check_watch.cc duration.cc fields.cc
            fields_of_time.cc load.cc)
set(LIBRARIES toml fmt)
