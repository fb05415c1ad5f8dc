#include "tests/authz/named_calls.h"

#include <array>
#include <map>
#include <sstream>

namespace piivault::authz {
namespace {

constexpr char kTenant[] = "tenants/a";
constexpr char kSubject[] = "subjects/s";

class Dice {
 public:
  explicit Dice(std::mt19937& engine) : engine_(engine) {}
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename List>
  const auto& Pick(const List& list) {
    return list[Below(list.size())];
  }

 private:
  std::mt19937& engine_;
};

PrincipalKind KindFor(RoleKind kind) {
  static const std::map<RoleKind, PrincipalKind> kKinds = {
      {RoleKind::kStaff, PrincipalKind::kStaff},
      {RoleKind::kService, PrincipalKind::kService},
      {RoleKind::kTenant, PrincipalKind::kTenant},
      {RoleKind::kSubject, PrincipalKind::kService},
      {RoleKind::kRecipient, PrincipalKind::kRecipient},
      {RoleKind::kProcessor, PrincipalKind::kStaff}};
  return kKinds.at(kind);
}

Attestation Signed(AttestationKind kind, Dice& dice, absl::Time now) {
  Attestation a;
  a.id = std::string(AttestationKindName(kind));
  a.kind = kind;
  a.document_sha256 = std::string(64, 'd');
  a.signatory = dice.OneIn(20) ? "persons/q" : "persons/p";
  a.signed_at = now - absl::Hours(24);
  a.valid_until = dice.OneIn(15) ? now - absl::Seconds(1) : now + absl::Hours(24);
  return a;
}

void MakeCaller(const Policy& policy, const GrantSpec& grant, Dice& dice, NamedCall* call) {
  const RoleSpec& role = dice.OneIn(12) ? dice.Pick(policy.roles()) : policy.roles()[grant.role];
  call->principal.name = "principals/p";
  call->principal.person = "persons/p";
  call->principal.kind =
      dice.OneIn(20) ? static_cast<PrincipalKind>(dice.Below(5)) : KindFor(role.kind);
  call->principal.tenant = kTenant;
  for (const RoleSpec* given : {&role, dice.OneIn(4) ? &dice.Pick(policy.roles()) : nullptr}) {
    if (given == nullptr) continue;
    RoleBinding binding;
    binding.role = given->name;
    binding.tenant = dice.OneIn(30) ? "tenants/b" : kTenant;
    binding.justification = "J-1";
    if (!dice.OneIn(6)) binding.active_until = call->now + absl::Seconds(1);
    if (dice.OneIn(30)) binding.not_after = call->now - absl::Seconds(1);
    call->principal.bindings.push_back(binding);
  }
  Person& person = call->person;
  person.name = "persons/p";
  person.employment = role.employment.empty() || dice.OneIn(5)
                          ? static_cast<Employment>(1 + dice.Below(6))
                          : dice.Pick(role.employment);
  if (!dice.OneIn(6)) person.duties = role.duties;
  person.department = role.department.empty() && dice.OneIn(2) ? "sales" : role.department;
  person.justification = "J-1";
  person.justification_until = call->now + absl::Hours(1);
  if (!role.nda.empty() && !dice.OneIn(8)) {
    call->attestations.push_back(Signed(dice.Pick(role.nda), dice, call->now));
  }
  for (AttestationKind kind : role.attested) {
    if (!dice.OneIn(8)) call->attestations.push_back(Signed(kind, dice, call->now));
  }
}

void MakeNeeds(const Policy& policy, const RoleSpec& role, Dice& dice, NamedCall* call) {
  if (!dice.OneIn(8)) call->ticket = "T-1";
  const PurposeSpec* purpose = policy.FindPurpose(call->purpose);
  std::vector<MatterNeed> matters = role.matters;
  if (purpose != nullptr) {
    for (const std::string& need : purpose->needs) {
      if (!dice.OneIn(8)) call->arguments.emplace_back(need, "X-1");
    }
    if (!purpose->parents.empty() && !dice.OneIn(8)) {
      call->arguments.emplace_back("parent", policy.purposes()[dice.Pick(purpose->parents)].name);
    }
    matters.insert(matters.end(), purpose->matters.begin(), purpose->matters.end());
  }
  for (const MatterNeed& need : matters) {
    const MatterSpec& spec = policy.matters()[need.matter];
    if (!dice.OneIn(8)) call->arguments.emplace_back(spec.name, "X-1");
    call->matters.emplace_back(spec.name,
                               dice.OneIn(5) ? dice.Pick(spec.states) : dice.Pick(need.states));
  }
}

void MakeFacts(const Policy& policy, const RoleSpec& role, Dice& dice, NamedCall* call) {
  const bool subject_role = role.kind == RoleKind::kSubject;
  if (subject_role && !dice.OneIn(8)) call->on_behalf_of = kSubject;
  if (!policy.channels().empty()) call->channel = dice.Pick(policy.channels());
  if (dice.OneIn(6)) call->channel = dice.OneIn(2) ? "" : "pigeon";
  if (dice.OneIn(5)) call->front_hop = dice.OneIn(2) ? FrontHop::kPlain : FrontHop::kUnspecified;
  if (dice.OneIn(8)) call->wanted = dice.OneIn(2) ? View::kMasked : View::kToken;
  call->unsubscribed = dice.OneIn(6);
  call->contract_active = !dice.OneIn(6);
  call->consented = !dice.OneIn(3);
  if (!policy.consent().empty()) call->consent_id = dice.Pick(policy.consent()).id;
  call->department = dice.OneIn(2) ? "sales" : "legal";
  if (!policy.collection_notices().empty() && !dice.OneIn(4)) {
    call->notice = dice.Pick(policy.collection_notices()).id;
  }
  if (dice.OneIn(10)) call->holder = "subjects/h";
}

}  // namespace

NamedCall RandomNamedCall(const Policy& policy, std::mt19937& engine) {
  Dice dice(engine);
  NamedCall call;
  call.now = absl::FromUnixSeconds(1748750400);
  const GrantSpec& grant = dice.Pick(policy.grants());
  call.verb = dice.OneIn(10) ? static_cast<Verb>(dice.Below(kVerbCount)) : dice.Pick(grant.may);
  if (dice.OneIn(8)) call.verb = dice.Pick(GetVerb(call.verb).implies);
  MakeCaller(policy, grant, dice, &call);
  const TypeId type = grant.types.empty() || dice.OneIn(12)
                          ? static_cast<TypeId>(dice.Below(policy.type_count()))
                          : dice.Pick(grant.types);
  call.type = policy.type(type).name;
  for (size_t i = 1 + dice.Below(3); i > 0; --i) {
    const FieldId field = grant.fields.empty() || dice.OneIn(6)
                              ? dice.Pick(policy.type(type).fields)
                              : dice.Pick(grant.fields);
    call.fields.push_back(policy.field(field).full_name);
    if (i == 1) call.type = policy.type(policy.field(field).type).name;
  }
  if (!grant.purposes.empty()) call.purpose = policy.purposes()[dice.Pick(grant.purposes)].name;
  if (dice.OneIn(8)) call.purpose = dice.OneIn(4) ? "" : dice.Pick(policy.purposes()).name;
  const RoleSpec& role = policy.roles()[grant.role];
  MakeNeeds(policy, role, dice, &call);
  MakeFacts(policy, role, dice, &call);
  return call;
}

void NamedCall::With(
    const Policy& policy,
    const std::function<void(const DecisionInput&, const SubjectFacts&)>& use) const {
  DecisionInput input;
  input.principal = &principal;
  input.person = &person;
  input.attestations = attestations;
  input.tenant = kTenant;
  input.verb = verb;
  input.type = policy.FindType(type);
  std::vector<FieldId> ids;
  for (const std::string& field : fields) ids.push_back(policy.FindField(field));
  input.fields = ids;
  input.purpose = purpose;
  input.ticket = ticket;
  std::vector<Argument> named;
  for (const auto& [name, value] : arguments) named.push_back({name, value});
  input.arguments = named;
  std::vector<MatterFact> known;
  for (const auto& [kind, state] : matters) {
    known.push_back({.kind = kind, .id = "X-1", .state = state, .party = "partner"});
  }
  input.matters = known;
  input.now = now;
  input.on_behalf_of = on_behalf_of;
  input.channel = channel;
  input.front_hop = front_hop;
  input.wanted = wanted;

  SubjectFacts facts;
  facts.subject = kSubject;
  facts.unsubscribed = unsubscribed;
  facts.contract_active = contract_active;
  const ConsentFact consent{.id = consent_id, .purpose = purpose, .given = absl::InfinitePast()};
  if (consented) facts.consents = absl::MakeConstSpan(&consent, 1);
  facts.department = department;
  facts.matters = known;
  facts.notice = notice;
  facts.holder = holder;
  facts.controller = "partner";
  use(input, facts);
}

std::string NamedCall::Outcome(const Policy& policy) const {
  std::ostringstream out;
  With(policy, [&](const DecisionInput& input, const SubjectFacts& facts) {
    const Decision decision = DecideWithSubject(policy, input, facts);
    out << ReasonName(decision.reason);
    if (decision.role != nullptr) out << " as " << decision.role->name;
    for (const FieldDecision& field : decision.fields) {
      out << " " << static_cast<int>(field.view) << "/" << MaskName(field.mask) << "/"
          << ReasonName(field.reason);
    }
  });
  return out.str();
}

}  // namespace piivault::authz
