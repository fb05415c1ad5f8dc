#include "vault/service/credential_call.h"

#include <utility>

#include "vault/retention/retained_fields.h"
#include "vault/service/vault_intake.h"

namespace piivault::vault {
namespace {

const v1::Provenance& ProvenanceOf(const CredentialQuery& query) {
  return query.provenance == nullptr ? v1::Provenance::default_instance() : *query.provenance;
}

std::optional<Plan> DecideBeforeLookUp(VaultCall& call, const CredentialQuery& query,
                                       const RecordName& name) {
  const IntakeChannel channel = ChannelBeforeLookUp(call.policy(), ProvenanceOf(query));
  return call.DecideAnyType(query.verb, {&query.field, 1}, false, TypeIn(name),
                            [&](authz::DecisionInput* input) {
                              if (query.clears) input->cleared = input->fields;
                              input->channel = channel.name;
                              input->front_hop = channel.front_hop;
                            });
}

PersonDecision DecideAbout(VaultCall& call, const CredentialQuery& query, authz::FieldId id,
                           const LoadedRecord& record) {
  const v1::Provenance& provenance = ProvenanceOf(query);
  const IntakeChannel channel = ChannelOf(provenance, record.header());
  authz::DecisionInput input = call.Input(query.verb);
  input.type = call.policy().FindType(record.type());
  input.fields = {&id, 1};
  if (query.clears) input.cleared = input.fields;
  input.channel = channel.name;
  input.front_hop = channel.front_hop;
  input.collected_at = CollectedAt(ProvenanceOf(query));
  return call.Decide(input, PersonFacts(call.tenant_id(), record, call.policy(), call.now()));
}

}  // namespace

std::optional<Plan> FindCredential(VaultCall& call, const CredentialQuery& query,
                                   CredentialTarget* target) {
  RecordName name;
  if (auto refused = call.OpenRecord(query.name, query.usage, &name)) return refused;
  if (auto refused = call.CheckFieldNames({&query.field, 1}, true)) return refused;
  if (auto refused = DecideBeforeLookUp(call, query, name)) return refused;
  absl::StatusOr<LoadResult> loaded = call.Resolve(name);
  if (!loaded.ok()) return call.Refuse(loaded.status());
  if (!loaded->ok()) return call.Refuse(loaded->reason);

  target->record = std::move(loaded->record);
  const LoadedRecord& record = *target->record;
  FieldIds ids;
  call.ResolveFields(call.policy().FindType(record.type()), {&query.field, 1}, &ids);
  target->decision = DecideAbout(call, query, ids.front(), record);
  if (!target->decision.granted()) return call.Refuse(target->decision, &record);
  target->field = &call.policy().field(ids.front());
  target->rule = &call.policy().CredentialRuleOf(ids.front());
  if (!target->field->one_way) {
    return call.Refuse(authz::Reason::kMalformedRequest, {target->field->full_name});
  }
  call.Describe(target->decision);
  return std::nullopt;
}

std::optional<Plan> ClearCredential(VaultCall& call, RecordWriter* writer,
                                    CredentialTarget* target) {
  const std::optional<RecordField> stored = target->record->reader->Field(target->field->name);
  if (!stored.has_value() || stored->absent) {
    call.AddFields(target->decision, call.AddItem(target->record.get()));
    return std::nullopt;
  }
  RecordChange change;
  change.clear = {target->field->name};
  // No law keeps a credential; the other fields keep their past.
  static_cast<void>(ApplyHolds(call.policy(), *target->record, call.vouched(), &change));
  const absl::StatusOr<WriteResult> written = writer->Update(target->record.get(), change);
  if (!written.ok()) return call.Refuse(written.status());
  if (!written->ok()) return call.Refuse(written->reason);
  call.AddFields(target->decision, call.AddItem(*written));
  return std::nullopt;
}

}  // namespace piivault::vault
