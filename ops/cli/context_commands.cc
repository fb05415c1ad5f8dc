#include <memory>

#include "ops/cli/arguments.h"
#include "ops/cli/commands.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

void AddSet(CLI::App& group, Session& session) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      group, "set", "Makes or changes a context from --address, --ca, --cert, --key, --tenant",
      session, [name](Session& s) -> absl::StatusOr<int> {
        absl::StatusOr<ProfileStore> store = s.LoadProfiles();
        if (!store.ok()) return store.status();
        store->Set(*name, s.flags.profile);
        if (absl::Status status = store->Save(); !status.ok()) return status;
        return kExitOk;
      });
  command->add_option("NAME", *name, "Context")->required();
}

void AddUse(CLI::App& group, Session& session) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = AddCommand(group, "use", "Makes a context the current one", session,
                                 [name](Session& s) -> absl::StatusOr<int> {
                                   absl::StatusOr<ProfileStore> store = s.LoadProfiles();
                                   if (!store.ok()) return store.status();
                                   absl::Status status = store->Use(*name);
                                   if (status.ok()) status = store->Save();
                                   if (!status.ok()) return status;
                                   return kExitOk;
                                 });
  command->add_option("NAME", *name, "Context")->required();
}

void AddRemove(CLI::App& group, Session& session) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = AddCommand(group, "remove", "Forgets a context; its files stay", session,
                                 [name](Session& s) -> absl::StatusOr<int> {
                                   absl::StatusOr<ProfileStore> store = s.LoadProfiles();
                                   if (!store.ok()) return store.status();
                                   absl::Status status = store->Remove(*name);
                                   if (status.ok()) status = store->Save();
                                   if (!status.ok()) return status;
                                   return kExitOk;
                                 });
  command->add_option("NAME", *name, "Context")->required();
}

void AddList(CLI::App& group, Session& session) {
  AddCommand(group, "list", "Lists contexts; * marks the current one", session,
             [](Session& s) -> absl::StatusOr<int> {
               absl::StatusOr<ProfileStore> store = s.LoadProfiles();
               if (!store.ok()) return store.status();
               std::vector<std::vector<std::string>> rows;
               for (const auto& [name, profile] : store->profiles()) {
                 rows.push_back({name == store->current() ? "*" : "", name, profile.address,
                                 profile.tenant, profile.certificate});
               }
               PrintTable({"", "CONTEXT", "ADDRESS", "TENANT", "CERTIFICATE"}, rows, s.out());
               return kExitOk;
             });
}

void AddShow(CLI::App& group, Session& session) {
  AddCommand(group, "show", "Shows what is in force: flags over environment over context", session,
             [](Session& s) -> absl::StatusOr<int> {
               absl::StatusOr<Profile> profile = s.ResolveProfile();
               if (!profile.ok()) return profile.status();
               s.out() << "address: " << profile->address << "\nca: " << profile->ca
                       << "\ncertificate: " << profile->certificate << "\nkey: " << profile->key
                       << "\nserver_name: " << profile->server_name
                       << "\ntenant: " << profile->tenant << "\n";
               return kExitOk;
             });
}

}  // namespace

void AddContextCommands(CLI::App& root, Session& session) {
  CLI::App* group = AddGroup(root, "context", "Contexts: where a vault is and as whom to call it");
  AddSet(*group, session);
  AddUse(*group, session);
  AddRemove(*group, session);
  AddList(*group, session);
  AddShow(*group, session);
}

}  // namespace piivault::ops
