#include "authz/compiled_sharing.h"

#include <algorithm>

#include "authz/policy_change.h"
#include "authz/share_decision.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

using Kind = ShareNeed::Kind;

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

BitSet FieldsOf(const Policy& policy, const std::vector<FieldId>& ids) {
  BitSet fields(policy.field_count());
  for (FieldId id : ids) fields.Set(id);
  return fields;
}

SharedFields FromWord(std::string_view word) {
  if (word == "requested_items") return SharedFields::kRequested;
  if (word == "minimal") return SharedFields::kApproved;
  if (word == "consented_items" || word == "permitted_items") return SharedFields::kConsented;
  if (word == "contract_subset") return SharedFields::kContracted;
  if (word == "by_option_service") return SharedFields::kOfOption;
  return SharedFields::kNamed;
}

AttestationKind AgreementOf(std::string_view need) {
  constexpr AttestationKind kKinds[] = {AttestationKind::kContract, AttestationKind::kSupervision,
                                        AttestationKind::kPartnerNda, AttestationKind::kMembership};
  static_assert(std::size(kKinds) == vocabulary::kAgreementNeeds.size());
  const auto& needs = vocabulary::kAgreementNeeds;
  const auto found = std::find(needs.begin(), needs.end(), need);
  return found == needs.end() ? AttestationKind::kUnspecified : kKinds[found - needs.begin()];
}

ShareNeed NeedOf(std::string_view word) {
  if (Contains(vocabulary::kReferenceAssertions, word)) return {Kind::kReference, word};
  if (Contains(vocabulary::kDocumentAssertions, word)) return {Kind::kDocument, word};
  if (word == "item_list") return {Kind::kItemList, word};
  if (word == "consent_for_this_case") return {Kind::kConsentToCase, word};
  if (word == "permission_for_this_partner") return {Kind::kPermission, word};
  if (word == "notice_to_all_users") return {Kind::kUsersNotified, word};
  // Of a kind that nobody signs where the word is none of these.
  return {Kind::kAgreement, word, AgreementOf(word)};
}

ShareRule RuleOf(const Policy& policy, const RecipientSpec& spec) {
  ShareRule rule;
  rule.spec = &spec;
  rule.any_kind = spec.kind == "any";
  rule.processor = spec.kind == "processor" || spec.basis == "entrustment";
  rule.from = FromWord(spec.fields.word);
  rule.fields = FieldsOf(policy, spec.fields.fields);
  rule.purposes = BitSet(policy.purposes().size());
  for (PurposeId id : spec.purposes) rule.purposes.Set(id);
  rule.approvals = ApprovalsOf(spec);
  rule.lead = ParseDuration(spec.notice_lead).value_or(CalendarDuration());
  for (const std::string& need : spec.needs) {
    if (!Contains(vocabulary::kApprovalNeeds, need)) rule.needs.push_back(NeedOf(need));
  }
  return rule;
}

}  // namespace

bool BoundFields::Binds(std::string_view category) const {
  return Contains(kinds, category) || Contains(kinds, "any");
}

CompiledSharing::CompiledSharing(const Policy& policy) {
  for (const RecipientSpec& spec : policy.recipients()) rules_.push_back(RuleOf(policy, spec));
  for (const ConsentSpec& spec : policy.consent()) {
    if (!Contains(spec.event, "third_party")) continue;
    consents_.push_back({spec.id, spec.fields.empty(), FieldsOf(policy, spec.fields)});
  }
  const RecipientRules& rules = policy.recipient_rules();
  for (const NeverShareSpec& never : rules.never) {
    never_.push_back({FieldsOf(policy, never.fields), {never.kinds.begin(), never.kinds.end()}});
  }
  for (const CombinationSpec& spec : rules.combinations) {
    combinations_.push_back(
        {FieldsOf(policy, spec.fields), {spec.kinds.begin(), spec.kinds.end()}, spec.at_most});
    if (spec.kinds.empty()) combinations_.back().kinds = {"any"};
  }
  whole_ = rules.processors == Processors::kAllowed ||
           (rules.processors == Processors::kPartial && rules.partial_fields.empty());
  partial_ = FieldsOf(policy, rules.partial_fields);
}

const ShareRule* CompiledSharing::Find(std::string_view id) const {
  for (const ShareRule& rule : rules_) {
    if (rule.spec->id == id) return &rule;
  }
  return nullptr;
}

const ShareConsent* CompiledSharing::FindConsent(std::string_view id) const {
  for (const ShareConsent& consent : consents_) {
    if (consent.id == id) return &consent;
  }
  return nullptr;
}

}  // namespace piivault::authz
