// Policies that are refused, handed to a vault that is at work: each is refused with the place
// where it is wrong, and what was in force stays in force.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/authz/hostile_policies.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

using authz::HostilePolicy;

class HostilePolicyTest : public DevVaultFixture {
 protected:
  void SetUp() override {
    Start();
    record_ = NewCustomer({{"email", "taro@example.jp"}}).record().name();
    in_force_ = Decided();
    policies_ = Policies();
    ASSERT_FALSE(in_force_.empty());
  }

  // The policy by which a reveal that is granted was decided.
  std::string Decided() {
    const auto revealed = Must<v1::RevealRecordResponse>("engineer", RevealRequest(record_));
    for (const v1::Entry& entry : ReadLog()) {
      if (entry.position().index() != revealed.receipt().index()) continue;
      EXPECT_EQ(entry.decision(), v1::ENTRY_DECISION_GRANTED);
      return entry.policy_sha256();
    }
    return "";
  }
  std::vector<std::string> Policies() {
    const auto listed = Must<v1::ListPoliciesResponse>("admin-1", v1::ListPoliciesRequest());
    std::vector<std::string> names;
    for (const v1::Policy& policy : listed.policies()) names.push_back(policy.name());
    return names;
  }
  Outcome Create(const authz::PolicyText& text, v1::CreatePolicyResponse* response = nullptr,
                 bool validate_only = false) {
    v1::CreatePolicyRequest request;
    request.set_yaml(text.yaml);
    request.set_values_yaml(text.values_yaml);
    request.set_validate_only(validate_only);
    return As("admin-1").Call(request, response);
  }
  Outcome ProposeActivation(const std::string& sha256) {
    v1::CreateProposalRequest request;
    auto* act = request.mutable_proposal()->mutable_activate_policy();
    act->set_tenant(kTenant);
    act->set_policy_sha256(sha256);
    return As("admin-1").Call(request);
  }

  std::string record_;
  std::string in_force_;
  std::vector<std::string> policies_;
};

// What is no text at all does not get as far as the loader.
bool IsText(const HostilePolicy& policy) {
  return policy.name != "InvalidUtf8" && policy.name != "OverlongUtf8";
}

TEST_F(HostilePolicyTest, EachIsRefusedInItsLineAndTheOneInForceStays) {
  std::set<std::string> refused;
  for (const HostilePolicy& policy : authz::HostilePolicies()) {
    SCOPED_TRACE(policy.name);
    const Outcome outcome = Create(policy.text);
    EXPECT_TRUE(outcome.metadata.count("index")) << "no entry";
    if (!IsText(policy)) {
      EXPECT_EQ(outcome.ToString(), "INVALID_ARGUMENT MALFORMED_REQUEST");
    } else if (policy.text.yaml.size() > authz::Policy::kMaxBytes) {
      EXPECT_EQ(outcome.ToString(), "INVALID_ARGUMENT VALUE_TOO_LARGE");
    } else {
      EXPECT_EQ(outcome.ToString(), "INVALID_ARGUMENT POLICY_INVALID");
      const auto fields = outcome.metadata.find("fields");
      ASSERT_NE(fields, outcome.metadata.end());
      EXPECT_NE(fields->second.find(absl::StrCat("policy.yaml:", policy.line, ":")),
                std::string::npos)
          << fields->second;
      EXPECT_LT(outcome.text.size(), 4096u) << "a large policy makes no large answer";
    }
    refused.insert(absl::StrCat(policy.text.yaml, "\n", policy.text.values_yaml));
  }
  EXPECT_GE(refused.size(), 120u);
  EXPECT_EQ(Policies(), policies_);
  EXPECT_EQ(Decided(), in_force_);
}

TEST_F(HostilePolicyTest, EachIsExplainedAndNotKeptWhereOnlyThatIsAsked) {
  for (const HostilePolicy& policy : authz::HostilePolicies()) {
    if (!IsText(policy) || policy.text.yaml.size() > authz::Policy::kMaxBytes) continue;
    SCOPED_TRACE(policy.name);
    v1::CreatePolicyResponse response;
    ASSERT_TRUE(Create(policy.text, &response, true).ok());
    EXPECT_FALSE(response.has_policy());
    EXPECT_TRUE(std::any_of(response.diagnostics().begin(), response.diagnostics().end(),
                            [&](const v1::Diagnostic& found) {
                              return found.error() && found.line() == policy.line &&
                                     found.message().find(policy.message) != std::string::npos;
                            }));
  }
  EXPECT_EQ(Policies(), policies_);
}

TEST_F(HostilePolicyTest, WhatIsNotThereIsNotActivated) {
  EXPECT_EQ(ProposeActivation(std::string(64, 'a')).ToString(), "NOT_FOUND NOT_FOUND");
  for (const std::string& odd : {std::string(), std::string("../policy"), std::string(63, 'a'),
                                 std::string(64, 'A'), std::string(1 << 20, 'a')}) {
    EXPECT_EQ(ProposeActivation(odd).ToString(), "INVALID_ARGUMENT MALFORMED_REQUEST");
  }
  // Nor is a proposal approved under the hash of another one.
  v1::CreateProposalRequest request;
  auto* act = request.mutable_proposal()->mutable_activate_policy();
  act->set_tenant(kTenant);
  act->set_policy_sha256(in_force_);
  const auto proposed = Must<v1::CreateProposalResponse>("admin-1", request);
  v1::ApproveProposalRequest approval;
  approval.set_name(proposed.proposal().name());
  approval.set_sha256(std::string(64, 'a'));
  EXPECT_FALSE(As("admin-2").Call(approval).ok());
  EXPECT_EQ(Decided(), in_force_);
}

}  // namespace
}  // namespace piivault::integration
