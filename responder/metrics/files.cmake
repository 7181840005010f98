set(SOURCES cells.cc family.cc front_metrics.cc inventory.cc outcome.cc own_resources.cc private_listener.cc
            request_counters.cc)
set(LIBRARIES prometheus libevent json fmt)
set_source_files_properties(${FOLDER}/own_resources.cc PROPERTIES COMPILE_DEFINITIONS
                                                                  EIGHTBELLS_VERSION="${PROJECT_VERSION}")
