#include "tests/authz/share_generator.h"

#include <array>

#include "authz/vocabulary.h"
#include "tests/authz/naive_policy.h"

namespace piivault::authz {
namespace {

using naive::Names;

constexpr char kHash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

constexpr auto kFields = std::to_array<const char*>(
    {"pi.name", "pi.address", "pi.phone", "pi.email", "pi.birth", "pay.bank", "pay.holder"});
constexpr auto kMatters =
    std::to_array<const char*>({"shipment", "option", "transfer", "project", "instruction"});

std::string Join(const Names& names) {
  std::string out = "[";
  for (const std::string& name : names) out += (out.size() > 1 ? ", " : "") + name;
  return out + "]";
}

// Sharing rules that load, most of the time.
class RuleMaker {
 public:
  explicit RuleMaker(Dice& dice) : dice_(dice) {}

  std::string Next() {
    std::string out = "recipients:\n";
    for (int i = 0; i < 3; ++i) out += "  - {id: r" + std::to_string(i) + ", " + Rule() + "}\n";
    out += "recipient_rules: {" + Rules() + "}\n";
    if (dice_.OneIn(2)) out += "governance: {supervision_interval: 6mo}\n";
    return out;
  }

 private:
  Names Some(Names from, size_t in) {
    Names out;
    for (const std::string& one : from) {
      if (dice_.OneIn(in)) out.push_back(one);
    }
    if (out.empty()) out.push_back(dice_.Pick(from));
    return out;
  }
  Names AllFields() { return Names(std::begin(kFields), std::end(kFields)); }
  std::string Kind() {
    return dice_.Word({"carrier", "partner", "government", "processor", "controller", "dealer",
                       "any", "any", "any"});
  }

  std::string Rule() {
    Names needs;
    const auto& all = vocabulary::kRecipientNeeds;
    for (size_t i = dice_.Below(4); i > 0; --i) {
      const std::string need(dice_.Pick(all));
      if (!naive::Has(needs, need)) needs.push_back(need);
    }
    const auto need = [&](const std::string& word) {
      if (!naive::Has(needs, word)) needs.push_back(word);
    };
    std::string fields = Join(Some({"pi.*", "pay.bank", "pay.holder", "pi.name", "pi.phone"}, 2));
    if (dice_.OneIn(2)) {
      fields = dice_.Word({"requested_items", "minimal", "consented_items", "permitted_items",
                           "contract_subset", "by_option_service"});
      if (fields == "minimal") need(dice_.Word({"approver", "two_approvers"}));
      if (fields == "contract_subset") need("contract");
      if (fields == "by_option_service") need("valid_nda");
      if (fields == "consented_items") need("consent_for_this_case");
      if (fields == "permitted_items") need("permission_for_this_partner");
    }
    std::string purposes = Join(Some({"ship", "bill", "extra"}, 2));
    if (naive::Has(needs, "consent_for_this_case") && dice_.OneIn(2)) purposes = "consented";
    std::string out = "kind: " + Kind() + ", fields: " + fields + ", purposes: " + purposes +
                      ", basis: " + dice_.Word({"joint_use", "law", "nda", "entrustment"});
    if (naive::Has(needs, "notice_to_all_users")) out += ", notice: notice, notice_lead: 2mo";
    if (!needs.empty()) out += ", needs: " + Join(needs);
    if (dice_.OneIn(2)) out += ", matter: " + Matters();
    if (dice_.OneIn(3)) out += ", single_use: true";
    if (dice_.OneIn(3)) out += ", lifetime: 1h";
    if (dice_.OneIn(4)) out += dice_.OneIn(2) ? ", countries: KR" : ", countries: [KR, JP]";
    return out;
  }

  std::string Matters() {
    std::string out = "[";
    for (const char* kind : kMatters) {
      if (!dice_.OneIn(4)) continue;
      out += out.size() > 1 ? ", " : "";
      const std::string own = dice_.OneIn(2) ? ", own: true" : "";
      const std::string state = dice_.OneIn(2) ? ", state: [closed]" : "";
      out +=
          own.empty() && state.empty() ? kind : "{kind: " + std::string(kind) + own + state + "}";
    }
    return out == "[" ? "shipment" : out + "]";
  }

  std::string Rules() {
    std::string out = std::string("processors: ") + dice_.Word({"partial", "allowed", "allowed"});
    if (out == "processors: partial") out += ", partial_fields: [pi.*], partial_subjects: 5";
    if (dice_.OneIn(3)) out += ", home: [JP]";
    if (dice_.OneIn(3)) {
      out += ", never: [{fields: " + Join(Some(AllFields(), 4)) + ", kinds: [" +
             dice_.Word({"dealer", "partner", "government"}) + "]}]";
    }
    if (dice_.OneIn(2)) {
      out += ", combinations: [{fields: [pi.*, pay.bank], at_most: " +
             std::to_string(1 + dice_.Below(4)) + (dice_.OneIn(2) ? "" : ", kinds: [carrier]") +
             "}]";
    }
    return out;
  }

  Dice& dice_;
};

// A disclosure with all that the rule needs, and then one or two things done to it.
class ShareMaker {
 public:
  ShareMaker(std::shared_ptr<const Policy> policy, Dice& dice)
      : policy_(std::move(policy)), dice_(dice) {}

  std::unique_ptr<MadeShare> Next() {
    rule_ = &dice_.Pick(policy_->recipients());
    made_ = std::make_unique<MadeShare>(policy_, rule_->id);
    MakeGood();
    for (size_t i = dice_.Below(3); i > 0; --i) Break();
    return std::move(made_);
  }

 private:
  Share& share() { return made_->share; }

  void MakeGood() {
    Share& s = share();
    s.recipient.category = rule_->kind == "any" ? "carrier" : rule_->kind;
    if (rule_->kind == "any" && dice_.OneIn(3)) {
      s.recipient.category = dice_.Word(
          {"dealer", "partner", "government", "processor", "controller", "payment_processor"});
    }
    s.recipient.country = rule_->countries.empty() ? "JP" : rule_->countries.front();
    s.recipient.controller = "acme";
    s.facts.controller = "acme";
    s.purpose =
        rule_->purposes.empty() ? "ship" : policy_->purposes()[dice_.Pick(rule_->purposes)].name;
    const bool pay = dice_.OneIn(3);
    Names names;
    for (const char* field : kFields) {
      const bool of_type = (std::string(field).rfind("pay.", 0) == 0) == pay;
      if (of_type && dice_.OneIn(2)) names.push_back(field);
    }
    if (names.empty()) names.push_back(pay ? "pay.bank" : "pi.name");
    if (!rule_->fields.fields.empty()) {
      names.clear();
      const TypeId type = policy_->field(dice_.Pick(rule_->fields.fields)).type;
      for (FieldId id : rule_->fields.fields) {
        const bool some = names.empty() || dice_.OneIn(2);
        if (policy_->field(id).type == type && some) names.push_back(policy_->field(id).full_name);
      }
    }
    s.Ask(names);
    if (dice_.OneIn(5)) s.fields.push_back(policy_->FindField(pay ? "pi.name" : "pay.bank"));
    s.requested = s.fields;
    for (const char* kind : kMatters) {
      const std::string state = policy_->FindMatter(kind)->states[0];
      const char* now = "open";
      for (const ShareMatter& matter : rule_->matters) {
        if (policy_->matters()[matter.need.matter].name == kind) {
          made_->words.push_back(matter.need.states[0]);
          now = made_->words.back().c_str();
        }
      }
      s.arguments.push_back({kind, "M-1"});
      s.recipient.matters.push_back({kind, "M-1"});
      s.matters.push_back({.kind = kind, .id = "M-1", .state = now});
      s.tenant_matters.push_back({.kind = kind, .id = "M-1", .state = now, .party = "acme"});
    }
    for (std::string_view name : vocabulary::kReferenceAssertions) {
      s.assertions.push_back({name, "REF-1"});
    }
    for (std::string_view name : vocabulary::kDocumentAssertions) {
      s.assertions.push_back({name, kHash});
    }
    for (AttestationKind kind : {AttestationKind::kContract, AttestationKind::kSupervision,
                                 AttestationKind::kPartnerNda, AttestationKind::kMembership}) {
      s.Attest(kind).fields = {"pi.*", "pay.*"};
    }
    made_->words.push_back(s.purpose);
    made_->lists.push_back({"pi.*", "pay.bank", "pay.holder"});
    s.consents.push_back({.id = "third",
                          .purpose = made_->words.back(),
                          .fields = made_->lists.back(),
                          .given = s.now - absl::Hours(2),
                          .recipient = s.recipient.name});
    s.consents.push_back({.id = "widen", .purpose = "extra", .given = s.now - absl::Hours(2)});
    s.terms.approvals = 2;
    s.terms.users_notified = true;
  }

  void Break() {
    switch (dice_.Below(5)) {
      case 0:
        return BreakRecipient(share());
      case 1:
        return BreakAgreement(share().recipient.attestations);
      case 2:
        return BreakRequest(share());
      case 3:
        return BreakGrounds(share());
      default:
        return BreakConsent(share().consents[0]);
    }
  }

  // The instant before now, now, or the one after.
  absl::Time Edge() {
    return share().now + absl::Nanoseconds(static_cast<int64_t>(dice_.Below(3)) - 1);
  }

  template <typename List>
  void DropOne(List& list) {
    if (!list.empty()) list.erase(list.begin() + static_cast<int64_t>(dice_.Below(list.size())));
  }

  void BreakRecipient(Share& s) {
    Recipient& to = s.recipient;
    switch (dice_.Below(8)) {
      case 0:
        to.disabled = true;
        return;
      case 1:
        s.rule = "unheard";
        return;
      case 2:
        (dice_.Below(2) == 0 ? to.registered_by_person : to.changed_by_persons.emplace_back()) =
            s.principal.person;
        return;
      case 3:
        to.category = dice_.Word({"", "any", "dealer", "partner", "carrier", "processor"});
        return;
      case 4:
        to.country = dice_.Word({"", "KR", "US"});
        return;
      case 5:
        to.controller = dice_.Word({"", "acme"});
        s.facts.controller = dice_.Word({"", "other", "acme"});
        return;
      case 6:
        to.matters[dice_.Below(to.matters.size())].id = "M-2";
        return;
      default:
        for (const char* field : kFields) {
          if (dice_.OneIn(2)) s.held.push_back(policy_->FindField(field));
        }
    }
  }

  void BreakAgreement(std::vector<RecipientAttestation>& all) {
    RecipientAttestation& a = all[dice_.Below(all.size())];
    switch (dice_.Below(9)) {
      case 0:
        a.recorded_by_person = share().principal.person;
        share().terms.single_operator = dice_.OneIn(3);
        return;
      case 1:
        a.signed_at = Edge();
        return;
      case 2:
        a.valid_until = Edge();
        return;
      case 3:
        a.revoked_at = Edge();
        return;
      case 4:
        a.fields = {dice_.Pick(kFields)};
        return;
      case 5:
        a.fields.clear();
        return;
      case 6:
        a.purposes = {dice_.Word({"ship", "bill"})};
        return;
      case 7:
        a.kind = AttestationKind::kTraining;
        return;
      default:
        a.signed_at = share().now - absl::Hours(24 * static_cast<int64_t>(dice_.Below(400)));
    }
  }

  void BreakRequest(Share& s) {
    switch (dice_.Below(8)) {
      case 0:
        s.purpose = dice_.Word({"ship", "bill", "extra", "stats", "none"});
        return;
      case 1:
        s.Ask({dice_.Pick(kFields)});
        return;
      case 2:
        s.requested = s.Ids({dice_.Pick(kFields)});
        if (dice_.OneIn(2)) s.requested.clear();
        return;
      case 3:
        s.terms.uses = static_cast<uint32_t>(dice_.Below(3));
        return;
      case 4:
        s.terms.lifetime = Edge() - s.now + absl::Hours(dice_.OneIn(2) ? 1 : 24);
        return;
      case 5:
        DropOne(s.assertions);
        if (dice_.OneIn(2)) s.assertions.clear();
        return;
      case 6:
        for (Argument& assertion : s.assertions) {
          assertion.value = dice_.Word({"a b", "x", kHash, kHash});
        }
        return;
      default:
        s.terms.subjects = dice_.Below(8);
    }
  }

  void BreakGrounds(Share& s) {
    const size_t matter = dice_.Below(kMatters.size());
    auto& matters = dice_.OneIn(2) ? s.matters : s.tenant_matters;
    switch (dice_.Below(8)) {
      case 0:
        DropOne(s.arguments);
        return;
      case 1:
        matters[matter].state = dice_.Word({"open", "closed", "sent"});
        return;
      case 2:
        matters[matter].not_after = Edge();
        return;
      case 3:
        s.tenant_matters.back().party = dice_.Word({"", "other"});
        return;
      case 4:
        s.terms.users_notified = false;
        return;
      case 5:
        s.terms.approvals = static_cast<uint32_t>(dice_.Below(3));
        return;
      case 6:
        made_->lists.push_back({dice_.Pick(kFields)});
        (dice_.OneIn(3)   ? s.facts.kept_by_law
         : dice_.OneIn(2) ? s.facts.expired
                          : s.facts.frozen) = made_->lists.back();
        return;
      default:
        s.attestations.clear();
    }
  }

  void BreakConsent(ConsentFact& consent) {
    switch (dice_.Below(5)) {
      case 0:
        consent.purpose = dice_.Word({"", "bill", "ship"});
        return;
      case 1:
        (dice_.OneIn(2) ? consent.given : consent.withdrawn) = Edge();
        return;
      case 2:
        consent.fields = made_->lists.front();
        consent.fields = consent.fields.subspan(dice_.Below(3), 1);
        return;
      case 3:
        consent.id = dice_.Word({"contact", "widen"});
        return;
      default:
        consent.recipient = dice_.Word({"", "tenants/default/recipients/x"});
    }
  }

  const std::shared_ptr<const Policy> policy_;
  Dice& dice_;
  const RecipientSpec* rule_ = nullptr;
  std::unique_ptr<MadeShare> made_;
};

}  // namespace

std::string MakeSharingRules(Dice& dice) { return RuleMaker(dice).Next(); }

std::unique_ptr<MadeShare> MakeShare(const std::shared_ptr<const Policy>& policy, Dice& dice) {
  return ShareMaker(policy, dice).Next();
}

}  // namespace piivault::authz
