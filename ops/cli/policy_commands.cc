#include <memory>
#include <string>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/policy_report.h"
#include "ops/cli/policy_tools.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

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

// `WORD=TEXT`, each text as ReadValue() takes it.
absl::Status ReadContent(Session& session, const std::vector<std::string>& pairs,
                         v1::PolicyChange* change) {
  google::protobuf::Map<std::string, std::string> texts;
  if (absl::Status read = ReadFields(session, pairs, &texts, "--content"); !read.ok()) return read;
  for (const std::string& pair : pairs) {
    v1::PolicyChange::Content* content = change->add_content();
    content->set_kind(pair.substr(0, pair.find('=')));
    content->set_text(texts.at(content->kind()));
  }
  return absl::OkStatus();
}

// What is said of the change, as the policy in force and the new one promise to.
void AddChange(CLI::App& command, const Session& session, v1::PolicyChange* change,
               std::vector<std::string>* content) {
  AddTime(command, "--notice-time", "When the change was announced", session,
          [change] { return change->mutable_notice()->mutable_published_time(); });
  command.add_option_function<std::string>(
      "--notice-where",
      [change](const std::string& where) { change->mutable_notice()->set_where(where); },
      "Where it was announced: an address or a text");
  command.add_option_function<std::string>(
      "--notice-sha256",
      [change](const std::string& sha256) {
        change->mutable_notice()->set_document_sha256(sha256);
      },
      "SHA-256 of what was announced");
  command.add_option("--content", *content,
                     "WORD=TEXT of the change: reason, diff, parts, time; @FILE for a file's text");
}

void AddActivate(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  auto content = std::make_shared<std::vector<std::string>>();
  v1::Proposal::ActivatePolicy* act = request->mutable_proposal()->mutable_activate_policy();
  CLI::App* command =
      AddCommand(group, "activate",
                 "Proposes to put a policy in force for the tenant; a second one approves", session,
                 AskAndShow(request, &Connection::admin, &Admin::CreateProposal,
                            Prepare<v1::CreateProposalRequest>([content](Session& s, auto* r) {
                              v1::Proposal::ActivatePolicy* to =
                                  r->mutable_proposal()->mutable_activate_policy();
                              to->set_tenant(s.tenant());
                              if (content->empty()) return absl::OkStatus();
                              return ReadContent(s, *content, to->mutable_change());
                            })));
  command->add_option("SHA256", *act->mutable_policy_sha256(), "Hash of the loaded policy")
      ->required()
      ->transform([](std::string name) {
        constexpr std::string_view kPrefix = "policies/";
        return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
      });
  command->add_option("--reason", *act->mutable_reason(), "Why")->required();
  AddChange(*command, session, act->mutable_change(), content.get());
  AddRequestId(*command, request->mutable_request_id());
  command->footer(
      "Example: piivault policy activate 4f0c… --reason 'a new mailing' --notice-time 2025-04-01 "
      "--notice-where https://example.jp/privacy --content reason='we now send a newsletter'\n");
}

struct ShowFlags {
  std::string name;
  bool cells = false;
};

absl::StatusOr<int> ShowCells(Session& session, const std::string& name) {
  absl::StatusOr<PolicyPtr> policy = FetchPolicy(session, name);
  if (!policy.ok()) return policy.status();
  if (session.json()) {
    JsonWriter json;
    WriteCells(**policy, &json);
    session.out() << json.text() << "\n";
  } else {
    PrintCells(**policy, session.out());
  }
  return kExitOk;
}

absl::StatusOr<int> Show(Session& session, const ShowFlags& flags) {
  if (flags.cells) return ShowCells(session, flags.name);
  v1::GetPolicyRequest request;
  request.set_name(flags.name);
  auto response = Ask(session, &Connection::admin, &Admin::GetPolicy, request);
  if (!response.ok()) return response.status();
  if (session.json()) {
    session.render().Json(*response);
    return kExitOk;
  }
  session.out() << response->yaml();
  if (!response->values_yaml().empty()) {
    session.out() << "\n--- # values\n" << response->values_yaml();
  }
  return kExitOk;
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

  auto show = std::make_shared<ShowFlags>();
  command = AddCommand(group, "show", "Shows a policy's text, or what it grants", session,
                       [show](Session& s) { return Show(s, *show); });
  command->add_option("NAME", show->name, "policies/SHA256")
      ->required()
      ->transform(Qualified("policies/"));
  command->add_flag("--cells", show->cells, "What each role may do with what for which purpose");
  command->footer("Example: piivault policy show 4f0c… --cells\n");
}

}  // namespace

void AddPolicyCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "policy", "Policies: who may do what, for which purpose");

  AddPolicyCheckCommands(*group, session);
  AddPolicyExplainCommand(*group, session);
  AddPolicyDiffCommand(*group, session);
  AddPolicyMatrixCommand(*group, session);

  auto create = std::make_shared<PolicyFiles>();
  auto validate_only = std::make_shared<bool>(false);
  CLI::App* command = AddCommand(
      *group, "create", "Loads a policy; it is not in force yet", session,
      [create, validate_only](Session& s) { return Create(s, *create, *validate_only); });
  AddFiles(*command, create.get());
  command->add_flag("--validate-only", *validate_only, "Only check; keep nothing");

  AddActivate(*group, session);
  AddPolicyHistoryCommands(*group, session);
  AddReading(*group, session);
}

}  // namespace piivault::ops
