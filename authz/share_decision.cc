#include "authz/share_decision.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "authz/compiled_policy.h"
#include "authz/compiled_sharing.h"
#include "authz/share_needs.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kController = "controller";
constexpr std::string_view kProcessor = "processor";
constexpr std::string_view kPaymentProcessor = "payment_processor";

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// A disclosure of fields of one type; `subject` is null where nobody in particular is asked about.
class Disclosure {
 public:
  Disclosure(const Policy& policy, const ShareInput& input, TypeId type,
             absl::Span<const FieldId> fields, const ShareSubject* subject)
      : policy_(policy),
        sharing_(policy.compiled().sharing()),
        in_(input),
        issuer_(input.issuer),
        person_(subject != nullptr ? subject->person : nullptr),
        held_(subject != nullptr ? subject->held : absl::Span<const FieldId>()) {
    issuer_.verb = Verb::kExport;
    issuer_.type = type;
    issuer_.fields = fields;
    issuer_.wanted = View::kPlain;
  }

  ShareDecision Run() {
    out_.reason = Decide();
    return std::move(out_);
  }

 private:
  // Each: kOk, or why not.
  Reason Decide();
  Reason CheckIssuer();
  Reason CheckRecipient() const;
  Reason CheckPurpose() const;
  Reason CheckFields();
  Reason CheckTerms() const;
  Reason CheckCombinations();

  bool IsProcessor() const {
    return rule_->processor || std::string_view(in_.recipient->category) == kProcessor;
  }
  bool Gives(FieldId id) const;
  bool Never(FieldId id) const;

  const Policy& policy_;
  const CompiledSharing& sharing_;
  const ShareInput& in_;
  DecisionInput issuer_;
  const SubjectFacts* const person_;
  const absl::Span<const FieldId> held_;
  const ShareRule* rule_ = nullptr;
  ShareDecision out_;
};

Reason Disclosure::Decide() {
  if (in_.recipient == nullptr) return Reason::kRecipientUnknown;
  if (in_.recipient->disabled) return Reason::kRecipientDisabled;
  rule_ = sharing_.Find(in_.rule);
  if (rule_ == nullptr) return Reason::kSharingRuleUnknown;
  out_.rule = rule_->spec;
  ShareNeeds needs(policy_, in_, *rule_, issuer_, person_);
  const std::string_view issuer = IssuerPerson(issuer_);
  const bool own = needs.RestsOnIssuer() || (!issuer.empty() && HasMade(*in_.recipient, issuer));
  if (own && !in_.single_operator) return Reason::kOwnRecipient;
  Reason reason = CheckIssuer();
  if (reason == Reason::kOk) reason = CheckRecipient();
  if (reason == Reason::kOk) reason = CheckPurpose();
  if (reason == Reason::kOk) reason = CheckFields();
  if (reason == Reason::kOk) reason = CheckTerms();
  if (reason == Reason::kOk) reason = needs.Check(&out_);
  if (reason == Reason::kOk) reason = CheckCombinations();
  if (reason == Reason::kOk && in_.approvals < rule_->approvals) reason = Reason::kApprovalMissing;
  return reason;
}

Reason Disclosure::CheckIssuer() {
  const Decision decision = person_ != nullptr ? DecideWithSubject(policy_, issuer_, *person_)
                                               : DecideWithoutSubject(policy_, issuer_);
  out_.role = decision.role;
  out_.issuer_attestation = decision.attestation;
  out_.grant = decision.grant;
  out_.good_until = std::min(out_.good_until, decision.good_until);
  if (decision.granted()) return Reason::kOk;
  for (const FieldDecision& field : decision.fields) {
    if (field.view == View::kDenied) out_.denied.push_back(field.field);
  }
  return decision.reason;
}

Reason Disclosure::CheckRecipient() const {
  const Recipient& recipient = *in_.recipient;
  const RecipientRules& rules = policy_.recipient_rules();
  const std::string& kind = rule_->spec->kind;
  bool admitted = rule_->any_kind ? !recipient.category.empty() : recipient.category == kind;
  if (IsProcessor() && rules.processors == Processors::kForbidden) admitted = false;
  const auto& countries = !rule_->spec->countries.empty() ? rule_->spec->countries : rules.home;
  if (!countries.empty() && !Contains(countries, recipient.country)) admitted = false;
  if (recipient.category == kController) {
    // What a controller entrusted goes back to that one, and nothing else goes to it.
    if (recipient.controller.empty()) admitted = false;
    if (person_ != nullptr && person_->controller != recipient.controller) admitted = false;
  }
  return admitted ? Reason::kOk : Reason::kRecipientKindNotAdmitted;
}

Reason Disclosure::CheckPurpose() const {
  const PurposeSpec* purpose = policy_.FindPurpose(issuer_.purpose);
  const bool given =
      purpose != nullptr && (rule_->spec->consented_purposes || rule_->purposes.Has(purpose->id));
  return given ? Reason::kOk : Reason::kPurposeNotGranted;
}

// But for what an agreement or a consent names: that is looked at with the needs.
bool Disclosure::Gives(FieldId id) const {
  switch (rule_->from) {
    case SharedFields::kNamed:
      return rule_->fields.Has(id);
    case SharedFields::kRequested:
      return Contains(in_.requested, id);
    case SharedFields::kApproved:
    case SharedFields::kConsented:
    case SharedFields::kContracted:
    case SharedFields::kOfOption:
      return true;
  }
  return false;
}

bool Disclosure::Never(FieldId id) const {
  const std::string_view category = in_.recipient->category;
  if (category == kPaymentProcessor) return true;
  if (IsProcessor() && !sharing_.InPart(id)) return true;
  return std::any_of(
      sharing_.never().begin(), sharing_.never().end(),
      [&](const BoundFields& never) { return never.fields.Has(id) && never.Binds(category); });
}

Reason Disclosure::CheckFields() {
  for (FieldId id : issuer_.fields) {
    if (!Gives(id) || Never(id)) out_.denied.push_back(id);
  }
  const uint32_t most = policy_.recipient_rules().partial_subjects;
  const bool too_many = IsProcessor() && most > 0 && in_.subjects > most;
  return out_.denied.empty() && !too_many ? Reason::kOk : Reason::kRecipientNotGranted;
}

Reason Disclosure::CheckTerms() const {
  const bool uses = in_.uses >= 1 && (in_.uses == 1 || !rule_->spec->single_use);
  const bool life =
      in_.lifetime >= absl::ZeroDuration() && in_.lifetime <= LifetimeOf(*rule_->spec);
  return uses && life ? Reason::kOk : Reason::kTokenTerms;
}

// All that the token asks for counts, also of other types: the recipient gets it together.
Reason Disclosure::CheckCombinations() {
  for (const BoundFields& combination : sharing_.combinations()) {
    if (!combination.Binds(in_.recipient->category)) continue;
    const auto concerns = [&](FieldId id) { return combination.fields.Has(id); };
    absl::InlinedVector<FieldId, 16> had;
    for (absl::Span<const FieldId> list : {held_, in_.fields}) {
      for (FieldId id : list) {
        if (concerns(id) && !Contains(had, id)) had.push_back(id);
      }
    }
    if (had.size() <= combination.at_most) continue;
    std::copy_if(issuer_.fields.begin(), issuer_.fields.end(), std::back_inserter(out_.denied),
                 concerns);
    if (!out_.denied.empty()) return Reason::kFieldCombination;
  }
  return Reason::kOk;
}

// The last day of which today is at least that many months behind. Where a day is none of its later
// month's, the first of the next one is as good: who is told on that month's first is in time then.
absl::CivilDay LatestDayToldOn(absl::CivilDay today, int64_t months) {
  const auto months_after = [&](absl::CivilDay day) {
    const absl::CivilMonth month = absl::CivilMonth(day) + months;
    return absl::CivilDay(month.year(), month.month(), day.day());
  };
  absl::CivilDay day = absl::CivilDay(absl::CivilMonth(today) - months + 1);
  while (months_after(day) > today) --day;
  return day;
}

}  // namespace

bool HasMade(const Recipient& recipient, std::string_view person) {
  return recipient.registered_by_person == person || Contains(recipient.changed_by_persons, person);
}

uint32_t ApprovalsOf(const RecipientSpec& rule) {
  if (Contains(rule.needs, "two_approvers")) return 2;
  return Contains(rule.needs, "approver") ? 1 : 0;
}

absl::Duration LifetimeOf(const RecipientSpec& rule) {
  return rule.lifetime == absl::ZeroDuration() ? kMaxTokenLifetime
                                               : std::min(rule.lifetime, kMaxTokenLifetime);
}

std::optional<NoticeGate> NoticeGateOf(const Policy& policy, const RecipientSpec& rule,
                                       absl::Time now) {
  if (!rule.notice.has_value() || !Contains(rule.needs, "notice_to_all_users")) return std::nullopt;
  const absl::TimeZone zone = policy.timezone();
  const absl::CivilDay today = absl::ToCivilDay(now, zone);
  const ShareRule* compiled = policy.compiled().sharing().Find(rule.id);
  if (compiled == nullptr) return std::nullopt;
  const absl::CivilDay told = compiled->lead.months > 0
                                  ? LatestDayToldOn(today, compiled->lead.months)
                                  : today - compiled->lead.days;
  return NoticeGate{*rule.notice, absl::FromCivil(told + 1, zone)};
}

ShareDecision DecideShareWithSubject(const Policy& policy, const ShareInput& input, TypeId type,
                                     absl::Span<const FieldId> fields,
                                     const ShareSubject& subject) {
  SubjectFacts nobody;
  nobody.erased = true;
  ShareSubject known = subject;
  if (known.person == nullptr) known.person = &nobody;
  return Disclosure(policy, input, type, fields, &known).Run();
}

ShareDecision DecideShare(const Policy& policy, const ShareInput& input) {
  const auto type_of = [&](FieldId id) {
    return id < policy.field_count() ? policy.field(id).type : kNoType;
  };
  std::optional<ShareDecision> all;
  absl::InlinedVector<TypeId, 4> done;
  for (FieldId first : input.fields) {
    const TypeId type = type_of(first);
    if (Contains(done, type)) continue;
    done.push_back(type);
    absl::InlinedVector<FieldId, 16> fields;
    std::copy_if(input.fields.begin(), input.fields.end(), std::back_inserter(fields),
                 [&](FieldId id) { return type_of(id) == type; });
    ShareDecision one = Disclosure(policy, input, type, fields, nullptr).Run();
    if (!one.granted()) return one;
    if (all.has_value()) one.good_until = std::min(one.good_until, all->good_until);
    if (!all.has_value() || one.good_until < all->good_until) all = std::move(one);
  }
  if (all.has_value()) return *std::move(all);
  return Disclosure(policy, input, input.issuer.type, {}, nullptr).Run();
}

}  // namespace piivault::authz
