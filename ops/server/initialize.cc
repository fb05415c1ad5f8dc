#include "ops/server/initialize.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/server/keyring_access.h"
#include "ops/server/vault_server.h"
#include "storage/rocksdb_engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/keyring.h"
#include "vault/keys/keyring_lock.h"

namespace piivault::ops {
namespace {

absl::Status MakeDirectory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::UnavailableError(absl::StrCat(path.string(), ": cannot be made"));
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error) return absl::UnavailableError(absl::StrCat(path.string(), ": mode cannot be set"));
  return absl::OkStatus();
}

absl::Status FillDatabase(const Config& config, const vault::Keyring& keyring,
                          const vault::InitializeOptions& options, absl::Time now) {
  storage::EngineOptions engine_options;
  engine_options.path = DatabasePath(config);
  auto engine = storage::RocksDbEngine::Open(engine_options);
  if (!engine.ok()) return engine.status();
  const absl::Status status =
      vault::InitializeVault(**engine, keyring, options, now, vault::SystemRandom());
  (*engine)->Shutdown();
  return status;
}

}  // namespace

absl::StatusOr<vault::SecretBytes> InitializeVaultAt(const Config& config,
                                                     const vault::InitializeOptions& options,
                                                     absl::Time now,
                                                     const vault::ScryptParameters& scrypt) {
  const absl::StatusOr<vault::SlotSecret> secret = ReadSlotSecret(config.keyring);
  if (!secret.ok()) return secret.status();
  const vault::KeyringPaths paths = PathsOf(config.keyring);
  std::vector<std::string> copies = paths.mirrors;
  copies.push_back(paths.primary);
  for (const std::string& copy : copies) {
    const absl::Status made = MakeDirectory(std::filesystem::path(copy).parent_path());
    if (!made.ok()) return made;
  }
  if (const absl::Status made = MakeDirectory(config.data_dir); !made.ok()) return made;

  const auto lock = vault::KeyringLock::Acquire(paths.primary);
  if (!lock.ok()) return lock.status();
  vault::RandomSource& random = vault::SystemRandom();
  auto keyring = vault::Keyring::Create(paths, random.Id128(), *secret, scrypt, now, random);
  if (!keyring.ok()) return keyring.status();
  vault::SlotSecret recovery{vault::SlotKind::kRecovery, vault::NewRecoveryKey(random)};
  absl::Status status = (*keyring)->AddSlot(recovery, scrypt, now).status();
  if (status.ok()) status = FillDatabase(config, **keyring, options, now);
  if (!status.ok()) {
    // A keyring without its vault is of no use, and would stand in the way of the next attempt.
    std::error_code ignored;
    for (const std::string& copy : copies) std::filesystem::remove(copy, ignored);
    return status;
  }
  return vault::FormatRecoveryKey(recovery.secret);
}

}  // namespace piivault::ops
