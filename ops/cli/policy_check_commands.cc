#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/policy_cases.h"
#include "ops/cli/arguments.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/json_writer.h"
#include "ops/cli/policy_tools.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

struct CheckFlags {
  PolicyFiles files;
  std::string format;
};

struct TestFlags {
  std::vector<std::string> files;
  std::string values;
  std::string format;
};

// What became of one file.
struct Checked {
  std::string file;
  PolicyPtr policy;  // Null: it does not load.
  authz::Diagnostics diagnostics;
  authz::CaseReport report;

  bool ok() const { return policy != nullptr && report.ok(); }
};

absl::StatusOr<Checked> CheckFile(const PolicyFiles& files) {
  absl::StatusOr<authz::PolicyText> text = ReadPolicy(files);
  if (!text.ok()) return text.status();
  Checked out;
  out.file = files.policy;
  out.policy = authz::Policy::Load(*text, &out.diagnostics);
  if (out.policy != nullptr) out.report = authz::RunPolicyCases(*out.policy);
  return out;
}

void WriteFailures(const Checked& checked, JsonWriter* json) {
  json->Key("failures").BeginArray();
  for (const authz::CaseFailure& failure : checked.report.failures) {
    json->BeginObject().Member("name", failure.name).Member("clause", failure.clause);
    json->Key("line").Number(failure.line);
    json->Member("expected", failure.expected).Member("got", failure.got).EndObject();
  }
  json->EndArray();
}

void WriteChecked(const Checked& checked, JsonWriter* json) {
  json->BeginObject().Member("file", checked.file).Key("ok").Bool(checked.ok());
  json->Key("diagnostics").BeginArray();
  for (const authz::Diagnostic& item : checked.diagnostics.items()) {
    json->BeginObject()
        .Member("severity", item.severity == authz::Severity::kError ? "error" : "warning")
        .Member("file", item.file);
    json->Key("line").Number(item.line).Key("column").Number(item.column);
    json->Member("message", item.message).Member("hint", item.hint).EndObject();
  }
  json->EndArray();
  if (checked.policy != nullptr) {
    const authz::Policy& policy = *checked.policy;
    json->Member("policy", policy.id()).Member("sha256", policy.hash_hex());
    json->Key("missing_documents").Number(static_cast<int64_t>(policy.missing_documents()));
    json->Key("cases").Number(static_cast<int64_t>(checked.report.run));
    WriteFailures(checked, json);
    json->Member("clauses", checked.report.clauses);
  }
  json->EndObject();
}

void PrintChecked(const Checked& checked, std::ostream& out) {
  out << checked.diagnostics.ToString();
  if (checked.policy == nullptr) {
    out << checked.diagnostics.error_count() << " errors\n";
    return;
  }
  const authz::Policy& policy = *checked.policy;
  for (const authz::CaseFailure& failure : checked.report.failures) {
    out << checked.file << ": " << failure.ToString() << "\n";
  }
  out << "policy " << policy.id() << ", " << policy.type_count() << " types, "
      << policy.field_count() << " fields, " << policy.roles().size() << " roles, "
      << policy.grants().size() << " grants\nsha256 " << policy.hash_hex() << "\n"
      << checked.report.run - checked.report.failures.size() << " cases passed, "
      << checked.report.failures.size() << " failed\n";
  if (policy.missing_documents() > 0) {
    out << policy.missing_documents() << " binding documents are neither attached nor waived\n";
  }
}

absl::StatusOr<int> Check(Session& session, const CheckFlags& flags) {
  absl::StatusOr<Checked> checked = CheckFile(flags.files);
  if (!checked.ok()) return checked.status();
  if (WantsJson(session, flags.format)) {
    JsonWriter json;
    WriteChecked(*checked, &json);
    session.out() << json.text() << "\n";
  } else {
    PrintChecked(*checked, session.out());
  }
  return checked->ok() ? kExitOk : kExitError;
}

void PrintTested(const Checked& checked, std::ostream& out) {
  if (checked.policy == nullptr) {
    out << checked.diagnostics.ToString();
    return;
  }
  for (const authz::CaseFailure& failure : checked.report.failures) {
    out << EscapeForTerminal(
               absl::StrCat(checked.file, ":", failure.line, ": case '", failure.name, "'",
                            failure.clause.empty() ? "" : absl::StrCat(" (", failure.clause, ")"),
                            ": expected ", failure.expected, ", got ", failure.got))
        << "\n";
  }
  out << checked.file << ": " << checked.report.run - checked.report.failures.size()
      << " cases passed, " << checked.report.failures.size() << " failed; clauses: "
      << (checked.report.clauses.empty() ? "none" : absl::StrJoin(checked.report.clauses, ", "))
      << "\n";
}

// Without the files of values of policies that are named as well: `*.yaml` names both.
std::vector<std::string> PoliciesOf(const std::vector<std::string>& files) {
  constexpr std::string_view kValues = ".values.yaml";
  const std::set<std::string> named(files.begin(), files.end());
  std::vector<std::string> out;
  for (const std::string& file : files) {
    const bool of_another = file.ends_with(kValues) &&
                            named.contains(file.substr(0, file.size() - kValues.size()) + ".yaml");
    if (!of_another) out.push_back(file);
  }
  return out;
}

absl::StatusOr<int> Test(Session& session, const TestFlags& flags) {
  const std::vector<std::string> files = PoliciesOf(flags.files);
  if (!flags.values.empty() && files.size() > 1) {
    return absl::InvalidArgumentError("--values goes with one FILE only");
  }
  const bool as_json = WantsJson(session, flags.format);
  JsonWriter json;
  json.BeginArray();
  size_t run = 0;
  size_t failed = 0;
  size_t unreadable = 0;
  for (const std::string& file : files) {
    absl::StatusOr<Checked> checked = CheckFile({file, flags.values});
    if (!checked.ok()) return checked.status();
    if (as_json) {
      WriteChecked(*checked, &json);
    } else {
      PrintTested(*checked, session.out());
    }
    unreadable += checked->policy == nullptr ? 1 : 0;
    run += checked->report.run;
    failed += checked->report.failures.size();
  }
  if (as_json) {
    session.out() << json.EndArray().text() << "\n";
  } else {
    session.out() << run << " cases in " << files.size() << " files: " << run - failed
                  << " passed, " << failed << " failed";
    if (unreadable > 0) session.out() << "; " << unreadable << " files do not load";
    session.out() << "\n";
  }
  return failed + unreadable == 0 ? kExitOk : kExitError;
}

}  // namespace

void AddPolicyCheckCommands(CLI::App& group, Session& session) {
  auto check = std::make_shared<CheckFlags>();
  CLI::App* command =
      AddCommand(group, "check", "Checks a policy and runs its cases, without a vault", session,
                 [check](Session& s) { return Check(s, *check); });
  AddFiles(*command, &check->files);
  AddFormat(*command, &check->format);
  command->footer("Example: piivault policy check policy.yaml --format json\n");

  auto test = std::make_shared<TestFlags>();
  command = AddCommand(group, "test", "Runs the cases of policies, without a vault", session,
                       [test](Session& s) { return Test(s, *test); });
  command->add_option("FILE", test->files, "Policies, YAML")->required();
  command->add_option("--values", test->values,
                      "Values for what the policy leaves open (FILE's .values.yaml, if there)");
  AddFormat(*command, &test->format);
  command->footer(
      "Ends with 0 where every case of every file comes out as expected, with 1 otherwise.\n"
      "Example: piivault policy test ops/policies/*.yaml\n");
}

}  // namespace piivault::ops
