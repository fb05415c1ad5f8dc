#include "vault/service/sharing_ask.h"

#include <algorithm>
#include <utility>

#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::ExportTokenRow;

authz::Reason ResolveAll(const authz::Policy& policy,
                         const google::protobuf::RepeatedPtrField<std::string>& names,
                         std::vector<authz::FieldId>* ids) {
  ids->clear();
  for (const std::string& name : names) {
    const authz::FieldId id = policy.FindField(name);
    if (id == authz::kNoField) return authz::Reason::kFieldUnknown;
    ids->push_back(id);
  }
  return authz::Reason::kOk;
}

}  // namespace

authz::Reason ExportAsk::Make(const authz::Policy& policy, const ExportTokenRow& row,
                              ExportAsk* ask) {
  ask->row_ = &row;
  authz::Reason reason = ResolveAll(policy, row.fields(), &ask->fields_);
  if (reason == authz::Reason::kOk) {
    reason = ResolveAll(policy, row.requested(), &ask->requested_);
  }
  if (reason != authz::Reason::kOk) return reason;
  ask->assertions_.clear();
  for (const auto& [name, value] : row.assertions()) ask->assertions_.push_back({name, value});
  ask->types_.clear();
  ask->type_names_.clear();
  for (const authz::FieldId id : ask->fields_) {
    const authz::TypeId type = policy.field(id).type;
    auto found = std::find_if(ask->types_.begin(), ask->types_.end(),
                              [type](const OfType& of) { return of.type == type; });
    if (found == ask->types_.end()) {
      found = ask->types_.insert(found, {type, {}});
      ask->type_names_.push_back(policy.type(type).name);
    }
    found->fields.push_back(id);
  }
  return authz::Reason::kOk;
}

const ExportAsk::OfType* ExportAsk::Find(authz::TypeId type) const {
  const auto found = std::find_if(types_.begin(), types_.end(),
                                  [type](const OfType& of) { return of.type == type; });
  return found == types_.end() ? nullptr : &*found;
}

authz::ShareInput ExportAsk::Input(const authz::DecisionInput& issuer,
                                   const authz::Recipient* recipient) const {
  authz::ShareInput input;
  input.issuer = issuer;
  input.recipient = recipient;
  input.rule = row_->rule();
  input.fields = fields_;
  input.assertions = assertions_;
  input.requested = requested_;
  input.subjects = row_->subjects();
  input.uses = row_->uses();
  input.lifetime = absl::Seconds(row_->lifetime_seconds());
  input.issued_at = absl::FromUnixMicros(row_->create_micros());
  return input;
}

v1::Usage UsageOf(const ExportTokenRow& row) {
  v1::Usage usage;
  usage.set_purpose(row.purpose());
  usage.set_ticket(row.ticket());
  usage.set_role(row.role());
  *usage.mutable_arguments() = row.arguments();
  return usage;
}

bool IsRevoked(const ExportRevocations& revocations, const ExportTokenState& token) {
  const auto matches = [](const std::string& wanted, std::string_view is) {
    return wanted.empty() || wanted == is;
  };
  return std::any_of(revocations.begin(), revocations.end(), [&](const auto& revocation) {
    const storage::v1::ExportRevocationRow& row = revocation->row;
    return token.row.create_micros() <= row.time_micros() &&
           matches(row.token(), token.id.view()) &&
           matches(row.recipient(), token.row.recipient()) &&
           matches(row.rule(), token.row.rule()) && matches(row.purpose(), token.row.purpose()) &&
           matches(row.issuer(), token.row.issuer());
  });
}

v1::ExportTokenState StateOf(const ExportTokenState& token, const ExportRevocations& revocations,
                             absl::Time now) {
  const ExportTokenRow& row = token.row;
  if (!row.rejected_by().empty()) return v1::EXPORT_TOKEN_STATE_REJECTED;
  if (row.expire_micros() != 0 && now >= absl::FromUnixMicros(row.expire_micros())) {
    return v1::EXPORT_TOKEN_STATE_EXPIRED;
  }
  // One that waits is forgotten after the longest life that it could have had.
  if (row.start_micros() == 0 &&
      now >= absl::FromUnixMicros(row.create_micros()) + authz::kMaxTokenLifetime) {
    return v1::EXPORT_TOKEN_STATE_EXPIRED;
  }
  if (IsRevoked(revocations, token)) return v1::EXPORT_TOKEN_STATE_REVOKED;
  if (row.start_micros() == 0) return v1::EXPORT_TOKEN_STATE_WAITING;
  if (static_cast<uint32_t>(row.taken_size()) >= row.uses()) {
    return v1::EXPORT_TOKEN_STATE_EXHAUSTED;
  }
  return v1::EXPORT_TOKEN_STATE_ACTIVE;
}

Sha256Digest ApprovalHash(std::string_view tenant, const ExportTokenState& token) {
  // What approvals, redemptions and the sweeper add is left out; no map but the two that are sorted
  // below.
  ExportTokenRow row = token.row;
  row.clear_version();
  row.clear_taken();
  row.clear_start_micros();
  row.clear_expire_micros();
  row.clear_approvals();
  row.clear_rejected_by();
  row.clear_generation();
  row.clear_people_dropped();
  std::string text = Concat({"piivault export v1", MakeExportTokenName(tenant, token.id)});
  const auto add = [&text](std::string_view part) {
    const auto size = static_cast<uint32_t>(part.size());
    for (int shift = 24; shift >= 0; shift -= 8) {
      text.push_back(static_cast<char>((size >> shift) & 0xff));
    }
    text.append(part);
  };
  for (auto* map : {row.mutable_arguments(), row.mutable_assertions()}) {
    std::vector<std::pair<std::string, std::string>> sorted(map->begin(), map->end());
    std::sort(sorted.begin(), sorted.end());
    add(std::to_string(sorted.size()));
    for (const auto& [name, value] : sorted) {
      add(name);
      add(value);
    }
    map->clear();
  }
  add(row.SerializeAsString());
  return Sha256(text);
}

v1::ExportTokenState StateNow(const VaultCall& call, const ExportTokenState& token) {
  return StateOf(token, call.session().state().revocations(call.tenant_id()), call.now());
}

void FillDescription(const VaultCall& call, const ExportTokenState& token,
                     v1::ExportToken* description) {
  const ExportTokenRow& row = token.row;
  const std::string_view tenant = call.tenant_id();
  description->set_name(MakeExportTokenName(tenant, token.id));
  description->set_state(StateNow(call, token));
  description->set_recipient(RecipientResource(tenant, row.recipient()));
  description->set_rule(row.rule());
  description->set_basis(row.basis());
  description->set_purpose(row.purpose());
  *description->mutable_fields() = row.fields();
  description->set_subjects(row.subjects());
  description->set_uses(row.uses());
  description->set_uses_taken(static_cast<uint32_t>(row.taken_size()));
  description->set_issuer(PrincipalName(row.issuer()));
  FillTime(row.create_micros(), description->mutable_create_time());
  if (row.start_micros() != 0) {
    FillTime(row.start_micros(), description->mutable_start_time());
    FillTime(row.expire_micros(), description->mutable_expire_time());
  }
  description->set_sha256(ToHex(AsView(ApprovalHash(tenant, token))));
  description->set_approvals_needed(row.approvals_needed());
  for (const ExportTokenRow::Approval& approval : row.approvals()) {
    description->add_approvers(PrincipalName(approval.principal()));
  }
  *description->mutable_assertions() = row.assertions();
  *description->mutable_requested() = row.requested();
  *description->mutable_arguments() = row.arguments();
  description->set_ticket(row.ticket());
  description->set_lifetime_seconds(row.lifetime_seconds());
  if (row.not_before_micros() != 0) {
    FillTime(row.not_before_micros(), description->mutable_not_before());
  }
}

bool HasMadeOrAttested(const authz::Recipient& recipient, const std::string& person) {
  const auto& attested = recipient.attestations;
  return authz::HasMade(recipient, person) ||
         std::any_of(attested.begin(), attested.end(), [&person](const auto& attestation) {
           return attestation.recorded_by_person == person;
         });
}

namespace {

// Whether whoever approved may still approve, by what was stated then. A matter that has closed
// since is no lack of the approver's.
bool StillApproves(VaultCall& call, const PrincipalState& who,
                   const ExportTokenRow::Approval& approval) {
  Session& session = call.session();
  authz::DecisionInput input;
  input.principal = &who.principal;
  input.tenant = call.Input(authz::Verb::kApproveException).tenant;
  input.verb = authz::Verb::kApproveException;
  input.now = call.now();
  input.purpose = approval.purpose();
  input.ticket = approval.ticket();
  input.role = approval.role();
  std::vector<authz::Argument> arguments;
  for (const auto& [name, value] : approval.arguments()) arguments.push_back({name, value});
  input.arguments = arguments;
  session.AddRead(PersonCell(approval.person()));
  if (const PersonState* person = session.state().FindPerson(approval.person());
      person != nullptr) {
    input.person = &person->person;
    input.attestations = person->attestations;
  }
  const authz::Decision decision = authz::DecideWithoutSubject(call.policy(), input);
  return decision.granted() || decision.reason == authz::Reason::kMatterUnknown;
}

}  // namespace

uint32_t ApprovalsThatHold(VaultCall& call, const ExportTokenRow& row) {
  Session& session = call.session();
  session.AddRead(RecipientCell(call.tenant_id(), row.recipient()));
  const RecipientState* recipient =
      session.state().FindRecipient(call.tenant_id(), row.recipient());
  if (recipient == nullptr) return 0;
  return static_cast<uint32_t>(std::count_if(
      row.approvals().begin(), row.approvals().end(), [&](const ExportTokenRow::Approval& one) {
        session.AddRead(PrincipalCell(one.principal()));
        const PrincipalState* who = session.state().FindPrincipal(one.principal());
        return who != nullptr && !who->row.disabled() && who->row.person() == one.person() &&
               !HasMadeOrAttested(recipient->recipient, PersonName(one.person())) &&
               StillApproves(call, *who, one);
      }));
}

ExportClaims ClaimsOf(std::string_view tenant, std::string_view vault_id,
                      const ExportTokenState& token) {
  const ExportTokenRow& row = token.row;
  const auto second = [](int64_t micros) { return absl::FromUnixSeconds(micros / 1'000'000); };
  ExportClaims claims;
  claims.aud = RecipientResource(tenant, row.recipient());
  claims.exp = second(row.expire_micros());
  claims.fields.assign(row.fields().begin(), row.fields().end());
  std::sort(claims.fields.begin(), claims.fields.end());
  claims.gen = row.generation();
  claims.iat = second(row.create_micros());
  claims.iss = RefOf(vault_id);
  claims.jti = token.id;
  claims.nbf = second(row.start_micros());
  claims.purpose = row.purpose();
  std::copy_n(row.subjects_sha256().begin(),
              std::min(row.subjects_sha256().size(), claims.sub.size()), claims.sub.begin());
  claims.uses = row.uses();
  return claims;
}

std::vector<authz::FieldId> HeldBy(const authz::Policy& policy, const ExportPerson& person) {
  std::vector<authz::FieldId> held;
  for (const storage::v1::HoldingRow::Held& one : person.holding.held()) {
    const authz::FieldId id = policy.FindField(one.field());
    if (id != authz::kNoField && std::find(held.begin(), held.end(), id) == held.end()) {
      held.push_back(id);
    }
  }
  return held;
}

RecordShare DecideRecord(const VaultCall& call, const ExportAsk& ask,
                         const authz::ShareInput& input, absl::Span<const authz::FieldId> held,
                         const LoadedRecord& record) {
  const authz::Policy& policy = call.policy();
  const PersonFacts facts(call.tenant_id(), record, call.policy(), call.now());
  const authz::TypeId type = policy.FindType(record.type());
  const ExportAsk::OfType* of = ask.Find(type);
  RecordShare share;
  // A record whose type the policy has forgotten was not asked for.
  if (of == nullptr) {
    share.decision.reason = authz::Reason::kTypeUnknown;
    return share;
  }
  share.decision =
      authz::DecideShareWithSubject(policy, input, type, of->fields, {&facts.facts(), held});
  share.consent_id = std::string(facts.ConsentIdOf(share.decision.consent));
  share.decision.consent = nullptr;  // lives no longer than the facts
  return share;
}

Plan RefuseShare(VaultCall& call, const authz::ShareDecision& decision,
                 const ExportPerson* person) {
  DescribeShare(call, decision);
  std::vector<std::string> names;
  for (const authz::FieldId id : decision.denied) {
    if (id != authz::kNoField) names.push_back(call.policy().field(id).full_name);
  }
  storage::v1::EntryItem& item = *call.entry().add_items();
  if (person != nullptr && person->ok()) item.set_subject_ref(person->subject().row.subject_ref());
  for (const std::string& name : names) item.add_denied_fields(name);
  if (names.empty() && !decision.need.empty()) names.emplace_back(decision.need);
  return call.Refuse(decision.reason, std::move(names));
}

void DescribeShare(VaultCall& call, const authz::ShareDecision& decision) {
  // Of a redemption's entry the caller is the recipient, who has no role.
  if (call.session().principal()->kind != authz::PrincipalKind::kRecipient) {
    authz::Decision issuer;
    issuer.role = decision.role;
    issuer.attestation = decision.issuer_attestation;
    call.Describe(issuer);
  }
  if (decision.attestation != nullptr) {
    (*call.entry().mutable_arguments())["agreement"] = decision.attestation->id;
  }
}

void DescribeToken(VaultCall& call, const ExportTokenState& token) {
  call.entry().set_resource(MakeExportTokenName(call.tenant_id(), token.id));
  auto& arguments = *call.entry().mutable_arguments();
  arguments["recipient"] = token.row.recipient();
  arguments["rule"] = token.row.rule();
}

std::optional<Plan> OpenForRecipient(VaultCall& call, const RecipientState** recipient) {
  Session& session = call.session();
  if (!session.identified()) return session.Refuse();
  const PrincipalState& caller = *session.caller();
  if (caller.principal.kind != authz::PrincipalKind::kRecipient) {
    return session.Refuse(authz::Reason::kPrincipalKindNotAdmitted);
  }
  const auto& recipients = session.state().recipients();
  const auto found = recipients.find(caller.row.recipient());
  if (found == recipients.end()) return session.Refuse(authz::Reason::kRecipientUnknown);
  *recipient = found->second.get();
  session.AddRead((*recipient)->cell);
  if (auto refused = call.OpenTenant((*recipient)->row.tenant(), nullptr)) return refused;
  return std::nullopt;
}

}  // namespace piivault::vault
