// RegisterRecipient, GetRecipient, ListRecipients, UpdateRecipient, DisableRecipient.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "authz/policy.h"
#include "authz/vocabulary.h"
#include "piivault/v1/sharing_service.pb.h"
#include "vault/service/admin_convert.h"
#include "vault/service/break_glass.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_administration.h"
#include "vault/service/sharing_convert.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::PrincipalRow;
using storage::v1::RecipientRow;

constexpr std::string_view kAnyKind = "any";
constexpr std::string_view kProcessorKind = "processor";
constexpr int kMaxIdentities = 10;
constexpr int kMaxChangers = 100;

// The tenant's policy in force.
absl::StatusOr<const authz::Policy*> PolicyOf(AdminCall& call, std::string_view tenant) {
  const TenantState* state = call.session().UseTenantId(tenant);
  if (state == nullptr) return MakeError(Reason::kTenantUnknown, "recipient.name");
  if (state->policy_in_force() == nullptr) return MakeError(Reason::kNoPolicy);
  return state->policy_in_force();
}

// What the policy would never give anything is not registered.
absl::Status AdmitCategory(const authz::Policy& policy, const std::string& category) {
  const auto& kinds = authz::vocabulary::kRecipientKinds;
  if (category == kAnyKind || std::find(kinds.begin(), kinds.end(), category) == kinds.end()) {
    return BadArgument("recipient.category");
  }
  if (category == kProcessorKind &&
      policy.recipient_rules().processors == authz::Processors::kForbidden) {
    return MakeError(Reason::kProcessorsForbidden, "recipient.category");
  }
  const bool admitted =
      std::any_of(policy.recipients().begin(), policy.recipients().end(),
                  [&](const auto& rule) { return rule.kind == category || rule.kind == kAnyKind; });
  if (!admitted) return MakeError(Reason::kRecipientKindNotAdmitted, "recipient.category");
  return absl::OkStatus();
}

absl::StatusOr<PrincipalRow> MakePrincipal(
    AdminCall& call, const RecipientRow& recipient,
    const google::protobuf::RepeatedPtrField<std::string>& identities) {
  if (identities.empty() || identities.size() > kMaxIdentities) return BadArgument("identities");
  PrincipalRow row;
  row.set_name(recipient.principal());
  row.set_kind(v1::PRINCIPAL_KIND_RECIPIENT);
  row.set_recipient(RecipientKeyName(recipient.tenant(), recipient.name()));
  for (const std::string& uri : identities) {
    const bool twice = std::any_of(row.identities().begin(), row.identities().end(),
                                   [&](const auto& one) { return one.uri() == uri; });
    if (twice || !IsIdentityUri(uri)) return BadArgument("identities");
    if (call.state().FindPrincipalByIdentity(uri) != nullptr) {
      return MakeError(Reason::kAlreadyExists, "identities");
    }
    row.add_identities()->set_uri(uri);
  }
  return row;
}

template <typename Response>
Plan AnswerWith(AdminCall& call, const RecipientRow& row) {
  auto* response = call.response<Response>();
  FillRecipient(row, response->mutable_recipient());
  return call.Answer(response);
}

// What decisions rest on.
std::string WhatCounts(const RecipientRow& row) {
  RecipientRow part;
  part.set_country(row.country());
  part.set_controller(row.controller());
  *part.mutable_matters() = row.matters();
  return part.SerializeAsString();
}

}  // namespace

absl::Status AddChanger(const std::string& person, RecipientRow* row) {
  const auto& known = row->changed_by_persons();
  if (person.empty() || row->registered_by_person() == person ||
      std::find(known.begin(), known.end(), person) != known.end()) {
    return absl::OkStatus();
  }
  if (known.size() >= kMaxChangers) return MakeError(Reason::kBatchTooLarge);
  row->add_changed_by_persons(person);
  return absl::OkStatus();
}

absl::StatusOr<RecipientRow> NamedRecipient(AdminCall& call, const std::string& name,
                                            std::string_view argument) {
  const auto parsed = ParseRecipientName(name);
  if (!parsed.has_value()) return BadArgument(argument);
  call.set_resource(name);
  call.session().UseTenantId(parsed->tenant);
  call.session().AddRead(RecipientCell(parsed->tenant, parsed->recipient));
  const RecipientState* there = call.state().FindRecipient(parsed->tenant, parsed->recipient);
  if (there == nullptr) return MakeError(Reason::kNotFound);
  return there->row;
}

CallerRole AdmitRecipientItself(Session& session, const CallContext& context) {
  const PrincipalRow& caller = session.caller()->row;
  const auto name = ParseRecipientName(RequestAs<v1::GetRecipientRequest>(context).name());
  if (caller.kind() != v1::PRINCIPAL_KIND_RECIPIENT || !name.has_value() ||
      caller.recipient() != RecipientKeyName(name->tenant, name->recipient)) {
    return {};
  }
  return {Reason::kOk, {}};
}

Plan SharingRegisterRecipient(AdminCall& call) {
  const auto& request = call.request<v1::RegisterRecipientRequest>();
  const v1::Recipient& from = request.recipient();
  const auto name = ParseRecipientName(from.name());
  if (!name.has_value()) return call.Refuse(BadArgument("recipient.name"));
  call.set_resource(from.name());
  const auto policy = PolicyOf(call, name->tenant);
  if (!policy.ok()) return call.Refuse(policy.status());
  if (from.attestations_size() > 0) return call.Refuse(BadArgument("recipient.attestations"));
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  const RecipientState* there = call.state().FindRecipient(name->tenant, name->recipient);
  if (record->has_value() && (*record)->response.has_value() && there != nullptr) {
    return AnswerWith<v1::RegisterRecipientResponse>(call, there->row);
  }
  RecipientRow row;
  row.set_tenant(std::string(name->tenant));
  row.set_name(std::string(name->recipient));
  row.set_principal(Concat({name->tenant, ".", name->recipient}));
  if (there != nullptr || call.state().FindPrincipal(row.principal()) != nullptr) {
    return call.Refuse(Reason::kAlreadyExists, {"recipient.name"});
  }
  absl::Status status = AdmitCategory(**policy, from.category());
  if (!status.ok()) return call.Refuse(status);
  row.set_category(from.category());
  status = FillRecipientRow(from, **policy, &row);
  if (!status.ok()) return call.Refuse(status);
  auto principal = MakePrincipal(call, row, request.identities());
  if (!principal.ok()) return call.Refuse(principal.status());
  const storage::Id128 ref = call.session().random().Id128();
  row.set_ref(ref.bytes.data(), ref.bytes.size());
  row.set_registered_by(call.caller());
  row.set_registered_by_person(call.caller_person());
  row.set_create_time_micros(call.now_micros());
  call.change().PutRecipient(row);
  call.change().PutPrincipal(*principal);
  if (record->has_value()) call.Remember(**record, v1::RegisterRecipientResponse());
  return AnswerWith<v1::RegisterRecipientResponse>(call, row);
}

Plan SharingGetRecipient(AdminCall& call) {
  auto row = NamedRecipient(call, call.request<v1::GetRecipientRequest>().name(), "name");
  if (!row.ok()) return call.Refuse(row.status());
  return AnswerWith<v1::GetRecipientResponse>(call, *row);
}

Plan SharingListRecipients(AdminCall& call) {
  const auto& request = call.request<v1::ListRecipientsRequest>();
  const auto tenant = ParseTenantName(request.parent());
  if (!tenant.has_value()) return call.Refuse(BadArgument("parent"));
  call.set_resource(request.parent());
  if (call.session().UseTenantId(*tenant) == nullptr) {
    return call.Refuse(Reason::kTenantUnknown, {"parent"});
  }
  std::vector<std::pair<std::string, const RecipientState*>> items;
  for (const auto& [name, recipient] : call.state().recipients()) {
    if (recipient->row.tenant() == *tenant) items.emplace_back(name, recipient.get());
  }
  auto page = PageOf(call, request, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<v1::ListRecipientsResponse>();
  for (const RecipientState* recipient : page->items) {
    FillRecipient(recipient->row, response->add_recipients());
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

Plan SharingUpdateRecipient(AdminCall& call) {
  const v1::Recipient& from = call.request<v1::UpdateRecipientRequest>().recipient();
  auto row = NamedRecipient(call, from.name(), "recipient.name");
  if (!row.ok()) return call.Refuse(row.status());
  if (row->disable_time_micros() != 0) return call.Refuse(Reason::kRecipientDisabled);
  if (!from.category().empty() && from.category() != row->category()) {
    return call.Refuse(BadArgument("recipient.category"));
  }
  const auto policy = PolicyOf(call, row->tenant());
  if (!policy.ok()) return call.Refuse(policy.status());
  const std::string before = WhatCounts(*row);
  absl::Status status = FillRecipientRow(from, **policy, &*row);
  if (status.ok() && WhatCounts(*row) != before) status = AddChanger(call.caller_person(), &*row);
  if (!status.ok()) return call.Refuse(status);
  call.change().PutRecipient(*row);
  return AnswerWith<v1::UpdateRecipientResponse>(call, *row);
}

Plan SharingDisableRecipient(AdminCall& call) {
  auto row = NamedRecipient(call, call.request<v1::DisableRecipientRequest>().name(), "name");
  if (!row.ok()) return call.Refuse(row.status());
  if (row->disable_time_micros() == 0) {
    row->set_disable_time_micros(call.now_micros());
    call.change().PutRecipient(*row);
    const PrincipalState* principal = call.state().FindPrincipal(row->principal());
    if (principal != nullptr && !principal->row.disabled()) {
      PrincipalRow disabled = principal->row;
      disabled.set_disabled(true);
      ClearBreakGlass(&disabled);
      PutPrincipal(call, disabled);
    }
  }
  auto* response = call.response<v1::DisableRecipientResponse>();
  FillRecipient(*row, response->mutable_recipient());
  return call.AnswerAndCut(response, row->principal(),
                           [response](int cut) { response->set_cut_streams(cut); });
}

}  // namespace piivault::vault
