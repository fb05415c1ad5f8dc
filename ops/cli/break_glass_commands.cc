#include <memory>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

// `90m`, `4h`, `3600s`.
std::string ReadSeconds(const std::string& text, int32_t* seconds) {
  absl::Duration length;
  if (!ParseLength(text, &length) || length < absl::Seconds(1) || length > absl::Hours(24)) {
    return "not a duration such as 90m or 4h";
  }
  *seconds = static_cast<int32_t>(absl::ToInt64Seconds(length));
  return "";
}

void AddStart(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::BreakGlassRequest>();
  auto seconds = std::make_shared<int32_t>(0);
  CLI::App* command = AddCommand(
      group, "start", "Takes a break-glass role that you were given, for a while", session,
      AskAndShow(request, &Connection::admin, &Admin::BreakGlass,
                 Prepare<v1::BreakGlassRequest>([seconds](Session& s, auto* r) {
                   r->set_tenant(s.tenant());
                   r->set_seconds(*seconds);
                   return absl::OkStatus();
                 })));
  command->add_option("ROLE", *request->mutable_role(), "Role of the tenant's policy")->required();
  command
      ->add_option("--reason", *request->mutable_reason(),
                   "Why, 10 characters or more; no personal data")
      ->required();
  command->add_option("--ticket", *request->mutable_ticket(), "Identifier of a case");
  command->add_option_function<std::string>(
      "--for",
      [seconds](const std::string& text) {
        const std::string problem = ReadSeconds(text, seconds.get());
        if (!problem.empty()) throw CLI::ValidationError("--for", problem);
      },
      "How long, e.g. 90m (as long as the policy lets)");
  AddRequestId(*command, request->mutable_request_id());
  command->footer(
      "Example: piivault break-glass start rescuer --reason 'the mail gateway is down' --for 1h\n"
      "What is done with the role is reviewed by somebody else afterwards.\n");
}

void AddReview(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::ReviewBreakGlassRequest>();
  CLI::App* command =
      AddCommand(group, "review", "Says what came of looking at an emergency; not one's own",
                 session, AskAndShow(request, &Connection::admin, &Admin::ReviewBreakGlass));
  command->add_option("NAME", *request->mutable_name(), "The use")
      ->required()
      ->transform(Qualified("breakGlassUses/"));
  command
      ->add_option("--findings", *request->mutable_findings(),
                   "What was found, 10 characters or more; no personal data")
      ->required();
  CLI::App* verdict = command->add_option_group("Verdict", "One of");
  verdict->require_option(1);
  verdict->add_flag_callback(
      "--justified", [request] { request->set_justified(true); }, "It was right to take the role");
  verdict->add_flag_callback(
      "--unjustified", [request] { request->set_justified(false); }, "It was not");
  command->footer(
      "What was done: piivault audit list --break-glass NAME\n"
      "Example: piivault break-glass review NAME --findings 'two records, both of the fault' "
      "--justified\n");
}

}  // namespace

void AddBreakGlassCommands(CLI::App& root, Session& session) {
  CLI::App* group =
      AddGroup(root, "break-glass", "Roles that are taken in an emergency and reviewed afterwards");
  AddStart(*group, session);

  auto list = std::make_shared<v1::ListBreakGlassRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  auto every_tenant = std::make_shared<bool>(false);
  CLI::App* command =
      AddCommand(*group, "list", "Lists when break-glass roles were taken", session,
                 AskAndList(list, limit, &Connection::admin, &Admin::ListBreakGlass, "uses",
                            {{"NAME", "name"},
                             {"STATE", "state"},
                             {"PRINCIPAL", "principal"},
                             {"ROLE", "role"},
                             {"FROM", "start_time"},
                             {"TO", "end_time"},
                             {"TICKET", "ticket"},
                             {"REASON", "reason"},
                             {"REVIEWER", "reviewer"}},
                            Prepare<v1::ListBreakGlassRequest>([every_tenant](Session& s, auto* r) {
                              if (!*every_tenant) r->set_tenant(s.tenant());
                              return absl::OkStatus();
                            })));
  AddEnum<v1::BreakGlassState>(*command, "--state", "Only these",
                               [list](v1::BreakGlassState state) { list->set_state(state); });
  command->add_option("--principal", *list->mutable_principal(), "Only this one's")
      ->transform(Qualified("principals/"));
  command->add_flag("--all-tenants", *every_tenant, "Of all tenants, not of the context's");
  AddLimit(*command, limit.get());

  AddReview(*group, session);
}

}  // namespace piivault::ops
