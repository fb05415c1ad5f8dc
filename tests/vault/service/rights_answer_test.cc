// Requests of people: confirmed, refused, completed.
#include <gmock/gmock.h>

#include <string>

#include "tests/vault/service/rights_fixture.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using RightsAnswerTest = RightsTest;

TEST_F(RightsAnswerTest, WhoAsksDoesNotAnswer) {
  const std::string name = Asked("person", hanako_, "own", "access", {"customer.name"});
  EXPECT_EQ(Confirm("person", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Refuse("person", name, Because("contract_active_without_termination")).name(),
            "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("person", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("payer", name).name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(Complete("shop", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(StateOf("desk", name), v1::SUBJECT_REQUEST_STATE_OPEN);
}

TEST_F(RightsAnswerTest, NothingIsDoneBeforeItWasSeenWhoAsks) {
  const std::string name = Asked("person", hanako_, "shown", "access", {"customer.name"});
  EXPECT_EQ(Complete("desk", name).name(), "IDENTITY_NOT_CONFIRMED");
  EXPECT_EQ(Confirm("desk", name, "").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Confirm("desk", name, "good friends").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Confirm("desk", name, "known_voice").name(), "MALFORMED_REQUEST")
      << "the right names what it takes";
  const Result confirmed = Confirm("desk", name);
  ASSERT_EQ(confirmed.name(), "OK");
  EXPECT_EQ(confirmed.entry.arguments().at("request.method"), "passport");
  EXPECT_EQ(Seen("person", name).identity().method(), "passport");
  ASSERT_EQ(Complete("desk", name).name(), "OK");
  const v1::SubjectRequest seen = Seen("person", name);
  EXPECT_EQ(seen.state(), v1::SUBJECT_REQUEST_STATE_COMPLETED);
  EXPECT_THAT(seen.done_fields(), ElementsAre("customer.name"));
  EXPECT_TRUE(seen.has_complete_time());
  EXPECT_EQ(Complete("desk", name).name(), "REQUEST_CLOSED");
  EXPECT_THAT(List("desk", hanako_, true).As<v1::ListRequestsResponse>().requests(), IsEmpty());
}

TEST_F(RightsAnswerTest, ALoginOfThePersonsIsEnoughWhereThePolicySaysSo) {
  const std::string own = Asked("person", hanako_, "correct", "correct", {"customer.note"});
  ASSERT_EQ(Change(customer_, "note", "corrected"), "OK");
  EXPECT_EQ(Complete("desk", own).name(), "OK");
  const std::string told = Asked("desk", hanako_, "correct", "correct", {"customer.note"});
  ASSERT_EQ(Change(customer_, "note", "again"), "OK");
  EXPECT_EQ(Complete("desk", told).name(), "IDENTITY_NOT_CONFIRMED");
}

TEST_F(RightsAnswerTest, AnErasureIsDoneWhenNoRecordHasAValueNorHadOne) {
  const std::string name =
      Asked("person", hanako_, "own", "erase", {"customer.email", "customer.note"});
  ASSERT_EQ(Confirm("desk", name).name(), "OK");
  const Result early = Complete("desk", name);
  EXPECT_EQ(early.name(), "REQUEST_NOT_CARRIED_OUT");
  EXPECT_THAT(early.denied_fields, UnorderedElementsAre("customer.email", "customer.note"));
  ASSERT_EQ(Change(customer_, "note", ""), "OK");
  // In another record of hers, too.
  const std::string second = AddRecord("customer", {{"email", "second@example.jp"}});
  ASSERT_EQ(Change(customer_, "email", ""), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("customer.email"));
  ASSERT_EQ(Change(second, "email", "third@example.jp"), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("customer.email"));
  ASSERT_EQ(Change(second, "email", ""), "OK");
  EXPECT_EQ(StateOf("desk", name), v1::SUBJECT_REQUEST_STATE_OPEN);
  const Result done = Complete("desk", name);
  ASSERT_EQ(done.name(), "OK") << testing::PrintToString(done.denied_fields);
  EXPECT_THAT(done.entry.items(0).fields(), ElementsAre("customer.email", "customer.note"));
  EXPECT_EQ(StateOf("person", name), v1::SUBJECT_REQUEST_STATE_COMPLETED);
}

TEST_F(RightsAnswerTest, AStopIsDoneWhenUseIsStoppedForAllPurposes) {
  const std::string name =
      Asked("desk", hanako_, "own", "stop_use", {"customer.email", "pay.account"});
  ASSERT_EQ(Confirm("desk", name).name(), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "REQUEST_NOT_CARRIED_OUT");
  ASSERT_EQ(Stop("customer.email", "order"), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("customer.email", "pay.account"));
  ASSERT_EQ(Stop("customer.email"), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("pay.account"));
  ASSERT_EQ(Stop("pay.*"), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "OK");
  const std::string all = Asked("desk", hanako_, "own", "stop_use", {"customer.name"});
  ASSERT_EQ(Confirm("desk", all).name(), "OK");
  EXPECT_EQ(Complete("desk", all).name(), "REQUEST_NOT_CARRIED_OUT");
  ASSERT_EQ(Stop(""), "OK");
  EXPECT_EQ(Complete("desk", all).name(), "OK");
}

TEST_F(RightsAnswerTest, ACorrectionIsDoneWhenARecordWasWrittenSince) {
  vault_.now += absl::Seconds(1);
  const std::string name =
      Asked("person", hanako_, "correct", "correct", {"customer.email", "customer.note"});
  ASSERT_EQ(Change(pay_, "note", "that of a payment"), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "REQUEST_NOT_CARRIED_OUT");
  EXPECT_FALSE(Seen("desk", name).done_fields_size() > 0);
  ASSERT_EQ(Change(customer_, "email", "right@example.jp"), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("customer.note"))
      << "of another field";
  ASSERT_EQ(Change(customer_, "name", "山田 花"), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("customer.note"));
  ASSERT_EQ(Change(customer_, "note", ""), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "OK");
}

TEST_F(RightsAnswerTest, OfWhatIsNotThereNothingIsToBeCorrected) {
  ASSERT_EQ(Change(customer_, "note", ""), "OK");
  const std::string second = AddRecord("customer", {{"note", "wrong"}});
  vault_.now += absl::Seconds(1);
  const std::string name = Asked("person", hanako_, "correct", "correct", {"customer.note"});
  ASSERT_EQ(Change(customer_, "name", "山田 花"), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "REQUEST_NOT_CARRIED_OUT")
      << "it was cleared in one record before, and is wrong in the other";
  v1::DeleteRecordRequest gone;
  gone.set_name(second);
  ASSERT_EQ(vault_.Call("shop", "DeleteRecord", gone).name(), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "OK");
}

TEST_F(RightsAnswerTest, ARefusalNamesItsGroundAndWhoAskedIsTold) {
  const std::string name =
      Asked("person", hanako_, "own", "erase", {"customer.email", "customer.note"});
  EXPECT_EQ(Refuse("desk", name, Because("")).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Refuse("desk", name, Because("no reason at all")).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Refuse("desk", name, Because("no_legal_duty", {}, "JP-APPI", "35")).name(),
            "GROUND_NOT_ADMITTED");
  EXPECT_THAT(Refuse("desk", name, Because("statute_or_legal_duty")).denied_fields,
              ElementsAre("refusal.law"));
  EXPECT_EQ(Refuse("desk", name, Because("statute_or_legal_duty", {}, "JP-tax", "a b")).name(),
            "MALFORMED_REQUEST");
  const Result refused = Refuse(
      "desk", name, Because("statute_or_legal_duty", {"customer.note"}, "JP-tax", "art.126"));
  ASSERT_EQ(refused.name(), "OK");
  EXPECT_EQ(refused.entry.arguments().at("request.ground"), "statute_or_legal_duty");
  EXPECT_EQ(refused.entry.arguments().at("request.law"), "JP-tax");
  EXPECT_EQ(refused.entry.arguments().at("request.article"), "art.126");
  EXPECT_THAT(refused.entry.items(0).fields(), ElementsAre("customer.note"));
  const v1::SubjectRequest seen = Seen("person", name);
  EXPECT_EQ(seen.state(), v1::SUBJECT_REQUEST_STATE_OPEN);
  EXPECT_THAT(seen.open_fields(), ElementsAre("customer.email"));
  ASSERT_THAT(seen.refusals(), SizeIs(1));
  EXPECT_EQ(seen.refusals(0).ground(), "statute_or_legal_duty");
  EXPECT_EQ(seen.refusals(0).article(), "art.126");
  EXPECT_FALSE(seen.refusals(0).lapsed());
}

TEST_F(RightsAnswerTest, ARefusalIsAboutTheRequestsOpenFields) {
  const std::string name = Asked("desk", hanako_, "own", "erase", {"customer.*"});
  const auto contract = [&](const Fields& fields) {
    return Refuse("desk", name, Because("contract_active_without_termination", fields)).name();
  };
  EXPECT_EQ(contract({"pay.account"}), "MALFORMED_REQUEST");
  EXPECT_EQ(contract({"pay.other"}), "FIELD_UNKNOWN");
  EXPECT_EQ(contract({""}), "FIELD_UNKNOWN");
  ASSERT_EQ(contract({"customer.name"}), "OK");
  ASSERT_EQ(Confirm("desk", name).name(), "OK");
  ASSERT_EQ(Change(customer_, "email", ""), "OK");
  ASSERT_EQ(Change(customer_, "note", ""), "OK");
  ASSERT_EQ(Complete("desk", name).name(), "OK");
  EXPECT_EQ(contract({"customer.note"}), "REQUEST_CLOSED") << "it is done";
  EXPECT_EQ(contract({}), "REQUEST_CLOSED") << "nothing is open";
  EXPECT_EQ(StateOf("desk", name), v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED);
}

TEST_F(RightsAnswerTest, HarmToOthersIsForWhoApprovesExceptions) {
  const std::string name = Asked("person", hanako_, "own", "access", {"customer.note"});
  EXPECT_EQ(Refuse("desk", name, Because("harm_to_others")).name(), "OPERATION_NOT_GRANTED");
  v1::RequestRefusal unweighed = Because("harm_to_others");
  unweighed.clear_document_sha256();
  EXPECT_EQ(Refuse("chief", name, unweighed).name(), "MALFORMED_REQUEST");
  unweighed.set_document_sha256("beef");
  EXPECT_EQ(Refuse("chief", name, unweighed).name(), "MALFORMED_REQUEST");
  const Result refused = Refuse("chief", name, Because("harm_to_others"));
  ASSERT_EQ(refused.name(), "OK");
  EXPECT_THAT(refused.entry.items(0).grants(), ElementsAre("chief-works"));
  ASSERT_THAT(refused.entry.items(), SizeIs(2));
  EXPECT_THAT(refused.entry.items(1).grants(), ElementsAre("chief-approves"));
  EXPECT_EQ(refused.entry.arguments().at("request.document"), kRightsDocument);
  EXPECT_EQ(Seen("person", name).refusals(0).document_sha256(), kRightsDocument);
}

TEST_F(RightsAnswerTest, WhatWasRefusedForHarmNobodyElseRefusesAnew) {
  const std::string name =
      Asked("person", hanako_, "own", "access", {"customer.note", "customer.name"});
  ASSERT_EQ(Refuse("chief", name, Because("harm_to_others", {"customer.note"})).name(), "OK");
  const v1::RequestRefusal contract = Because("contract_active_without_termination", {});
  EXPECT_EQ(
      Refuse("desk", name, Because("contract_active_without_termination", {"customer.*"})).name(),
      "MALFORMED_REQUEST")
      << "e-mail was not asked for";
  EXPECT_EQ(Refuse("desk", name, Because("contract_active_without_termination", {"customer.note"}))
                .name(),
            "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Refuse("desk", name, contract).name(), "OK") << "the other field";
  EXPECT_THAT(Seen("person", name).refusals(), SizeIs(2));
  EXPECT_EQ(Refuse("chief", name, Because("contract_active_without_termination", {"customer.note"}))
                .name(),
            "OK");
}

TEST_F(RightsAnswerTest, TheContractIsNoGroundOnceItIsToEnd) {
  const v1::RequestRefusal contract = Because("contract_active_without_termination");
  const std::string name = Asked("person", hanako_, "own", "stop_use", {"customer.note"});
  ASSERT_EQ(Refuse("desk", name, contract).name(), "OK");
  EXPECT_EQ(StateOf("person", name), v1::SUBJECT_REQUEST_STATE_REFUSED);
  EXPECT_EQ(Complete("desk", name).name(), "REQUEST_CLOSED");
  const std::string end = Asked("person", hanako_, "end", "terminate", {"customer.*"});
  const v1::SubjectRequest open = Seen("person", name);
  EXPECT_EQ(open.state(), v1::SUBJECT_REQUEST_STATE_OPEN);
  EXPECT_TRUE(open.refusals(0).lapsed());
  EXPECT_EQ(Refuse("desk", name, contract).name(), "GROUND_NOT_ADMITTED");
  // Taken back, the intent is gone; what was refused stays open until it is refused anew.
  ASSERT_EQ(Withdraw("person", end).name(), "OK");
  EXPECT_EQ(StateOf("person", name), v1::SUBJECT_REQUEST_STATE_OPEN);
  ASSERT_EQ(Refuse("desk", name, contract).name(), "OK");
  // The end itself, and another contract after it.
  ASSERT_EQ(SetContract(false), "OK");
  ASSERT_EQ(SetContract(true), "OK");
  EXPECT_EQ(StateOf("person", name), v1::SUBJECT_REQUEST_STATE_OPEN);
  ASSERT_EQ(Confirm("desk", name).name(), "OK");
  ASSERT_EQ(Stop("customer.note"), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "OK");
}

TEST_F(RightsAnswerTest, AnEndOfTheContractIsDoneWhenItHasEnded) {
  const std::string end = Asked("person", hanako_, "end", "terminate", {"customer.*"});
  EXPECT_TRUE(Seen("desk", end).checked_by_vault());
  EXPECT_EQ(Complete("desk", end).name(), "REQUEST_NOT_CARRIED_OUT");
  ASSERT_EQ(SetContract(false), "OK");
  EXPECT_EQ(Complete("desk", end).name(), "OK");
}

TEST_F(RightsAnswerTest, ATenantAsksAndDoesNotAnswer) {
  const std::string name = Asked("owner", hanako_, "told", "access", {"customer.name"});
  EXPECT_EQ(Confirm("owner", name, "login").name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("owner", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("desk", name).name(), "OK");
}

TEST_F(RightsAnswerTest, ARefusedAttemptIsEnteredWithThePersonAndTheGround) {
  const std::string name = Asked("person", hanako_, "own", "access", {"customer.note"});
  const Result tried = Refuse("desk", name, Because("no_legal_duty", {}, "JP-APPI", "33"));
  EXPECT_EQ(tried.name(), "GROUND_NOT_ADMITTED");
  EXPECT_EQ(tried.entry.arguments().at("request.ground"), "no_legal_duty");
  ASSERT_THAT(tried.entry.items(), SizeIs(1));
  EXPECT_FALSE(tried.entry.items(0).subject_ref().empty());
  EXPECT_THAT(tried.entry.items(0).fields(), IsEmpty());
  const Result denied = Complete("payer", name);
  EXPECT_EQ(denied.name(), "FIELD_NOT_GRANTED");
  ASSERT_THAT(denied.entry.items(), SizeIs(1));
  EXPECT_FALSE(denied.entry.items(0).subject_ref().empty());
}

// A record comes in while the erasure is said to be done: one of the two goes first, and the other
// sees it.
TEST_F(RightsAnswerTest, ARecordThatComesInMeanwhileIsSeen) {
  const std::string name = Asked("desk", hanako_, "own", "erase", {"customer.note"});
  ASSERT_EQ(Confirm("desk", name).name(), "OK");
  ASSERT_EQ(Change(customer_, "note", ""), "OK");
  v1::CompleteRequestRequest request;
  request.set_name(name);
  *request.mutable_usage() = Use("desk", hanako_);
  VaultFixture::Open complete(vault_, "desk", "CompleteRequest", request);
  complete.Next();
  AddRecord("customer", {{"note", "back"}});
  EXPECT_EQ(complete.Commit().name(), "CONFLICT");
  complete.Next();
  EXPECT_EQ(complete.Commit().name(), "REQUEST_NOT_CARRIED_OUT");
}

}  // namespace
}  // namespace piivault::vault
