// Destructions that were planned, and what happened before they were committed: what a law keeps by
// then is not destroyed.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/rights_testing.h"
#include "vault/records/record_loader.h"
#include "vault/retention/retention_sweeper.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kRacing = R"(policy: racing
timezone: Asia/Tokyo
laws: [Tax, Trade]
types:
  pay:
    fields:
      claim: free_text
      talk: free_text
      paid: free_text
      note: free_text
matters:
  consultation: {types: [inquiry, dispute], states: [open, closed]}
purposes:
  order: {label: {en: Orders}}
  law: {label: {en: What the law asks}}
roles:
  shop: {kind: service}
  desk: {kind: staff, nda: none}
  chief: {kind: staff, nda: none}
grants:
  - {id: shop-all, role: shop, may: [create, update, reveal], fields: [pay.*], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, manage_matters], types: [pay]}
  - {id: desk-selects, role: desk, may: [select_destruction], for: [law]}
  - {id: chief-approves, role: chief, may: [approve_destruction], for: [law]}
retention:
  - {id: claims, fields: [pay.claim], trigger: case_closed, keep: 0, then: destroy, approval: chief}
  - {id: talks, fields: [pay.talk], trigger: case_closed, keep: 0, then: destroy}
  - {id: disputes, hold: Trade, fields: [pay.claim, pay.talk], if: case_is_complaint_or_dispute, trigger: case_closed, keep: 3y, then: destroy}
  - {id: tax, hold: Tax, fields: [pay.paid], trigger: cancelled, keep: 30d, then: destroy}
)";

// One record, of which a closed inquiry is; an open contract keeps what was paid.
class RetentionRaceTest : public RightsTestBase {
 protected:
  RetentionRaceTest() {
    vault_.SetPolicy("default", kRacing);
    PutPapers({});
    PutPrincipal("desk", v1::PRINCIPAL_KIND_STAFF);
    PutOfficer("chief");
    pay_ = Add({{"claim", "cold tea"}, {"talk", "by phone"}, {"paid", "100"}, {"note", "cash"}});
    hanako_ = PersonOf(pay_);
    OpenInquiry(hanako_, pay_);
    SetState("closed");
  }

  std::string Add(const std::map<std::string, std::string>& fields) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(fields);
    request.mutable_record()->set_type("pay");
    request.mutable_record()->set_subject(hanako_);
    const Result made = vault_.Call("shop", "CreateRecord", request);
    EXPECT_EQ(made.name(), "OK");
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }
  void OpenInquiry(const std::string& person, const std::string& record) {
    v1::OpenMatterRequest request;
    request.set_parent(person);
    request.mutable_matter()->set_kind("consultation");
    request.mutable_matter()->set_id("C-1");
    request.mutable_matter()->add_records(record);
    EXPECT_EQ(vault_.Call("shop", "OpenMatter", request).name(), "OK");
  }
  void ChangeMatter(const std::function<void(v1::UpdateMatterRequest&)>& change) {
    v1::UpdateMatterRequest request;
    request.set_parent(hanako_);
    request.set_kind("consultation");
    request.set_id("C-1");
    change(request);
    EXPECT_EQ(vault_.Call("shop", "UpdateMatter", request).name(), "OK");
  }
  void SetState(const std::string& state) {
    ChangeMatter([&](auto& r) { r.set_state(state); });
  }
  void Dispute() {
    ChangeMatter([](auto& r) { r.set_type("dispute"); });
  }
  void SetContract(bool active) {
    v1::UpdateSubjectRequest request;
    request.set_subject(hanako_);
    request.set_contract_active(active);
    EXPECT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
  }
  v1::UpdateRecordRequest Change(const std::map<std::string, std::string>& set,
                                 const std::vector<std::string>& clear = {}) {
    v1::UpdateRecordRequest request;
    request.set_name(pay_);
    for (const auto& [field, value] : set) (*request.mutable_fields())[field] = value;
    for (const std::string& field : clear) request.add_clear_fields(field);
    request.mutable_usage()->set_purpose("order");
    return request;
  }
  v1::DeleteSubjectRequest Erasure(bool keep_held) {
    v1::DeleteSubjectRequest request;
    request.set_name(hanako_);
    request.set_keep_held(keep_held);
    return request;
  }
  void Erase(bool keep_held) {
    EXPECT_EQ(vault_.Call("shop", "DeleteSubject", Erasure(keep_held)).name(), "OK");
  }
  // The same but for one rule: claims are kept for a year more.
  void ActivateAnother() {
    std::string changed(kRacing);
    changed.replace(changed.find("keep: 3y"), 8, "keep: 4y");
    vault_.SetPolicy("default", changed);
  }
  v1::SelectDestructionRequest Selection() {
    v1::SelectDestructionRequest request;
    request.set_parent("tenants/default");
    request.mutable_usage()->set_purpose("law");
    return request;
  }
  v1::ApproveDestructionRequest Approval() {
    const Result selected = vault_.Call("desk", "SelectDestruction", Selection());
    EXPECT_EQ(selected.name(), "OK");
    const auto& list = selected.As<v1::SelectDestructionResponse>().destruction();
    EXPECT_EQ(list.items_size(), 1);
    v1::ApproveDestructionRequest request;
    request.set_name(list.name());
    request.set_sha256(list.sha256());
    request.mutable_usage()->set_purpose("law");
    return request;
  }
  // Plans the call, has something else happen, which the call has to notice, and carries it out.
  Result Race(std::string_view caller, std::string_view method,
              const google::protobuf::Message& request, const std::function<void()>& meanwhile) {
    VaultFixture::Open call(vault_, caller, method, request);
    call.Next();
    meanwhile();
    EXPECT_TRUE(call.Commit().conflict) << method;
    call.Next();
    return call.Commit();
  }
  // Why the only item of the list was left alone; the refusal's name in brackets.
  std::string Approve(const std::function<void()>& meanwhile) {
    const Result result = Race("chief", "ApproveDestruction", Approval(), meanwhile);
    if (!result.ok()) return "(" + std::string(result.name()) + ")";
    return result.As<v1::ApproveDestructionResponse>().destruction().items(0).kept();
  }
  // What is stored of a record, and `field<` what is stored of what it held before.
  std::map<std::string, std::string> Stored(const std::string& record) {
    const auto state = vault_.store().snapshot();
    const auto scope = TenantScope::Create(*state, *state->FindTenant("default"));
    const std::optional<RecordName> name = ParseRecordName(record);
    ChangeSet changes;
    auto loaded = LoadRecord(vault_.engine(), *scope, {name->subject, name->record}, &changes);
    std::map<std::string, std::string> values;
    if (!loaded.ok() || !loaded->ok()) return values;
    LoadedRecord& row = *loaded->record;
    for (const auto& field : row.header().fields()) {
      if (!field.absent()) values[field.name()] = row.reader->DecryptField(field)->view();
    }
    for (const auto& earlier : row.header().earlier()) {
      values[earlier.name() + "<"] = row.reader->DecryptEarlier(earlier)->view();
    }
    return values;
  }
  std::vector<std::string> FieldsOf(const std::string& record) {
    std::vector<std::string> fields;
    for (const auto& [field, value] : Stored(record)) fields.push_back(field);
    return fields;
  }

  std::string pay_, hanako_;
};

TEST_F(RetentionRaceTest, AnApprovalSeesThatTheCaseBecameADispute) {
  EXPECT_EQ(Approve([&] { Dispute(); }), "RETENTION_HOLD");
  EXPECT_EQ(Stored(pay_)["claim"], "cold tea");
}

TEST_F(RetentionRaceTest, AnApprovalSeesThatTheCaseWasOpenedAgain) {
  EXPECT_EQ(Approve([&] { SetState("open"); }), "PROPOSAL_STALE");
  EXPECT_EQ(Stored(pay_)["claim"], "cold tea");
}

TEST_F(RetentionRaceTest, AnApprovalSeesThatTheRecordIsAboutAFurtherCase) {
  EXPECT_EQ(Approve([&] {
              v1::OpenMatterRequest request;
              request.set_parent(hanako_);
              request.mutable_matter()->set_kind("consultation");
              request.mutable_matter()->set_id("C-2");
              request.mutable_matter()->set_type("dispute");
              request.mutable_matter()->add_records(pay_);
              EXPECT_EQ(vault_.Call("shop", "OpenMatter", request).name(), "OK");
            }),
            "RETENTION_HOLD");
  EXPECT_EQ(Stored(pay_)["claim"], "cold tea");
}

// What was selected is the field, whatever it holds; nothing of the other fields is put back.
TEST_F(RetentionRaceTest, AnApprovalTakesTheRecordAsItIsByThen) {
  EXPECT_EQ(
      Approve([&] {
        EXPECT_EQ(vault_.Call("shop", "UpdateRecord", Change({{"paid", "200"}})).name(), "OK");
      }),
      "");
  EXPECT_EQ(Stored(pay_),
            (std::map<std::string, std::string>{
                {"talk", "by phone"}, {"paid", "200"}, {"paid<", "100"}, {"note", "cash"}}));
}

TEST_F(RetentionRaceTest, AnApprovalLeavesWhatHasGoneMeanwhile) {
  EXPECT_EQ(Approve([&] {
              EXPECT_EQ(vault_.Call("shop", "UpdateRecord", Change({}, {"claim"})).name(), "OK");
            }),
            "PROPOSAL_STALE");
  SetContract(false);
  vault_.now += absl::Hours(24 * 40);
  EXPECT_THAT(FieldsOf(pay_), ElementsAre("note", "paid", "talk"));
}

TEST_F(RetentionRaceTest, AnApprovalSeesThatThePersonWasErased) {
  EXPECT_EQ(Approve([&] { Erase(true); }), "SUBJECT_ERASED");
  EXPECT_THAT(FieldsOf(pay_), ElementsAre("paid"));
}

TEST_F(RetentionRaceTest, AnApprovalSeesThatNothingIsLeftOfThePerson) {
  SetContract(false);
  vault_.now += absl::Hours(24 * 40);
  EXPECT_EQ(Approve([&] { Erase(false); }), "NOT_FOUND");
}

// By the other policy it may be kept: what was selected by one is not destroyed under another.
TEST_F(RetentionRaceTest, AnApprovalIsByThePolicyThatIsInForceWhenItIsDone) {
  EXPECT_EQ(Approve([&] { ActivateAnother(); }), "(PROPOSAL_STALE)");
  EXPECT_EQ(Stored(pay_)["claim"], "cold tea");
}

TEST_F(RetentionRaceTest, OfTwoDecisionsOneCounts) {
  const v1::ApproveDestructionRequest approval = Approval();
  EXPECT_EQ(Race("chief", "ApproveDestruction", approval,
                 [&] {
                   v1::RejectDestructionRequest reject;
                   reject.set_name(approval.name());
                   *reject.mutable_usage() = approval.usage();
                   EXPECT_EQ(vault_.Call("chief", "RejectDestruction", reject).name(), "OK");
                 })
                .name(),
            "PROPOSAL_STALE");
  EXPECT_EQ(Stored(pay_)["claim"], "cold tea");
}

TEST_F(RetentionRaceTest, AListIsByOnePolicy) {
  const Result selected =
      Race("desk", "SelectDestruction", Selection(), [&] { ActivateAnother(); });
  ASSERT_EQ(selected.name(), "OK");
  v1::ApproveDestructionRequest approve;
  approve.set_name(selected.As<v1::SelectDestructionResponse>().destruction().name());
  approve.set_sha256(selected.As<v1::SelectDestructionResponse>().destruction().sha256());
  approve.mutable_usage()->set_purpose("law");
  EXPECT_EQ(vault_.Call("chief", "ApproveDestruction", approve).name(), "OK");
}

TEST_F(RetentionRaceTest, AnErasureSeesTheRecordThatWasAddedMeanwhile) {
  std::string other;
  const Result erased = Race("shop", "DeleteSubject", Erasure(true), [&] {
    other = Add({{"paid", "300"}, {"note", "card"}});
  });
  ASSERT_EQ(erased.name(), "OK");
  EXPECT_EQ(erased.As<v1::DeleteSubjectResponse>().records(), 2);
  EXPECT_EQ(erased.As<v1::DeleteSubjectResponse>().held_size(), 2);
  EXPECT_THAT(FieldsOf(pay_), ElementsAre("paid"));
  EXPECT_EQ(Stored(other), (std::map<std::string, std::string>{{"paid", "300"}}));
}

TEST_F(RetentionRaceTest, ARecordIsNotAddedToWhoWasErasedMeanwhile) {
  v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"note", "late"}});
  request.mutable_record()->set_type("pay");
  request.mutable_record()->set_subject(hanako_);
  EXPECT_EQ(Race("shop", "CreateRecord", request, [&] { Erase(true); }).name(), "SUBJECT_ERASED");
  EXPECT_EQ(
      Race("shop", "UpdateRecord", Change({{"paid", "1"}}), [&] { SetContract(false); }).name(),
      "SUBJECT_ERASED");
}

TEST_F(RetentionRaceTest, AnErasureKeepsWhatIsHeldByThen) {
  const auto dispute = [&] { Dispute(); };
  ASSERT_EQ(Race("shop", "DeleteSubject", Erasure(true), dispute).name(), "OK");
  EXPECT_THAT(FieldsOf(pay_), ElementsAre("claim", "paid", "talk"));
}

// Each of these was planned when no law kept anything.
TEST_F(RetentionRaceTest, WhatALawKeepsByThenStopsEveryDeletion) {
  v1::DeleteRecordRequest remove;
  remove.set_name(pay_);
  const v1::UpdateRecordRequest clear = Change({}, {"paid"});
  const v1::DeleteSubjectRequest erase = Erasure(false);
  for (const auto& [method, request] :
       std::vector<std::pair<std::string, const google::protobuf::Message*>>{
           {"DeleteRecord", &remove}, {"UpdateRecord", &clear}, {"DeleteSubject", &erase}}) {
    SetContract(false);
    vault_.now += absl::Hours(24 * 40);
    EXPECT_EQ(Race("shop", method, *request, [&] { SetContract(true); }).name(), "RETENTION_HOLD")
        << method;
  }
  EXPECT_EQ(Stored(pay_)["paid"], "100");
}

// A random source that has something happen at its first use: when a step of the sweep has read
// what there is, and is about to write.
class Interrupting : public RandomSource {
 public:
  explicit Interrupting(std::function<void()> meanwhile) : meanwhile_(std::move(meanwhile)) {}
  void Fill(absl::Span<uint8_t> out) override {
    if (meanwhile_) std::exchange(meanwhile_, nullptr)();
    SystemRandom().Fill(out);
  }
  bool happened() const { return meanwhile_ == nullptr; }

 private:
  std::function<void()> meanwhile_;
};

// A pass of the sweep during which something happens; how many fields it destroyed.
class RetentionSweepRaceTest : public RetentionRaceTest {
 protected:
  uint64_t Sweep(const std::function<void()>& meanwhile) {
    Interrupting random(meanwhile);
    UniqueCells unique(SystemRandom());
    RetentionSweeper sweeper({.engine = vault_.engine(),
                              .store = vault_.store(),
                              .rules = vault_.rules(),
                              .unique = unique,
                              .random = random,
                              .now = [this] { return vault_.now; }});
    for (;;) {
      const absl::StatusOr<bool> more = sweeper.Step();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
    }
    EXPECT_TRUE(random.happened());
    return sweeper.destroyed();
  }
};

TEST_F(RetentionSweepRaceTest, WhatIsDueGoesWhateverElseChanges) {
  EXPECT_EQ(Sweep([&] { Add({{"note", "other"}}); }), 1u);
  EXPECT_THAT(FieldsOf(pay_), ElementsAre("claim", "note", "paid"));
}

TEST_F(RetentionSweepRaceTest, ACaseThatBecameADisputeKeepsIt) {
  EXPECT_EQ(Sweep([&] { Dispute(); }), 0u);
  EXPECT_EQ(Stored(pay_)["talk"], "by phone");
}

TEST_F(RetentionSweepRaceTest, ACaseThatWasOpenedAgainKeepsIt) {
  EXPECT_EQ(Sweep([&] { SetState("open"); }), 0u);
  EXPECT_EQ(Stored(pay_)["talk"], "by phone");
}

TEST_F(RetentionSweepRaceTest, ARecordThatWasChangedIsTakenAsItIsByThen) {
  EXPECT_EQ(Sweep([&] {
              const auto change = Change({{"paid", "200"}});
              EXPECT_EQ(vault_.Call("shop", "UpdateRecord", change).name(), "OK");
            }),
            1u);
  EXPECT_EQ(Stored(pay_),
            (std::map<std::string, std::string>{
                {"claim", "cold tea"}, {"paid", "200"}, {"paid<", "100"}, {"note", "cash"}}));
}

TEST_F(RetentionSweepRaceTest, ByAPolicyThatIsInForceMeanwhileItMayStay) {
  EXPECT_EQ(Sweep([&] {
              std::string changed(kRacing);
              changed.replace(changed.find("case_closed, keep: 0, then: destroy}"), 36,
                              "case_closed, keep: 5d, then: destroy}");
              vault_.SetPolicy("default", changed);
            }),
            0u);
  EXPECT_EQ(Stored(pay_)["talk"], "by phone");
}

}  // namespace
}  // namespace piivault::vault
