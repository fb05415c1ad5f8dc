#ifndef PIIVAULT_VAULT_VALUES_CREDENTIAL_TEXT_H_
#define PIIVAULT_VAULT_VALUES_CREDENTIAL_TEXT_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// The form in which credentials are compared: OpaqueString of RFC 8265, spaces of all kinds as
// U+0020 and NFC, so that the same keys give the same bytes on each device. Idempotent.
// INVALID_ARGUMENT for text that is empty, not UTF-8, or has control characters in it; for ICU's
// errors too. The intermediate buffers are wiped.
[[nodiscard]] absl::StatusOr<SecretBytes> PrepareCredential(std::string_view text);

// What a credential is made of.
struct CredentialShape {
  size_t characters = 0;  // code points
  bool upper = false;
  bool lower = false;
  bool letter = false;  // of any script, with case or without
  bool digit = false;   // decimal, of any script
  bool symbol = false;  // whatever is none of these, and no space

  // Whether it has characters of the class, a word of authz::vocabulary::kCharacterClasses.
  bool Has(std::string_view character_class) const;
};

// REQUIRES: `prepared` is as PrepareCredential() gives it.
CredentialShape ShapeOf(std::string_view prepared);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_CREDENTIAL_TEXT_H_
