#include "ops/cli/tenants.h"

#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

constexpr int64_t kMaxTenants = 1'000'000;

}  // namespace

absl::StatusOr<v1::Tenant> FetchTenant(Session& session, const std::string& name) {
  auto tenants = ReadPages<v1::ListTenantsResponse>(
      v1::ListTenantsRequest(), kMaxTenants, "tenants", [&](const v1::ListTenantsRequest& page) {
        return Ask(session, &Connection::admin, &Admin::ListTenants, page);
      });
  if (!tenants.ok()) return tenants.status();
  for (v1::Tenant& tenant : *tenants->mutable_tenants()) {
    if (tenant.name() == name) return std::move(tenant);
  }
  return absl::NotFoundError(absl::StrCat("there is no ", name, "; `piivault tenant list`"));
}

}  // namespace piivault::ops
