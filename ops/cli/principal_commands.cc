#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

// System roles are bound without a tenant.
bool IsSystemRole(std::string_view role) {
  return role == "vault_admin" || role == "vault_auditor" || role == "vault_operator" ||
         role == "privacy_officer";
}

CLI::Option* AddPrincipalName(CLI::App& command, std::string* name) {
  return command.add_option("NAME", *name, "Principal")
      ->required()
      ->transform(Qualified("principals/"));
}

void AddCreate(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreatePrincipalRequest>();
  auto identity = std::make_shared<std::string>();
  auto certificate = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      group, "create", "Registers a principal, without any role", session,
      AskAndShow(request, &Connection::admin, &Admin::CreatePrincipal,
                 Prepare<v1::CreatePrincipalRequest>([identity, certificate](Session&, auto* r) {
                   std::string uri = *identity;
                   if (!certificate->empty()) {
                     absl::StatusOr<std::string> name = IdentityInFile(*certificate);
                     if (!name.ok()) return name.status();
                     uri = *name;
                   }
                   if (!uri.empty()) r->mutable_principal()->add_identities()->set_uri(uri);
                   return absl::OkStatus();
                 })));
  v1::Principal* principal = request->mutable_principal();
  AddPrincipalName(*command, principal->mutable_name());
  AddEnum<v1::PrincipalKind>(*command, "--kind", "Kind", [principal](v1::PrincipalKind kind) {
    principal->set_kind(kind);
  })->required();
  command
      ->add_option("--person", *principal->mutable_person(), "Whose it is, or who answers for it")
      ->transform(Qualified("persons/"));
  command
      ->add_option("--of-tenant", *principal->mutable_tenant(),
                   "Whose access it is, for --kind tenant")
      ->transform(Qualified("tenants/"));
  CLI::Option* by_name =
      command->add_option("--identity", *identity, "spiffe://… or dns:…, as in the certificate");
  command->add_option("--certificate", *certificate, "Take the identity from this certificate")
      ->excludes(by_name);
  AddRequestId(*command, request->mutable_request_id());
}

void AddReading(CLI::App& group, Session& session) {
  auto get = std::make_shared<v1::GetPrincipalRequest>();
  CLI::App* command =
      AddCommand(group, "get", "Shows a principal with identities and roles", session,
                 AskAndShow(get, &Connection::admin, &Admin::GetPrincipal));
  AddPrincipalName(*command, get->mutable_name());

  auto list = std::make_shared<v1::ListPrincipalsRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  command =
      AddCommand(group, "list", "Lists principals", session,
                 AskAndList(list, limit, &Connection::admin, &Admin::ListPrincipals, "principals",
                            {{"NAME", "name"},
                             {"KIND", "kind"},
                             {"PERSON", "person"},
                             {"TENANT", "tenant"},
                             {"DISABLED", "disabled"},
                             {"ROLES", "bindings"}}));
  AddLimit(*command, limit.get());
}

void AddTakingAway(CLI::App& group, Session& session) {
  auto disable = std::make_shared<v1::DisablePrincipalRequest>();
  CLI::App* command =
      AddCommand(group, "disable", "Disables a principal, with effect on the next call", session,
                 AskAndShow(disable, &Connection::admin, &Admin::DisablePrincipal));
  AddPrincipalName(*command, disable->mutable_name());

  auto offboard = std::make_shared<v1::OffboardPrincipalRequest>();
  command =
      AddCommand(group, "offboard", "Disables, cuts running streams and lists what is left behind",
                 session, AskAndShow(offboard, &Connection::admin, &Admin::OffboardPrincipal));
  AddPrincipalName(*command, offboard->mutable_name());

  auto revoke = std::make_shared<v1::RevokeRoleRequest>();
  command = AddCommand(group, "revoke", "Takes a role away, with effect on the next call", session,
                       AskAndShow(revoke, &Connection::admin, &Admin::RevokeRole,
                                  Prepare<v1::RevokeRoleRequest>([](Session& s, auto* r) {
                                    if (!IsSystemRole(r->role())) r->set_tenant(s.tenant());
                                    return absl::OkStatus();
                                  })));
  AddPrincipalName(*command, revoke->mutable_principal());
  command->add_option("ROLE", *revoke->mutable_role(), "Role")->required();

  auto deny = std::make_shared<v1::DenyCertificateRequest>();
  command = AddCommand(group, "deny-certificate",
                       "Refuses one certificate by its SHA-256, with effect on the next call",
                       session, AskAndShow(deny, &Connection::admin, &Admin::DenyCertificate));
  command->add_option("SHA256", *deny->mutable_certificate_sha256(), "64 hexadecimal digits")
      ->required();
}

void AddGrant(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  CLI::App* command =
      AddCommand(group, "grant", "Proposes to give a role; a second person approves it", session,
                 AskAndShow(request, &Connection::admin, &Admin::CreateProposal,
                            Prepare<v1::CreateProposalRequest>([](Session& s, auto* r) {
                              v1::RoleBinding* binding =
                                  r->mutable_proposal()->mutable_grant_role()->mutable_binding();
                              if (!IsSystemRole(binding->role())) binding->set_tenant(s.tenant());
                              return absl::OkStatus();
                            })));
  v1::Proposal::GrantRole* act = request->mutable_proposal()->mutable_grant_role();
  AddPrincipalName(*command, act->mutable_principal());
  v1::RoleBinding* binding = act->mutable_binding();
  command
      ->add_option("ROLE", *binding->mutable_role(),
                   "Role of the tenant's policy, or a system role: privacy_officer, vault_admin, "
                   "vault_auditor, vault_operator")
      ->required();
  AddTime(
      *command, "--not-before", "Not before (at once)", session,
      [binding] { return binding->mutable_not_before(); }, Reckoned::kAhead);
  AddTime(
      *command, "--until", "Not after (no end)", session,
      [binding] { return binding->mutable_not_after(); }, Reckoned::kAhead);
  command->add_option("--justification", *binding->mutable_justification(),
                      "Id of the case, where the role asks for one");
  command->add_option_function<std::vector<std::string>>(
      "--field",
      [binding](const std::vector<std::string>& fields) {
        for (const std::string& field : fields) binding->add_fields(field);
      },
      "Only this field, type.field or type.*; may be repeated");
  AddRequestId(*command, request->mutable_request_id());
}

void AddHandOver(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  CLI::App* command =
      AddCommand(group, "hand-over",
                 "Proposes to move a role to a successor; a second person approves it", session,
                 AskAndShow(request, &Connection::admin, &Admin::CreateProposal,
                            Prepare<v1::CreateProposalRequest>([](Session& s, auto* r) {
                              r->mutable_proposal()->mutable_hand_over()->set_tenant(s.tenant());
                              return absl::OkStatus();
                            })));
  v1::Proposal::HandOver* act = request->mutable_proposal()->mutable_hand_over();
  AddPrincipalName(*command, act->mutable_principal());
  command->add_option("SUCCESSOR", *act->mutable_successor(), "Principal who gets the role")
      ->required()
      ->transform(Qualified("principals/"));
  command->add_option("ROLE", *act->mutable_role(), "Role of the tenant's policy")->required();
  command->add_option("--justification", *act->mutable_justification(),
                      "Id of the case, where the role asks for one");
  AddRequestId(*command, request->mutable_request_id());
}

void AddPlanJob(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  CLI::App* command = AddCommand(
      group, "plan-job",
      "Proposes that a principal may read more than its budgets for a while; a second person "
      "approves it",
      session,
      AskAndShow(request, &Connection::admin, &Admin::CreateProposal,
                 Prepare<v1::CreateProposalRequest>([](Session& s, auto* r) {
                   r->mutable_proposal()->mutable_plan_job()->set_tenant(s.tenant());
                   return absl::OkStatus();
                 })));
  v1::Proposal::PlanJob* act = request->mutable_proposal()->mutable_plan_job();
  v1::PlannedJob* job = act->mutable_job();
  AddPrincipalName(*command, job->mutable_principal());
  command->add_option("--for", *job->mutable_purpose(), "Purpose that its calls state")->required();
  command
      ->add_option_function<int64_t>(
          "--records", [job](const int64_t& records) { job->set_records(records); },
          "How many records in all")
      ->required();
  AddTime(
      *command, "--from", "Not before (at once)", session,
      [job] { return job->mutable_start_time(); }, Reckoned::kAhead);
  AddTime(
      *command, "--until", "Before then; within a day of the start", session,
      [job] { return job->mutable_end_time(); }, Reckoned::kAhead)
      ->required();
  command->add_option("--reason", *act->mutable_reason(), "Why, at most 200 characters")
      ->required();
  AddRequestId(*command, request->mutable_request_id());
}

void AddEndJob(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::EndJobRequest>();
  CLI::App* command = AddCommand(group, "end-job", "Ends a planned job at once", session,
                                 AskAndShow(request, &Connection::admin, &Admin::EndJob,
                                            Prepare<v1::EndJobRequest>([](Session& s, auto* r) {
                                              r->set_tenant(s.tenant());
                                              return absl::OkStatus();
                                            })));
  command->add_option("JOB", *request->mutable_job(), "Id, as `tenant list` shows it")->required();
}

void AddEnable(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  CLI::App* command = AddCommand(group, "enable", "Proposes to enable a principal again", session,
                                 AskAndShow(request, &Connection::admin, &Admin::CreateProposal));
  AddPrincipalName(*command,
                   request->mutable_proposal()->mutable_enable_principal()->mutable_principal());
}

void AddIdentityCommands(CLI::App& principal, Session& session) {
  CLI::App* group = AddGroup(principal, "identity", "Certificate identities of a principal");
  auto add = std::make_shared<v1::CreateProposalRequest>();
  CLI::App* command =
      AddCommand(*group, "add", "Proposes a further identity; a second person approves it", session,
                 AskAndShow(add, &Connection::admin, &Admin::CreateProposal));
  v1::Proposal::AddIdentity* act = add->mutable_proposal()->mutable_add_identity();
  AddPrincipalName(*command, act->mutable_principal());
  v1::Identity* identity = act->mutable_identity();
  command->add_option("IDENTITY", *identity->mutable_uri(), "spiffe://… or dns:…")->required();
  AddTime(
      *command, "--not-before", "Not before (at once)", session,
      [identity] { return identity->mutable_not_before(); }, Reckoned::kAhead);
  AddTime(
      *command, "--until", "Not after (no end)", session,
      [identity] { return identity->mutable_not_after(); }, Reckoned::kAhead);

  auto remove = std::make_shared<v1::RemoveIdentityRequest>();
  command = AddCommand(*group, "remove", "Removes an identity, with effect on the next call",
                       session, AskAndShow(remove, &Connection::admin, &Admin::RemoveIdentity));
  AddPrincipalName(*command, remove->mutable_principal());
  command->add_option("IDENTITY", *remove->mutable_uri(), "As registered")->required();
}

}  // namespace

void AddPrincipalCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "principal", "Principals: who or what calls the vault");
  AddCreate(*group, session);
  AddReading(*group, session);
  AddGrant(*group, session);
  AddHandOver(*group, session);
  AddPlanJob(*group, session);
  AddEndJob(*group, session);
  AddTakingAway(*group, session);
  AddEnable(*group, session);
  AddIdentityCommands(*group, session);
}

}  // namespace piivault::ops
