#include "tests/authz/test_policy.h"

#include <cstdio>
#include <utility>

namespace piivault::authz {

std::shared_ptr<const Policy> LoadPolicy(std::string yaml, std::string* problems) {
  PolicyText text;
  text.yaml = std::move(yaml);
  Diagnostics diagnostics;
  auto policy = Policy::Load(text, &diagnostics);
  if (problems != nullptr) *problems = diagnostics.ToString();
  return policy;
}

std::shared_ptr<const Policy> LoadTestPolicy(std::string_view extra) {
  std::string problems;
  auto policy = LoadPolicy(std::string(kTestPolicy) + std::string(extra), &problems);
  if (policy == nullptr) std::fputs(problems.c_str(), stderr);
  return policy;
}

std::shared_ptr<const Policy> LoadTestPolicy() {
  static const auto* const policy = new std::shared_ptr<const Policy>(LoadTestPolicy(""));
  return *policy;
}

Call MakeTestCall(std::shared_ptr<const Policy> policy, std::string_view role) {
  Call call(std::move(policy), role);
  if (role != "engineer") call.purpose = role == "app" || role == "reader" ? "send" : "idle";
  if (role == "trained" || role == "owner" || role == "visitor") call.purpose = "send";
  if (role != "engineer" && call.purpose == "idle") call.fields = {"name"};
  if (role == "trained") call.fields = {"phone"};
  if (role == "reader" || role == "visitor") call.on_behalf_of = call.subject_name;
  return call;
}

Call::Call(std::shared_ptr<const Policy> p, std::string_view role_name) : policy(std::move(p)) {
  now = absl::FromCivil(absl::CivilSecond(2025, 6, 1, 12, 0, 0), policy->timezone());
  person.name = "persons/p";
  person.employment = Employment::kFullTime;
  person.department = "sales";
  principal.name = "principals/p";
  principal.person = person.name;
  principal.kind = PrincipalKind::kStaff;
  if (const RoleSpec* spec = policy->FindRole(role_name); spec != nullptr) {
    if (spec->kind == RoleKind::kService || spec->kind == RoleKind::kSubject) {
      principal.kind = PrincipalKind::kService;
    }
    if (spec->kind == RoleKind::kTenant) {
      principal.kind = PrincipalKind::kTenant;
      principal.tenant = tenant;
    }
    if (!spec->employment.empty() && spec->employment[0] != Employment::kFullTime &&
        spec->name != "engineer") {
      person.employment = spec->employment[0];
    }
    person.duties = spec->duties;
    if (!spec->department.empty()) person.department = spec->department;
  }
  RoleBinding binding;
  binding.role = std::string(role_name);
  binding.tenant = tenant;
  principal.bindings.push_back(binding);
  for (AttestationKind kind : {AttestationKind::kNdaContract, AttestationKind::kTraining}) {
    Attestation a;
    a.id = std::string(AttestationKindName(kind));
    a.kind = kind;
    a.signatory = person.name;
    a.signed_at = now - absl::Hours(24);
    a.valid_until = policy->EndOfDay(absl::CivilDay(2025, 12, 31));
    attestations.push_back(a);
  }
}

DecisionInput Call::Input() const {
  DecisionInput in;
  in.principal = &principal;
  in.person = has_person ? &person : nullptr;
  in.attestations = attestations;
  in.tenant = tenant;
  in.verb = verb;
  in.type = policy->FindType(type);
  ids.clear();
  for (const std::string& field : fields) ids.push_back(policy->FindField(in.type, field));
  in.fields = ids;
  in.purpose = purpose;
  in.ticket = ticket;
  in.arguments = arguments;
  in.matters = matters;
  in.now = now;
  in.role = role;
  in.on_behalf_of = on_behalf_of;
  in.channel = channel;
  in.front_hop = front_hop;
  in.tenant_allows_plain = tenant_allows_plain;
  in.notice = notice;
  in.collected_at = collected_at;
  in.born = born;
  in.cleared = cleared;
  in.wanted = wanted;
  return in;
}

Decision Call::Decide() const {
  SubjectFacts subject = facts;
  subject.subject = subject_name;
  return DecideWithSubject(*policy, Input(), subject);
}

Decision Call::DecideFirst() const { return DecideWithoutSubject(*policy, Input()); }

}  // namespace piivault::authz
