#ifndef EIGHTBELLS_RESPONDER_CONFIG_CHECKS_H
#define EIGHTBELLS_RESPONDER_CONFIG_CHECKS_H

#include "responder/config/config.h"
#include "responder/config/fields.h"

namespace eightbells::config {

// What single fields cannot say for themselves: the arithmetic of the promise, forms, and conflicts between
// fields. `config` is complete, derived defaults included.
void check_issuers(const Config& config, Report& report);
void check_generated_crls(const Config& config, Report& report);
void check_programs(const Config& config, Report& report);
void check_watch(const Config& config, Report& report);

// Why a path may not stand in a URL as it is; empty: it may.
std::string path_fault(std::string_view path);

}  // namespace eightbells::config

#endif
