#include <memory>
#include <string>
#include <vector>

#include "ops/cli/calls.h"
#include "ops/cli/commands.h"

namespace piivault::ops {
namespace {

using Admin = v1::AdminService::Stub;

void AddDestroy(CLI::App& group, Session& session) {
  auto request = std::make_shared<v1::CreateProposalRequest>();
  v1::Proposal::DestroyEpoch* act = request->mutable_proposal()->mutable_destroy_epoch();
  CLI::App* command =
      AddCommand(group, "destroy", "Proposes to destroy a retired epoch before its time", session,
                 AskAndShow(request, &Connection::admin, &Admin::CreateProposal));
  command
      ->add_option_function<uint32_t>(
          "EPOCH", [act](uint32_t epoch) { act->set_epoch(epoch); }, "Epoch")
      ->required();
  CLI::Option_group* backups = command->add_option_group("backups");
  backups->add_option_function<std::vector<std::string>>(
      "--backup",
      [act](const std::vector<std::string>& names) {
        act->mutable_backups()->Assign(names.begin(), names.end());
      },
      "A backup that this makes unreadable; name every one");
  backups->add_flag_callback(
      "--no-backups", [act] { act->set_no_backups(true); },
      "Says that no backup was made under this epoch");
  backups->require_option(1);
}

}  // namespace

void AddKeysCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "keys", "The keyring and its epochs");

  auto slots = std::make_shared<v1::ListKeyringSlotsRequest>();
  AddCommand(*group, "slots", "Lists what opens the keyring", session,
             AskAndShow(slots, &Connection::admin, &Admin::ListKeyringSlots));

  AddCommand(*group, "epochs", "Lists key epochs and what hangs on each", session,
             [](Session& s) -> absl::StatusOr<int> {
               auto response =
                   Ask(s, &Connection::admin, &Admin::ListEpochs, v1::ListEpochsRequest());
               if (!response.ok()) return response.status();
               s.render().List(*response, "epochs",
                               {{"EPOCH", "id"},
                                {"STATE", "state"},
                                {"BEGAN", "create_time"},
                                {"RETIRED", "retire_time"},
                                {"ROWS", "live_rows"},
                                {"DAMAGED", "damaged_rows"}});
               return kExitOk;
             });

  auto rotate = std::make_shared<v1::RotateEpochRequest>();
  AddCommand(*group, "rotate", "Starts a new epoch; re-wrapping goes on in the background", session,
             AskAndShow(rotate, &Connection::admin, &Admin::RotateEpoch));
  AddDestroy(*group, session);
}

void AddStatusCommand(CLI::App& root, Session& session) {
  auto request = std::make_shared<v1::GetVaultStatusRequest>();
  AddCommand(root, "status", "Shows what an operator needs to know of the vault", session,
             AskAndShow(request, &Connection::admin, &Admin::GetVaultStatus));
}

}  // namespace piivault::ops
