#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vault/disclosures/disclosure_testing.h"
#include "vault/sharing/export_token.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A clerk who may also be a filer: customers' data goes out by one role, other data by the other.
std::string PolicyOfTwoRoles() {
  std::string policy(kSharingPolicy);
  const std::string_view grants = "grants:\n";
  policy.insert(
      policy.find(grants) + grants.size(),
      "  - {id: more, role: filer, may: [export], fields: [other.*], for: [support]}\n"
      "  - {id: less, role: clerk, may: [export], fields: [customer.*], for: [support]}\n");
  const std::string_view all = "fields: [all], for: [support, legal, transfer, research]";
  policy.replace(policy.find(all), all.size(), "fields: [all], for: [legal, transfer, research]");
  const std::string_view roles = "roles:\n";
  policy.insert(policy.find(roles) + roles.size(), "  filer: {kind: staff, nda: none}\n");
  const std::string_view partner = "fields: [customer.name, customer.email, customer.phone]";
  policy.replace(policy.find(partner), partner.size(), "fields: [customer.email, other.text]");
  return policy;
}

class IssueTest : public SharingVault, public testing::Test {
 protected:
  static const v1::IssueExportTokenResponse& Issued(const Result& result) {
    return result.As<v1::IssueExportTokenResponse>();
  }
  Result Approve(std::string_view who, const v1::ExportToken& token) {
    v1::ApproveExportTokenRequest request;
    request.set_name(token.name());
    request.set_sha256(token.sha256());
    request.mutable_usage()->set_purpose("legal");
    return Call(who, "ApproveExportToken", request);
  }
  std::string Fetch(std::string_view who, const std::string& name) {
    v1::GetExportTokenRequest request;
    request.set_name(name);
    const Result result = Call(who, "GetExportToken", request);
    return result.ok() ? result.As<v1::GetExportTokenResponse>().token()
                       : std::string(result.name());
  }
  void BindFiler() {
    Put([this](StateChange& change) {
      storage::v1::PrincipalRow clerk = store().snapshot()->FindPrincipal("clerk")->row;
      clerk.add_bindings()->set_role("filer");
      clerk.mutable_bindings(1)->set_tenant("default");
      change.PutPrincipal(clerk);
    });
  }
};

TEST_F(IssueTest, ATokenSaysWhatItIsForAndNothingOfThePerson) {
  const std::string record = Customer();
  const std::string person = PersonOf(record);
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  const Result result = Issue("sender", ForCarrier(person));
  ASSERT_TRUE(result.ok()) << result.name();
  const v1::ExportToken& description = Issued(result).description();
  EXPECT_EQ(description.state(), v1::EXPORT_TOKEN_STATE_ACTIVE);
  EXPECT_EQ(description.rule(), "carrier");
  EXPECT_EQ(description.basis(), "published_clause");
  EXPECT_EQ(description.expire_time().seconds() - description.start_time().seconds(), 900);
  EXPECT_EQ(description.uses(), 1u);
  EXPECT_EQ(Issued(result).decided(), 1u);
  const StateSnapshot& state = *store().snapshot();
  const auto claims = OpenExportToken(Issued(result).token(), state.signing_keys(),
                                      *storage::Id128::FromBytes(state.vault_id()),
                                      "tenants/default/recipients/yamato", now);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->purpose, "delivery");
  EXPECT_THAT(claims->fields, ElementsAre("customer.address", "customer.name", "customer.phone"));
  EXPECT_EQ(result.entry.arguments().at("recipient"), "yamato");
  EXPECT_EQ(result.entry.resource(), description.name());
  EXPECT_THAT(result.entry.items(), SizeIs(1));
}

TEST_F(IssueTest, ARetryHasTheTokenOfTheFirstCall) {
  const std::string person = PersonOf(Customer());
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  v1::IssueExportTokenRequest request = ForCarrier(person);
  request.set_request_id("once");
  const Result first = Issue("sender", request);
  ASSERT_TRUE(first.ok()) << first.name();
  now += absl::Seconds(30);
  const Result second = Issue("sender", request);
  ASSERT_TRUE(second.ok()) << second.name();
  EXPECT_EQ(Issued(second).token(), Issued(first).token());
  EXPECT_EQ(Issued(second).description().name(), Issued(first).description().name());
  request.set_lifetime_seconds(60);
  EXPECT_EQ(Issue("sender", request).name(), "REQUEST_ID_REUSED");
  for (const std::string& bytes : AllBytes()) {
    ASSERT_THAT(bytes, testing::Not(HasSubstr("v4.public")));
  }
}

TEST_F(IssueTest, TheRuleSaysWhatAndToWhom) {
  const std::string person = PersonOf(Customer());
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  v1::IssueExportTokenRequest request = ForCarrier(person);
  request.add_fields("customer.email");
  EXPECT_EQ(Issue("sender", request).name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(Issue("sender", ForCarrier(person, "mailer-co")).name(), "RECIPIENT_KIND_NOT_ADMITTED");
  EXPECT_EQ(Issue("sender", ForCarrier(person, "nobody")).name(), "RECIPIENT_UNKNOWN");
  request = ForCarrier(person);
  request.set_rule("courier");
  EXPECT_EQ(Issue("sender", request).name(), "SHARING_RULE_UNKNOWN");
  request = ForCarrier(person);
  request.set_uses(2);
  EXPECT_EQ(Issue("sender", request).name(), "TOKEN_TERMS");
  request = ForCarrier(person);
  request.set_uses(1001);
  EXPECT_EQ(Issue("sender", request).name(), "MALFORMED_REQUEST");
  request.set_uses(1);
  request.mutable_usage()->clear_arguments();
  EXPECT_EQ(Issue("sender", request).name(), "ARGUMENT_MISSING");
  (*request.mutable_usage()->mutable_arguments())["shipment"] = "P-2";
  EXPECT_EQ(Issue("sender", request).name(), "MATTER_UNKNOWN");
  EXPECT_EQ(Issue("shop", ForCarrier(person)).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Issue("yamato", ForCarrier(person)).name(), "ROLE_NOT_GRANTED");
}

TEST_F(IssueTest, WhoRegisteredARecipientHandsItNothing) {
  storage::v1::RecipientRow row = RecipientRowOf("mailer-co");
  row.set_registered_by_person("clerk");
  PutRecipient(row);
  EXPECT_EQ(Issue("clerk", ForPartner({PersonOf(Customer())})).name(), "OWN_RECIPIENT");
}

TEST_F(IssueTest, OnePersonWhoMayNotBeGivenRefusesAll) {
  const std::string granted = PersonOf(Customer());
  const std::string erased = PersonOf(Customer());
  v1::DeleteSubjectRequest erase;
  erase.set_name(erased);
  ASSERT_TRUE(Call("shop", "DeleteSubject", erase).ok());
  EXPECT_FALSE(Issue("clerk", ForPartner({granted, erased})).ok());
  v1::IssueExportTokenRequest request = ForPartner({granted, erased});
  request.set_skip_denied(true);
  const Result result = Issue("clerk", request);
  ASSERT_TRUE(result.ok()) << result.name();
  EXPECT_EQ(Issued(result).skipped(), 1u);
  EXPECT_EQ(Issued(result).description().subjects(), 1u);
  const Result given = Redeem("mailer-co", Issued(result).token());
  ASSERT_TRUE(given.ok()) << given.name();
  EXPECT_THAT(Given(given).subjects(), SizeIs(1));
  EXPECT_EQ(Issue("clerk", ForPartner({granted, granted})).name(), "MALFORMED_REQUEST");
  request = ForPartner({erased});
  request.set_skip_denied(true);
  EXPECT_EQ(Issue("clerk", request).name(), "NOT_FOUND");
}

TEST_F(IssueTest, WhatNeedsApprovalWaitsForAnotherPerson) {
  const Result waiting = Issue("clerk", ByLaw(PersonOf(Customer())));
  ASSERT_TRUE(waiting.ok()) << waiting.name();
  EXPECT_EQ(Issued(waiting).token(), "");
  const v1::ExportToken token = Issued(waiting).description();
  EXPECT_EQ(token.state(), v1::EXPORT_TOKEN_STATE_WAITING);
  EXPECT_EQ(token.approvals_needed(), 1u);
  EXPECT_EQ(Fetch("clerk", token.name()), "");
  // Not the issuer, by whatever role; not without the right to; not of something else.
  Put([&](StateChange& change) {
    storage::v1::PrincipalRow clerk = store().snapshot()->FindPrincipal("clerk")->row;
    clerk.add_bindings()->set_role("boss");
    clerk.mutable_bindings(1)->set_tenant("default");
    change.PutPrincipal(clerk);
  });
  EXPECT_EQ(Approve("clerk", token).name(), "PROPOSAL_SELF_APPROVAL");
  EXPECT_EQ(Approve("sender", token).name(), "OPERATION_NOT_GRANTED");
  v1::ExportToken other = token;
  other.set_sha256(std::string(64, '0'));
  EXPECT_EQ(Approve("boss", other).name(), "PROPOSAL_STALE");
  now += absl::Hours(1);
  const Result approved = Approve("boss", token);
  ASSERT_TRUE(approved.ok()) << approved.name();
  const v1::ExportToken after = approved.As<v1::ApproveExportTokenResponse>().description();
  EXPECT_EQ(after.state(), v1::EXPORT_TOKEN_STATE_ACTIVE);
  EXPECT_EQ(after.sha256(), token.sha256());
  EXPECT_EQ(after.start_time().seconds(), absl::ToUnixSeconds(now));
  EXPECT_EQ(Approve("chief", token).name(), "PROPOSAL_STALE");
  EXPECT_EQ(Fetch("sender", token.name()), "NOT_FOUND");
  // Who approves sees whom it is about, and has no token.
  v1::GetExportTokenRequest look;
  look.set_name(token.name());
  look.mutable_usage()->set_purpose("legal");
  const Result seen = Call("chief", "GetExportToken", look);
  ASSERT_TRUE(seen.ok()) << seen.name();
  EXPECT_THAT(seen.As<v1::GetExportTokenResponse>().subjects(), SizeIs(1));
  EXPECT_EQ(seen.As<v1::GetExportTokenResponse>().token(), "");
  EXPECT_EQ(Fetch("officer", token.name()), "");
  const Result given = Redeem("police", Fetch("clerk", token.name()));
  ASSERT_TRUE(given.ok()) << given.name();
  EXPECT_THAT(Given(given).subjects(0).records(0).fields(), SizeIs(1));
}

TEST_F(IssueTest, WhoMadeTheRecipientDoesNotApproveWhatItGets) {
  storage::v1::RecipientRow row = RecipientRowOf("police");
  row.set_registered_by_person("boss");
  PutRecipient(row);
  const v1::ExportToken token = Issued(Issue("clerk", ByLaw(PersonOf(Customer())))).description();
  EXPECT_EQ(token.lifetime_seconds(), 900u);
  EXPECT_THAT(token.requested(), ElementsAre("customer.name", "customer.phone"));
  EXPECT_EQ(Approve("boss", token).name(), "OWN_RECIPIENT");
  EXPECT_TRUE(Approve("chief", token).ok());
}

TEST_F(IssueTest, AnApprovalOfSomebodyWhoHasLeftDoesNotCount) {
  v1::IssueExportTokenRequest request = ByLaw(PersonOf(Customer()));
  request.set_rule("public");
  request.clear_assertions();
  request.clear_requested();
  (*request.mutable_assertions())["written_ground"] = "G-17";
  const auto disable = [&](bool disabled) {
    Put([&](StateChange& change) {
      storage::v1::PrincipalRow boss = store().snapshot()->FindPrincipal("boss")->row;
      boss.set_disabled(disabled);
      change.PutPrincipal(boss);
    });
  };
  const v1::ExportToken token = Issued(Issue("clerk", request)).description();
  ASSERT_TRUE(Approve("boss", token).ok());
  disable(true);
  const Result second = Approve("chief", token);
  ASSERT_TRUE(second.ok()) << second.name();
  EXPECT_EQ(second.As<v1::ApproveExportTokenResponse>().description().state(),
            v1::EXPORT_TOKEN_STATE_WAITING);
  disable(false);
  const v1::ExportToken other = Issued(Issue("clerk", request)).description();
  ASSERT_TRUE(Approve("boss", other).ok());
  ASSERT_TRUE(Approve("chief", other).ok());
  const std::string text = Fetch("clerk", other.name());
  disable(true);
  EXPECT_EQ(Redeem("police", text).name(), "APPROVAL_MISSING");
  disable(false);
  ASSERT_TRUE(Redeem("police", text).ok());
  // Nor that of one who has made the recipient what it is afterwards.
  storage::v1::RecipientRow row = RecipientRowOf("police");
  row.add_changed_by_persons("chief");
  PutRecipient(row);
  EXPECT_EQ(Redeem("police", text).name(), "APPROVAL_MISSING");
  row.clear_changed_by_persons();
  PutRecipient(row);
  EXPECT_TRUE(Redeem("police", text).ok());
}

// The approver's login stays, for other work; the right to approve, or what it takes, is gone.
TEST_F(IssueTest, AnApprovalOfSomebodyWhoMayNoLongerApproveDoesNotCount) {
  std::string policy(kSharingPolicy);
  const std::string_view boss = "boss: {kind: staff, nda: none}";
  policy.replace(policy.find(boss), boss.size(), "boss: {kind: staff, nda: [nda_contract]}");
  SetPolicy("default", policy);
  const v1::ExportToken token = Issued(Issue("clerk", ByLaw(PersonOf(Customer())))).description();
  ASSERT_TRUE(Approve("boss", token).ok());
  const std::string text = Fetch("clerk", token.name());
  const auto person_with = [&](bool nda) {
    Put([&](StateChange& change) {
      storage::v1::PersonRow person = store().snapshot()->FindPerson("boss")->row;
      person.mutable_attestations(0)->set_revoked_micros(nda ? 0 : absl::ToUnixMicros(now));
      change.PutPerson(person);
    });
  };
  const auto principal_with = [&](const std::string& role) {
    Put([&](StateChange& change) {
      storage::v1::PrincipalRow row = store().snapshot()->FindPrincipal("boss")->row;
      row.mutable_bindings(0)->set_role(role);
      change.PutPrincipal(row);
    });
  };
  person_with(false);
  EXPECT_EQ(Redeem("police", text).name(), "APPROVAL_MISSING");
  person_with(true);
  principal_with("clerk");
  EXPECT_EQ(Redeem("police", text).name(), "APPROVAL_MISSING");
  principal_with("boss");
  // Nor by another purpose than the one that was stated.
  std::string other(policy);
  const std::string_view grant = "may: [approve_exception, read_disclosures], for: [legal]";
  other.replace(other.find(grant), grant.size(),
                "may: [approve_exception, read_disclosures], for: [support]");
  SetPolicy("default", other);
  EXPECT_EQ(Redeem("police", text).name(), "APPROVAL_MISSING");
  SetPolicy("default", policy);
  EXPECT_TRUE(Redeem("police", text).ok());
}

TEST_F(IssueTest, WhoApprovesCanSeeEachPersonOfTheToken) {
  v1::IssueExportTokenRequest request = ByLaw(PersonOf(Customer()));
  for (int i = 0; i < 250; ++i) request.add_subjects(PersonOf(Customer()));
  const v1::ExportToken token = Issued(Issue("clerk", request)).description();
  v1::GetExportTokenRequest look;
  look.set_name(token.name());
  look.mutable_usage()->set_purpose("legal");
  std::vector<std::string> seen;
  for (const size_t expected : {100u, 100u, 51u, 0u}) {
    look.set_skip(static_cast<uint32_t>(seen.size()));
    const Result page = Call("boss", "GetExportToken", look);
    ASSERT_TRUE(page.ok()) << page.name();
    const auto& people = page.As<v1::GetExportTokenResponse>().subjects();
    EXPECT_THAT(people, SizeIs(expected));
    seen.insert(seen.end(), people.begin(), people.end());
  }
  EXPECT_EQ(seen, std::vector<std::string>(request.subjects().begin(), request.subjects().end()));
}

TEST_F(IssueTest, TwoApproversAreTwoPersons) {
  v1::IssueExportTokenRequest request = ByLaw(PersonOf(Customer()));
  request.set_rule("public");
  request.clear_assertions();
  request.clear_requested();
  EXPECT_EQ(Issue("clerk", request).name(), "ASSERTION_MISSING");
  (*request.mutable_assertions())["written_ground"] = "G-17";
  const Result waiting = Issue("clerk", request);
  ASSERT_TRUE(waiting.ok()) << waiting.name();
  const v1::ExportToken token = Issued(waiting).description();
  EXPECT_EQ(token.approvals_needed(), 2u);
  const Result first = Approve("boss", token);
  ASSERT_TRUE(first.ok()) << first.name();
  EXPECT_EQ(first.As<v1::ApproveExportTokenResponse>().description().state(),
            v1::EXPORT_TOKEN_STATE_WAITING);
  EXPECT_EQ(Approve("boss", token).name(), "PROPOSAL_SELF_APPROVAL");
  const Result second = Approve("chief", token);
  ASSERT_TRUE(second.ok()) << second.name();
  EXPECT_TRUE(Redeem("police", Fetch("clerk", token.name())).ok());
}

TEST_F(IssueTest, WhatWasRejectedRevokedOrForgottenIsNotApproved) {
  v1::RejectExportTokenRequest reject;
  const v1::ExportToken rejected =
      Issued(Issue("clerk", ByLaw(PersonOf(Customer())))).description();
  reject.set_name(rejected.name());
  reject.mutable_usage()->set_purpose("legal");
  EXPECT_EQ(Call("clerk", "RejectExportToken", reject).name(), "OPERATION_NOT_GRANTED");
  ASSERT_TRUE(Call("boss", "RejectExportToken", reject).ok());
  EXPECT_EQ(Approve("chief", rejected).name(), "PROPOSAL_STALE");

  const v1::ExportToken revoked = Issued(Issue("clerk", ByLaw(PersonOf(Customer())))).description();
  v1::RevokeExportTokensRequest revoke;
  revoke.set_parent("tenants/default");
  revoke.set_token(revoked.name());
  ASSERT_TRUE(Call("officer", "RevokeExportTokens", revoke).ok());
  EXPECT_EQ(Approve("chief", revoked).name(), "PROPOSAL_STALE");

  const v1::ExportToken old = Issued(Issue("clerk", ByLaw(PersonOf(Customer())))).description();
  now += absl::Hours(24);
  EXPECT_EQ(Approve("chief", old).name(), "PROPOSAL_STALE");
}

TEST_F(IssueTest, NoMoreThanWasAskedForByWhoeverGetsIt) {
  v1::IssueExportTokenRequest request = ByLaw(PersonOf(Customer()));
  request.add_fields("customer.email");
  EXPECT_EQ(Issue("clerk", request).name(), "RECIPIENT_NOT_GRANTED");
  request = ByLaw(PersonOf(Customer()));
  (*request.mutable_assertions())["document_hash"] = "not a hash";
  EXPECT_EQ(Issue("clerk", request).name(), "ASSERTION_INVALID");
  (*request.mutable_assertions())["document_hash"] = "D-17";
  EXPECT_EQ(Issue("clerk", request).name(), "ASSERTION_INVALID");
  request.clear_assertions();
  EXPECT_EQ(Issue("clerk", request).name(), "ASSERTION_MISSING");
}

// Two calendar months before, and all of them: 004-56.
TEST_F(IssueTest, TheSuccessorGetsNothingBeforeEverybodyWasTold) {
  now = absl::FromCivil(absl::CivilSecond(2026, 1, 31, 12, 0, 0), absl::UTCTimeZone());
  const std::string first = PersonOf(Customer());
  const std::string second = PersonOf(Customer());
  v1::IssueExportTokenRequest request;
  request.set_parent("tenants/default");
  request.set_recipient("tenants/default/recipients/heir");
  request.set_rule("successor");
  request.mutable_usage()->set_purpose("transfer");
  request.add_fields("customer.name");
  (*request.mutable_assertions())["deed"] = kDocument;
  request.add_subjects(first);
  ASSERT_TRUE(OpenMatter(first, "told", "N-1").ok());
  now = absl::FromCivil(absl::CivilSecond(2026, 3, 31, 12, 0, 0), absl::UTCTimeZone());
  // Of which notice is said with the recipient: that of another transfer is none of this one.
  EXPECT_EQ(Issue("clerk", request).name(), "USERS_NOT_NOTIFIED");
  GiveMatter("heir", "told", "N-0");
  EXPECT_THAT(Issue("clerk", request).denied_fields, ElementsAre("people=2"));
  GiveMatter("heir", "told", "N-1");
  const Result missing = Issue("clerk", request);
  EXPECT_EQ(missing.name(), "USERS_NOT_NOTIFIED");
  EXPECT_THAT(missing.denied_fields, ElementsAre("people=1"));
  ASSERT_TRUE(OpenMatter(second, "told", "N-1").ok());
  EXPECT_EQ(Issue("clerk", request).name(), "USERS_NOT_NOTIFIED");  // not in time
  now = absl::FromCivil(absl::CivilSecond(2026, 5, 30, 12, 0, 0), absl::UTCTimeZone());
  EXPECT_EQ(Issue("clerk", request).name(), "USERS_NOT_NOTIFIED");
  now = absl::FromCivil(absl::CivilSecond(2026, 5, 31, 12, 0, 0), absl::UTCTimeZone());
  const Result issued = Issue("clerk", request);
  ASSERT_TRUE(issued.ok()) << issued.name();
  // Nobody waits for one who is gone but for what a law keeps.
  SetPolicy("default", std::string(kSharingPolicy) +
                           "laws: [Tax]\nretention:\n  - {id: tax, hold: Tax, fields: "
                           "[customer.note], trigger: record_made, keep: 7y, then: destroy}\n");
  v1::DeleteSubjectRequest erase;
  erase.set_name(PersonOf(Customer({{"note", "paid"}})));
  EXPECT_THAT(Issue("clerk", request).denied_fields, ElementsAre("people=1"));
  erase.set_keep_held(true);
  ASSERT_TRUE(Call("shop", "DeleteSubject", erase).ok());
  EXPECT_TRUE(Issue("clerk", request).ok());
  // Nor is anybody gone over for another notice than the one that counts at the end.
  v1::IssueExportTokenRequest many = request;
  for (int i = 0; i < 1001; ++i) {
    const std::string one = PersonOf(Customer());
    many.add_subjects(one);
    ASSERT_TRUE(OpenMatter(one, "told", "N-1").ok());
  }
  const absl::Time day = now;
  now = absl::FromCivil(absl::CivilSecond(2026, 8, 1, 12, 0, 0), absl::UTCTimeZone());
  Open open(*this, "clerk", "IssueExportToken", many);
  ASSERT_EQ(open.Next().reason, authz::Reason::kOk);
  ASSERT_TRUE(open.Commit().ok());
  GiveMatter("heir", "told", "N-2");
  EXPECT_EQ(open.Next().reason, authz::Reason::kUsersNotNotified);
  GiveMatter("heir", "told", "N-1");
  now = day;
  // Somebody who came meanwhile has not been told.
  const std::string token = Issued(issued).token();
  Customer();
  EXPECT_EQ(Redeem("heir", token).name(), "USERS_NOT_NOTIFIED");
}

// Who repeats a call that took effect gets its token, and the people are not gone over again.
TEST_F(IssueTest, ARepeatedCallWritesNothingMore) {
  std::vector<std::string> people;
  for (int i = 0; i < 1500; ++i) people.push_back(PersonOf(Customer()));
  v1::IssueExportTokenRequest request = ForPartner(people);
  request.set_request_id("r-1");
  const std::vector<Result> first = Stream("clerk", "IssueExportToken", request);
  ASSERT_THAT(first, testing::SizeIs(2));
  ASSERT_TRUE(first.back().ok()) << first.back().name();
  const auto rows = engine().Dump(storage::Table::kSharing);
  const std::vector<Result> again = Stream("clerk", "IssueExportToken", request);
  ASSERT_THAT(again, testing::SizeIs(1));
  ASSERT_TRUE(again.back().ok()) << again.back().name();
  EXPECT_EQ(Issued(again.back()).token(), Issued(first.back()).token());
  EXPECT_EQ(Issued(again.back()).decided(), 1500u);
  EXPECT_EQ(engine().Dump(storage::Table::kSharing), rows);
  request.add_subjects(PersonOf(Customer()));
  EXPECT_EQ(Issue("clerk", request).name(), "REQUEST_ID_REUSED");
}

// Each record counts as one that its issuer has had released.
TEST_F(IssueTest, TokensAreWithinTheIssuersBudget) {
  SetPolicy("default", std::string(kSharingPolicy) +
                           "budgets: [{id: clerks, role: clerk, records: 3, per: 1h}]\n");
  const std::string one = Customer();
  const std::string person = PersonOf(one);
  Customer({}, person);
  const Result issued = Issue("clerk", ForPartner({person}));
  ASSERT_TRUE(issued.ok()) << issued.name();
  EXPECT_EQ(issued.entry.items_size(), 2);
  EXPECT_EQ(issued.entry.arguments().at("uses"), "1");
  EXPECT_EQ(issued.entry.arguments().at("lifetime"), "900s");
  EXPECT_EQ(Issue("clerk", ForPartner({person})).name(), "VOLUME_BUDGET");
  EXPECT_TRUE(Issue("clerk", ForPartner({one})).ok());
  EXPECT_EQ(Issue("clerk", ForPartner({one})).name(), "VOLUME_BUDGET");
}

// Of several roles each record is decided under one, which is the one that it counts for.
TEST_F(IssueTest, EachRecordCountsForTheRoleThatGivesIt) {
  SetPolicy("default",
            PolicyOfTwoRoles() + "budgets: [{id: clerks, role: clerk, records: 4, per: 1h}]\n");
  BindFiler();
  const std::string person = PersonOf(Customer());
  Customer({{"text", "x"}}, person, "other");
  v1::IssueExportTokenRequest request = ForPartner({person});
  request.add_fields("other.text");
  for (int i = 0; i < 2; ++i) {
    const Result issued = Issue("clerk", request);
    ASSERT_TRUE(issued.ok()) << issued.name();
    std::map<std::string, std::string> roles_of;
    for (const auto& item : issued.entry.items()) {
      roles_of[item.fields(0)] = item.role().empty() ? issued.entry.role() : item.role();
    }
    EXPECT_EQ(roles_of["customer.email"], "clerk");
    EXPECT_EQ(roles_of["other.text"], "filer");
  }
  EXPECT_EQ(Issue("clerk", request).name(), "VOLUME_BUDGET");
}

// Of somebody who is left out the entry says that, and nothing of the records that would have gone.
TEST_F(IssueTest, WhoIsLeftOutIsOneItemOfTheEntry) {
  SetPolicy("default", PolicyOfTwoRoles());
  BindFiler();
  std::vector<std::string> people;
  for (int i = 0; i < 6; ++i) {
    people.push_back(PersonOf(Customer()));
    Customer({{"text", "x"}}, people.back(), "other");
    if (i == 0) continue;
    v1::StopUseRequest stop;
    stop.set_subject(people.back());
    stop.mutable_stop()->set_purpose("support");
    stop.mutable_stop()->set_fields("other.*");
    stop.mutable_usage()->set_purpose("support");
    ASSERT_TRUE(Call("shop", "StopUse", stop).ok());
  }
  v1::IssueExportTokenRequest request = ForPartner(people);
  request.add_fields("other.text");
  request.set_skip_denied(true);
  const Result issued = Issue("clerk", request);
  ASSERT_TRUE(issued.ok()) << issued.name();
  EXPECT_EQ(Issued(issued).skipped(), 5u);
  EXPECT_EQ(issued.entry.items_size(), 2 + 5);
}

// People who were stored first are dropped after a day where no token names them.
TEST_F(IssueTest, ACallThatTakesHalfADayEndsWithoutAToken) {
  std::vector<std::string> people;
  for (int i = 0; i < 1001; ++i) people.push_back(PersonOf(Customer()));
  const v1::IssueExportTokenRequest request = ForPartner(people);
  Open open(*this, "clerk", "IssueExportToken", request);
  ASSERT_EQ(open.Next().reason, authz::Reason::kOk);
  ASSERT_TRUE(open.Commit().ok());
  now += absl::Hours(12);
  EXPECT_EQ(open.Next().reason, authz::Reason::kConflict);
}

// One message works on so many records, however many people have.
TEST_F(IssueTest, PeopleWithManyRecordsComeInMoreMessages) {
  std::vector<std::string> people;
  for (int i = 0; i < 12; ++i) {
    const std::string person = PersonOf(Customer());
    for (int more = 1; more < 250; ++more) Customer({}, person);
    people.push_back(person);
  }
  const std::vector<Result> issued = Stream("clerk", "IssueExportToken", ForPartner(people));
  ASSERT_TRUE(issued.back().ok()) << issued.back().name();
  EXPECT_THAT(issued, testing::SizeIs(3));
  const std::vector<Result> given = RedeemAll("mailer-co", Issued(issued.back()).token());
  ASSERT_TRUE(given.back().ok()) << given.back().name();
  EXPECT_THAT(given, testing::SizeIs(3));
  for (const Result& message : given) EXPECT_LT(message.entry.items_size(), 1250);
}

TEST_F(IssueTest, AConsentNamesTheRecipientAndComesBefore) {
  const std::string person = PersonOf(Customer());
  v1::IssueExportTokenRequest request;
  request.set_parent("tenants/default");
  request.set_recipient("tenants/default/recipients/bureau");
  request.set_rule("consented");
  request.mutable_usage()->set_purpose("research");
  request.add_fields("customer.name");
  request.add_subjects(person);
  EXPECT_EQ(Issue("clerk", request).name(), "CONSENT_MISSING");
  v1::RecordConsentRequest consent;
  consent.set_parent("tenants/default");
  consent.set_subject(person);
  consent.mutable_consent()->set_consent("third");
  consent.mutable_consent()->set_purpose("research");
  consent.mutable_consent()->set_wording("2025-04");
  consent.mutable_consent()->add_fields("customer.name");
  consent.mutable_consent()->set_recipient("tenants/default/recipients/bureau");
  const Result recorded = Call("shop", "RecordConsent", consent);
  ASSERT_TRUE(recorded.ok()) << recorded.name();
  EXPECT_EQ(Issue("clerk", request).name(), "CONSENT_MISSING");  // not before
  now += absl::Seconds(1);
  const std::string token = Token("clerk", request);
  request.add_fields("customer.email");
  EXPECT_FALSE(Issue("clerk", request).ok());
  v1::WithdrawConsentRequest withdraw;
  withdraw.set_subject(person);
  withdraw.set_id(recorded.As<v1::RecordConsentResponse>().consent().id());
  ASSERT_TRUE(Call("shop", "WithdrawConsent", withdraw).ok());
  EXPECT_EQ(Withheld("bureau", token), "CONSENT_MISSING");
}

TEST_F(IssueTest, KeysChangeAndTokensOutliveTheOneBefore) {
  const Parcel before = NewParcel();
  EXPECT_EQ(Call("sender", "RotateSigningKey", v1::RotateSigningKeyRequest()).name(),
            "SYSTEM_ROLE_REQUIRED");
  const std::string kid = store().snapshot()->signing_keys().active()->kid.ToText();
  now += absl::Hours(24 * 30);
  const Parcel after = NewParcel();
  EXPECT_NE(store().snapshot()->signing_keys().active()->kid.ToText(), kid);
  EXPECT_TRUE(Redeem("yamato", after.token).ok());
  const Result listed = Call("yamato", "ListSigningKeys", v1::ListSigningKeysRequest());
  ASSERT_TRUE(listed.ok()) << listed.name();
  EXPECT_THAT(listed.As<v1::ListSigningKeysResponse>().keys(), SizeIs(2));
  EXPECT_THAT(listed.As<v1::ListSigningKeysResponse>().keys(0).public_key_pem(),
              HasSubstr("BEGIN PUBLIC KEY"));
}

TEST_F(IssueTest, ListsShowEachWhatIsTheirs) {
  NewParcel();
  NewParcel("sagawa");
  v1::ListExportTokensRequest request;
  request.set_parent("tenants/default");
  const auto count = [&](std::string_view who) {
    const Result result = Call(who, "ListExportTokens", request);
    return result.ok() ? result.As<v1::ListExportTokensResponse>().tokens_size() : -1;
  };
  EXPECT_EQ(count("officer"), 2);
  EXPECT_EQ(count("sender"), 2);
  EXPECT_EQ(count("clerk"), 0);
  request.set_recipient("tenants/default/recipients/sagawa");
  EXPECT_EQ(count("officer"), 1);
  request.set_state(v1::EXPORT_TOKEN_STATE_REVOKED);
  EXPECT_EQ(count("officer"), 0);
  request.Clear();
  request.set_parent("tenants/default");
  request.set_page_size(1);
  const Result first = Call("officer", "ListExportTokens", request);
  ASSERT_TRUE(first.ok());
  request.set_page_token(first.As<v1::ListExportTokensResponse>().next_page_token());
  const Result second = Call("officer", "ListExportTokens", request);
  ASSERT_TRUE(second.ok()) << second.name();
  EXPECT_NE(first.As<v1::ListExportTokensResponse>().tokens(0).name(),
            second.As<v1::ListExportTokensResponse>().tokens(0).name());
}

}  // namespace
}  // namespace piivault::vault
