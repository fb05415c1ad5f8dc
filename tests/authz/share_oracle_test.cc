// The compiled decision about sharing against the naive one, over made-up rules and disclosures;
// and that with less it never gives more.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "authz/vocabulary.h"
#include "tests/authz/compare_decisions.h"
#include "tests/authz/naive_share.h"
#include "tests/authz/share_generator.h"

namespace piivault::authz {
namespace {

constexpr int kSharesOfAPolicy = 100;
constexpr int kRefusalsWeakened = 3;

naive::Names NamesOf(const Policy& policy, absl::Span<const FieldId> ids) {
  naive::Names names;
  for (FieldId id : ids) names.push_back(policy.field(id).full_name);
  return names;
}

// A policy in both readings.
struct Readings {
  explicit Readings(const PolicyText& source)
      : text(naive::Read(source)), yaml(YAML::Load(source.yaml)) {}
  const naive::Text text;
  const YAML::Node yaml;
};

// The naive answer about the fields of the type of `first`.
Reason Naive(const Readings& readings, const Share& share, FieldId first, bool with_person) {
  const ShareInput input = share.Input();
  const Policy& policy = *share.policy;
  naive::AskedShare asked;
  asked.input = &input;
  asked.type = policy.type(policy.field(first).type).name;
  for (FieldId id : share.fields) {
    if (policy.field(id).type == policy.field(first).type) {
      asked.fields.push_back(policy.field(id).full_name);
    }
  }
  asked.all_fields = NamesOf(policy, share.fields);
  asked.requested = NamesOf(policy, share.requested);
  asked.held = NamesOf(policy, share.held);
  SubjectFacts facts = share.facts;
  facts.subject = "subjects/s";
  facts.matters = share.matters;
  facts.consents = share.consents;
  return naive::DecideShare(readings.text, readings.yaml, asked, with_person ? &facts : nullptr);
}

// Of the first phase: of all types, one after the other.
Reason NaiveFirst(const Readings& readings, const Share& share) {
  for (FieldId id : share.fields) {
    const Reason reason = Naive(readings, share, id, false);
    if (reason != Reason::kOk) return reason;
  }
  return Reason::kOk;
}

bool OfOneType(const Share& share) {
  std::set<TypeId> types;
  for (FieldId id : share.fields) types.insert(share.policy->field(id).type);
  return types.size() == 1;
}

// Takes one thing away, or lets the recipient have had one more.
std::string Weaken(Share& share, Dice& dice) {
  const auto drop = [&](auto& list) {
    if (!list.empty()) list.erase(list.begin() + static_cast<int64_t>(dice.Below(list.size())));
  };
  switch (dice.Below(8)) {
    case 0:
      drop(share.recipient.attestations);
      return "an attestation less";
    case 1:
      drop(share.assertions);
      return "an assertion less";
    case 2:
      drop(share.consents);
      return "a consent less";
    case 3:
      if (share.terms.approvals > 0) --share.terms.approvals;
      return "an approval less";
    case 4:
      drop(share.matters);
      return "a matter less";
    case 5:
      drop(share.recipient.matters);
      return "a matter of its own less";
    case 6:
      drop(share.requested);
      return "an item less";
    default:
      share.held.push_back(static_cast<FieldId>(dice.Below(share.policy->field_count())));
      return "a field more";
  }
}

struct Seen {
  int decided = 0;
  int granted = 0;
  std::map<Reason, int> reasons;
  std::map<std::string, int> needs;  // That were not met.
};

void Compare(const Readings& readings, MadeShare& made, Seen* seen) {
  const Share& share = made.share;
  const ShareDecision whole = share.Decide();
  const ShareDecision first = share.DecideFirst();
  ASSERT_EQ(whole.reason, Naive(readings, share, share.fields[0], true));
  ASSERT_EQ(first.reason, NaiveFirst(readings, share));
  if (OfOneType(share)) {
    ASSERT_TRUE(first.granted() || !whole.granted());
  }
  ++seen->decided;
  seen->granted += whole.granted() ? 1 : 0;
  ++seen->reasons[whole.reason];
  if (!whole.need.empty()) ++seen->needs[std::string(whole.need)];
}

void ExpectNeverMore(MadeShare& made, Dice& dice) {
  Share& share = made.share;
  if (share.Decide().granted()) return;
  std::string done;
  for (int i = 0; i < kRefusalsWeakened; ++i) {
    done += Weaken(share, dice) + ", ";
    ASSERT_FALSE(share.Decide().granted()) << done;
  }
}

void ExpectAllSeen(Seen seen) {
  for (Reason reason :
       {Reason::kRecipientDisabled, Reason::kSharingRuleUnknown,  Reason::kOwnRecipient,
        Reason::kNdaMissing,        Reason::kSubjectRestricted,   Reason::kRecipientKindNotAdmitted,
        Reason::kPurposeNotGranted, Reason::kRecipientNotGranted, Reason::kTokenTerms,
        Reason::kAssertionMissing,  Reason::kAssertionInvalid,    Reason::kNdaExpired,
        Reason::kNdaRevoked,        Reason::kAgreementMissing,    Reason::kAgreementExpired,
        Reason::kAgreementRevoked,  Reason::kArgumentMissing,     Reason::kMatterUnknown,
        Reason::kConsentMissing,    Reason::kUsersNotNotified,    Reason::kFieldCombination,
        Reason::kApprovalMissing}) {
    EXPECT_GT(seen.reasons[reason], 0) << ReasonName(reason);
  }
  for (std::string_view need : vocabulary::kRecipientNeeds) {
    if (need == "approver" || need == "two_approvers") continue;
    EXPECT_GT(seen.needs[std::string(need)], 0) << need;
  }
  EXPECT_GT(seen.granted, seen.decided / 5);
}

TEST(ShareOracleTest, CompiledAndNaiveDecisionsAreTheSame) {
  const int policies = IsLongRun() ? 5'000 : 300;
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(OracleSeed()));
  Dice dice(OracleSeed());
  Seen seen;
  int loaded = 0;
  for (int i = 0; i < policies; ++i) {
    const std::string rules = MakeSharingRules(dice);
    SCOPED_TRACE(rules);
    const PolicyText source = SharingText(rules);
    Diagnostics diagnostics;
    const auto policy = Policy::Load(source, &diagnostics);
    if (policy == nullptr) continue;
    ++loaded;
    const Readings readings(source);
    for (int k = 0; k < kSharesOfAPolicy; ++k) {
      const std::unique_ptr<MadeShare> made = MakeShare(policy, dice);
      SCOPED_TRACE(made->share.rule);
      ASSERT_NO_FATAL_FAILURE(Compare(readings, *made, &seen));
      ASSERT_NO_FATAL_FAILURE(ExpectNeverMore(*made, dice));
    }
  }
  EXPECT_GT(loaded, policies * 7 / 10);
  EXPECT_GE(seen.decided, 20'000);
  ExpectAllSeen(seen);
}

}  // namespace
}  // namespace piivault::authz
