// Requests of people: taken down, confirmed, refused, carried out, listed.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>

#include "tests/vault/service/rights_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr std::string_view kPolicy = R"(policy: requests
timezone: Asia/Tokyo
laws: [JP-APPI, JP-tax]
types:
  customer:
    fields:
      name: person_name
      email: {type: email_address, index: true, history: 3}
      note: free_text
  pay: {fields: {account: free_text, amount: free_text, note: free_text}}
purposes:
  order: {label: {en: Orders}}
  R0: {label: {en: Rights}}
roles:
  shop: {kind: service}
  desk: {kind: staff, nda: none}
  chief: {kind: staff, nda: none}
  clerk: {kind: staff, nda: none}
  robot: {kind: service}
  owner: {kind: tenant}
  payer: {kind: staff, nda: none}
  person: {kind: subject, scope: own_record}
  proxy: {kind: subject, scope: represented}
groups:
  all: [customer.*, pay.*]
grants:
  - {id: shop-all, role: shop, may: [create, update, reveal, search], fields: [all], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, record_consent], types: [customer, pay]}
  - {id: desk-works, role: desk, may: [rights_request, reveal, update, stop_use], fields: [all], for: [R0]}
  - {id: desk-ends, role: desk, may: [update_subject], for: [R0]}
  - {id: robot-works, role: robot, may: [rights_request], fields: [all], for: [R0]}
  - {id: clerk-works, role: clerk, may: [rights_request], fields: [all], for: [R0]}
  - {id: owner-asks, role: owner, may: [rights_request], fields: [all], for: [R0]}
  - {id: chief-works, role: chief, may: [rights_request], fields: [all], for: [R0]}
  - {id: chief-approves, role: chief, may: [approve_exception], for: [R0]}
  - {id: payer-works, role: payer, may: [rights_request], fields: [pay.*], for: [R0]}
  - {id: person-asks, role: person, may: [rights_request, reveal, stop_use, resume_use], fields: [customer.*], for: [R0]}
  - {id: proxy-asks, role: proxy, may: [rights_request], fields: [customer.*], for: [R0]}
consent:
  - {id: other, event: purpose_extension, when: before_use}
rights:
  - {id: own, who: [person, agent], kind: [access, erase, stop_use], fields: [all], identity: required_before_execution,
     refusal: [statute_or_legal_duty, harm_to_others, contract_active_without_termination]}
  - {id: correct, who: person, kind: correct, fields: [all], mode: freeze, freeze: [use, provide], identity: login}
  - {id: end, who: person, kind: terminate, fields: [customer.*], identity: login}
  - {id: told, who: tenant, kind: access, identity: none_stated}
  - {id: shown, who: person, kind: access, identity: required_before_execution, evidence: [passport]}
)";

class RightsTest : public RightsTestBase {
 protected:
  RightsTest() {
    vault_.SetPolicy("default", kPolicy);
    vault_.BuildIndexes();
    PutPapers({});
    for (const char* staff : {"desk", "chief", "payer", "clerk"}) {
      PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    }
    for (const char* service : {"person", "proxy"}) {
      PutPrincipal(service, v1::PRINCIPAL_KIND_SERVICE);
    }
    speak_for_ = {"person"};
    customer_ =
        vault_.Create({{"name", "山田 花子"}, {"email", "hanako@example.jp"}, {"note", "vip"}})
            .record()
            .name();
    hanako_ = PersonOf(customer_);
    pay_ = AddRecord("pay", {{"account", "7654321"}, {"amount", "100"}});
  }

  std::string AddRecord(const std::string& type, std::map<std::string, std::string> fields) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields));
    request.mutable_record()->set_type(type);
    request.mutable_record()->set_subject(hanako_);
    const Result made = vault_.Call("shop", "CreateRecord", request);
    EXPECT_EQ(made.name(), "OK");
    return made.As<v1::CreateRecordResponse>().record().name();
  }
  // Sets a field of one of her records, or clears it.
  std::string Change(const std::string& record, const std::string& field,
                     const std::string& value) {
    vault_.now += absl::Seconds(1);
    v1::UpdateRecordRequest request;
    request.set_name(record);
    if (value.empty()) {
      request.add_clear_fields(field);
    } else {
      (*request.mutable_fields())[field] = value;
    }
    request.mutable_usage()->set_purpose("order");
    return std::string(vault_.Call("shop", "UpdateRecord", request).name());
  }
  std::string Reveal(std::string_view caller, const std::string& field) {
    v1::RevealRecordRequest request;
    request.set_name(customer_);
    request.add_fields(field);
    *request.mutable_usage() = Use(caller, hanako_);
    if (caller == "shop") request.mutable_usage()->set_purpose("order");
    return std::string(vault_.Call(caller, "RevealRecord", request).name());
  }
  std::string Stop(const std::string& fields, const std::string& purpose = "") {
    v1::StopUseRequest request;
    request.set_subject(hanako_);
    request.mutable_stop()->set_fields(fields);
    request.mutable_stop()->set_purpose(purpose);
    *request.mutable_usage() = Use("desk", hanako_);
    return std::string(vault_.Call("desk", "StopUse", request).name());
  }
  std::string SetContract(bool active) {
    v1::UpdateSubjectRequest request;
    request.set_subject(hanako_);
    request.set_contract_active(active);
    *request.mutable_usage() = Use("desk", hanako_);
    const Result result = vault_.Call("desk", "UpdateSubject", request);
    EXPECT_EQ(result.entry.arguments().at("contract"), active ? "active" : "ended");
    return std::string(result.name());
  }

  std::string customer_, pay_, hanako_;
};

TEST_F(RightsTest, IsTakenDownAndListed) {
  const Result opened = Open("person", hanako_, "own", "erase", {"customer.*", "customer.name"});
  ASSERT_EQ(opened.name(), "OK");
  const v1::SubjectRequest& request = opened.As<v1::OpenRequestResponse>().request();
  EXPECT_THAT(request.name(), HasSubstr(hanako_ + "/requests/"));
  EXPECT_THAT(request.fields(), ElementsAre("customer.name", "customer.email", "customer.note"));
  EXPECT_EQ(request.state(), v1::SUBJECT_REQUEST_STATE_OPEN);
  EXPECT_EQ(request.open_time().seconds(), absl::ToUnixSeconds(vault_.now));
  const storage::v1::EntryBody entry = opened.entry;
  ASSERT_THAT(entry.items(), SizeIs(1));
  EXPECT_FALSE(entry.items(0).subject_ref().empty());
  EXPECT_THAT(entry.items(0).fields(),
              ElementsAre("customer.name", "customer.email", "customer.note"));
  EXPECT_THAT(entry.items(0).grants(), ElementsAre("person-asks"));
  EXPECT_EQ(entry.arguments().at("request.right"), "own");
  EXPECT_EQ(entry.arguments().at("request.kind"), "erase");
  EXPECT_THAT(request.name(), HasSubstr(entry.arguments().at("request")));
  for (const char* who : {"person", "desk", "chief"}) {
    EXPECT_EQ(Seen(who, request.name()).right(), "own") << who;
  }
  EXPECT_EQ(Seen("payer", request.name()).name(), "") << "of fields that are none of its business";
  EXPECT_EQ(List("shop", hanako_).name(), "OPERATION_NOT_GRANTED");
}

TEST_F(RightsTest, OfOthersNobodySpeaks) {
  const std::string other = PersonOf(vault_.Create({{"name", "鈴木 一郎"}}).record().name());
  v1::OpenRequestRequest request;
  request.set_subject(hanako_);
  request.mutable_request()->set_right("own");
  request.mutable_request()->set_kind("erase");
  request.mutable_request()->add_fields("customer.name");
  request.mutable_usage()->set_purpose("R0");
  request.mutable_usage()->set_on_behalf_of(other);
  EXPECT_EQ(vault_.Call("person", "OpenRequest", request).name(), "NOT_OWN_RECORD");
  v1::ListRequestsRequest list;
  list.set_subject(hanako_);
  *list.mutable_usage() = request.usage();
  EXPECT_EQ(vault_.Call("person", "ListRequests", list).name(), "NOT_OWN_RECORD");
  EXPECT_EQ(Open("proxy", hanako_, "own", "erase", {"customer.name"}).name(), "SUBJECT_REQUIRED");
}

TEST_F(RightsTest, WhatThePolicyDoesNotGiveIsNotTakenDown) {
  EXPECT_EQ(Open("person", hanako_, "other", "erase", {"customer.name"}).name(), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Open("person", hanako_, "own", "correct", {"customer.name"}).name(), "RIGHT_NOT_GIVEN");
  EXPECT_THAT(Open("person", hanako_, "other", "erase", {"customer.name"}).denied_fields,
              ElementsAre("request.right"));
  EXPECT_THAT(Open("person", hanako_, "own", "correct", {"customer.name"}).denied_fields,
              ElementsAre("request.kind"));
  EXPECT_THAT(Open("desk", hanako_, "end", "terminate", {"pay.note"}).denied_fields,
              ElementsAre("request.fields"));
  EXPECT_EQ(Open("person", hanako_, "own", "erase", {"pay.account"}).name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(Open("person", hanako_, "own", "erase", {}).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Open("person", hanako_, "own", "erase", {""}).name(), "FIELD_UNKNOWN");
  EXPECT_EQ(Open("person", hanako_, "own", "erase", {"customer.age"}).name(), "FIELD_UNKNOWN");
  EXPECT_EQ(Open("desk", hanako_, "own", "erase", Fields(257, "customer.*")).name(),
            "BATCH_TOO_LARGE");
  EXPECT_EQ(Open("shop", hanako_, "own", "erase", {"customer.name"}).name(),
            "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Open("desk", "tenants/default/subjects/" + std::string(26, 'a'), "own", "erase",
                 {"customer.name"})
                .name(),
            "NOT_FOUND");
  EXPECT_THAT(List("desk", hanako_).As<v1::ListRequestsResponse>().requests(), IsEmpty());
}

TEST_F(RightsTest, ARequestIdTakesEffectOnce) {
  v1::OpenRequestRequest request;
  request.set_subject(hanako_);
  request.mutable_request()->set_right("own");
  request.mutable_request()->set_kind("erase");
  request.mutable_request()->add_fields("customer.note");
  *request.mutable_usage() = Use("desk", hanako_);
  request.set_request_id("once");
  const Result first = vault_.Call("desk", "OpenRequest", request);
  ASSERT_EQ(first.name(), "OK");
  const std::string name = first.As<v1::OpenRequestResponse>().request().name();
  ASSERT_EQ(Refuse("desk", name, Because("contract_active_without_termination")).name(), "OK");
  const Result again = vault_.Call("desk", "OpenRequest", request);
  ASSERT_EQ(again.name(), "OK");
  EXPECT_EQ(again.As<v1::OpenRequestResponse>().request().name(), name);
  EXPECT_EQ(again.As<v1::OpenRequestResponse>().request().state(),
            v1::SUBJECT_REQUEST_STATE_REFUSED)
      << "as it stands now";
  EXPECT_THAT(List("desk", hanako_).As<v1::ListRequestsResponse>().requests(), SizeIs(1));
}

TEST_F(RightsTest, WhoAsksDoesNotAnswer) {
  const std::string name = Asked("person", hanako_, "own", "access", {"customer.name"});
  EXPECT_EQ(Confirm("person", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Refuse("person", name, Because("contract_active_without_termination")).name(),
            "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("person", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("payer", name).name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(Complete("shop", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(StateOf("desk", name), v1::SUBJECT_REQUEST_STATE_OPEN);
}

TEST_F(RightsTest, NothingIsDoneBeforeItWasSeenWhoAsks) {
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

TEST_F(RightsTest, ALoginOfThePersonsIsEnoughWhereThePolicySaysSo) {
  const std::string own = Asked("person", hanako_, "correct", "correct", {"customer.note"});
  ASSERT_EQ(Change(customer_, "note", "corrected"), "OK");
  EXPECT_EQ(Complete("desk", own).name(), "OK");
  const std::string told = Asked("desk", hanako_, "correct", "correct", {"customer.note"});
  ASSERT_EQ(Change(customer_, "note", "again"), "OK");
  EXPECT_EQ(Complete("desk", told).name(), "IDENTITY_NOT_CONFIRMED");
}

TEST_F(RightsTest, AnErasureIsDoneWhenNoRecordHasAValueNorHadOne) {
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

TEST_F(RightsTest, AStopIsDoneWhenUseIsStoppedForAllPurposes) {
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

TEST_F(RightsTest, ACorrectionIsDoneWhenARecordWasWrittenSince) {
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

TEST_F(RightsTest, OfWhatIsNotThereNothingIsToBeCorrected) {
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

TEST_F(RightsTest, WhatIsToBeCorrectedIsFrozenMeanwhile) {
  EXPECT_EQ(Reveal("shop", "email"), "OK");
  const std::string name = Asked("person", hanako_, "correct", "correct", {"customer.email"});
  EXPECT_EQ(Reveal("shop", "email"), "SUBJECT_RESTRICTED");
  EXPECT_EQ(Reveal("shop", "note"), "OK") << "of other fields nothing was said";
  EXPECT_EQ(Reveal("desk", "email"), "OK") << "whoever corrects it has to see it";
  EXPECT_EQ(Reveal("person", "email"), "OK");
  v1::SearchRecordsRequest search;
  search.set_parent("tenants/default");
  search.set_type("customer");
  search.set_field("email");
  search.set_value("hanako@example.jp");
  search.mutable_usage()->set_purpose("order");
  const Result found = vault_.Call("shop", "SearchRecords", search);
  ASSERT_EQ(found.name(), "OK");
  EXPECT_THAT(found.As<v1::SearchRecordsResponse>().records(), IsEmpty());
  ASSERT_EQ(Change(customer_, "email", "right@example.jp"), "OK");
  EXPECT_EQ(Reveal("shop", "email"), "SUBJECT_RESTRICTED") << "until it is said to be done";
  ASSERT_EQ(Complete("desk", name).name(), "OK");
  EXPECT_EQ(Reveal("shop", "email"), "OK");
  Asked("person", hanako_, "own", "erase", {"customer.email"});
  EXPECT_EQ(Reveal("shop", "email"), "OK") << "the right does not freeze";
}

TEST_F(RightsTest, ARefusalNamesItsGroundAndWhoAskedIsTold) {
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

TEST_F(RightsTest, ARefusalIsAboutTheRequestsOpenFields) {
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

TEST_F(RightsTest, HarmToOthersIsForWhoApprovesExceptions) {
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

TEST_F(RightsTest, WhatWasRefusedForHarmNobodyElseRefusesAnew) {
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

TEST_F(RightsTest, TheContractIsNoGroundOnceItIsToEnd) {
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

TEST_F(RightsTest, AnEndOfTheContractIsDoneWhenItHasEnded) {
  const std::string end = Asked("person", hanako_, "end", "terminate", {"customer.*"});
  EXPECT_TRUE(Seen("desk", end).checked_by_vault());
  EXPECT_EQ(Complete("desk", end).name(), "REQUEST_NOT_CARRIED_OUT");
  ASSERT_EQ(SetContract(false), "OK");
  EXPECT_EQ(Complete("desk", end).name(), "OK");
}

TEST_F(RightsTest, ARequestIsTakenBackByWhoAsked) {
  const std::string own = Asked("person", hanako_, "correct", "correct", {"customer.email"});
  for (const char* staff : {"desk", "chief"}) {
    EXPECT_EQ(Withdraw(staff, own).name(), "OPERATION_NOT_GRANTED") << staff;
  }
  EXPECT_EQ(Reveal("shop", "email"), "SUBJECT_RESTRICTED");
  ASSERT_EQ(Withdraw("person", own).name(), "OK");
  EXPECT_EQ(Reveal("shop", "email"), "OK");
  EXPECT_EQ(StateOf("person", own), v1::SUBJECT_REQUEST_STATE_WITHDRAWN);
  EXPECT_EQ(Withdraw("person", own).name(), "REQUEST_CLOSED");
  EXPECT_EQ(Complete("desk", own).name(), "REQUEST_CLOSED");
  EXPECT_EQ(Confirm("desk", own).name(), "REQUEST_CLOSED");
  const std::string access = Asked("person", hanako_, "own", "access", {"customer.email"});
  ASSERT_EQ(Withdraw("person", access).name(), "OK");
  for (const Fields& fields : {Fields(), Fields{"customer.email"}}) {
    EXPECT_EQ(Refuse("desk", access, Because("contract_active_without_termination", fields)).name(),
              "REQUEST_CLOSED");
  }
  // What staff wrote down by mistake.
  const std::string told = Asked("desk", hanako_, "correct", "correct", {"customer.email"});
  EXPECT_EQ(Withdraw("clerk", told).name(), "OPERATION_NOT_GRANTED") << "it is the desk's slip";
  ASSERT_EQ(Withdraw("desk", told).name(), "OK");
  EXPECT_EQ(Reveal("shop", "email"), "OK");
  const std::string seen = Asked("desk", hanako_, "correct", "correct", {"customer.email"});
  ASSERT_EQ(Confirm("desk", seen).name(), "OK");
  EXPECT_EQ(Withdraw("desk", seen).name(), "OPERATION_NOT_GRANTED") << "the person was there";
  EXPECT_EQ(Withdraw("person", seen).name(), "OK");
}

// A portal that speaks for people and works for the operator as well.
TEST_F(RightsTest, WhatAPersonAskedAPortalDoesNotTakeBackInItsOtherRole) {
  vault_.Put([](StateChange& change) {
    storage::v1::PrincipalRow row;
    row.set_name("portal");
    row.set_kind(v1::PRINCIPAL_KIND_SERVICE);
    row.add_identities()->set_uri("spiffe://test/portal");
    for (const char* role : {"person", "robot"}) {
      storage::v1::RoleBindingRow& binding = *row.add_bindings();
      binding.set_role(role);
      binding.set_tenant("default");
    }
    change.PutPrincipal(row);
  });
  v1::OpenRequestRequest open;
  open.set_subject(hanako_);
  open.mutable_request()->set_right("own");
  open.mutable_request()->set_kind("erase");
  open.mutable_request()->add_fields("customer.name");
  open.mutable_usage()->set_purpose("R0");
  open.mutable_usage()->set_role("person");
  open.mutable_usage()->set_on_behalf_of(hanako_);
  const Result opened = vault_.Call("portal", "OpenRequest", open);
  ASSERT_EQ(opened.name(), "OK");
  v1::WithdrawRequestRequest back;
  back.set_name(opened.As<v1::OpenRequestResponse>().request().name());
  back.mutable_usage()->set_purpose("R0");
  back.mutable_usage()->set_role("robot");
  EXPECT_EQ(vault_.Call("portal", "WithdrawRequest", back).name(), "OPERATION_NOT_GRANTED");
  *back.mutable_usage() = open.usage();
  EXPECT_EQ(vault_.Call("portal", "WithdrawRequest", back).name(), "OK");
}

TEST_F(RightsTest, ATenantAsksAndDoesNotAnswer) {
  const std::string name = Asked("owner", hanako_, "told", "access", {"customer.name"});
  EXPECT_EQ(Confirm("owner", name, "login").name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("owner", name).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Complete("desk", name).name(), "OK");
}

TEST_F(RightsTest, OfARequestEverybodySeesTheOwnFields) {
  const std::string name =
      Asked("desk", hanako_, "own", "erase", {"customer.note", "pay.account", "pay.amount"});
  ASSERT_EQ(Refuse("chief", name, Because("harm_to_others", {"pay.account"})).name(), "OK");
  const v1::SubjectRequest person = Seen("person", name);
  EXPECT_THAT(person.fields(), ElementsAre("customer.note"));
  EXPECT_THAT(person.open_fields(), ElementsAre("customer.note"));
  EXPECT_THAT(person.refusals(), IsEmpty()) << "nor the ground of what is not";
  const v1::SubjectRequest payer = Seen("payer", name);
  EXPECT_THAT(payer.fields(), ElementsAre("pay.account", "pay.amount"));
  EXPECT_THAT(payer.refusals(), SizeIs(1));
  const Result listed = List("payer", hanako_);
  EXPECT_THAT(listed.entry.items(0).fields(), ElementsAre("pay.account", "pay.amount"));
  EXPECT_EQ(Confirm("person", name).name(), "FIELD_NOT_GRANTED");
}

TEST_F(RightsTest, ARefusedAttemptIsEnteredWithThePersonAndTheGround) {
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

TEST_F(RightsTest, WhatThePolicyNoLongerKnowsHoldsNothingUp) {
  const std::string name =
      Asked("person", hanako_, "correct", "correct", {"customer.note", "customer.email"});
  std::string later(kPolicy);
  later.replace(later.find("      note: free_text\n"), 22, "");
  vault_.SetPolicy("default", later);
  vault_.BuildIndexes();
  ASSERT_EQ(Change(customer_, "email", "right@example.jp"), "OK");
  EXPECT_THAT(Complete("desk", name).denied_fields, ElementsAre("customer.note"));
  EXPECT_EQ(Withdraw("person", name).name(), "OK");
  EXPECT_EQ(Reveal("shop", "email"), "OK");
}

TEST_F(RightsTest, ConsentsAndRequestsDoNotGetIntoEachOthersWay) {
  const std::string name = Asked("person", hanako_, "own", "access", {"customer.name"});
  v1::RecordConsentRequest consent;
  consent.set_parent("tenants/default");
  consent.set_subject(hanako_);
  consent.mutable_consent()->set_consent("other");
  consent.mutable_consent()->set_purpose("order");
  consent.mutable_consent()->set_wording("1");
  ASSERT_EQ(vault_.Call("shop", "RecordConsent", consent).name(), "OK");
  EXPECT_EQ(StateOf("desk", name), v1::SUBJECT_REQUEST_STATE_OPEN);
}

TEST_F(RightsTest, ManyRequestsAreBounded) {
  for (int i = 0; i < 16; ++i) Asked("person", hanako_, "own", "access", {"customer.name"});
  EXPECT_EQ(Open("person", hanako_, "own", "access", {"customer.name"}).name(), "BATCH_TOO_LARGE");
  const Result listed = List("desk", hanako_);
  ASSERT_THAT(listed.As<v1::ListRequestsResponse>().requests(), SizeIs(16));
  const std::string first = listed.As<v1::ListRequestsResponse>().requests(0).name();
  ASSERT_EQ(Refuse("desk", first, Because("contract_active_without_termination")).name(), "OK");
  EXPECT_EQ(Open("person", hanako_, "own", "access", {"customer.name"}).name(), "BATCH_TOO_LARGE")
      << "it may be open again";
  ASSERT_EQ(Confirm("desk", first).name(), "REQUEST_CLOSED");
  ASSERT_EQ(SetContract(false), "OK");
  ASSERT_EQ(Confirm("desk", first).name(), "OK");
  ASSERT_EQ(Complete("desk", first).name(), "OK");
  EXPECT_FALSE(Seen("desk", first).checked_by_vault()) << "it is the desk's word";
  Asked("person", hanako_, "own", "access", {"customer.name"});
  EXPECT_EQ(Confirm("desk", first).name(), "NOT_FOUND");
}

TEST_F(RightsTest, ErasureOfThePersonEndsAll) {
  const std::string name = Asked("person", hanako_, "own", "erase", {"customer.name"});
  v1::DeleteSubjectRequest request;
  request.set_name(hanako_);
  ASSERT_EQ(vault_.Call("shop", "DeleteSubject", request).name(), "OK");
  EXPECT_EQ(Complete("desk", name).name(), "SUBJECT_ERASED");
  EXPECT_EQ(List("desk", hanako_).name(), "SUBJECT_ERASED");
  EXPECT_EQ(Open("desk", hanako_, "own", "erase", {"customer.name"}).name(), "SUBJECT_ERASED");
}

TEST_F(RightsTest, NamesAreExact) {
  const std::string name = Asked("person", hanako_, "own", "access", {"customer.name"});
  const std::string id = name.substr(name.rfind('/') + 1);
  for (const std::string& bad :
       {hanako_, hanako_ + "/requests/", name + "/", name + "x", hanako_ + "/request/" + id,
        "tenants/other" + name.substr(name.find("/subjects")), std::string()}) {
    EXPECT_NE(Confirm("desk", bad).name(), "OK") << bad;
  }
  std::string other = id;
  other[0] = other[0] == 'a' ? 'b' : 'a';
  EXPECT_EQ(Confirm("desk", hanako_ + "/requests/" + other).name(), "NOT_FOUND");
  EXPECT_EQ(Confirm("desk", name).name(), "OK");
}

// A record comes in while the erasure is said to be done: one of the two goes first, and the other
// sees it.
TEST_F(RightsTest, ARecordThatComesInMeanwhileIsSeen) {
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
