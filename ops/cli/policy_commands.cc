#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "authz/policy.h"
#include "authz/policy_cases.h"
#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/text.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

struct PolicyFiles {
  std::string policy;
  std::string values;
};

// With no --values, `NAME.values.yaml` beside `NAME.yaml`, where there is one.
absl::StatusOr<authz::PolicyText> ReadPolicy(const PolicyFiles& files) {
  authz::PolicyText text;
  text.name = files.policy;
  absl::StatusOr<std::string> yaml = ReadFile(files.policy, authz::Policy::kMaxBytes);
  if (!yaml.ok()) return yaml.status();
  text.yaml = *std::move(yaml);
  text.values_name = files.values;
  if (files.values.empty()) {
    text.values_name = std::filesystem::path(files.policy).replace_extension(".values.yaml");
    std::error_code ignored;
    if (!std::filesystem::exists(text.values_name, ignored)) return text;
  }
  absl::StatusOr<std::string> values = ReadFile(text.values_name, authz::Policy::kMaxBytes);
  if (!values.ok()) return values.status();
  text.values_yaml = *std::move(values);
  return text;
}

void AddFiles(CLI::App& command, PolicyFiles* files) {
  command.add_option("FILE", files->policy, "Policy, YAML")->required();
  command.add_option("--values", files->values,
                     "Values for what the policy leaves open (FILE's .values.yaml, if there)");
}

absl::StatusOr<int> Check(Session& session, const PolicyFiles& files) {
  absl::StatusOr<authz::PolicyText> text = ReadPolicy(files);
  if (!text.ok()) return text.status();
  authz::Diagnostics diagnostics;
  const std::shared_ptr<const authz::Policy> policy = authz::Policy::Load(*text, &diagnostics);
  session.out() << diagnostics.ToString();
  if (policy == nullptr) {
    session.out() << diagnostics.error_count() << " errors\n";
    return kExitError;
  }
  const authz::CaseReport report = authz::RunPolicyCases(*policy);
  for (const authz::CaseFailure& failure : report.failures) {
    session.out() << files.policy << ": " << failure.ToString() << "\n";
  }
  session.out() << "policy " << policy->id() << ", " << policy->type_count() << " types, "
                << policy->field_count() << " fields, " << policy->roles().size() << " roles, "
                << policy->grants().size() << " grants\nsha256 " << policy->hash_hex() << "\n"
                << report.run - report.failures.size() << " cases passed, "
                << report.failures.size() << " failed\n";
  if (policy->missing_documents() > 0) {
    session.out() << policy->missing_documents()
                  << " binding documents are neither attached nor waived\n";
  }
  return report.ok() ? kExitOk : kExitError;
}

void PrintDiagnostics(Session& session, const v1::CreatePolicyResponse& response,
                      const std::string& file) {
  for (const v1::Diagnostic& diagnostic : response.diagnostics()) {
    session.err() << file << ":" << diagnostic.line() << ":" << diagnostic.column() << ": "
                  << (diagnostic.error() ? "error" : "warning") << ": "
                  << EscapeForTerminal(diagnostic.message()) << "\n";
  }
}

absl::StatusOr<int> Create(Session& session, const PolicyFiles& files, bool validate_only) {
  absl::StatusOr<authz::PolicyText> text = ReadPolicy(files);
  if (!text.ok()) return text.status();
  v1::CreatePolicyRequest request;
  request.set_yaml(text->yaml);
  request.set_values_yaml(text->values_yaml);
  request.set_validate_only(validate_only);
  auto response = Ask(session, &Connection::admin, &Admin::CreatePolicy, request);
  if (!response.ok()) return response.status();
  if (!session.json()) {
    PrintDiagnostics(session, *response, files.policy);
    response->clear_diagnostics();
  }
  session.render().Show(*response);
  return response->has_policy() ? kExitOk : kExitError;
}

void AddActivate(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  v1::Proposal::ActivatePolicy* act = request->mutable_proposal()->mutable_activate_policy();
  CLI::App* command = AddCommand(
      group, "activate", "Proposes to put a policy in force for the tenant; a second one approves",
      session,
      AskAndShow(request, &Connection::admin, &Admin::CreateProposal,
                 Prepare<v1::CreateProposalRequest>([](Session& s, auto* r) {
                   r->mutable_proposal()->mutable_activate_policy()->set_tenant(s.tenant());
                   return absl::OkStatus();
                 })));
  command->add_option("SHA256", *act->mutable_policy_sha256(), "Hash of the loaded policy")
      ->required()
      ->transform([](std::string name) {
        constexpr std::string_view kPrefix = "policies/";
        return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
      });
  command->add_option("--reason", *act->mutable_reason(), "Why")->required();
  AddRequestId(*command, request->mutable_request_id());
}

void AddReading(CLI::App& group, Session& session) {
  auto list = std::make_shared<v1::ListPoliciesRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  CLI::App* command =
      AddCommand(group, "list", "Lists loaded policies and where they are in force", session,
                 AskAndList(list, limit, &Connection::admin, &Admin::ListPolicies, "policies",
                            {{"ID", "id"},
                             {"IN FORCE FOR", "tenants"},
                             {"LOADED", "create_time"},
                             {"MISSING DOCUMENTS", "incomplete_sources"},
                             {"NAME", "name"}}));
  AddLimit(*command, limit.get());

  auto show = std::make_shared<v1::GetPolicyRequest>();
  command = AddCommand(group, "show", "Shows a policy's text", session,
                       [show](Session& s) -> absl::StatusOr<int> {
                         auto response = Ask(s, &Connection::admin, &Admin::GetPolicy, *show);
                         if (!response.ok()) return response.status();
                         if (s.json()) {
                           s.render().Json(*response);
                         } else {
                           s.out() << response->yaml();
                           if (!response->values_yaml().empty()) {
                             s.out() << "\n--- # values\n" << response->values_yaml();
                           }
                         }
                         return kExitOk;
                       });
  command->add_option("NAME", *show->mutable_name(), "policies/SHA256")
      ->required()
      ->transform(Qualified("policies/"));
}

}  // namespace

void AddPolicyCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "policy", "Policies: who may do what, for which purpose");

  auto check = std::make_shared<PolicyFiles>();
  CLI::App* command =
      AddCommand(*group, "check", "Checks a policy and runs its cases, without a vault", session,
                 [check](Session& s) { return Check(s, *check); });
  AddFiles(*command, check.get());

  auto create = std::make_shared<PolicyFiles>();
  auto validate_only = std::make_shared<bool>(false);
  command = AddCommand(
      *group, "create", "Loads a policy; it is not in force yet", session,
      [create, validate_only](Session& s) { return Create(s, *create, *validate_only); });
  AddFiles(*command, create.get());
  command->add_flag("--validate-only", *validate_only, "Only check; keep nothing");

  AddActivate(*group, session);
  AddReading(*group, session);
}

}  // namespace piivault::ops
