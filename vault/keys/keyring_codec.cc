#include "vault/keys/keyring_codec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vault/crypto/hkdf.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

using storage::v1::KeyringBody;
using storage::v1::KeyringEpoch;
using storage::v1::KeyringFile;
using storage::v1::KeyringSlot;

constexpr uint32_t kFormatVersion = 1;
constexpr size_t kKeySize = 32;
constexpr size_t kSaltSize = 32;
constexpr size_t kMinCredential = 16;

HmacKey::Tag FileMac(const KeyringFile& file, const RootKeys& keys) {
  MemberList members("piivault keyring file");
  members.AddU32(file.format_version()).Add(file.body());
  return keys.file_mac.Compute(members.view());
}

storage::v1::KeyringSlotKind ToProto(SlotKind kind) {
  switch (kind) {
    case SlotKind::kPassphrase:
      return storage::v1::KEYRING_SLOT_KIND_PASSPHRASE;
    case SlotKind::kCredential:
      return storage::v1::KEYRING_SLOT_KIND_CREDENTIAL;
    case SlotKind::kRecovery:
      return storage::v1::KEYRING_SLOT_KIND_RECOVERY;
  }
  return storage::v1::KEYRING_SLOT_KIND_UNSPECIFIED;
}

absl::Time FromMicros(int64_t micros) {
  return micros == 0 ? absl::InfiniteFuture() : absl::FromUnixMicros(micros);
}

MemberList SlotAssociatedData(std::string_view vault_id, const KeyringSlot& slot) {
  MemberList members("piivault keyring slot");
  members.Add(vault_id)
      .AddU32(slot.id())
      .AddU32(static_cast<uint32_t>(slot.kind()))
      .Add(slot.salt())
      .AddU64(slot.scrypt_n())
      .AddU32(slot.scrypt_r())
      .AddU32(slot.scrypt_p());
  return members;
}

MemberList EpochAssociatedData(std::string_view vault_id, uint32_t epoch) {
  MemberList members("piivault keyring epoch");
  members.Add(vault_id).AddU32(epoch);
  return members;
}

absl::StatusOr<SecretBytes> SlotKey(const KeyringSlot& slot, const SlotSecret& secret) {
  if (secret.kind == SlotKind::kPassphrase) {
    return Scrypt(secret.secret.view(), slot.salt(),
                  {slot.scrypt_n(), slot.scrypt_r(), slot.scrypt_p()}, kKeySize);
  }
  return HkdfSha256(secret.secret.view(), slot.salt(), "piivault keyring slot key", kKeySize);
}

absl::Status Damaged(const char* what) {
  return absl::DataLossError(absl::StrCat("keyring file is damaged: ", what));
}

bool WellFormed(const KeyringBody& body) {
  if (body.vault_id().size() != storage::Id128::kSize || body.generation() == 0) return false;
  if (body.slots().empty() || body.epochs().empty()) return false;
  uint32_t last = 0;
  for (const KeyringEpoch& epoch : body.epochs()) {
    if (epoch.id() <= last || epoch.fingerprint().size() != EpochFingerprint().size()) return false;
    const bool destroyed = epoch.status() == storage::v1::KEYRING_EPOCH_STATUS_DESTROYED;
    const bool known = destroyed || epoch.status() == storage::v1::KEYRING_EPOCH_STATUS_ACTIVE ||
                       epoch.status() == storage::v1::KEYRING_EPOCH_STATUS_RETIRED;
    if (!known || destroyed != epoch.wrapped_key().empty()) return false;
    last = epoch.id();
  }
  return true;
}

}  // namespace

RootKeys::RootKeys(const SecretBytes& root_key)
    : epoch_wrap(HkdfSha256(root_key.view(), "", "piivault root epoch wrap", kKeySize).view()),
      file_mac(HkdfSha256(root_key.view(), "", "piivault root keyring mac", kKeySize).view()) {}

absl::StatusOr<ParsedKeyring> ParseKeyring(std::string_view bytes) {
  ParsedKeyring keyring;
  if (!keyring.file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Damaged("it does not parse");
  }
  if (keyring.file.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError("keyring file has a newer format than this program knows");
  }
  if (keyring.file.format_version() != kFormatVersion) return Damaged("its format is unknown");
  if (!ConstantTimeEquals(AsView(Sha256(keyring.file.body())), keyring.file.body_sha256())) {
    return Damaged("its checksum is wrong");
  }
  if (!keyring.body.ParseFromString(keyring.file.body()) || !WellFormed(keyring.body)) {
    return Damaged("its contents are not well-formed");
  }
  return keyring;
}

std::string SerializeKeyring(const KeyringBody& body, const RootKeys& keys) {
  KeyringFile file;
  file.set_format_version(kFormatVersion);
  body.SerializeToString(file.mutable_body());
  file.set_body_sha256(std::string(AsView(Sha256(file.body()))));
  file.set_mac(std::string(AsView(FileMac(file, keys))));
  return file.SerializeAsString();
}

absl::Status CheckAuthentic(const ParsedKeyring& keyring, const RootKeys& keys) {
  if (!ConstantTimeEquals(AsView(FileMac(keyring.file, keys)), keyring.file.mac())) {
    return absl::DataLossError("keyring file was altered: it is not authentic under its root key");
  }
  for (const KeyringEpoch& epoch : keyring.body.epochs()) {
    if (epoch.wrapped_key().empty()) continue;
    auto key = UnwrapEpochKey(keyring.body.vault_id(), epoch, keys);
    if (!key.ok()) return key.status();
  }
  return absl::OkStatus();
}

absl::Status CheckSlotSecret(const SlotSecret& secret) {
  const size_t size = secret.secret.size();
  switch (secret.kind) {
    case SlotKind::kPassphrase:
      if (size > 0) return absl::OkStatus();
      return absl::InvalidArgumentError("the passphrase is empty");
    case SlotKind::kCredential:
      if (size >= kMinCredential) return absl::OkStatus();
      return absl::InvalidArgumentError("the credential has fewer than 16 bytes");
    case SlotKind::kRecovery:
      if (size == kKeySize) return absl::OkStatus();
      return absl::InvalidArgumentError("the recovery key does not have 32 bytes");
  }
  return absl::InvalidArgumentError("unknown kind of slot");
}

absl::StatusOr<KeyringSlot> MakeSlot(std::string_view vault_id, uint32_t id,
                                     const SlotSecret& secret, const ScryptParameters& scrypt,
                                     absl::Time now, const SecretBytes& root_key,
                                     RandomSource& random) {
  if (absl::Status status = CheckSlotSecret(secret); !status.ok()) return status;
  KeyringSlot slot;
  slot.set_id(id);
  slot.set_kind(ToProto(secret.kind));
  slot.set_salt(std::string(random.Bytes(kSaltSize).view()));
  if (secret.kind == SlotKind::kPassphrase) {
    slot.set_scrypt_n(scrypt.n);
    slot.set_scrypt_r(scrypt.r);
    slot.set_scrypt_p(scrypt.p);
  }
  slot.set_created_micros(absl::ToUnixMicros(now));
  auto key = SlotKey(slot, secret);
  if (!key.ok()) return key.status();
  XaesKey(key->view())
      .Seal(random, SlotAssociatedData(vault_id, slot).view(), root_key.view(),
            slot.mutable_wrapped_root_key());
  return slot;
}

absl::StatusOr<SecretBytes> OpenSlots(const KeyringBody& body, const SlotSecret& secret) {
  for (const KeyringSlot& slot : body.slots()) {
    if (slot.kind() != ToProto(secret.kind)) continue;
    auto key = SlotKey(slot, secret);
    // Parameters that no program of ours wrote: this slot opens nothing.
    if (!key.ok()) continue;
    auto root_key =
        XaesKey(key->view())
            .Open(SlotAssociatedData(body.vault_id(), slot).view(), slot.wrapped_root_key());
    if (root_key.ok() && root_key->size() == kKeySize) return root_key;
  }
  return DecryptionFailed();
}

KeyringEpoch MakeEpoch(std::string_view vault_id, uint32_t id, absl::Time now, const RootKeys& keys,
                       RandomSource& random) {
  const SecretBytes key = random.Bytes(kKeySize);
  const EpochFingerprint fingerprint = FingerprintEpochKey(key);
  KeyringEpoch epoch;
  epoch.set_id(id);
  epoch.set_status(storage::v1::KEYRING_EPOCH_STATUS_ACTIVE);
  epoch.set_fingerprint(fingerprint.data(), fingerprint.size());
  epoch.set_created_micros(absl::ToUnixMicros(now));
  keys.epoch_wrap.Seal(random, EpochAssociatedData(vault_id, id).view(), key.view(),
                       epoch.mutable_wrapped_key());
  return epoch;
}

absl::StatusOr<SecretBytes> UnwrapEpochKey(std::string_view vault_id, const KeyringEpoch& epoch,
                                           const RootKeys& keys) {
  auto key =
      keys.epoch_wrap.Open(EpochAssociatedData(vault_id, epoch.id()).view(), epoch.wrapped_key());
  if (!key.ok()) return key.status();
  const EpochFingerprint fingerprint = FingerprintEpochKey(*key);
  if (!std::equal(fingerprint.begin(), fingerprint.end(), epoch.fingerprint().begin(),
                  epoch.fingerprint().end(),
                  [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); })) {
    return absl::DataLossError("an epoch's key is not the one its fingerprint says");
  }
  return key;
}

SlotInfo ToSlotInfo(const KeyringSlot& slot) {
  SlotInfo info;
  info.id = slot.id();
  info.kind = slot.kind() == storage::v1::KEYRING_SLOT_KIND_PASSPHRASE   ? SlotKind::kPassphrase
              : slot.kind() == storage::v1::KEYRING_SLOT_KIND_CREDENTIAL ? SlotKind::kCredential
                                                                         : SlotKind::kRecovery;
  info.created = absl::FromUnixMicros(slot.created_micros());
  return info;
}

EpochInfo ToEpochInfo(const KeyringEpoch& epoch) {
  EpochInfo info;
  info.id = epoch.id();
  info.status = epoch.status() == storage::v1::KEYRING_EPOCH_STATUS_ACTIVE ? EpochStatus::kActive
                : epoch.status() == storage::v1::KEYRING_EPOCH_STATUS_RETIRED
                    ? EpochStatus::kRetired
                    : EpochStatus::kDestroyed;
  std::copy_n(epoch.fingerprint().begin(), info.fingerprint.size(), info.fingerprint.begin());
  info.created = absl::FromUnixMicros(epoch.created_micros());
  info.retired = FromMicros(epoch.retired_micros());
  info.destroyed = FromMicros(epoch.destroyed_micros());
  return info;
}

absl::Status CheckFloor(const KeyringBody& body, const KeyringFloor& floor) {
  if (!floor.vault_id.is_zero() && body.vault_id() != floor.vault_id.view()) {
    return absl::FailedPreconditionError("the keyring is another vault's");
  }
  if (body.generation() < floor.generation) {
    return absl::FailedPreconditionError(
        absl::StrCat("the keyring was rolled back: it has generation ", body.generation(),
                     ", the database recorded ", floor.generation));
  }
  for (const KeyringFloor::Epoch& recorded : floor.epochs) {
    const auto epoch = std::find_if(body.epochs().begin(), body.epochs().end(),
                                    [&](const KeyringEpoch& e) { return e.id() == recorded.id; });
    if (epoch == body.epochs().end()) {
      return absl::FailedPreconditionError(
          absl::StrCat("the keyring lacks epoch ", recorded.id, ", which the database recorded"));
    }
    const EpochInfo info = ToEpochInfo(*epoch);
    if (info.fingerprint != recorded.fingerprint) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the keyring has another key for epoch ", recorded.id, " than the database recorded"));
    }
    if (recorded.destroyed && info.status != EpochStatus::kDestroyed) {
      return absl::FailedPreconditionError(
          absl::StrCat("the keyring was rolled back: it has the key of epoch ", recorded.id,
                       ", which the database recorded as destroyed"));
    }
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
