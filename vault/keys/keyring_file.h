#ifndef PIIVAULT_VAULT_KEYS_KEYRING_FILE_H_
#define PIIVAULT_VAULT_KEYS_KEYRING_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace piivault::vault {

// Reads a whole small file (at most 1 MiB). NOT_FOUND, DATA_LOSS (too large), UNAVAILABLE (I/O).
[[nodiscard]] absl::StatusOr<std::string> ReadKeyFile(const std::string& path);

// Replaces `path` by `contents`, mode 0600, so that a crash leaves the old or the new file whole:
// writes `path`.tmp, fsyncs it, renames it, fsyncs the directory. Then overwrites the old file's
// bytes, as far as the file system lets one, because they may hold a key that is to be gone.
// UNAVAILABLE where a step fails.
[[nodiscard]] absl::Status ReplaceKeyFile(const std::string& path, std::string_view contents);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_KEYRING_FILE_H_
