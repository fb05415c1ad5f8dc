// Data keeps the notice that it came in under: what it may be used for later.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kNotices = R"yaml(
collection_notices:
  general: {label: on the form, purposes: [plain, known]}
  narrow: {purposes: [known, close]}
)yaml";

class NoticeDecisionTest : public ::testing::Test {
 protected:
  Call Under(std::string_view notice, std::string_view purpose = "plain") const {
    Call call = MakeGroundsCall(policy_);
    call.purpose = std::string(purpose);
    call.facts.notice = notice;
    if (purpose == "close") call.arguments = {{"reason", "R"}, {"parent", "plain"}};
    return call;
  }
  const std::shared_ptr<const Policy> policy_ = LoadGroundsPolicy(kNotices);
};

TEST_F(NoticeDecisionTest, DataIsUsedForWhatItsNoticeNames) {
  EXPECT_EQ(Under("general").reason(), Reason::kOk);
  EXPECT_EQ(Under("narrow").reason(), Reason::kNoticeForbids);
  EXPECT_EQ(Under("narrow", "known").reason(), Reason::kOk);
  EXPECT_EQ(Under("unheard-of").reason(), Reason::kNoticeForbids);
  EXPECT_EQ(Under("").reason(), Reason::kOk);  // From before there were notices.
  EXPECT_TRUE(Under("narrow").DecideFirst().granted());
}

TEST_F(NoticeDecisionTest, DutiesHoldWhateverTheNotice) {
  EXPECT_EQ(Under("narrow", "duty").reason(), Reason::kOk);
  EXPECT_EQ(Under("unheard-of", "duty").reason(), Reason::kOk);
}

TEST_F(NoticeDecisionTest, WithoutAPurposeThereIsNoneThatTheNoticeNames) {
  Call call = Under("general");
  call.verb = Verb::kList;
  call.fields.clear();
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.purpose.clear();
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
}

TEST_F(NoticeDecisionTest, WhatIsNoUseIsNotForbidden) {
  Call call = Under("narrow");
  call.verb = Verb::kUpdate;
  call.channel = "web";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(NoticeDecisionTest, ConsentToNewTermsWidensTheNotice) {
  Call call = Under("narrow");
  ConsentFact consent{.id = "new-terms", .purpose = "plain", .given = call.now};
  call.facts.consents = absl::MakeConstSpan(&consent, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(call.Decide().consent, &consent);
  consent.withdrawn = call.now + absl::Hours(1);
  EXPECT_EQ(call.Decide().good_until, consent.withdrawn);
  consent.id = "other-purpose";
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
  consent.id = "new-terms";
  consent.purpose = "known";
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
  consent.purpose = "plain";
  consent.withdrawn = call.now;
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
}

TEST_F(NoticeDecisionTest, WhatFollowsIsUnderTheNoticeOfItsParent) {
  EXPECT_EQ(Under("general", "close").reason(), Reason::kOk);
  Call call = Under("narrow", "close");
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
  ConsentFact consent{.id = "new-terms", .purpose = "close", .given = call.now};
  call.facts.consents = absl::MakeConstSpan(&consent, 1);
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
  consent.purpose = "plain";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.consents = {};
  call.arguments[1].value = "known";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST(NoticeRequiredTest, WhatComesInSaysUnderWhichNotice) {
  const auto policy = LoadGroundsPolicy(std::string(kNotices) + "notice_required: true\n");
  ASSERT_NE(policy, nullptr);
  Call call = MakeGroundsCall(policy);
  call.verb = Verb::kCreate;
  call.channel = "web";
  EXPECT_EQ(call.reason(), Reason::kNoticeMissing);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kNoticeMissing);
  call.verb = Verb::kTokenize;
  EXPECT_EQ(call.reason(), Reason::kNoticeMissing);
  call.verb = Verb::kUpdate;  // The record has its own.
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.verb = Verb::kCreate;
  call.notice = "general";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(NoticeDecisionTest, OnlyNoticesOfThePolicyAreStated) {
  Call call = Under("");
  call.verb = Verb::kCreate;
  call.channel = "web";
  call.notice = "general";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.notice = "unheard-of";
  EXPECT_EQ(call.reason(), Reason::kNoticeUnknown);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kNoticeUnknown);
  call.verb = Verb::kTokenize;
  EXPECT_EQ(call.reason(), Reason::kNoticeUnknown);
  call.verb = Verb::kUpdate;  // A record keeps its notice.
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.verb = Verb::kCreate;
  call.notice.clear();
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.notice = "unheard-of";
  call.policy = LoadGroundsPolicy();  // Without notices there is nothing to compare with.
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.notice = "unheard-of";
  call.verb = Verb::kReveal;
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(NoticeDecisionTest, AGrantMayAskThatTheNoticeNamesThePurpose) {
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy) + std::string(kNotices);
  const std::string known = "for: [known]}";
  text.yaml.replace(text.yaml.find(known), known.size(), "for: [known], when: [noticed]}");
  const auto policy = Policy::Load(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  Call call = MakeGroundsCall(*policy);
  call.purpose = "known";
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
  EXPECT_TRUE(call.DecideFirst().granted());
  call.facts.notice = "narrow";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.notice = "unheard-of";
  EXPECT_EQ(call.reason(), Reason::kNoticeForbids);
}

}  // namespace
}  // namespace piivault::authz
