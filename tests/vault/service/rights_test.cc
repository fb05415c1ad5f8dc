// Requests of people: taken down, listed, taken back, bounded.
#include <gmock/gmock.h>

#include <string>

#include "tests/vault/service/rights_fixture.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

TEST_F(RightsTest, WhatThePolicyNoLongerKnowsHoldsNothingUp) {
  const std::string name =
      Asked("person", hanako_, "correct", "correct", {"customer.note", "customer.email"});
  std::string later(kRightsPolicy);
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

}  // namespace
}  // namespace piivault::vault
