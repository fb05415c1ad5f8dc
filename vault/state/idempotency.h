#ifndef PIIVAULT_VAULT_STATE_IDEMPOTENCY_H_
#define PIIVAULT_VAULT_STATE_IDEMPOTENCY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

inline constexpr absl::Duration kRequestIdLifetime = absl::Hours(24);
inline constexpr size_t kMaxRequestIdSize = 64;

// What is known of one request id: the row (principal, method, request_id) that makes a call take
// effect once (I15).
//
// Use: Find() after authorization; put `cell` in the read set; where `response` is there, decide
// the call as if it were new and answer with it instead of writing; otherwise write what Remember()
// returns in the same commit as the effect.
struct RequestRecord {
  storage::Key key;
  uint64_t cell = 0;
  // Serialized response of the call that took effect; absent for a new request id.
  std::optional<std::string> response;

  uint64_t row_version = 0;  // of the row that is there, expired or not
  std::string request_hmac;

  // `request_id` is 1 to 64 visible ASCII characters, otherwise INVALID_ARGUMENT
  // (kMalformedRequest). `request` is the whole request as received; its own request_id is part of
  // it. FAILED_PRECONDITION (kRequestIdReused) where the id was used for other content; DATA_LOSS
  // for a row that does not open; the engine's errors. `principal` without `principals/`; `method`
  // as in entries.
  [[nodiscard]] static absl::StatusOr<RequestRecord> Find(
      const storage::Engine& engine, const KeySnapshot& keys, std::string_view principal,
      std::string_view method, std::string_view request_id,
      const google::protobuf::MessageLite& request, absl::Time now);

  // The row that remembers the call for 24 h. `response` holds names, tokens and versions only,
  // never a value, and no receipt.
  storage::Mutation Remember(const KeySnapshot& keys, RandomSource& random,
                             const google::protobuf::MessageLite& response, absl::Time now) const;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_IDEMPOTENCY_H_
