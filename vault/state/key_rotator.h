#ifndef PIIVAULT_VAULT_STATE_KEY_ROTATOR_H_
#define PIIVAULT_VAULT_STATE_KEY_ROTATOR_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace piivault::vault {

// What administration asks of the background work on epochs. No method waits for the disk or for
// the work itself. Thread-safe.
class KeyRotator {
 public:
  virtual ~KeyRotator() = default;

  // The id that the next epoch will have. FAILED_PRECONDITION while a rotation runs.
  [[nodiscard]] virtual absl::StatusOr<uint32_t> NextEpoch() const = 0;
  // Asks for a rotation: a new epoch becomes active soon after, and re-wrapping goes on behind it.
  // Called when the entry of the request is durable; nothing happens if a rotation runs already.
  virtual void StartRotation() = 0;

  // Rows that the running rotation has still to do; 0 where none runs.
  virtual uint64_t backlog() const = 0;
  // Rows that hang on an epoch, as last counted; nullopt where nobody counted.
  virtual std::optional<uint64_t> LiveRows(uint32_t epoch) const = 0;

  // Whether an epoch could be destroyed before its backups are out of retention:
  // FAILED_PRECONDITION while it is active or a row hangs on it (I13), as last counted, one that
  // does not open too; NOT_FOUND, OK again for a destroyed one.
  [[nodiscard]] virtual absl::Status CheckDestroy(uint32_t epoch) const = 0;
  // Destroys it in the background, after checking again. Called when the approval is durable: the
  // approved proposal says what is to be done, until it expires.
  virtual void StartDestroy(uint32_t epoch) = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_KEY_ROTATOR_H_
