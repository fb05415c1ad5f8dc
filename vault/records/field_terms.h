#ifndef PIIVAULT_VAULT_RECORDS_FIELD_TERMS_H_
#define PIIVAULT_VAULT_RECORDS_FIELD_TERMS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "authz/field_spec.h"
#include "storage/keys.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/epoch_keys.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// What a value is found by: one term for the value, one more for the domain of an e-mail address
// where the policy says index_domain. Thread-compatible: Digest() remembers what it said last.
struct FieldTerm {
  std::string index;  // `reader.email`, or `reader.email@domain` for the domain
  SecretBytes normalised;
  // Of the value that the row is for; of the field, by the policy, where a value is looked for.
  KeyClass key_class = KeyClass::kNormal;

  storage::IndexDigest Digest(const TenantKeys& keys) const;
  // Where a search looks: an important field may have values that were written before the policy
  // called it so. Values of a field that was important once are not found until they are written
  // again.
  absl::InlinedVector<storage::IndexDigest, 2> SearchDigests(const TenantKeys& keys) const;

  // What Digest() said last, and of which keys.
  mutable std::optional<std::pair<storage::TenantId, uint32_t>> digest_of = std::nullopt;
  mutable storage::IndexDigest digest = {};
};

// Name of the second index of an e-mail field.
std::string DomainIndexName(const authz::FieldSpec& field);

// The terms of a value of that class that the field is indexed by now. The first, if any, is the
// whole value's.
std::vector<FieldTerm> IndexTerms(const ValueRules& rules, const authz::FieldSpec& field,
                                  std::string_view value, KeyClass key_class);
// The terms that a value may ever have been indexed by, whatever the policy said then: what a
// removal takes away. Empty where the type cannot be indexed.
std::vector<FieldTerm> RemovalTerms(const ValueRules& rules, const authz::FieldSpec& field,
                                    std::string_view value, KeyClass key_class);

// Cells that stand for a value or a caller's key rather than for a row, so that two creates of the
// same one conflict, whatever epochs they index under. Under a key of this process: the
// fingerprints are compared within one engine's memory only, and say nothing outside of it.
// Thread-safe.
class UniqueCells {
 public:
  explicit UniqueCells(RandomSource& random);

  uint64_t Value(storage::TenantId tenant, const FieldTerm& term) const;
  uint64_t Ref(storage::TenantId tenant, std::string_view type, std::string_view ref) const;

 private:
  uint64_t Cell(std::string_view label, storage::TenantId tenant, std::string_view scope,
                std::string_view value) const;

  const SecretBytes key_bytes_;
  const HmacKey key_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_FIELD_TERMS_H_
