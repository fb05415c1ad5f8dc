#ifndef PIIVAULT_VAULT_STATE_REQUEST_SWEEPER_H_
#define PIIVAULT_VAULT_STATE_REQUEST_SWEEPER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// Removes idempotency rows whose 24 h are over, a bounded number at a time.
//
// Does not: wait or commit; somebody's thread commits what Step() returns, before the next Step().
// Thread-compatible.
class RequestSweeper {
 public:
  // `engine` is borrowed and must outlive the sweeper.
  explicit RequestSweeper(const storage::Engine& engine) : engine_(engine) {}

  // Reads the next rows; the commit removes the expired ones among them, on the condition that they
  // did not change. Null where there is nothing to remove among them. Rows that do not open are
  // left alone: whoever looks one up is told so.
  [[nodiscard]] absl::StatusOr<std::unique_ptr<storage::Commit>> Step(const KeySnapshot& keys,
                                                                      absl::Time now);
  // Whether the last step reached the end; the next begins anew.
  bool at_end() const { return next_.empty(); }

 private:
  const storage::Engine& engine_;
  std::string next_;  // key bytes where the next step begins; empty for the first row
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_REQUEST_SWEEPER_H_
