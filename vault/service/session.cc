#include "vault/service/session.h"

#include <utility>

#include "authz/policy.h"
#include "vault/audit/entry_builder.h"
#include "vault/service/errors.h"
#include "vault/service/method_table.h"
#include "vault/service/resource_name.h"
#include "vault/state/snapshot_builder.h"

namespace piivault::vault {
namespace {

bool IsRecipient(const PrincipalState& principal) {
  return principal.principal.kind == authz::PrincipalKind::kRecipient;
}

}  // namespace

Session::Session(CallContext& context, const StateStore& store, RandomSource& random)
    : context_(context), random_(random), state_(store.snapshot()), problem_(Identify()) {}

authz::Reason Session::Identify() {
  using authz::Reason;
  const CallerIdentity& identity = *context_.caller;
  const PrincipalState* principal =
      identity.problem == Reason::kOk ? state_->FindPrincipalByIdentity(identity.name) : nullptr;
  if (principal != nullptr && IsRecipient(*principal) != identity.of_recipients_root) {
    // It is not the one that it calls itself: nothing is to be put down to that one.
    return state_->IsDenied(identity.certificate_sha256) ? Reason::kCertificateDenylisted
                                                         : Reason::kCertificateInvalid;
  }
  if (principal != nullptr) {
    // The entry says who it was, refused or not.
    caller_ = principal;
    context_.principal = principal->name;
  }
  if (state_->IsDenied(identity.certificate_sha256)) return Reason::kCertificateDenylisted;
  if (identity.problem != Reason::kOk) return identity.problem;
  if (context_.now > identity.not_after) return Reason::kCertificateInvalid;
  if (principal == nullptr) return Reason::kPrincipalUnknown;
  for (const storage::v1::IdentityRow& row : principal->row.identities()) {
    if (row.uri() == identity.name && !IdentityHolds(row, context_.now)) {
      return Reason::kCertificateInvalid;
    }
  }
  if (principal->row.disabled()) return Reason::kPrincipalDisabled;
  reads_.push_back(principal->cell);
  reads_.push_back(DenylistCell(identity.certificate_sha256));
  if (!principal->row.person().empty()) reads_.push_back(PersonCell(principal->row.person()));
  return Reason::kOk;
}

const authz::Principal* Session::principal() const {
  return identified() ? &caller_->principal : nullptr;
}

const authz::Person* Session::person() const {
  if (!identified()) return nullptr;
  const PersonState* person = state_->FindPerson(caller_->row.person());
  return person == nullptr ? nullptr : &person->person;
}

absl::Span<const authz::Attestation> Session::attestations() const {
  if (!identified()) return {};
  const PersonState* person = state_->FindPerson(caller_->row.person());
  if (person == nullptr) return {};
  return person->attestations;
}

std::string_view Session::principal_name() const {
  return caller_ == nullptr ? std::string_view() : std::string_view(caller_->name);
}

const TenantState* Session::UseTenant(std::string_view tenant_name) {
  auto id = ParseTenantName(tenant_name);
  return id.has_value() ? UseTenantId(*id) : nullptr;
}

const TenantState* Session::UseTenantId(std::string_view tenant_id) {
  const TenantState* tenant = state_->FindTenant(tenant_id);
  if (tenant == nullptr) return nullptr;
  tenant_ = tenant;
  reads_.push_back(tenant->cell);
  return tenant;
}

storage::v1::EntryBody Session::NewEntry(authz::Reason reason) const {
  authz::PeerForm form = authz::PeerForm::kTruncated;
  EntryHeader header;
  header.time = context_.now;
  header.principal = principal_name();
  header.certificate_sha256 = context_.caller->certificate_sha256;
  header.method = context_.method.name;
  if (tenant_ != nullptr) {
    header.tenant = tenant_->name;
    if (const authz::Policy* policy = tenant_->policy_in_force(); policy != nullptr) {
      header.policy_sha256 = policy->hash();
      form = policy->audit().peer;
    }
  }
  const std::string peer = FormatPeer(context_.peer, form, state_->keys().request());
  header.peer = peer;
  return NewEntryBody(header, reason);
}

Plan Session::Refuse(authz::Reason reason, std::vector<std::string> fields,
                     std::string_view resource) const {
  storage::v1::EntryBody entry = NewEntry(reason);
  entry.set_resource(resource.data(), resource.size());
  return Refuse(reason, std::move(fields), entry);
}

Plan Session::Refuse(const absl::Status& status, std::string_view resource) const {
  return Refuse(ReasonOf(status), FieldsOf(status), resource);
}

Plan Session::Refuse(authz::Reason reason, std::vector<std::string> fields,
                     const storage::v1::EntryBody& entry) const {
  Plan plan;
  plan.reason = reason;
  plan.denied_fields = std::move(fields);
  plan.entry = DraftEntry(entry, random_);
  return plan;
}

Plan Session::Answer(google::protobuf::Message* response,
                     const storage::v1::EntryBody& entry) const {
  return Answer(response, storage::v1::EntryRetained::default_instance(), entry);
}

Plan Session::Answer(google::protobuf::Message* response,
                     const storage::v1::EntryRetained& retained,
                     const storage::v1::EntryBody& entry) const {
  Plan plan;
  plan.response = response;
  plan.reads = reads_;
  plan.entry = DraftEntry(retained, entry, random_);
  return plan;
}

Plan Session::Answer(WireWriter response, const storage::v1::EntryBody& entry) const {
  Plan plan = Answer(nullptr, entry);
  plan.encoded = std::move(response);
  return plan;
}

Plan SessionRefuser::Refuse(CallContext& context, authz::Reason reason) {
  const Session session(context, store_, random_);
  return session.identified() ? session.Refuse(reason) : session.Refuse();
}

authz::Reason SessionRefuser::Screen(CallContext& context) {
  return Session(context, store_, random_).problem();
}

}  // namespace piivault::vault
