// What is asked: operations, purposes, fields, views, and the state of the person it is about.
#include <gtest/gtest.h>

#include <memory>
#include <string_view>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

class DecisionTest : public ::testing::Test {
 protected:
  Call As(std::string_view role) const { return MakeTestCall(policy_, role); }

  const std::shared_ptr<const Policy> policy_ = LoadTestPolicy();
};

TEST_F(DecisionTest, GrantsAndSaysByWhat) {
  const Call call = As("engineer");
  const Decision decision = call.Decide();
  ASSERT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.role->name, "engineer");
  EXPECT_EQ(decision.purpose->name, "work");
  EXPECT_EQ(decision.attestation->id, "nda_contract");
  ASSERT_EQ(decision.fields.size(), 1u);
  EXPECT_EQ(decision.fields[0].view, View::kPlain);
  EXPECT_EQ(decision.fields[0].grant->id, "eng");
  EXPECT_EQ(decision.grant->id, "eng");
}

TEST_F(DecisionTest, EveryRoleWorksWhenAllIsInOrder) {
  for (const char* role :
       {"engineer", "trained", "boss", "legal", "temp", "app", "owner", "reader"}) {
    EXPECT_EQ(As(role).reason(), Reason::kOk) << role;
  }
}

TEST_F(DecisionTest, Clause000_16PurposesAndTickets) {
  Call call = As("engineer");
  call.purpose = "";
  EXPECT_EQ(call.reason(), Reason::kPurposeMissing);
  call.purpose = "marketing";
  EXPECT_EQ(call.reason(), Reason::kPurposeUnknown);
  call.purpose = "send";
  EXPECT_EQ(call.reason(), Reason::kPurposeNotGranted);
  call.purpose = "work";
  call.ticket = "";
  EXPECT_EQ(call.reason(), Reason::kTicketMissing);
  call.ticket = "two words";
  EXPECT_EQ(call.reason(), Reason::kTicketInvalid);
}

TEST_F(DecisionTest, PurposesNeedTheirArguments) {
  Call call = As("app");
  call.verb = Verb::kLookup;
  call.purpose = "option";
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);
  call.arguments = {{"option_id", "O-1"}};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, WhatAPurposeNeedsIsNotAvoidedByStatingNone) {
  Call call = As("app");
  call.verb = Verb::kDelete;
  call.type = "mail";
  call.fields = {};
  call.purpose = "";
  EXPECT_EQ(call.reason(), Reason::kPurposeMissing);
  call.type = "user";  // `send` needs nothing.
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, OperationsTypesAndFields) {
  Call call = As("engineer");
  call.verb = Verb::kExport;
  EXPECT_EQ(call.reason(), Reason::kOperationNotGranted);
  call = As("engineer");
  call.type = "nothing";
  EXPECT_EQ(call.reason(), Reason::kTypeUnknown);
  call = As("engineer");
  call.fields = {};
  EXPECT_EQ(call.reason(), Reason::kFieldMissing);
  call.fields = {"secret", "shoe_size"};
  EXPECT_EQ(call.reason(), Reason::kFieldUnknown);
  call.fields = {"secret"};
  EXPECT_EQ(call.reason(), Reason::kReadNever);
  call.type = "mail";
  call.fields = {"body"};
  EXPECT_EQ(call.reason(), Reason::kCommSecret);
  call.fields = {"topic"};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, FieldOfAnotherTypeIsUnknown) {
  const Call call = As("engineer");
  DecisionInput input = call.Input();
  const FieldId other = policy_->FindField("mail.topic");
  input.fields = absl::MakeConstSpan(&other, 1);
  EXPECT_EQ(DecideWithoutSubject(*policy_, input).reason, Reason::kFieldUnknown);
}

TEST_F(DecisionTest, Clause000_05OnlyTheTenantReadsItsMail) {
  Call call = As("owner");
  call.type = "mail";
  call.fields = {"body"};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, PartlyGrantedNamesBoth) {
  Call call = As("engineer");
  call.fields = {"email", "secret", "name"};
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kReadNever);
  EXPECT_TRUE(decision.partial());
  ASSERT_EQ(decision.fields.size(), 3u);
  EXPECT_EQ(decision.fields[0].view, View::kPlain);
  EXPECT_EQ(decision.fields[1].view, View::kDenied);
  EXPECT_EQ(decision.fields[1].grant, nullptr);
  EXPECT_EQ(decision.fields[2].view, View::kPlain);
}

TEST_F(DecisionTest, ViewsOfGrantsAndOfCallers) {
  Call call = As("trained");
  call.fields = {"phone", "birth"};
  Decision decision = call.Decide();
  ASSERT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.fields[0].view, View::kMasked);
  EXPECT_EQ(decision.fields[0].mask, Mask::kLast4);
  EXPECT_EQ(decision.fields[1].mask, Mask::kAge);

  call = As("engineer");
  call.wanted = View::kMasked;
  decision = call.Decide();
  EXPECT_EQ(decision.fields[0].view, View::kMasked);
  EXPECT_EQ(decision.fields[0].mask, Mask::kEmailLocal);
  call.wanted = View::kToken;
  EXPECT_EQ(call.Decide().fields[0].view, View::kToken);
  call.fields = {"memo"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);

  call = As("engineer");
  call.purpose = "stats";
  EXPECT_EQ(call.Decide().fields[0].view, View::kToken);
  call.wanted = View::kMasked;  // A mask shows what a token does not.
  EXPECT_EQ(call.Decide().fields[0].view, View::kToken);
}

TEST_F(DecisionTest, StrongestGrantWhoseConditionsHold) {
  Call call = As("app");
  EXPECT_EQ(call.Decide().fields[0].grant->id, "app-reveal");
  call.facts.unsubscribed = true;
  const Decision decision = call.Decide();
  ASSERT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.fields[0].view, View::kMasked);
  call.fields = {"name"};
  EXPECT_EQ(call.reason(), Reason::kUnsubscribed);
}

TEST_F(DecisionTest, ConditionsAreAllAsked) {
  Call call = As("app");
  call.fields = {"phone"};
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  const ConsentFact consent{.id = "extension", .purpose = "send", .given = absl::InfinitePast()};
  call.facts.consents = absl::MakeConstSpan(&consent, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.contract_active = false;
  EXPECT_EQ(call.reason(), Reason::kContractEnded);

  call = As("clerk");
  EXPECT_EQ(call.reason(), Reason::kDepartmentMismatch);
  call.facts.department = "sales";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.person.department = call.facts.department = "";
  EXPECT_EQ(call.reason(), Reason::kDepartmentMismatch);
}

TEST_F(DecisionTest, SubjectStates) {
  Call call = As("engineer");
  call.facts.erased = true;
  EXPECT_EQ(call.reason(), Reason::kSubjectErased);
}

TEST_F(DecisionTest, UseStopsByFieldFamilyAndPurpose) {
  Call call = As("engineer");
  const auto reason = [&](UseStop stop) {
    call.facts.stops = absl::MakeConstSpan(&stop, 1);
    return call.reason();
  };
  EXPECT_EQ(reason({"", ""}), Reason::kUseStopped);
  EXPECT_EQ(reason({"user.*", ""}), Reason::kUseStopped);
  EXPECT_EQ(reason({"user.email", "work"}), Reason::kUseStopped);
  EXPECT_EQ(reason({"user.name", ""}), Reason::kOk);
  EXPECT_EQ(reason({"use.*", ""}), Reason::kOk);
  EXPECT_EQ(reason({"mail.*", ""}), Reason::kOk);
  EXPECT_EQ(reason({"", "send"}), Reason::kOk);
  call.verb = Verb::kUpdate;
  EXPECT_EQ(reason({"", ""}), Reason::kOk);
}

TEST_F(DecisionTest, Clause000_23OwnRecordOnly) {
  Call call = As("reader");
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.on_behalf_of = "subjects/t";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.on_behalf_of = "";
  EXPECT_EQ(call.reason(), Reason::kSubjectRequired);
  call.verb = Verb::kCreate;  // Into somebody else's record without saying whose.
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.subject_name = "";
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(As("visitor").reason(), Reason::kRoleNotAssignable);
}

TEST_F(DecisionTest, VerbsOnTypesAndTenants) {
  Call call = As("app");
  call.fields = {};
  for (Verb verb : {Verb::kList, Verb::kDelete, Verb::kReadMetadata, Verb::kDeleteSubject,
                    Verb::kReadSubject}) {
    call.verb = verb;
    const Decision decision = call.Decide();
    EXPECT_EQ(decision.reason, Reason::kOk) << VerbName(verb);
    EXPECT_NE(decision.grant, nullptr);
  }
  call.verb = Verb::kList;
  call.type = "mail";
  EXPECT_EQ(call.reason(), Reason::kOperationNotGranted);
  call.verb = Verb::kReadSubject;
  call.type = "";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, SearchNeedsAnIndexAndTokensATokenField) {
  Call call = As("app");
  call.verb = Verb::kSearch;
  call.fields = {"phone"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotSearchable);
  call.verb = Verb::kTokenize;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.fields = {"memo"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);
}

TEST_F(DecisionTest, GoodUntilIsTheFirstEnd) {
  Call call = As("engineer");
  const absl::Time nda_end = call.attestations[0].valid_until + absl::Nanoseconds(1);
  EXPECT_EQ(call.Decide().good_until, nda_end);
  call.attestations[0].revoked_at = call.now + absl::Hours(1);
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Hours(1));
  call.principal.bindings[0].not_after = call.now;
  const absl::Time until = call.Decide().good_until;
  EXPECT_EQ(until, call.now + absl::Nanoseconds(1));
  call.now = until;
  EXPECT_EQ(call.reason(), Reason::kRoleExpired);
}

TEST_F(DecisionTest, IntakeRules) {
  const auto strict = LoadTestPolicy(
      "channels: [form, import]\n"
      "transport: {intake: {allow_plain: per_tenant_choice, record_channel: true}}\n");
  ASSERT_NE(strict, nullptr);
  Call call(strict, "app");
  call.purpose = "send";
  call.verb = Verb::kCreate;
  EXPECT_EQ(call.reason(), Reason::kChannelMissing);
  call.channel = "fax";
  EXPECT_EQ(call.reason(), Reason::kChannelNotAllowed);
  call.channel = "form";
  EXPECT_EQ(call.reason(), Reason::kChannelNotAllowed);
  call.front_hop = FrontHop::kPlain;
  EXPECT_EQ(call.reason(), Reason::kChannelNotAllowed);
  call.tenant_allows_plain = true;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.tenant_allows_plain = false;
  call.front_hop = FrontHop::kTls;
  EXPECT_EQ(call.reason(), Reason::kOk);
  // Staff that corrects a value came in by no form.
  Call staff(strict, "engineer");
  staff.verb = Verb::kUpdate;
  EXPECT_EQ(staff.reason(), Reason::kOk);
}

}  // namespace
}  // namespace piivault::authz
