// Policies that speak of matters, notices, consent: what is read, what is refused and where.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kNotices = R"yaml(collection_notices:
  general: {label: on the form, clause: 003-14, purposes: [plain, known]}
)yaml";

// Replaces `find` once; REQUIRES: it is there.
std::string Replaced(std::string text, std::string_view find, std::string_view replace) {
  const size_t at = text.find(find);
  EXPECT_NE(at, std::string::npos) << find;
  if (at != std::string::npos) text.replace(at, find.size(), replace);
  return text;
}

// 1 for the first.
int LineOf(const std::string& text, std::string_view part) {
  const size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return 1 +
         static_cast<int>(std::count(
             text.begin(), text.begin() + static_cast<ptrdiff_t>(std::min(at, text.size())), '\n'));
}

TEST(GroundsLoaderTest, AConsentThatNobodyCanGiveIsNotRequired) {
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy);
  text.yaml.resize(text.yaml.find("consent:\n"));
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.items()[0].line, LineOf(text.yaml, "  extra:"));
  EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("none that anybody could give"));
}

TEST(GroundsLoaderTest, WhatIsAcknowledgedIsNamed) {
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy);
  const size_t at = text.yaml.find("acknowledgement:");
  text.yaml.erase(at, text.yaml.find('\n', at) + 1 - at);
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.items()[0].line, LineOf(text.yaml, "  staffer: {kind"));
  EXPECT_THAT(diagnostics.ToString(), ::testing::HasSubstr("which text is to be acknowledged"));
}

TEST(GroundsLoaderTest, WhatFollowsShowsNoMoreThanItsParent) {
  PolicyText text;
  text.yaml =
      Replaced(std::string(kGroundsPolicy), "  known: {}\n  close: {follows: [plain, known]",
               "  known: {}\n  counts: {output: aggregate_only}\n"
               "  close: {follows: [plain, known, counts]");
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.items()[0].line, LineOf(text.yaml, "- {id: app,"));
  EXPECT_THAT(diagnostics.ToString(),
              ::testing::HasSubstr("'counts' limits the output; 'reveal' goes beyond it"));
}

TEST(GroundsLoaderTest, EverythingIsKept) {
  const auto policy =
      LoadGroundsPolicy(std::string("  - {id: young, event: [collection, link], fields: [ext.*], "
                                    "under_age: 16, who: guardian, "
                                    "when: at_link, scope: agreed_items}\n"
                                    "age: {reached: day_before, unknown: allow}\n") +
                        std::string(kNotices));
  ASSERT_NE(policy, nullptr);
  ASSERT_EQ(policy->matters().size(), 4u);
  EXPECT_EQ(policy->FindMatter("consultation")->about, MatterAbout::kSubject);
  EXPECT_THAT(policy->FindMatter("consultation")->states, ElementsAre("open", "closed"));
  EXPECT_EQ(policy->FindMatter("project")->about, MatterAbout::kTenant);
  EXPECT_EQ(policy->FindMatter("instruction")->about, MatterAbout::kController);
  const PurposeSpec& refund = *policy->FindPurpose("refund");
  ASSERT_EQ(refund.matters.size(), 2u);
  EXPECT_THAT(refund.matters[0].states, ElementsAre("cancelled", "completed"));
  EXPECT_EQ(refund.matters[1].matter, policy->FindMatter("project")->id);
  EXPECT_THAT(refund.matters[1].states, ElementsAre("open"));
  EXPECT_TRUE(policy->FindPurpose("extra")->consent);
  EXPECT_TRUE(policy->FindPurpose("duty")->despite_notice);
  EXPECT_THAT(policy->FindPurpose("close")->parents,
              ElementsAre(policy->FindPurpose("plain")->id, policy->FindPurpose("known")->id));
  EXPECT_TRUE(policy->FindRole("other")->needs_fields);
  EXPECT_EQ(policy->FindRole("caller")->matters.size(), 2u);
  EXPECT_THAT(policy->field(policy->FindField("user.name")).channels, ElementsAre("web", "phone"));
  EXPECT_THAT(policy->field(policy->FindField("user.place")).channels, ElementsAre("cookie"));
  EXPECT_TRUE(policy->field(policy->FindField("ext.id")).channels.empty());
  EXPECT_TRUE(policy->field(policy->FindField("user.old")).retired);
  const ConsentSpec& young = policy->consent().back();
  EXPECT_EQ(young.under_age, 16u);
  EXPECT_EQ(young.who, "guardian");
  EXPECT_EQ(young.scope, "agreed_items");
  EXPECT_EQ(policy->age().reached, AgeReached::kDayBefore);
  EXPECT_TRUE(policy->age().unknown_allowed);
  ASSERT_NE(policy->FindCollectionNotice("general"), nullptr);
  EXPECT_EQ(policy->FindCollectionNotice("general")->purposes.size(), 2u);
  ASSERT_NE(policy->acknowledgement(), nullptr);
  EXPECT_EQ(policy->acknowledgement()->document_sha256.size(), 64u);
}

}  // namespace
}  // namespace piivault::authz
