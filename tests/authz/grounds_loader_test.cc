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

struct BadGrounds {
  const char* name;
  const char* find;     // In the policy with notices.
  const char* replace;  // By this; the diagnostic is in the line of its last line's beginning.
  const char* message;  // Part of message and hint.
};

void PrintTo(const BadGrounds& bad, std::ostream* out) { *out << bad.name; }

class BadGroundsTest : public ::testing::TestWithParam<BadGrounds> {};

TEST_P(BadGroundsTest, IsRefusedInItsLine) {
  const BadGrounds& bad = GetParam();
  PolicyText text;
  const std::string good = std::string(kGroundsPolicy) + std::string(kNotices);
  text.yaml = Replaced(good, bad.find, bad.replace);
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  const std::string_view replaced(bad.replace);
  const size_t last = replaced.rfind('\n');
  const int line = LineOf(text.yaml, replaced.substr(last == replaced.npos ? 0 : last + 1));
  const bool found = std::any_of(
      diagnostics.items().begin(), diagnostics.items().end(), [&](const Diagnostic& item) {
        return item.severity == Severity::kError && item.line == line &&
               (item.message + " " + item.hint).find(bad.message) != std::string::npos;
      });
  EXPECT_TRUE(found) << "wanted line " << line << " with \"" << bad.message << "\", got:\n"
                     << diagnostics.ToString();
}

constexpr BadGrounds kBadGrounds[] = {
    {"UnknownAgeRule", "timezone: Asia/Tokyo", "timezone: Asia/Tokyo\nage: {reached: at_noon}",
     "on_birthday"},
    {"AcknowledgementWithinForEver", "from: 2025-05-01, within: 30d", "from: 2025-05-01",
     "go together"},
    {"MatterNamedAsAnArgument", "  project: {about", "  parent: {about", "not a kind of matter"},
    {"MatterWithoutStates", "states: [open, cancelled, completed]", "states: []",
     "at least one state"},
    {"MatterAboutNobody", "about: tenant", "about: nobody", "unknown about"},
    {"MatterDiffersInCase", "  project: {about", "  Order: {about", "only in case"},
    {"UnknownMatter", "consult: {matter: consultation}", "consult: {matter: consultaton}",
     "did you mean 'consultation'"},
    {"UnknownState", "state: [cancelled, completed]", "state: [cancelled, complete]",
     "did you mean 'completed'"},
    {"NoState", "state: [cancelled, completed]", "state: []", "no state is named"},
    {"NoMatter", "consult: {matter: consultation}", "consult: {matter: []}", "no matter is named"},
    {"MatterTwice", "consult: {matter: consultation}",
     "consult: {matter: [consultation, {kind: consultation, state: closed}]}", "twice"},
    {"UnknownMatterOfARole", "matter: [consultation, project]", "matter: [consultation, projet]",
     "did you mean 'project'"},
    {"NeedThatIsAMatter", "move: {matter: project}", "move: {needs: [project]}", "kind of matter"},
    {"FollowsFromNothing", "follows: [plain, known]", "follows: []", "follows from no purpose"},
    {"FollowsFromTheUnknown", "follows: [plain, known]", "follows: [plane]",
     "did you mean 'plain'"},
    {"FollowsFromItself", "follows: [plain, known]", "follows: [close]",
     "follows from another purpose itself"},
    {"FollowsFromWhatFollows", "  known: {}", "  known: {}\n  far: {follows: close}",
     "follows from another purpose itself"},
    {"FollowsAndDespiteNotice", "needs: [reason]", "needs: [reason], despite_notice: true",
     "that one's notice counts"},
    {"FollowsFromConsentWithout", "follows: [plain, known]", "follows: [plain, extra]",
     "without it"},
    {"ConsentToAPurposeNotRequired", "extra: {consent: required}", "extra: {consent: wanted}",
     "one of: required"},
    {"ResumeUseByStaff", "role: other, may: [reveal, list]", "role: other, may: [resume_use]",
     "for the person alone"},
    {"AcknowledgementOfNoHash", "acknowledgement: {document: aaaa", "acknowledgement: {document: A",
     "hexadecimal"},
    {"AcknowledgementWithoutDocument",
     "{document: aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd, from", "{from",
     "'document' is missing"},
    {"AcknowledgementInMonths", "within: 30d", "within: 1mo", "days or weeks"},
    {"AcknowledgementFromNoDay", "from: 2025-05-01", "from: 2025-02-30", "not a day"},
    {"AcknowledgementAsNda", "staffer: {kind: staff, nda: none",
     "staffer: {kind: staff, nda: [acknowledgement]", "not an NDA"},
    {"FieldNeedOfOldName", "needs: [fields]", "needs: [field_subset]", "unknown needs"},
    {"UnknownChannelOfAField", "channels: [cookie]", "channels: [cooky]", "did you mean 'cookie'"},
    {"UnknownChannelOfAType", "    channels: [web, phone]", "    channels: [web, phon]",
     "did you mean 'phone'"},
    {"NoChannel", "channels: [cookie]", "channels: []", "no channel at all"},
    {"RetiredAndRequired", "retired: true", "retired: true, required: true", "neither required"},
    {"RetiredAndUnique", "old: {type: text, retired: true}",
     "old: {type: external_account_id, retired: true, unique: true}", "nor unique"},
    {"ConsentTwice", "- {id: third, event: third_party", "- {id: other-purpose, event: third_party",
     "there already"},
    {"ConsentUnderAgeZero", "when: before_provision}",
     "when: before_provision}\n  - {id: y, event: collection, under_age: 0, when: at_collection}",
     "1 to 120"},
    {"ConsentUnderAgeMethuselah", "when: before_provision}",
     "when: before_provision}\n  - {id: y, event: collection, under_age: 121, when: at_collection}",
     "1 to 120"},
    {"ConsentOfOldCondition", "when: before_provision}",
     "when: before_provision, if: age_under_16}", "unknown key 'if'"},
    {"LinkWithoutFields", "when: before_provision}",
     "when: before_provision}\n  - {id: l, event: link, when: at_link}", "brings fields"},
    {"CollectionTooLate", "when: before_provision}",
     "when: before_provision}\n  - {id: c, event: collection, when: before_use}", "too late"},
    {"CollectionByAUser", "when: before_provision}",
     "when: before_provision}\n  - {id: c, event: collection, when: at_collection, who: "
     "registered_user}",
     "subject or guardian"},
    {"AgreedItemsOfNothing", "when: before_provision}",
     "when: before_provision}\n  - {id: c, event: collection, when: at_collection, scope: "
     "agreed_items}",
     "agreed items are of fields"},
    {"GuardianOfAThirdParty", "when: before_provision}", "when: before_provision, who: guardian}",
     "when data comes in"},
    {"AgeOfAThirdParty", "when: before_provision}", "when: before_provision, under_age: 16}",
     "when data comes in"},
    {"NoticeOfNothing", "purposes: [plain, known]", "purposes: []", "what the data is for"},
    {"NoticeWithoutPurposes", "clause: 003-14, purposes: [plain, known]}", "clause: 003-14}",
     "'purposes' is missing"},
    {"NoticeOfTheUnknown", "purposes: [plain, known]", "purposes: [plain, knows]",
     "did you mean 'known'"},
    {"NoticeTwice", "  general: {label: on the form",
     "  GENERAL: {purposes: [plain]}\n  general: {label: on the form", "only in case"},
};

INSTANTIATE_TEST_SUITE_P(All, BadGroundsTest, ::testing::ValuesIn(kBadGrounds),
                         [](const auto& bad) { return std::string(bad.param.name); });

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
