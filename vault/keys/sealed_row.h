#ifndef PIIVAULT_VAULT_KEYS_SEALED_ROW_H_
#define PIIVAULT_VAULT_KEYS_SEALED_ROW_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"
#include "storage/keys.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// The one codec for rows that decide. A sealed row's value is
//   format (u8) ‖ epoch (u32) ‖ row version (u64) ‖ XAES-256-GCM nonce ‖ ciphertext ‖ tag
// under the epoch's state key, with vault, table, key and row version as associated data. So a row
// works under its own key, at its own version, in its own vault, and nowhere else. It does not say
// whether a newer version existed: versions are for that.

struct RowPlaintext {
  uint32_t epoch = 0;
  uint64_t version = 0;
  SecretBytes bytes;
};

// Under the snapshot's active epoch.
std::string SealRowBytes(const KeySnapshot& keys, RandomSource& random, const storage::Key& key,
                         uint64_t version, std::string_view plaintext);
// DATA_LOSS for anything that was not sealed for this key.
[[nodiscard]] absl::StatusOr<RowPlaintext> OpenRowBytes(const KeySnapshot& keys,
                                                        const storage::Key& key,
                                                        std::string_view value);

// The same bytes and version under the active epoch: what a rotation does to a row.
[[nodiscard]] absl::StatusOr<std::string> ResealRow(const KeySnapshot& keys, RandomSource& random,
                                                    const storage::Key& key,
                                                    std::string_view value);

// Epoch of a sealed row, without opening it: tells a rotation what is left to do. DATA_LOSS for
// what cannot be a sealed row.
[[nodiscard]] absl::StatusOr<uint32_t> SealedRowEpoch(std::string_view value);

// A row's message and where it stood.
template <typename T>
struct OpenedRow {
  uint32_t epoch = 0;
  uint64_t version = 0;
  T message;
};

// Serializes into wiped memory. REQUIRES: `message` has less than 1 GiB.
SecretBytes SerializeSecret(const google::protobuf::MessageLite& message);

template <typename T>
std::string SealRow(const KeySnapshot& keys, RandomSource& random, const storage::Key& key,
                    uint64_t version, const T& message) {
  return SealRowBytes(keys, random, key, version, SerializeSecret(message).view());
}

template <typename T>
[[nodiscard]] absl::StatusOr<OpenedRow<T>> OpenRow(const KeySnapshot& keys, const storage::Key& key,
                                                   std::string_view value) {
  absl::StatusOr<RowPlaintext> plaintext = OpenRowBytes(keys, key, value);
  if (!plaintext.ok()) return plaintext.status();
  OpenedRow<T> row;
  row.epoch = plaintext->epoch;
  row.version = plaintext->version;
  if (!row.message.ParseFromArray(plaintext->bytes.data(),
                                  static_cast<int>(plaintext->bytes.size()))) {
    return DecryptionFailed();
  }
  return row;
}

// The message of a row that says its version itself. DATA_LOSS also where it says another one.
template <typename T>
[[nodiscard]] absl::StatusOr<T> OpenVersionedRow(const KeySnapshot& keys, const storage::Key& key,
                                                 std::string_view value) {
  absl::StatusOr<OpenedRow<T>> row = OpenRow<T>(keys, key, value);
  if (!row.ok()) return row.status();
  if (row->version != row->message.version()) return DecryptionFailed();
  return std::move(row->message);
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_SEALED_ROW_H_
