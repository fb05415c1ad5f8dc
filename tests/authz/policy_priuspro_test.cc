// PriusPro: what its policy's own cases cannot say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "authz/share_decision.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

const char kPriuspro[] = "ops/policies/priuspro";

// The list that defines personal information: seven items, eight types, since an account is a
// number and a holder. Everything else that is kept is declared as what it is.
TEST(PriusproTest, Clause004_03PersonalInformationIsTheClosedList) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(kPriuspro, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const std::set<SemanticType> closed = {
      SemanticType::kPersonName,        SemanticType::kBirthDate,
      SemanticType::kPostalAddress,     SemanticType::kPhoneNumber,
      SemanticType::kFaxNumber,         SemanticType::kEmailAddress,
      SemanticType::kBankAccountNumber, SemanticType::kBankAccountHolder,
  };
  // What is kept of the use of the system, and how those with a user ID come in (004-39).
  const std::set<std::string> records = {"pay.record", "hist.inquiry", "hist.usage",
                                         "login.user_id", "login.password"};
  std::set<SemanticType> held;
  std::set<std::string> others;
  for (FieldId id = 0; id < policy->field_count(); ++id) {
    const FieldSpec& field = policy->field(id);
    if (closed.count(field.semantic) > 0) {
      held.insert(field.semantic);
    } else {
      others.insert(field.full_name);
    }
  }
  EXPECT_EQ(held, closed);
  EXPECT_EQ(others, records);
}

TEST(PriusproTest, Clause004_37FewerThan128BitsDoNotLoad) {
  PolicyText text = ReadPolicy(kPriuspro);
  const std::string bits = "min_cipher_bits: 128";
  text.yaml.replace(text.yaml.find(bits), bits.size(), "min_cipher_bits: 127");
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("min_cipher_bits"));
}

TEST(PriusproTest, WhatTheTextLeavesOpenHasNoDefault) {
  for (const std::string name : {"after_tax_hold", "history_limit", "erasure_offered"}) {
    PolicyText text = ReadPolicy(kPriuspro);
    const size_t at = text.values_yaml.find("  " + name);
    text.values_yaml.erase(at, text.values_yaml.find('\n', at) + 1 - at);
    Diagnostics diagnostics;
    EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << name;
    EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("'" + name + "' is not set"));
  }
}

// Adds a sharing rule to the policy's; what is said of it.
std::string LoadWithRule(const std::string& rule) {
  PolicyText text = ReadPolicy(kPriuspro);
  const std::string anchor = "\nrecipients:\n";
  text.yaml.insert(text.yaml.find(anchor) + anchor.size(), "  - {id: more, " + rule + "}\n");
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << rule;
  return diagnostics.ToString();
}

// 004-08, 004-50: the list of those who may get something is closed.
TEST(PriusproTest, Clause004_50OtherBasesDoNotLoad) {
  for (const std::string basis : {"joint_use", "opt_out", "published_purpose", "law"}) {
    EXPECT_THAT(LoadWithRule("kind: affiliate, fields: [pi.name], purposes: [C], basis: " + basis),
                testing::HasSubstr("nothing is given on the basis '" + basis + "'"));
  }
  EXPECT_THAT(LoadWithRule("kind: affiliate, fields: [pi.name], purposes: [C], basis: goodwill"),
              testing::HasSubstr("goodwill"));
}

TEST(PriusproTest, Clause004_12NoProcessorHasEverything) {
  EXPECT_THAT(
      LoadWithRule("kind: processor, fields: [everything], purposes: [C], basis: published_clause"),
      testing::HasSubstr("more than a processor may have"));
}

TEST(PriusproTest, Clause004_56TheTransferIsTwoCalendarMonthsAfterTheNotice) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(kPriuspro, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const RecipientSpec& rule = *policy->FindRecipient("E5_successor");
  const absl::Time told =
      absl::FromCivil(absl::CivilSecond(2026, 1, 31, 18, 0, 0), policy->timezone());
  const auto in_time = [&](int day) {
    const absl::Time now = absl::FromCivil(absl::CivilDay(2026, 3, day), policy->timezone());
    return told < NoticeGateOf(*policy, rule, now)->told_before;
  };
  EXPECT_FALSE(in_time(30));
  EXPECT_TRUE(in_time(31));
}

}  // namespace
}  // namespace piivault::authz
