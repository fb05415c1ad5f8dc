#ifndef PIIVAULT_VAULT_STATE_FIELD_INDEXES_H_
#define PIIVAULT_VAULT_STATE_FIELD_INDEXES_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "authz/field_spec.h"
#include "authz/policy.h"
#include "authz/semantic_type.h"
#include "piivault/storage/v1/state.pb.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// Which rows of the index a value has. That of a field that is not indexed is the default.
struct IndexForm {
  uint32_t normaliser = 0;  // version; with `semantic`: what a value normalises to
  authz::SemanticType semantic = authz::SemanticType::kText;
  bool whole = false;   // one for the value
  bool domain = false;  // one for the domain of an e-mail address
  bool unique = false;  // and no other record has the value

  bool none() const { return !whole && !domain; }
  bool operator==(const IndexForm&) const = default;
};

// What a policy asks for.
IndexForm FormOf(const authz::FieldSpec& field, uint32_t normaliser = kNormaliserVersion);

// How the values of a field are found.
struct FieldIndex {
  // Each value has its rows by one of these: by the last one, which is wanted, if it was written
  // since that came into force, else by that or one of the others. One alone: all is as it should
  // be.
  std::vector<IndexForm> forms;
  // Classes of keys that values may be under.
  bool normal = false;
  bool important = false;

  const IndexForm& wanted() const { return forms.back(); }
  bool rebuilding() const { return forms.size() > 1; }
  // Whether every value has a row, by one form or another.
  bool covers(bool IndexForm::*kind) const;

  // Makes a form the wanted one.
  void Want(const IndexForm& form);
  bool operator==(const FieldIndex&) const = default;
};

// The indexes of one tenant: what there is on disk, as against what the policy asks for.
//
// Guarantees: whatever a value may have a row by is among its field's forms, so that nothing is
// left behind by who removes by all of them, and nothing is missed by who looks by all of them.
// Immutable but for assignment; thread-safe as such.
class TenantIndexes {
 public:
  using Fields = std::map<std::string, FieldIndex, std::less<>>;  // by `type.field`

  // FAILED_PRECONDITION for a row with normal forms that this program does not know, as it is older
  // or too new; DATA_LOSS for one that makes no sense.
  [[nodiscard]] static absl::StatusOr<TenantIndexes> FromRow(const storage::v1::IndexFormsRow& row);
  storage::v1::IndexFormsRow ToRow(std::string_view tenant) const;

  // Null where no value is indexed.
  const FieldIndex* Find(std::string_view full_name) const;
  const Fields& fields() const { return fields_; }

  // Types with fields whose values have to be gone over, ascending.
  std::vector<std::string> TypesToRebuild() const;
  bool rebuilding() const;

  // When `policy` comes into force. `is_new` tells of a type whether no record of it can be there.
  TenantIndexes Under(const authz::Policy& policy,
                      absl::FunctionRef<bool(std::string_view type)> is_new) const;
  // When the program that looks values up has another normaliser.
  TenantIndexes WithNormaliser(uint32_t version) const;
  // When all records were gone over.
  TenantIndexes Rebuilt() const;

  bool operator==(const TenantIndexes&) const = default;

 private:
  Fields fields_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_FIELD_INDEXES_H_
