// Policies for the command line: from files, or from the vault by their hash.
#ifndef PIIVAULT_OPS_CLI_POLICY_FILE_H_
#define PIIVAULT_OPS_CLI_POLICY_FILE_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "authz/policy.h"
#include "ops/cli/session.h"

namespace piivault::ops {

struct PolicyFiles {
  std::string policy;
  std::string values;
};

using PolicyPtr = std::shared_ptr<const authz::Policy>;

// `FILE` and `--values`.
void AddFiles(CLI::App& command, PolicyFiles* files);
// `--format table|json`; without it, what --output says.
void AddFormat(CLI::App& command, std::string* format);
bool WantsJson(const Session& session, const std::string& format);

// With no values named, `NAME.values.yaml` beside `NAME.yaml`, where there is one.
absl::StatusOr<authz::PolicyText> ReadPolicy(const PolicyFiles& files);
// Reads and loads; INVALID_ARGUMENT with the first errors and what to do.
absl::StatusOr<PolicyPtr> LoadPolicyFile(const PolicyFiles& files);

// From the vault. What comes is loaded here and must have the hash that was asked for: DATA_LOSS
// otherwise. `name`: `policies/SHA256`, or the hash alone.
absl::StatusOr<PolicyPtr> FetchPolicy(Session& session, const std::string& name);
// The policy in force for `tenant` (`tenants/…`); null where there is none. NOT_FOUND for a tenant
// that is not there.
absl::StatusOr<PolicyPtr> FetchPolicyInForce(Session& session, const std::string& tenant);

// A file, or `policies/SHA256` from the vault.
absl::StatusOr<PolicyPtr> FindPolicy(Session& session, const PolicyFiles& source);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_POLICY_FILE_H_
