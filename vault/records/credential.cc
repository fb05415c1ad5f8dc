#include "vault/records/credential.h"

#include "piivault/storage/v1/credential.pb.h"
#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {

SecretBytes SerializeCredential(const Credential& credential) {
  storage::v1::StoredCredential row;
  row.set_algorithm(storage::v1::CREDENTIAL_ALGORITHM_SCRYPT);
  row.set_salt(credential.salt);
  row.set_n(credential.cost.n);
  row.set_r(credential.cost.r);
  row.set_p(credential.cost.p);
  row.set_hash(std::string(credential.hash.view()));
  row.set_set_micros(absl::ToUnixMicros(credential.set_at));
  if (credential.holds_until != absl::InfiniteFuture()) {
    row.set_expire_micros(absl::ToUnixMicros(credential.holds_until));
  }
  SecretBytes bytes = SerializeSecret(row);
  Wipe(row.mutable_hash());
  return bytes;
}

absl::StatusOr<std::optional<Credential>> ReadCredential(std::string_view field,
                                                         LoadedRecord* record) {
  const std::optional<RecordField> stored = record->reader->Field(field);
  if (!stored.has_value() || stored->absent || !stored->one_way) return std::nullopt;
  const absl::StatusOr<SecretBytes> bytes = record->reader->DecryptField(*stored);
  if (!bytes.ok()) return bytes.status();
  storage::v1::StoredCredential row;
  const bool parsed = row.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()));
  Credential credential;
  credential.hash = SecretBytes::CopyOf(row.hash());
  Wipe(row.mutable_hash());
  if (!parsed || row.algorithm() != storage::v1::CREDENTIAL_ALGORITHM_SCRYPT ||
      row.salt().size() != kCredentialSaltSize || credential.hash.size() != kCredentialHashSize) {
    return DecryptionFailed();
  }
  credential.salt = row.salt();
  credential.cost = {row.n(), row.r(), row.p()};
  credential.set_at = absl::FromUnixMicros(row.set_micros());
  if (row.expire_micros() != 0) credential.holds_until = absl::FromUnixMicros(row.expire_micros());
  return credential;
}

}  // namespace piivault::vault
