// Planned jobs: more than the budgets, approved by a second person, for one purpose and a while.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "tests/vault/service/admin_testing.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::SizeIs;

constexpr char kPolicy[] = R"(policy: small
types:
  customer:
    fields: {email: email_address}
purposes:
  send: {label: Send}
roles:
  mailer: {kind: service}
grants:
  - {id: send, role: mailer, may: [reveal], fields: [customer.email], for: [send]}
budgets:
  - {id: all, records: 10, per: 1h}
)";

class AdminJobsTest : public AdminTest {
 protected:
  AdminJobsTest() {
    Activate(kPolicy);
    MakeStaff("cho");
  }
  google::protobuf::Timestamp In(absl::Duration duration) {
    google::protobuf::Timestamp time;
    time.set_seconds(absl::ToUnixSeconds(vault_.now() + duration));
    return time;
  }
  CreateProposalRequest Request() {
    CreateProposalRequest request;
    Proposal::PlanJob& act = *request.mutable_proposal()->mutable_plan_job();
    act.set_tenant("tenants/default");
    act.set_reason("the yearly letter");
    act.mutable_job()->set_principal("principals/cho");
    act.mutable_job()->set_purpose("send");
    *act.mutable_job()->mutable_end_time() = In(absl::Hours(2));
    act.mutable_job()->set_records(5000);
    return request;
  }
  // What a changed request is refused with.
  std::string Refused(const std::function<void(Proposal::PlanJob&)>& change) {
    CreateProposalRequest request = Request();
    change(*request.mutable_proposal()->mutable_plan_job());
    const auto answer = Propose("aoki", request);
    std::string text(authz::ReasonName(answer.reason));
    for (const std::string& field : answer.fields) text += " " + field;
    return text;
  }
};

TEST_F(AdminJobsTest, ASecondPersonApproves) {
  const auto proposed = Propose("aoki", Request());
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  EXPECT_THAT(TheTenant().jobs(), SizeIs(0));
  EXPECT_EQ(Approve("aoki", proposed.response.proposal()).reason, Reason::kProposalSelfApproval);
  const auto approved = Approve("baba", proposed.response.proposal());
  ASSERT_TRUE(approved.ok()) << authz::ReasonName(approved.reason);
  EXPECT_EQ(approved.entry.resource(), "tenants/default");
  const Tenant tenant = TheTenant();
  ASSERT_THAT(tenant.jobs(), SizeIs(1));
  EXPECT_EQ(tenant.jobs(0).principal(), "principals/cho");
  EXPECT_EQ(tenant.jobs(0).purpose(), "send");
  EXPECT_EQ(tenant.jobs(0).records(), 5000);
  EXPECT_EQ(tenant.jobs(0).start_time().seconds(), absl::ToUnixSeconds(vault_.now()));
  EXPECT_THAT(tenant.jobs(0).id(), SizeIs(26));
}

TEST_F(AdminJobsTest, WhatIsNoJobIsNotProposed) {
  EXPECT_EQ(Refused([](auto&) {}), "OK");
  EXPECT_EQ(Refused([](auto& act) { act.set_tenant("tenants/none"); }),
            "TENANT_UNKNOWN plan_job.tenant");
  EXPECT_EQ(Refused([](auto& act) { act.mutable_job()->set_principal("principals/none"); }),
            "NOT_FOUND plan_job.job.principal");
  EXPECT_EQ(Refused([](auto& act) { act.mutable_job()->set_purpose("fun"); }),
            "PURPOSE_UNKNOWN plan_job.job.purpose");
  const auto bad = [&](const std::string& field, auto change) {
    EXPECT_EQ(Refused(change), "MALFORMED_REQUEST plan_job." + field);
  };
  bad("reason", [](auto& act) { act.clear_reason(); });
  bad("job.principal", [](auto& act) { act.mutable_job()->set_principal("cho"); });
  bad("job.records", [](auto& act) { act.mutable_job()->set_records(0); });
  bad("job.records", [](auto& act) { act.mutable_job()->set_records(-1); });
  bad("job.end_time", [](auto& act) { act.mutable_job()->clear_end_time(); });
  bad("job.end_time",
      [&](auto& act) { *act.mutable_job()->mutable_end_time() = In(absl::ZeroDuration()); });
  bad("job.end_time", [&](auto& act) {
    *act.mutable_job()->mutable_end_time() = In(absl::Hours(24) + absl::Seconds(1));
  });
  bad("job.end_time", [&](auto& act) {
    *act.mutable_job()->mutable_start_time() = In(absl::Hours(31 * 24));
    *act.mutable_job()->mutable_end_time() = In(absl::Hours(31 * 24) + absl::Seconds(1));
  });
}

TEST_F(AdminJobsTest, OnePersonEndsIt) {
  const auto proposed = Propose("aoki", Request());
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  vault_.Pass(absl::Minutes(5));
  EndJobRequest request;
  request.set_tenant("tenants/default");
  const auto end = [&] { return Call<EndJobResponse>("aoki", "EndJob", request); };
  EXPECT_EQ(end().reason, Reason::kNotFound);
  request.set_job(TheTenant().jobs(0).id());
  const auto ended = end();
  ASSERT_TRUE(ended.ok()) << authz::ReasonName(ended.reason);
  EXPECT_EQ(ended.entry.resource(), "tenants/default");
  EXPECT_EQ(TheTenant().jobs(0).end_time().seconds(), absl::ToUnixSeconds(vault_.now()));
  EXPECT_EQ(end().reason, Reason::kNotFound) << "it is over";
  request.set_tenant("tenants/none");
  EXPECT_EQ(end().reason, Reason::kNotFound);
}

TEST_F(AdminJobsTest, OldJobsMakeRoom) {
  for (int i = 0; i < 100; ++i) {
    const auto proposed = Propose("aoki", Request());
    ASSERT_TRUE(proposed.ok()) << i;
    ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok()) << i;
  }
  EXPECT_EQ(Propose("aoki", Request()).reason, Reason::kBatchTooLarge);
  vault_.Pass(absl::Hours(26) + absl::Seconds(1));
  const auto proposed = Propose("aoki", Request());
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  EXPECT_THAT(TheTenant().jobs(), SizeIs(1));
}

}  // namespace
}  // namespace piivault::vault
