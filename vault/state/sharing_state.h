#ifndef PIIVAULT_VAULT_STATE_SHARING_STATE_H_
#define PIIVAULT_VAULT_STATE_SHARING_STATE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/share_decision.h"
#include "piivault/storage/v1/sharing.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "vault/keys/signing_keys.h"

namespace piivault::vault {

// How long a revocation stays: longer than any token that it is about, which may wait for approvals
// for authz::kMaxTokenLifetime and then live as long.
inline constexpr absl::Duration kExportRevocationKept = absl::Hours(49);

// A recipient with its attestations.
struct RecipientState {
  storage::v1::RecipientRow row;
  uint64_t version = 0;
  authz::Recipient recipient;  // the row as authz takes it
  uint64_t cell = 0;
};

// That export tokens of a tenant were revoked.
struct ExportRevocationState {
  std::string id;
  storage::v1::ExportRevocationRow row;
  uint64_t version = 0;
};
// A row of a signing key.
struct SigningKeyVersion {
  storage::v1::SigningKeyRow row;
  uint64_t version = 0;
};
using ExportRevocations = std::vector<std::shared_ptr<const ExportRevocationState>>;

// The name in the key of a recipient's row: `{tenant}/{recipient}`.
std::string RecipientKeyName(std::string_view tenant, std::string_view recipient);
// `tenants/{tenant}/recipients/{recipient}`.
std::string RecipientResource(std::string_view tenant, std::string_view recipient);

// The cell of a recipient that may not be there yet, for read sets.
uint64_t RecipientCell(std::string_view tenant, std::string_view recipient);
// What was revoked of a tenant's export tokens: touched with each revocation, so that no redemption
// overtakes it.
uint64_t ExportRevocationsCell(std::string_view tenant);

// Which keys export tokens are signed with: touched with each new one.
uint64_t SigningKeysCell();

// The keys that export tokens are signed with, and the rows that they are made of.
struct SigningKeyState {
  SigningKeys keys;
  std::map<std::string, SigningKeyVersion, std::less<>> rows;  // by kid
};

// A row as authz takes it. Names become resource names; an attestation without an end is good until
// InfiniteFuture.
authz::Recipient ToRecipient(const storage::v1::RecipientRow& row);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_SHARING_STATE_H_
