#ifndef EIGHTBELLS_RESPONDER_SIGNER_FOLDERS_H
#define EIGHTBELLS_RESPONDER_SIGNER_FOLDERS_H

#include "responder/base/durable_file.h"
#include "responder/config/config.h"

namespace eightbells::signer {

// Makes the signer's folders where they are not there, its own private, and takes that one: one signer at a
// time.
Result<FileLock> take_folders(const config::Config& config);

}  // namespace eightbells::signer

#endif
