#ifndef PIIVAULT_OPS_CLI_DIGEST_H_
#define PIIVAULT_OPS_CLI_DIGEST_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "ops/pki/files.h"
#include "vault/crypto/sha256.h"
#include "vault/text.h"

namespace piivault::ops {

// SHA-256 in lower-case hexadecimal.
inline std::string Sha256Hex(std::string_view bytes) {
  return vault::ToHex(vault::AsView(vault::Sha256(bytes)));
}

// The same of a file's contents.
inline absl::StatusOr<std::string> FileSha256(const std::string& path) {
  absl::StatusOr<std::string> contents = ReadFile(path);
  if (!contents.ok()) return contents.status();
  return Sha256Hex(*contents);
}

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_DIGEST_H_
