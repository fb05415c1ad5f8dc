#include "tests/authz/sharing_policy.h"

namespace piivault::authz {

Share::Share(std::shared_ptr<const Policy> its_policy, std::string_view its_rule)
    : policy(std::move(its_policy)), rule(its_rule) {
  now = absl::FromCivil(absl::CivilSecond(2026, 4, 1, 12, 0, 0), policy->timezone());
  principal.name = "principals/desk";
  principal.kind = PrincipalKind::kStaff;
  principal.person = "persons/aoki";
  RoleBinding binding;
  binding.role = "desk";
  binding.tenant = "tenants/default";
  principal.bindings.push_back(binding);
  person.name = "persons/aoki";
  person.employment = Employment::kFullTime;
  Attestation nda;
  nda.id = "nda";
  nda.kind = AttestationKind::kNdaContract;
  nda.signatory = person.name;
  nda.signed_at = now - absl::Hours(24);
  nda.valid_until = now + absl::Hours(24 * 30);
  attestations.push_back(nda);
  recipient.name = "tenants/default/recipients/yamato";
  recipient.category = "carrier";
  recipient.country = "JP";
  recipient.registered_by_person = "persons/baba";
  terms.lifetime = absl::Minutes(5);
  terms.issued_at = now;
}

void Share::Ask(const std::vector<std::string>& names) { fields = Ids(names); }

std::vector<FieldId> Share::Ids(const std::vector<std::string>& names) const {
  std::vector<FieldId> ids;
  for (const std::string& name : names) ids.push_back(policy->FindField(name));
  return ids;
}

ShareInput Share::Input() const {
  ShareInput input = terms;
  input.issuer.principal = &principal;
  input.issuer.person = &person;
  input.issuer.attestations = attestations;
  input.issuer.tenant = "tenants/default";
  input.issuer.purpose = purpose;
  input.issuer.arguments = arguments;
  input.issuer.matters = tenant_matters;
  input.issuer.now = now;
  input.recipient = &recipient;
  input.rule = rule;
  input.fields = fields;
  input.requested = requested;
  input.assertions = assertions;
  return input;
}

ShareDecision Share::Decide() const {
  const ShareInput input = Input();
  SubjectFacts known = facts;
  known.subject = "subjects/s";
  known.matters = matters;
  known.consents = consents;
  const TypeId type = fields.empty() ? kNoType : policy->field(fields.front()).type;
  std::vector<FieldId> of_type;
  for (FieldId id : fields) {
    if (policy->field(id).type == type) of_type.push_back(id);
  }
  return DecideShareWithSubject(*policy, input, type, of_type, {&known, held});
}

std::vector<std::string> Share::Denied() const {
  std::vector<std::string> names;
  for (FieldId id : Decide().denied) names.push_back(policy->field(id).full_name);
  return names;
}

RecipientAttestation& Share::Attest(AttestationKind kind) {
  RecipientAttestation a;
  a.id = "a" + std::to_string(recipient.attestations.size());
  a.kind = kind;
  a.signed_at = now - absl::Hours(24 * 20);
  a.valid_until = now + absl::Hours(24 * 20);
  a.recorded_by_person = "persons/baba";
  return recipient.attestations.emplace_back(a);
}

}  // namespace piivault::authz
