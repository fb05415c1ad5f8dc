#include "tests/authz/call_generator.h"

#include <algorithm>

namespace piivault::authz {
namespace {

using naive::Consent;
using naive::Field;
using naive::Grant;
using naive::Has;
using naive::MatterNeed;
using naive::Names;
using naive::Purpose;
using naive::Role;
using naive::Text;

constexpr absl::Duration kDay = absl::Hours(24);

class Maker {
 public:
  Maker(const Text& text, Dice& dice, GeneratedCall& call)
      : text_(text), dice_(dice), call_(call), in_(call.input) {}

  void Make() {
    if (!dice_.OneIn(8) || !ChooseCollection()) {
      call_.grant = &ChooseGrant();
      call_.asked.verb = dice_.Pick(call_.grant->verbs);
    }
    call_.role = text_.FindRole(call_.grant->role);
    verb_ = &naive::Verbs().at(call_.asked.verb);
    // Long after the staff had to have acknowledged what it is asked to.
    in_.now = text_.acknowledged_by == absl::InfinitePast()
                  ? absl::FromUnixSeconds(1748750400)
                  : text_.acknowledged_by + 100 * kDay + absl::Hours(11);
    in_.tenant = "tenants/a";
    MakePurpose();
    MakeFields();
    MakeCaller();
    MakeMatters();
    MakeSubject();
    if (verb_->writes) MakeIntake();
    MakeConsents();
    if (dice_.OneIn(6)) in_.wanted = dice_.OneIn(2) ? View::kMasked : View::kToken;
  }

 private:
  // Those that nobody can use come up seldom.
  const Grant& ChooseGrant() {
    const Grant* grant = &dice_.Pick(text_.grants);
    if (text_.FindRole(grant->role)->access != "direct" && !dice_.OneIn(4)) {
      grant = &dice_.Pick(text_.grants);
    }
    return *grant;
  }

  // Of fields whose collection somebody must agree to, which few grants write.
  bool ChooseCollection() {
    if (text_.consents.empty()) return false;
    const Consent& consent = dice_.Pick(text_.consents);
    const bool collection = Has(consent.events, "collection") || Has(consent.events, "link");
    if (!collection || consent.fields.empty()) return false;
    const std::string& field = dice_.Pick(consent.fields);
    std::vector<std::pair<const Grant*, std::string>> writing;
    for (const Grant& grant : text_.grants) {
      if (!Has(grant.fields, field) || text_.FindRole(grant.role)->access != "direct") continue;
      for (const std::string& verb : grant.verbs) {
        if (naive::Verbs().at(verb).writes) writing.emplace_back(&grant, verb);
      }
    }
    if (writing.empty()) return false;
    const auto& chosen = dice_.Pick(writing);
    call_.grant = chosen.first;
    call_.asked.verb = chosen.second;
    collected_ = field;
    return true;
  }

  void MakePurpose() {
    const Names& purposes = call_.grant->purposes;
    if (verb_->purpose == "no" || purposes.empty()) return;
    if (verb_->purpose == "optional" && dice_.OneIn(5)) return;
    in_.purpose = dice_.Pick(purposes);
    const Purpose& purpose = *text_.FindPurpose(std::string(in_.purpose));
    if (purpose.ticket) in_.ticket = "T-1";
    for (const std::string& need : purpose.needs) {
      if (need != "parent") call_.arguments.push_back({need, "X-1"});
    }
    if (purpose.follows.empty()) return;
    call_.arguments.push_back({"parent", dice_.Pick(purpose.follows)});
    const Purpose& parent = *text_.FindPurpose(RestsOn(text_, call_));
    if (parent.ticket) in_.ticket = "T-1";
    for (const std::string& need : parent.needs) call_.arguments.push_back({need, "X-1"});
  }

  bool CanHave(const std::string& name) const {
    const Field& field = text_.fields.at(name);
    if (field.never_read && verb_->uses && call_.asked.verb != "verify") return false;
    if (field.comm_secret && verb_->uses && call_.role->kind != "tenant") return false;
    if (field.retired && verb_->writes && call_.asked.verb != "update") return false;
    if (call_.asked.verb == "reveal_history" && !field.history) return false;
    return (!verb_->by_index || field.index) && (!verb_->by_token || field.tokens);
  }

  bool ParentHas(const std::string& name) const {
    const Purpose* purpose = text_.FindPurpose(std::string(in_.purpose));
    if (purpose == nullptr || purpose->follows.empty()) return true;
    const std::string parent = RestsOn(text_, call_);
    for (const Grant& grant : text_.grants) {
      if (Has(grant.purposes, parent) && Has(grant.fields, name)) return true;
    }
    return false;
  }

  void MakeFields() {
    naive::Asked& asked = call_.asked;
    if (!call_.grant->types.empty()) asked.type = dice_.Pick(call_.grant->types);
    if (verb_->on != "fields") return;
    Names possible;
    for (const std::string& name : call_.grant->fields) {
      if (CanHave(name) && ParentHas(name)) possible.push_back(name);
    }
    if (possible.empty()) possible = call_.grant->fields;
    if (possible.empty()) return;
    // A type first: of those with few fields come as many.
    const std::string wanted = asked.type;
    Names of_type = possible;
    std::erase_if(of_type, [&](const std::string& f) { return text_.fields.at(f).type != wanted; });
    asked.fields.push_back(dice_.Pick(of_type.empty() ? possible : of_type));
    if (Has(possible, collected_)) asked.fields[0] = collected_;
    asked.type = text_.fields.at(asked.fields[0]).type;
    for (size_t more = dice_.Below(3); more > 0; --more) {
      const std::string& name = dice_.Pick(possible);
      if (text_.fields.at(name).type == asked.type && !Has(asked.fields, name)) {
        asked.fields.push_back(name);
      }
    }
    if (asked.verb != "update") return;
    for (const std::string& name : asked.fields) {
      if (text_.fields.at(name).retired || dice_.OneIn(8)) asked.cleared.push_back(name);
    }
  }

  void MakeCaller() {
    const Role& role = *call_.role;
    Principal& principal = call_.principal;
    principal.name = "principals/p";
    principal.person = call_.person.name = "persons/p";
    principal.kind = role.kind == "staff"       ? PrincipalKind::kStaff
                     : role.kind == "tenant"    ? PrincipalKind::kTenant
                     : role.kind == "recipient" ? PrincipalKind::kRecipient
                     : role.kind == "processor" ? PrincipalKind::kStaff
                                                : PrincipalKind::kService;
    if (role.kind == "processor" && dice_.OneIn(2)) principal.kind = PrincipalKind::kRecipient;
    principal.tenant = role.kind == "tenant" ? "tenants/a" : "";
    MakePerson(role);
    RoleBinding binding;
    binding.role = role.name;
    binding.tenant = "tenants/a";
    binding.not_before = in_.now - 300 * kDay;
    binding.not_after = in_.now + 300 * kDay;
    if (role.break_glass) binding.active_until = in_.now + kDay;
    const bool limited = Has(role.needs, "fields") || dice_.OneIn(10);
    if (limited && !call_.asked.fields.empty()) {
      binding.fields = call_.asked.fields;
      if (dice_.OneIn(3)) binding.fields = {call_.asked.type + ".*"};
    } else if (limited && verb_->on == "types") {
      binding.fields = {call_.asked.type + ".*"};
    }
    principal.bindings.push_back(binding);
    if (dice_.OneIn(12)) {  // A second role, which may serve as well or better.
      binding.role = dice_.Pick(text_.roles).name;
      binding.fields.clear();
      principal.bindings.push_back(binding);
      if (dice_.OneIn(2)) std::swap(principal.bindings[0], principal.bindings[1]);
    }
    if (dice_.OneIn(5)) in_.role = role.name;
    if (Has(role.needs, "ticket")) in_.ticket = "T-1";
    if (in_.ticket.empty() && dice_.OneIn(6)) in_.ticket = "JIRA-12/3_4.5:#6";
    in_.principal = &principal;
    const bool needs_nobody = role.kind == "service" || role.kind == "subject";
    if (!needs_nobody || !role.nda.empty() || dice_.OneIn(2)) in_.person = &call_.person;
  }

  void MakePerson(const Role& role) {
    Person& person = call_.person;
    Names employments = {"officer", "full_time", "contract", "equivalent", "part_time"};
    if (!role.employment.empty()) employments = role.employment;
    std::erase_if(employments,
                  [&](const std::string& e) { return Has(text_.forbidden_employment, e); });
    person.employment = *FindEmployment(dice_.Pick(employments));
    if (person.employment == Employment::kEquivalent) {
      person.justification = "J-1";
      person.justification_until = in_.now + 300 * kDay;
    }
    person.duties = role.duties;
    person.department = role.department.empty() ? "sales" : role.department;
    if (!role.nda.empty()) Sign(dice_.Pick(role.nda), "");
    for (const std::string& kind : role.attested) {
      Sign(kind, kind == "acknowledgement" ? text_.acknowledged_document : "");
    }
  }

  void Sign(const std::string& kind, const std::string& document) {
    Attestation a;
    a.id = "a" + std::to_string(call_.attestations.size());
    a.kind = *FindAttestationKind(kind);
    a.document_sha256 = document;
    a.signatory = call_.person.name;
    a.signed_at = in_.now - 400 * kDay;
    a.valid_until = text_.EndOfDay(absl::ToCivilDay(in_.now + 400 * kDay, text_.zone));
    call_.attestations.push_back(a);
  }

  void MakeMatters() {
    call_.facts.controller = dice_.OneIn(2) ? "partners/a" : "partners/b";
    const Purpose* purpose = text_.FindPurpose(std::string(in_.purpose));
    if (purpose != nullptr) MakeMatter(purpose->matters);
    if (purpose != nullptr && !purpose->follows.empty()) {
      MakeMatter(text_.FindPurpose(RestsOn(text_, call_))->matters);
    }
    if (verb_->purpose != "no") MakeMatter(call_.role->matters);
  }

  void MakeMatter(const std::vector<MatterNeed>& needs) {
    if (needs.empty()) return;
    const MatterNeed& need = dice_.Pick(needs);
    const std::string& about = text_.matters.at(need.kind).about;
    MatterFact fact;
    fact.kind = need.kind;
    fact.id = "M-1";
    fact.state = dice_.Pick(need.states);
    if (about == "controller") fact.party = call_.facts.controller;
    if (dice_.OneIn(2)) fact.not_after = in_.now + 50 * kDay;
    if (dice_.OneIn(4)) fact.purposes = MatterPurposes();
    (about == "subject" ? call_.subject_matters : call_.matters).push_back(fact);
    call_.arguments.push_back({fact.kind, fact.id});
  }

  absl::Span<const std::string_view> MatterPurposes() {
    const std::string parent = RestsOn(text_, call_);
    call_.words.push_back(dice_.OneIn(2) ? parent : std::string(in_.purpose));
    call_.lists.push_back({call_.words.back()});
    return call_.lists.back();
  }

  void MakeSubject() {
    SubjectFacts& facts = call_.facts;
    facts.subject = "subjects/s";
    call_.words.push_back(call_.person.department);
    facts.department = call_.words.back();
    if (dice_.OneIn(2)) in_.on_behalf_of = facts.subject;
    if (call_.role->kind == "subject") MakeOwn();
    if (!text_.notices.empty() && !dice_.OneIn(3)) {
      const std::string rests_on = RestsOn(text_, call_);
      const Purpose* purpose = text_.FindPurpose(rests_on);
      for (const auto& [id, purposes] : text_.notices) {
        const bool any = purpose != nullptr && purpose->despite_notice && dice_.OneIn(2);
        if (any || Has(purposes, rests_on)) facts.notice = id;
      }
    }
  }

  void MakeOwn() {
    SubjectFacts& facts = call_.facts;
    in_.on_behalf_of = facts.subject;
    if (call_.asked.verb == "create" && dice_.OneIn(3)) {
      facts.subject = "";
      if (dice_.OneIn(2)) in_.on_behalf_of = "";
      return;
    }
    if (call_.role->scope == "represented") {
      in_.on_behalf_of = "subjects/agent";
      call_.representatives = {{"subjects/other", absl::InfiniteFuture()},
                               {"subjects/agent", in_.now + 100 * kDay}};
    } else if (call_.role->scope == "own_account" && dice_.OneIn(2)) {
      facts.holder = in_.on_behalf_of = "subjects/holder";
    }
  }

  void MakeIntake() {
    in_.front_hop = FrontHop::kTls;
    if (!text_.channels.empty()) in_.channel = dice_.Pick(text_.channels);
    for (const std::string& name : call_.asked.fields) {
      const Field& field = text_.fields.at(name);
      if (!field.channels.empty()) in_.channel = dice_.Pick(field.channels);
    }
    if (dice_.OneIn(2)) in_.collected_at = in_.now - absl::Hours(1);
    if (!text_.notices.empty() && (text_.notice_required || dice_.OneIn(2)))
      in_.notice = text_.notices.begin()->first;
    const absl::CivilDay today = absl::ToCivilDay(in_.now, text_.zone);
    const absl::CivilDay born(today.year() - (dice_.OneIn(2) ? 40 : 12), 6, 15);
    (dice_.OneIn(2) ? in_.born : call_.facts.born) = born;
  }

  void MakeConsents() {
    for (const Consent& consent : text_.consents) {
      ConsentFact fact;
      fact.id = consent.id;
      fact.given = in_.now - 40 * 366 * kDay;
      fact.by_guardian = consent.who == "guardian";
      const bool use =
          Has(consent.events, "purpose_extension") || Has(consent.events, "policy_change");
      if (use) fact.purpose = in_.purpose;
      const bool collection = Has(consent.events, "collection") || Has(consent.events, "link");
      if (!use && !(collection && verb_->writes)) continue;
      if (consent.scope == "agreed_items" || (!use && dice_.OneIn(5))) {
        std::vector<std::string_view> items;
        for (const std::string& field : call_.asked.fields) {
          items.push_back(text_.fields.find(field)->first);  // The text's, which stays.
        }
        call_.lists.push_back(items);
        fact.fields = call_.lists.back();
      }
      call_.consents.push_back(fact);
    }
  }

  const Text& text_;
  Dice& dice_;
  GeneratedCall& call_;
  DecisionInput& in_;
  const naive::Verb* verb_ = nullptr;
  std::string collected_;  // A field that the call is to write; empty: any.
};

}  // namespace

std::string RestsOn(const Text& text, const GeneratedCall& call) {
  const std::string name(call.input.purpose);
  const Purpose* purpose = text.FindPurpose(name);
  if (purpose == nullptr || purpose->follows.empty()) return name;
  for (const Argument& argument : call.arguments) {
    if (argument.name == "parent" && Has(purpose->follows, std::string(argument.value))) {
      return std::string(argument.value);
    }
  }
  return "";
}

void GeneratedCall::Close() {
  asked.input = &input;
  input.attestations = attestations;
  input.arguments = arguments;
  input.matters = matters;
  facts.matters = subject_matters;
  facts.consents = consents;
  facts.stops = stops;
  facts.frozen = frozen;
  facts.kept_by_law = kept_by_law;
  facts.expired = expired;
  facts.representatives = representatives;
}

const DecisionInput& GeneratedCall::For(const Policy& policy) {
  input.verb = *FindVerb(asked.verb);
  input.type = policy.FindType(asked.type);
  fields_.clear();
  for (const std::string& name : asked.fields) fields_.push_back(policy.FindField(name));
  input.fields = fields_;
  cleared_.clear();
  for (const std::string& name : asked.cleared) cleared_.push_back(policy.FindField(name));
  input.cleared = cleared_;
  return input;
}

std::string Describe(const GeneratedCall& call) {
  std::string out = ": around " + call.grant->id + ", " + call.asked.verb + " " + call.asked.type;
  for (const std::string& field : call.asked.fields) out += " " + field;
  out += " for '" + std::string(call.input.purpose) + "'";
  for (const Argument& argument : call.arguments) {
    out += " with " + std::string(argument.name) + "=" + std::string(argument.value);
  }
  for (const RoleBinding& binding : call.principal.bindings) {
    out += " as " + binding.role;
    for (const std::string& field : binding.fields) out += " of " + field;
  }
  for (const std::string& what : call.broken) out += "; " + what;
  return out;
}

void MakeGoodCall(const Text& text, Dice& dice, GeneratedCall& call) {
  Maker(text, dice, call).Make();
}

std::unique_ptr<GeneratedCall> CallGenerator::Next() {
  auto call = std::make_unique<GeneratedCall>();
  MakeGoodCall(text_, dice_, *call);
  static constexpr std::array<int, 10> kBreaks = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2};
  int left = dice_.Pick(kBreaks);
  const bool alone = left == 1;
  for (int tries = 0; left > 0 && tries < 60; ++tries) {
    if (BreakSomething(text_, dice_, *call)) --left;
  }
  if (!alone) call->edges.clear();
  call->Close();
  return call;
}

}  // namespace piivault::authz
