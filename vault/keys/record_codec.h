#ifndef PIIVAULT_VAULT_KEYS_RECORD_CODEC_H_
#define PIIVAULT_VAULT_KEYS_RECORD_CODEC_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "piivault/storage/v1/record.pb.h"
#include "storage/keys.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/byte_io.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// Which record, in the vault of the snapshot at hand.
struct RecordIdentity {
  storage::TenantId tenant = 0;
  storage::Id128 subject;
  storage::Id128 record;
};

// The associated data of a record version's parts: what is the same for all of them is put
// together once. Thread-compatible.
class PartContext {
 public:
  PartContext(const storage::Id128& vault_id, const RecordIdentity& identity);
  // Of one part, until the next call. The header is the part without type, field and token: its
  // reader learns them from it.
  std::string_view Of(std::string_view type, std::string_view field, uint64_t version,
                      std::string_view token, KeyClass key_class = KeyClass::kNormal,
                      bool earlier = false);

 private:
  MemberList members_;
  size_t shared_;  // bytes of it
};

// What a write of one record version stores.
struct EncryptedRecord {
  std::string row;        // Table::kRecord
  std::string wrap_row;   // Table::kWrap, at WrapKey(..., version)
  uint32_t epoch = 0;     // that the wrap is under
  Sha256Digest digest{};  // of `row`
};

// Encrypts one version of a record under a fresh data key that seals nothing else, values of fields
// marked important under another one. `header->fields(i)` describes `values[i]`, and
// `header->earlier(i)` `earlier[i]`; ordinals and the version are filled in here. The value of a
// field marked absent is not stored. INVALID_ARGUMENT: counts differ, more than 65,534 fields and
// earlier values, or one without name or a field with a token of other than 0 or 16 bytes.
// FAILED_PRECONDITION: the tenant has no key in the active epoch.
[[nodiscard]] absl::StatusOr<EncryptedRecord> EncryptRecord(
    const KeySnapshot& keys, RandomSource& random, const RecordIdentity& identity, uint64_t version,
    storage::v1::RecordHeader* header, absl::Span<const std::string_view> values,
    absl::Span<const std::string_view> earlier = {});

// A field of a record version as its reader finds it. The views borrow from the reader, and last
// until it is moved.
struct RecordField {
  std::string_view name;
  std::string_view token;
  storage::v1::TokenKind token_kind = storage::v1::TOKEN_KIND_UNSPECIFIED;
  uint32_t ordinal = 0;
  bool absent = false;
  KeyClass key_class = KeyClass::kNormal;
  bool one_way = false;  // its value is a StoredCredential, and never shown
  bool earlier = false;  // A value that the field had before.
};

// Reads one version of a record: the header at once, fields one by one as they are asked for.
// What a read needs of the header is taken from its bytes as they are; the message is made only for
// who asks for it.
//
// Guarantees: everything handed out was sealed for this record, version, type, field, token and key
// class; anything else is DATA_LOSS. The key for important fields is unwrapped when the first of
// them is asked for, never before. The data keys are wiped with the object.
// Does not: know whether the row is the newest version.
// Ownership: borrows the row's bytes and the key snapshot. One thread at a time, also for const
// methods.
class RecordReader {
 public:
  // The version a record row says it has, which names its wrap row. Believe it after Open().
  [[nodiscard]] static absl::StatusOr<uint64_t> PeekVersion(std::string_view row);

  // REQUIRES: `keys` and `row` outlive the reader.
  [[nodiscard]] static absl::StatusOr<RecordReader> Open(const KeySnapshot& keys,
                                                         const RecordIdentity& identity,
                                                         std::string_view row,
                                                         std::string_view wrap_row);
  RecordReader(RecordReader&&) = default;
  RecordReader& operator=(RecordReader&&) = default;
  ~RecordReader();

  std::string_view type() const { return View(type_); }
  uint64_t version() const { return version_; }
  std::string_view record_ref() const { return View(record_ref_); }
  // Linear: records have few fields.
  std::optional<RecordField> Field(std::string_view name) const;
  // In the header's order. REQUIRES: i < field_count().
  size_t field_count() const { return fields_.size(); }
  RecordField FieldAt(size_t i) const;

  const storage::v1::RecordHeader& header() const;
  // The field's place in header().fields(), or null.
  const storage::v1::FieldHeader* FindField(std::string_view name) const;

  // The value of the field. NOT_FOUND for an absent one.
  [[nodiscard]] absl::StatusOr<SecretBytes> DecryptField(const RecordField& field);
  [[nodiscard]] absl::StatusOr<SecretBytes> DecryptField(const storage::v1::FieldHeader& field) {
    return DecryptField(RecordField{field.name(),
                                    field.token(),
                                    {},
                                    field.ordinal(),
                                    field.absent(),
                                    KeyClassOf(field.important()),
                                    field.one_way()});
  }
  // An earlier value of this version's header.
  [[nodiscard]] absl::StatusOr<SecretBytes> DecryptEarlier(
      const storage::v1::EarlierValue& earlier) {
    return DecryptField(RecordField{earlier.name(),
                                    {},
                                    {},
                                    earlier.ordinal(),
                                    false,
                                    KeyClassOf(earlier.important()),
                                    false,
                                    true});
  }

 private:
  // A place in header_bytes_, which moves with the reader.
  struct Place {
    uint32_t begin = 0;
    uint32_t size = 0;
  };
  struct FieldPlace {
    Place name;
    Place token;
    int token_kind = 0;
    uint32_t ordinal = 0;
    bool absent = false;
    KeyClass key_class = KeyClass::kNormal;
    bool one_way = false;
  };
  // Of an earlier value: what shows that each part and key is described. The rest is asked for
  // seldom, and of the message.
  struct EarlierPlace {
    uint32_t ordinal = 0;
    KeyClass key_class = KeyClass::kNormal;
  };
  // Of a version that has a second data key.
  struct Important {
    const KeySnapshot& keys;
    RecordIdentity identity;
    std::string wrap_row;
    std::optional<AesGcmKey> key;  // from the first use on
  };
  using Parts = absl::InlinedVector<std::string_view, 12>;

  RecordReader(AesGcmKey key, const KeySnapshot& keys, const RecordIdentity& identity, Parts parts);
  static bool ParseRow(std::string_view row, uint64_t* version, Parts* parts);
  // REQUIRES: `field.ordinal` is that of a part.
  absl::StatusOr<SecretBytes> OpenPart(AesGcmKey& key, std::string_view type,
                                       const RecordField& field);
  absl::Status UnwrapImportant();
  // Whether the header is one, and describes exactly the parts and keys that are there.
  bool IndexHeader(uint64_t version);
  bool IndexField(std::string_view bytes);
  bool IndexEarlier(std::string_view bytes);
  std::string_view View(Place place) const {
    return header_bytes_.view().substr(place.begin, place.size);
  }
  Place PlaceOf(std::string_view view) const;

  AesGcmKey key_;
  std::unique_ptr<Important> important_;  // null where all values are under `key_`
  PartContext context_;
  Parts parts_;  // by ordinal, into the borrowed row
  uint64_t version_ = 0;
  SecretBytes header_bytes_;
  Place type_;
  Place record_ref_;
  absl::InlinedVector<FieldPlace, 10> fields_;
  std::vector<EarlierPlace> earlier_;
  mutable std::unique_ptr<storage::v1::RecordHeader> header_;  // made at first use
};

inline Sha256Digest RecordDigest(std::string_view row) { return Sha256(row); }

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_RECORD_CODEC_H_
