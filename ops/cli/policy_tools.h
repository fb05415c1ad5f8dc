// Commands of the group `policy`, one file each; policy_commands.cc has the group.
#ifndef PIIVAULT_OPS_CLI_POLICY_TOOLS_H_
#define PIIVAULT_OPS_CLI_POLICY_TOOLS_H_

#include <CLI/CLI.hpp>
#include <cstdint>

#include "absl/status/statusor.h"
#include "ops/cli/policy_file.h"
#include "ops/cli/session.h"

namespace piivault::ops {

void AddPolicyCheckCommands(CLI::App& group, Session& session);  // check, test
void AddPolicyExplainCommand(CLI::App& group, Session& session);
void AddPolicyDiffCommand(CLI::App& group, Session& session);
void AddPolicyMatrixCommand(CLI::App& group, Session& session);
void AddPolicyHistoryCommands(CLI::App& group, Session& session);  // history, changelog

// `policy explain --entry`: what entry `index` of the log rests on. Needs the vault.
absl::StatusOr<int> ExplainEntry(Session& session, uint64_t index, const std::string& language,
                                 bool json);

// Prints what a proposed policy changes for a tenant, against the one in force there.
absl::Status PrintProposedPolicy(Session& session, const std::string& tenant,
                                 const std::string& policy_sha256, std::ostream& out);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_POLICY_TOOLS_H_
