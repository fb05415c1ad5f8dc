#ifndef PIIVAULT_VAULT_KEYS_KEYRING_LOCK_H_
#define PIIVAULT_VAULT_KEYS_KEYRING_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace piivault::vault {

// Held by whoever has a vault's keyring open, so that no two processes write it: a lock of the
// kernel's (flock) on `<primary>.lock`, which stays behind, empty.
//
// Guarantees: one holder at a time on one machine, also within one process; the lock ends with the
// object or the process, however that ends. Does not: keep out who does not ask, or another machine
// over a network file system. Thread-compatible.
class KeyringLock {
 public:
  // FAILED_PRECONDITION where somebody holds it; UNAVAILABLE where the file cannot be made.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<KeyringLock>> Acquire(
      const std::string& primary);

  ~KeyringLock();
  KeyringLock(const KeyringLock&) = delete;
  KeyringLock& operator=(const KeyringLock&) = delete;

 private:
  explicit KeyringLock(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_KEYRING_LOCK_H_
