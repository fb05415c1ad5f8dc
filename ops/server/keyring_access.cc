#include "ops/server/keyring_access.h"

#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "vault/keys/keyring_file.h"

namespace piivault::ops {

absl::StatusOr<vault::SlotSecret> ReadSlotSecret(const Config::Keyring& config) {
  std::string path = config.passphrase_file;
  if (path.empty()) path = config.credential_file;
  if (path.empty()) {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (directory == nullptr) {
      return absl::FailedPreconditionError(
          "keyring.credential is set, but $CREDENTIALS_DIRECTORY is not: start it from a systemd "
          "unit with LoadCredential=, or use keyring.credential_file");
    }
    path = absl::StrCat(directory, "/", config.credential);
  }
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": others than its owner may read it; chmod 0600"));
  }
  absl::StatusOr<std::string> contents = vault::ReadKeyFile(path);
  if (!contents.ok()) return contents.status();
  vault::SlotSecret secret;
  if (config.passphrase_file.empty()) {
    secret.kind = vault::SlotKind::kCredential;
  } else {
    secret.kind = vault::SlotKind::kPassphrase;
    if (!contents->empty() && contents->back() == '\n') contents->pop_back();
  }
  secret.secret = vault::SecretBytes::CopyOf(*contents);
  vault::Wipe(&*contents);
  if (secret.secret.empty()) return absl::FailedPreconditionError(absl::StrCat(path, ": empty"));
  return secret;
}

vault::KeyringPaths PathsOf(const Config::Keyring& config) { return {config.path, config.mirrors}; }

}  // namespace piivault::ops
