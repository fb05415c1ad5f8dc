#include "authz/policy_cases.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace piivault::authz {
namespace {

std::string Describe(Reason reason, View view) {
  if (reason != Reason::kOk) return std::string(ReasonName(reason));
  switch (view) {
    case View::kMasked:
      return "masked";
    case View::kToken:
      return "token";
    default:
      return "granted";
  }
}

// The one view of all fields; kDenied stands for a mixture.
View ViewOf(const Decision& decision) {
  if (decision.fields.empty()) return View::kPlain;
  for (const FieldDecision& field : decision.fields) {
    if (field.view != decision.fields[0].view) return View::kDenied;
  }
  return decision.fields[0].view;
}

using Names = std::vector<std::string_view>;

// Facts that borrow from a case, and the lists that they point into.
class Matters {
 public:
  explicit Matters(const std::vector<CaseMatter>& matters) {
    names_.reserve(matters.size());
    for (const CaseMatter& m : matters) {
      names_.emplace_back(m.purposes.begin(), m.purposes.end());
      facts_.push_back({m.kind, m.id, m.state, m.party, m.not_after, names_.back()});
    }
  }
  absl::Span<const MatterFact> facts() const { return facts_; }

 private:
  std::vector<Names> names_;
  std::vector<MatterFact> facts_;
};

class Consents {
 public:
  explicit Consents(const std::vector<CaseConsent>& consents) {
    names_.reserve(consents.size());
    for (const CaseConsent& c : consents) {
      names_.emplace_back(c.fields.begin(), c.fields.end());
      facts_.push_back(
          {c.id, c.purpose, names_.back(), c.given, c.withdrawn, c.by_guardian, c.recipient});
    }
  }
  absl::Span<const ConsentFact> facts() const { return facts_; }

 private:
  std::vector<Names> names_;
  std::vector<ConsentFact> facts_;
};

}  // namespace

Admission AdmitCase(const Policy& policy, const PolicyCase& c) {
  if (c.principal.bindings.empty()) {
    Admission none;
    none.reason = Reason::kRoleNotGranted;
    return none;
  }
  return AdmitBinding(policy, c.principal.bindings[0], c.principal,
                      c.person.has_value() ? &*c.person : nullptr, c.attestations, c.now,
                      c.other_holders);
}

void WithCaseCall(const Policy& policy, const PolicyCase& c,
                  const std::function<void(const DecisionInput&, const SubjectFacts&)>& use) {
  DecisionInput input;
  input.principal = &c.principal;
  input.person = c.person.has_value() ? &*c.person : nullptr;
  input.attestations = c.attestations;
  input.tenant = c.tenant;
  input.verb = c.verb;
  input.type = policy.FindType(c.type);
  std::vector<FieldId> fields;
  for (const std::string& name : c.fields) fields.push_back(policy.FindField(name));
  input.fields = fields;
  input.purpose = c.purpose;
  input.ticket = c.ticket;
  std::vector<Argument> arguments;
  for (const auto& [name, value] : c.arguments) arguments.push_back({name, value});
  input.arguments = arguments;
  const Matters matters(c.matters);
  input.matters = matters.facts();
  input.now = c.now;
  input.on_behalf_of = c.on_behalf_of;
  input.channel = c.channel;
  input.front_hop = c.front_hop;
  input.tenant_allows_plain = c.tenant_allows_plain;
  input.notice = c.notice;
  input.collected_at = c.collected_at;
  input.born = c.born;
  std::vector<FieldId> cleared;
  for (const std::string& name : c.cleared) cleared.push_back(policy.FindField(name));
  input.cleared = cleared;
  input.wanted = c.wanted;

  SubjectFacts subject;
  subject.subject = c.subject;
  subject.erased = c.erased;
  subject.unsubscribed = c.unsubscribed;
  subject.contract_active = c.contract_active;
  const Consents consents(c.consents);
  subject.consents = consents.facts();
  subject.department = c.department;
  subject.holder = c.holder;
  subject.born = c.subject_born;
  subject.notice = c.subject_notice;
  subject.controller = c.controller;
  std::vector<RepresentativeFact> representatives;
  for (const auto& [name, until] : c.representatives) representatives.push_back({name, until});
  subject.representatives = representatives;
  const Matters subject_matters(c.subject_matters);
  subject.matters = subject_matters.facts();
  std::vector<UseStop> stops;
  for (const auto& [stopped, purpose] : c.stops) stops.push_back({stopped, purpose});
  subject.stops = stops;
  const Names frozen(c.frozen.begin(), c.frozen.end());
  subject.frozen = frozen;
  const Names kept_by_law(c.kept_by_law.begin(), c.kept_by_law.end());
  subject.kept_by_law = kept_by_law;
  const Names expired(c.expired.begin(), c.expired.end());
  subject.expired = expired;

  use(input, subject);
}

namespace {

std::vector<FieldId> FindFields(const Policy& policy, const std::vector<std::string>& names) {
  std::vector<FieldId> fields;
  for (const std::string& name : names) fields.push_back(policy.FindField(name));
  return fields;
}

// Of each type of the fields in turn: the first reason why one does not go out.
Reason DecideAllTypes(const Policy& policy, const ShareInput& input, const ShareSubject& subject) {
  std::map<TypeId, std::vector<FieldId>> by_type;
  for (FieldId id : input.fields) {
    by_type[id == kNoField ? kNoType : policy.field(id).type].push_back(id);
  }
  if (by_type.empty()) by_type[kNoType] = {};
  for (const auto& [type, fields] : by_type) {
    const ShareDecision decision = DecideShareWithSubject(policy, input, type, fields, subject);
    if (!decision.granted()) return decision.reason;
  }
  return Reason::kOk;
}

}  // namespace

void WithCaseShare(const Policy& policy, const PolicyCase& c,
                   const std::function<void(const ShareInput&, const ShareSubject&)>& use) {
  WithCaseCall(policy, c, [&](const DecisionInput& issuer, const SubjectFacts& subject) {
    const CaseShare& share = *c.share;
    ShareInput input;
    input.issuer = issuer;
    input.recipient = share.registered ? &share.recipient : nullptr;
    input.rule = share.rule;
    input.fields = issuer.fields;
    const std::vector<FieldId> requested = FindFields(policy, share.requested);
    input.requested = requested;
    std::vector<Argument> assertions;
    for (const auto& [name, value] : share.assertions) assertions.push_back({name, value});
    input.assertions = assertions;
    input.subjects = share.subjects;
    input.uses = share.uses;
    input.lifetime = share.lifetime;
    input.issued_at = share.issued;
    input.approvals = share.approvals;
    input.users_notified = share.notified;
    const std::vector<FieldId> held = FindFields(policy, share.held);
    use(input, {&subject, held});
  });
}

Reason DecideCaseShare(const Policy& policy, const PolicyCase& c) {
  Reason reason = Reason::kOk;
  WithCaseShare(policy, c, [&](const ShareInput& input, const ShareSubject& subject) {
    reason = DecideAllTypes(policy, input, subject);
  });
  return reason;
}

namespace {

std::string Outcome(Reason whole, Reason first) {
  if (whole == Reason::kOk && first != Reason::kOk) {
    return absl::StrCat("granted, although the first phase says ", std::string(ReasonName(first)));
  }
  return Describe(whole, View::kPlain);
}

std::string RunShare(const Policy& policy, const PolicyCase& c) {
  std::string outcome;
  WithCaseShare(policy, c, [&](const ShareInput& input, const ShareSubject& subject) {
    outcome = Outcome(DecideAllTypes(policy, input, subject), DecideShare(policy, input).reason);
  });
  return outcome;
}

std::string RunDecision(const Policy& policy, const PolicyCase& c) {
  Decision first;
  Decision whole;
  WithCaseCall(policy, c, [&](const DecisionInput& input, const SubjectFacts& subject) {
    first = DecideWithoutSubject(policy, input);
    whole = DecideWithSubject(policy, input, subject);
  });
  if (!whole.granted() || !first.granted()) return Outcome(whole.reason, first.reason);
  const View view = ViewOf(whole);
  return view == View::kDenied ? "a mixture of views" : Describe(Reason::kOk, view);
}

}  // namespace

std::string CaseFailure::ToString() const {
  return absl::StrCat("line ", line, ": case '", name, "'",
                      clause.empty() ? "" : absl::StrCat(" (", clause, ")"), ": expected ",
                      expected, ", got ", got);
}

CaseReport RunPolicyCases(const Policy& policy) {
  CaseReport report;
  std::set<std::string> clauses;
  for (const PolicyCase& c : policy.cases()) {
    ++report.run;
    const std::string got = c.admission ? Describe(AdmitCase(policy, c).reason, View::kPlain)
                            : c.share.has_value() ? RunShare(policy, c)
                                                  : RunDecision(policy, c);
    const std::string expected = Describe(c.expect, c.expect_view);
    if (got != expected) {
      report.failures.push_back({c.name, c.origin.clause, c.origin.line, expected, got});
    }
    for (absl::string_view clause : absl::StrSplit(c.origin.clause, ',', absl::SkipEmpty())) {
      clauses.emplace(clause);
    }
  }
  report.clauses.assign(clauses.begin(), clauses.end());
  return report;
}

}  // namespace piivault::authz
