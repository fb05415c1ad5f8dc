#include "tests/authz/compare_decisions.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

std::string Say(std::string_view what, std::string_view got, std::string_view want) {
  return absl::StrCat(" ", std::string(what), " is ", std::string(got), ", should be ",
                      std::string(want));
}

std::string FieldDifference(const FieldDecision& got, const naive::Shown& want) {
  if (got.view != want.view) {
    return Say("view", std::to_string(static_cast<int>(got.view)),
               std::to_string(static_cast<int>(want.view)));
  }
  if (want.view == View::kDenied && got.reason != want.reason) {
    return Say("reason", ReasonName(got.reason), ReasonName(want.reason));
  }
  const std::string grant = got.grant == nullptr ? "" : got.grant->id;
  if (grant != want.grant) return Say("grant", grant, want.grant);
  if (want.view == View::kMasked && got.mask != want.mask) {
    return Say("mask", MaskName(got.mask), MaskName(want.mask));
  }
  return "";
}

std::string OneDifference(const Decision& got, const naive::Answer& want) {
  if (got.reason != want.reason) {
    return Say("reason", ReasonName(got.reason), ReasonName(want.reason));
  }
  const std::string role = got.role == nullptr ? "" : got.role->name;
  if (role != want.role) return Say("role", role, want.role);
  const std::string grant = got.grant == nullptr ? "" : got.grant->id;
  if (!want.grant.empty() && grant != want.grant) return Say("grant", grant, want.grant);
  if (got.fields.size() != want.fields.size()) {
    return Say("number of fields", std::to_string(got.fields.size()),
               std::to_string(want.fields.size()));
  }
  for (size_t i = 0; i < want.fields.size(); ++i) {
    const std::string difference = FieldDifference(got.fields[i], want.fields[i]);
    if (!difference.empty()) return absl::StrCat(" field ", i, difference);
  }
  return "";
}

// What the second phase grants, the first must grant too.
std::string PhaseDifference(const Decision& first, const Decision& whole) {
  if (whole.granted() && !first.granted()) return " refuses what the second phase grants";
  if (whole.role != first.role) return "";
  for (size_t i = 0; i < whole.fields.size() && i < first.fields.size(); ++i) {
    if (whole.fields[i].view != View::kDenied && first.fields[i].view == View::kDenied) {
      return absl::StrCat(" refuses field ", i, ", which the second phase grants");
    }
  }
  return "";
}

}  // namespace

std::string Difference(const Policy& policy, GeneratedCall& call, const Answers& answers) {
  const DecisionInput& input = call.For(policy);
  const Decision first = DecideWithoutSubject(policy, input);
  const Decision whole = DecideWithSubject(policy, input, call.facts);
  std::string difference = OneDifference(whole, answers.whole);
  if (!difference.empty()) return "second phase:" + difference;
  difference = OneDifference(first, answers.first);
  if (difference.empty()) difference = PhaseDifference(first, whole);
  return difference.empty() ? "" : "first phase:" + difference;
}

std::vector<std::string> ComparedPolicies() {
  std::vector<std::string> policies = ShippedPolicies();
  policies.push_back("test");
  policies.push_back("tests/authz/data/language");
  return policies;
}

PolicyText ComparedText(const std::string& policy) {
  if (policy != "test") return ReadPolicy(policy);
  PolicyText text;
  text.yaml = std::string(kTestPolicy);
  return text;
}

bool IsLongRun() { return std::getenv("PIIVAULT_LONG") != nullptr; }

uint32_t OracleSeed() {
  const char* text = std::getenv("PIIVAULT_ORACLE_SEED");
  return text == nullptr ? 20250601u : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace piivault::authz
