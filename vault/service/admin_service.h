#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_SERVICE_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/keyring.h"
#include "vault/service/method_table.h"
#include "vault/service/policy_comparisons.h"
#include "vault/service/session_limits.h"
#include "vault/state/key_rotator.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// How long a proposal waits for a second person.
inline constexpr absl::Duration kProposalLifetime = absl::Hours(7 * 24);

// What the handlers of AdminService borrow; outlives server and engine.
struct AdminDependencies {
  const storage::Engine& engine;
  StateStore& store;
  const KeyHierarchy& keys;
  const Keyring& keyring;
  KeyRotator& rotator;
  RandomSource& random;
  // Version of the program, for GetVaultStatus.
  std::string version;
  // GrpcServer::CancelStreams; may be empty. Must not block.
  std::function<int(const std::function<bool(std::string_view principal)>& whose)> cut_streams;
  // How many mirrors of the keyring there are, and how many of them are current; may be empty.
  struct Mirrors {
    int current = 0;
    int configured = 0;
  };
  std::function<Mirrors()> mirrors;
  // Of the server's connections; a policy that promises shorter ones is not put in force.
  SessionLimits sessions = {};
  // Of all calls; shared, because handlers have this struct as a constant.
  std::shared_ptr<PolicyComparisons> comparisons = std::make_shared<PolicyComparisons>();
};

// Gives every method of piivault.v1.AdminService its handler. The service must have been added, and
// `dependencies` must outlive the table.
[[nodiscard]] absl::Status RegisterAdminService(const AdminDependencies& dependencies,
                                                MethodTable* methods);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_SERVICE_H_
