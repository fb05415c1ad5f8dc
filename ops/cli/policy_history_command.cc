#include <memory>
#include <string>

#include "ops/cli/calls.h"
#include "ops/cli/policy_tools.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;
using Request = v1::ListPolicyActivationsRequest;
using Response = v1::ListPolicyActivationsResponse;

Prepare<Request> ForTenant() {
  return [](Session& session, Request* request) {
    if (request->tenant().empty()) request->set_tenant(session.tenant());
    return absl::OkStatus();
  };
}

// Texts of people: on one line, and so that they are nothing but text.
std::string ForMarkdown(std::string_view text) {
  constexpr std::string_view kMeant = "\\`*_{}[]<>()#+-.!|~&";
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "  \n  ";
      continue;
    }
    if (kMeant.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string Until(const v1::PolicyActivation& activation) {
  return activation.has_end_time() ? "to " + FormatField(activation, "end_time") : "in force";
}

std::string Announced(const v1::PolicyChange::Notice& notice) {
  std::string out = FormatField(notice, "published_time");
  if (!notice.where().empty()) out += (out.empty() ? "" : ", ") + notice.where();
  return out;
}

void PrintMarkdown(const v1::PolicyActivation& one, std::ostream& out) {
  out << "\n## " << one.number() << ". " << ForMarkdown(one.policy_id()) << ", from "
      << FormatField(one, "start_time") << ", " << Until(one) << "\n\n";
  const auto line = [&out](std::string_view what, const std::string& text) {
    if (!text.empty()) out << "- " << what << ": " << EscapeForTerminal(text) << "\n";
  };
  line("Policy", "`" + one.policy_sha256() + "`");
  line("Proposed and approved by", ForMarkdown(one.proposer() + ", " + one.approver()));
  line("Why", ForMarkdown(one.reason()));
  line("Announced", ForMarkdown(Announced(one.change().notice())));
  line("What was announced, SHA-256", one.change().notice().document_sha256());
  for (const v1::PolicyChange::Content& part : one.change().content()) {
    out << "- " << ForMarkdown(part.kind()) << ": ";
    PrintEscaped(ForMarkdown(part.text()), out);
  }
}

void PrintText(const v1::PolicyActivation& one, std::ostream& out) {
  out << one.number() << "  " << EscapeForTerminal(one.policy_id()) << "  from "
      << FormatField(one, "start_time") << "  " << Until(one) << "  " << one.policy_sha256()
      << "\n";
  const auto line = [&out](std::string_view what, const std::string& text) {
    if (!text.empty()) out << "   " << what << ": " << EscapeForTerminal(text) << "\n";
  };
  line("proposed by", one.proposer());
  line("approved by", one.approver());
  line("why", one.reason());
  line("announced", Announced(one.change().notice()));
  for (const v1::PolicyChange::Content& part : one.change().content()) {
    out << "   " << EscapeForTerminal(part.kind()) << ": ";
    PrintEscaped(part.text(), out);
  }
}

absl::StatusOr<int> Changelog(Session& session, const Request& request, int64_t limit,
                              bool markdown) {
  absl::StatusOr<Response> all =
      ReadPages<Response>(request, limit, "activations", [&](const Request& page) {
        return Ask(session, &Connection::admin, &Admin::ListPolicyActivations, page, ForTenant());
      });
  if (!all.ok()) return all.status();
  if (session.json()) {
    session.render().Json(*all);
    return kExitOk;
  }
  session.render().Receipt(*all);
  if (markdown) session.out() << "# Changes of the policy\n";
  for (const v1::PolicyActivation& one : all->activations()) {
    if (markdown) {
      PrintMarkdown(one, session.out());
    } else {
      PrintText(one, session.out());
    }
  }
  return kExitOk;
}

void AddTenant(CLI::App& command, Request* request) {
  command.add_option("TENANT", *request->mutable_tenant(), "Tenant (that of the context)")
      ->transform(Qualified("tenants/"));
}

}  // namespace

void AddPolicyHistoryCommands(CLI::App& group, Session& session) {
  auto list = std::make_shared<Request>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  CLI::App* command = AddCommand(
      group, "history", "Lists which policies were in force from when to when", session,
      AskAndList(list, limit, &Connection::admin, &Admin::ListPolicyActivations, "activations",
                 {{"NUMBER", "number"},
                  {"ID", "policy_id"},
                  {"FROM", "start_time"},
                  {"TO", "end_time"},
                  {"APPROVED BY", "approver"},
                  {"POLICY", "policy_sha256"}},
                 ForTenant()));
  AddTenant(*command, list.get());
  AddLimit(*command, limit.get());

  auto request = std::make_shared<Request>();
  auto changes = std::make_shared<int64_t>(kDefaultLimit);
  auto markdown = std::make_shared<bool>(false);
  command = AddCommand(group, "changelog", "Prints what was said of each change of the policy",
                       session, [request, changes, markdown](Session& s) {
                         return Changelog(s, *request, *changes, *markdown);
                       });
  AddTenant(*command, request.get());
  command->add_flag("--markdown", *markdown, "To publish");
  AddLimit(*command, changes.get());
  command->footer("Example: piivault policy changelog --markdown > changes.md\n");
}

}  // namespace piivault::ops
