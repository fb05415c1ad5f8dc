// Requests of people under the operators' policies as they ship: clauses of their texts, by number.
#include <gmock/gmock.h>

#include <map>
#include <string>

#include "tests/vault/service/operator_rights_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class SnsHelperRequestsTest : public OperatorRightsTest {
 protected:
  SnsHelperRequestsTest() {
    UsePolicy("sns-helper");
    PutPapers({"security_pledge", "training"});
    for (const char* staff : {"privacy_staff", "chief_privacy_officer", "marketing_cs"}) {
      PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    }
    for (const char* service : {"order_service", "customer"}) {
      PutPrincipal(service, v1::PRINCIPAL_KIND_SERVICE);
    }
    speak_for_ = {"customer"};
    order_ = Create("order_service", "S1", "svc", "web",
                    {{"name", "Kim Hana"},
                     {"phone", "090-1234-5678"},
                     {"billing_record", "billed 100"},
                     {"payment_record", "paid 100"}});
    person_ = PersonOf(order_);
  }

  std::string order_, person_;
};

// 001-42: a refusal has one of the three grounds, and a correction is not refused.
TEST_F(SnsHelperRequestsTest, GroundsAreAClosedListAndNoneIsForACorrection) {
  const std::string name = Asked("customer", person_, "own", "erase", {"svc.phone"});
  EXPECT_EQ(Refuse("chief_privacy_officer", name, Because("")).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Refuse("chief_privacy_officer", name, Because("we would rather not")).name(),
            "MALFORMED_REQUEST");
  for (const char* other : {"no_legal_duty", "category_not_covered", "untrue", "other"}) {
    const std::string law = std::string(other) == "no_legal_duty" ? "KR-PIPA" : "";
    EXPECT_EQ(
        Refuse("chief_privacy_officer", name, Because(other, {}, law, law.empty() ? "" : "35"))
            .name(),
        "GROUND_NOT_ADMITTED")
        << other;
  }
  const std::string correction = Asked("customer", person_, "correct", "correct", {"svc.phone"});
  EXPECT_EQ(Refuse("chief_privacy_officer", correction,
                   Because("statute_or_legal_duty", {}, "KR-PIPA", "36"))
                .name(),
            "GROUND_NOT_ADMITTED");
  EXPECT_EQ(Refuse("chief_privacy_officer", correction, Because("harm_to_others")).name(),
            "GROUND_NOT_ADMITTED");
  EXPECT_EQ(
      Refuse("chief_privacy_officer", correction, Because("contract_active_without_termination"))
          .name(),
      "GROUND_NOT_ADMITTED");
}

// 001-43: what a statute keeps is refused with the statute; all else that was asked for is gone.
TEST_F(SnsHelperRequestsTest, WhatAStatuteKeepsIsRefusedAndTheRestErased) {
  const std::string name = Asked("customer", person_, "own", "erase", {"svc.*"});
  ASSERT_EQ(Confirm("privacy_staff", name, "call_back").name(), "OK");
  const Fields kept = {"svc.billing_record", "svc.payment_record"};
  EXPECT_THAT(Refuse("privacy_staff", name, Because("statute_or_legal_duty", kept)).denied_fields,
              ElementsAre("refusal.law"));
  EXPECT_THAT(
      Refuse("privacy_staff", name, Because("statute_or_legal_duty", kept, "KR-NationalTaxBasic"))
          .denied_fields,
      ElementsAre("refusal.article"));
  ASSERT_EQ(Refuse("privacy_staff", name,
                   Because("statute_or_legal_duty", kept, "KR-NationalTaxBasic", "85-3"))
                .name(),
            "OK");
  const Result early = Complete("privacy_staff", name);
  EXPECT_EQ(early.name(), "REQUEST_NOT_CARRIED_OUT");
  EXPECT_THAT(early.denied_fields, UnorderedElementsAre("svc.name", "svc.phone"));
  ASSERT_EQ(Clear("privacy_staff", order_, {"name", "phone"}), "OK");
  ASSERT_EQ(Complete("privacy_staff", name).name(), "OK");
  const v1::SubjectRequest seen = Seen("customer", name);
  EXPECT_EQ(seen.state(), v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED);
  ASSERT_THAT(seen.refusals(), SizeIs(1));
  EXPECT_EQ(seen.refusals(0).law(), "KR-NationalTaxBasic");
  EXPECT_EQ(Value("chief_privacy_officer", order_, "payment_record", "H0"), "paid 100");
  EXPECT_EQ(Value("privacy_staff", order_, "name"), "");
}

// 001-44: whether others are harmed the officer decides, and whoever asked is told the ground.
TEST_F(SnsHelperRequestsTest, HarmToOthersIsTheOfficersAlone) {
  const std::string name = Asked("customer", person_, "own", "access", {"svc.phone"});
  for (const char* who : {"marketing_cs", "privacy_staff", "order_service", "customer"}) {
    const Result refused = Refuse(who, name, Because("harm_to_others"));
    EXPECT_EQ(authz::ReasonCode(refused.reason), absl::StatusCode::kPermissionDenied) << who;
  }
  EXPECT_THAT(Seen("customer", name).refusals(), IsEmpty());
  ASSERT_EQ(Refuse("chief_privacy_officer", name, Because("harm_to_others")).name(), "OK");
  const v1::SubjectRequest seen = Seen("customer", name);
  EXPECT_EQ(seen.state(), v1::SUBJECT_REQUEST_STATE_REFUSED);
  EXPECT_EQ(seen.refusals(0).ground(), "harm_to_others");
}

// 001-45: that the contract needs the data is a ground until the customer wants to end it; then the
// request is open again, and carried out.
TEST_F(SnsHelperRequestsTest, TheContractIsAGroundUntilItIsToEnd) {
  const std::string name = Asked("customer", person_, "own", "stop_processing", {"svc.phone"});
  const v1::RequestRefusal contract = Because("contract_active_without_termination");
  ASSERT_EQ(Refuse("privacy_staff", name, contract).name(), "OK");
  EXPECT_EQ(StateOf("customer", name), v1::SUBJECT_REQUEST_STATE_REFUSED);
  Asked("customer", person_, "end", "terminate", {"svc.*"});
  EXPECT_EQ(StateOf("customer", name), v1::SUBJECT_REQUEST_STATE_OPEN);
  EXPECT_EQ(Refuse("privacy_staff", name, contract).name(), "GROUND_NOT_ADMITTED");
  ASSERT_EQ(Confirm("privacy_staff", name, "call_back").name(), "OK");
  ASSERT_EQ(Stop("privacy_staff", person_, "svc.phone"), "OK");
  ASSERT_EQ(Complete("privacy_staff", name).name(), "OK");
  EXPECT_EQ(StateOf("customer", name), v1::SUBJECT_REQUEST_STATE_COMPLETED);
}

// 001-27: of consultations only what is about a dispute is kept, by the statute; of others nothing
// is.
TEST_F(SnsHelperRequestsTest, OnlyTheDisputeOfAConsultationIsKept) {
  for (const bool dispute : {false, true}) {
    const std::string record = Create("shop", "intake", "consult", "phone",
                                      {{"name", "Kim Hana"}, {"phone", "090-1234-5678"}});
    const std::string person = PersonOf(record);
    v1::OpenMatterRequest matter;
    matter.set_parent(person);
    matter.mutable_matter()->set_kind("consultation");
    matter.mutable_matter()->set_id("C-1");
    matter.mutable_usage()->set_purpose("intake");
    ASSERT_EQ(vault_.Call("shop", "OpenMatter", matter).name(), "OK");
    if (dispute) {
      v1::UpdateRecordRequest update;
      update.set_name(record);
      (*update.mutable_fields())["dispute_record"] = "goods were broken";
      update.mutable_provenance()->set_channel("phone");
      update.mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
      update.mutable_usage()->set_purpose("K3");
      (*update.mutable_usage()->mutable_arguments())["consultation"] = "C-1";
      ASSERT_EQ(vault_.Call("marketing_cs", "UpdateRecord", update).name(), "OK");
    }
    const std::string name = Asked("customer", person, "own", "erase", {"consult.*"});
    ASSERT_EQ(Confirm("privacy_staff", name, "call_back").name(), "OK");
    ASSERT_EQ(Clear("privacy_staff", record, {"name", "phone"}), "OK");
    if (dispute) {
      EXPECT_THAT(Complete("privacy_staff", name).denied_fields,
                  ElementsAre("consult.dispute_record"));
      ASSERT_EQ(Refuse("privacy_staff", name,
                       Because("statute_or_legal_duty", {"consult.dispute_record"}, "KR-Ecommerce",
                               "6-3"))
                    .name(),
                "OK");
    }
    ASSERT_EQ(Complete("privacy_staff", name).name(), "OK");
    EXPECT_EQ(StateOf("customer", name), dispute ? v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED
                                                 : v1::SUBJECT_REQUEST_STATE_COMPLETED);
  }
}

// 001-37, 001-38: each of the four kinds is taken at any time, and none is carried out before it
// was seen who asks.
TEST_F(SnsHelperRequestsTest, EachKindIsTakenAndNoneCarriedOutForAStranger) {
  for (const char* kind : {"access", "erase", "stop_processing", "correct"}) {
    const std::string right = std::string(kind) == "correct" ? "correct" : "own";
    const std::string name = Asked("customer", person_, right, kind, {"svc.name"});
    EXPECT_EQ(Complete("privacy_staff", name).name(), "IDENTITY_NOT_CONFIRMED") << kind;
  }
}

// 001-39: while a correction is open the field is neither used nor counted on; those who correct it
// and the customer see it.
TEST_F(SnsHelperRequestsTest, WhatIsToBeCorrectedIsNotUsed) {
  EXPECT_EQ(Reveal("privacy_staff", order_, "phone"), "OK");
  const std::string name = Asked("customer", person_, "correct", "correct", {"svc.phone"});
  EXPECT_EQ(Reveal("privacy_staff", order_, "phone"), "OK");
  EXPECT_EQ(Reveal("customer", order_, "phone"), "OK");
  EXPECT_EQ(Reveal("chief_privacy_officer", order_, "billing_record", "S7"), "OK");
  const std::string bills =
      Asked("customer", person_, "correct", "correct", {"svc.billing_record"});
  EXPECT_EQ(Reveal("chief_privacy_officer", order_, "billing_record", "S7"), "SUBJECT_RESTRICTED");
  EXPECT_EQ(Reveal("chief_privacy_officer", order_, "billing_record", "R0"), "OK");
  ASSERT_EQ(Confirm("privacy_staff", bills, "login").name(), "OK");
  EXPECT_EQ(Complete("privacy_staff", bills).name(), "REQUEST_NOT_CARRIED_OUT");
}

class CorezoRequestsTest : public OperatorRightsTest {
 protected:
  CorezoRequestsTest() {
    UsePolicy("corezo");
    PutPapers({"work_rules", "acknowledgement"},
              FromHex("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"));
    for (const char* staff : {"support", "info_manager"}) {
      PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    }
    for (const char* service : {"order_service", "member"}) {
      PutPrincipal(service, v1::PRINCIPAL_KIND_SERVICE);
    }
    speak_for_ = {"member"};
    record_ = Create("order_service", "P1.register", "id", "provided",
                     {{"name", "山田 花子"}, {"phone", "090-1234-5678"}});
    person_ = PersonOf(record_);
  }

  std::string record_, person_;
};

// 002-39: where the law asks for no disclosure of a field, that one is refused with the article;
// the rest is disclosed, and the notice lists the ground.
TEST_F(CorezoRequestsTest, ADisclosureIsRefusedInPartWithItsArticle) {
  const std::string name =
      Asked("member", person_, "disclose", "disclose", {"id.name", "id.phone"});
  ASSERT_EQ(Confirm("support", name).name(), "OK");
  ASSERT_EQ(
      Refuse("support", name, Because("no_legal_duty", {"id.phone"}, "JP-APPI", "33-2-1")).name(),
      "OK");
  ASSERT_EQ(Complete("support", name).name(), "OK");
  const v1::SubjectRequest seen = Seen("member", name);
  EXPECT_EQ(seen.state(), v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED);
  EXPECT_THAT(seen.done_fields(), ElementsAre("id.name"));
  ASSERT_THAT(seen.refusals(), SizeIs(1));
  EXPECT_THAT(seen.refusals(0).fields(), ElementsAre("id.phone"));
  EXPECT_EQ(seen.refusals(0).ground(), "no_legal_duty");
  EXPECT_EQ(seen.refusals(0).law(), "JP-APPI");
  EXPECT_EQ(seen.refusals(0).article(), "33-2-1");
}

// 002-48: that the law imposes no duty of correction, stop or erasure takes the article.
TEST_F(CorezoRequestsTest, WantOfADutyIsSaidWithTheArticle) {
  const std::string correct =
      Asked("member", person_, "correct", "correct", {"id.phone"}, "untrue");
  const std::string stop =
      Asked("member", person_, "stop-on-ground", "stop_use", {"id.phone"}, "wrongful_acquisition");
  const std::string erase = Asked("member", person_, "erase", "erase", {"id.phone"});
  for (const std::string& name : {correct, stop, erase}) {
    for (const auto& [law, article] :
         std::map<std::string, std::string>{{"", ""}, {"JP-APPI", ""}}) {
      EXPECT_EQ(
          authz::ReasonCode(
              Refuse("info_manager", name, Because("no_legal_duty", {}, law, article)).reason),
          absl::StatusCode::kInvalidArgument);
    }
    EXPECT_EQ(Refuse("info_manager", name, Because("no_legal_duty", {}, "JP-APPI", "34-1")).name(),
              "OK");
    EXPECT_EQ(StateOf("member", name), v1::SUBJECT_REQUEST_STATE_REFUSED);
  }
}

// 002-30: what the service cannot do without is not stopped while the contract lasts; with the
// withdrawal it is, and nothing more is collected.
TEST_F(CorezoRequestsTest, AnEssentialItemIsStoppedByWithdrawalAlone) {
  EXPECT_EQ(Stop("member", person_, "id.name"), "ESSENTIAL");
  EXPECT_EQ(Stop("member", person_, "id.phone"), "OK");
  Create("order_service", "P1.register", "id", "provided", {{"name", "山田 花子"}}, person_);
  v1::UpdateSubjectRequest withdraws;
  withdraws.set_subject(person_);
  withdraws.set_contract_active(false);
  *withdraws.mutable_usage() = Use("info_manager", person_);
  const std::string end = Asked("member", person_, "withdraw", "terminate", {"id.*"});
  ASSERT_EQ(vault_.Call("info_manager", "UpdateSubject", withdraws).name(), "OK");
  EXPECT_EQ(Complete("info_manager", end).name(), "OK");
  EXPECT_EQ(Stop("member", person_, "id.name"), "OK");
  v1::CreateRecordRequest again = VaultFixture::NewCustomer({{"name", "山田 花子"}});
  again.mutable_record()->set_type("id");
  again.mutable_record()->set_subject(person_);
  again.mutable_record()->mutable_provenance()->set_channel("provided");
  again.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
  again.mutable_usage()->set_purpose("P1.register");
  EXPECT_EQ(vault_.Call("order_service", "CreateRecord", again).name(), "CONTRACT_ENDED");
}

class PriusproRequestsTest : public OperatorRightsTest {
 protected:
  // Whether people may have their data erased is for the installation to say.
  void Offer(const std::string& answer) {
    std::string values = ReadPolicy("priuspro.values.yaml");
    const std::string offered = "erasure_offered: not_held";
    values.replace(values.find(offered), offered.size(), "erasure_offered: " + answer);
    vault_.SetPolicy("default", ReadPolicy("priuspro.yaml"), values);
    vault_.BuildIndexes();
  }
};

// 004-46: where erasure is offered, what the tax law keeps is refused with it, and the rest goes.
TEST_F(PriusproRequestsTest, PaymentsAreKeptForTheTaxAndTheRestGoes) {
  Offer("formal_notice");
  PutPapers({"nda_contract", "pledge", "training"});
  for (const char* staff : {"sales_office", "customer_info_desk"}) {
    PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
  }
  PutPrincipal("id_holder", v1::PRINCIPAL_KIND_SERVICE);
  speak_for_ = {"id_holder"};
  const std::string record = Create("sales_office", "A", "pi", "", {{"name", "山田 花子"}});
  const std::string person = PersonOf(record);
  const std::string pay = Create("sales_office", "E", "pay", "", {{"record", "paid 100"}}, person);
  const std::string name =
      Asked("id_holder", person, "erasure", "erase", {"pi.name", "pay.record"});
  ASSERT_EQ(Confirm("customer_info_desk", name, "passport").name(), "OK");
  ASSERT_EQ(Clear("id_holder", record, {"name"}), "OK");
  EXPECT_THAT(Complete("customer_info_desk", name).denied_fields, ElementsAre("pay.record"));
  ASSERT_EQ(Refuse("customer_info_desk", name,
                   Because("statute_or_legal_duty", {"pay.record"}, "JP-tax", "126-1"))
                .name(),
            "OK");
  ASSERT_EQ(Complete("customer_info_desk", name).name(), "OK");
  EXPECT_EQ(StateOf("id_holder", name), v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED);

  Offer("not_held");
  EXPECT_EQ(Open("id_holder", person, "erasure", "erase", {"pi.name"}).name(), "RIGHT_NOT_GIVEN");
}

class BiglobeRequestsTest : public OperatorRightsTest {
 protected:
  BiglobeRequestsTest() {
    std::string values = ReadPolicy("biglobe.values.yaml");
    const std::string refuse = "unknown_age: refuse";
    values.replace(values.find(refuse), refuse.size(), "unknown_age: allow");
    vault_.SetPolicy("default", ReadPolicy("biglobe.yaml"), values);
    vault_.BuildIndexes();
    PutPrincipal("complaints_desk", v1::PRINCIPAL_KIND_STAFF);
    PutPrincipal("pi_executive", v1::PRINCIPAL_KIND_STAFF);
    for (const char* service : {"intake", "subject"}) {
      PutPrincipal(service, v1::PRINCIPAL_KIND_SERVICE);
    }
    speak_for_ = {"subject"};
    vault_.Put([&](StateChange& change) {
      storage::v1::PersonRow person;
      person.set_name("ito");
      person.set_employment(v1::EMPLOYMENT_OFFICER);
      storage::v1::AttestationRow& nda = *person.add_attestations();
      nda.set_id(SystemRandom().Id128().ToText());
      nda.set_kind("nda_contract");
      nda.set_document_sha256(std::string(32, 'd'));
      nda.set_signatory("ito");
      nda.set_signed_micros(absl::ToUnixMicros(vault_.now - absl::Hours(24)));
      change.PutPerson(person);
    });
    record_ = Create("intake", "C1.operate", "c1", "form", {{"name", "山田 花子"}});
    person_ = PersonOf(record_);
  }

  std::string record_, person_;
};

// 003-38: the purposes are told unless one of the act's three exceptions applies, which the officer
// approves by its code; and these are no ground for refusing anything else.
TEST_F(BiglobeRequestsTest, PurposesAreWithheldWithACodeOnly) {
  const std::string name = Asked("subject", person_, "requests", "purpose_notice", {"c1.name"});
  EXPECT_EQ(authz::ReasonCode(Refuse("pi_executive", name, Because("")).reason),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Refuse("pi_executive", name, Because("APPI-18-4-9")).name(), "GROUND_NOT_ADMITTED");
  EXPECT_EQ(Refuse("complaints_desk", name, Because("APPI-18-4-1")).name(),
            "OPERATION_NOT_GRANTED");
  ASSERT_EQ(Refuse("pi_executive", name, Because("APPI-18-4-1")).name(), "OK");
  EXPECT_EQ(Seen("subject", name).refusals(0).ground(), "APPI-18-4-1");
  for (const char* kind : {"disclose", "correct", "erase", "stop_use"}) {
    const std::string other = Asked("subject", person_, "requests", kind, {"c1.name"});
    EXPECT_EQ(Refuse("pi_executive", other, Because("APPI-18-4-1")).name(), "GROUND_NOT_ADMITTED")
        << kind;
  }
}

}  // namespace
}  // namespace piivault::vault
