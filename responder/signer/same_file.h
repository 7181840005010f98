#ifndef EIGHTBELLS_RESPONDER_SIGNER_SAME_FILE_H
#define EIGHTBELLS_RESPONDER_SIGNER_SAME_FILE_H

#include <sys/stat.h>

namespace eightbells::signer {

// Whether two looks at a path saw one file with the same octets, as far as the file system tells: device,
// inode, size, and both times to the nanosecond.
inline bool same_file(const struct ::stat& a, const struct ::stat& b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
           a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

}  // namespace eightbells::signer

#endif
