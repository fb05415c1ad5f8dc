#ifndef PIIVAULT_VAULT_SERVICE_VAULT_NAMED_RECORD_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_NAMED_RECORD_H_

#include <memory>
#include <optional>
#include <utility>

#include "authz/operation.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

// The one record that a request names, and what is decided about the fields that it names.
struct NamedRecord {
  std::unique_ptr<LoadedRecord> record;
  PersonDecision decision;
};

// From the request to the decision, for requests with `name`, `fields`, `usage` and
// `allow_partial`. A refusal, or nothing and then `*named`, of which at least a part is granted.
template <typename Request>
std::optional<Plan> OpenNamedRecord(VaultCall& call, authz::Verb verb, const Request& request,
                                    NamedRecord* named) {
  RecordName name;
  if (auto refused = call.OpenRecord(request.name(), &request.usage(), &name)) return refused;
  const FieldNames names = NamesOf(request.fields());
  if (auto refused = call.CheckFieldNames(names, true)) return refused;
  if (auto refused = call.DecideAnyType(verb, names, request.allow_partial(), TypeIn(name))) {
    return refused;
  }
  absl::StatusOr<LoadResult> loaded = call.Resolve(name);
  if (!loaded.ok()) return call.Refuse(loaded.status());
  if (!loaded->ok()) return call.Refuse(loaded->reason);
  named->record = std::move(loaded->record);

  const authz::TypeId type = call.policy().FindType(named->record->type());
  FieldIds ids;
  call.ResolveFields(type, names, &ids);
  named->decision = call.Decide(verb, type, ids, *named->record);
  const bool partial = request.allow_partial() && named->decision.partial();
  if (named->decision.granted() || partial) return std::nullopt;
  return call.Refuse(named->decision, named->record.get());
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_NAMED_RECORD_H_
