#ifndef PIIVAULT_VAULT_KEYS_RECORD_CODEC_H_
#define PIIVAULT_VAULT_KEYS_RECORD_CODEC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "piivault/storage/v1/record.pb.h"
#include "storage/keys.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// Which record, in the vault of the snapshot at hand.
struct RecordIdentity {
  storage::TenantId tenant = 0;
  storage::Id128 subject;
  storage::Id128 record;
};

// What a write of one record version stores.
struct EncryptedRecord {
  std::string row;        // Table::kRecord
  std::string wrap_row;   // Table::kWrap, at WrapKey(..., version)
  uint32_t epoch = 0;     // that the wrap is under
  Sha256Digest digest{};  // of `row`
};

// Encrypts one version of a record under a fresh data key that seals nothing else.
// `header.fields(i)` describes `values[i]`; ordinals and the version are filled in here. The value
// of a field marked absent is not stored. INVALID_ARGUMENT: counts differ, more than 65,534 fields,
// or a field without name or with a token of other than 0 or 16 bytes. FAILED_PRECONDITION: the
// tenant has no key in the active epoch.
[[nodiscard]] absl::StatusOr<EncryptedRecord> EncryptRecord(
    const KeySnapshot& keys, RandomSource& random, const RecordIdentity& identity, uint64_t version,
    storage::v1::RecordHeader header, absl::Span<const std::string_view> values);

// Reads one version of a record: the header at once, fields one by one as they are asked for.
//
// Guarantees: everything handed out was sealed for this record, version, type, field and token;
// anything else is DATA_LOSS. The data key is wiped with the object.
// Does not: know whether the row is the newest version.
// Ownership: borrows the row's bytes. Thread-compatible.
class RecordReader {
 public:
  // The version a record row says it has, which names its wrap row. Believe it after Open().
  [[nodiscard]] static absl::StatusOr<uint64_t> PeekVersion(std::string_view row);

  // REQUIRES: `row` outlives the reader.
  [[nodiscard]] static absl::StatusOr<RecordReader> Open(const KeySnapshot& keys,
                                                         const RecordIdentity& identity,
                                                         std::string_view row,
                                                         std::string_view wrap_row);
  RecordReader(RecordReader&&) = default;
  RecordReader& operator=(RecordReader&&) = default;
  ~RecordReader();

  const storage::v1::RecordHeader& header() const { return header_; }
  uint64_t version() const { return header_.version(); }
  // The field's place in header().fields(), or null. Linear: records have few fields.
  const storage::v1::FieldHeader* FindField(std::string_view name) const;

  // The value of header().fields(i). NOT_FOUND for an absent field.
  [[nodiscard]] absl::StatusOr<SecretBytes> DecryptField(const storage::v1::FieldHeader& field);

 private:
  RecordReader(AesGcmKey key, const storage::Id128& vault_id, const RecordIdentity& identity);

  AesGcmKey key_;
  storage::Id128 vault_id_;
  RecordIdentity identity_;
  storage::v1::RecordHeader header_;
  std::vector<std::string_view> parts_;  // by ordinal, into the borrowed row
};

inline Sha256Digest RecordDigest(std::string_view row) { return Sha256(row); }

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_RECORD_CODEC_H_
