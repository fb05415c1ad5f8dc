#ifndef PIIVAULT_VAULT_SERVICE_CREDENTIAL_CALL_H_
#define PIIVAULT_VAULT_SERVICE_CREDENTIAL_CALL_H_

#include <memory>
#include <optional>
#include <string_view>

#include "vault/records/credential.h"
#include "vault/records/record_loader.h"
#include "vault/service/vault_call.h"

// What the methods share that set and try credentials.
namespace piivault::vault {

// The field of a record that a call is about, and the decision that granted it.
struct CredentialTarget {
  std::unique_ptr<LoadedRecord> record;
  const authz::FieldSpec* field = nullptr;
  const authz::CredentialRule* rule = nullptr;
  PersonDecision decision;

  const storage::Id128& record_id() const { return record->identity.record; }
  // What bears on the use of the person's data, as it was read.
  const storage::v1::SubjectUse& use() const { return record->subject.row.use(); }
};

struct CredentialQuery {
  authz::Verb verb;
  std::string_view name;
  std::string_view field;
  const v1::Usage* usage;
  const v1::Provenance* provenance = nullptr;  // of what is to be set
  bool clears = false;
};

// Opens the call, decides before and after the record is looked up, and finds the field, which is
// one that is stored one way. A refusal, or nothing.
std::optional<Plan> FindCredential(VaultCall& call, const CredentialQuery& query,
                                   CredentialTarget* target);

// Clears the field, where it holds anything, and says so in the entry. A refusal, or nothing.
std::optional<Plan> ClearCredential(VaultCall& call, RecordWriter* writer,
                                    CredentialTarget* target);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_CREDENTIAL_CALL_H_
