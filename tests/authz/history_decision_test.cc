// Earlier values: which fields keep them, who may see them, and what a policy says of counts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_replace.h"
#include "authz/policy_diff.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPolicy = R"yaml(policy: history
types:
  user:
    history: all
    fields:
      name: person_name
      title: {type: job_title, history: 3}
      memo: {type: free_text, history: none}
      secret: {type: password_credential, read: never}
      letter: {type: mail_body, class: comm_secret}
  plain: {fields: {name: person_name}}
purposes: {work: {}, show: {}, count: {}}
roles:
  desk: {kind: service}
  clerk: {kind: service}
  shop: {kind: tenant}
grants:
  - {id: desk, role: desk, may: [reveal, reveal_history], fields: [user.*], for: [work]}
  - {id: desk-count, role: desk, may: [aggregate], fields: [user.*], for: [count]}
  - {id: clerk, role: clerk, may: [reveal_history], fields: [user.name], for: [work], view: masked}
  - {id: clerk-now, role: clerk, may: [reveal], fields: [user.title], for: [work]}
  - {id: shop, role: shop, may: [reveal_history], fields: [user.*], for: [work]}
)yaml";

std::string Problems(const std::string& find, const std::string& replace) {
  std::string yaml(kPolicy);
  EXPECT_EQ(absl::StrReplaceAll({{find, replace}}, &yaml), 1) << find;
  std::string problems;
  EXPECT_EQ(LoadPolicy(yaml, &problems), nullptr) << replace;
  return problems;
}

class HistoryDecisionTest : public ::testing::Test {
 protected:
  HistoryDecisionTest() : policy_(LoadPolicy(std::string(kPolicy))) {}

  Call As(std::string_view role, std::string_view field) const {
    Call call(policy_, role);
    call.has_person = false;
    call.principal.kind = role == "shop" ? PrincipalKind::kTenant : PrincipalKind::kService;
    if (role == "shop") call.principal.tenant = call.tenant;
    call.verb = Verb::kRevealHistory;
    call.fields = {std::string(field)};
    return call;
  }
  uint32_t HistoryOf(std::string_view field) const {
    return policy_->field(policy_->FindField(field)).history;
  }

  std::shared_ptr<const Policy> policy_;
};

TEST_F(HistoryDecisionTest, ATypeSaysItForItsFieldsAndAFieldForItself) {
  ASSERT_NE(policy_, nullptr);
  EXPECT_EQ(HistoryOf("user.name"), kAllEarlierValues);
  EXPECT_EQ(HistoryOf("user.title"), 3u);
  EXPECT_EQ(HistoryOf("user.memo"), 0u);
  EXPECT_EQ(HistoryOf("user.secret"), 0u);
  EXPECT_EQ(HistoryOf("plain.name"), 0u);
}

TEST_F(HistoryDecisionTest, IsGrantedLikeAReveal) {
  EXPECT_EQ(As("desk", "name").reason(), Reason::kOk);
  EXPECT_EQ(As("desk", "title").reason(), Reason::kOk);
  const Decision masked = As("clerk", "name").Decide();
  ASSERT_EQ(masked.reason, Reason::kOk);
  EXPECT_EQ(masked.fields[0].view, View::kMasked);
  Call call = As("desk", "name");
  call.purpose = "show";
  EXPECT_EQ(call.reason(), Reason::kPurposeNotGranted);
}

TEST_F(HistoryDecisionTest, NeitherVerbGivesTheOther) {
  EXPECT_EQ(As("clerk", "title").reason(), Reason::kFieldNotGranted);
  Call call = As("clerk", "name");
  call.verb = Verb::kReveal;
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
}

TEST_F(HistoryDecisionTest, FieldsWithoutAnyAreRefused) {
  EXPECT_EQ(As("desk", "memo").reason(), Reason::kFieldWithoutHistory);
  EXPECT_EQ(As("desk", "memo").DecideFirst().reason, Reason::kFieldWithoutHistory);
  EXPECT_EQ(As("desk", "secret").reason(), Reason::kReadNever);
  EXPECT_EQ(As("desk", "letter").reason(), Reason::kCommSecret);
  EXPECT_EQ(As("shop", "letter").reason(), Reason::kOk);
}

TEST_F(HistoryDecisionTest, NoTokenLeadsToAnEarlierValue) {
  Call call = As("desk", "name");
  call.wanted = View::kToken;
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);
  call.wanted = View::kMasked;
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(HistoryDecisionTest, IsAUse) {
  Call call = As("desk", "name");
  const std::vector<UseStop> stops = {{"user.name", ""}};
  call.facts.stops = stops;
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
  call.facts.stops = {};
  const std::string_view frozen = "user.name";
  call.facts.frozen = absl::MakeConstSpan(&frozen, 1);
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
}

TEST(HistoryLoaderTest, NumbersAndWords) {
  for (const char* bad : {"0", "1001", "some", "-1", "[3]"}) {
    EXPECT_THAT(Problems("history: 3", std::string("history: ") + bad), HasSubstr("1 to 1000"))
        << bad;
  }
  std::string yaml(kPolicy);
  absl::StrReplaceAll({{"history: 3", "history: 1000"}}, &yaml);
  EXPECT_NE(LoadPolicy(yaml), nullptr);
}

TEST(HistoryLoaderTest, NothingIsKeptOfWhatNobodyReads) {
  EXPECT_THAT(Problems("read: never}", "read: never, history: 2}"), HasSubstr("nobody reads"));
  EXPECT_THAT(Problems("read: never}", "read: never, store: one_way, history: all}"),
              HasSubstr("nobody reads"));
}

TEST(HistoryLoaderTest, NamingAFieldWithoutHistoryInAGrantIsAnError) {
  EXPECT_THAT(Problems("may: [reveal_history], fields: [user.name]",
                       "may: [reveal_history], fields: [user.name, user.memo]"),
              HasSubstr("no earlier values of the field are kept"));
  EXPECT_THAT(Problems("fields: [user.name], for: [work], view: masked",
                       "fields: [plain.*], for: [work], view: masked"),
              HasSubstr("matches no field"));
  EXPECT_THAT(Problems("view: masked", "view: token"), HasSubstr("has no tokens"));
}

TEST(HistoryLoaderTest, AnotherNumberMeansAnotherPolicy) {
  const auto before = LoadPolicy(std::string(kPolicy));
  std::string yaml(kPolicy);
  absl::StrReplaceAll({{"history: 3", "history: 4"}}, &yaml);
  const auto after = LoadPolicy(yaml);
  ASSERT_TRUE(before != nullptr && after != nullptr);
  EXPECT_NE(SemanticHash(*before), SemanticHash(*after));
}

TEST(AggregateRulesTest, HaveDefaultsAndLimits) {
  const auto policy = LoadPolicy(std::string(kPolicy));
  ASSERT_NE(policy, nullptr);
  EXPECT_EQ(policy->aggregates().min_group, 10u);
  EXPECT_EQ(policy->aggregates().round_to, 5u);
  const auto stated = LoadPolicy(std::string(kPolicy) +
                                 "aggregates: {min_group: 20, round_to: 1, clause: 002-22}\n");
  ASSERT_NE(stated, nullptr);
  EXPECT_EQ(stated->aggregates().min_group, 20u);
  EXPECT_EQ(stated->aggregates().round_to, 1u);
  EXPECT_NE(SemanticHash(*policy), SemanticHash(*stated));
  for (const char* bad : {"min_group: 1", "min_group: 10001", "round_to: 0", "round_to: 1001"}) {
    std::string problems;
    EXPECT_EQ(LoadPolicy(std::string(kPolicy) + "aggregates: {" + bad + "}\n", &problems), nullptr);
    EXPECT_THAT(problems, HasSubstr("a whole number from")) << bad;
  }
}

}  // namespace
}  // namespace piivault::authz
