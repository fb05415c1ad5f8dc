#include "vault/state/vault_keys.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

std::string_view AsView(const EpochFingerprint& fingerprint) {
  return {reinterpret_cast<const char*>(fingerprint.data()), fingerprint.size()};
}

// Whether `keyring` is at least what the database recorded.
absl::Status CheckFloor(const Keyring& keyring, const storage::v1::KeyringRow& row) {
  const absl::Status older =
      absl::FailedPreconditionError("the keyring is older than the database, or another one");
  if (keyring.generation() < row.generation()) return older;
  const std::vector<EpochInfo> epochs = keyring.epochs();
  for (const storage::v1::KeyringRow::Epoch& recorded : row.epochs()) {
    auto found = std::find_if(epochs.begin(), epochs.end(),
                              [&](const EpochInfo& epoch) { return epoch.id == recorded.id(); });
    if (found == epochs.end() || AsView(found->fingerprint) != recorded.fingerprint() ||
        (recorded.destroyed() && found->status != EpochStatus::kDestroyed)) {
      return older;
    }
  }
  return absl::OkStatus();
}

}  // namespace

const storage::v1::KeyringRow::Epoch* FindEpoch(const storage::v1::KeyringRow& row,
                                                uint32_t epoch) {
  const auto found = std::find_if(row.epochs().begin(), row.epochs().end(),
                                  [epoch](const auto& known) { return known.id() == epoch; });
  return found == row.epochs().end() ? nullptr : &*found;
}

std::vector<uint32_t> EpochsWithoutIndex(const storage::v1::KeyringRow& row) {
  std::vector<uint32_t> epochs;
  for (const storage::v1::KeyringRow::Epoch& epoch : row.epochs()) {
    if (epoch.index_moved()) epochs.push_back(epoch.id());
  }
  return epochs;
}

storage::v1::KeyringRow DescribeKeyring(const Keyring& keyring, uint32_t active_epoch,
                                        const storage::v1::KeyringRow& before) {
  storage::v1::KeyringRow row;
  row.set_generation(keyring.generation());
  row.set_active_epoch(active_epoch);
  for (const EpochInfo& epoch : keyring.epochs()) {
    storage::v1::KeyringRow::Epoch* to = row.add_epochs();
    to->set_id(epoch.id);
    to->set_fingerprint(std::string(AsView(epoch.fingerprint)));
    to->set_destroyed(epoch.status == EpochStatus::kDestroyed);
    if (const auto* known = FindEpoch(before, epoch.id); known != nullptr) {
      to->set_damaged(known->damaged());
      to->set_index_moved(known->index_moved());
    }
  }
  return row;
}

absl::StatusOr<std::unique_ptr<KeyHierarchy>> OpenKeyHierarchy(const storage::Engine& engine,
                                                               const Keyring& keyring) {
  const storage::Key key = storage::StateKey(storage::StateKind::kEpoch, "keyring");
  absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) {
    return absl::FailedPreconditionError("the vault was not initialized");
  }
  if (!value.ok()) return value.status();

  // The row says which epoch is active, and is sealed itself: under the epoch in its header.
  absl::StatusOr<uint32_t> sealed_under = SealedRowEpoch(*value);
  if (!sealed_under.ok()) return sealed_under.status();
  auto hierarchy = KeyHierarchy::FromKeyring(keyring, *sealed_under);
  if (!hierarchy.ok()) {
    return absl::FailedPreconditionError("the keyring lacks an epoch that the database uses");
  }
  auto row = OpenRow<storage::v1::KeyringRow>(*(*hierarchy)->Current(), key, *value);
  if (!row.ok()) return row.status();
  if (absl::Status status = CheckFloor(keyring, row->message); !status.ok()) return status;
  if (absl::Status status = (*hierarchy)->SetActiveEpoch(row->message.active_epoch());
      !status.ok()) {
    return status;
  }
  (*hierarchy)->SetEpochsWithoutIndex(EpochsWithoutIndex(row->message));
  return hierarchy;
}

}  // namespace piivault::vault
