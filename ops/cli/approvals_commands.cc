#include <istream>
#include <memory>
#include <string>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"
#include "ops/cli/policy_tools.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

void AddProposalName(CLI::App& command, std::string* name) {
  command.add_option("NAME", *name, "Proposal")->required()->transform(Qualified("proposals/"));
}

// What of a proposal is shown as a difference instead.
v1::Proposal WithoutLists(v1::Proposal proposal) {
  if (proposal.has_activate_policy()) {
    proposal.mutable_activate_policy()->clear_newly_granted();
    proposal.mutable_activate_policy()->clear_newly_granted_count();
    proposal.mutable_activate_policy()->clear_settings_changed();
  }
  return proposal;
}

// For people: a policy is compared here with the one in force, so that who decides need not believe
// the vault's summary.
absl::Status ShowProposal(Session& session, const v1::Proposal& proposal, std::ostream& out) {
  Renderer(OutputFormat::kTable, out, session.err()).Show(WithoutLists(proposal));
  if (!proposal.has_activate_policy()) return absl::OkStatus();
  const v1::Proposal::ActivatePolicy& act = proposal.activate_policy();
  return PrintProposedPolicy(session, act.tenant(), act.policy_sha256(), out);
}

// Shows what would be carried out and asks. Who approves has to have seen it.
absl::StatusOr<bool> Confirm(Session& session, const v1::Proposal& proposal) {
  if (absl::Status shown = ShowProposal(session, proposal, session.err()); !shown.ok()) {
    return shown;
  }
  session.err() << "Approve this act? Type yes: " << std::flush;
  std::string answer;
  std::getline(session.in(), answer);
  return answer == "yes";
}

struct ApproveFlags {
  std::string name;
  std::string sha256;
  bool yes = false;
};

absl::StatusOr<int> Approve(Session& session, const ApproveFlags& flags) {
  v1::ApproveProposalRequest approval;
  approval.set_name(flags.name);
  approval.set_sha256(flags.sha256);
  if (flags.sha256.empty()) {
    v1::GetProposalRequest get;
    get.set_name(flags.name);
    auto shown = Ask(session, &Connection::admin, &Admin::GetProposal, get);
    if (!shown.ok()) return shown.status();
    approval.set_sha256(shown->proposal().sha256());
    if (!flags.yes) {
      const absl::StatusOr<bool> confirmed = Confirm(session, shown->proposal());
      if (!confirmed.ok()) return confirmed.status();
      if (!*confirmed) return absl::CancelledError("not approved: the answer was not yes");
    }
  }
  auto response = Ask(session, &Connection::admin, &Admin::ApproveProposal, approval);
  if (!response.ok()) return response.status();
  session.render().Show(*response);
  return kExitOk;
}

absl::StatusOr<int> ShowOne(Session& session, const v1::GetProposalRequest& request) {
  auto response = Ask(session, &Connection::admin, &Admin::GetProposal, request);
  if (!response.ok()) return response.status();
  if (session.json()) {
    session.render().Show(*response);
    return kExitOk;
  }
  session.render().Receipt(*response);
  absl::Status shown = ShowProposal(session, response->proposal(), session.out());
  if (!shown.ok()) return shown;
  return kExitOk;
}

}  // namespace

void AddApprovalsCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "approvals", "Acts that need a second person");

  auto list = std::make_shared<v1::ListProposalsRequest>();
  auto limit = std::make_shared<int64_t>(kDefaultLimit);
  list->set_state(v1::PROPOSAL_STATE_OPEN);
  CLI::App* command =
      AddCommand(*group, "list", "Lists proposals that wait for a decision", session,
                 AskAndList(list, limit, &Connection::admin, &Admin::ListProposals, "proposals",
                            {{"NAME", "name"},
                             {"STATE", "state"},
                             {"PROPOSER", "proposer"},
                             {"EXPIRES", "expire_time"},
                             {"ROLE", "grant_role"},
                             {"POLICY", "activate_policy.policy_sha256"},
                             {"IDENTITY", "add_identity"},
                             {"ENABLE", "enable_principal"},
                             {"DESTROY", "destroy_epoch"},
                             {"HANDOVER", "hand_over"},
                             {"JOB", "plan_job"}}));
  CLI::Option* state =
      AddEnum<v1::ProposalState>(*command, "--state", "Only these (open)",
                                 [list](v1::ProposalState value) { list->set_state(value); });
  command
      ->add_flag_callback(
          "--all", [list] { list->set_state(v1::PROPOSAL_STATE_UNSPECIFIED); }, "All of them")
      ->excludes(state);
  AddLimit(*command, limit.get());

  auto show = std::make_shared<v1::GetProposalRequest>();
  command = AddCommand(*group, "show", "Shows a proposal with the hash that an approval names",
                       session, [show](Session& s) { return ShowOne(s, *show); });
  AddProposalName(*command, show->mutable_name());

  auto approve = std::make_shared<ApproveFlags>();
  command = AddCommand(*group, "approve", "Shows an act, asks, approves and carries it out",
                       session, [approve](Session& s) { return Approve(s, *approve); });
  AddProposalName(*command, &approve->name);
  command->add_option("--sha256", approve->sha256,
                      "Hash of what was read elsewhere: then nothing is asked");
  command->add_flag("--yes", approve->yes, "Do not ask; for scripts");

  auto reject = std::make_shared<v1::RejectProposalRequest>();
  command = AddCommand(*group, "reject", "Rejects a proposal, or withdraws the own", session,
                       AskAndShow(reject, &Connection::admin, &Admin::RejectProposal));
  AddProposalName(*command, reject->mutable_name());
}

}  // namespace piivault::ops
