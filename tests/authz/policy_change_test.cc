// What a policy promises of its own changes.
#include "authz/policy_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr absl::Duration kMicro = absl::Microseconds(1);

std::shared_ptr<const Policy> WithPromise(const std::string& promise,
                                          const std::string& zone = "Asia/Tokyo") {
  PolicyText text;
  text.yaml = "policy: promises\ntimezone: " + zone +
              "\ntypes: {user: {fields: {name: person_name}}}\npurposes: {work: {}}\n"
              "roles: {app: {kind: service}}\n"
              "grants: [{id: g, role: app, may: [reveal], fields: [user.name], for: [work]}]\n" +
              (promise.empty() ? "" : "policy_change: " + promise + "\n");
  auto policy = Policy::Load(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  return policy.ok() ? *policy : nullptr;
}

absl::Time At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

class PolicyChangeTest : public testing::Test {
 protected:
  ChangeVerdict Ask(const std::string& promise, bool same = false) {
    const auto policy = WithPromise(promise);
    return CheckPolicyChange(policy.get(), *silent_, same, stated_, now_);
  }

  const std::shared_ptr<const Policy> silent_ = WithPromise("");
  const absl::Time now_ = At("2025-06-10T12:00:00+09:00");
  StatedChange stated_;
};

TEST_F(PolicyChangeTest, NothingIsAskedWhereNothingIsPromised) {
  EXPECT_EQ(Ask("").reason, Reason::kOk);
  EXPECT_EQ(Ask("{notice: none_required}").reason, Reason::kOk);
  EXPECT_EQ(Ask("{notice: none_required, lead_time: 0}").reason, Reason::kOk);
  EXPECT_EQ(Ask("{notice: none_required, lead_time: 0d}").reason, Reason::kOk);
}

TEST_F(PolicyChangeTest, TheFirstPolicyTakesNobodysPlace) {
  const auto strict = WithPromise("{notice: before_effective, content: [reason]}");
  EXPECT_EQ(CheckPolicyChange(nullptr, *strict, false, stated_, now_).reason, Reason::kOk);
}

TEST_F(PolicyChangeTest, BothPoliciesAsk) {
  const auto one = WithPromise("{notice: none_required, content: [reason, parts]}");
  const auto other = WithPromise("{notice: top_page_posting, content: [reason, time]}");
  const ChangeVerdict verdict = CheckPolicyChange(one.get(), *other, false, stated_, now_);
  EXPECT_EQ(verdict.reason, Reason::kPolicyChangeIncomplete);
  EXPECT_THAT(verdict.missing,
              UnorderedElementsAre("content.reason", "content.parts", "content.time",
                                   "notice.where", "notice.published_time"));
  // Whichever of them it is.
  stated_.content = {"reason"};
  EXPECT_THAT(CheckPolicyChange(silent_.get(), *one, false, stated_, now_).missing,
              ElementsAre("content.parts"));
  EXPECT_THAT(CheckPolicyChange(one.get(), *silent_, false, stated_, now_).missing,
              ElementsAre("content.parts"));
}

// 001-69: before it takes effect, not as it does.
TEST_F(PolicyChangeTest, Clause001_69NoticeComesStrictlyBefore) {
  const std::string promise = "{notice: before_effective}";
  stated_.where = true;
  EXPECT_THAT(Ask(promise).missing, ElementsAre("notice.published_time"));
  stated_.published = now_ + kMicro;
  EXPECT_THAT(Ask(promise).missing, ElementsAre("notice.published_time"));
  stated_.published = now_;
  EXPECT_EQ(Ask(promise).reason, Reason::kPolicyNoticeRunning);
  EXPECT_EQ(Ask(promise).from, now_ + kMicro);
  stated_.published = now_ - kMicro;
  EXPECT_EQ(Ask(promise).reason, Reason::kOk);
  stated_.where = false;
  EXPECT_THAT(Ask(promise).missing, ElementsAre("notice.where"));
}

// 002-61: a posting, without a time before.
TEST_F(PolicyChangeTest, Clause002_61PostingMayComeWithTheChange) {
  for (const char* promise : {"{notice: top_page_posting}", "{notice: at_effective}"}) {
    stated_ = {};
    EXPECT_EQ(Ask(promise).reason, Reason::kPolicyChangeIncomplete);
    stated_.where = true;
    stated_.published = now_ + kMicro;
    EXPECT_EQ(Ask(promise).reason, Reason::kPolicyChangeIncomplete);
    stated_.published = now_;
    EXPECT_EQ(Ask(promise).reason, Reason::kOk);
  }
}

TEST_F(PolicyChangeTest, ANoticeAnnouncesOneChange) {
  const std::string promise = "{notice: top_page_posting}";
  stated_.where = true;
  stated_.published = now_ - absl::Hours(1);
  stated_.since = now_ - absl::Hours(1);
  EXPECT_EQ(Ask(promise).reason, Reason::kOk);
  stated_.since += kMicro;
  EXPECT_EQ(Ask(promise).reason, Reason::kPolicyChangeIncomplete);
  EXPECT_THAT(Ask(promise).missing, ElementsAre("notice.published_time"));
  EXPECT_EQ(Ask("{notice: none_required}").reason, Reason::kOk) << "none is asked for";
  stated_.since = absl::InfinitePast();
  stated_.document_used = true;
  EXPECT_THAT(Ask(promise).missing, ElementsAre("notice.document_sha256"));
  EXPECT_EQ(Ask("{notice: none_required}").reason, Reason::kOk);
}

TEST_F(PolicyChangeTest, LeadTimeRunsFromThePublication) {
  const std::string promise = "{notice: before_effective, lead_time: 30d}";
  stated_.where = true;
  stated_.published = At("2025-05-11T12:00:00.000001+09:00");
  EXPECT_EQ(Ask(promise).reason, Reason::kPolicyNoticeRunning);
  EXPECT_EQ(Ask(promise).from, now_ + kMicro);
  stated_.published = At("2025-05-11T12:00:00+09:00");
  EXPECT_EQ(Ask(promise).reason, Reason::kOk);
}

TEST_F(PolicyChangeTest, LeadTimeIsANoticeEvenWhereNoneIsRequired) {
  EXPECT_EQ(Ask("{notice: none_required, lead_time: 1d}").reason, Reason::kPolicyChangeIncomplete);
}

TEST_F(PolicyChangeTest, TheLongerLeadTimeCounts) {
  const auto one = WithPromise("{notice: before_effective, lead_time: 1w}");
  const auto other = WithPromise("{notice: before_effective, lead_time: 1mo}");
  stated_.where = true;
  stated_.published = At("2025-06-01T00:00:00+09:00");
  const absl::Time end = At("2025-07-01T00:00:00+09:00");
  EXPECT_EQ(CheckPolicyChange(one.get(), *other, false, stated_, now_).from, end);
  EXPECT_EQ(CheckPolicyChange(other.get(), *one, false, stated_, now_).from, end);
}

// 004-63: of another wording nothing is asked, by the policy that says so.
TEST_F(PolicyChangeTest, Clause004_63StyleIsExemptWhereThePolicySaysSo) {
  EXPECT_EQ(Ask("{notice: none_required, content: [parts], stylistic_exempt: true}", true).reason,
            Reason::kOk);
  EXPECT_EQ(Ask("{notice: none_required, content: [parts], stylistic_exempt: true}", false).reason,
            Reason::kPolicyChangeIncomplete);
  EXPECT_EQ(Ask("{notice: none_required, content: [parts]}", true).reason,
            Reason::kPolicyChangeIncomplete);
}

TEST_F(PolicyChangeTest, OneThatIsNotExemptAsksNevertheless) {
  const auto exempt =
      WithPromise("{notice: none_required, content: [parts], stylistic_exempt: true}");
  const auto strict = WithPromise("{notice: none_required, content: [time]}");
  EXPECT_THAT(CheckPolicyChange(exempt.get(), *strict, true, stated_, now_).missing,
              ElementsAre("content.time"));
}

TEST(AddDurationTest, CountsByTheCalendarOfTheZone) {
  absl::TimeZone tokyo;
  absl::TimeZone berlin;
  ASSERT_TRUE(absl::LoadTimeZone("Asia/Tokyo", &tokyo));
  ASSERT_TRUE(absl::LoadTimeZone("Europe/Berlin", &berlin));
  const absl::Time start = At("2025-01-31T20:00:00.5Z");  // 1 February in Tokyo
  EXPECT_EQ(AddDuration(start, "1mo", tokyo), At("2025-02-28T20:00:00.5Z"));
  // 31 February is counted on into March: rather too long than too short.
  EXPECT_EQ(AddDuration(start, "1mo", absl::UTCTimeZone()), At("2025-03-03T20:00:00.5Z"));
  EXPECT_EQ(AddDuration(start, "1y", absl::UTCTimeZone()), At("2026-01-31T20:00:00.5Z"));
  EXPECT_EQ(AddDuration(start, "2w", tokyo), At("2025-02-14T20:00:00.5Z"));
  EXPECT_EQ(AddDuration(start, "90m", tokyo), At("2025-01-31T21:30:00.5Z"));
  EXPECT_EQ(AddDuration(start, "36h", tokyo), At("2025-02-02T08:00:00.5Z"));
  EXPECT_EQ(AddDuration(start, "5s", tokyo), At("2025-01-31T20:00:05.5Z"));
  EXPECT_EQ(AddDuration(start, "0", tokyo), start);
  // The same time of day, over a change of the clocks.
  EXPECT_EQ(AddDuration(At("2025-03-29T12:00:00+01:00"), "1d", berlin),
            At("2025-03-30T12:00:00+02:00"));
  EXPECT_GT(AddDuration(start, "999999y", tokyo), At("9999-12-31T00:00:00Z"));
}

}  // namespace
}  // namespace piivault::authz
