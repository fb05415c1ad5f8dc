// The policies that are shipped load without errors, and their own cases hold.

#include "tests/authz/policy_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "authz/policy_cases.h"

namespace piivault::authz {
namespace {

using ::testing::Contains;

void ExpectGood(const std::string& stem) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(stem, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const CaseReport report = RunPolicyCases(*policy);
  EXPECT_GT(report.run, 0u);
  for (const CaseFailure& failure : report.failures) ADD_FAILURE() << failure.ToString();
}

TEST(PolicyFilesTest, NoShippedPolicyIsLeftOut) {
  std::vector<std::string> found;
  for (const auto& entry :
       std::filesystem::directory_iterator(PIIVAULT_SOURCE_DIR "/ops/policies")) {
    const std::string name = entry.path().filename().string();
    const size_t end = name.rfind(".yaml");
    if (name.find(".values.") == std::string::npos && end != std::string::npos) {
      found.push_back("ops/policies/" + name.substr(0, end));
    }
  }
  EXPECT_THAT(ShippedPolicies(), ::testing::UnorderedElementsAreArray(found));
}

TEST(PolicyFilesTest, StarterHasAtMostFortyLines) {
  const std::string text = ReadFile("ops/policies/starter.yaml");
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 40);
}

class ShippedPolicyTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ShippedPolicyTest, IsGood) { ExpectGood(GetParam()); }

INSTANTIATE_TEST_SUITE_P(All, ShippedPolicyTest, ::testing::ValuesIn(ShippedPolicies()));

// What is about who may do what is named by a case. What is about bytes on disk, detectors and
// sockets has its tests where those live; ops/lint/clauses.py looks for both.
TEST(PolicyFilesTest, CombzmailCasesNameTheClauses) {
  Diagnostics diagnostics;
  const auto policy = LoadFile("ops/policies/combzmail", &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const CaseReport report = RunPolicyCases(*policy);
  for (const char* clause :
       {"000-01", "000-03", "000-05", "000-06", "000-11", "000-12", "000-13", "000-14", "000-15",
        "000-16", "000-17", "000-18", "000-19", "000-20", "000-22", "000-23", "000-25", "000-31"}) {
    EXPECT_THAT(report.clauses, Contains(clause));
  }
}

TEST(PolicyFilesTest, Clause000_02DoesNotLoadWithoutItsValue) {
  PolicyText text = ReadPolicy("ops/policies/combzmail");
  text.values_yaml = "policy: combzmail\nvalues:\n  self_export_between_cancel_and_destroy: true\n";
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("'destroy_after_cancel' is not set"));
}

TEST(PolicyFilesTest, Clause000_07ReportsMissingDocuments) {
  Diagnostics diagnostics;
  const auto policy = LoadFile("ops/policies/combzmail", &diagnostics);
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->missing_documents(), 3u);
}

TEST(PolicyFilesTest, Clause000_17RefusesAProcessor) {
  PolicyText text = ReadPolicy("ops/policies/combzmail");
  const std::string anchor = "recipients:\n";
  const size_t at = text.yaml.find("\n" + anchor) + 1 + anchor.size();
  text.yaml.insert(at,
                   "  - {id: mail_house, kind: processor, fields: [reader.email], "
                   "purposes: [mail_delivery], basis: entrustment}\n");
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("processors are forbidden"));
}

TEST(PolicyFilesTest, Clause000_26NoFieldCanBeOfACard) {
  for (const std::string type : {"card_number", "card_expiry", "card_cvv", "credit_card"}) {
    PolicyText text = ReadPolicy("ops/policies/combzmail");
    const std::string phone = "phone: {type: phone_number, assumed: true}";
    text.yaml.replace(text.yaml.find(phone), phone.size(), "phone: {type: " + type + "}");
    Diagnostics diagnostics;
    EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << type;
  }
  for (const SemanticTypeInfo& type : kSemanticTypes) {
    EXPECT_EQ(type.name.find("card"), std::string_view::npos) << type.name;
  }
}

TEST(PolicyFilesTest, Clause000_27ProvesThePaymentCompanyGetsNothing) {
  Diagnostics diagnostics;
  const auto policy = LoadFile("ops/policies/combzmail", &diagnostics);
  ASSERT_NE(policy, nullptr);
  ASSERT_NE(policy->FindRecipient("zeus"), nullptr);
  EXPECT_TRUE(policy->FindRecipient("zeus")->fields.empty());
  PolicyText text = ReadPolicy("ops/policies/combzmail");
  const std::string none = "kind: payment_processor, fields: []";
  text.yaml.replace(text.yaml.find(none), none.size(),
                    "kind: payment_processor, fields: [user.name]");
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("gets nothing from the vault"));
}

TEST(PolicyFilesTest, Clause000_28ProhibitsCards) {
  Diagnostics diagnostics;
  const auto policy = LoadFile("ops/policies/combzmail", &diagnostics);
  ASSERT_NE(policy, nullptr);
  EXPECT_TRUE(policy->Prohibits(ProhibitedType::kCardNumber));
  EXPECT_TRUE(policy->Prohibits(ProhibitedType::kCardExpiry));
  EXPECT_TRUE(policy->Prohibits(ProhibitedType::kCardCvv));
}

// No field that a file would fit into: a letter at most.
TEST(PolicyFilesTest, Clause000_30BoundsEveryField) {
  constexpr uint32_t kLargest = 64 << 10;
  constexpr uint32_t kLargestLetter = 1 << 20;
  Diagnostics diagnostics;
  const auto policy = LoadFile("ops/policies/combzmail", &diagnostics);
  ASSERT_NE(policy, nullptr);
  for (FieldId id = 0; id < policy->field_count(); ++id) {
    const FieldSpec& field = policy->field(id);
    EXPECT_GT(field.max_bytes, 0u) << field.full_name;
    EXPECT_LE(field.max_bytes,
              field.semantic == SemanticType::kMailBody ? kLargestLetter : kLargest)
        << field.full_name;
  }
}

TEST(PolicyFilesTest, ACaseThatDoesNotHoldIsReported) {
  PolicyText text = ReadPolicy("ops/policies/starter");
  const std::string good = "expect: NDA_EXPIRED";
  text.yaml.replace(text.yaml.find(good), good.size(), "expect: granted");
  Diagnostics diagnostics;
  const auto policy = Policy::Load(text, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const CaseReport report = RunPolicyCases(*policy);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].got, "NDA_EXPIRED");
}

}  // namespace
}  // namespace piivault::authz
