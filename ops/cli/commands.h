// The groups of commands; each adds itself to the program.
#ifndef PIIVAULT_OPS_CLI_COMMANDS_H_
#define PIIVAULT_OPS_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "ops/cli/session.h"

namespace piivault::ops {

void AddContextCommands(CLI::App& root, Session& session);
void AddPkiCommands(CLI::App& root, Session& session);
void AddTenantCommands(CLI::App& root, Session& session);
void AddPersonCommands(CLI::App& root, Session& session);
void AddNdaCommands(CLI::App& root, Session& session);
void AddPrincipalCommands(CLI::App& root, Session& session);
void AddPolicyCommands(CLI::App& root, Session& session);
void AddApprovalsCommands(CLI::App& root, Session& session);
void AddBreakGlassCommands(CLI::App& root, Session& session);
void AddRecordCommands(CLI::App& root, Session& session);
void AddRevealCommands(CLI::App& record, Session& session);  // of the group `record`
void AddCountCommand(CLI::App& record, Session& session);    // of the group `record`
void AddSubjectCommands(CLI::App& root, Session& session);
void AddSubjectUpdateCommand(CLI::App& subject, Session& session);  // of the group `subject`
void AddMatterCommands(CLI::App& root, Session& session);
void AddPeoplesWillCommands(CLI::App& subject, Session& session);  // of the group `subject`
void AddRequestCommands(CLI::App& subject, Session& session);      // of the group `subject`
void AddRetentionCommands(CLI::App& root, Session& session);
void AddCredentialCommands(CLI::App& root, Session& session);
void AddTokenCommands(CLI::App& root, Session& session);
void AddImportCommand(CLI::App& root, Session& session);
void AddBenchCommand(CLI::App& root, Session& session);
void AddShareCommands(CLI::App& root, Session& session);
// Of the group `share`.
void AddShareRecipientCommands(CLI::App& share, Session& session);
void AddShareTokenCommands(CLI::App& share, Session& session);
void AddShareRedeemCommands(CLI::App& share, Session& session);
void AddShareLedgerCommands(CLI::App& share, Session& session);
void AddAuditCommands(CLI::App& root, Session& session);
void AddKeysCommands(CLI::App& root, Session& session);
void AddInitCommand(CLI::App& root, Session& session);
void AddStatusCommand(CLI::App& root, Session& session);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_COMMANDS_H_
