#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/case_reader.h"
#include "authz/explain.h"
#include "authz/policy_cases.h"
#include "ops/cli/arguments.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/policy_report.h"
#include "ops/cli/policy_tools.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

struct ExplainFlags {
  PolicyFiles files;
  std::string yaml;
  std::string case_name;
  std::optional<uint64_t> entry;
  std::string format;
  std::string language = "en";
  // Parts of a case.
  std::string as;
  std::string does;
  std::string type;
  std::vector<std::string> fields;
  std::string purpose;
  std::string ticket;
  std::vector<std::string> with;
  std::string on_behalf_of;
  std::string channel;
  std::string at;
  std::string view;
  std::string subject;
};

std::string Quoted(const std::string& text) {
  JsonWriter json;  // A string of JSON is one of YAML.
  return json.String(text).text();
}

// The call that the flags describe, as a case would.
std::string CaseOf(const ExplainFlags& flags) {
  std::vector<std::string> parts;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) parts.push_back(absl::StrCat(key, ": ", Quoted(value)));
  };
  // A map is YAML already.
  const auto add_map = [&](const char* key, const std::string& value) {
    if (value.starts_with("{")) {
      parts.push_back(absl::StrCat(key, ": ", value));
    } else {
      add(key, value);
    }
  };
  const auto add_list = [&](const char* key, const std::vector<std::string>& values) {
    if (values.empty()) return;
    std::vector<std::string> quoted;
    for (const std::string& value : values) quoted.push_back(Quoted(value));
    parts.push_back(absl::StrCat(key, ": [", absl::StrJoin(quoted, ", "), "]"));
  };
  add_map("as", flags.as);
  add("does", flags.does);
  add("type", flags.type);
  add_list("fields", flags.fields);
  add("for", flags.purpose);
  add("ticket", flags.ticket);
  add_list("with", flags.with);
  add("on_behalf_of", flags.on_behalf_of);
  add("channel", flags.channel);
  add("at", flags.at);
  add("view", flags.view);
  add_map("subject", flags.subject);
  return absl::StrCat("{", absl::StrJoin(parts, ", "), "}");
}

void PrintAdmission(Session& session, const authz::Policy& policy, const authz::PolicyCase& c,
                    bool as_json) {
  const authz::Admission admission = authz::AdmitCase(policy, c);
  const authz::ReasonInfo& info = authz::GetReason(admission.reason);
  const bool given = admission.reason == authz::Reason::kOk;
  if (as_json) {
    JsonWriter json;
    json.BeginObject().Member("verdict", given ? "granted" : "refused");
    json.Member("reason", info.name).Member("meaning", info.meaning).Member("remedy", info.remedy);
    session.out() << json.EndObject().text() << "\n";
    return;
  }
  if (given) {
    session.out() << "granted: the role may be given\n";
  } else {
    session.out() << "refused: " << info.name << ": " << info.meaning
                  << "\n  what to do: " << info.remedy << "\n";
  }
  if (admission.role != nullptr) {
    session.out() << "role " << admission.role->name << "\n  asks for: "
                  << absl::StrJoin(authz::RoleAsks(policy, *admission.role), "; ") << "\n";
  }
}

// What is above is about who hands out; this is about who gets it.
void PrintShare(Session& session, const authz::Policy& policy, const authz::PolicyCase& c) {
  const authz::ReasonInfo& info = authz::GetReason(authz::DecideCaseShare(policy, c));
  const bool given = info.id == authz::Reason::kOk;
  session.out() << "the recipient, by the rule " << c.share->rule << ": ";
  if (given) {
    session.out() << "may have it\n";
  } else {
    session.out() << info.name << ": " << info.meaning << "\n  what to do: " << info.remedy << "\n";
  }
}

void PrintCase(Session& session, const authz::Policy& policy, const authz::PolicyCase& c,
               const ExplainFlags& flags) {
  const bool as_json = WantsJson(session, flags.format);
  if (c.admission) {
    PrintAdmission(session, policy, c, as_json);
    return;
  }
  authz::WithCaseCall(
      policy, c, [&](const authz::DecisionInput& input, const authz::SubjectFacts& subject) {
        const authz::Explanation told = authz::Explain(policy, input, &subject);
        if (!as_json) {
          session.out() << "policy " << policy.id() << " " << policy.hash_hex() << "\n";
          PrintEscaped(authz::ExplanationText(policy, input, told, flags.language), session.out());
          if (c.share.has_value()) PrintShare(session, policy, c);
          return;
        }
        JsonWriter json;
        WriteExplanation(policy, told, &json);
        session.out() << json.text() << "\n";
      });
}

absl::StatusOr<int> ExplainNamed(Session& session, const ExplainFlags& flags) {
  absl::StatusOr<PolicyPtr> policy = FindPolicy(session, flags.files);
  if (!policy.ok()) return policy.status();
  for (const authz::PolicyCase& c : (*policy)->cases()) {
    if (c.name != flags.case_name) continue;
    PrintCase(session, **policy, c, flags);
    return kExitOk;
  }
  return absl::NotFoundError(absl::StrCat("the policy has no case '", flags.case_name,
                                          "'; cases without a name are 'case in line N'"));
}

absl::StatusOr<int> ExplainCase(Session& session, const ExplainFlags& flags) {
  absl::StatusOr<PolicyPtr> policy = FindPolicy(session, flags.files);
  if (!policy.ok()) return policy.status();
  authz::Diagnostics diagnostics;
  const PolicyPtr with_case = authz::LoadWithCase(
      (*policy)->text(), flags.yaml.empty() ? CaseOf(flags) : flags.yaml, &diagnostics);
  if (with_case == nullptr) {
    std::string message = "the call cannot be read:";
    for (const authz::Diagnostic& item : diagnostics.items()) {
      if (item.severity == authz::Severity::kError) {
        absl::StrAppend(&message, "\n", item.ToString());
      }
    }
    return absl::InvalidArgumentError(
        absl::StrCat(message, "\nsay it as a case of the policy: ops/docs/policy.md, \"Cases\""));
  }
  PrintCase(session, *with_case, with_case->cases().back(), flags);
  return kExitOk;
}

absl::StatusOr<int> ExplainIt(Session& session, const ExplainFlags& flags) {
  if (flags.entry.has_value()) {
    return ExplainEntry(session, *flags.entry, flags.language, WantsJson(session, flags.format));
  }
  if (flags.files.policy.empty()) {
    return absl::InvalidArgumentError("name a policy (a file or policies/SHA256), or --entry");
  }
  if (!flags.case_name.empty()) return ExplainNamed(session, flags);
  if (flags.yaml.empty() && (flags.as.empty() || flags.does.empty())) {
    return absl::InvalidArgumentError(
        "say which call: --as and --does, or --case, or --case-name, or --entry");
  }
  return ExplainCase(session, flags);
}

void AddCallFlags(CLI::App& command, ExplainFlags* flags) {
  command.add_option("--as,--role", flags->as,
                     "Role of the caller, or a map such as {role: engineer, nda: expired}");
  command.add_option("--does", flags->does, "Verb, or admit");
  command.add_option("--type", flags->type, "Record type (that of the first field)");
  command.add_option("--fields", flags->fields, "Fields, user.email,user.phone")->delimiter(',');
  command.add_option("--for", flags->purpose, "Purpose");
  command.add_option("--ticket", flags->ticket, "Ticket");
  command.add_option("--with", flags->with, "Arguments that the call brings")->delimiter(',');
  command.add_option("--on-behalf-of", flags->on_behalf_of, "self, or another person's name");
  command.add_option("--channel", flags->channel, "How data came in");
  command.add_option("--at", flags->at, "2025-04-01, or with a time");
  command.add_option("--view", flags->view, "plain, masked or token");
  command.add_option("--subject", flags->subject, "Map such as {unsubscribed: true}");
}

}  // namespace

void AddPolicyExplainCommand(CLI::App& group, Session& session) {
  auto flags = std::make_shared<ExplainFlags>();
  CLI::App* command = AddCommand(group, "explain", "Says why a call is granted or refused", session,
                                 [flags](Session& s) { return ExplainIt(s, *flags); });
  command->add_option("POLICY", flags->files.policy, "File, or policies/SHA256 from the vault");
  command->add_option("--values", flags->files.values, "Values, where POLICY is a file");
  CLI::Option* yaml = command->add_option("--case", flags->yaml, "The call, as a case in YAML");
  CLI::Option* name = command->add_option("--case-name", flags->case_name, "A case of the policy");
  CLI::Option* entry =
      command->add_option("--entry", flags->entry, "An entry of the vault's log, by its index");
  yaml->excludes(name)->excludes(entry);
  name->excludes(entry);
  AddCallFlags(*command, flags.get());
  AddFormat(*command, &flags->format);
  command->add_option("--language", flags->language, "Of labels: en, ja (en)");
  command->footer(
      "Ends with 0 where there is an answer, whatever it is. Examples:\n"
      "  piivault policy explain policy.yaml --as engineer --does reveal --fields user.email "
      "--for technical_work\n"
      "  piivault policy explain policy.yaml --case '{as: {role: engineer, nda: expired}, does: "
      "reveal, fields: [user.email], for: technical_work, ticket: T-1}'\n"
      "  piivault policy explain policy.yaml --case-name 'engineer without NDA'\n"
      "  piivault policy explain --entry 4711\n");
}

}  // namespace piivault::ops
