#ifndef PIIVAULT_VAULT_RECORDS_FIELD_TERMS_H_
#define PIIVAULT_VAULT_RECORDS_FIELD_TERMS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "storage/keys.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/epoch_keys.h"
#include "vault/state/field_indexes.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// What a value is found by: one term for the value, one more for the domain of an e-mail address
// where the policy says index_domain. Thread-compatible: Digest() remembers what it said last.
struct FieldTerm {
  std::string index;  // `reader.email`, or `reader.email@domain` for the domain
  SecretBytes normalised;
  uint32_t normaliser = kNormaliserVersion;
  KeyClass key_class = KeyClass::kNormal;  // of the value that the row is for

  storage::IndexDigest Digest(const TenantKeys& keys) const;
  // Whether it is the same row in each epoch.
  bool operator==(const FieldTerm& other) const {
    return index == other.index && normaliser == other.normaliser && key_class == other.key_class &&
           normalised == other.normalised;
  }

  // What Digest() said last, and of which keys.
  mutable std::optional<std::pair<storage::TenantId, uint32_t>> digest_of = std::nullopt;
  mutable storage::IndexDigest digest = {};
};

// The terms that a value of that class has by `form`. The first, if there is one for it, is the
// whole value's. `field`: `type.field`.
std::vector<FieldTerm> IndexTerms(const ValueRules& rules, std::string_view field,
                                  const IndexForm& form, std::string_view value,
                                  KeyClass key_class);
// Those of the form that is wanted; none where `index` is null.
std::vector<FieldTerm> IndexTerms(const ValueRules& rules, std::string_view field,
                                  const FieldIndex* index, std::string_view value,
                                  KeyClass key_class);
// Every term that the value may have rows by, each once: what a removal takes away.
std::vector<FieldTerm> RemovalTerms(const ValueRules& rules, std::string_view field,
                                    const FieldIndex* index, std::string_view value,
                                    KeyClass key_class);

// A value, or the domain of addresses, that is looked for: in every form that records may be found
// by, the one that is wanted last. In this order no row is missed that is brought from one form to
// the wanted one between two probes.
struct SearchTerm {
  struct Form {
    IndexForm form;
    SecretBytes normalised;
  };

  // REQUIRES: `index` has a form with `kind`, and the wanted one has it. INVALID_ARGUMENT where the
  // value has no such form.
  [[nodiscard]] static absl::StatusOr<SearchTerm> Of(const ValueRules& rules,
                                                     std::string_view field,
                                                     const FieldIndex& index, bool IndexForm::*kind,
                                                     std::string_view value);

  // Where to look under these keys.
  absl::InlinedVector<storage::IndexDigest, 2> Digests(const TenantKeys& keys) const;
  // Whether a record's value is what is looked for, by one of the forms.
  bool Matches(const ValueRules& rules, std::string_view value, const Form& form) const;
  // Whether one of the value's rows, by any form, is where one of the forms looks: rows do not say
  // which semantic type they are by.
  bool MayLeadTo(const ValueRules& rules, std::string_view value) const;
  // Within its type.
  std::string_view field_name() const;

  std::string field;  // `type.field`
  bool IndexForm::*kind = &IndexForm::whole;
  std::vector<Form> forms;  // never empty
  bool normal = false;      // values may be under the normal keys
  bool important = false;   // or those for important data
};

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
