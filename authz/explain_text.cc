#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/explain.h"
#include "authz/policy_cells.h"

namespace piivault::authz {
namespace {

std::string WithLabel(const std::string& name, const Labels& labels, std::string_view language) {
  const std::string label(LabelIn(labels, language));
  return label.empty() ? name : absl::StrCat(name, " (", label, ")");
}

std::string ReasonText(Reason reason) {
  const ReasonInfo& info = GetReason(reason);
  return absl::StrCat(std::string(info.name), ": ", std::string(info.meaning));
}

std::string GrantText(const GrantSpec& grant) {
  return absl::StrCat(
      "grant ", grant.id,
      grant.origin.clause.empty() ? "" : absl::StrCat(" (", grant.origin.clause, ")"));
}

void AppendObjects(const Policy& policy, Verb verb, const std::vector<ObjectExplanation>& objects,
                   std::string* out) {
  for (const ObjectExplanation& object : objects) {
    absl::StrAppend(out, "    ", object.object, ": ");
    if (object.view != View::kDenied) {
      absl::StrAppend(
          out, GetVerb(verb).outputs_values ? std::string(ViewName(object.view)) : "granted");
      if (object.grant != nullptr) absl::StrAppend(out, " by ", GrantText(*object.grant));
      absl::StrAppend(out, "\n");
      continue;
    }
    absl::StrAppend(out, "refused: ", std::string(ReasonName(object.reason)), "\n");
    if (object.nearest.empty()) {
      absl::StrAppend(out, "      no grant of the policy gives this to anybody\n");
    }
    for (const NearGrant& near : object.nearest) {
      absl::StrAppend(out, "      nearest: ", GrantText(*near.grant), " of role ",
                      policy.roles()[near.grant->role].name,
                      "; missing: ", absl::StrJoin(near.missing, ", "), "\n");
    }
  }
}

void AppendRole(const Policy& policy, Verb verb, const RoleExplanation& role,
                std::string_view language, std::string* out) {
  const std::string name =
      role.spec == nullptr ? role.role : WithLabel(role.role, role.spec->labels, language);
  absl::StrAppend(out, "role ", name, ": ");
  if (role.spec == nullptr) {
    absl::StrAppend(out, "the policy has no such role\n");
    return;
  }
  if (role.reason == Reason::kOk) {
    absl::StrAppend(out, "grants the call\n");
  } else {
    absl::StrAppend(out,
                    role.partial    ? "grants some: "
                    : role.admitted ? "refuses: "
                                    : "not admitted: ",
                    ReasonText(role.reason), "\n");
  }
  absl::StrAppend(out, "  asks for: ", absl::StrJoin(role.asks, "; "), "\n");
  if (!role.spec->origin.clause.empty()) {
    absl::StrAppend(out, "  clause: ", role.spec->origin.clause, "\n");
  }
  if (role.attestation != nullptr) {
    absl::StrAppend(
        out, "  admitted by: ", std::string(AttestationKindName(role.attestation->kind)), "\n");
  }
  AppendObjects(policy, verb, role.objects, out);
}

}  // namespace

std::string ExplanationText(const Policy& policy, const DecisionInput& input,
                            const Explanation& explanation, std::string_view language) {
  const Decision& decision = explanation.decision;
  std::string out;
  if (decision.granted()) {
    out = "granted\n";
  } else {
    out = absl::StrCat(
        decision.partial() ? "granted in part: " : "refused: ", ReasonText(decision.reason),
        "\n  what to do: ", std::string(GetReason(decision.reason).remedy), "\n");
  }
  absl::StrAppend(&out, "verb: ", std::string(VerbName(input.verb)), ": ",
                  std::string(GetVerb(input.verb).meaning), "\n");
  if (const PurposeSpec* purpose = policy.FindPurpose(input.purpose); purpose != nullptr) {
    absl::StrAppend(&out, "purpose: ", WithLabel(purpose->name, purpose->labels, language), "\n");
    if (decision.role != nullptr) {
      const auto needs = CellNeeds(policy, *decision.role, input.verb, purpose);
      if (!needs.empty()) absl::StrAppend(&out, "  needs: ", absl::StrJoin(needs, ", "), "\n");
    }
  }
  if (decision.role != nullptr) {
    absl::StrAppend(&out, "decided by role: ", decision.role->name, "\n");
  }
  for (const RoleExplanation& role : explanation.roles) {
    AppendRole(policy, input.verb, role, language, &out);
  }
  if (explanation.roles.empty()) {
    absl::StrAppend(&out, "no role in this tenant\n");
    AppendObjects(policy, input.verb, explanation.objects, &out);
  }
  return out;
}

}  // namespace piivault::authz
