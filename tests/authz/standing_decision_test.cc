// Whose record it is, which fields a role was given for, what its holder has acknowledged.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

class StandingDecisionTest : public ::testing::Test {
 protected:
  Call As(std::string_view role) const { return MakeGroundsCall(policy_, role); }
  Call ForPerson(std::string_view role, std::string_view person) const {
    Call call = As(role);
    call.on_behalf_of = std::string(person);
    return call;
  }
  const std::shared_ptr<const Policy> policy_ = LoadGroundsPolicy();
};

TEST_F(StandingDecisionTest, OwnRecordIsTheOwnRecord) {
  Call call = ForPerson("person", "subjects/s");
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.on_behalf_of = "subjects/t";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.facts.holder = "subjects/t";  // An account is not a record.
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.on_behalf_of.clear();
  EXPECT_EQ(call.reason(), Reason::kSubjectRequired);
}

// Clause 004-39, 004-41.
TEST_F(StandingDecisionTest, TheHolderActsForTheMembersWhoDoNotActThemselves) {
  Call call = ForPerson("holder", "subjects/s");
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.holder = "subjects/h";
  EXPECT_EQ(call.reason(), Reason::kMemberWithoutId);
  call.on_behalf_of = "subjects/h";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.on_behalf_of = "subjects/t";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call = ForPerson("person", "subjects/s");
  call.facts.holder = "subjects/h";
  EXPECT_EQ(call.reason(), Reason::kMemberWithoutId);
}

// Clause 003-54.
TEST_F(StandingDecisionTest, ARepresentativeActsUntilTheMandateEnds) {
  Call call = ForPerson("agent", "subjects/agent");
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  std::vector<RepresentativeFact> agents = {{.subject = "subjects/agent"}};
  call.facts.representatives = agents;
  EXPECT_EQ(call.reason(), Reason::kOk);
  agents[0].not_after = call.now;
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Nanoseconds(1));
  agents[0].not_after -= absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  agents[0] = {.subject = "subjects/other"};
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.on_behalf_of = "subjects/s";  // The role is the agent's.
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
}

TEST_F(StandingDecisionTest, AFreshRecordIsTheOwn) {
  Call call = As("person");
  call.verb = Verb::kCreate;
  call.channel = "web";
  call.subject_name.clear();
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.subject_name = "subjects/s";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
}

TEST_F(StandingDecisionTest, IdentityComesAfterErasureAndBeforeWhatIsFrozen) {
  const std::string_view email = "user.email";
  Call call = ForPerson("person", "subjects/t");
  call.facts.frozen = absl::MakeConstSpan(&email, 1);
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.facts.erased = true;
  EXPECT_EQ(call.reason(), Reason::kSubjectErased);
}

TEST_F(StandingDecisionTest, OwnIdIsThatOfNoMember) {
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy);
  const std::string known = "for: [known]}";
  text.yaml.replace(text.yaml.find(known), known.size(), "for: [known], when: [own_id]}");
  const auto policy = Policy::Load(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  Call call = MakeGroundsCall(*policy);
  call.purpose = "known";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.holder = "subjects/h";
  EXPECT_EQ(call.reason(), Reason::kMemberWithoutId);
}

// Clause 001-59.
TEST_F(StandingDecisionTest, ABindingIsForItsFields) {
  Call call = As("other");
  call.fields = {"name", "email"};
  call.principal.bindings[0].fields = {"user.email"};
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kFieldNotGranted);
  EXPECT_EQ(decision.fields[0].reason, Reason::kFieldNotGranted);
  EXPECT_EQ(decision.fields[1].reason, Reason::kOk);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kFieldNotGranted);
  call.principal.bindings[0].fields = {"ext.id", "user.*"};
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.principal.bindings[0].fields = {"ext.*"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
}

TEST_F(StandingDecisionTest, ABindingIsForTheTypesOfItsFields) {
  Call call = As("other");
  call.verb = Verb::kList;
  call.fields.clear();
  for (const auto& [field, reason] :
       {std::pair("user.email", Reason::kOk), std::pair("user.*", Reason::kOk),
        std::pair("ext.id", Reason::kOperationNotGranted),
        std::pair("ext.*", Reason::kOperationNotGranted),
        std::pair("user.gone", Reason::kOperationNotGranted)}) {
    call.principal.bindings[0].fields = {field};
    EXPECT_EQ(call.reason(), reason) << field;
  }
}

TEST_F(StandingDecisionTest, BindingsAddUp) {
  Call call = As("other");
  call.principal.bindings[0].fields = {"user.email"};
  call.principal.bindings[0].not_after = call.now + absl::Hours(1);
  call.principal.bindings.push_back(call.principal.bindings[0]);
  RoleBinding& second = call.principal.bindings[1];
  second.fields = {"user.name"};
  second.not_after = call.now + absl::Hours(2);
  call.fields = {"email"};
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Hours(1) + absl::Nanoseconds(1));
  call.fields = {"name"};
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Hours(2) + absl::Nanoseconds(1));
  call.fields = {"name", "email"};
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Hours(1) + absl::Nanoseconds(1));
  call.fields = {"place"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
  second.fields.clear();  // One without such a limit.
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Hours(2) + absl::Nanoseconds(1));
  second.not_after = call.now - absl::Hours(1);  // And not in force.
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
}

TEST_F(StandingDecisionTest, ARoleThatNeedsFieldsIsGivenForSome) {
  Call call = As("other");
  const auto admit = [&] {
    return AdmitBinding(*policy_, call.principal.bindings[0], call.principal, &call.person, {},
                        call.now)
        .reason;
  };
  EXPECT_EQ(admit(), Reason::kFieldMissing);
  call.principal.bindings[0].fields = {"user.email"};
  EXPECT_EQ(admit(), Reason::kOk);
}

class AcknowledgementTest : public StandingDecisionTest {
 protected:
  AcknowledgementTest() : call_(As("staffer")) {
    Attestation a;
    a.id = "a";
    a.kind = AttestationKind::kAcknowledgement;
    a.document_sha256 = policy_->acknowledgement()->document_sha256;
    a.signatory = call_.person.name;
    a.signed_at = call_.now - absl::Hours(24 * 365);
    a.valid_until = call_.now + absl::Hours(24 * 365);
    call_.attestations = {a};
  }
  absl::Time by() const { return policy_->acknowledgement()->by; }
  Call call_;
};

TEST_F(AcknowledgementTest, IsAskedForOnceThePeriodIsOver) {
  EXPECT_EQ(by(), policy_->EndOfDay(absl::CivilDay(2025, 5, 31)));
  call_.attestations.clear();
  call_.now = by();
  EXPECT_EQ(call_.reason(), Reason::kOk);
  EXPECT_EQ(call_.Decide().good_until, by() + absl::Nanoseconds(1));
  call_.now += absl::Nanoseconds(1);
  EXPECT_EQ(call_.reason(), Reason::kAttestationMissing);
}

TEST_F(AcknowledgementTest, IsOfTheTextInForce) {
  EXPECT_EQ(call_.reason(), Reason::kOk);
  call_.attestations[0].document_sha256 = std::string(64, 'e');
  EXPECT_EQ(call_.reason(), Reason::kAttestationMissing);
  call_.attestations[0].document_sha256.clear();
  EXPECT_EQ(call_.reason(), Reason::kAttestationMissing);
}

TEST_F(AcknowledgementTest, FailsAsOtherEvidenceDoes) {
  Attestation& a = call_.attestations[0];
  const Attestation good = a;
  a.valid_until = call_.now - absl::Nanoseconds(1);
  EXPECT_EQ(call_.reason(), Reason::kAttestationExpired);
  a = good;
  a.revoked_at = call_.now;
  EXPECT_EQ(call_.reason(), Reason::kAttestationRevoked);
  a = good;
  a.signatory = "persons/other";
  EXPECT_EQ(call_.reason(), Reason::kAttestationWrongSignatory);
  a.kind = AttestationKind::kTraining;
  EXPECT_EQ(call_.reason(), Reason::kAttestationMissing);
}

TEST_F(AcknowledgementTest, GoodUntilCountsThePeriodAndTheEvidence) {
  EXPECT_EQ(call_.Decide().good_until, call_.attestations[0].valid_until + absl::Nanoseconds(1));
  call_.now = by() - absl::Hours(48);
  EXPECT_EQ(call_.Decide().good_until, call_.attestations[0].valid_until + absl::Nanoseconds(1));
  call_.attestations[0].valid_until = by() - absl::Hours(24);
  EXPECT_EQ(call_.Decide().good_until, by() + absl::Nanoseconds(1));
}

}  // namespace
}  // namespace piivault::authz
