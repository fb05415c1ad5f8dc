// What sharing rules need: assertions, agreements, matters, consents, notice to all users.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
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

// A rule that needs `needs`, with pi.name and pi.email named and asked for.
struct NeedyShare : Share {
  explicit NeedyShare(const std::string& more, const std::string& given = "[pi.name, pi.email]",
                      const std::string& used = "[ship, bill]", const std::string& rest = "")
      : Share(
            LoadSharingPolicy("recipients:\n  - {id: r, kind: carrier, fields: " + given +
                              ", purposes: " + used + ", basis: joint_use, " + more + "}\n" + rest),
            "r") {
    Ask({"pi.name", "pi.email"});
  }
};

TEST(ShareNeedsTest, ReferencesAreStatedInTheFormOfTickets) {
  NeedyShare share("needs: [statute, article]");
  EXPECT_EQ(share.reason(), Reason::kAssertionMissing);
  EXPECT_EQ(share.Decide().need, "statute");
  share.assertions = {{"statute", "APPI"}};
  EXPECT_EQ(share.reason(), Reason::kAssertionMissing);
  EXPECT_EQ(share.Decide().need, "article");
  EXPECT_EQ(share.DecideFirst().reason, Reason::kAssertionMissing);
  share.assertions.push_back({"article", "27(1)"});
  EXPECT_EQ(share.reason(), Reason::kAssertionInvalid);
  share.assertions.back().value = "27-1";
  EXPECT_EQ(share.reason(), Reason::kOk);
  EXPECT_EQ(share.Decide().need, "");
  const std::string longest(64, 'x');
  share.assertions.back().value = longest;
  EXPECT_EQ(share.reason(), Reason::kOk);
  const std::string longer(65, 'x');
  share.assertions.back().value = longer;
  EXPECT_EQ(share.reason(), Reason::kAssertionInvalid);
}

TEST(ShareNeedsTest, DocumentsAreStatedByTheirHash) {
  NeedyShare share("needs: [deed]");
  EXPECT_EQ(share.reason(), Reason::kAssertionMissing);
  const std::string upper = "A" + std::string(63, 'a');
  for (std::string_view bad :
       {std::string_view("deed-1"), kHash.substr(1), std::string_view(upper)}) {
    share.assertions = {{"deed", bad}};
    EXPECT_EQ(share.reason(), Reason::kAssertionInvalid) << bad;
  }
  share.assertions = {{"deed", kHash}};
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareNeedsTest, AListOfItemsIsNotEmpty) {
  NeedyShare share("needs: [item_list]");
  EXPECT_EQ(share.reason(), Reason::kAssertionMissing);
  share.requested = share.Ids({"pi.name"});
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareNeedsTest, AgreementsAreInForce) {
  struct Case {
    const char* need;
    AttestationKind kind;
    Reason missing, expired, revoked;
  };
  const Case cases[] = {
      {"contract", AttestationKind::kContract, Reason::kAgreementMissing, Reason::kAgreementExpired,
       Reason::kAgreementRevoked},
      {"supervision_review", AttestationKind::kSupervision, Reason::kAgreementMissing,
       Reason::kAgreementExpired, Reason::kAgreementRevoked},
      {"valid_nda", AttestationKind::kPartnerNda, Reason::kNdaMissing, Reason::kNdaExpired,
       Reason::kNdaRevoked},
      {"member_list", AttestationKind::kMembership, Reason::kAgreementMissing,
       Reason::kAgreementExpired, Reason::kAgreementRevoked}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.need);
    NeedyShare share("needs: [" + std::string(c.need) + "]");
    EXPECT_EQ(share.reason(), c.missing);
    EXPECT_EQ(share.Decide().need, c.need);
    for (const Case& other : cases) {
      if (other.kind != c.kind) share.Attest(other.kind);
    }
    EXPECT_EQ(share.reason(), c.missing);
    RecipientAttestation& a = share.Attest(c.kind);
    EXPECT_EQ(share.reason(), Reason::kOk);
    EXPECT_EQ(share.Decide().attestation, &a);
    a.signed_at = share.now;
    EXPECT_EQ(share.reason(), Reason::kOk);
    a.signed_at += kTick;
    EXPECT_EQ(share.reason(), c.missing);
    a.signed_at = share.now - absl::Hours(1);
    a.valid_until = share.now;
    EXPECT_EQ(share.reason(), Reason::kOk);
    EXPECT_EQ(share.Decide().good_until, share.now + kTick);
    a.valid_until -= kTick;
    EXPECT_EQ(share.reason(), c.expired);
    a.revoked_at = share.now;
    EXPECT_EQ(share.reason(), c.revoked);
    a.valid_until = absl::InfiniteFuture();
    a.revoked_at = share.now + kTick;
    EXPECT_EQ(share.reason(), Reason::kOk);
    EXPECT_EQ(share.DecideFirst().reason, Reason::kOk);
  }
}

TEST(ShareNeedsTest, ASupervisionEndsWithItsInterval) {
  NeedyShare share("needs: [supervision_review]", "[pi.name, pi.email]", "[ship]",
                   "governance: {supervision_interval: 1y}\n");
  RecipientAttestation& review = share.Attest(AttestationKind::kSupervision);
  review.valid_until = absl::InfiniteFuture();
  const auto at = [&](int year, int month, int day, int hour) {
    return absl::FromCivil(absl::CivilSecond(year, month, day, hour, 0, 0),
                           share.policy->timezone());
  };
  review.signed_at = at(2025, 4, 1, 13);
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.now = at(2026, 4, 1, 13);
  EXPECT_EQ(share.reason(), Reason::kAgreementExpired);
}

TEST(ShareNeedsTest, AContractBindsToItsFieldsAndPurposes) {
  NeedyShare share("needs: [contract]", "contract_subset");
  RecipientAttestation& contract = share.Attest(AttestationKind::kContract);
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted) << "it names nothing";
  contract.fields = {"pi.name"};
  EXPECT_THAT(share.Denied(), ElementsAre("pi.email"));
  contract.fields = {"pi.*"};
  EXPECT_EQ(share.reason(), Reason::kOk);
  contract.purposes = {"bill"};
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  contract.purposes = {"bill", "ship"};
  EXPECT_EQ(share.reason(), Reason::kOk);
  NeedyShare named("needs: [contract]");
  RecipientAttestation& of_all = named.Attest(AttestationKind::kContract);
  EXPECT_EQ(named.reason(), Reason::kOk);
  of_all.fields = {"pi.name"};
  EXPECT_EQ(named.reason(), Reason::kRecipientNotGranted);
}

TEST(ShareNeedsTest, AnNdaBindsToItsService) {
  NeedyShare share("needs: [valid_nda]", "by_option_service");
  share.Attest(AttestationKind::kPartnerNda).fields = {"pi.name"};
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kRecipientNotGranted);
  share.Attest(AttestationKind::kPartnerNda).fields = {"pi.name", "pi.email"};
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareNeedsTest, MattersAreNamedOpenAndItsOwn) {
  NeedyShare share("matter: [{kind: shipment, state: [open, sent]}, {kind: option, own: true}]");
  EXPECT_EQ(share.reason(), Reason::kArgumentMissing);
  EXPECT_EQ(share.Decide().need, "shipment");
  EXPECT_EQ(share.DecideFirst().reason, Reason::kArgumentMissing);
  share.arguments = {{"shipment", "S-1"}, {"option", "O-17"}};
  EXPECT_EQ(share.reason(), Reason::kMatterUnknown);
  share.matters = {{.kind = "shipment", .id = "S-1", .state = "sent"},
                   {.kind = "option", .id = "O-17", .state = "open"}};
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  EXPECT_EQ(share.Decide().need, "option");
  EXPECT_EQ(share.DecideFirst().reason, Reason::kRecipientNotGranted);
  share.recipient.matters = {{"shipment", "O-17"}, {"option", "O-18"}};
  EXPECT_EQ(share.reason(), Reason::kRecipientNotGranted);
  share.recipient.matters.push_back({"option", "O-17"});
  EXPECT_EQ(share.reason(), Reason::kOk);
  EXPECT_TRUE(share.DecideFirst().granted());
  share.matters[0].state = "closed";
  EXPECT_EQ(share.reason(), Reason::kMatterUnknown);
  share.matters[0].state = "open";
  share.matters[0].not_after = share.now;
  EXPECT_EQ(share.reason(), Reason::kOk);
  EXPECT_EQ(share.Decide().good_until, share.now + kTick);
  share.matters[0].not_after -= kTick;
  EXPECT_EQ(share.reason(), Reason::kMatterUnknown);
}

TEST(ShareNeedsTest, MattersOfTheTenantAndTheController) {
  NeedyShare share("matter: [project, instruction]");
  share.arguments = {{"project", "P-1"}, {"instruction", "I-1"}};
  share.facts.controller = "acme";
  EXPECT_EQ(share.DecideFirst().reason, Reason::kMatterUnknown);
  share.tenant_matters = {{.kind = "project", .id = "P-1", .state = "open"}};
  EXPECT_TRUE(share.DecideFirst().granted());
  EXPECT_EQ(share.reason(), Reason::kMatterUnknown);
  share.tenant_matters.push_back(
      {.kind = "instruction", .id = "I-1", .state = "open", .party = "other"});
  EXPECT_EQ(share.reason(), Reason::kMatterUnknown);
  share.tenant_matters.back().party = "acme";
  EXPECT_EQ(share.reason(), Reason::kOk);
}

struct ConsentedShare : NeedyShare {
  explicit ConsentedShare(const std::string& need, const std::string& purposes = "[ship]")
      : NeedyShare("needs: [" + need + "]", "consented_items", purposes) {
    names = {"pi.name", "pi.email"};
    consents = {{.id = "third",
                 .purpose = "ship",
                 .fields = names,
                 .given = now - absl::Hours(1),
                 .recipient = recipient.name}};
  }
  std::vector<std::string_view> names;
};

TEST(ShareNeedsTest, AConsentIsToThisRecipientPurposeAndThese) {
  ConsentedShare share("consent_for_this_case", "consented");
  ConsentFact& fact = share.consents[0];
  EXPECT_EQ(share.reason(), Reason::kOk);
  EXPECT_EQ(share.Decide().consent, &share.consents[0]);
  const auto with = [&](auto change) {
    const ConsentFact kept = fact;
    change(fact);
    const Reason reason = share.reason();
    EXPECT_TRUE(share.DecideFirst().granted());
    fact = kept;
    return reason;
  };
  const Reason missing = Reason::kConsentMissing;
  EXPECT_EQ(with([](ConsentFact& f) { f.recipient = "tenants/default/recipients/other"; }),
            missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.recipient = {}; }), missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.purpose = "bill"; }), missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.purpose = {}; }), missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = "widen"; }), missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = "unheard"; }), missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.id = "contact"; }), Reason::kOk);
  EXPECT_EQ(with([](ConsentFact& f) { f.fields = {}; }), missing);
  EXPECT_EQ(with([](ConsentFact& f) { f.fields = f.fields.subspan(1); }), missing);
  EXPECT_EQ(with([&](ConsentFact& f) { f.given = share.now; }), missing);
  EXPECT_EQ(with([&](ConsentFact& f) { f.given = share.now - kTick; }), Reason::kOk);
  EXPECT_EQ(with([&](ConsentFact& f) { f.withdrawn = share.now; }), missing);
  EXPECT_EQ(with([&](ConsentFact& f) { f.withdrawn = share.now + kTick; }), Reason::kOk);
  share.terms.issued_at = fact.given;
  EXPECT_EQ(share.reason(), missing) << "the token was issued before";
}

TEST(ShareNeedsTest, AConsentIsToTheFieldsOfThePolicysConsent) {
  ConsentedShare share("consent_for_this_case");
  share.consents[0].id = "contact";
  share.Ask({"pay.bank"});
  share.names = {"pay.*"};
  share.consents[0].fields = share.names;
  EXPECT_EQ(share.reason(), Reason::kConsentMissing);
  share.consents[0].id = "third";
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareNeedsTest, APermissionMayBeForAnyPurpose) {
  ConsentedShare share("permission_for_this_partner");
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.consents[0].purpose = {};
  EXPECT_EQ(share.reason(), Reason::kOk);
  share.consents[0].purpose = "bill";
  EXPECT_EQ(share.reason(), Reason::kConsentMissing);
}

constexpr char kTransfer[] = "needs: [deed, notice_to_all_users], notice: notice, notice_lead: 2mo";

TEST(ShareNeedsTest, AllUsersAreToldBefore) {
  NeedyShare share(kTransfer);
  share.assertions = {{"deed", kHash}};
  EXPECT_EQ(share.reason(), Reason::kUsersNotNotified);
  EXPECT_EQ(share.DecideFirst().reason, Reason::kUsersNotNotified);
  share.terms.users_notified = true;
  EXPECT_EQ(share.reason(), Reason::kOk);
}

TEST(ShareNeedsTest, TheNoticeIsOfTwoCalendarMonths) {
  NeedyShare share(kTransfer);
  const Policy& policy = *share.policy;
  const auto begin = [&](int y, int m, int d) {
    return absl::FromCivil(absl::CivilDay(y, m, d), policy.timezone());
  };
  const auto told_before = [&](absl::Time now) {
    return NoticeGateOf(policy, *policy.FindRecipient("r"), now)->told_before;
  };
  // Told on 31 January: on 31 March, and not the day before.
  EXPECT_EQ(told_before(begin(2026, 3, 31)), begin(2026, 2, 1));
  EXPECT_EQ(told_before(begin(2026, 3, 31) - kTick), begin(2026, 1, 31));
  // 31 December has no day in February: the first of March.
  EXPECT_EQ(told_before(begin(2026, 3, 1) - kTick), begin(2025, 12, 29));
  EXPECT_EQ(told_before(begin(2026, 3, 1)), begin(2026, 1, 2));
  EXPECT_EQ(told_before(begin(2028, 2, 29)), begin(2027, 12, 30));
  EXPECT_EQ(NoticeGateOf(policy, *policy.FindRecipient("r"), begin(2026, 3, 1))->matter,
            policy.FindMatter("notice")->id);
}

TEST(ShareNeedsTest, TheNoticeMayBeOfDays) {
  NeedyShare share("needs: [notice_to_all_users], notice: notice, notice_lead: 2w");
  const auto begin = [&](int d) {
    return absl::FromCivil(absl::CivilDay(2026, 3, d), share.policy->timezone());
  };
  EXPECT_EQ(NoticeGateOf(*share.policy, *share.policy->FindRecipient("r"), begin(20))->told_before,
            begin(7));
  NeedyShare none("single_use: true");
  EXPECT_FALSE(NoticeGateOf(*none.policy, *none.policy->FindRecipient("r"), none.now).has_value());
}

}  // namespace
}  // namespace piivault::authz
