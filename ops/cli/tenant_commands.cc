#include <memory>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/tenants.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

void AddTenantArguments(CLI::App& command, v1::Tenant* tenant) {
  command.add_option("NAME", *tenant->mutable_name(), "Lower-case letters, digits and -")
      ->required()
      ->transform(Qualified("tenants/"));
  command.add_option("--display-name", *tenant->mutable_display_name(), "For people");
  command.add_flag_callback(
      "--intake-plain-allowed", [tenant] { tenant->set_intake_plain_allowed(true); },
      "Accept what came in over a plain front hop");
}

absl::StatusOr<int> ShowTenant(Session& session, const std::string& name) {
  const absl::StatusOr<v1::Tenant> tenant = FetchTenant(session, name);
  if (!tenant.ok()) return tenant.status();
  session.render().Show(*tenant);
  return kExitOk;
}

}  // namespace

void AddTenantCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "tenant", "Tenants: controllers whose data is kept apart");

  auto create = std::make_shared<v1::CreateTenantRequest>();
  CLI::App* command = AddCommand(*group, "create", "Registers a tenant", session,
                                 AskAndShow(create, &Connection::admin, &Admin::CreateTenant));
  AddTenantArguments(*command, create->mutable_tenant());
  AddRequestId(*command, create->mutable_request_id());

  auto update = std::make_shared<v1::UpdateTenantRequest>();
  command =
      AddCommand(*group, "update", "Sets display name and intake; what is not given is cleared",
                 session, AskAndShow(update, &Connection::admin, &Admin::UpdateTenant));
  AddTenantArguments(*command, update->mutable_tenant());

  auto shown = std::make_shared<std::string>();
  command =
      AddCommand(*group, "show", "Shows a tenant, its planned jobs, and the work on its indexes",
                 session, [shown](Session& s) { return ShowTenant(s, *shown); });
  command->add_option("NAME", *shown, "Tenant")->required()->transform(Qualified("tenants/"));

  auto list = std::make_shared<v1::ListTenantsRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  command = AddCommand(*group, "list", "Lists tenants", session,
                       AskAndList(list, limit, &Connection::admin, &Admin::ListTenants, "tenants",
                                  {{"NAME", "name"},
                                   {"DISPLAY NAME", "display_name"},
                                   {"PLAIN INTAKE", "intake_plain_allowed"},
                                   {"CREATED", "create_time"},
                                   {"POLICY", "policy_sha256"},
                                   {"PLANNED JOBS", "jobs"}}));
  AddLimit(*command, limit.get());
}

}  // namespace piivault::ops
