#include "vault/service/vault_call.h"

#include <algorithm>
#include <utility>

#include "vault/audit/entry_builder.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/records/record_finder.h"
#include "vault/service/break_glass.h"
#include "vault/service/errors.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

constexpr absl::Duration kPageTokenLifetime = absl::Hours(1);
constexpr size_t kMaxPurposeSize = 64;
constexpr size_t kMaxArguments = 8;
// Beyond a budget, each message about one's own data.
constexpr absl::Duration kOwnAccessWaits = absl::Seconds(1);
// Which purpose a derived one follows from.
constexpr std::string_view kParentArgument = "parent";

// Whether some rule asks for an argument of this name: then it is no text of the caller's.
bool KnowsArgument(const authz::Policy& policy, std::string_view name) {
  if (name == kParentArgument || policy.FindMatter(name) != nullptr) return true;
  return std::any_of(policy.purposes().begin(), policy.purposes().end(),
                     [name](const authz::PurposeSpec& purpose) {
                       return std::find(purpose.needs.begin(), purpose.needs.end(), name) !=
                              purpose.needs.end();
                     });
}

bool ActsForAPerson(const authz::RoleSpec* role) {
  return role != nullptr && role->kind == authz::RoleKind::kSubject;
}

// Whether the decision lets the call go on.
bool Permits(const authz::Decision& decision, bool allow_partial) {
  return decision.granted() || (allow_partial && decision.partial());
}

void KeepWhenDurable(std::shared_ptr<VolumeBudgets::Taken> taken, Plan* plan) {
  if (taken == nullptr) return;
  plan->applied = [taken = std::move(taken)](const storage::LogPosition&) { taken->Keep(); };
}

}  // namespace

VaultCall::VaultCall(CallContext& context, const VaultDependencies& dependencies)
    : context_(context),
      deps_(dependencies),
      session_(context, dependencies.store, dependencies.random) {}

std::optional<Plan> VaultCall::Open(std::string_view parent, const v1::Usage* usage) {
  const std::optional<std::string_view> tenant = ParseTenantName(parent);
  return OpenTenant(tenant.value_or(std::string_view()), usage);
}

std::optional<Plan> VaultCall::OpenTenant(std::string_view tenant, const v1::Usage* usage) {
  if (!session_.identified()) return session_.Refuse();
  if (tenant.empty()) return session_.Refuse(authz::Reason::kMalformedRequest);
  // A tenant's own principal does not learn which other tenants there are.
  const authz::Principal& principal = *session_.principal();
  tenant_name_ = TenantName(tenant);
  if (principal.kind == authz::PrincipalKind::kTenant && principal.tenant != tenant_name_) {
    return session_.Refuse(authz::Reason::kTenantMismatch);
  }
  // Nor does a recipient, who is one tenant's.
  if (principal.kind == authz::PrincipalKind::kRecipient &&
      !session_.caller()->row.recipient().starts_with(Concat({tenant, "/"}))) {
    return session_.Refuse(authz::Reason::kTenantMismatch);
  }
  tenant_ = session_.UseTenantId(tenant);
  if (tenant_ == nullptr) return session_.Refuse(authz::Reason::kTenantUnknown);
  policy_ = tenant_->policy_in_force();
  if (policy_ == nullptr) return session_.Refuse(authz::Reason::kNoPolicy);
  absl::StatusOr<TenantScope> scope = TenantScope::Create(session_.state(), *tenant_);
  if (!scope.ok()) return session_.Refuse(authz::Reason::kKeysUnavailable);
  scope_.emplace(*std::move(scope));

  entry_ = session_.NewEntry();
  if (usage == nullptr) return std::nullopt;
  return State(*usage);
}

std::optional<Plan> VaultCall::State(const v1::Usage& usage) {
  usage_ = &usage;
  const authz::Reason reason = TakeUsage(usage);
  if (reason != authz::Reason::kOk) return Refuse(reason);
  return std::nullopt;
}

authz::Reason VaultCall::TakeUsage(const v1::Usage& usage) {
  if (usage.purpose().size() > kMaxPurposeSize) return authz::Reason::kPurposeUnknown;
  if (!usage.ticket().empty()) {
    if (!authz::IsValidTicket(usage.ticket())) return authz::Reason::kTicketInvalid;
    if (DetectProhibited(usage.ticket()).any()) return authz::Reason::kProhibitedType;
    entry_.set_ticket(usage.ticket());
  }
  // What the policy does not know might be anything.
  if (policy_->FindPurpose(usage.purpose()) != nullptr) entry_.set_purpose(usage.purpose());
  if (!usage.role().empty() && !IsPolicyIdentifier(usage.role())) {
    return authz::Reason::kMalformedRequest;
  }
  if (!usage.on_behalf_of().empty()) {
    const std::optional<SubjectName> person = ParseSubjectName(usage.on_behalf_of());
    if (!person.has_value() || person->tenant != tenant_->name) {
      return authz::Reason::kMalformedRequest;
    }
    actor_ = person->subject;
  }
  return usage.arguments().empty() ? authz::Reason::kOk : TakeArguments(usage);
}

authz::Reason VaultCall::TakeArguments(const v1::Usage& usage) {
  if (usage.arguments().size() > kMaxArguments) return authz::Reason::kMalformedRequest;
  for (const auto& [name, value] : usage.arguments()) {
    if (!IsPolicyIdentifier(name)) return authz::Reason::kMalformedRequest;
    if (!authz::IsValidTicket(value)) return authz::Reason::kTicketInvalid;
    if (DetectProhibited(value).any()) return authz::Reason::kProhibitedType;
    arguments_.push_back({name, value});
  }
  for (const authz::Argument& argument : arguments_) {
    if (!KnowsArgument(*policy_, argument.name)) continue;
    (*entry_.mutable_arguments())[std::string(argument.name)] = argument.value;
  }
  FindMatters();
  return authz::Reason::kOk;
}

authz::Reason VaultCall::FindActor(const PersonFacts* concerned) {
  if (actor_found_.has_value()) return *actor_found_;
  if (concerned != nullptr && concerned->facts().subject == usage_->on_behalf_of()) {
    entry_.set_on_behalf_of_ref(std::string(concerned->subject_ref()));
    return *(actor_found_ = authz::Reason::kOk);
  }
  absl::StatusOr<std::optional<SubjectState>> person =
      LoadSubject(deps_.engine, *scope_, *actor_, &changes_);
  if (!person.ok()) return *(actor_found_ = ReasonOf(person.status()));
  if (!person->has_value()) return *(actor_found_ = authz::Reason::kMalformedRequest);
  if ((*person)->erased()) return *(actor_found_ = authz::Reason::kSubjectErased);
  entry_.set_on_behalf_of_ref((*person)->row.subject_ref());
  // A member does not act for others, as not for itself.
  if (!(*person)->row.use().holder().empty()) {
    return *(actor_found_ = authz::Reason::kMemberWithoutId);
  }
  return *(actor_found_ = authz::Reason::kOk);
}

void VaultCall::FindMatters() {
  for (const auto& [kind, id] : arguments_) {
    const authz::MatterSpec* spec = policy_->FindMatter(kind);
    if (spec == nullptr || spec->about == authz::MatterAbout::kSubject) continue;
    session_.AddRead(MatterCell(tenant_->id, kind, id));
    const MatterState* matter = session_.state().matters(tenant_->id).Find(kind, id);
    if (matter != nullptr) matters_.Add(matter->row);
  }
}

std::optional<Plan> VaultCall::OpenRecord(std::string_view name, const v1::Usage* usage,
                                          RecordName* parsed) {
  const std::optional<RecordName> record = ParseRecordName(name);
  if (record.has_value()) *parsed = *record;
  return OpenTenant(record.has_value() ? record->tenant : std::string_view(), usage);
}

authz::DecisionInput VaultCall::Input(authz::Verb verb) const {
  authz::DecisionInput input;
  input.principal = session_.principal();
  input.person = session_.person();
  input.attestations = session_.attestations();
  input.tenant = tenant_name_;
  input.verb = verb;
  input.now = session_.now();
  if (usage_ != nullptr) {
    input.purpose = usage_->purpose();
    input.ticket = usage_->ticket();
    input.arguments = arguments_;
    input.role = usage_->role();
    input.on_behalf_of = usage_->on_behalf_of();
  }
  input.matters = matters_.view();
  input.tenant_allows_plain = tenant_->row.intake_plain_allowed();
  return input;
}

std::optional<Plan> VaultCall::CheckFieldNames(absl::Span<const std::string_view> names,
                                               bool required) {
  if (names.empty() && required) return Refuse(authz::Reason::kFieldMissing);
  if (names.size() > kMaxFieldsNamed) return Refuse(authz::Reason::kBatchTooLarge);
  for (size_t i = 0; i < names.size(); ++i) {
    const bool repeated = std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i),
                                    names[i]) != names.begin() + static_cast<ptrdiff_t>(i);
    if (names[i].empty() || repeated) return Refuse(authz::Reason::kMalformedRequest);
  }
  return std::nullopt;
}

void VaultCall::ResolveFields(authz::TypeId type, absl::Span<const std::string_view> names,
                              FieldIds* ids) const {
  ids->clear();
  for (std::string_view name : names) {
    ids->push_back(type == authz::kNoType ? authz::kNoField : policy_->FindField(type, name));
  }
}

std::optional<Plan> VaultCall::DecideAnyType(
    authz::Verb verb, absl::Span<const std::string_view> fields, bool allow_partial,
    std::optional<std::string_view> only_type,
    absl::FunctionRef<void(authz::DecisionInput*)> adjust) {
  // The refusal of the type that knows the most of the fields is the one to tell.
  std::optional<authz::Decision> refusal;
  int refusal_known = -1;
  FieldIds ids;
  authz::DecisionInput input = Input(verb);
  for (const authz::TypeSpec& type : policy_->types()) {
    if (only_type.has_value() && type.name != *only_type) continue;
    ResolveFields(type.id, fields, &ids);
    const int known = static_cast<int>(std::count_if(
        ids.begin(), ids.end(), [](authz::FieldId id) { return id != authz::kNoField; }));
    if (known <= refusal_known && known < static_cast<int>(fields.size())) continue;
    input.type = type.id;
    input.fields = ids;
    adjust(&input);
    authz::Decision decision = authz::DecideWithoutSubject(*policy_, input);
    if (Permits(decision, allow_partial)) return std::nullopt;
    if (known > refusal_known) {
      refusal_known = known;
      refusal = std::move(decision);
    }
  }
  if (!refusal.has_value()) return Refuse(authz::Reason::kTypeUnknown);
  return Refuse(*refusal);
}

authz::Decision VaultCall::DecideOnlyType(authz::Verb verb,
                                          absl::Span<const std::string_view> fields,
                                          std::string_view only_type) const {
  authz::DecisionInput input = Input(verb);
  input.type = policy_->FindType(only_type);
  FieldIds ids;
  ResolveFields(input.type, fields, &ids);
  input.fields = ids;
  return authz::DecideWithoutSubject(*policy_, input);
}

std::optional<Plan> VaultCall::DecideType(authz::Verb verb, authz::TypeId type,
                                          absl::Span<const authz::FieldId> fields,
                                          bool allow_partial) {
  authz::DecisionInput input = Input(verb);
  input.type = type;
  input.fields = fields;
  const authz::Decision decision = authz::DecideWithoutSubject(*policy_, input);
  if (!Permits(decision, allow_partial)) return Refuse(decision);
  Describe(decision);
  return std::nullopt;
}

std::optional<Plan> VaultCall::DecideTenant(authz::Verb verb) {
  return DecideType(verb, authz::kNoType, {}, false);
}

PersonDecision VaultCall::Decide(const authz::DecisionInput& input, const PersonFacts& person) {
  PersonDecision decision{authz::DecideWithSubject(*policy_, input, person.facts()), {}};
  // Who acts for nobody learns nothing of whom it names.
  if (actor_.has_value() && ActsForAPerson(decision.role)) {
    const authz::Reason reason = FindActor(&person);
    if (reason != authz::Reason::kOk) {
      PersonDecision refusal;
      refusal.reason = reason;
      refusal.role = decision.role;
      return refusal;
    }
  }
  if (decision.consent != nullptr) {
    decision.consent_id = person.ConsentIdOf(decision.consent);
    decision.consent = nullptr;
  }
  return decision;
}

PersonDecision VaultCall::Decide(authz::Verb verb, authz::TypeId type,
                                 absl::Span<const authz::FieldId> fields,
                                 const PersonFacts& person) {
  authz::DecisionInput input = Input(verb);
  input.type = type;
  input.fields = fields;
  return Decide(input, person);
}

PersonDecision VaultCall::Decide(authz::Verb verb, authz::TypeId type,
                                 absl::Span<const authz::FieldId> fields,
                                 const LoadedRecord& record) {
  return Decide(verb, type, fields, PersonFacts(tenant_->name, record, policy(), now()));
}

PersonDecision VaultCall::Decide(authz::Verb verb, authz::TypeId type,
                                 absl::Span<const authz::FieldId> fields,
                                 const SubjectState& subject) {
  return Decide(verb, type, fields, PersonFacts(tenant_->name, subject));
}

absl::StatusOr<LoadResult> VaultCall::Resolve(const RecordName& name) {
  if (name.by_ref) {
    return RecordFinder(deps_.engine, *scope_, &changes_).FindRef(name.type, name.ref);
  }
  absl::StatusOr<LoadResult> result =
      LoadRecord(deps_.engine, *scope_, {name.subject, name.record}, &changes_);
  // What an erasure has left is nobody's business.
  if (result.ok() && result->reason == authz::Reason::kSubjectErased) {
    result->reason = authz::Reason::kNotFound;
  }
  return result;
}

std::string VaultCall::SubjectNameOf(const storage::Id128& subject) const {
  return MakeSubjectName(tenant_->name, subject);
}

void VaultCall::Describe(const authz::Decision& decision) {
  if (decision.role != nullptr) {
    entry_.set_role(decision.role->name);
    NoteRole(*decision.role);
  }
  if (decision.attestation != nullptr) entry_.set_attestation(decision.attestation->id);
}

void VaultCall::Describe(const PersonDecision& decision) {
  Describe(static_cast<const authz::Decision&>(decision));
  if (!decision.consent_id.empty()) DescribeConsent(decision.consent_id);
}

void VaultCall::Describe(const PersonDecision& decision, storage::v1::EntryItem* item) {
  const std::string_view other = OtherRole(decision);
  if (other.empty()) {
    Describe(decision);
    return;
  }
  item->set_role(other.data(), other.size());
  NoteRole(*decision.role);
  if (!decision.consent_id.empty()) DescribeConsent(decision.consent_id);
}

std::string_view VaultCall::OtherRole(const authz::Decision& decision) const {
  if (decision.role == nullptr || entry_.role().empty() || decision.role->name == entry_.role()) {
    return {};
  }
  return decision.role->name;
}

void VaultCall::NoteRole(const authz::RoleSpec& role) {
  if (ActsForAPerson(&role)) acts_for_a_person_ = true;
  AddBreakGlass(BreakGlassOf(session_.caller()->row, tenant_->name, role.name, now()), &entry_);
}

std::optional<Plan> VaultCall::CheckActor() {
  if (!actor_.has_value() || !acts_for_a_person_) return std::nullopt;
  const authz::Reason reason = FindActor(nullptr);
  if (reason == authz::Reason::kOk) return std::nullopt;
  return RefuseAll(reason);
}

void VaultCall::DescribeRole(const authz::RoleSpec& role, storage::v1::EntryItem* item) {
  if (role.name != entry_.role()) item->set_role(role.name);
  NoteRole(role);
}

void VaultCall::DescribeConsent(std::string_view id) {
  if (!entry_.consent().empty() && entry_.consent() != id) several_consents_ = true;
  entry_.set_consent(several_consents_ ? std::string() : std::string(id));
}

storage::v1::EntryItem* VaultCall::AddItem(const LoadedRecord* record) {
  storage::v1::EntryItem* item = entry_.add_items();
  if (record != nullptr) {
    item->set_subject_ref(record->subject.row.subject_ref());
    const std::string_view ref = record->reader->record_ref();
    item->set_record_ref(ref.data(), ref.size());
    item->set_version(record->reader->version());
  }
  return item;
}

storage::v1::EntryItem* VaultCall::AddItem(const WriteResult& result) {
  storage::v1::EntryItem* item = entry_.add_items();
  if (result.ok()) {
    item->set_subject_ref(result.subject_ref);
    item->set_record_ref(result.header.record_ref());
    item->set_version(result.header.version());
  }
  return item;
}

void VaultCall::AddFailedItem(authz::Reason reason, const LoadedRecord* record) {
  const std::string_view name = authz::ReasonName(reason);
  AddItem(record)->set_reason(name.data(), name.size());
}

void VaultCall::MarkPartial(authz::Reason reason, bool anything_done) {
  entry_.set_decision(anything_done ? storage::v1::DECISION_PARTIAL : DecisionFor(reason));
  const std::string_view name = authz::ReasonName(reason);
  entry_.set_reason(name.data(), name.size());
}

void VaultCall::AddFields(const authz::Decision& decision, storage::v1::EntryItem* item) const {
  const auto add_grant = [item](const authz::GrantSpec* grant) {
    if (grant == nullptr) return;
    for (const std::string& id : item->grants()) {
      if (id == grant->id) return;
    }
    item->add_grants(grant->id);
  };
  for (const authz::FieldDecision& field : decision.fields) {
    if (field.view != authz::View::kDenied) {
      item->add_fields(policy_->field(field.field).full_name);
      add_grant(field.grant);
    } else if (field.field != authz::kNoField) {
      item->add_denied_fields(policy_->field(field.field).full_name);
    }
  }
  if (decision.fields.empty() && decision.granted()) add_grant(decision.grant);
}

std::vector<std::string> VaultCall::DeniedFields(const authz::Decision& decision) const {
  std::vector<std::string> names;
  for (const authz::FieldDecision& field : decision.fields) {
    // An unknown name is the caller's text and is not repeated.
    if (field.view == authz::View::kDenied && field.field != authz::kNoField) {
      names.push_back(policy_->field(field.field).full_name);
    }
  }
  return names;
}

std::optional<Plan> VaultCall::FindRequest(std::string_view request_id,
                                           google::protobuf::Message* response,
                                           const google::protobuf::Message* content) {
  if (request_id.empty()) return std::nullopt;
  absl::StatusOr<RequestRecord> found = RequestRecord::Find(
      deps_.engine, session_.state().keys(), session_.principal_name(), context_.method.name,
      request_id, content == nullptr ? *context_.request : *content, session_.now());
  if (!found.ok()) return Refuse(found.status());
  changes_.reads.push_back(found->cell);
  request_ = *std::move(found);
  if (request_->response.has_value() && !response->ParseFromString(*request_->response)) {
    return Refuse(authz::Reason::kDataLoss);
  }
  return std::nullopt;
}

Plan VaultCall::Complete(Plan plan) {
  if (plan.reads.empty() && !changes_.reads.empty()) {
    plan.reads.assign(session_.reads().begin(), session_.reads().end());
  }
  plan.reads.insert(plan.reads.end(), changes_.reads.begin(), changes_.reads.end());
  return plan;
}

std::optional<Plan> VaultCall::TakeBudget(std::shared_ptr<VolumeBudgets::Taken>* taken) {
  if (policy_->budgets().empty()) return std::nullopt;
  const Release release = ReleaseOf(entry_);
  VolumeBudgets::Verdict verdict = deps_.budgets.Take(*tenant_, release);
  // Nobody is kept from the own data; who takes a great deal of it waits.
  if (!verdict.within && verdict.own) {
    if (!context_.waited) {
      Plan wait;
      wait.idle = kOwnAccessWaits;
      return wait;
    }
    verdict = deps_.budgets.Take(*tenant_, release, true);
    verdict.within = true;
  }
  if (verdict.within) {
    *taken = std::move(verdict.taken);
    return std::nullopt;
  }
  Plan plan = RefuseAll(authz::Reason::kVolumeBudget);
  plan.retry_after = verdict.retry_after;
  return plan;
}

Plan VaultCall::Finish(google::protobuf::Message* response) {
  if (std::optional<Plan> refused = CheckActor()) return *std::move(refused);
  std::shared_ptr<VolumeBudgets::Taken> taken;
  if (std::optional<Plan> refused = TakeBudget(&taken)) return *std::move(refused);
  // A call that wrote nothing took no effect that a repetition could double.
  if (request_.has_value() && !replayed() && !changes_.writes.empty()) {
    changes_.writes.push_back(
        request_->Remember(session_.state().keys(), deps_.random, *response, session_.now()));
  }
  Plan plan = WithWrites(session_.Answer(response, changes_.retained, entry_));
  KeepWhenDurable(std::move(taken), &plan);
  return plan;
}

Plan VaultCall::WithWrites(Plan plan) {
  // Nothing is sealed under an epoch that is not the active one when it is written.
  if (!changes_.writes.empty()) changes_.reads.push_back(EpochCell());
  plan = Complete(std::move(plan));
  plan.touches = std::move(changes_.touches);
  plan.writes = std::move(changes_.writes);
  return plan;
}

Plan VaultCall::Finish(WireWriter response) {
  if (std::optional<Plan> refused = CheckActor()) return *std::move(refused);
  std::shared_ptr<VolumeBudgets::Taken> taken;
  if (std::optional<Plan> refused = TakeBudget(&taken)) return *std::move(refused);
  Plan plan = WithWrites(session_.Answer(std::move(response), entry_));
  KeepWhenDurable(std::move(taken), &plan);
  return plan;
}

Plan VaultCall::Refuse(authz::Reason reason, std::vector<std::string> fields) {
  entry_.set_decision(DecisionFor(reason));
  const std::string_view name = authz::ReasonName(reason);
  entry_.set_reason(name.data(), name.size());
  return Complete(session_.Refuse(reason, std::move(fields), entry_));
}

Plan VaultCall::Refuse(const absl::Status& status) {
  return Refuse(ReasonOf(status), FieldsOf(status));
}

Plan VaultCall::RefuseAll(authz::Reason reason) {
  entry_.clear_items();
  return Refuse(reason);
}

Plan VaultCall::Refuse(const authz::Decision& decision, const LoadedRecord* record) {
  Describe(decision);
  storage::v1::EntryItem* item = AddItem(record);
  for (std::string& name : DeniedFields(decision)) item->add_denied_fields(std::move(name));
  return Refuse(decision.reason, DeniedFields(decision));
}

std::optional<Plan> VaultCall::OpenPage(const google::protobuf::Message& request,
                                        std::string_view token, int page_size,
                                        std::optional<storage::RecordLocator>* after) {
  if (page_size < 0 || page_size > kMaxItems) return Refuse(authz::Reason::kBatchTooLarge);
  std::string bytes = request.SerializeAsString();
  page_request_ = Sha256(bytes);
  Wipe(&bytes);
  after->reset();
  if (token.empty()) return std::nullopt;
  const std::string principal(session_.principal_name());
  const absl::StatusOr<std::string> cursor =
      OpenPageToken(session_.state().keys(), {principal, context_.method.name, page_request_},
                    token, session_.now());
  if (!cursor.ok() || cursor->size() != 2 * storage::Id128::kSize) {
    return Refuse(authz::Reason::kPageTokenInvalid);
  }
  *after = storage::LocatorSuffix(*cursor);
  return std::nullopt;
}

std::string VaultCall::SealPage(const storage::RecordLocator& last) {
  const std::string principal(session_.principal_name());
  return SealPageToken(
      session_.state().keys(), deps_.random, {principal, context_.method.name, page_request_},
      Concat({last.subject.view(), last.record.view()}), session_.now() + kPageTokenLifetime);
}

}  // namespace piivault::vault
