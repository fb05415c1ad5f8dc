// corezo: what its policy's own cases cannot say, since it is about other values, a later policy or
// who else has a role.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "authz/decision.h"
#include "authz/policy_cases.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

const char kCorezo[] = "ops/policies/corezo";

void Replace(std::string* text, const std::string& from, const std::string& to) {
  const size_t at = text->find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text->replace(at, from.size(), to);
}

// What the cases of the policy with another text, and these cases alone, come to.
std::string RunCases(PolicyText text, const std::string& cases) {
  text.yaml.resize(text.yaml.find("\ncases:\n") + 8);
  text.yaml += cases;
  Diagnostics diagnostics;
  const auto policy = Policy::Load(text, &diagnostics);
  if (policy == nullptr) return diagnostics.ToString();
  const CaseReport report = RunPolicyCases(*policy);
  std::string failures;
  for (const CaseFailure& failure : report.failures) failures += failure.ToString() + "\n";
  return report.run == 0 ? "no case" : failures;
}

TEST(CorezoTest, WhatTheTextLeavesOpenHasNoDefault) {
  for (const std::string name :
       {"corporation_may", "device_information", "policy_document", "policy_in_force_from",
        "acknowledge_within", "essential_fields", "disclosure_fee_jpy", "promptly_means",
        "without_delay_means", "session_idle", "session_absolute", "after_withdrawal"}) {
    PolicyText text = ReadPolicy(kCorezo);
    const size_t at = text.values_yaml.find("  " + name);
    ASSERT_NE(at, std::string::npos) << name;
    text.values_yaml.erase(at, text.values_yaml.find('\n', at) + 1 - at);
    Diagnostics diagnostics;
    EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << name;
    EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("'" + name + "' is not set"));
  }
}

TEST(CorezoTest, Clause002_01RequestsForMembersOnlyWhereTheOperatorSaysSo) {
  const std::string files =
      "  - {name: files, as: corp_tenant, does: rights_request, fields: [id.email], "
      "for: P1.operate, expect: ";
  PolicyText text = ReadPolicy(kCorezo);
  EXPECT_EQ(RunCases(text, files + "OPERATION_NOT_GRANTED}\n"), "");
  Replace(&text.values_yaml, "corporation_may: [reveal, reveal_history]",
          "corporation_may: [reveal, rights_request]");
  EXPECT_EQ(RunCases(text, files + "granted}\n"), "");
}

// The last day to acknowledge a text is thirty days after it came into force.
TEST(CorezoTest, AcknowledgementIsAskedForFromTheDayAfterThePeriod) {
  const std::string sends =
      ", as: {role: support, acknowledged: missing}, does: reveal, fields: [id.email], for: P8, "
      "expect: ";
  EXPECT_EQ(RunCases(ReadPolicy(kCorezo),
                     "  - {name: a, at: \"2024-05-01T23:59:59+09:00\"" + sends +
                         "granted}\n  - {name: b, at: \"2024-05-02T00:00:00+09:00\"" + sends +
                         "ATTESTATION_MISSING}\n"),
            "");
}

TEST(CorezoTest, Clause002_07AFormsItemIsThereOnceItIsDeclared) {
  const std::string birthday =
      "  - {name: birthday, as: member, on_behalf_of: self, does: create, fields: [form.birthday], "
      "for: P1.register, channel: provided, front_hop: tls, expect: ";
  PolicyText text = ReadPolicy(kCorezo);
  EXPECT_EQ(RunCases(text, birthday + "FIELD_UNKNOWN}\n"), "");
  Replace(&text.yaml, "      ext: declared_extension\n",
          "      ext: declared_extension\n      birthday: birth_date\n");
  EXPECT_EQ(RunCases(text, birthday + "granted}\n"), "");
}

TEST(CorezoTest, Clause002_15AnAddressNeedsNoConsentWhereItDoesNotCountAsTheDevices) {
  const std::string ip =
      "  - {name: ip, as: order_service, does: create, fields: [dev.ip], for: P1.operate, "
      "channel: collected, front_hop: tls, expect: ";
  const std::string terminal =
      "  - {name: terminal, as: order_service, does: create, fields: [dev.mobile_terminal], "
      "for: P1.operate, channel: collected, front_hop: tls, expect: CONSENT_MISSING}\n";
  PolicyText text = ReadPolicy(kCorezo);
  EXPECT_EQ(RunCases(text, ip + "CONSENT_MISSING}\n" + terminal), "");
  Replace(&text.values_yaml, "device_information: device_and_ip", "device_information: device");
  EXPECT_EQ(RunCases(text, ip + "granted}\n" + terminal), "");
}

class CorezoAdmissionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Diagnostics diagnostics;
    policy_ = LoadFile(kCorezo, &diagnostics);
    ASSERT_NE(policy_, nullptr) << diagnostics.ToString();
    person_.name = "persons/sato";
    person_.employment = Employment::kFullTime;
    principal_.name = "principals/sato";
    principal_.kind = PrincipalKind::kStaff;
    principal_.person = person_.name;
  }

  Reason Admit(const std::string& role, uint32_t other_holders = 0) const {
    RoleBinding binding;
    binding.role = role;
    binding.tenant = "tenants/a";
    return AdmitBinding(*policy_, binding, principal_, &person_, {},
                        absl::FromUnixSeconds(1'750'000'000), other_holders)
        .reason;
  }

  std::shared_ptr<const Policy> policy_;
  Person person_;
  Principal principal_;
};

TEST_F(CorezoAdmissionTest, Clause002_57WhoIsNotEmployedGetsNoRoleOfStaff) {
  for (const std::string role : {"info_manager", "support", "operations", "marketing", "auditor"}) {
    person_.employment = Employment::kFullTime;
    EXPECT_EQ(Admit(role), Reason::kOk) << role;
    person_.employment = Employment::kUnspecified;
    EXPECT_EQ(Admit(role), Reason::kEmploymentNotAdmitted) << role;
  }
}

TEST_F(CorezoAdmissionTest, Clause002_59ThereIsOneOfficer) {
  EXPECT_EQ(Admit("info_manager"), Reason::kOk);
  EXPECT_EQ(Admit("info_manager", 1), Reason::kHoldersExceeded);
  EXPECT_EQ(Admit("support", 1), Reason::kOk);
}

// Later terms with a purpose more: what came in under the earlier ones is not used for it until the
// person consents.
TEST(CorezoTest, Clause002_62ANewPurposeIsForNewDataAndThoseWhoConsent) {
  PolicyText text = ReadPolicy(kCorezo);
  Replace(&text.yaml, "  R0: {", "  P10: {label: Partners' offers}\n  R0: {");
  Replace(&text.yaml, "\nacknowledgement:", "  terms_2: {purposes: [P8, P10]}\n\nacknowledgement:");
  Replace(&text.yaml, "  - {id: ads-related,",
          "  - {id: offers, role: marketing, may: [send_list], fields: [id.email], for: [P10]}\n"
          "  - {id: ads-related,");
  const std::string offers =
      "as: marketing, does: send_list, fields: [id.email], for: P10, subject: ";
  EXPECT_EQ(
      RunCases(text,
               "  - {name: old, " + offers + "{notice: terms_1}, expect: NOTICE_FORBIDS}\n" +
                   "  - {name: new, " + offers + "{notice: terms_2}, expect: granted}\n" +
                   "  - {name: agreed, " + offers +
                   "{notice: terms_1, consents: [{id: policy, for: P10}]}, expect: granted}\n"),
      "");
}

}  // namespace
}  // namespace piivault::authz
