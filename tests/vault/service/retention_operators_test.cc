// Periods of storage and destruction under the operators' policies as they ship: clauses of their
// texts, by number.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "tests/vault/service/operator_rights_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

absl::Time At(const char* zone, const std::string& text) {
  absl::TimeZone loaded;
  EXPECT_TRUE(absl::LoadTimeZone(zone, &loaded));
  absl::Time time;
  std::string problem;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%S", text, loaded, &time, &problem)) << problem;
  return time;
}

class OperatorRetentionTest : public OperatorRightsTest {
 protected:
  Result DeleteSubject(std::string_view caller, const std::string& person, bool keep_held) {
    v1::DeleteSubjectRequest request;
    request.set_name(person);
    request.set_keep_held(keep_held);
    *request.mutable_usage() = Use(caller, person);
    return vault_.Call(caller, "DeleteSubject", request);
  }
  std::string EndContract(std::string_view caller, const std::string& person,
                          const std::string& purpose, const std::string& ticket = "") {
    v1::UpdateSubjectRequest request;
    request.set_subject(person);
    request.set_contract_active(false);
    *request.mutable_usage() = Use(caller, person);
    request.mutable_usage()->set_purpose(purpose);
    request.mutable_usage()->set_ticket(ticket);
    return std::string(vault_.Call(caller, "UpdateSubject", request).name());
  }
  Result Select(std::string_view caller, const std::string& parent = "tenants/default") {
    v1::SelectDestructionRequest request;
    request.set_parent(parent);
    *request.mutable_usage() = Use(caller, "");
    return vault_.Call(caller, "SelectDestruction", request);
  }
  static const v1::Destruction& ListOf(const Result& selected) {
    return selected.As<v1::SelectDestructionResponse>().destruction();
  }
  Result Approve(std::string_view caller, const std::string& name, const std::string& sha256) {
    v1::ApproveDestructionRequest request;
    request.set_name(name);
    request.set_sha256(sha256);
    *request.mutable_usage() = Use(caller, "");
    return vault_.Call(caller, "ApproveDestruction", request);
  }
  // `record field,field: rule,rule` of each item.
  static std::vector<std::string> ItemsOf(const v1::Destruction& list) {
    std::vector<std::string> items;
    for (const v1::DestructionItem& item : list.items()) {
      items.push_back(item.record() + " " + absl::StrJoin(item.fields(), ",") + ": " +
                      absl::StrJoin(item.rules(), ","));
    }
    return items;
  }
};

class PriusproRetentionTest : public OperatorRetentionTest {
 protected:
  void Use46(const std::string& after) {
    std::string values = ReadPolicy("priuspro.values.yaml");
    const auto set = [&values](const std::string& from, const std::string& to) {
      values.replace(values.find(from), from.size(), to);
    };
    set("erasure_offered: not_held", "erasure_offered: formal_notice");
    set("after_tax_hold: operator_rule", "after_tax_hold: " + after);
    vault_.SetPolicy("default", ReadPolicy("priuspro.yaml"), values);
    vault_.BuildIndexes();
  }
  // A customer who cancelled on the 31st of March 2020.
  void MakeCustomer() {
    vault_.now = At("Asia/Tokyo", "2019-10-01 09:00:00");
    PutPapers({"nda_contract", "pledge", "training"});
    for (const char* staff : {"sales_office", "customer_info_desk"}) {
      PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    }
    PutPrincipal("id_holder", v1::PRINCIPAL_KIND_SERVICE);
    speak_for_ = {"id_holder"};
    customer_ = Create("sales_office", "A", "pi", "", {{"name", "山田 花子"}});
    person_ = PersonOf(customer_);
    pay_ = Create("sales_office", "E", "pay", "", {{"record", "paid 100"}}, person_);
    vault_.now = At("Asia/Tokyo", "2020-03-31 15:00:00");
    ASSERT_EQ(EndContract("customer_info_desk", person_, "D", "T-1"), "OK");
  }

  std::string customer_, person_, pay_;
};

// 004-46: payments are kept until the end of the seventh year's day, whoever asks, and the rest
// goes; then what the installation has chosen is done: they are destroyed, by themselves.
TEST_F(PriusproRetentionTest, PaymentsAreKeptForSevenYearsAndThenDestroyed) {
  Use46("destroy");
  MakeCustomer();
  vault_.now = At("Asia/Tokyo", "2027-03-31 23:59:59");
  const Result refused = DeleteSubject("customer_info_desk", person_, false);
  EXPECT_EQ(refused.name(), "RETENTION_HOLD");
  EXPECT_THAT(refused.denied_fields, ElementsAre("pay.record"));
  EXPECT_EQ(Reveal("id_holder", customer_, "name"), "OK") << "nothing went";

  const Result erased = DeleteSubject("customer_info_desk", person_, true);
  ASSERT_EQ(erased.name(), "OK");
  const auto& held = erased.As<v1::DeleteSubjectResponse>().held();
  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0].record(), pay_);
  EXPECT_THAT(held[0].fields(), ElementsAre("record"));
  EXPECT_EQ(held[0].law(), "JP-tax");
  EXPECT_EQ(held[0].until().seconds(),
            absl::ToUnixSeconds(At("Asia/Tokyo", "2027-04-01 00:00:00")));
  EXPECT_EQ(Reveal("id_holder", customer_, "name"), "NOT_FOUND");
  EXPECT_EQ(Reveal("id_holder", pay_, "record"), "OK");
  EXPECT_EQ(Reveal("sales_office", pay_, "record", "E"), "KEPT_BY_LAW");
  EXPECT_EQ(vault_.Sweep(), 0u);
  EXPECT_EQ(Reveal("id_holder", pay_, "record"), "OK");

  vault_.now = At("Asia/Tokyo", "2027-04-01 00:00:00");
  EXPECT_EQ(Reveal("id_holder", pay_, "record"), "RETENTION_OVER");
  vault_.Sweep();
  EXPECT_EQ(Reveal("id_holder", pay_, "record"), "NOT_FOUND");
  EXPECT_EQ(DeleteSubject("customer_info_desk", person_, true).name(), "SUBJECT_ERASED");
}

// 004-46: without a request for erasure, the same action on the same day.
TEST_F(PriusproRetentionTest, PaymentsGoByThemselvesWhenTheLawKeepsThemNoMore) {
  Use46("destroy");
  MakeCustomer();
  vault_.now = At("Asia/Tokyo", "2027-03-31 23:59:59");
  EXPECT_EQ(vault_.Sweep(), 0u);
  vault_.now = At("Asia/Tokyo", "2027-04-01 00:00:00");
  EXPECT_EQ(vault_.Sweep(), 1u);
  EXPECT_EQ(Reveal("id_holder", pay_, "record"), "NOT_FOUND");
  EXPECT_EQ(Reveal("id_holder", customer_, "name"), "OK");
}

// 004-46: that it is a duty to keep is no promise to destroy: what follows is the installation's to
// say.
TEST_F(PriusproRetentionTest, WhatTheInstallationKeepsIsReleasedAndStays) {
  for (const char* after : {"keep", "operator_rule"}) {
    Use46(after);
    MakeCustomer();
    vault_.now = At("Asia/Tokyo", "2027-04-01 00:00:00");
    EXPECT_EQ(vault_.Sweep(), 0u);
    EXPECT_EQ(Reveal("id_holder", pay_, "record"), "OK");
    EXPECT_EQ(DeleteSubject("customer_info_desk", person_, false).name(), "OK") << "released";
    EXPECT_EQ(Reveal("id_holder", pay_, "record"), "NOT_FOUND");
  }
}

// 004-46: as long as nobody has cancelled, the years have not begun.
TEST_F(PriusproRetentionTest, BeforeTheCancellationNothingOfThePaymentsGoes) {
  Use46("destroy");
  MakeCustomer();
  v1::UpdateSubjectRequest again;
  again.set_subject(person_);
  again.set_contract_active(true);
  *again.mutable_usage() = Use("customer_info_desk", person_);
  again.mutable_usage()->set_purpose("D");
  again.mutable_usage()->set_ticket("T-1");
  ASSERT_EQ(vault_.Call("customer_info_desk", "UpdateSubject", again).name(), "OK");
  vault_.now = At("Asia/Tokyo", "2040-01-01 00:00:00");
  EXPECT_EQ(vault_.Sweep(), 0u);
  EXPECT_EQ(DeleteSubject("customer_info_desk", person_, false).name(), "RETENTION_HOLD");
}

class SnsHelperRetentionTest : public OperatorRetentionTest {
 protected:
  SnsHelperRetentionTest() {
    UsePolicy("sns-helper");
    vault_.now = At("Asia/Seoul", "2024-02-29 10:00:00");
    PutPapers({"security_pledge", "training"});
    for (const char* staff : {"privacy_staff", "marketing_cs"}) {
      PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    }
    PutOfficer("chief_privacy_officer", "kuroda", {"security_pledge", "training"});
    for (const char* service : {"order_service", "shop", "customer"}) {
      PutPrincipal(service, v1::PRINCIPAL_KIND_SERVICE);
    }
    speak_for_ = {"customer"};
  }

  // A consultation with what was said of it, whose case is of the type.
  std::string Consult(const std::string& type) {
    const std::string record = Create("shop", "intake", "consult", "phone",
                                      {{"name", "Kim Hana"}, {"phone", "090-1234-5678"}});
    v1::OpenMatterRequest matter;
    matter.set_parent(PersonOf(record));
    matter.mutable_matter()->set_kind("consultation");
    matter.mutable_matter()->set_id("C-1");
    matter.mutable_matter()->set_type(type);
    matter.mutable_matter()->add_records(record);
    matter.mutable_usage()->set_purpose("intake");
    EXPECT_EQ(vault_.Call("shop", "OpenMatter", matter).name(), "OK");
    v1::UpdateRecordRequest update;
    update.set_name(record);
    (*update.mutable_fields())["dispute_record"] = "goods were broken";
    update.mutable_provenance()->set_channel("phone");
    update.mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    update.mutable_usage()->set_purpose("K3");
    (*update.mutable_usage()->mutable_arguments())["consultation"] = "C-1";
    EXPECT_EQ(vault_.Call("marketing_cs", "UpdateRecord", update).name(), "OK");
    return record;
  }
  void Close(const std::string& record) {
    v1::UpdateMatterRequest request;
    request.set_parent(PersonOf(record));
    request.set_kind("consultation");
    request.set_id("C-1");
    request.set_state("closed");
    request.mutable_usage()->set_purpose("intake");
    EXPECT_EQ(vault_.Call("shop", "UpdateMatter", request).name(), "OK");
  }
  // Selects and approves all that is due. How many items there were.
  int DestroyWhatIsDue() {
    const Result selected = Select("privacy_staff");
    EXPECT_EQ(selected.name(), "OK");
    if (!selected.As<v1::SelectDestructionResponse>().has_destruction()) return 0;
    const v1::Destruction& list = ListOf(selected);
    const Result approved = Approve("chief_privacy_officer", list.name(), list.sha256());
    EXPECT_EQ(approved.name(), "OK");
    return list.items_size();
  }
};

// 001-27: of a closed plain consultation and a closed dispute only the first is destroyed; of the
// dispute what was recorded of it, after three years.
TEST_F(SnsHelperRetentionTest, ADisputeIsKeptForThreeYearsAndAPlainConsultationIsNot) {
  const std::string plain = Consult("inquiry");
  const std::string dispute = Consult("dispute");
  EXPECT_EQ(DestroyWhatIsDue(), 0) << "before they are closed";
  Close(plain);
  Close(dispute);

  const Result selected = Select("privacy_staff");
  ASSERT_EQ(selected.name(), "OK");
  const v1::Destruction list = ListOf(selected);
  EXPECT_THAT(
      ItemsOf(list),
      UnorderedElementsAre(
          plain + " consult.name,consult.phone,consult.dispute_record: consult,consult,consult",
          dispute + " consult.name,consult.phone: consult,consult"));
  EXPECT_EQ(Approve("chief_privacy_officer", list.name(), list.sha256()).name(), "OK");
  EXPECT_EQ(Reveal("chief_privacy_officer", plain, "dispute_record", "H0"), "NOT_FOUND");
  EXPECT_EQ(Value("chief_privacy_officer", dispute, "dispute_record", "H0"), "goods were broken");
  EXPECT_EQ(Reveal("chief_privacy_officer", dispute, "dispute_record", "R0"), "KEPT_BY_LAW");

  vault_.now = At("Asia/Seoul", "2027-02-28 23:59:59");
  EXPECT_EQ(DestroyWhatIsDue(), 0);
  EXPECT_EQ(DeleteSubject("chief_privacy_officer", PersonOf(dispute), false).name(),
            "RETENTION_HOLD");
  EXPECT_EQ(Value("chief_privacy_officer", dispute, "dispute_record", "H0"), "goods were broken");
  vault_.now = At("Asia/Seoul", "2027-03-01 00:00:00");
  EXPECT_EQ(Reveal("chief_privacy_officer", dispute, "dispute_record", "H0"), "RETENTION_OVER");
  EXPECT_EQ(DestroyWhatIsDue(), 1);
  EXPECT_EQ(Reveal("chief_privacy_officer", dispute, "dispute_record", "H0"), "NOT_FOUND");
}

// 001-28, 001-29, 001-58: what is due goes in three steps: staff selects, by rule and without a
// value in the list; the officer alone approves, another person, of that very list; each is looked
// at again. Nothing goes by itself.
TEST_F(SnsHelperRetentionTest, StaffSelectsTheOfficerApprovesAndOnlyThenItGoes) {
  std::vector<std::string> closed;
  for (int i = 0; i < 3; ++i) closed.push_back(Consult("inquiry"));
  const std::string open = Consult("inquiry");
  for (const std::string& record : closed) Close(record);
  uint64_t waiting = 0;
  EXPECT_EQ(vault_.Sweep(&waiting), 0u);
  EXPECT_EQ(waiting, 9u);

  EXPECT_EQ(Select("chief_privacy_officer").name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Select("marketing_cs").name(), "OPERATION_NOT_GRANTED");
  const Result selected = Select("privacy_staff");
  const v1::Destruction list = ListOf(selected);
  EXPECT_EQ(list.state(), v1::DESTRUCTION_STATE_SELECTED);
  EXPECT_THAT(list.items(), SizeIs(3));
  EXPECT_EQ(selected.As<v1::SelectDestructionResponse>().looked_at(), 4);
  EXPECT_THAT(list.SerializeAsString(), Not(testing::HasSubstr("goods were broken")));
  for (const std::string& record : closed) {
    EXPECT_EQ(Reveal("chief_privacy_officer", record, "dispute_record", "H0"), "RETENTION_OVER");
  }

  EXPECT_EQ(Approve("privacy_staff", list.name(), list.sha256()).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Approve("chief_privacy_officer", list.name(), std::string(64, '0')).name(),
            "PROPOSAL_STALE");
  const Result approved = Approve("chief_privacy_officer", list.name(), list.sha256());
  ASSERT_EQ(approved.name(), "OK");
  const v1::Destruction& done = approved.As<v1::ApproveDestructionResponse>().destruction();
  EXPECT_EQ(done.state(), v1::DESTRUCTION_STATE_DESTROYED);
  EXPECT_EQ(done.sha256(), list.sha256());
  EXPECT_EQ(done.selector(), "principals/privacy_staff");
  EXPECT_EQ(done.decider(), "principals/chief_privacy_officer");
  for (const v1::DestructionItem& item : done.items()) {
    EXPECT_EQ(item.record(), "");
    EXPECT_THAT(item.record_ref(), SizeIs(26));
    EXPECT_EQ(item.kept(), "");
  }
  EXPECT_EQ(Approve("chief_privacy_officer", list.name(), list.sha256()).name(), "PROPOSAL_STALE");
  for (const std::string& record : closed) {
    EXPECT_EQ(Reveal("chief_privacy_officer", record, "dispute_record", "H0"), "NOT_FOUND");
  }
  EXPECT_EQ(Reveal("privacy_staff", open, "name"), "OK");
}

// 001-29: the person who selected does not approve, by whatever certificate.
TEST_F(SnsHelperRetentionTest, WhoSelectedDoesNotApproveByAnotherCertificate) {
  Close(Consult("inquiry"));
  const v1::Destruction list = ListOf(Select("privacy_staff"));
  PutPrincipal("chief_privacy_officer", v1::PRINCIPAL_KIND_STAFF);  // Ito, as the staff is
  EXPECT_EQ(Approve("chief_privacy_officer", list.name(), list.sha256()).name(),
            "PROPOSAL_SELF_APPROVAL");
  EXPECT_EQ(vault_.Sweep(), 0u);
}

// 001-29: holds are looked at again when it is carried out.
TEST_F(SnsHelperRetentionTest, WhatTurnsOutToBeADisputeAfterItWasSelectedStays) {
  const std::string record = Consult("inquiry");
  Close(record);
  const v1::Destruction list = ListOf(Select("privacy_staff"));
  v1::UpdateMatterRequest request;
  request.set_parent(PersonOf(record));
  request.set_kind("consultation");
  request.set_id("C-1");
  request.set_type("dispute");
  request.mutable_usage()->set_purpose("intake");
  ASSERT_EQ(vault_.Call("shop", "UpdateMatter", request).name(), "OK");
  const Result approved = Approve("chief_privacy_officer", list.name(), list.sha256());
  ASSERT_EQ(approved.name(), "OK");
  const v1::Destruction& done = approved.As<v1::ApproveDestructionResponse>().destruction();
  ASSERT_THAT(done.items(), SizeIs(1));
  EXPECT_EQ(done.items(0).kept(), "RETENTION_HOLD");
  EXPECT_EQ(Value("chief_privacy_officer", record, "dispute_record", "H0"), "goods were broken");
}

// 001-21, 001-22, 001-25: when the purpose is complete, what only the law keeps is for the officer
// and the law's purpose, and for the customer; the profile is not kept. The five years from a leap
// day on end with February.
TEST_F(SnsHelperRetentionTest, WhatOnlyTheLawKeepsIsClosedAndTheProfileIsOver) {
  const std::string order = Create("order_service", "S1", "svc", "web",
                                   {{"name", "Kim Hana"}, {"payment_record", "paid 100"}});
  const std::string person = PersonOf(order);
  v1::UpdateSubjectRequest complete;
  complete.set_subject(person);
  complete.add_events("purpose_complete");
  *complete.mutable_usage() = Use("privacy_staff", person);
  EXPECT_EQ(Reveal("customer", order, "name"), "OK");
  vault_.now += absl::Hours(1);
  ASSERT_EQ(vault_.Call("privacy_staff", "UpdateSubject", complete).name(), "OK");
  EXPECT_EQ(Reveal("customer", order, "name"), "RETENTION_OVER");
  EXPECT_EQ(Reveal("privacy_staff", order, "payment_record"), "KEPT_BY_LAW");
  EXPECT_EQ(Reveal("chief_privacy_officer", order, "payment_record", "H0"), "OK");
  EXPECT_EQ(Reveal("customer", order, "payment_record"), "OK");

  EXPECT_EQ(DestroyWhatIsDue(), 1);
  EXPECT_EQ(Value("chief_privacy_officer", order, "payment_record", "H0"), "paid 100");
  vault_.now = At("Asia/Seoul", "2029-02-28 23:59:59");
  EXPECT_EQ(DestroyWhatIsDue(), 0);
  EXPECT_EQ(Value("chief_privacy_officer", order, "payment_record", "H0"), "paid 100");
  vault_.now = At("Asia/Seoul", "2029-03-01 00:00:00");
  EXPECT_EQ(DestroyWhatIsDue(), 1);
  EXPECT_EQ(Reveal("chief_privacy_officer", order, "payment_record", "H0"), "NOT_FOUND");
}

}  // namespace
}  // namespace piivault::vault
