#include <memory>
#include <string>
#include <vector>

#include "ops/cli/arguments.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/policy_report.h"
#include "ops/cli/policy_tools.h"

namespace piivault::ops {
namespace {

struct DiffFlags {
  std::vector<std::string> policies;
  std::string old_values;
  std::string new_values;
  std::string format;
  bool in_force = false;
};

absl::StatusOr<PolicyPtr> InForceOrNone(Session& session, const std::string& tenant) {
  absl::StatusOr<PolicyPtr> policy = FetchPolicyInForce(session, tenant);
  if (policy.ok() && *policy == nullptr) policy = authz::PolicyOfNothing();
  return policy;
}

absl::StatusOr<PolicyPtr> OldPolicy(Session& session, const DiffFlags& flags) {
  if (!flags.in_force) return FindPolicy(session, {flags.policies.front(), flags.old_values});
  // The tenant is known once the connection is.
  if (absl::StatusOr<Connection*> vault = session.Connect(); !vault.ok()) return vault.status();
  return InForceOrNone(session, session.tenant());
}

absl::StatusOr<int> Diff(Session& session, const DiffFlags& flags) {
  if (flags.policies.size() != (flags.in_force ? 1u : 2u)) {
    return absl::InvalidArgumentError(
        "name two policies, OLD and NEW, or NEW alone with --in-force; each is a file or "
        "policies/SHA256");
  }
  absl::StatusOr<PolicyPtr> before = OldPolicy(session, flags);
  if (!before.ok()) return before.status();
  absl::StatusOr<PolicyPtr> after = FindPolicy(session, {flags.policies.back(), flags.new_values});
  if (!after.ok()) return after.status();
  const authz::PolicyDiff diff = authz::DiffPolicies(**before, **after);
  if (WantsJson(session, flags.format)) {
    JsonWriter json;
    json.BeginObject();
    json.Member("old", (*before)->hash_hex()).Member("new", (*after)->hash_hex());
    json.Key("diff");
    WriteDiff(diff, &json);
    session.out() << json.EndObject().text() << "\n";
  } else {
    session.out() << "old " << (*before)->id() << " " << (*before)->hash_hex() << "\nnew "
                  << (*after)->id() << " " << (*after)->hash_hex() << "\n";
    PrintDiff(diff, session.out());
  }
  return diff.empty() ? kExitOk : kExitError;
}

}  // namespace

absl::Status PrintProposedPolicy(Session& session, const std::string& tenant,
                                 const std::string& policy_sha256, std::ostream& out) {
  absl::StatusOr<PolicyPtr> before = InForceOrNone(session, tenant);
  if (!before.ok()) return before.status();
  absl::StatusOr<PolicyPtr> after = FetchPolicy(session, policy_sha256);
  if (!after.ok()) return after.status();
  out << "what it changes for " << tenant << " (" << (*before)->id() << " -> " << (*after)->id()
      << "):\n";
  PrintDiff(authz::DiffPolicies(**before, **after), out);
  return absl::OkStatus();
}

void AddPolicyDiffCommand(CLI::App& group, Session& session) {
  auto flags = std::make_shared<DiffFlags>();
  CLI::App* command = AddCommand(
      group, "diff", "Shows what one policy grants that another does not, and what else differs",
      session, [flags](Session& s) { return Diff(s, *flags); });
  command
      ->add_option("POLICY", flags->policies,
                   "OLD and NEW: files, or policies/SHA256 from the vault")
      ->required()
      ->expected(1, 2);
  command->add_flag("--in-force", flags->in_force,
                    "OLD is the policy in force for the tenant; name NEW only");
  command->add_option("--old-values", flags->old_values, "Values of OLD, where it is a file");
  command->add_option("--new-values", flags->new_values, "Values of NEW, where it is a file");
  AddFormat(*command, &flags->format);
  command->footer(
      "Ends with 0 where both mean the same (labels, comments, clauses and names of grants may\n"
      "differ), with 1 where they do not or a policy cannot be read.\n"
      "Examples:\n"
      "  piivault policy diff old.yaml new.yaml\n"
      "  piivault --tenant shop policy diff --in-force new.yaml --format json\n"
      "  piivault policy diff policies/4f0c… new.yaml\n");
}

}  // namespace piivault::ops
