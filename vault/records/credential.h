#ifndef PIIVAULT_VAULT_RECORDS_CREDENTIAL_H_
#define PIIVAULT_VAULT_RECORDS_CREDENTIAL_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vault/crypto/scrypt.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/records/record_loader.h"

namespace piivault::vault {

inline constexpr size_t kCredentialSaltSize = 16;
inline constexpr size_t kCredentialHashSize = 32;
// What hashing a new credential costs: 32 MiB and about 80 ms. Each credential keeps what it was
// hashed with, so that this may be raised.
inline constexpr ScryptParameters kCredentialCost = {uint64_t{1} << 15, 8, 1};

// A credential as its record has it.
struct Credential {
  std::string salt;
  ScryptParameters cost;
  SecretBytes hash;
  absl::Time set_at = absl::InfinitePast();
  absl::Time holds_until = absl::InfiniteFuture();  // last instant
};

// The bytes that a record stores as the field's value.
SecretBytes SerializeCredential(const Credential& credential);

// The credential in the field; nothing where none is set, or where the field holds a value that was
// stored before the policy made it a credential. DATA_LOSS where it does not open or is none.
[[nodiscard]] absl::StatusOr<std::optional<Credential>> ReadCredential(std::string_view field,
                                                                       LoadedRecord* record);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_CREDENTIAL_H_
