#include <algorithm>

#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/break_glass.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::PrincipalRow;

constexpr int kMaxIdentities = 16;

// Kind, person and tenant fit together and exist.
absl::Status FillOwner(AdminCall& call, const piivault::v1::Principal& from, PrincipalRow* row) {
  if (!piivault::v1::PrincipalKind_IsValid(from.kind()) ||
      from.kind() == piivault::v1::PRINCIPAL_KIND_UNSPECIFIED) {
    return BadArgument("principal.kind");
  }
  // It comes with its recipient (SharingService), not without.
  if (from.kind() == piivault::v1::PRINCIPAL_KIND_RECIPIENT) return BadArgument("principal.kind");
  row->set_kind(from.kind());
  const bool needs_person = from.kind() == piivault::v1::PRINCIPAL_KIND_STAFF ||
                            from.kind() == piivault::v1::PRINCIPAL_KIND_SERVICE;
  if (needs_person && from.person().empty()) return BadArgument("principal.person");
  if (!from.person().empty()) {
    auto person = ParsePersonName(from.person());
    if (!person.has_value()) return BadArgument("principal.person");
    if (call.state().FindPerson(*person) == nullptr) {
      return MakeError(authz::Reason::kPersonUnknown, "principal.person");
    }
    call.session().AddRead(PersonCell(*person));
    row->set_person(std::string(*person));
  }
  const bool needs_tenant = from.kind() == piivault::v1::PRINCIPAL_KIND_TENANT;
  if (needs_tenant == from.tenant().empty()) return BadArgument("principal.tenant");
  if (needs_tenant) {
    auto tenant = ParseTenantName(from.tenant());
    if (!tenant.has_value()) return BadArgument("principal.tenant");
    if (call.state().FindTenant(*tenant) == nullptr) {
      return MakeError(authz::Reason::kTenantUnknown, "principal.tenant");
    }
    row->set_tenant(std::string(*tenant));
  }
  return absl::OkStatus();
}

absl::Status FillIdentities(AdminCall& call, const piivault::v1::Principal& from,
                            PrincipalRow* row) {
  if (from.identities_size() < 1 || from.identities_size() > kMaxIdentities) {
    return BadArgument("principal.identities");
  }
  for (const piivault::v1::Identity& identity : from.identities()) {
    storage::v1::IdentityRow filled;
    if (absl::Status status = FillIdentity(identity, &filled); !status.ok()) return status;
    const bool twice = std::any_of(row->identities().begin(), row->identities().end(),
                                   [&](const auto& one) { return one.uri() == filled.uri(); });
    if (twice) return BadArgument("principal.identities");
    if (call.state().FindPrincipalByIdentity(filled.uri()) != nullptr) {
      return MakeError(authz::Reason::kAlreadyExists, "principal.identities");
    }
    *row->add_identities() = std::move(filled);
  }
  return absl::OkStatus();
}

template <typename Response>
Plan AnswerWithPrincipal(AdminCall& call, const PrincipalRow& row) {
  auto* response = call.response<Response>();
  FillPrincipal(row, response->mutable_principal());
  return call.Answer(response);
}

// The principal that a request names, as a row to change.
absl::StatusOr<PrincipalRow> Named(AdminCall& call, const std::string& name,
                                   std::string_view argument) {
  auto id = ParsePrincipalName(name);
  if (!id.has_value()) return BadArgument(argument);
  call.set_resource(name);
  const PrincipalState* principal = call.state().FindPrincipal(*id);
  if (principal == nullptr) return MakeError(authz::Reason::kNotFound);
  return principal->row;
}

// Puts a row that takes rights away.
absl::Status Reduce(AdminCall& call, const PrincipalRow& row) {
  absl::Status status = CheckAdministrators(call, row);
  if (status.ok()) PutPrincipal(call, row);
  return status;
}

// Who comes back has taken no role in an emergency.
void Disable(PrincipalRow* row) {
  row->set_disabled(true);
  ClearBreakGlass(row);
}

}  // namespace

Plan AdminCreatePrincipal(AdminCall& call) {
  const auto& request = call.request<piivault::v1::CreatePrincipalRequest>();
  const piivault::v1::Principal& from = request.principal();
  auto name = ParsePrincipalName(from.name());
  // Those with a dot are recipients'.
  if (!name.has_value() || !IsResourceId(*name)) return call.Refuse(BadArgument("principal.name"));
  call.set_resource(from.name());
  if (from.bindings_size() > 0) {
    return call.Refuse(authz::Reason::kProposalRequired, {"principal.bindings"});
  }
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  const PrincipalState* there = call.state().FindPrincipal(*name);
  if (record->has_value() && (*record)->response.has_value() && there != nullptr) {
    return AnswerWithPrincipal<piivault::v1::CreatePrincipalResponse>(call, there->row);
  }
  if (there != nullptr) return call.Refuse(authz::Reason::kAlreadyExists);
  PrincipalRow row;
  row.set_name(std::string(*name));
  if (absl::Status status = FillOwner(call, from, &row); !status.ok()) return call.Refuse(status);
  if (absl::Status status = FillIdentities(call, from, &row); !status.ok()) {
    return call.Refuse(status);
  }
  call.change().PutPrincipal(row);
  if (record->has_value()) call.Remember(**record, piivault::v1::CreatePrincipalResponse());
  return AnswerWithPrincipal<piivault::v1::CreatePrincipalResponse>(call, row);
}

Plan AdminGetPrincipal(AdminCall& call) {
  auto row = Named(call, call.request<piivault::v1::GetPrincipalRequest>().name(), "name");
  if (!row.ok()) return call.Refuse(row.status());
  return AnswerWithPrincipal<piivault::v1::GetPrincipalResponse>(call, *row);
}

Plan AdminListPrincipals(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListPrincipalsRequest>();
  std::vector<std::pair<std::string, const PrincipalState*>> items;
  for (const auto& [name, principal] : call.state().principals()) {
    items.emplace_back(name, principal.get());
  }
  auto page = PageOf(call, request, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListPrincipalsResponse>();
  for (const PrincipalState* principal : page->items) {
    FillPrincipal(principal->row, response->add_principals());
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

Plan AdminDisablePrincipal(AdminCall& call) {
  auto row = Named(call, call.request<piivault::v1::DisablePrincipalRequest>().name(), "name");
  if (!row.ok()) return call.Refuse(row.status());
  if (!row->disabled()) {
    Disable(&*row);
    if (absl::Status status = Reduce(call, *row); !status.ok()) return call.Refuse(status);
  }
  return AnswerWithPrincipal<piivault::v1::DisablePrincipalResponse>(call, *row);
}

Plan AdminRemoveIdentity(AdminCall& call) {
  const auto& request = call.request<piivault::v1::RemoveIdentityRequest>();
  auto row = Named(call, request.principal(), "principal");
  if (!row.ok()) return call.Refuse(row.status());
  auto& identities = *row->mutable_identities();
  auto it = std::find_if(identities.begin(), identities.end(),
                         [&](const auto& identity) { return identity.uri() == request.uri(); });
  if (it == identities.end()) return call.Refuse(authz::Reason::kNotFound, {"uri"});
  // With it goes what was enrolled by it.
  identities.erase(std::remove_if(identities.begin(), identities.end(),
                                  [&](const auto& identity) {
                                    return identity.uri() == request.uri() ||
                                           identity.ancestor() == request.uri();
                                  }),
                   identities.end());
  if (absl::Status status = Reduce(call, *row); !status.ok()) return call.Refuse(status);
  return AnswerWithPrincipal<piivault::v1::RemoveIdentityResponse>(call, *row);
}

Plan AdminRevokeRole(AdminCall& call) {
  const auto& request = call.request<piivault::v1::RevokeRoleRequest>();
  auto row = Named(call, request.principal(), "principal");
  if (!row.ok()) return call.Refuse(row.status());
  std::string tenant;
  if (!request.tenant().empty()) {
    auto parsed = ParseTenantName(request.tenant());
    if (!parsed.has_value()) return call.Refuse(BadArgument("tenant"));
    tenant = *parsed;
  }
  auto& bindings = *row->mutable_bindings();
  auto end = std::remove_if(bindings.begin(), bindings.end(), [&](const auto& binding) {
    return binding.role() == request.role() && binding.tenant() == tenant;
  });
  if (end == bindings.end()) return call.Refuse(authz::Reason::kNotFound, {"role"});
  bindings.erase(end, bindings.end());
  if (absl::Status status = Reduce(call, *row); !status.ok()) return call.Refuse(status);
  return AnswerWithPrincipal<piivault::v1::RevokeRoleResponse>(call, *row);
}

Plan AdminOffboardPrincipal(AdminCall& call) {
  auto row = Named(call, call.request<piivault::v1::OffboardPrincipalRequest>().name(), "name");
  if (!row.ok()) return call.Refuse(row.status());
  if (!row->disabled()) {
    Disable(&*row);
    if (absl::Status status = Reduce(call, *row); !status.ok()) return call.Refuse(status);
  }
  auto* response = call.response<piivault::v1::OffboardPrincipalResponse>();
  for (const auto& [id, proposal] : call.state().proposals()) {
    if (proposal->row.proposer() != row->name() ||
        proposal->row.state() != piivault::v1::PROPOSAL_STATE_OPEN) {
      continue;
    }
    storage::v1::ProposalRow withdrawn = proposal->row;
    withdrawn.set_state(piivault::v1::PROPOSAL_STATE_REJECTED);
    withdrawn.set_decider(call.caller());
    withdrawn.set_decide_time_micros(call.now_micros());
    call.change().PutProposal(withdrawn);
    response->add_proposals(ProposalName(id));
  }
  FillPrincipal(*row, response->mutable_principal());
  return call.AnswerAndCut(response, row->name(),
                           [response](int cut) { response->set_cut_streams(cut); });
}

Plan AdminDenyCertificate(AdminCall& call) {
  const auto& request = call.request<piivault::v1::DenyCertificateRequest>();
  if (!IsSha256Hex(request.certificate_sha256())) {
    return call.Refuse(BadArgument("certificate_sha256"));
  }
  call.set_resource(Concat({"certificates/", request.certificate_sha256()}));
  const std::string sha256 = FromHex(request.certificate_sha256());
  if (!call.state().IsDenied(sha256)) {
    storage::v1::DenylistRow row;
    row.set_create_time_micros(call.now_micros());
    row.set_created_by(call.caller());
    call.change().PutDenylist(sha256, row);
  }
  return call.Answer(call.response<piivault::v1::DenyCertificateResponse>());
}

}  // namespace piivault::vault
