#ifndef PIIVAULT_VAULT_KEYS_PAGE_TOKEN_H_
#define PIIVAULT_VAULT_KEYS_PAGE_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "vault/crypto/random.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// Whom and what a page token is for.
struct PageTokenBinding {
  std::string_view principal;  // e.g. `principals/sato`
  std::string_view method;     // e.g. `piivault.v1.VaultService/ListRecords`
  Sha256Digest request{};      // of the request without page token and page size
};

// A list's cursor, sealed: its holder learns nothing from it (its length is rounded up to 16) and
// gains no authority. Text is base64url without padding.
std::string SealPageToken(const KeySnapshot& keys, RandomSource& random,
                          const PageTokenBinding& binding, std::string_view cursor,
                          absl::Time expires);

// INVALID_ARGUMENT for someone else's token, another query's, an expired or altered one, without
// saying which; the same after the epoch that sealed it was destroyed.
[[nodiscard]] absl::StatusOr<std::string> OpenPageToken(const KeySnapshot& keys,
                                                        const PageTokenBinding& binding,
                                                        std::string_view token, absl::Time now);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_PAGE_TOKEN_H_
