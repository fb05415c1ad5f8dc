// UpdateSubject: holder, department, contract and mandates of a person.
#include <functional>
#include <string>

#include "tests/vault/service/matter_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const std::string kDocument(64, 'a');

class SubjectUpdateTest : public MatterTestBase {
 protected:
  using Change = std::function<void(v1::UpdateSubjectRequest&)>;

  static v1::UpdateSubjectRequest Request(const std::string& person, const Change& change) {
    v1::UpdateSubjectRequest request;
    request.set_subject(person);
    change(request);
    return request;
  }
  VaultFixture::Result Update(const std::string& person, const Change& change,
                              std::string_view caller = "shop") {
    return vault_.Call(caller, "UpdateSubject", Request(person, change));
  }
  // Reason and first field.
  std::string Refusal(const std::string& person, const Change& change) {
    const VaultFixture::Result result = Update(person, change);
    return std::string(result.name()) + " " +
           (result.denied_fields.empty() ? "" : result.denied_fields.front());
  }
  static Change Holder(const std::string& holder) {
    return [holder](auto& r) { r.set_holder(holder); };
  }
  Change Mandates(const std::vector<std::string>& agents, absl::Duration left = absl::Hours(1)) {
    return [this, agents, left](auto& r) {
      for (const std::string& agent : agents) {
        v1::Mandate& mandate = *r.add_mandates();
        mandate.set_agent(agent);
        mandate.set_document_sha256(kDocument);
        *mandate.mutable_not_after() = At(vault_.now + left);
      }
    };
  }
  static Change End(const std::string& agent) {
    return [agent](auto& r) { r.add_end_mandates(agent); };
  }
  std::vector<std::string> AgentsOf(const std::string& person) {
    const storage::v1::SubjectRow person_row = RowOf(person);
    std::vector<std::string> agents;
    for (const storage::v1::MandateRow& row : person_row.use().mandates()) {
      agents.push_back(MakeSubjectName("default", *storage::Id128::FromBytes(row.agent())));
    }
    return agents;
  }

  const std::string person_ = NewPerson();
  const std::string other_ = NewPerson();
};

TEST_F(SubjectUpdateTest, ChangesWhatIsSetAndNothingElse) {
  const uint64_t version = RowOf(person_).version();
  VaultFixture::Result result = Update(person_, [&](auto& r) {
    r.set_holder(other_);
    r.set_department("sales");
    r.set_contract_active(false);
  });
  ASSERT_EQ(result.name(), "OK");
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().holder(), other_);
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().department(), "sales");
  EXPECT_FALSE(result.As<v1::UpdateSubjectResponse>().contract_active());
  EXPECT_EQ(RowOf(person_).version(), version + 1);
  ASSERT_THAT(result.retained.items(), SizeIs(1));
  EXPECT_EQ(result.retained.items(0).subject_ref(), RowOf(person_).subject_ref());
  EXPECT_EQ(result.retained.items(0).version(), version + 1);
  ASSERT_THAT(result.entry.items(), SizeIs(2));
  EXPECT_EQ(result.entry.items(0).subject_ref(), RowOf(person_).subject_ref());
  EXPECT_THAT(result.entry.items(0).grants(), ElementsAre("shop-matters"));
  EXPECT_EQ(result.entry.items(1).subject_ref(), RowOf(other_).subject_ref());

  result = Update(person_, [](auto& r) { r.set_contract_active(true); });
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().holder(), other_);
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().department(), "sales");
  EXPECT_TRUE(result.As<v1::UpdateSubjectResponse>().contract_active());
  result = Update(person_, [](auto& r) {
    r.set_holder("");
    r.set_department("");
  });
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().holder(), "");
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().department(), "");
  EXPECT_EQ(RowOf(person_).use().holder(), "");
  EXPECT_FALSE(RowOf(other_).has_use());
}

TEST_F(SubjectUpdateTest, WhatChangesNothingWritesNothing) {
  ASSERT_EQ(Update(person_, Holder(other_)).name(), "OK");
  const uint64_t version = RowOf(person_).version();
  const VaultFixture::Result result = Update(person_, [](auto&) {});
  ASSERT_EQ(result.name(), "OK");
  EXPECT_EQ(result.As<v1::UpdateSubjectResponse>().holder(), other_);
  EXPECT_TRUE(result.As<v1::UpdateSubjectResponse>().contract_active());
  ASSERT_EQ(Update(person_, Holder(other_)).name(), "OK");
  EXPECT_EQ(RowOf(person_).version(), version);
  EXPECT_THAT(result.retained.items(), IsEmpty());
}

TEST_F(SubjectUpdateTest, AHolderIsSomebodyElseOfTheTenantWithoutHolder) {
  EXPECT_EQ(Refusal(person_, Holder(person_)), "MALFORMED_REQUEST holder");
  EXPECT_EQ(Refusal(person_, Holder("somebody")), "MALFORMED_REQUEST holder");
  const std::string none = MakeSubjectName("default", SystemRandom().Id128());
  EXPECT_EQ(Refusal(person_, Holder(none)), "NOT_FOUND holder");
  std::string elsewhere = other_;
  elsewhere.replace(0, std::string("tenants/default").size(), "tenants/other");
  EXPECT_EQ(Refusal(person_, Holder(elsewhere)), "MALFORMED_REQUEST holder");
  ASSERT_EQ(Update(other_, Holder(NewPerson())).name(), "OK");
  EXPECT_EQ(Refusal(person_, Holder(other_)), "MEMBER_WITHOUT_ID holder");
  const std::string gone = NewPerson();
  Erase(gone);
  EXPECT_EQ(Refusal(person_, Holder(gone)), "SUBJECT_ERASED holder");
  EXPECT_FALSE(RowOf(person_).has_use());
}

TEST_F(SubjectUpdateTest, TwoDoNotBecomeEachOthersHolderAtOnce) {
  VaultFixture::Open one(vault_, "shop", "UpdateSubject", Request(person_, Holder(other_)));
  VaultFixture::Open two(vault_, "shop", "UpdateSubject", Request(other_, Holder(person_)));
  one.Next();
  two.Next();
  EXPECT_EQ(one.Commit().name(), "OK");
  EXPECT_TRUE(two.Commit().conflict);
  two.Next();
  EXPECT_EQ(two.Commit().name(), "MEMBER_WITHOUT_ID");
}

TEST_F(SubjectUpdateTest, ADepartmentIsAnIdentifier) {
  const auto with = [&](const std::string& department) {
    return Refusal(person_, [&](auto& r) { r.set_department(department); });
  };
  EXPECT_EQ(with("two words"), "MALFORMED_REQUEST department");
  EXPECT_EQ(with("営業"), "MALFORMED_REQUEST department");
  EXPECT_EQ(with(std::string(65, 'x')), "MALFORMED_REQUEST department");
  EXPECT_EQ(with("4111111111111111"), "PROHIBITED_TYPE department");
  EXPECT_EQ(with("sales-2"), "OK ");
}

TEST_F(SubjectUpdateTest, MandatesAreGivenReplacedAndEnded) {
  ASSERT_EQ(Update(person_, Mandates({other_})).name(), "OK");
  VaultFixture::Result result = Update(person_, [&](auto& r) {
    v1::Mandate& mandate = *r.add_mandates();
    mandate.set_agent(other_);
    mandate.set_document_sha256(std::string(64, 'b'));
  });
  ASSERT_EQ(result.name(), "OK");
  const auto& mandates = result.As<v1::UpdateSubjectResponse>().mandates();
  ASSERT_THAT(mandates, SizeIs(1));
  EXPECT_EQ(mandates[0].agent(), other_);
  EXPECT_EQ(mandates[0].document_sha256(), std::string(64, 'b'));
  EXPECT_FALSE(mandates[0].has_not_after());
  ASSERT_THAT(result.entry.items(), SizeIs(2));
  EXPECT_EQ(result.entry.items(1).subject_ref(), RowOf(other_).subject_ref());

  const std::string third = NewPerson();
  ASSERT_EQ(Update(person_, Mandates({third})).name(), "OK");
  EXPECT_THAT(AgentsOf(person_), UnorderedElementsAre(other_, third));
  ASSERT_EQ(Update(person_, End(other_)).name(), "OK");
  EXPECT_THAT(AgentsOf(person_), ElementsAre(third));
  EXPECT_EQ(Refusal(person_, End(other_)), "NOT_FOUND end_mandates");
  // Also of an agent who is no more.
  Erase(third);
  ASSERT_EQ(Update(person_, End(third)).name(), "OK");
  EXPECT_THAT(AgentsOf(person_), IsEmpty());
}

TEST_F(SubjectUpdateTest, AMandateNeedsAnAgentADocumentAndTime) {
  const auto with = [&](const std::function<void(v1::Mandate&)>& change) {
    return Refusal(person_, [&](auto& r) {
      Mandates({other_})(r);
      change(*r.mutable_mandates(0));
    });
  };
  EXPECT_EQ(with([&](auto& m) { m.set_agent(person_); }), "MALFORMED_REQUEST mandates.agent");
  EXPECT_EQ(with([](auto& m) { m.set_agent("somebody"); }), "MALFORMED_REQUEST mandates.agent");
  EXPECT_EQ(with([](auto& m) { m.set_agent(MakeSubjectName("default", SystemRandom().Id128())); }),
            "NOT_FOUND mandates.agent");
  EXPECT_EQ(with([](auto& m) { m.set_document_sha256("paper"); }),
            "MALFORMED_REQUEST mandates.document_sha256");
  EXPECT_EQ(with([](auto& m) { m.set_document_sha256(std::string(64, 'A')); }),
            "MALFORMED_REQUEST mandates.document_sha256");
  EXPECT_EQ(with([&](auto& m) { *m.mutable_not_after() = At(vault_.now - absl::Seconds(1)); }),
            "MALFORMED_REQUEST mandates.not_after");
  EXPECT_EQ(Refusal(person_, Mandates({other_, other_})), "MALFORMED_REQUEST mandates.agent");
  EXPECT_EQ(Refusal(person_,
                    [&](auto& r) {
                      Mandates({other_})(r);
                      End(other_)(r);
                    }),
            "MALFORMED_REQUEST mandates.agent");
  EXPECT_FALSE(RowOf(person_).has_use());
}

TEST_F(SubjectUpdateTest, TwentyMandatesAndThoseThatHaveEndedMakeRoom) {
  std::vector<std::string> agents;
  for (int i = 0; i < 21; ++i) agents.push_back(NewPerson());
  EXPECT_EQ(Refusal(person_, Mandates(agents)), "BATCH_TOO_LARGE ");
  const std::string last = agents.back();
  agents.pop_back();
  const std::string brief = agents.back();
  agents.pop_back();
  ASSERT_EQ(Update(person_, Mandates(agents)).name(), "OK");
  ASSERT_EQ(Update(person_, Mandates({brief}, absl::Seconds(10))).name(), "OK");
  EXPECT_EQ(Refusal(person_, Mandates({last})), "BATCH_TOO_LARGE ");
  vault_.now += absl::Seconds(10);
  EXPECT_EQ(Refusal(person_, Mandates({last})), "BATCH_TOO_LARGE ");
  vault_.now += absl::Seconds(1);
  ASSERT_EQ(Update(person_, Mandates({last})).name(), "OK");
  agents.push_back(last);
  EXPECT_THAT(AgentsOf(person_), testing::UnorderedElementsAreArray(agents));
}

TEST_F(SubjectUpdateTest, IsForThoseWhoMayAndOfTheLiving) {
  const Change change = [](auto& r) { r.set_contract_active(false); };
  for (const char* caller : {"helper", "engineer", "owner"}) {
    EXPECT_EQ(Update(person_, change, caller).name(), "OPERATION_NOT_GRANTED") << caller;
  }
  EXPECT_EQ(Update(person_, change, "nobody").name(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(Update(person_, change, "other-shop").name(), "TENANT_MISMATCH");
  EXPECT_EQ(Update("subjects/x", change).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Update(MakeSubjectName("default", SystemRandom().Id128()), change).name(), "NOT_FOUND");
  Erase(person_);
  EXPECT_EQ(Update(person_, change).name(), "SUBJECT_ERASED");
}

}  // namespace
}  // namespace piivault::vault
