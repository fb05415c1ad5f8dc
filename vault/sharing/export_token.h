#ifndef PIIVAULT_VAULT_SHARING_EXPORT_TOKEN_H_
#define PIIVAULT_VAULT_SHARING_EXPORT_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/id.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/signing_keys.h"
#include "vault/sharing/paseto.h"

namespace piivault::vault {

// Export tokens (design note 0013). What a token says does not decide: its row does, and has to
// agree with it. There is no value and no id of a person in one.

// Claims, under the names that they have in the token.
struct ExportClaims {
  std::string aud;  // the recipient, `tenants/{tenant}/recipients/{recipient}`
  absl::Time exp;   // from then on it gives nothing; at most kMaxExportTokenLife after nbf
  std::vector<std::string> fields;  // `type.field`, at least one, ascending, each once
  uint64_t gen = 0;                 // generation of the log
  absl::Time iat;
  storage::Id128 iss;  // the vault's id
  storage::Id128 jti;  // the token's id
  absl::Time nbf;
  std::string purpose;  // an identifier of the policy
  Sha256Digest sub{};   // SubjectsHash()
  uint64_t uses = 0;    // at least 1

  friend bool operator==(const ExportClaims&, const ExportClaims&) = default;
};

// So that a token's text fits kMaxPasetoText; about 100 fields with long names.
inline constexpr size_t kMaxClaimsSize = 6000;
// The largest integer that every reader of JSON takes for itself.
inline constexpr uint64_t kMaxClaimNumber = (uint64_t{1} << 53) - 1;

// The one text of claims: JSON with the members in the order above and no white space. Times are
// `2026-11-22T10:00:00Z`. INVALID_ARGUMENT for claims that have none: not as described above, times
// that are no whole seconds of the years 1970 to 9999, larger numbers or more than kMaxClaimsSize.
[[nodiscard]] absl::StatusOr<std::string> EncodeClaims(const ExportClaims& claims);
// INVALID_ARGUMENT for every text that EncodeClaims() does not give.
[[nodiscard]] absl::StatusOr<ExportClaims> ParseClaims(std::string_view text);

// A time as claims have it.
std::string ClaimTime(absl::Time time);

// Whether it is within its time, without leeway: nbf <= now < exp.
inline bool InTime(const ExportClaims& claims, absl::Time now) {
  return claims.nbf <= now && now < claims.exp;
}

// Whom an export is about: a person, or one record of hers.
struct ExportSubject {
  storage::Id128 subject;
  std::optional<storage::Id128> record;
};
// SHA-256 over the list (FORMAT.md) `piivault export subjects`, jti, and for each the subject's id
// and the record's (empty where there is none), in this order.
Sha256Digest SubjectsHash(const storage::Id128& jti, absl::Span<const ExportSubject> subjects);

// What a token is signed with and does not say: the list `piivault export token`, the vault's id,
// the recipient's name.
std::string ImplicitAssertion(const storage::Id128& vault_id, std::string_view recipient);

// The token. INVALID_ARGUMENT where the claims have no text or name another vault, or where the key
// is retired. The same claims and key give the same token.
[[nodiscard]] absl::StatusOr<std::string> SealExportToken(const ExportClaims& claims,
                                                          const SigningKey& key,
                                                          const storage::Id128& vault_id);

// The claims of a token that this vault has made for this recipient, whose key is not too old. Does
// not: look at its times, see InTime(), or at its row. INVALID_ARGUMENT for anything else, the same
// whatever is wrong.
[[nodiscard]] absl::StatusOr<ExportClaims> OpenExportToken(std::string_view text,
                                                           const SigningKeys& keys,
                                                           const storage::Id128& vault_id,
                                                           std::string_view recipient,
                                                           absl::Time now);

// The claims of a token that one of the keys has signed, for whomever: for a recipient, who wants
// to know what it has been given. A vault must not use it. INVALID_ARGUMENT as above.
[[nodiscard]] absl::StatusOr<ExportClaims> InspectExportToken(std::string_view text,
                                                              PasetoKeyLookup lookup);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SHARING_EXPORT_TOKEN_H_
