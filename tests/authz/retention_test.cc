// How long the shipped policies keep what, on the days of the operators' clauses.
#include "authz/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

using ::testing::ElementsAre;

constexpr absl::Time kNever = absl::InfiniteFuture();
constexpr absl::Duration kMoment = absl::Nanoseconds(1);

// Asia/Seoul and Asia/Tokyo, which keep no summer time, are the same.
absl::Time At(int year, int month, int day, int hour = 0, int minute = 0) {
  return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, 0),
                         absl::FixedTimeZone(9 * 60 * 60));
}

class ShippedRetentionTest : public ::testing::Test {
 protected:
  void Load(const std::string& stem, std::string_view find = "", std::string_view replace = "") {
    PolicyText text = ReadPolicy(stem);
    if (!find.empty()) {
      const size_t at = text.values_yaml.find(find);
      ASSERT_NE(at, std::string::npos) << find;
      text.values_yaml.replace(at, find.size(), replace);
    }
    Diagnostics diagnostics;
    policy_ = Policy::Load(text, &diagnostics);
    ASSERT_NE(policy_, nullptr) << diagnostics.ToString();
  }

  // One that the record is about.
  MatterTimes Matter(absl::Time closed, bool disputed = false) const {
    return {.of_record = true, .disputed = disputed, .closed = closed, .events = {}};
  }
  FieldTimes Of(std::string_view field) {
    times_.events = events_;
    times_.matters = matters_;
    const FieldId id = policy_->FindField(field);
    EXPECT_NE(id, kNoField) << field;
    return RetentionOf(*policy_, id, times_);
  }
  static std::string RuleOf(const FieldTimes& times) {
    return times.rule == nullptr ? "" : times.rule->id;
  }
  static std::string LawOf(const FieldTimes& times) {
    return times.hold == nullptr ? "" : times.hold->hold;
  }
  // Closed to ordinary purposes from `from` on and destroyed from `until` on.
  void ExpectKeptByLaw(std::string_view field, absl::Time from, absl::Time until) {
    const FieldTimes times = Of(field);
    EXPECT_FALSE(times.KeptByLawAt(from - kMoment)) << field;
    EXPECT_TRUE(times.KeptByLawAt(from)) << field;
    EXPECT_TRUE(times.KeptByLawAt(until - kMoment)) << field;
    EXPECT_FALSE(times.DueAt(until - kMoment)) << field;
    EXPECT_FALSE(times.KeptByLawAt(until)) << field;
    EXPECT_TRUE(times.DueAt(until)) << field;
  }

  std::shared_ptr<const Policy> policy_;
  RecordTimes times_;
  std::vector<ToldEvent> events_;
  std::vector<MatterTimes> matters_;
};

class SnsHelperRetentionTest : public ShippedRetentionTest {
 protected:
  void SetUp() override {
    Load("ops/policies/sns-helper");
    times_.made = At(2024, 4, 1, 10);
  }
};

// 001-17: what its purpose is complete of is over at once, and the officer approves.
TEST_F(SnsHelperRetentionTest, Clause001_17ACompletePurposeIsOverAtOnce) {
  for (const char* field : {"member.email", "auto.ip", "svc.phone", "consignee.name"}) {
    events_.clear();
    EXPECT_EQ(Of(field).due, kNever) << field;
    events_ = {{"purpose_complete", At(2024, 5, 1, 12)}};
    const FieldTimes times = Of(field);
    EXPECT_EQ(times.due, At(2024, 5, 1, 12)) << field;
    EXPECT_TRUE(times.DueAt(times.due));
    EXPECT_FALSE(times.DueAt(times.due - kMoment));
    EXPECT_EQ(RuleOf(times), "done");
    EXPECT_EQ(ApprovalOf(*policy_, times.rule), "chief_privacy_officer");
  }
}

// 001-18: until the account is deleted.
TEST_F(SnsHelperRetentionTest, Clause001_18AccountDataGoesWithTheAccount) {
  times_.contract_ended = At(2025, 1, 31, 9);
  for (const char* field : {"member.email", "member.password", "auto.ip", "auto.usage_record"}) {
    EXPECT_EQ(Of(field).due, At(2025, 1, 31, 9)) << field;
    EXPECT_EQ(RuleOf(Of(field)), "account") << field;
  }
  for (const char* field : {"svc.phone", "svc.payment_record", "consignee.name"}) {
    EXPECT_EQ(Of(field).due, kNever) << field;
  }
}

// 001-20: supplied and settled and liability ended; the last of the three.
TEST_F(SnsHelperRetentionTest, Clause001_20TheLastOfThreeEventsStartsTheDestruction) {
  std::vector<ToldEvent> told = {{"supplied", At(2024, 4, 3)}, {"settled", At(2024, 4, 9)}};
  matters_ = {Matter(kNever)};
  matters_[0].events = told;
  EXPECT_EQ(Of("svc.address").due, kNever);
  EXPECT_EQ(Of("consignee.address").due, kNever);
  told.insert(told.begin(), {"liability_ended", At(2024, 10, 1, 8)});
  matters_[0].events = told;
  EXPECT_EQ(Of("svc.address").due, At(2024, 10, 1, 8));
  EXPECT_EQ(RuleOf(Of("consignee.address")), "supplied");
  // Another order that the same record is for is not done with.
  matters_.push_back(Matter(kNever));
  EXPECT_EQ(Of("svc.address").due, kNever);
  // One of the person that it is not for does not matter.
  matters_[1].of_record = false;
  EXPECT_EQ(Of("svc.address").due, At(2024, 10, 1, 8));
  matters_[0].of_record = false;
  EXPECT_EQ(Of("svc.address").due, kNever);
}

// 001-21: the later of both; meanwhile only the law keeps it.
TEST_F(SnsHelperRetentionTest, Clause001_21HoldAndPurposeCombineAsTheLater) {
  events_ = {{"purpose_complete", At(2024, 6, 1)}};
  ExpectKeptByLaw("svc.payment_record", At(2024, 6, 1), At(2029, 4, 2));
  EXPECT_EQ(LawOf(Of("svc.payment_record")), "KR-NationalTaxBasic");
  // The purpose lasts longer than the law.
  events_ = {{"purpose_complete", At(2030, 6, 1)}};
  const FieldTimes times = Of("svc.payment_record");
  EXPECT_TRUE(times.HeldAt(At(2029, 4, 1, 23, 59)));
  EXPECT_FALSE(times.HeldAt(At(2029, 4, 2)));
  EXPECT_FALSE(times.KeptByLawAt(At(2029, 4, 1)));
  EXPECT_EQ(times.due, At(2030, 6, 1));
  EXPECT_EQ(RuleOf(times), "done");
}

TEST_F(SnsHelperRetentionTest, Clause001_21OnlyWhatTheLawAsksForIsOpen) {
  for (const PurposeSpec& purpose : policy_->purposes()) {
    EXPECT_EQ(IsOpenPurpose(*policy_, purpose.id), purpose.name == "H0") << purpose.name;
  }
}

// 001-22: five years from the transaction; of a leap day they are over with February.
TEST_F(SnsHelperRetentionTest, Clause001_22TransactionsOfALeapDayAreHeldUntilMarch) {
  events_ = {{"purpose_complete", At(2024, 3, 1)}};
  times_.made = At(2024, 2, 29, 15);
  for (const char* field :
       {"svc.billing_record", "svc.payment_record", "svc.contract_record", "svc.supply_record"}) {
    const FieldTimes times = Of(field);
    EXPECT_TRUE(times.HeldAt(At(2029, 2, 28, 23, 59))) << field;
    EXPECT_FALSE(times.HeldAt(At(2029, 3, 1))) << field;
    EXPECT_EQ(times.due, At(2029, 3, 1)) << field;
    EXPECT_EQ(RuleOf(times), "tax") << field;
  }
  EXPECT_FALSE(Of("svc.phone").HeldAt(times_.made));
}

// 001-22: from which event on is the operator's to say.
TEST_F(SnsHelperRetentionTest, Clause001_22TheStartIsTheOperatorsToSay) {
  Load("ops/policies/sns-helper", "hold_start_event: contract_concluded",
       "hold_start_event: payment_received");
  const FieldTimes untold = Of("svc.payment_record");
  EXPECT_EQ(untold.held_until, kNever);
  EXPECT_TRUE(untold.HeldAt(At(2999, 1, 1)));
  events_ = {{"payment_received", At(2024, 4, 30, 18)}};
  EXPECT_EQ(Of("svc.payment_record").held_until, At(2029, 5, 1));
}

// 001-23: an order withdrawn and the account deleted after a year.
TEST_F(SnsHelperRetentionTest, Clause001_23ContractsStayFiveYearsThoughTheAccountGoes) {
  times_.erased = At(2025, 4, 1, 10);
  ExpectKeptByLaw("svc.contract_record", times_.erased, At(2029, 4, 2));
  EXPECT_EQ(RuleOf(Of("svc.contract_record")), "tax");
}

// 001-24: five years and a day, without another ground.
TEST_F(SnsHelperRetentionTest, Clause001_24PaymentsAreDueAfterFiveYears) {
  events_ = {{"supplied", At(2024, 4, 2)},
             {"settled", At(2024, 4, 2)},
             {"liability_ended", At(2024, 5, 1)}};
  for (const char* field : {"svc.payment_record", "svc.supply_record"}) {
    ExpectKeptByLaw(field, At(2024, 5, 1), At(2029, 4, 2));
    EXPECT_NE(Of(field).rule, nullptr);
    EXPECT_EQ(ApprovalOf(*policy_, Of(field).rule), "chief_privacy_officer");
  }
}

// 001-25: the law keeps records, not the person.
TEST_F(SnsHelperRetentionTest, Clause001_25TheLawKeepsRecordsAndNotThePerson) {
  times_.erased = At(2025, 4, 1, 10);
  std::vector<std::string> kept;
  for (FieldId id = 0; id < policy_->field_count(); ++id) {
    const std::string& name = policy_->field(id).full_name;
    const FieldTimes times = Of(name);
    EXPECT_NE(times.HeldAt(times_.erased), times.DueAt(times_.erased)) << name;
    if (times.HeldAt(times_.erased)) kept.push_back(name);
  }
  EXPECT_THAT(kept, ElementsAre("svc.billing_record", "svc.payment_record", "svc.contract_record",
                                "svc.supply_record"));
}

// 001-26: until the consultation is fully handled.
TEST_F(SnsHelperRetentionTest, Clause001_26ConsultationsGoWhenTheirCaseIsClosed) {
  matters_ = {Matter(kNever)};
  EXPECT_EQ(Of("consult.phone").due, kNever);
  matters_[0].closed = At(2024, 4, 20, 17);
  for (const char* field :
       {"consult.name", "consult.phone", "consult.email", "consult.dispute_record"}) {
    EXPECT_EQ(Of(field).due, At(2024, 4, 20, 17)) << field;
    EXPECT_EQ(RuleOf(Of(field)), "consult") << field;
    EXPECT_EQ(Of(field).hold, nullptr) << field;
  }
  // Nobody said what it is about: it may be about anything.
  matters_[0].of_record = false;
  EXPECT_EQ(Of("consult.phone").due, kNever);
}

// 001-27: what was handled as a complaint or dispute is kept for three years.
TEST_F(SnsHelperRetentionTest, Clause001_27OnlyDisputesAreKeptForThreeYears) {
  matters_ = {Matter(At(2024, 4, 20, 17), true)};
  ExpectKeptByLaw("consult.dispute_record", At(2024, 4, 20, 17), At(2027, 4, 21));
  EXPECT_EQ(LawOf(Of("consult.dispute_record")), "KR-Ecommerce");
  EXPECT_EQ(RuleOf(Of("consult.dispute_record")), "dispute");
  EXPECT_EQ(Of("consult.phone").due, At(2024, 4, 20, 17));
  // Of several the last.
  matters_.push_back(Matter(At(2024, 8, 31, 9), true));
  ExpectKeptByLaw("consult.dispute_record", At(2024, 8, 31, 9), At(2027, 9, 1));
  // While it goes on nobody knows until when.
  matters_[1].closed = kNever;
  EXPECT_EQ(Of("consult.dispute_record").held_until, kNever);
  // Inquiries beside it do not make it longer.
  matters_[1] = Matter(At(2024, 8, 31, 9));
  EXPECT_EQ(Of("consult.dispute_record").held_until, At(2027, 4, 21));
  EXPECT_EQ(Of("consult.dispute_record").over, At(2024, 8, 31, 9));
}

TEST_F(SnsHelperRetentionTest, Clause001_27ARecordOfNoCaseIsKeptForAllDisputes) {
  matters_ = {Matter(At(2024, 4, 20, 17), true), Matter(At(2024, 6, 30, 9), true)};
  for (MatterTimes& matter : matters_) matter.of_record = false;
  const FieldTimes times = Of("consult.dispute_record");
  EXPECT_EQ(times.held_until, At(2027, 7, 1));
  EXPECT_EQ(times.due, kNever);
  // Nor does an inquiry that is about it take it from disputes of which nobody said what they are
  // about.
  matters_.push_back(Matter(At(2024, 5, 1)));
  for (MatterTimes& matter : matters_) matter.of_none = !matter.of_record;
  EXPECT_EQ(Of("consult.dispute_record").held_until, At(2027, 7, 1));
  // Where they are about other records, it does.
  for (MatterTimes& matter : matters_) matter.of_none = false;
  EXPECT_EQ(Of("consult.dispute_record").hold, nullptr);
  EXPECT_EQ(Of("consult.dispute_record").due, At(2024, 5, 1));
}

// A contract that ended before there was the record was another one, and a matter that was closed
// before cannot be older than what it is about: no law's time is over before it has begun.
TEST_F(SnsHelperRetentionTest, NothingIsCountedFromBeforeTheRecord) {
  matters_ = {Matter(times_.made - absl::Hours(24 * 365 * 10), true)};
  const absl::Time kept = Of("consult.dispute_record").held_until;
  matters_ = {Matter(times_.made, true)};
  EXPECT_EQ(kept, Of("consult.dispute_record").held_until);
  matters_.clear();
  times_.contract_ended = times_.made - absl::Seconds(1);
  EXPECT_EQ(Of("member.email").due, kNever);
  times_.contract_ended = times_.made;
  EXPECT_EQ(Of("member.email").due, times_.made);
}

// What is said of somebody as a whole is said of what there is by then.
TEST_F(SnsHelperRetentionTest, WhatWasToldBeforeTheRecordSaysNothingOfIt) {
  events_ = {{"purpose_complete", times_.made - absl::Seconds(1)}};
  EXPECT_EQ(Of("svc.phone").due, kNever);
  events_ = {{"purpose_complete", times_.made}};
  EXPECT_EQ(Of("svc.phone").due, times_.made);
  events_ = {{"contract_concluded", times_.made - absl::Hours(24 * 400)}};
  EXPECT_EQ(Of("svc.contract_record").held_until, At(2029, 4, 2));
}

TEST_F(SnsHelperRetentionTest, ALaterContractOfTheSameRecordCounts) {
  const ToldEvent concluded = {"contract_concluded", At(2024, 12, 24)};
  matters_ = {Matter(kNever), Matter(kNever)};
  matters_[1].events = absl::MakeConstSpan(&concluded, 1);
  // The other order's is not told: it was concluded when the record was made.
  EXPECT_EQ(Of("svc.contract_record").held_until, At(2029, 12, 25));
}

class PriusproRetentionTest : public ShippedRetentionTest {
 protected:
  // `then`: what the operator does after the tax law's time.
  void Cancel(std::string_view then) {
    Load("ops/policies/priuspro", "after_tax_hold: operator_rule",
         "after_tax_hold: " + std::string(then));
    times_.made = At(2019, 5, 7);
    times_.contract_ended = At(2020, 3, 31);
  }
};

// 004-46: seven years after the cancellation.
TEST_F(PriusproRetentionTest, Clause004_46PaymentsAreHeldForSevenYears) {
  Cancel("operator_rule");
  EXPECT_EQ(LawOf(Of("pay.record")), "JP-tax");
  EXPECT_TRUE(Of("pay.record").HeldAt(At(2027, 3, 31, 23, 59)));
  EXPECT_FALSE(Of("pay.record").HeldAt(At(2027, 4, 1)));
  EXPECT_EQ(Of("pi.name").hold, nullptr);
  // A duty to keep, and no promise to destroy.
  EXPECT_EQ(Of("pay.record").due, kNever);
  times_.contract_ended = kNever;
  EXPECT_TRUE(Of("pay.record").HeldAt(At(2999, 1, 1)));
}

// 004-46: erased meanwhile: the payment part stays, and then it goes as well.
TEST_F(PriusproRetentionTest, Clause004_46ErasureWaitsForTheTaxLaw) {
  for (const char* then : {"operator_rule", "keep", "destroy"}) {
    Cancel(then);
    times_.erased = At(2020, 4, 10);
    ExpectKeptByLaw("pay.record", At(2020, 4, 10), At(2027, 4, 1));
    EXPECT_EQ(Of("pi.name").due, At(2020, 4, 10));
    const bool destroys = std::string_view(then) == "destroy";
    EXPECT_EQ(RuleOf(Of("pay.record")), destroys ? "tax" : "") << then;
  }
}

// 004-46: what is done after the hold is the operator's to say.
TEST_F(PriusproRetentionTest, Clause004_46WhatComesAfterIsTheOperatorsToSay) {
  Cancel("destroy");
  EXPECT_EQ(Of("pay.record").due, At(2027, 4, 1));
  EXPECT_EQ(RuleOf(Of("pay.record")), "tax");
  EXPECT_FALSE(Of("pay.record").KeptByLawAt(At(2025, 1, 1)));
  for (const char* then : {"keep", "operator_rule"}) {
    Cancel(then);
    EXPECT_EQ(Of("pay.record").due, kNever) << then;
  }
}

// Time alone is no reason: none of the five counts from when a record was made without a hold.
TEST(RetentionTest, OtherPoliciesDestroyNothingThatNobodyTold) {
  for (const std::string& stem : ShippedPolicies()) {
    Diagnostics diagnostics;
    const auto policy = LoadFile(stem, &diagnostics);
    ASSERT_NE(policy, nullptr) << diagnostics.ToString();
    RecordTimes times;
    times.made = At(2000, 1, 1);
    for (FieldId id = 0; id < policy->field_count(); ++id) {
      const FieldTimes field = RetentionOf(*policy, id, times);
      EXPECT_EQ(field.due, kNever) << policy->field(id).full_name;
      EXPECT_EQ(field.rule, nullptr) << policy->field(id).full_name;
    }
  }
}

TEST(RetentionTest, TheRuleSaysWhoApprovesBeforeThePolicyDoes) {
  constexpr std::string_view kText = R"yaml(policy: kept
types: {t: {fields: {a: text, b: text, c: text}}, free: {fields: {a: text}}}
purposes: {run: {}}
roles: {boss: {kind: staff, nda: none}, clerk: {kind: staff, nda: none}}
grants:
  - {id: boss, role: boss, may: [approve_destruction], for: [run]}
  - {id: clerk, role: clerk, may: [approve_destruction], for: [run]}
retention:
  - {id: own, fields: [t.a], trigger: record_made, keep: 0, then: destroy, approval: clerk}
  - {id: nobody, fields: [t.b], trigger: record_made, keep: 0, then: destroy, approval: none}
  - {id: policys, fields: [t.c], trigger: record_made, keep: 0, then: destroy}
  - {id: nothing, fields: [free.a], trigger: record_made, keep: 0, then: operator_rule}
)yaml";
  const std::vector<std::string> fallbacks = {"boss", "none", ""};
  for (const std::string& fallback : fallbacks) {
    PolicyText text;
    text.yaml = kText;
    if (!fallback.empty()) text.yaml += "retention_rules: {approval: " + fallback + "}\n";
    Diagnostics diagnostics;
    const auto policy = Policy::Load(text, &diagnostics);
    ASSERT_NE(policy, nullptr) << diagnostics.ToString();
    RecordTimes times;
    times.made = At(2025, 1, 1);
    const auto approval = [&](const char* field) {
      const FieldTimes found = RetentionOf(*policy, policy->FindField(field), times);
      EXPECT_EQ(found.due, times.made) << field;
      return std::string(ApprovalOf(*policy, found.rule));
    };
    const std::string expected = fallback == "boss" ? "boss" : "";
    EXPECT_EQ(approval("t.a"), "clerk");
    EXPECT_EQ(approval("t.b"), "");
    EXPECT_EQ(approval("t.c"), expected);
    EXPECT_EQ(ApprovalOf(*policy, nullptr), expected);
    EXPECT_TRUE(HasRetention(*policy, policy->FindType("t")));
    EXPECT_FALSE(HasRetention(*policy, policy->FindType("free")));
  }
}

TEST(RetentionTest, DisputesAreComplaintsAndDisputes) {
  for (const char* type : {"complaint", "dispute"}) EXPECT_TRUE(IsDisputed(type)) << type;
  for (const char* type : {"", "inquiry", "disputed"}) EXPECT_FALSE(IsDisputed(type)) << type;
}

TEST(RetentionTest, WhatTheVaultSeesIsNotTold) {
  for (const char* told : {"supplied", "settled", "purpose_complete", "contract_concluded"}) {
    EXPECT_TRUE(IsToldEvent(told)) << told;
  }
  for (const char* seen : {"record_made", "case_closed", "cancelled", "account_deleted",
                           "contract_cancelled", "value_changed", ""}) {
    EXPECT_FALSE(IsToldEvent(seen)) << seen;
  }
}

struct Period {
  const char* start;
  const char* keep;
  const char* end;
};

// "2025-04-01", or "2025-04-01T10:30:05".
absl::Time Local(const char* text, absl::TimeZone zone) {
  absl::CivilSecond local;
  EXPECT_TRUE(absl::ParseLenientCivilTime(text, &local)) << text;
  return absl::FromCivil(local, zone);
}

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

// Civil Code of Japan, Art. 140 and 143: the first day is not counted.
TEST(RetentionEndTest, MonthsAndYearsEndWithADay) {
  const absl::TimeZone seoul = Zone("Asia/Seoul");
  const Period periods[] = {
      {"2024-04-01T10:30:05", "5y", "2029-04-02"},
      {"2024-04-01T23:59:59", "60mo", "2029-04-02"},
      // A day that the month does not have.
      {"2024-02-29T12:00:00", "5y", "2029-03-01"},
      {"2024-02-29T12:00:00", "4y", "2028-03-01"},
      {"2025-01-31T12:00:00", "1mo", "2025-03-01"},
      {"2025-01-30T12:00:00", "1mo", "2025-03-01"},
      {"2025-01-29T12:00:00", "1mo", "2025-03-01"},
      {"2025-01-28T12:00:00", "1mo", "2025-03-01"},
      {"2025-01-27T12:00:00", "1mo", "2025-02-28"},
      {"2024-01-29T12:00:00", "1mo", "2024-03-01"},
      {"2024-01-28T12:00:00", "1mo", "2024-02-29"},
      {"2025-08-31T12:00:00", "1mo", "2025-10-01"},
      // The last day of a month: counted are whole months.
      {"2025-02-28T12:00:00", "1mo", "2025-04-01"},
      {"2025-04-30T12:00:00", "1mo", "2025-06-01"},
      {"2023-02-28T12:00:00", "1y", "2024-03-01"},
      {"2023-02-28T12:00:00", "5y", "2028-03-01"},
      {"2025-12-31T12:00:00", "1mo", "2026-02-01"},
      {"2020-03-31T12:00:00", "7y", "2027-04-01"},
      // Midnight stands for the day.
      {"2020-03-31", "7y", "2027-04-01"},
      {"2020-03-30T23:59:59", "7y", "2027-03-31"},
  };
  for (const Period& period : periods) {
    EXPECT_EQ(RetentionEnd(Local(period.start, seoul), period.keep, seoul),
              Local(period.end, seoul))
        << period.start << " " << period.keep;
  }
}

TEST(RetentionEndTest, DaysAndWeeksEndAtTheirTimeOfDay) {
  const absl::TimeZone berlin = Zone("Europe/Berlin");
  const Period periods[] = {
      {"2025-01-31T10:30:05", "30d", "2025-03-02T10:30:05"},
      {"2025-01-31T10:30:05", "2w", "2025-02-14T10:30:05"},
      // Over the beginning and the end of summer time.
      {"2025-03-29T12:00:00", "1d", "2025-03-30T12:00:00"},
      {"2025-10-25T12:00:00", "1d", "2025-10-26T12:00:00"},
      // There is no such time of day: at the next.
      {"2025-03-29T02:30:00", "1d", "2025-03-30T03:00:00"},
  };
  for (const Period& period : periods) {
    EXPECT_EQ(RetentionEnd(Local(period.start, berlin), period.keep, berlin),
              Local(period.end, berlin))
        << period.start << " " << period.keep;
  }
  const absl::Time start = absl::FromCivil(absl::CivilSecond(2025, 10, 25, 12, 0, 0), berlin);
  EXPECT_EQ(RetentionEnd(start, "24h", berlin), start + absl::Hours(24));
  EXPECT_EQ(RetentionEnd(start, "90s", berlin), start + absl::Seconds(90));
  EXPECT_EQ(RetentionEnd(start + absl::Nanoseconds(7), "1d", berlin),
            start + absl::Hours(25) + absl::Nanoseconds(7));
}

TEST(RetentionEndTest, TheDayIsThatOfTheZone) {
  const absl::Time start = absl::FromCivil(absl::CivilSecond(2025, 6, 30, 16, 0, 0),
                                           absl::UTCTimeZone());  // The 1st of July in Tokyo.
  EXPECT_EQ(RetentionEnd(start, "1y", Zone("Asia/Tokyo")),
            absl::FromCivil(absl::CivilSecond(2026, 7, 1, 15, 0, 0), absl::UTCTimeZone()));
  EXPECT_EQ(RetentionEnd(start, "1y", absl::UTCTimeZone()),
            absl::FromCivil(absl::CivilDay(2026, 7, 1), absl::UTCTimeZone()));
}

// Summer time began at midnight there: the day begins at one.
TEST(RetentionEndTest, ADayWithoutMidnightBeginsLater) {
  const absl::TimeZone zone = Zone("America/Sao_Paulo");
  const absl::Time start = absl::FromCivil(absl::CivilSecond(2017, 11, 3, 12, 0, 0), zone);
  EXPECT_EQ(RetentionEnd(start, "1y", zone),
            absl::FromCivil(absl::CivilSecond(2018, 11, 4, 1, 0, 0), zone));
}

TEST(RetentionEndTest, NothingEndsThatHasNotBegunOrHasNoEnd) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::Time start = At(2025, 1, 31);
  EXPECT_EQ(RetentionEnd(start, "0", utc), start);
  for (const char* keep : {"0", "1d", "5y"}) EXPECT_EQ(RetentionEnd(kNever, keep, utc), kNever);
  for (const char* word : {"unspecified", "by_instruction", "while_parent_lives", "unlimited"}) {
    EXPECT_EQ(RetentionEnd(start, word, utc), kNever) << word;
  }
  EXPECT_GT(RetentionEnd(start, "999999y", utc), At(9999, 1, 1));
}

PolicyText Text(std::string yaml) {
  PolicyText text;
  text.yaml = std::move(yaml);
  return text;
}

// What a credential was before is not kept, so no law can.
TEST(RetentionRulesTest, NoLawKeepsACredential) {
  const auto loaded = Policy::Load(Text(R"(policy: odd
timezone: Asia/Tokyo
laws: [JP-tax]
types:
  user: {fields: {name: person_name, pin: {type: password_credential, store: one_way}}}
purposes: {work: {label: {en: Work}}}
roles: {app: {kind: service}}
grants: [{id: use, role: app, may: [create], fields: [user.*], for: [work]}]
retention:
  - {id: tax, hold: JP-tax, fields: [user.*], trigger: cancelled, keep: 7y, then: keep}
)"));
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(std::string(loaded.status().message()),
              testing::HasSubstr("'user.pin' is stored one way"));
}

}  // namespace
}  // namespace piivault::authz
