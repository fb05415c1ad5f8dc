// Consent: to a purpose, to a change of terms, to data coming in; age and guardians.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kCollection = R"yaml(
  - {id: device, event: collection, fields: [user.place], when: before_collection}
  - {id: link, event: link, fields: [ext.*], when: at_link, scope: agreed_items}
)yaml";
constexpr std::string_view kYoung =
    "  - {id: young, event: collection, under_age: 16, who: guardian, when: before_collection}\n";

class ConsentDecisionTest : public ::testing::Test {
 protected:
  Call Use(std::string_view purpose) {
    Call call = MakeGroundsCall(policy_);
    call.purpose = std::string(purpose);
    call.facts.consents = {};
    return call;
  }
  // A create of these fields by the channel that they come in by.
  static Call Write(std::shared_ptr<const Policy> policy, std::string_view type,
                    std::vector<std::string> fields, std::string_view channel) {
    Call call = MakeGroundsCall(std::move(policy));
    call.verb = Verb::kCreate;
    call.type = std::string(type);
    call.fields = std::move(fields);
    call.channel = std::string(channel);
    return call;
  }
  void Give(Call* call, ConsentFact fact) {
    consents_.push_back(fact);
    call->facts.consents = consents_;
  }

  const std::shared_ptr<const Policy> policy_ = LoadGroundsPolicy();
  std::vector<ConsentFact> consents_;
};

TEST_F(ConsentDecisionTest, AConsentToGivingDataAwayCountsForNothingElse) {
  ConsentFact fact = {.id = "other-purpose",
                      .purpose = "extra",
                      .given = absl::InfinitePast(),
                      .recipient = "tenants/default/recipients/shop"};
  Call call = Use("extra");
  Give(&call, fact);
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  consents_[0].recipient = {};
  EXPECT_EQ(call.reason(), Reason::kOk);

  const auto policy = LoadGroundsPolicy(kCollection);
  ASSERT_NE(policy, nullptr);
  Call write = Write(policy, "user", {"place"}, "cookie");
  consents_ = {{.id = "device", .given = absl::InfinitePast()}};
  write.facts.consents = consents_;
  ASSERT_EQ(write.reason(), Reason::kOk);
  consents_[0].recipient = "tenants/default/recipients/shop";
  EXPECT_EQ(write.reason(), Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, APurposeThatNeedsConsentHasIt) {
  Call call = Use("extra");
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  EXPECT_TRUE(call.DecideFirst().granted());
  Give(&call, {.id = "other-purpose", .purpose = "extra", .given = call.now});
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.consent, &consents_[0]);
  // Before each use, whatever the verb.
  call.facts.consents = {};
  call.verb = Verb::kList;
  call.fields.clear();
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, OnlyConsentInForceToThisPurposeCounts) {
  const absl::Time now = Use("extra").now;
  const auto reason = [&](ConsentFact fact) {
    Call call = Use("extra");
    call.facts.consents = absl::MakeConstSpan(&fact, 1);
    return call.reason();
  };
  const ConsentFact good{.id = "other-purpose", .purpose = "extra", .given = now};
  const auto with = [&](auto change) {
    ConsentFact fact = good;
    change(fact);
    return reason(fact);
  };
  const absl::Duration tick = absl::Nanoseconds(1);
  EXPECT_EQ(with([](ConsentFact&) {}), Reason::kOk);
  EXPECT_EQ(with([&](ConsentFact& f) { f.given = now + tick; }), Reason::kConsentMissing);
  EXPECT_EQ(with([&](ConsentFact& f) { f.withdrawn = now; }), Reason::kConsentMissing);
  EXPECT_EQ(with([&](ConsentFact& f) { f.withdrawn = now + tick; }), Reason::kOk);
  EXPECT_EQ(with([](ConsentFact& f) { f.purpose = "plain"; }), Reason::kConsentMissing);
  EXPECT_EQ(with([](ConsentFact& f) { f.purpose = ""; }), Reason::kConsentMissing);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = "new-terms"; }), Reason::kOk);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = "third"; }), Reason::kConsentMissing);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = "unheard-of"; }), Reason::kConsentMissing);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = ""; }), Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, AConsentWithAnEndEndsTheGrant) {
  Call call = Use("extra");
  const absl::Time end = call.now + absl::Hours(1);
  Give(&call, {.id = "other-purpose", .purpose = "extra", .given = call.now, .withdrawn = end});
  EXPECT_EQ(call.Decide().good_until, end);
}

TEST_F(ConsentDecisionTest, FieldsThatNeedConsentHaveItBeforeTheyComeIn) {
  const auto policy = LoadGroundsPolicy(kCollection);
  Call call = Write(policy, "user", {"place"}, "cookie");
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  EXPECT_TRUE(call.DecideFirst().granted());
  call.collected_at = call.now - absl::Hours(1);
  Give(&call, {.id = "device", .given = call.collected_at - absl::Nanoseconds(1)});
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(call.Decide().consent, &consents_[0]);
  consents_[0].given = call.collected_at;
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  consents_[0].given = call.now - absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  // Where it does not say when, it is now.
  call.collected_at = absl::InfiniteFuture();
  EXPECT_EQ(call.reason(), Reason::kOk);
  consents_[0].given = call.now;
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  // A collection to come is no earlier consent.
  call.collected_at = call.now + absl::Hours(1);
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, OtherFieldsNeedNoConsent) {
  const auto policy = LoadGroundsPolicy(kCollection);
  Call call = Write(policy, "user", {"name", "place"}, "phone");
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kChannelNotAllowed);
  EXPECT_EQ(decision.fields[0].reason, Reason::kOk);
  EXPECT_EQ(decision.fields[1].reason, Reason::kChannelNotAllowed);
  call.fields = {"name"};
  EXPECT_EQ(call.reason(), Reason::kOk);
  // To read what is there needs none.
  call = MakeGroundsCall(policy);
  call.fields = {"place"};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(ConsentDecisionTest, ALinkBringsTheAgreedItems) {
  const auto policy = LoadGroundsPolicy(kCollection);
  Call call = Write(policy, "ext", {"id", "name"}, "web");
  static constexpr std::string_view kId[] = {"ext.id"};
  static constexpr std::string_view kAll[] = {"ext.*"};
  Give(&call, {.id = "link", .given = call.now});
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);  // It names nothing.
  consents_[0].fields = kId;
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kConsentMissing);
  EXPECT_EQ(decision.fields[0].reason, Reason::kOk);
  EXPECT_EQ(decision.fields[1].reason, Reason::kConsentMissing);
  consents_[0].fields = kAll;
  EXPECT_EQ(call.reason(), Reason::kOk);
  consents_[0].given = call.now + absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, WhatIsClearedDoesNotComeIn) {
  const auto policy = LoadGroundsPolicy(kCollection);
  Call call = Write(policy, "user", {"place", "old"}, "phone");
  call.verb = Verb::kUpdate;
  EXPECT_EQ(call.Decide().fields[1].reason, Reason::kFieldRetired);
  call.cleared = {policy->FindField("user.place"), policy->FindField("user.old")};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(ConsentDecisionTest, RetiredFieldsAreReadAsBefore) {
  Call call = Write(policy_, "user", {"old"}, "web");
  EXPECT_EQ(call.reason(), Reason::kFieldRetired);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kFieldRetired);
  call.verb = Verb::kTokenize;
  EXPECT_EQ(call.reason(), Reason::kFieldRetired);
  call.verb = Verb::kReveal;
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(ConsentDecisionTest, FieldsHaveTheirOwnChannels) {
  for (const auto& [field, channel, reason] :
       {std::tuple("name", "web", Reason::kOk), std::tuple("name", "phone", Reason::kOk),
        std::tuple("name", "cookie", Reason::kChannelNotAllowed),
        std::tuple("place", "cookie", Reason::kOk),
        std::tuple("place", "web", Reason::kChannelNotAllowed),
        std::tuple("place", "", Reason::kChannelMissing)}) {
    Call call = Write(policy_, "user", {field}, channel);
    EXPECT_EQ(call.reason(), reason) << field << " by " << channel;
    EXPECT_EQ(call.DecideFirst().reason, reason) << field << " by " << channel;
  }
  Call call = Write(policy_, "ext", {"id"}, "cookie");
  EXPECT_EQ(call.reason(), Reason::kOk);  // Any of the policy's.
}

// Clause 003-57.
TEST_F(ConsentDecisionTest, TheYoungHaveAGuardiansConsent) {
  const auto policy = LoadGroundsPolicy(kYoung);
  Call call = Write(policy, "user", {"name"}, "web");
  EXPECT_EQ(call.reason(), Reason::kAgeUnknown);
  EXPECT_TRUE(call.DecideFirst().granted());
  call.born = absl::CivilDay(2010, 1, 1);
  EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing);
  Give(&call, {.id = "young", .given = call.now - absl::Hours(1)});
  EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing);
  consents_[0].by_guardian = true;
  EXPECT_EQ(call.reason(), Reason::kOk);
  consents_.clear();
  call.facts.consents = {};
  call.born = absl::CivilDay(1990, 1, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
  // What the write says makes nobody older than is known, nor what is known younger.
  call.facts.born = absl::CivilDay(2010, 1, 1);
  EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing);
  call.facts.born = absl::CivilDay(1980, 1, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.born = absl::CivilDay(2010, 1, 1);
  EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing);
  call.facts.born = absl::CivilDay(2010, 1, 1);
  call.born.reset();
  EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing);
  // Asked of writes alone.
  call.verb = Verb::kReveal;
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(ConsentDecisionTest, AgeIsReachedAtTheBeginningOfADayOfThePolicysZone) {
  const absl::TimeZone zone = policy_->timezone();
  struct Case {
    const char* reached;
    absl::CivilDay born;
    absl::CivilDay first;  // Day on which sixteen is reached.
  };
  using Day = absl::CivilDay;
  for (const Case& c : {Case{"on_birthday", Day(2008, 6, 15), Day(2024, 6, 15)},
                        Case{"day_before", Day(2008, 6, 15), Day(2024, 6, 14)},
                        Case{"on_birthday", Day(2008, 2, 29), Day(2024, 2, 29)},
                        Case{"on_birthday", Day(2007, 3, 1), Day(2023, 3, 1)},
                        Case{"day_before", Day(2007, 3, 1), Day(2023, 2, 28)}}) {
    const auto policy =
        LoadGroundsPolicy(std::string(kYoung) + "age: {reached: " + c.reached + "}\n");
    Call call = Write(policy, "user", {"name"}, "web");
    call.born = c.born;
    call.collected_at = absl::FromCivil(c.first, zone);
    EXPECT_EQ(call.reason(), Reason::kOk) << c.reached << " " << c.born;
    call.collected_at -= absl::Nanoseconds(1);
    EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing) << c.reached << " " << c.born;
  }
  // Born on a day that the year of the age does not have: on the next one.
  const auto seventeen =
      LoadGroundsPolicy("  - {id: young, event: collection, under_age: 17, when: at_collection}\n");
  Call call = Write(seventeen, "user", {"name"}, "web");
  call.born = absl::CivilDay(2008, 2, 29);
  call.collected_at = absl::FromCivil(absl::CivilDay(2025, 3, 1), zone);
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.collected_at -= absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  // Nobody grows older by stating a collection to come.
  call.born = absl::CivilDay(2010, 1, 1);
  call.collected_at = call.now + absl::Hours(24 * 3650);
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, UnknownAgeMayBeAllowed) {
  const auto policy = LoadGroundsPolicy(std::string(kYoung) + "age: {unknown: allow}\n");
  Call call = Write(policy, "user", {"name"}, "web");
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.born = absl::CivilDay(2010, 1, 1);
  EXPECT_EQ(call.reason(), Reason::kGuardianConsentMissing);
}

TEST_F(ConsentDecisionTest, AConsentToSomeFieldsCoversNoWriteOfOthers) {
  const auto policy = LoadGroundsPolicy("  - {id: all, event: collection, when: at_collection}\n");
  Call call = Write(policy, "user", {"name", "email"}, "web");
  static constexpr std::string_view kName[] = {"user.name"};
  static constexpr std::string_view kEmail[] = {"user.email"};
  Give(&call, {.id = "all", .fields = kName, .given = call.now});
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  Give(&call, {.id = "all", .fields = kEmail, .given = call.now});
  EXPECT_EQ(call.reason(), Reason::kOk);
  consents_[0].fields = {};
  call.facts.consents = absl::MakeConstSpan(consents_.data(), 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(ConsentDecisionTest, AConsentToATypeCoversNoWriteOfAnother) {
  const auto policy = LoadGroundsPolicy("  - {id: all, event: collection, when: at_collection}\n");
  Call call = Write(policy, "user", {"name"}, "web");
  static constexpr std::string_view kUser[] = {"user.*"};
  Give(&call, {.id = "all", .fields = kUser, .given = call.now});
  EXPECT_EQ(call.reason(), Reason::kOk);
  DecisionInput input = call.Input();
  const FieldId fields[] = {policy->FindField("user.name"), policy->FindField("ext.name")};
  input.fields = fields;
  EXPECT_EQ(DecideWithSubject(*policy, input, call.facts).reason, Reason::kConsentMissing);
}

TEST_F(ConsentDecisionTest, AWriteLastsAsLongAsAllOfItsConsents) {
  const auto policy = LoadGroundsPolicy(std::string(kCollection) +
                                        "  - {id: all, event: collection, when: at_collection}\n");
  Call call = Write(policy, "user", {"place"}, "cookie");
  const absl::Time given = call.now - absl::Hours(1);
  const absl::Time end = call.now + absl::Hours(1);
  Give(&call, {.id = "device", .given = given, .withdrawn = end});
  Give(&call, {.id = "all", .given = given});
  EXPECT_EQ(call.Decide().good_until, end);
  EXPECT_EQ(call.Decide().consent, &consents_[1]);  // Asked of every write, so it comes first.
  consents_[1].withdrawn = end - absl::Minutes(1);
  EXPECT_EQ(call.Decide().good_until, end - absl::Minutes(1));
}

}  // namespace
}  // namespace piivault::authz
