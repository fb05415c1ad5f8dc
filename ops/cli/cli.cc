#include "ops/cli/cli.h"

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ops/cli/commands.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/failure.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

constexpr char kVersion[] = "piivault 0.1.0";

constexpr char kTimeHelp[] =
    "A TIME is 2026-01-31T12:00:00Z, 2026-01-31 (its start, UTC), or a duration such as 90m or "
    "2d:\n"
    "from now on where it is of what is to come, before now elsewhere.\n";

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  // A flag given again counts, so that a script's own can be overridden.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("--version", kVersion);
  app.add_option("--context", flags.context, "Context to use (PIIVAULT_CONTEXT)");
  app.add_option("--config", flags.config,
                 "File of contexts (PIIVAULT_CONFIG; ~/.config/piivault/config.yaml)");
  app.add_option("--address", flags.profile.address, "Vault, HOST:PORT (PIIVAULT_ADDRESS)");
  app.add_option("--ca", flags.profile.ca, "Authority of the vault's certificate (PIIVAULT_CA)");
  app.add_option("--cert", flags.profile.certificate, "Own certificate (PIIVAULT_CERT)");
  app.add_option("--key", flags.profile.key, "Own key (PIIVAULT_KEY)");
  app.add_option("--server-name", flags.profile.server_name,
                 "Name in the vault's certificate, if not its host (PIIVAULT_SERVER_NAME)");
  app.add_option("--tenant", flags.profile.tenant, "Tenant (PIIVAULT_TENANT; default)");
  app.add_option("--output", flags.output, "table or json (PIIVAULT_OUTPUT)")
      ->check(CLI::IsMember({"table", "json"}));
  app.add_option("--timeout", flags.timeout_seconds, "Seconds that a call may take")
      ->check(CLI::Range(0.1, 30.0));
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
}

void AddCommands(CLI::App& app, Session& session) {
  AddInitCommand(app, session);
  AddStatusCommand(app, session);
  AddContextCommands(app, session);
  AddPkiCommands(app, session);
  AddTenantCommands(app, session);
  AddPersonCommands(app, session);
  AddNdaCommands(app, session);
  AddPrincipalCommands(app, session);
  AddPolicyCommands(app, session);
  AddApprovalsCommands(app, session);
  AddBreakGlassCommands(app, session);
  AddRecordCommands(app, session);
  AddSubjectCommands(app, session);
  AddMatterCommands(app, session);
  AddRetentionCommands(app, session);
  AddCredentialCommands(app, session);
  AddTokenCommands(app, session);
  AddImportCommand(app, session);
  AddBenchCommand(app, session);
  AddShareCommands(app, session);
  AddAuditCommands(app, session);
  AddKeysCommands(app, session);
}

// Where a command is missing because what stands in its place is none: that word, behind the
// groups that were named. Empty where there is nothing, or an option.
std::string UnknownCommand(const CLI::App& app) {
  const CLI::App* group = &app;
  std::string line = app.get_name();
  while (!group->get_subcommands().empty()) {
    group = group->get_subcommands().front();
    line += " " + group->get_name();
  }
  const std::vector<std::string> rest = app.remaining(true);
  if (group->get_require_subcommand_min() == 0 || rest.empty() || rest.front().starts_with('-'))
    return "";
  return line + " " + rest.front();
}

int ExplainUsage(const CLI::App& app, const CLI::ParseError& error, Session& session) {
  const bool no_command = error.get_name() == "RequiredError" && session.action == nullptr;
  if (const std::string line = no_command ? UnknownCommand(app) : ""; !line.empty()) {
    session.err() << "there is no command `" << EscapeForTerminal(line)
                  << "`\nRun with --help for more information.\n";
    return kExitUsage;
  }
  return app.exit(error, session.out(), session.err()) == 0 ? kExitOk : kExitUsage;
}

int RunAction(Session& session) {
  absl::StatusOr<int> code = session.action(session);
  session.out().flush();
  if (code.ok()) return *code;
  if (session.json()) {
    PrintFailureJson(code.status(), session.err());
  } else {
    PrintFailure(code.status(), session.err());
  }
  return ExitCodeOf(code.status());
}

}  // namespace

int RunCli(int argc, const char* const* argv, Surroundings surroundings) {
  Session session(std::move(surroundings));
  CLI::App app(
      "Talks to a piivault: personal data in, tokens out; every access decided and logged.",
      "piivault");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(std::string(kTimeHelp) + kExitCodeHelp);
  AddGlobalFlags(app, session.flags);
  AddCommands(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return ExplainUsage(app, e, session);
  }
  return RunAction(session);
}

}  // namespace piivault::ops
