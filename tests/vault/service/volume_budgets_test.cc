// 003-05: nobody has more released to it than the policy's budgets say.
#include "vault/service/volume_budgets.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using Result = VaultFixture::Result;

constexpr char kBudgets[] = R"(
budgets:
  - {id: engineers, role: engineer, for: technical_work, records: 3, per: 1h}
  - {id: everybody, records: 10, per: 1d}
)";

class VolumeBudgetsTest : public testing::Test {
 protected:
  VolumeBudgetsTest() {
    for (const char* tenant : {"default", "other"}) {
      vault_.SetPolicy(tenant,
                       absl::StrCat(TenantOf(tenant).policy_in_force()->text().yaml, kBudgets));
    }
    name_ = vault_.Create({{"email", "hana@example.jp"}, {"name", "Hana"}}).record().name();
    // The beginning of a day, where all windows begin.
    vault_.now = absl::FromCivil(absl::CivilDay(2025, 6, 16), absl::UTCTimeZone());
  }

  TenantState TenantOf(const std::string& name) {
    return *vault_.store().snapshot()->FindTenant(name);
  }
  Reason Reveal(const std::string& principal) {
    return vault_.Reveal(principal, name_, {"email"}).reason;
  }
  v1::BatchRevealRecordsRequest Batch(int records) {
    v1::BatchRevealRecordsRequest request;
    request.set_parent("tenants/default");
    request.add_fields("email");
    *request.mutable_usage() = UsageFor("engineer");
    for (int i = 0; i < records; ++i) request.add_names(name_);
    return request;
  }

  VaultFixture vault_;
  std::string name_;
};

TEST_F(VolumeBudgetsTest, WhatIsSpentIsRefusedUntilTheWindowEnds) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reveal("engineer"), Reason::kOk);
  const Result refused = vault_.Reveal("engineer", name_, {"email"});
  EXPECT_EQ(refused.reason, Reason::kVolumeBudget);
  EXPECT_EQ(refused.entry.reason(), "VOLUME_BUDGET");
  EXPECT_EQ(refused.entry.items_size(), 0);
  // It is of one principal under one role.
  EXPECT_EQ(Reveal("shop"), Reason::kOk);
  vault_.now += absl::Hours(1) - absl::Microseconds(1);
  EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget);
  vault_.now += absl::Microseconds(1);
  EXPECT_EQ(Reveal("engineer"), Reason::kOk);
}

TEST_F(VolumeBudgetsTest, ARefusalSaysWhenToComeAgain) {
  vault_.now += absl::Minutes(50);
  VaultFixture::Open batch(vault_, "engineer", "BatchRevealRecords", Batch(4));
  const Plan& plan = batch.Next();
  EXPECT_EQ(plan.reason, Reason::kVolumeBudget);
  EXPECT_EQ(plan.retry_after, absl::Minutes(10));
}

TEST_F(VolumeBudgetsTest, ABatchIsReleasedWhollyOrNotAtAll) {
  EXPECT_EQ(vault_.Call("engineer", "BatchRevealRecords", Batch(4)).reason, Reason::kVolumeBudget);
  EXPECT_EQ(vault_.Call("engineer", "BatchRevealRecords", Batch(2)).reason, Reason::kOk);
  EXPECT_EQ(vault_.Call("engineer", "BatchRevealRecords", Batch(2)).reason, Reason::kVolumeBudget);
  EXPECT_EQ(Reveal("engineer"), Reason::kOk);
}

TEST_F(VolumeBudgetsTest, EachBudgetBinds) {
  for (int hour = 0; hour < 3; ++hour) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Reveal("engineer"), Reason::kOk) << hour;
    vault_.now += absl::Hours(1);
  }
  EXPECT_EQ(Reveal("engineer"), Reason::kOk);
  // The day's is spent, and the refusal has taken nothing of the hour's.
  EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget);
  vault_.now += absl::Hours(21);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reveal("engineer"), Reason::kOk);
  EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget);
}

TEST_F(VolumeBudgetsTest, AnswersUnderWayCountAndAreGivenBackWhereTheyAreNotCommitted) {
  {
    VaultFixture::Open first(vault_, "engineer", "BatchRevealRecords", Batch(3));
    EXPECT_EQ(first.Next().reason, Reason::kOk);
    EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget);
  }
  VaultFixture::Open second(vault_, "engineer", "BatchRevealRecords", Batch(3));
  EXPECT_EQ(second.Next().reason, Reason::kOk);
  // Planned anew, as after a conflict.
  EXPECT_EQ(second.Next().reason, Reason::kOk);
  EXPECT_EQ(second.Commit().reason, Reason::kOk);
  EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget);
}

TEST_F(VolumeBudgetsTest, WritesAndRefusalsTakeNothing) {
  for (int i = 0; i < 20; ++i) {
    vault_.Create({{"email", absl::StrCat("n", i, "@example.jp")}});
    EXPECT_NE(Reveal("late"), Reason::kOk);
  }
  EXPECT_EQ(Reveal("shop"), Reason::kOk);
}

TEST_F(VolumeBudgetsTest, ARestartCountsWhatTheLogSays) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Reveal("engineer"), Reason::kOk);
  vault_.now += absl::Minutes(30);
  VolumeBudgets after;
  const auto state = vault_.store().snapshot();
  ASSERT_TRUE(after.Rebuild(vault_.engine(), *state, vault_.now).ok());
  const Release one{"principals/engineer", "engineer", "technical_work", "", "", 1, vault_.now};
  auto verdict = after.Take(TenantOf("default"), one);
  ASSERT_TRUE(verdict.within);
  verdict.taken->Keep();
  EXPECT_FALSE(after.Take(TenantOf("default"), one).within);
  // Without what the log says there would be room.
  VolumeBudgets fresh;
  EXPECT_TRUE(fresh.Take(TenantOf("default"), one).within);
}

TEST_F(VolumeBudgetsTest, AWindowOfAnotherLengthIsAnotherCount) {
  VolumeBudgets budgets;
  TenantState tenant = TenantOf("default");
  Release one{"principals/helper", "helper", "support", "", "", 1, vault_.now};
  for (const char* per : {"1h", "1d", "1h", "1m"}) {
    std::string yaml = tenant.policy_in_force()->text().yaml;
    yaml.resize(yaml.find("\nbudgets:"));
    absl::StrAppend(&yaml, "\nbudgets: [{id: everybody, records: 1, per: ", per, "}]\n");
    vault_.SetPolicy("default", yaml);
    tenant = TenantOf("default");
    one.time += absl::Hours(2);
    auto verdict = budgets.Take(tenant, one);
    EXPECT_TRUE(verdict.within) << per;
    if (verdict.taken != nullptr) verdict.taken->Keep();
    verdict = budgets.Take(tenant, one);
    EXPECT_FALSE(verdict.within) << per;
    EXPECT_LE(verdict.retry_after, absl::Hours(24)) << per;
  }
}

TEST_F(VolumeBudgetsTest, WhatFollowsFromAPurposeIsOfItsBudget) {
  const TenantState tenant = TenantOf("default");
  const auto within = [&](std::string_view purpose, std::string_view parent) {
    VolumeBudgets budgets;
    return budgets.Take(tenant, {"principals/e", "engineer", purpose, parent, "", 4, vault_.now})
        .within;
  };
  EXPECT_FALSE(within("technical_work", ""));
  EXPECT_FALSE(within("support", "technical_work"));
  EXPECT_TRUE(within("support", ""));
}

TEST_F(VolumeBudgetsTest, WhatWasRefusedIsNotCountedAfterARestartEither) {
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(vault_.Lookup("shop", "email", absl::StrCat("no", i, "@example.jp"), {"name"}).reason,
              Reason::kNotFound);
  }
  VolumeBudgets after;
  ASSERT_TRUE(after.Rebuild(vault_.engine(), *vault_.store().snapshot(), vault_.now).ok());
  const Release ten{"principals/shop", "shop", "order", "", "", 10, vault_.now};
  EXPECT_TRUE(after.Take(TenantOf("default"), ten).within);
}

TEST_F(VolumeBudgetsTest, APlannedJobHasRecordsOfItsOwn) {
  storage::v1::TenantRow row = TenantOf("default").row;
  storage::v1::JobRow& job = *row.add_jobs();
  job.set_id("job-1");
  job.set_principal("engineer");
  job.set_purpose("technical_work");
  job.set_start_micros(absl::ToUnixMicros(vault_.now));
  job.set_end_micros(absl::ToUnixMicros(vault_.now + absl::Minutes(10)));
  job.set_records(5);
  vault_.Put([&](StateChange& change) { change.PutTenant(row); });
  EXPECT_EQ(Reveal("late"), Reason::kNdaExpired);
  // The job's five, then the hour's three.
  for (int i = 0; i < 8; ++i) EXPECT_EQ(Reveal("engineer"), Reason::kOk) << i;
  EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget);
  // A restart knows which was which.
  VolumeBudgets after;
  ASSERT_TRUE(after.Rebuild(vault_.engine(), *vault_.store().snapshot(), vault_.now).ok());
  Release one{"principals/engineer", "engineer", "technical_work", "", "", 1, vault_.now};
  EXPECT_FALSE(after.Take(TenantOf("default"), one).within);
  vault_.now += absl::Hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Reveal("engineer"), Reason::kOk) << i;
  EXPECT_EQ(Reveal("engineer"), Reason::kVolumeBudget) << "the job is over";
}

TEST_F(VolumeBudgetsTest, AJobIsForItsTimeItsPurposeAndItsPrincipal) {
  storage::v1::TenantRow row = TenantOf("default").row;
  storage::v1::JobRow& job = *row.add_jobs();
  job.set_id("job-1");
  job.set_principal("engineer");
  job.set_purpose("technical_work");
  job.set_start_micros(absl::ToUnixMicros(vault_.now + absl::Minutes(1)));
  job.set_end_micros(absl::ToUnixMicros(vault_.now + absl::Minutes(2)));
  job.set_records(100);
  vault_.Put([&](StateChange& change) { change.PutTenant(row); });
  const TenantState tenant = TenantOf("default");
  const auto within = [&](std::string_view who, std::string_view purpose, absl::Duration after) {
    VolumeBudgets budgets;
    return budgets.Take(tenant, {who, "engineer", purpose, "", "", 50, vault_.now + after}).within;
  };
  const absl::Duration tick = absl::Microseconds(1);
  EXPECT_TRUE(within("principals/engineer", "technical_work", absl::Minutes(1)));
  EXPECT_TRUE(within("principals/engineer", "technical_work", absl::Minutes(2) - tick));
  EXPECT_FALSE(within("principals/engineer", "technical_work", absl::Minutes(1) - tick));
  EXPECT_FALSE(within("principals/engineer", "technical_work", absl::Minutes(2)));
  EXPECT_FALSE(within("principals/other", "technical_work", absl::Minutes(1)));
  EXPECT_FALSE(within("principals/engineer", "order", absl::Minutes(1)));
}

TEST_F(VolumeBudgetsTest, OwnAccessIsSlowedAndNeverRefused) {
  vault_.SetPolicy("default", R"(policy: own
types: {customer: {fields: {email: email_address, name: person_name}}}
purposes: {order: {label: Orders}, self_service: {label: Own}}
roles: {shop: {kind: service}, intake: {kind: subject}}
grants:
  - {id: write, role: shop, may: [create], fields: [customer.*], for: [order]}
  - {id: own, role: intake, may: [reveal], fields: [customer.*], for: [self_service]}
budgets: [{id: all, records: 2, per: 1h}]
)");
  const std::string other = vault_.Create({{"email", "taro@example.jp"}}).record().name();
  const auto request = [](const std::string& name) {
    v1::RevealRecordRequest reveal;
    reveal.set_name(name);
    reveal.add_fields("email");
    *reveal.mutable_usage() = UsageFor("intake");
    reveal.mutable_usage()->set_on_behalf_of(name.substr(0, name.find("/records/")));
    return reveal;
  };
  const auto waits = [&](const std::string& name) {
    VaultFixture::Open call(vault_, "intake", "RevealRecord", request(name));
    const bool waited = call.Next().idle.has_value();
    if (waited) {
      EXPECT_FALSE(call.Next().idle.has_value());
    }
    EXPECT_EQ(call.Commit().reason, Reason::kOk);
    return waited;
  };
  EXPECT_FALSE(waits(name_));
  EXPECT_FALSE(waits(name_));
  EXPECT_TRUE(waits(name_));
  EXPECT_TRUE(waits(name_));
  // Of each person's own.
  EXPECT_FALSE(waits(other));
  vault_.now += absl::Hours(1);
  EXPECT_FALSE(waits(name_));
}

// An independent count over what was released, for calls at random times.
// Of an answer that several roles gave, each role's budget binds, and the whole is nobody's own.
TEST_F(VolumeBudgetsTest, WhatSeveralRolesGiveIsOfTheBudgetsOfEach) {
  storage::v1::EntryBody body;
  body.set_principal("principals/e");
  body.set_method("piivault.v1.VaultService/BatchRevealRecords");
  body.set_role("helper");
  body.set_purpose("technical_work");
  body.set_decision(storage::v1::DECISION_GRANTED);
  body.set_time_micros(absl::ToUnixMicros(vault_.now));
  for (int i = 0; i < 4; ++i) body.add_items()->add_fields("customer.name");
  const TenantState tenant = TenantOf("default");
  const auto verdict = [&] { return VolumeBudgets().Take(tenant, ReleaseOf(body)); };
  EXPECT_TRUE(verdict().within);
  for (int i = 1; i < 4; ++i) body.mutable_items(i)->set_role("engineer");
  EXPECT_EQ(ReleaseOf(body).further_roles, std::vector<std::string_view>{"engineer"});
  EXPECT_EQ(ReleaseOf(body).records, 4u);
  EXPECT_FALSE(verdict().within);
  vault_.SetPolicy("default", R"(policy: own
types: {customer: {fields: {name: person_name}}}
purposes: {order: {label: Orders}}
roles: {person: {kind: subject}, engineer: {kind: staff, nda: none}}
grants:
  - {id: own, role: person, may: [reveal], fields: [customer.*], for: [order]}
  - {id: work, role: engineer, may: [reveal], fields: [customer.*], for: [order]}
budgets: [{id: everybody, records: 3, per: 1h}]
)");
  const TenantState later = TenantOf("default");
  body.set_role("person");
  EXPECT_FALSE(VolumeBudgets().Take(later, ReleaseOf(body)).own);
  for (storage::v1::EntryItem& item : *body.mutable_items()) item.clear_role();
  EXPECT_TRUE(VolumeBudgets().Take(later, ReleaseOf(body)).own);
}

TEST_F(VolumeBudgetsTest, RebuiltCountsAreThoseOfTheCallsForAnySequence) {
  std::mt19937 random(7);
  const std::vector<std::string> callers = {"engineer", "shop", "late"};
  std::map<std::pair<std::string, int64_t>, int> by_hour, by_day;
  const int64_t began = absl::ToUnixSeconds(vault_.now);
  for (int i = 0; i < 400; ++i) {
    vault_.now += absl::Seconds(random() % 900);
    const std::string& who = callers[random() % callers.size()];
    const int64_t second = absl::ToUnixSeconds(vault_.now) - began;
    int& hour = by_hour[{who, second / 3600}];
    int& day = by_day[{who, second / 86400}];
    Reason expected = day < 10 ? Reason::kOk : Reason::kVolumeBudget;
    if (who == "engineer" && hour >= 3) expected = Reason::kVolumeBudget;
    const Reason reason = Reveal(who);
    if (who == "late") {
      EXPECT_NE(reason, Reason::kOk);
      continue;
    }
    ASSERT_EQ(reason, expected) << i << " " << who;
    if (reason == Reason::kOk) ++hour, ++day;
    if (i % 40 != 0) continue;
    VolumeBudgets rebuilt;
    ASSERT_TRUE(rebuilt.Rebuild(vault_.engine(), *vault_.store().snapshot(), vault_.now).ok());
    Release rest{"principals/shop", "shop", "", "", "", 1, vault_.now};
    const int left = 10 - by_day[{"shop", second / 86400}];
    rest.records = static_cast<uint64_t>(left) + 1;
    EXPECT_FALSE(rebuilt.Take(TenantOf("default"), rest).within) << i;
    rest.records = static_cast<uint64_t>(left);
    EXPECT_TRUE(rebuilt.Take(TenantOf("default"), rest).within) << i;
  }
}

TEST_F(VolumeBudgetsTest, ManyThreadsTakeNoMoreThanThereIs) {
  VolumeBudgets budgets;
  const TenantState tenant = TenantOf("default");
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const Release one{"principals/shop", "shop", "", "", "", 1, vault_.now};
      for (int i = 0; i < 1000; ++i) {
        auto verdict = budgets.Take(tenant, one);
        if (!verdict.within || i % 2 == 0) continue;  // every other one is not committed
        verdict.taken->Keep();
        ++granted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted, 10);
}

std::string ReadPolicy(const std::string& name) {
  std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// 003-05: BIGLOBE's staff sees so many records a day, whatever for and in which role.
TEST(VolumeBudgetsPolicyTest, BiglobesStaffDoesNotGoBeyondWhatIsStated) {
  authz::PolicyText text;
  text.yaml = ReadPolicy("biglobe.yaml");
  text.values_yaml = ReadPolicy("biglobe.values.yaml");
  const auto policy = authz::Policy::Load(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  auto state = std::make_shared<PolicyState>();
  state->policy = *policy;
  TenantState tenant;
  tenant.name = "biglobe";
  tenant.policy = std::move(state);
  VolumeBudgets budgets;
  Release release{"principals/sato",
                  "support",
                  "C1.support",
                  "",
                  "",
                  499,
                  absl::FromUnixSeconds(1'750'000'000)};
  auto verdict = budgets.Take(tenant, release);
  ASSERT_TRUE(verdict.within);
  verdict.taken->Keep();
  release.role = "billing";
  release.purpose = "C1.bill";
  release.records = 2;
  EXPECT_FALSE(budgets.Take(tenant, release).within);
  release.records = 1;
  EXPECT_TRUE(budgets.Take(tenant, release).within);
}

// Whether values may be in such a message.
bool HoldsValues(const google::protobuf::Descriptor& message,
                 std::set<const google::protobuf::Descriptor*>* seen) {
  if (message.full_name() == "piivault.v1.FieldValue") return true;
  if (!seen->insert(&message).second) return false;
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::Descriptor* inner = message.field(i)->message_type();
    if (inner != nullptr && HoldsValues(*inner, seen)) return true;
  }
  return false;
}

TEST(VolumeBudgetsMethodsTest, AllMethodsThatAnswerWithValuesCount) {
  const google::protobuf::ServiceDescriptor* service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          "piivault.v1.VaultService");
  ASSERT_NE(service, nullptr);
  for (int i = 0; i < service->method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *service->method(i);
    std::set<const google::protobuf::Descriptor*> seen;
    EXPECT_EQ(ReleasesValues(absl::StrCat(service->full_name(), "/", method.name())),
              HoldsValues(*method.output_type(), &seen))
        << method.name();
  }
}

}  // namespace
}  // namespace piivault::vault
