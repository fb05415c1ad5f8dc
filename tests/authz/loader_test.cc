// What is refused, where it says so, and that it says everything at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/authz/hostile_policies.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Policy> Load(std::string yaml, std::string values, Diagnostics* diagnostics) {
  PolicyText text;
  text.yaml = std::move(yaml);
  text.values_yaml = std::move(values);
  return Policy::Load(text, diagnostics);
}

class HostilePolicyTest : public ::testing::TestWithParam<HostilePolicy> {};

TEST_P(HostilePolicyTest, IsRefusedInItsLine) {
  const HostilePolicy& bad = GetParam();
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(bad.text, &diagnostics), nullptr);
  EXPECT_LE(diagnostics.items().size(), Diagnostics::kMax);
  const bool found = std::any_of(
      diagnostics.items().begin(), diagnostics.items().end(), [&](const Diagnostic& item) {
        return item.severity == Severity::kError && item.file == "policy.yaml" &&
               item.line == bad.line &&
               (item.message + " " + item.hint).find(bad.message) != std::string::npos;
      });
  EXPECT_TRUE(found) << "wanted line " << bad.line << " with \"" << bad.message << "\", got:\n"
                     << diagnostics.ToString();
}

INSTANTIATE_TEST_SUITE_P(All, HostilePolicyTest, ::testing::ValuesIn(HostilePolicies()),
                         [](const auto& bad) { return bad.param.name; });

TEST(LoaderTest, GoodPolicyLoads) {
  Diagnostics diagnostics;
  const auto policy = Load(std::string(kGoodPolicy), std::string(kGoodValues), &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  EXPECT_TRUE(diagnostics.items().empty());
  EXPECT_EQ(policy->retention()[0].keep, "30d");
  EXPECT_EQ(policy->FindField("user.email"), policy->FindField(policy->FindType("user"), "email"));
  EXPECT_EQ(policy->FindField("user.emai"), kNoField);
  EXPECT_EQ(policy->FindField(kNoType, "email"), kNoField);
}

TEST(LoaderTest, HashCoversBothTextsToTheByte) {
  Diagnostics diagnostics;
  const auto hash = [&](std::string yaml, std::string values) {
    const auto policy = Load(std::move(yaml), std::move(values), &diagnostics);
    return policy == nullptr ? std::string() : policy->hash_hex();
  };
  const std::string good(kGoodPolicy);
  const std::string values(kGoodValues);
  const std::string first = hash(good, values);
  ASSERT_EQ(first.size(), 64u);
  EXPECT_EQ(hash(good, values), first);
  EXPECT_NE(hash(good + "# more\n", values), first);
  EXPECT_NE(hash(good, values + "# more\n"), first);
  // The border between the two is part of what is hashed.
  EXPECT_NE(hash(good + "#", values), hash(good, "#\n" + values));
}

TEST(LoaderTest, HashIsAsWrittenDown) {
  PolicyText text;
  text.yaml =
      "policy: p\ntypes: {t: {fields: {a: text}}}\nroles: {r: {kind: service}}\ngrants: []\n";
  const auto policy = Policy::Load(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  // SHA-256 of the header, both lengths and both texts, by another implementation.
  EXPECT_EQ((*policy)->hash_hex(),
            "c9d15ebc6b68aefe4815d1f443f1a2ccd3da626e8af0ad17e94fa7584a9d41e3");
}

TEST(LoaderTest, AllProblemsAreReportedAtOnceInOrder) {
  Diagnostics diagnostics;
  std::string yaml(kGoodPolicy);
  yaml.replace(yaml.find("birth_date"), 10, "birth_day");
  yaml.replace(yaml.find("[reveal]"), 8, "[reveel]");
  yaml += "colour: blue\n";
  EXPECT_EQ(Load(yaml, std::string(kGoodValues), &diagnostics), nullptr);
  ASSERT_EQ(diagnostics.error_count(), 3u) << diagnostics.ToString();
  EXPECT_EQ(diagnostics.items()[0].line, 8);
  EXPECT_EQ(diagnostics.items()[1].line, 20);
  EXPECT_EQ(diagnostics.items()[2].line, 24);
  EXPECT_EQ(diagnostics.items()[0].column, 14);
  EXPECT_THAT(diagnostics.items()[0].ToString(), HasSubstr("policy.yaml:8:14: error: "));
}

TEST(LoaderTest, StatusNamesTheFirstErrors) {
  PolicyText text;
  text.yaml = "policy: p\ncolour: blue\n";
  const auto policy = Policy::Load(text);
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(policy.status().message()), HasSubstr("unknown key 'colour'"));
}

TEST(LoaderTest, ValuesFileIsCheckedInItsOwnLines) {
  Diagnostics diagnostics;
  EXPECT_EQ(Load(std::string(kGoodPolicy), "policy: good\nvalues:\n  keep: soon\n", &diagnostics),
            nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("policy.values.yaml:3:9: error: "));
  Diagnostics other;
  EXPECT_EQ(Load(std::string(kGoodPolicy), "policy: bad\nvalues:\n  keep: 1\n  hold: 2\n", &other),
            nullptr);
  EXPECT_THAT(other.ToString(), HasSubstr("policy.values.yaml:1:9: error: "));
  EXPECT_THAT(other.ToString(), HasSubstr("no parameter 'hold'"));
}

TEST(LoaderTest, ForbiddenEmploymentIsNotAdmittedByARole) {
  Diagnostics diagnostics;
  std::string yaml(kGoodPolicy);
  yaml.replace(yaml.find("nda: [pledge]}"), 14, "nda: [pledge], employment: [outsourced]}");
  yaml += "forbidden_employment: [outsourced]\n";
  EXPECT_EQ(Load(yaml, std::string(kGoodValues), &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr(":24:"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("forbidden to everybody"));
}

TEST(LoaderTest, DiagnosticsAreBounded) {
  std::string yaml = "policy: p\n";
  for (int i = 0; i < 1000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
  Diagnostics diagnostics;
  EXPECT_EQ(Load(yaml, "", &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.items().size(), Diagnostics::kMax);
  EXPECT_GE(diagnostics.error_count(), 1000u);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("more errors"));
}

// Cuts and flips of a real policy: whatever comes of it, it comes back.
TEST(LoaderTest, DamagedPoliciesComeBack) {
  const PolicyText good = ReadPolicy("ops/policies/starter");
  for (size_t i = 0; i < good.yaml.size(); i += 7) {
    PolicyText cut = good;
    cut.yaml.resize(i);
    Diagnostics diagnostics;
    Policy::Load(cut, &diagnostics);
    PolicyText flipped = good;
    flipped.yaml[i] = "{}[]:,&*!|>'\"%@`#-?\n"[i % 20];
    Policy::Load(flipped, &diagnostics);
  }
}

TEST(LoaderTest, AnEmptyText) {
  Diagnostics diagnostics;
  EXPECT_EQ(Load("", "", &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("policy.yaml:1:1: error: "));
}

TEST(LoaderTest, EndOfDayIsInThePolicysZone) {
  const auto policy = LoadTestPolicy();
  const absl::Time end = policy->EndOfDay(absl::CivilDay(2025, 3, 31));
  EXPECT_EQ(end + absl::Nanoseconds(1),
            absl::FromCivil(absl::CivilSecond(2025, 3, 31, 15, 0, 0), absl::UTCTimeZone()));
}

}  // namespace
}  // namespace piivault::authz
