#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/state/index_pass.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxDisplayName = 200;

// An id that no tenant has; keys of rows begin with it.
storage::TenantId NewTenantId(AdminCall& call) {
  for (;;) {
    const storage::TenantId id = call.session().random().UInt64();
    bool taken = id == 0;
    for (const auto& [name, tenant] : call.state().tenants()) taken = taken || tenant->id == id;
    if (!taken) return id;
  }
}

Plan AnswerWithTenant(AdminCall& call, const storage::v1::TenantRow& row) {
  auto* response = call.response<piivault::v1::CreateTenantResponse>();
  FillTenant(row, response->mutable_tenant());
  return call.Answer(response);
}

}  // namespace

Plan AdminCreateTenant(AdminCall& call) {
  const auto& request = call.request<piivault::v1::CreateTenantRequest>();
  auto name = ParseTenantName(request.tenant().name());
  if (!name.has_value()) return call.Refuse(BadArgument("tenant.name"));
  call.set_resource(request.tenant().name());
  if (!IsText(request.tenant().display_name(), kMaxDisplayName)) {
    return call.Refuse(BadArgument("tenant.display_name"));
  }
  if (!request.tenant().policy_sha256().empty()) {
    return call.Refuse(authz::Reason::kProposalRequired, {"tenant.policy_sha256"});
  }
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  const TenantState* there = call.state().FindTenant(*name);
  if (record->has_value() && (*record)->response.has_value() && there != nullptr) {
    return AnswerWithTenant(call, there->row);
  }
  if (there != nullptr) return call.Refuse(authz::Reason::kAlreadyExists);

  storage::v1::TenantRow row;
  row.set_id(NewTenantId(call));
  row.set_name(std::string(*name));
  row.set_display_name(request.tenant().display_name());
  row.set_intake_plain_allowed(request.tenant().intake_plain_allowed());
  row.set_create_time_micros(call.now_micros());
  auto key = call.dependencies().keys.MakeTenantKey(row.id(), call.session().keys().active().id,
                                                    call.session().random());
  if (!key.ok()) return call.Refuse(authz::Reason::kKeysUnavailable);
  call.change().PutTenant(row);
  call.change().PutTenantKey(*key);
  if (record->has_value()) call.Remember(**record, piivault::v1::CreateTenantResponse());
  return AnswerWithTenant(call, row);
}

Plan AdminListTenants(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListTenantsRequest>();
  std::vector<std::pair<std::string, const TenantState*>> items;
  for (const auto& [name, tenant] : call.state().tenants()) items.emplace_back(name, tenant.get());
  auto page = PageOf(call, request, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListTenantsResponse>();
  for (const TenantState* tenant : page->items) {
    piivault::v1::Tenant& to = *response->add_tenants();
    FillTenant(tenant->row, &to);
    const auto pass =
        ReadIndexPass(call.dependencies().engine, call.session().keys(), tenant->name);
    // One that does not open is begun anew, or was done.
    if (!pass.ok() && !absl::IsDataLoss(pass.status())) return call.Refuse(pass.status());
    const bool there = pass.ok() && pass->has_value();
    FillIndexRebuild(*tenant, there ? &(*pass)->row : nullptr, &to);
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

Plan AdminUpdateTenant(AdminCall& call) {
  const auto& request = call.request<piivault::v1::UpdateTenantRequest>();
  auto name = ParseTenantName(request.tenant().name());
  if (!name.has_value()) return call.Refuse(BadArgument("tenant.name"));
  call.set_resource(request.tenant().name());
  const TenantState* there = call.state().FindTenant(*name);
  if (there == nullptr) return call.Refuse(authz::Reason::kNotFound);
  if (!IsText(request.tenant().display_name(), kMaxDisplayName)) {
    return call.Refuse(BadArgument("tenant.display_name"));
  }
  storage::v1::TenantRow row = there->row;
  row.set_display_name(request.tenant().display_name());
  row.set_intake_plain_allowed(request.tenant().intake_plain_allowed());
  call.change().PutTenant(row);
  auto* response = call.response<piivault::v1::UpdateTenantResponse>();
  FillTenant(row, response->mutable_tenant());
  return call.Answer(response);
}

}  // namespace piivault::vault
