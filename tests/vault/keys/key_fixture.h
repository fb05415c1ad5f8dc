#ifndef PIIVAULT_TESTS_VAULT_KEYS_KEY_FIXTURE_H_
#define PIIVAULT_TESTS_VAULT_KEYS_KEY_FIXTURE_H_

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "vault/crypto/random.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/keyring.h"
#include "vault/keys/record_codec.h"

namespace piivault::vault {

// The same bytes in every run: SHA-256 over seed and a counter. Not random at all; for golden files
// and for making two things under one key on purpose.
class FixedRandom : public RandomSource {
 public:
  explicit FixedRandom(std::string_view seed) : seed_(seed) {}

  void Fill(absl::Span<uint8_t> out) override {
    for (uint8_t& byte : out) {
      if (used_ == block_.size()) {
        block_ = Sha256(seed_, std::to_string(counter_++));
        used_ = 0;
      }
      byte = block_[used_++];
    }
  }

 private:
  const std::string seed_;
  uint64_t counter_ = 0;
  Sha256Digest block_{};
  size_t used_ = block_.size();
};

// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "piivault-keys-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

inline storage::Id128 IdOf(uint8_t fill) {
  storage::Id128 id;
  id.bytes.fill(fill);
  return id;
}

inline constexpr ScryptParameters kCheapScrypt = {2, 1, 1};
inline const absl::Time kTestTime = absl::FromUnixSeconds(1'700'000'000);

inline SlotSecret TestPassphrase(std::string_view text = "correct horse battery staple") {
  return {SlotKind::kPassphrase, SecretBytes::CopyOf(text)};
}

// A keyring with epoch 1 and the keys of tenants 1 and 2 in it. Two fixtures of one seed have the
// same keys, even where their vault ids differ.
class KeyFixture {
 public:
  static constexpr storage::TenantId kTenant = 1;
  static constexpr storage::TenantId kOtherTenant = 2;

  explicit KeyFixture(std::string_view seed = "seed", storage::Id128 vault_id = IdOf(0xaa))
      : random_(seed), paths_{folder_.File("keyring"), {folder_.File("mirror")}} {
    keyring_ = Keyring::Create(paths_, vault_id, TestPassphrase(), kCheapScrypt, kTestTime, random_)
                   .value();
    hierarchy_ = KeyHierarchy::FromKeyring(*keyring_, 1).value();
    AddTenant(kTenant);
    AddTenant(kOtherTenant);
  }

  RandomSource& random() { return random_; }
  const KeyringPaths& paths() const { return paths_; }
  Keyring& keyring() { return *keyring_; }
  KeyHierarchy& hierarchy() { return *hierarchy_; }
  std::shared_ptr<const KeySnapshot> keys() const { return hierarchy_->Current(); }

  TenantKeyRow AddTenant(storage::TenantId tenant) {
    TenantKeyRow row =
        hierarchy_->MakeTenantKey(tenant, hierarchy_->Current()->active().id, random_).value();
    if (!hierarchy_->InstallTenantKeys({row}).ok()) std::abort();
    rows_.push_back(row);
    return row;
  }

  // Makes the next epoch, carries every tenant over, makes it the active one.
  uint32_t Rotate() {
    const uint32_t epoch = keyring_->NewEpoch(kTestTime).value();
    if (!hierarchy_->Refresh(*keyring_).ok()) std::abort();
    for (TenantKeyRow& row : rows_) {
      row = hierarchy_->CarryTenantKey(row, epoch, random_).value();
    }
    if (!hierarchy_->InstallTenantKeys(rows_).ok()) std::abort();
    if (!hierarchy_->SetActiveEpoch(epoch).ok()) std::abort();
    return epoch;
  }

  void Destroy(uint32_t epoch) {
    if (!keyring_->RetireEpoch(epoch, kTestTime).ok()) std::abort();
    if (!keyring_->DestroyEpoch(epoch, kTestTime).ok()) std::abort();
    if (!hierarchy_->Refresh(*keyring_).ok()) std::abort();
  }

 private:
  TemporaryFolder folder_;
  FixedRandom random_;
  KeyringPaths paths_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<KeyHierarchy> hierarchy_;
  std::vector<TenantKeyRow> rows_;
};

// Calls `refused` with every text that differs from `bytes` in one bit, is shorter or longer.
template <typename Refused>
void ForEachDamage(std::string_view bytes, Refused&& refused) {
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged(bytes);
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    refused(damaged);
  }
  for (size_t size = 0; size < bytes.size(); ++size) refused(std::string(bytes.substr(0, size)));
  refused(std::string(bytes) + '\0');
}

// Encrypts what may be a temporary.
inline absl::StatusOr<EncryptedRecord> EncryptRecordOf(
    const KeySnapshot& keys, RandomSource& random, const RecordIdentity& identity, uint64_t version,
    storage::v1::RecordHeader header, absl::Span<const std::string_view> values) {
  return EncryptRecord(keys, random, identity, version, &header, values);
}

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_KEYS_KEY_FIXTURE_H_
