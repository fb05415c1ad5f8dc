#include "tests/authz/oracle.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace piivault::authz {
namespace {

template <typename List, typename T>
bool In(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Reason Evidence(const std::vector<AttestationKind>& kinds, const DecisionInput& in, Reason missing,
                Reason expired, Reason revoked, Reason wrong) {
  // (signed, id) -> reason of the person's own failing ones.
  std::map<std::pair<absl::Time, std::string>, Reason> failing;
  bool others = false;
  for (const Attestation& a : in.attestations) {
    if (!In(kinds, a.kind)) continue;
    if (in.now < a.signed_at) continue;
    if (a.signatory != in.person->name) {
      others = true;
    } else if (a.revoked_at <= in.now) {
      failing[{a.signed_at, a.id}] = revoked;
    } else if (a.valid_until < in.now) {
      failing[{a.signed_at, a.id}] = expired;
    } else {
      return Reason::kOk;
    }
  }
  if (!failing.empty()) return failing.rbegin()->second;
  return others ? wrong : missing;
}

Reason Admit(const RoleSpec& role, const DecisionInput& in) {
  if (role.access != "direct") return Reason::kRoleNotAssignable;
  const std::map<RoleKind, std::set<PrincipalKind>> kinds = {
      {RoleKind::kStaff, {PrincipalKind::kStaff}},
      {RoleKind::kService, {PrincipalKind::kService}},
      {RoleKind::kTenant, {PrincipalKind::kTenant}},
      {RoleKind::kSubject, {PrincipalKind::kService}},
      {RoleKind::kRecipient, {PrincipalKind::kRecipient}},
      {RoleKind::kProcessor, {PrincipalKind::kStaff, PrincipalKind::kRecipient}}};
  if (kinds.at(role.kind).count(in.principal->kind) == 0) return Reason::kPrincipalKindNotAdmitted;
  if (in.person == nullptr) {
    const bool asks = role.kind == RoleKind::kStaff || !role.employment.empty() ||
                      !role.duties.empty() || !role.department.empty() || !role.nda.empty() ||
                      !role.attested.empty();
    return asks ? Reason::kPersonUnknown : Reason::kOk;
  }
  const Person& person = *in.person;
  if (!role.employment.empty() && !In(role.employment, person.employment)) {
    return Reason::kEmploymentNotAdmitted;
  }
  if (person.employment == Employment::kEquivalent) {
    if (person.justification.empty()) return Reason::kJustificationMissing;
    if (person.justification_until < in.now) return Reason::kJustificationExpired;
  }
  for (const std::string& duty : role.duties) {
    if (!In(person.duties, duty)) return Reason::kDutyMissing;
  }
  if (!role.department.empty() && person.department != role.department) {
    return Reason::kDepartmentMismatch;
  }
  if (role.per_department && person.department.empty()) return Reason::kDepartmentMismatch;
  const bool nda_asked = !role.nda.empty() && (person.employment != Employment::kEquivalent ||
                                               role.equivalent_needs_nda);
  if (nda_asked) {
    const Reason r = Evidence(role.nda, in, Reason::kNdaMissing, Reason::kNdaExpired,
                              Reason::kNdaRevoked, Reason::kNdaWrongSignatory);
    if (r != Reason::kOk) return r;
  }
  for (AttestationKind kind : role.attested) {
    const Reason r = Evidence({kind}, in, Reason::kAttestationMissing, Reason::kAttestationExpired,
                              Reason::kAttestationRevoked, Reason::kAttestationWrongSignatory);
    if (r != Reason::kOk) return r;
  }
  return Reason::kOk;
}

// The verbs that a grant gives, with what they imply.
std::set<Verb> VerbsOf(const GrantSpec& grant) {
  std::set<Verb> verbs;
  for (Verb verb : grant.may) {
    verbs.insert(verb);
    for (Verb implied : GetVerb(verb).implies) verbs.insert(implied);
  }
  return verbs;
}

Reason Never(const FieldSpec& field, const RoleSpec& role, Verb verb) {
  const VerbInfo& info = GetVerb(verb);
  const bool used = info.outputs_values || info.uses_data;
  if (field.read_never && used && verb != Verb::kVerify) return Reason::kReadNever;
  if (field.comm_secret && used && (role.kind != RoleKind::kTenant || verb == Verb::kExport)) {
    return Reason::kCommSecret;
  }
  if (info.needs_index && !field.index) return Reason::kFieldNotSearchable;
  if (info.needs_token && field.token == TokenMode::kNone) return Reason::kFieldNotTokenized;
  return Reason::kOk;
}

struct Oracle {
  const Policy& policy;
  const DecisionInput& in;
  const SubjectFacts* facts;
  const VerbInfo& verb = GetVerb(in.verb);

  bool PurposeFits(const GrantSpec& grant) const {
    if (verb.purpose == Need::kNo) return true;
    if (in.purpose.empty()) {
      if (verb.purpose == Need::kRequired) return false;
      if (grant.purposes.empty()) return true;
      for (PurposeId id : grant.purposes) {
        const PurposeSpec& p = policy.purposes()[id];
        if (!p.needs_ticket && p.needs.empty()) return true;
      }
      return false;
    }
    if (grant.purposes.empty()) return true;
    for (PurposeId id : grant.purposes) {
      if (policy.purposes()[id].name == in.purpose) return true;
    }
    return false;
  }

  Reason Unmet(const GrantSpec& grant) const {
    if (facts == nullptr) return Reason::kOk;
    if (In(grant.when, Condition::kSubscribed) && facts->unsubscribed) return Reason::kUnsubscribed;
    if (In(grant.when, Condition::kContractActive) && !facts->contract_active) {
      return Reason::kContractEnded;
    }
    if (In(grant.when, Condition::kOwnDepartment) &&
        (in.person == nullptr || in.person->department.empty() ||
         in.person->department != facts->department)) {
      return Reason::kDepartmentMismatch;
    }
    if (In(grant.when, Condition::kConsented)) {
      bool consented = false;
      for (const ConsentFact& consent : facts->consents) {
        if (consent.purpose == in.purpose && consent.given <= in.now &&
            in.now < consent.withdrawn) {
          consented = true;
        }
      }
      if (!consented) return Reason::kConsentMissing;
    }
    return Reason::kOk;
  }

  bool Stopped(const std::string& field, const std::string& type) const {
    if (facts == nullptr || !verb.uses_data) return false;
    for (const UseStop& stop : facts->stops) {
      const std::string what(stop.fields);
      const bool purpose = stop.purpose.empty() || stop.purpose == in.purpose;
      if (purpose && (what.empty() || what == field || what == type + ".*")) return true;
    }
    return false;
  }

  // Stage and reason; fields where it got there.
  struct Result {
    int stage;
    OracleDecision decision;
    size_t granted = 0;
    size_t plain = 0;
  };

  Result Refused(int stage, Reason reason) const { return {stage, {reason, "", {}}, 0, 0}; }

  Result Evaluate(const RoleSpec& role) const {
    std::vector<const GrantSpec*> mine;
    for (const GrantSpec& grant : policy.grants()) {
      if (grant.role == role.id && VerbsOf(grant).count(in.verb) > 0) mine.push_back(&grant);
    }
    if (mine.empty()) return Refused(0, Reason::kOperationNotGranted);
    if (verb.target != VerbTarget::kTenant && in.type == kNoType) {
      return Refused(1, Reason::kTypeUnknown);
    }
    const PurposeSpec* purpose = nullptr;
    if (verb.purpose != Need::kNo) {
      if (!in.purpose.empty()) {
        for (const PurposeSpec& p : policy.purposes()) {
          if (p.name == in.purpose) purpose = &p;
        }
        if (purpose == nullptr) return Refused(2, Reason::kPurposeUnknown);
      } else if (verb.purpose == Need::kRequired) {
        return Refused(2, Reason::kPurposeMissing);
      }
    }
    std::vector<const GrantSpec*> fitting;
    for (const GrantSpec* grant : mine) {
      if (PurposeFits(*grant)) fitting.push_back(grant);
    }
    if (fitting.empty()) {
      return Refused(2, purpose == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted);
    }
    const Reason request = Request(role, purpose);
    if (request != Reason::kOk) return Refused(3, request);
    const Reason subject = Subject(role);
    if (subject != Reason::kOk) return Refused(4, subject);
    if (verb.target == VerbTarget::kFields) return Fields(role, fitting);
    return Whole(mine, fitting, purpose);
  }

  Reason Request(const RoleSpec& role, const PurposeSpec* purpose) const {
    if (!in.ticket.empty() && !IsValidTicket(in.ticket)) return Reason::kTicketInvalid;
    const bool ticket = (purpose != nullptr && purpose->needs_ticket) ||
                        (verb.purpose != Need::kNo && role.needs_ticket);
    if (ticket && in.ticket.empty()) return Reason::kTicketMissing;
    if (purpose != nullptr) {
      for (const std::string& need : purpose->needs) {
        bool brought = false;
        for (const Argument& argument : in.arguments) brought = brought || argument.name == need;
        if (!brought) return Reason::kArgumentMissing;
      }
    }
    if (role.kind == RoleKind::kSubject && in.on_behalf_of.empty() && in.verb != Verb::kCreate) {
      return Reason::kSubjectRequired;
    }
    if (verb.target == VerbTarget::kFields && in.fields.empty()) return Reason::kFieldMissing;
    return Reason::kOk;
  }

  Reason Subject(const RoleSpec& role) const {
    if (facts == nullptr) return Reason::kOk;
    if (facts->erased) return Reason::kSubjectErased;
    if (role.kind == RoleKind::kSubject) {
      const bool fresh = in.verb == Verb::kCreate && facts->subject.empty();
      const bool own = !in.on_behalf_of.empty() && in.on_behalf_of == facts->subject;
      if (!fresh && !own) return Reason::kNotOwnRecord;
    }
    if (facts->restricted && verb.uses_data) return Reason::kSubjectRestricted;
    return Reason::kOk;
  }

  Result Whole(const std::vector<const GrantSpec*>& mine,
               const std::vector<const GrantSpec*>& fitting, const PurposeSpec* purpose) const {
    const bool of_type = verb.target == VerbTarget::kType;
    if (of_type && Stopped("", policy.types()[in.type].name)) {
      return Refused(5, Reason::kUseStopped);
    }
    Reason first = Reason::kOperationNotGranted;
    for (const GrantSpec* grant : fitting) {
      if (of_type && !In(grant->types, in.type)) continue;
      const Reason unmet = Unmet(*grant);
      if (unmet == Reason::kOk) return {6, {}, 1, 1};
      if (first == Reason::kOperationNotGranted) first = unmet;
    }
    if (of_type && first == Reason::kOperationNotGranted && !policy.purposes().empty()) {
      for (const GrantSpec* grant : mine) {
        if (!In(grant->types, in.type)) continue;
        first = purpose == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
      }
    }
    return Refused(5, first);
  }

  Result Fields(const RoleSpec& role, const std::vector<const GrantSpec*>& fitting) const {
    Result result{6, {}, 0, 0};
    std::optional<Reason> first;
    for (FieldId id : in.fields) {
      const OracleField field = Field(role, fitting, id);
      if (field.granted) {
        ++result.granted;
        if (field.view == View::kPlain) ++result.plain;
      } else if (!first.has_value() || field.reason == Reason::kFieldUnknown) {
        first = field.reason;
      }
      result.decision.fields.push_back(field);
    }
    if (first.has_value()) {
      result.stage = 5;
      result.decision.reason = *first;
    }
    return result;
  }

  bool Covers(const RoleSpec& role, const GrantSpec& grant, const FieldSpec& field) const {
    if (!In(grant.fields, field.id) || Never(field, role, in.verb) != Reason::kOk) return false;
    if (!verb.outputs_values) return true;
    if (grant.view == View::kToken) return field.token != TokenMode::kNone;
    if (grant.view == View::kMasked) return field.mask != Mask::kNone;
    return true;
  }

  OracleField Field(const RoleSpec& role, const std::vector<const GrantSpec*>& fitting,
                    FieldId id) const {
    OracleField out;
    out.reason = Reason::kFieldUnknown;
    if (id >= policy.fields().size() || policy.fields()[id].type != in.type) return out;
    const FieldSpec& field = policy.fields()[id];
    out.reason = Reason::kFieldNotGranted;
    const GrantSpec* best = nullptr;
    const auto rank = [&](const GrantSpec& grant) {
      if (!verb.outputs_values) return 3;
      return grant.view == View::kPlain ? 3 : grant.view == View::kToken ? 2 : 1;
    };
    for (const GrantSpec* grant : fitting) {
      if (!Covers(role, *grant, field)) continue;
      const Reason unmet = Unmet(*grant);
      if (unmet != Reason::kOk) {
        if (out.reason == Reason::kFieldNotGranted) out.reason = unmet;
      } else if (best == nullptr || rank(*grant) > rank(*best)) {
        best = grant;
      }
    }
    if (best == nullptr) {
      const Reason never = Never(field, role, in.verb);
      if (never != Reason::kOk) out.reason = never;
      return out;
    }
    if (Stopped(field.full_name, policy.types()[field.type].name)) {
      out.reason = Reason::kUseStopped;
      return out;
    }
    View view = verb.outputs_values ? best->view : View::kPlain;
    if (verb.outputs_values && view == View::kPlain) view = in.wanted;
    if (view == View::kMasked && field.mask == Mask::kNone) return out;
    if (view == View::kToken && field.token == TokenMode::kNone) {
      out.reason = Reason::kFieldNotTokenized;
      return out;
    }
    return {true, view, Reason::kOk, best->id};
  }
};

}  // namespace

OracleDecision OracleDecide(const Policy& policy, const DecisionInput& in,
                            const SubjectFacts* facts) {
  const auto refuse = [](Reason reason, std::string role = "") {
    return OracleDecision{reason, std::move(role), {}};
  };
  if (in.principal == nullptr) return refuse(Reason::kPrincipalUnknown);
  if (in.principal->disabled) return refuse(Reason::kPrincipalDisabled);
  if (in.tenant.empty()) return refuse(Reason::kTenantUnknown);
  if (in.principal->kind == PrincipalKind::kTenant && in.principal->tenant != in.tenant) {
    return refuse(Reason::kTenantMismatch);
  }
  if (in.person != nullptr && In(policy.forbidden_employment(), in.person->employment)) {
    return refuse(in.person->employment == Employment::kOutsourced
                      ? Reason::kOutsourcingForbidden
                      : Reason::kEmploymentNotAdmitted);
  }
  const Oracle oracle{policy, in, facts};
  std::vector<const RoleSpec*> roles;  // In force, in the policy's order.
  bool over = false;
  bool here = false;
  bool elsewhere = false;
  for (const RoleBinding& b : in.principal->bindings) {
    if (!in.role.empty() && b.role != in.role) continue;
    if (b.tenant != in.tenant && !b.tenant.empty()) elsewhere = true;
  }
  for (const RoleSpec& role : policy.roles()) {
    bool active = false;
    for (const RoleBinding& b : in.principal->bindings) {
      if (b.role != role.name || b.tenant != in.tenant) continue;
      if (!in.role.empty() && b.role != in.role) continue;
      here = true;
      if (b.not_after < in.now) over = true;
      if (b.not_before <= in.now && in.now <= b.not_after) active = true;
    }
    if (active) roles.push_back(&role);
  }
  if (roles.empty()) {
    if (over) return refuse(Reason::kRoleExpired);
    return refuse(elsewhere && !here ? Reason::kTenantMismatch : Reason::kRoleNotGranted);
  }
  std::optional<Oracle::Result> best;
  std::optional<OracleDecision> would;
  std::optional<OracleDecision> first_refused;
  for (const RoleSpec* role : roles) {
    Oracle::Result result = oracle.Evaluate(*role);
    result.decision.role = role->name;
    const Reason admission = Admit(*role, in);
    if (admission != Reason::kOk) {
      if (!first_refused.has_value()) first_refused = refuse(admission, role->name);
      if (result.granted > 0 && !would.has_value()) would = refuse(admission, role->name);
      continue;
    }
    const bool better = !best.has_value() || result.granted > best->granted ||
                        (result.granted == best->granted && result.plain > best->plain) ||
                        (result.granted == 0 && best->granted == 0 && result.stage > best->stage);
    if (better) best = result;
  }
  if (best.has_value() && best->granted > 0) return best->decision;
  if (would.has_value()) return *would;
  if (best.has_value()) return best->decision;
  return *first_refused;
}

}  // namespace piivault::authz
