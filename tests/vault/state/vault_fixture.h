#ifndef PIIVAULT_TESTS_VAULT_STATE_VAULT_FIXTURE_H_
#define PIIVAULT_TESTS_VAULT_STATE_VAULT_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "storage/commit_and_wait.h"
#include "tests/fakes/memory_engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/keyring.h"
#include "vault/state/initialize.h"
#include "vault/state/state_store.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {

// A folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "piivault-state-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline FirstAdministrator MakeAdministrator(const std::string& name) {
  return {name, name, "Administrator " + name, 2, "spiffe://example.test/" + name};
}

// A vault over a memory engine with a clock that tests set: administrators `aoki` and `baba`.
class TestVault {
 public:
  explicit TestVault(bool single_operator = false) : engine_(EngineOptions()) {
    SlotSecret slot;
    slot.kind = SlotKind::kCredential;
    slot.secret = SecretBytes::CopyOf("a credential for tests only");
    auto keyring = Keyring::Create({folder_.path() + "/keyring", {}}, SystemRandom().Id128(), slot,
                                   ScryptParameters(), now_, SystemRandom());
    EXPECT_TRUE(keyring.ok()) << keyring.status();
    keyring_ = *std::move(keyring);
    InitializeOptions options;
    options.single_operator = single_operator;
    options.administrators.push_back(MakeAdministrator("aoki"));
    if (!single_operator) options.administrators.push_back(MakeAdministrator("baba"));
    EXPECT_TRUE(InitializeVault(engine_, *keyring_, options, now_, SystemRandom()).ok());
    EXPECT_TRUE(Open().ok());
    engine_.SetReopenHook([this] { return store_->Reload(); });
  }
  ~TestVault() { engine_.Shutdown(); }

  // Opens keys and state anew, as after a restart.
  absl::Status Open() {
    auto keys = OpenKeyHierarchy(engine_, *keyring_);
    if (!keys.ok()) return keys.status();
    auto store = StateStore::Load(engine_, **keys, SystemRandom());
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    keys_ = *std::move(keys);
    return absl::OkStatus();
  }

  // Commits a change that was decided at `as_of`; now where it is 0.
  absl::Status Commit(StateChange change, uint64_t as_of = 0) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = as_of == 0 ? engine_.AppliedSequence() : as_of;
    commit->decided_at = now_;
    change.MoveTo(commit.get());
    return storage::CommitOrError(engine_, std::move(commit)).status();
  }
  StateChange NewChange() { return store_->NewChange(store_->snapshot()); }
  std::shared_ptr<const StateSnapshot> state() const { return store_->snapshot(); }

  fakes::MemoryEngine& engine() { return engine_; }
  Keyring& keyring() { return *keyring_; }
  KeyHierarchy& keys() { return *keys_; }
  StateStore& store() { return *store_; }
  absl::Time now() const { return now_; }
  void Pass(absl::Duration time) { now_ += time; }

 private:
  storage::EngineOptions EngineOptions() {
    storage::EngineOptions options;
    options.now = [this] { return now_; };
    return options;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  ScratchFolder folder_;
  fakes::MemoryEngine engine_;
  std::unique_ptr<Keyring> keyring_;
  std::unique_ptr<KeyHierarchy> keys_;
  std::unique_ptr<StateStore> store_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_STATE_VAULT_FIXTURE_H_
