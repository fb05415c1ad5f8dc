#include "vault/keys/keyring_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace piivault::vault {

absl::StatusOr<std::unique_ptr<KeyringLock>> KeyringLock::Acquire(const std::string& primary) {
  const std::string path = primary + ".lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot open ", path, ": ", std::string(std::strerror(errno))));
  }
  auto lock = std::unique_ptr<KeyringLock>(new KeyringLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return absl::FailedPreconditionError(
        absl::StrCat("the keyring ", primary, " is in use by another process: stop that first"));
  }
  return absl::UnavailableError(
      absl::StrCat("cannot lock ", path, ": ", std::string(std::strerror(errno))));
}

KeyringLock::~KeyringLock() { close(fd_); }

}  // namespace piivault::vault
