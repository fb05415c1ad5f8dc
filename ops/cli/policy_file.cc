#include "ops/cli/policy_file.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/cli/calls.h"
#include "ops/cli/tenants.h"
#include "ops/cli/text.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

constexpr std::string_view kPolicies = "policies/";

}  // namespace

void AddFiles(CLI::App& command, PolicyFiles* files) {
  command.add_option("FILE", files->policy, "Policy, YAML")->required();
  command.add_option("--values", files->values,
                     "Values for what the policy leaves open (FILE's .values.yaml, if there)");
}

void AddFormat(CLI::App& command, std::string* format) {
  command.add_option("--format", *format, "table or json (what --output says)")
      ->check(CLI::IsMember({"table", "json"}));
}

bool WantsJson(const Session& session, const std::string& format) {
  return format.empty() ? session.json() : format == "json";
}

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

absl::StatusOr<PolicyPtr> LoadPolicyFile(const PolicyFiles& files) {
  absl::StatusOr<authz::PolicyText> text = ReadPolicy(files);
  if (!text.ok()) return text.status();
  absl::StatusOr<PolicyPtr> policy = authz::Policy::Load(*text);
  if (policy.ok()) return policy;
  return absl::InvalidArgumentError(absl::StrCat(std::string(policy.status().message()),
                                                 "\n`piivault policy check ", files.policy,
                                                 "` shows all of it"));
}

absl::StatusOr<PolicyPtr> FetchPolicy(Session& session, const std::string& name) {
  v1::GetPolicyRequest request;
  const bool full = name.starts_with(kPolicies);
  request.set_name(full ? name : std::string(kPolicies) + name);
  auto response = Ask(session, &Connection::admin, &Admin::GetPolicy, request);
  if (!response.ok()) return response.status();
  authz::PolicyText text;
  text.yaml = response->yaml();
  text.values_yaml = response->values_yaml();
  absl::StatusOr<PolicyPtr> policy = authz::Policy::Load(text);
  if (!policy.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("this program cannot read ", request.name(),
                     "; use one as new as the vault: ", std::string(policy.status().message())));
  }
  if (absl::StrCat(std::string(kPolicies), (*policy)->hash_hex()) != request.name()) {
    return absl::DataLossError(
        absl::StrCat("the vault answered with another text than ", request.name()));
  }
  return policy;
}

absl::StatusOr<PolicyPtr> FetchPolicyInForce(Session& session, const std::string& tenant) {
  const absl::StatusOr<v1::Tenant> found = FetchTenant(session, tenant);
  if (!found.ok()) return found.status();
  if (found->policy_sha256().empty()) return PolicyPtr();
  return FetchPolicy(session, found->policy_sha256());
}

absl::StatusOr<PolicyPtr> FindPolicy(Session& session, const PolicyFiles& source) {
  if (source.policy.starts_with(kPolicies)) return FetchPolicy(session, source.policy);
  return LoadPolicyFile(source);
}

}  // namespace piivault::ops
