// The decision about sharing: each rule on its own, in the order of its reasons.
#include "authz/share_decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/authz/sharing_policy.h"

namespace piivault::authz {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kTick = absl::Nanoseconds(1);
constexpr std::string_view kHash =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const char* const kAddressee[] = {"pi.name", "pi.address", "pi.phone"};

std::shared_ptr<const Policy> WithRule(const std::string& rule, const std::string& rest = "") {
  return LoadSharingPolicy("recipients:\n  - {id: r, " + rule + "}\n" + rest);
}

// A carrier's rule with `more` of it, and the addressee's fields asked for.
struct CarrierShare : Share {
  explicit CarrierShare(const std::string& more = "", const std::string& rest = "")
      : Share(WithRule("kind: carrier, fields: [pi.name, pi.address, pi.phone], purposes: [ship], "
                       "basis: published_clause" +
                           (more.empty() ? "" : ", " + more),
                       rest),
              "r") {
    Ask({kAddressee[0], kAddressee[1], kAddressee[2]});
  }
};

// Of any kind, fields by a word.
struct WordShare : Share {
  WordShare(const std::string& word, const std::string& more, const std::string& rest = "")
      : Share(WithRule("kind: any, fields: " + word + ", purposes: [ship], basis: law, " + more,
                       rest),
              "r") {
    Ask({"pi.name", "pi.email"});
  }
};

TEST(ShareDecisionTest, WhatTheRuleGivesIsGranted) {
  const CarrierShare share;
  const ShareDecision decision = share.Decide();
  EXPECT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.rule, share.policy->FindRecipient("r"));
  EXPECT_EQ(decision.role->name, "desk");
  EXPECT_EQ(decision.grant->id, "desk");
  EXPECT_EQ(decision.issuer_attestation->id, "nda");
  EXPECT_EQ(decision.good_until, share.attestations[0].valid_until + kTick);
  EXPECT_TRUE(share.DecideFirst().granted());
}

TEST(ShareDecisionTest, AnUnknownRecipientOrRuleGetsNothing) {
  CarrierShare share;
  ShareInput input = share.Input();
  input.recipient = nullptr;
  EXPECT_EQ(DecideShare(*share.policy, input).reason, Reason::kRecipientUnknown);
  share.rule = "R";
  EXPECT_EQ(share.reason(), Reason::kSharingRuleUnknown);
  share.recipient.disabled = true;
  EXPECT_EQ(share.reason(), Reason::kRecipientDisabled);
}

TEST(ShareDecisionTest, NobodyIsAskedAboutWithoutFacts) {
  const CarrierShare share;
  EXPECT_EQ(DecideShareWithSubject(*share.policy, share.Input(), 0, share.fields, {}).reason,
            Reason::kSubjectErased);
}

TEST(ShareDecisionTest, WhoRegisteredItIssuesNothingToIt) {
  CarrierShare share("needs: [member_list]");
  share.Attest(AttestationKind::kMembership);
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.recipient.attestations[0].recorded_by_person = "persons/aoki";
  EXPECT_EQ(share.reason(), Reason::kOwnRecipient);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kOwnRecipient);
  share.Attest(AttestationKind::kMembership);  // It rests on what somebody else recorded.
  share.recipient.attestations[0].valid_until += absl::Hours(1000);
  EXPECT_EQ(share.reason(), Reason::kOk);
  EXPECT_EQ(share.Decide().attestation->recorded_by_person, "persons/baba");
  share.recipient.registered_by_person = "persons/aoki";
  EXPECT_EQ(share.reason(), Reason::kOwnRecipient);
  share.terms.single_operator = true;
  EXPECT_EQ(share.reason(), Reason::kOk);
}

// Who registers one and who changes it afterwards may not do by turns what neither may do alone.
TEST(ShareDecisionTest, WhoHasEverChangedItIssuesNothingToIt) {
  CarrierShare share;
  share.recipient.changed_by_persons = {"persons/chiba", "persons/dan"};
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.recipient.changed_by_persons = {"persons/aoki", "persons/dan"};
  EXPECT_EQ(share.reason(), Reason::kOwnRecipient);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kOwnRecipient);
  share.recipient.changed_by_persons = {"persons/dan", "persons/aoki"};
  EXPECT_EQ(share.reason(), Reason::kOwnRecipient);
}

TEST(ShareDecisionTest, TheOwnerOfAServiceIsWhoIssues) {
  CarrierShare share;
  share.principal.kind = PrincipalKind::kService;
  share.principal.bindings[0].role = "shipping";
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.recipient.registered_by_person = share.principal.person;
  EXPECT_EQ(share.reason(), Reason::kOwnRecipient);
}

TEST(ShareDecisionTest, TheIssuerMustBeAllowedToExport) {
  CarrierShare share;
  share.attestations[0].valid_until = share.now - kTick;
  EXPECT_EQ(share.reason(), Reason::kNdaExpired);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kNdaExpired);
  share.attestations[0].valid_until = share.now;
  EXPECT_EQ(share.reason(), Reason::kOk);
  const std::string_view frozen = "pi.phone";
  share.facts.frozen = absl::MakeConstSpan(&frozen, 1);
  EXPECT_EQ(share.reason(), Reason::kSubjectRestricted);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.phone"));
  EXPECT_TRUE(share.DecideFirst().granted());
  share.facts.frozen = {};
  const UseStop stop{"pi.phone", "ship"};
  share.facts.stops = absl::MakeConstSpan(&stop, 1);
  EXPECT_EQ(share.reason(), Reason::kUseStopped);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.phone"));
}

TEST(ShareDecisionTest, ASpecialRuleGivesNoMoreThanTheIssuersRole) {
  Share share(WithRule("kind: carrier, fields: [pi.*], purposes: [ship], basis: joint_use"), "r");
  share.principal.kind = PrincipalKind::kService;
  share.principal.bindings[0].role = "shipping";
  share.Ask({"pi.name", "pi.email"});
  EXPECT_EQ(share.reason(), Reason::kFieldNotGranted);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.email"));
}

TEST(ShareDecisionTest, TheKindIsTheRules) {
  CarrierShare share;
  share.recipient.category = "affiliate";
  EXPECT_EQ(share.reason(), Reason::kRecipientKindNotAdmitted);
  share.recipient.category = "any";
  EXPECT_EQ(share.reason(), Reason::kRecipientKindNotAdmitted);
  WordShare any("requested_items", "needs: [article]");
  any.assertions = {{"article", "APPI-27"}};
  any.requested = any.fields;
  EXPECT_EQ(any.reason(), Reason::kOk);
  any.recipient.category = "";
  EXPECT_EQ(any.reason(), Reason::kRecipientKindNotAdmitted);
}

TEST(ShareDecisionTest, CountriesAreTheRulesOrHome) {
  CarrierShare anywhere;
  anywhere.recipient.country = "KR";
  EXPECT_EQ(anywhere.reason(), Reason::kOk);
  CarrierShare home("", "recipient_rules: {home: [JP]}\n");
  EXPECT_EQ(home.reason(), Reason::kOk);
  home.recipient.country = "KR";
  EXPECT_EQ(home.reason(), Reason::kRecipientKindNotAdmitted);
  CarrierShare abroad("countries: [KR]", "recipient_rules: {home: [JP]}\n");
  EXPECT_EQ(abroad.reason(), Reason::kRecipientKindNotAdmitted);
  abroad.recipient.country = "KR";
  EXPECT_EQ(abroad.reason(), Reason::kOk);
  abroad.recipient.country = "";
  EXPECT_EQ(abroad.reason(), Reason::kRecipientKindNotAdmitted);
}

TEST(ShareDecisionTest, AControllerHasItsOwnBack) {
  Share share(WithRule("kind: controller, fields: [pi.*], purposes: [ship], basis: instruction"),
              "r");
  share.Ask({"pi.name"});
  share.recipient.category = "controller";
  share.facts.controller = "acme";
  EXPECT_EQ(share.reason(), Reason::kRecipientKindNotAdmitted);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kRecipientKindNotAdmitted);
  share.recipient.controller = "acme";
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.facts.controller = "other";
  EXPECT_EQ(share.reason(), Reason::kRecipientKindNotAdmitted);
  EXPECT_TRUE(share.DecideFirst().granted());
  share.facts.controller = "";
  EXPECT_EQ(share.reason(), Reason::kRecipientKindNotAdmitted);
}

TEST(ShareDecisionTest, PurposesAreTheRules) {
  CarrierShare share;
  share.purpose = "bill";
  EXPECT_EQ(share.reason(), Reason::kPurposeNotGranted);
  share.purpose = "unheard";
  EXPECT_EQ(share.reason(), Reason::kPurposeUnknown);
}

TEST(ShareDecisionTest, FieldsAreTheRules) {
  CarrierShare share;
  share.Ask({"pi.name", "pi.email", "pi.birth"});
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.email", "pi.birth"));
  EXPECT_EQ(share.DecideFirst().reason, Reason::kRecipientNotGranted);
  share.fields = {};
  EXPECT_NE(share.DecideFirst().reason, Reason::kOk);
  share.fields = {kNoField};
  EXPECT_NE(share.DecideFirst().reason, Reason::kOk);
}

TEST(ShareDecisionTest, WhatWasNotAskedForIsNotGiven) {
  WordShare share("requested_items", "needs: [item_list, document_hash]");
  share.assertions = {{"document_hash", kHash}};
  share.requested = share.Ids({"pi.name"});
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.email"));
  share.requested = share.fields;
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareDecisionTest, NeverIsOfTheCategoryWhateverTheRule) {
  const std::string never =
      "recipient_rules: {never: [{fields: [pi.email], kinds: [dealer, partner]}]}\n";
  WordShare share("requested_items", "needs: [item_list]", never);
  share.requested = share.fields;
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.recipient.category = "dealer";
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.email"));
  share.recipient.category = "payment_processor";
  EXPECT_THAT(share.Denied(), ElementsAre("pi.name", "pi.email"));
}

TEST(ShareDecisionTest, AProcessorHasAPart) {
  const std::string part =
      "recipient_rules: {processors: partial, partial_fields: [pi.name, pi.phone], "
      "partial_subjects: 10}\n";
  WordShare share("contract_subset", "needs: [contract]", part);
  share.Attest(AttestationKind::kContract).fields = {"pi.*"};
  EXPECT_EQ(share.reason(), Reason::kOk) << "it is no processor";
  share.recipient.category = "processor";
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.email"));
  share.Ask({"pi.name", "pi.phone"});
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.terms.subjects = 10;
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.terms.subjects = 11;
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_THAT(share.Denied(), IsEmpty());
  share.recipient.category = "carrier";
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareDecisionTest, WhereThereAreToBeNoProcessorsNoneHasAnything) {
  WordShare share("requested_items", "needs: [item_list]",
                  "recipient_rules: {processors: forbidden}\n");
  share.requested = share.fields;
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.recipient.category = "processor";
  EXPECT_EQ(share.reason(), Reason::kRecipientKindNotAdmitted);
}

TEST(ShareDecisionTest, TermsAreTheRules) {
  CarrierShare share("single_use: true, lifetime: 1h");
  share.terms.lifetime = absl::Hours(1);
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.terms.lifetime += kTick;
  EXPECT_EQ(share.reason(), Reason::kTokenTerms);
  share.terms.lifetime = -kTick;
  EXPECT_EQ(share.reason(), Reason::kTokenTerms);
  share.terms.lifetime = absl::ZeroDuration();
  share.terms.uses = 2;
  EXPECT_EQ(share.reason(), Reason::kTokenTerms);
  share.terms.uses = 0;
  EXPECT_EQ(share.reason(), Reason::kTokenTerms);
  CarrierShare free;
  free.terms.uses = 7;
  free.terms.lifetime = kMaxTokenLifetime;
  EXPECT_EQ(free.reason(), Reason::kOk);
  free.terms.lifetime += kTick;
  EXPECT_EQ(free.reason(), Reason::kTokenTerms);
  EXPECT_EQ(LifetimeOf(*share.policy->FindRecipient("r")), absl::Hours(1));
  EXPECT_EQ(LifetimeOf(*free.policy->FindRecipient("r")), kMaxTokenLifetime);
}

TEST(ShareDecisionTest, CombinationsCountWhatItHasHad) {
  const std::string rules =
      "recipient_rules:\n  combinations:\n"
      "    - {fields: [pi.name, pi.phone, pi.birth, pay.bank], at_most: 2, kinds: [carrier]}\n";
  WordShare share("requested_items", "needs: [item_list]", rules);
  share.requested = share.Ids({"pi.name", "pi.phone", "pi.birth", "pi.email"});
  share.Ask({"pi.name", "pi.phone", "pi.email"});
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.Ask({"pi.birth", "pi.email"});
  share.held = share.Ids({"pi.name"});
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.held = share.Ids({"pi.name", "pay.bank"});
  EXPECT_EQ(share.reason(), Reason::kFieldCombination);
  EXPECT_THAT(share.Denied(), ElementsAre("pi.birth"));
  EXPECT_TRUE(share.DecideFirst().granted());
  share.held = share.Ids({"pi.birth", "pi.birth", "pi.name"});
  EXPECT_EQ(share.reason(), Reason::kOk) << "once is once";
  share.held = share.Ids({"pi.name", "pay.bank", "pi.phone"});
  share.Ask({"pi.email"});
  EXPECT_EQ(share.reason(), Reason::kOk) << "nothing of it is asked for";
  share.Ask({"pi.name"});
  EXPECT_EQ(share.reason(), Reason::kFieldCombination) << "it has too much already";
  share.recipient.category = "government";
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareDecisionTest, CombinationsCountAcrossTypesOfOneToken) {
  const std::string rules =
      "recipient_rules: {combinations: [{fields: [pi.name, pay.bank], at_most: 1}]}\n";
  WordShare share("requested_items", "needs: [item_list]", rules);
  share.requested = share.Ids({"pi.name", "pay.bank"});
  share.Ask({"pi.name", "pay.bank"});
  EXPECT_EQ(share.reason(), Reason::kFieldCombination);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kFieldCombination);
}

TEST(ShareDecisionTest, ApprovalsAreCounted) {
  WordShare one("minimal", "needs: [approver]");
  EXPECT_EQ(one.reason(), Reason::kApprovalMissing);
  one.terms.approvals = 1;
  EXPECT_EQ(one.reason(), Reason::kOk);
  WordShare two("minimal", "needs: [two_approvers]");
  two.terms.approvals = 1;
  EXPECT_EQ(two.reason(), Reason::kApprovalMissing);
  two.terms.approvals = 2;
  EXPECT_EQ(two.reason(), Reason::kOk);
  EXPECT_EQ(ApprovalsOf(*one.policy->FindRecipient("r")), 1u);
  EXPECT_EQ(ApprovalsOf(*two.policy->FindRecipient("r")), 2u);
  EXPECT_EQ(ApprovalsOf(*CarrierShare().policy->FindRecipient("r")), 0u);
}

TEST(ShareDecisionTest, SeveralTypesAreAskedAboutOneByOne) {
  Share share(WithRule("kind: carrier, fields: [pi.name, pay.bank], purposes: [ship], "
                       "basis: joint_use"),
              "r");
  share.Ask({"pi.name", "pay.bank"});
  EXPECT_TRUE(share.DecideFirst().granted());
  EXPECT_TRUE(share.Decide().granted());
  share.Ask({"pi.name", "pay.holder"});
  EXPECT_EQ(share.DecideFirst().reason, Reason::kRecipientNotGranted);
}

}  // namespace
}  // namespace piivault::authz
