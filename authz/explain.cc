#include "authz/explain.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/call_grounds.h"
#include "authz/policy_builder.h"
#include "authz/policy_cells.h"
#include "authz/policy_settings.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr size_t kMaxNearest = 3;
constexpr size_t kMaxPurposesNamed = 3;

template <typename List, typename Item>
bool Contains(const List& list, const Item& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool Gives(const GrantSpec& grant, Verb verb) {
  return std::any_of(grant.may.begin(), grant.may.end(), [verb](Verb may) {
    return may == verb || Contains(GetVerb(may).implies, verb);
  });
}

class Explainer {
 public:
  Explainer(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject)
      : policy_(policy), in_(input), subject_(subject), verb_(GetVerb(input.verb)) {}

  Explanation Run() const {
    Explanation out;
    out.decision = Decide(in_);
    out.objects = Objects(out.decision, out.decision.role);
    if (in_.principal == nullptr) return out;
    std::set<std::string_view> seen;
    for (const RoleBinding& binding : in_.principal->bindings) {
      if (binding.tenant != in_.tenant || binding.tenant.empty()) continue;
      if (!in_.role.empty() && binding.role != in_.role) continue;
      if (seen.insert(binding.role).second) out.roles.push_back(Role(binding.role));
    }
    return out;
  }

 private:
  Decision Decide(const DecisionInput& input) const {
    return subject_ == nullptr ? DecideWithoutSubject(policy_, input)
                               : DecideWithSubject(policy_, input, *subject_);
  }
  RoleExplanation Role(const std::string& name) const;
  // Whether `reason`, which a call with this role got, is about the role's holder.
  bool NotAdmitted(const RoleSpec& role, const Decision& decision) const;
  std::vector<ObjectExplanation> Objects(const Decision& decision, const RoleSpec* role) const;
  ObjectExplanation Object(const Decision& decision, const RoleSpec* role, FieldId field) const;
  bool IsAbout(const GrantSpec& grant, FieldId field) const;
  std::vector<NearGrant> Nearest(const RoleSpec* role, FieldId field, Reason reason) const;
  std::vector<std::string> Missing(const GrantSpec& grant, const RoleSpec* role,
                                   Reason reason) const;
  bool Brings(const std::string& need) const;

  const Policy& policy_;
  const DecisionInput& in_;
  const SubjectFacts* subject_;
  const VerbInfo& verb_;
};

RoleExplanation Explainer::Role(const std::string& name) const {
  RoleExplanation out;
  out.role = name;
  out.spec = policy_.FindRole(name);
  DecisionInput narrowed = in_;
  narrowed.role = name;
  const Decision decision = Decide(narrowed);
  out.reason = decision.reason;
  out.partial = decision.partial();
  out.attestation = decision.attestation;
  if (out.spec != nullptr) {
    out.asks = RoleAsks(policy_, *out.spec);
    out.admitted = decision.role != nullptr && !NotAdmitted(*out.spec, decision);
  }
  out.objects = Objects(decision, out.spec);
  return out;
}

bool Explainer::NotAdmitted(const RoleSpec& role, const Decision& decision) const {
  if (decision.partial()) return false;
  switch (decision.reason) {
    case Reason::kRoleNotAssignable:
    case Reason::kPrincipalKindNotAdmitted:
    case Reason::kPersonUnknown:
    case Reason::kEmploymentNotAdmitted:
    case Reason::kDutyMissing:
    case Reason::kJustificationMissing:
    case Reason::kJustificationExpired:
    case Reason::kNdaMissing:
    case Reason::kNdaExpired:
    case Reason::kNdaRevoked:
    case Reason::kNdaWrongSignatory:
    case Reason::kAttestationMissing:
    case Reason::kAttestationExpired:
    case Reason::kAttestationRevoked:
    case Reason::kAttestationWrongSignatory:
      return true;
    case Reason::kDepartmentMismatch:  // Also what `when: [own_department]` says.
      return in_.person == nullptr || (role.per_department && in_.person->department.empty()) ||
             (!role.department.empty() && role.department != in_.person->department);
    default:
      return false;
  }
}

std::vector<ObjectExplanation> Explainer::Objects(const Decision& decision,
                                                  const RoleSpec* role) const {
  std::vector<ObjectExplanation> out;
  if (verb_.target != VerbTarget::kFields) {
    out.push_back(Object(decision, role, kNoField));
    out.back().object = verb_.target == VerbTarget::kTenant ? "tenant"
                        : in_.type < policy_.type_count()   ? policy_.type(in_.type).name
                                                            : "a type that is not known";
    return out;
  }
  for (size_t i = 0; i < in_.fields.size(); ++i) {
    const FieldId field = in_.fields[i];
    ObjectExplanation object = Object(decision, role, field);
    if (i < decision.fields.size()) {
      const FieldDecision& decided = decision.fields[i];
      object.view = decided.view;
      object.reason = decided.reason;
      object.grant = decided.grant;
      object.nearest.clear();
      if (decided.view == View::kDenied) {
        object.nearest = Nearest(role, field, decided.reason);
      }
    }
    object.object = field < policy_.field_count() ? policy_.field(field).full_name
                                                  : "a field that the policy does not know";
    out.push_back(std::move(object));
  }
  return out;
}

ObjectExplanation Explainer::Object(const Decision& decision, const RoleSpec* role,
                                    FieldId field) const {
  ObjectExplanation out;
  out.reason = decision.reason;
  out.grant = decision.grant;
  if (decision.granted()) {
    out.view = View::kPlain;
  } else {
    out.nearest = Nearest(role, field, decision.reason);
  }
  return out;
}

bool Explainer::IsAbout(const GrantSpec& grant, FieldId field) const {
  switch (verb_.target) {
    case VerbTarget::kTenant:
      return true;
    case VerbTarget::kType:
      return Contains(grant.types, in_.type);
    case VerbTarget::kFields:
      return field < policy_.field_count() && Contains(grant.fields, field) &&
             FieldAllows(policy_.field(field), verb_, policy_.roles()[grant.role], grant.view) ==
                 Reason::kOk;
  }
  return false;
}

std::vector<NearGrant> Explainer::Nearest(const RoleSpec* role, FieldId field,
                                          Reason reason) const {
  std::vector<NearGrant> near;
  for (const GrantSpec& grant : policy_.grants()) {
    if (!Gives(grant, in_.verb) || !IsAbout(grant, field)) continue;
    near.push_back({&grant, Missing(grant, role, reason)});
  }
  // Another purpose is nearer than another role.
  const auto distance = [&](const NearGrant& item) {
    const size_t other_role = role == nullptr || item.grant->role != role->id ? 100 : 0;
    return other_role + item.missing.size();
  };
  std::stable_sort(near.begin(), near.end(), [&](const NearGrant& a, const NearGrant& b) {
    return distance(a) < distance(b);
  });
  if (near.size() > kMaxNearest) near.resize(kMaxNearest);
  return near;
}

// Whether the call brings what CellNeeds() names. Matters and consents are facts of the vault.
bool Explainer::Brings(const std::string& need) const {
  constexpr std::string_view kArgument = "argument ";
  if (need == "ticket") return !in_.ticket.empty();
  std::string_view name = "parent";
  if (need.starts_with(kArgument)) name = std::string_view(need).substr(kArgument.size());
  const bool named = std::any_of(in_.arguments.begin(), in_.arguments.end(),
                                 [&](const Argument& argument) { return argument.name == name; });
  return named && (need.starts_with(kArgument) || need.starts_with("parent "));
}

std::vector<std::string> Explainer::Missing(const GrantSpec& grant, const RoleSpec* role,
                                            Reason reason) const {
  std::vector<std::string> missing;
  const bool same_role = role != nullptr && grant.role == role->id;
  if (!same_role) missing.push_back(absl::StrCat("role ", policy_.roles()[grant.role].name));
  const PurposeSpec* purpose = policy_.FindPurpose(in_.purpose);
  const bool same_purpose =
      verb_.purpose == Need::kNo ||
      (purpose != nullptr && (grant.purposes.empty() || Contains(grant.purposes, purpose->id))) ||
      (in_.purpose.empty() && verb_.purpose == Need::kOptional && grant.purposes.empty());
  if (!same_purpose) {
    std::vector<std::string> names = PurposeNames(policy_, grant.purposes);
    if (names.size() > kMaxPurposesNamed) {
      names.resize(kMaxPurposesNamed);
      names.push_back("others");
    }
    missing.push_back(names.empty() ? "a purpose"
                                    : absl::StrCat("purpose ", absl::StrJoin(names, " or ")));
    purpose = grant.purposes.size() == 1 ? &policy_.purposes()[grant.purposes[0]] : nullptr;
  }
  for (const std::string& need :
       CellNeeds(policy_, policy_.roles()[grant.role], in_.verb, purpose)) {
    if (Brings(need)) continue;
    const bool fact = need.starts_with("matter ") || need == "consent";
    const bool failed = reason == Reason::kMatterUnknown || reason == Reason::kConsentMissing ||
                        reason == Reason::kArgumentMissing;
    if (!fact || failed || !same_role || !same_purpose) missing.push_back(need);
  }
  for (Condition condition : grant.when) {
    // Which of several conditions fails is known of the call's own grant only.
    const bool known = same_role && same_purpose;
    if (!known || ReasonOf(condition) == reason) {
      missing.push_back(absl::StrCat("condition ", std::string(ConditionName(condition))));
    }
  }
  if (missing.empty()) {
    missing.push_back(absl::StrCat("what ", std::string(ReasonName(reason)), " says"));
  }
  return missing;
}

std::string AnyOf(const std::vector<std::string>& words) { return absl::StrJoin(words, " or "); }

}  // namespace

Explanation Explain(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject) {
  return Explainer(policy, input, subject).Run();
}

std::vector<std::string> RoleAsks(const Policy& policy, const RoleSpec& role) {
  std::vector<std::string> asks;
  const auto add = [&](std::string_view what, const std::vector<std::string>& words) {
    if (!words.empty()) asks.push_back(std::string(what) + AnyOf(words));
  };
  std::vector<std::string> employment;
  for (Employment item : role.employment) employment.emplace_back(EmploymentName(item));
  std::vector<std::string> nda;
  for (AttestationKind kind : role.nda) nda.emplace_back(AttestationKindName(kind));
  asks.push_back("kind " + std::string(vocabulary::kRoleKinds[static_cast<size_t>(role.kind)]));
  add("employment ", employment);
  for (const std::string& duty : role.duties) asks.push_back("duty " + duty);
  if (!role.department.empty()) asks.push_back("department " + role.department);
  if (role.per_department) asks.push_back("a department");
  add("nda ", nda);
  if (!role.equivalent_needs_nda && !nda.empty()) asks.push_back("no nda of equivalent employees");
  for (AttestationKind kind : role.attested) {
    asks.push_back("attested " + std::string(AttestationKindName(kind)));
  }
  if (role.break_glass != absl::ZeroDuration()) {
    asks.push_back("to be taken in an emergency, for at most " +
                   absl::FormatDuration(role.break_glass) + ", and reviewed");
  }
  if (role.needs_ticket) asks.push_back("a ticket with each call");
  if (role.needs_justification) asks.push_back("a justification when it is given");
  if (role.needs_end_date) asks.push_back("an end date when it is given");
  if (role.needs_fields) asks.push_back("its fields when it is given");
  add("a matter with each call: ", MatterNames(policy, role.matters));
  if (role.holders > 0) asks.push_back(absl::StrCat("at most ", role.holders, " holders"));
  if (!role.assignable) asks.push_back("not given to principals: " + role.access);
  return asks;
}

std::string_view LabelIn(const Labels& labels, std::string_view language) {
  for (std::string_view wanted : {language, std::string_view("en")}) {
    for (const auto& [tag, text] : labels) {
      if (tag == wanted) return text;
    }
  }
  return labels.empty() ? std::string_view() : std::string_view(labels.front().second);
}

}  // namespace piivault::authz
