// What does not load of sharing rules, what is warned of, and what the policy's diff and hash see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "authz/policy_diff.h"
#include "tests/authz/sharing_policy.h"

namespace piivault::authz {
namespace {

using testing::HasSubstr;

// What is said of a policy with one rule and `rest`.
std::string Said(const std::string& rule, const std::string& rest = "", bool loads = false) {
  Diagnostics diagnostics;
  const auto policy =
      Policy::Load(SharingText("recipients: [{id: r, " + rule + "}]\n" + rest), &diagnostics);
  EXPECT_EQ(policy != nullptr, loads) << rule << rest << diagnostics.ToString();
  return diagnostics.ToString();
}

std::string Rule(const std::string& more, const std::string& fields = "[pi.name]",
                 const std::string& kind = "carrier") {
  return "kind: " + kind + ", fields: " + fields + ", purposes: [ship], basis: joint_use" +
         (more.empty() ? "" : ", " + more);
}

TEST(SharingLoaderTest, WordsThatMattersReplacedAreUnknown) {
  for (const char* word : {"shipment_id", "customer_wish", "customer_pays_through_it",
                           "nonpayment_flag", "subject_subscribed", "privacy_officer_approval"}) {
    EXPECT_THAT(Said(Rule("needs: [" + std::string(word) + "]")), HasSubstr("unknown")) << word;
  }
  EXPECT_THAT(Said(Rule("revocable: true")), HasSubstr("unknown key 'revocable'"));
  EXPECT_THAT(Said(Rule("country: JP")), HasSubstr("unknown key 'country'"));
  EXPECT_THAT(Said(Rule(""), "recipient_rules: {exceptions: []}\n"),
              HasSubstr("unknown key 'exceptions'"));
}

TEST(SharingLoaderTest, AWordForFieldsSaysWhereTheyAreNamed) {
  EXPECT_THAT(Said(Rule("", "minimal")), HasSubstr("needs: [approver]"));
  EXPECT_THAT(Said(Rule("", "contract_subset")), HasSubstr("needs: [contract]"));
  EXPECT_THAT(Said(Rule("", "by_option_service")), HasSubstr("needs: [valid_nda]"));
  EXPECT_THAT(Said(Rule("", "consented_items")), HasSubstr("consent_for_this_case"));
  EXPECT_THAT(Said(Rule("", "permitted_items")), HasSubstr("consent_for_this_case"));
  EXPECT_THAT(Said("kind: carrier, fields: [pi.name], purposes: consented, basis: prior_consent"),
              HasSubstr("consent_for_this_case"));
  Said(Rule("needs: [two_approvers]", "minimal"), "", true);
  Said(Rule("", "requested_items"), "", true);
}

TEST(SharingLoaderTest, WhatIsNeverReadNeverLeaves) {
  EXPECT_THAT(Said(Rule("", "[pay.secret]")), HasSubstr("never leaves"));
  EXPECT_THAT(Said(Rule("", "[pi.name]", "payment_processor")), HasSubstr("gets nothing"));
  EXPECT_THAT(Said(Rule("single_use: true", "[]")), HasSubstr("nothing to hand out"));
}

TEST(SharingLoaderTest, APurposeOfFewerThanValuesGivesNoneAway) {
  EXPECT_THAT(Said("kind: carrier, fields: [pi.name], purposes: [ship, stats], basis: joint_use"),
              HasSubstr("'stats' gives no plain values away"));
}

TEST(SharingLoaderTest, AStatementOfPurposeIsNotConsent) {
  EXPECT_THAT(
      Said("kind: dealer, fields: [pi.name], purposes: [ship], basis: published_purpose", "", true),
      HasSubstr("warning: naming recipients"));
}

TEST(SharingLoaderTest, AConsentThatNoRuleAsksForIsWarnedOf) {
  EXPECT_THAT(Said(Rule(""), "", true), HasSubstr("'third': no sharing rule asks for it"));
  EXPECT_THAT(Said(Rule("needs: [permission_for_this_partner]"), "", true),
              Not(HasSubstr("no sharing rule")));
}

TEST(SharingLoaderTest, NoticeToAllSaysWhichAndHowLongBefore) {
  const std::string need = "needs: [notice_to_all_users]";
  EXPECT_THAT(Said(Rule(need)), HasSubstr("of what, how long before"));
  EXPECT_THAT(Said(Rule(need + ", notice: notice")), HasSubstr("of what, how long before"));
  EXPECT_THAT(Said(Rule(need + ", notice_lead: 2mo")), HasSubstr("of what, how long before"));
  EXPECT_THAT(Said(Rule(need + ", notice: notice, notice_lead: 12h")), HasSubstr("days or more"));
  EXPECT_THAT(Said(Rule(need + ", notice: notice, notice_lead: 0")), HasSubstr("days or more"));
  EXPECT_THAT(Said(Rule(need + ", notice: project, notice_lead: 2mo")), HasSubstr("one by one"));
  EXPECT_THAT(Said(Rule("notice: notice")), HasSubstr("nobody asks"));
  EXPECT_THAT(Said(Rule("notice_lead: 2mo")), HasSubstr("nobody asks"));
  Said(Rule(need + ", notice: notice, notice_lead: 2mo"), "", true);
}

TEST(SharingLoaderTest, TokensLiveADayAtMost) {
  Said(Rule("lifetime: 24h"), "", true);
  for (const char* bad : {"25h", "0", "1mo"}) {
    EXPECT_THAT(Said(Rule("lifetime: " + std::string(bad))), HasSubstr("24 hours")) << bad;
  }
}

TEST(SharingLoaderTest, CountriesAreCodes) {
  for (const char* bad : {"Japan", "jp", "[JP, japan]"}) {
    EXPECT_THAT(Said(Rule("countries: " + std::string(bad))), HasSubstr("two capital letters"));
    EXPECT_THAT(Said(Rule(""), "recipient_rules: {home: " + std::string(bad) + "}\n"),
                HasSubstr("two capital letters"));
  }
  EXPECT_THAT(Said(Rule("countries: []")), HasSubstr("no country is named"));
}

TEST(SharingLoaderTest, MattersAreKnownAndOnce) {
  EXPECT_THAT(Said(Rule("matter: parcel")), HasSubstr("unknown kind of matter"));
  EXPECT_THAT(Said(Rule("matter: []")), HasSubstr("no matter is named"));
  EXPECT_THAT(Said(Rule("matter: [option, {kind: option, own: true}]")), HasSubstr("twice"));
  EXPECT_THAT(Said(Rule("matter: {kind: shipment, state: [lost]}")), HasSubstr("lost"));
}

TEST(SharingLoaderTest, BasesAreTheClosedList) {
  Said(Rule(""), "recipient_rules: {bases: [law, joint_use]}\n", true);
  EXPECT_THAT(Said(Rule(""), "recipient_rules: {bases: [law]}\n"),
              HasSubstr("nothing is given on the basis 'joint_use'"));
  EXPECT_THAT(Said(Rule(""), "recipient_rules: {bases: [because]}\n"), HasSubstr("unknown"));
}

TEST(SharingLoaderTest, AProcessorHasNoMoreThanItsPart) {
  const std::string part = "recipient_rules: {processors: partial, partial_fields: [pi.name]}\n";
  Said(Rule("", "[pi.name]", "processor"), part, true);
  EXPECT_THAT(Said(Rule("", "[pi.name, pi.phone]", "processor"), part),
              HasSubstr("'pi.phone' is more than a processor may have"));
  EXPECT_THAT(Said("kind: partner, fields: [pi.phone], purposes: [ship], basis: entrustment", part),
              HasSubstr("more than a processor may have"));
  EXPECT_THAT(Said(Rule(""), "recipient_rules: {processors: allowed, partial_subjects: 3}\n"),
              HasSubstr("nothing is partial"));
  EXPECT_THAT(Said(Rule(""), "recipient_rules: {processors: partial}\n"),
              HasSubstr("say the most"));
}

TEST(SharingLoaderTest, NeverAndCombinationsLimitSomething) {
  const auto rules = [](const std::string& text) { return "recipient_rules: {" + text + "}\n"; };
  EXPECT_THAT(Said(Rule(""), rules("never: [{fields: [pi.name], kinds: [carrier]}]")),
              HasSubstr("may never have 'pi.name'"));
  EXPECT_THAT(Said(Rule(""), rules("never: [{fields: [pi.name], kinds: [any]}]")),
              HasSubstr("may never have 'pi.name'"));
  EXPECT_THAT(Said(Rule(""), rules("never: [{fields: [pi.name]}]")), HasSubstr("needs fields and"));
  EXPECT_THAT(Said(Rule(""), rules("combinations: [{fields: [pi.name, pi.phone], at_most: 2}]")),
              HasSubstr("nothing is limited"));
  EXPECT_THAT(Said(Rule(""), rules("combinations: [{fields: [pi.name]}]")), HasSubstr("at_most"));
}

TEST(SharingLoaderTest, RecipientsSignWhatPersonsDoNot) {
  for (const char* kind : {"contract", "membership"}) {
    for (const std::string key : {"nda", "attested"}) {
      PolicyText text = SharingText("");
      const std::string role = "desk: {kind: staff, nda: [nda_contract]}";
      const std::string other = key == "nda" ? "nda: [" : "nda: none, attested: [";
      text.yaml.replace(text.yaml.find(role), role.size(),
                        "desk: {kind: staff, " + other + kind + "]}");
      Diagnostics diagnostics;
      EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
      EXPECT_THAT(diagnostics.ToString(), HasSubstr("signed by recipients only")) << key;
    }
  }
}

TEST(SharingLoaderTest, TheLedgerIsKeptForThreeYearsUnlessItSays) {
  EXPECT_EQ(LoadSharingPolicy("")->recipient_rules().keep, "3y");
  EXPECT_EQ(LoadSharingPolicy("recipient_rules: {processors: allowed}\n")->recipient_rules().keep,
            "3y");
  EXPECT_EQ(LoadSharingPolicy("recipient_rules: {keep: 5y}\n")->recipient_rules().keep, "5y");
}

// Each key changes what the policy means.
TEST(SharingLoaderTest, TheSemanticHashSeesEveryKey) {
  const std::string base = Rule("needs: [notice_to_all_users], notice: notice, notice_lead: 2mo");
  const auto hash = [](const std::string& rule, const std::string& rest) {
    const auto policy = LoadSharingPolicy("recipients: [{id: r, " + rule + "}]\n" + rest);
    return policy == nullptr ? "" : SemanticHash(*policy);
  };
  const std::string unchanged = hash(base, "");
  for (const std::string more : {"matter: option", "matter: {kind: option, own: true}",
                                 "single_use: true", "lifetime: 1h", "countries: [JP]"}) {
    EXPECT_NE(hash(base + ", " + more, ""), unchanged) << more;
  }
  EXPECT_NE(hash(base + ", matter: option", ""),
            hash(base + ", matter: {kind: option, own: true}", ""));
  EXPECT_NE(hash(Rule("needs: [notice_to_all_users], notice: option, notice_lead: 2mo"), ""),
            unchanged);
  EXPECT_NE(hash(Rule("needs: [notice_to_all_users], notice: notice, notice_lead: 3mo"), ""),
            unchanged);
  for (const std::string rules :
       {"bases: [joint_use]", "home: [JP]", "keep: 4y",
        "combinations: [{fields: [pi.name, pi.phone], at_most: 1}]",
        "combinations: [{fields: [pi.name, pi.phone], at_most: 0}]",
        "combinations: [{fields: [pi.name, pi.phone], at_most: 1, kinds: [carrier]}]"}) {
    EXPECT_NE(hash(base, "recipient_rules: {" + rules + "}\n"), unchanged) << rules;
  }
  EXPECT_EQ(hash(base, "recipient_rules: {keep: 3y}\n"), unchanged);
}

}  // namespace
}  // namespace piivault::authz
