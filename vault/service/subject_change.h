#ifndef PIIVAULT_VAULT_SERVICE_SUBJECT_CHANGE_H_
#define PIIVAULT_VAULT_SERVICE_SUBJECT_CHANGE_H_

#include <optional>
#include <string_view>

#include "absl/types/span.h"
#include "vault/records/subject_rows.h"
#include "vault/service/vault_call.h"

// What the methods share that change or show what is known of a person, beside the records.
namespace piivault::vault {

// Before any look-up: whether some person or tenant would do for one of `verbs`. Refuses with what
// the first says.
std::optional<Plan> DecideOneOf(VaultCall& call, absl::Span<const authz::Verb> verbs);

// Whether one of `verbs` is granted about the person of `facts`; nobody's for what is the tenant's
// own. A refusal with what the first says, or nothing, and then the decision.
std::optional<Plan> DecideOneOf(VaultCall& call, absl::Span<const authz::Verb> verbs,
                                const PersonFacts& facts, PersonDecision* granted);

// Loads the person, who has to be alive, decides one of `verbs` about them, and puts both into the
// entry. A refusal, or nothing. REQUIRES: DecideOneOf() has let the call pass.
std::optional<Plan> LoadPerson(VaultCall& call, const storage::Id128& id,
                               absl::Span<const authz::Verb> verbs, SubjectState* person);

// Another subject of the tenant that the request names under `argument`: must be there and alive.
// An item of the entry says who it is. kMalformedRequest for a name of another tenant.
std::optional<Plan> LoadOther(VaultCall& call, std::string_view name, std::string_view argument,
                              SubjectState* other);

// Writes the row at its next version.
void StorePerson(VaultCall& call, SubjectState* person);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SUBJECT_CHANGE_H_
