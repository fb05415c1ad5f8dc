#include "vault/keys/keyring.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "piivault/storage/v1/keyring.pb.h"
#include "vault/crypto/hkdf.h"
#include "vault/keys/keyring_codec.h"

namespace piivault::vault {
namespace {

using storage::v1::KeyringBody;
using storage::v1::KeyringEpoch;

constexpr size_t kKeySize = 32;

std::vector<std::string> AllPaths(const KeyringPaths& paths) {
  std::vector<std::string> all = {paths.primary};
  all.insert(all.end(), paths.mirrors.begin(), paths.mirrors.end());
  return all;
}

// One of the copies, as read.
struct Copy {
  std::string path;
  std::string bytes;
  ParsedKeyring parsed;
};

absl::Status Prefixed(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("keyring copy ", path, ": ", std::string(status.message())));
}

// Reads what there is, the newest first; what cannot be used goes to `problems`.
std::vector<Copy> ReadCopies(const KeyringPaths& paths, std::vector<absl::Status>* problems) {
  std::vector<Copy> copies;
  for (const std::string& path : AllPaths(paths)) {
    absl::StatusOr<std::string> bytes = ReadKeyFile(path);
    if (!bytes.ok()) {
      problems->push_back(Prefixed(path, bytes.status()));
      continue;
    }
    absl::StatusOr<ParsedKeyring> parsed = ParseKeyring(*bytes);
    if (!parsed.ok()) {
      problems->push_back(Prefixed(path, parsed.status()));
      continue;
    }
    copies.push_back({path, *std::move(bytes), *std::move(parsed)});
  }
  std::stable_sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) {
    return a.parsed.body.generation() > b.parsed.body.generation();
  });
  return copies;
}

// What to say where no copy could be opened: the most telling of the problems.
absl::Status WorstOf(const std::vector<absl::Status>& problems) {
  for (absl::StatusCode code :
       {absl::StatusCode::kPermissionDenied, absl::StatusCode::kDataLoss,
        absl::StatusCode::kFailedPrecondition, absl::StatusCode::kUnavailable}) {
    for (const absl::Status& problem : problems) {
      if (problem.code() == code) return problem;
    }
  }
  return problems.front();
}

struct Authentic {
  size_t copy = 0;
  SecretBytes root_key;
};

// The newest copy that the secret opens and that its root key vouches for.
absl::StatusOr<Authentic> FindAuthentic(const std::vector<Copy>& copies, const SlotSecret& secret,
                                        std::vector<absl::Status>* problems) {
  for (size_t i = 0; i < copies.size(); ++i) {
    // Trying the same bytes again costs a scrypt and ends the same way.
    if (std::any_of(copies.begin(), copies.begin() + static_cast<ptrdiff_t>(i),
                    [&](const Copy& before) { return before.bytes == copies[i].bytes; })) {
      continue;
    }
    absl::StatusOr<SecretBytes> root_key = OpenSlots(copies[i].parsed.body, secret);
    if (!root_key.ok()) {
      problems->push_back(absl::PermissionDeniedError(absl::StrCat(
          "keyring copy ", copies[i].path, ": no slot of that kind opens with this secret")));
      continue;
    }
    const absl::Status authentic = CheckAuthentic(copies[i].parsed, RootKeys(*root_key));
    if (!authentic.ok()) {
      problems->push_back(Prefixed(copies[i].path, authentic));
      continue;
    }
    return Authentic{i, *std::move(root_key)};
  }
  return WorstOf(*problems);
}

void NoteOlderCopies(const std::vector<Copy>& copies, size_t chosen,
                     std::vector<absl::Status>* problems) {
  for (size_t i = chosen + 1; i < copies.size(); ++i) {
    if (copies[i].bytes == copies[chosen].bytes) continue;
    problems->push_back(absl::FailedPreconditionError(
        absl::StrCat("keyring copy ", copies[i].path, " differs: it has generation ",
                     copies[i].parsed.body.generation(), ", in force is ",
                     copies[chosen].parsed.body.generation())));
  }
}

KeyringEpoch* FindEpoch(KeyringBody& body, uint32_t id) {
  for (KeyringEpoch& epoch : *body.mutable_epochs()) {
    if (epoch.id() == id) return &epoch;
  }
  return nullptr;
}

absl::Status NoSuchEpoch() { return absl::NotFoundError("the keyring has no such epoch"); }

}  // namespace

Keyring::Keyring(KeyringPaths paths, const storage::Id128& vault_id, SecretBytes root_key,
                 std::unique_ptr<KeyringBody> body, RandomSource& random)
    : paths_(std::move(paths)),
      vault_id_(vault_id),
      root_key_(std::move(root_key)),
      root_keys_(std::make_unique<RootKeys>(root_key_)),
      random_(random),
      body_(std::move(body)),
      last_written_(body_->generation()) {}

Keyring::~Keyring() = default;

absl::StatusOr<std::unique_ptr<Keyring>> Keyring::Create(const KeyringPaths& paths,
                                                         const storage::Id128& vault_id,
                                                         const SlotSecret& first_slot,
                                                         const ScryptParameters& scrypt,
                                                         absl::Time now, RandomSource& random) {
  for (const std::string& path : AllPaths(paths)) {
    const absl::Status found = ReadKeyFile(path).status();
    if (!absl::IsNotFound(found)) {
      return absl::AlreadyExistsError(absl::StrCat("there is a keyring already: ", path));
    }
  }
  SecretBytes root_key = random.Bytes(kKeySize);
  auto slot = MakeSlot(vault_id.view(), 1, first_slot, scrypt, now, root_key, random);
  if (!slot.ok()) return slot.status();

  auto keyring = std::unique_ptr<Keyring>(
      new Keyring(paths, vault_id, std::move(root_key), std::make_unique<KeyringBody>(), random));
  KeyringBody body;
  body.set_vault_id(std::string(vault_id.view()));
  body.set_next_slot_id(2);
  *body.add_slots() = *std::move(slot);
  *body.add_epochs() = MakeEpoch(vault_id.view(), 1, now, *keyring->root_keys_, random);
  absl::MutexLock lock(&keyring->mutex_);
  absl::Status status = keyring->Apply(std::move(body), OnFailure::kKeepOld);
  if (!status.ok()) return status;
  return keyring;
}

absl::StatusOr<std::unique_ptr<Keyring>> Keyring::Open(const KeyringPaths& paths,
                                                       const SlotSecret& secret,
                                                       const KeyringFloor& floor,
                                                       RandomSource& random,
                                                       std::vector<absl::Status>* warnings) {
  if (absl::Status status = CheckSlotSecret(secret); !status.ok()) return status;
  std::vector<absl::Status> problems;
  const std::vector<Copy> copies = ReadCopies(paths, &problems);
  auto authentic = FindAuthentic(copies, secret, &problems);
  if (!authentic.ok()) return authentic.status();
  NoteOlderCopies(copies, authentic->copy, &problems);

  const KeyringBody& body = copies[authentic->copy].parsed.body;
  if (absl::Status status = CheckFloor(body, floor); !status.ok()) return status;
  if (warnings != nullptr) {
    warnings->insert(warnings->end(), problems.begin(), problems.end());
  }
  return std::unique_ptr<Keyring>(new Keyring(paths, *storage::Id128::FromBytes(body.vault_id()),
                                              std::move(authentic->root_key),
                                              std::make_unique<KeyringBody>(body), random));
}

absl::Status Keyring::Apply(KeyringBody next, OnFailure on_failure) {
  next.set_generation(last_written_ + 1);
  const std::string bytes = SerializeKeyring(next, *root_keys_);
  last_written_ = next.generation();
  // Of what must not come back every copy is tried, so that as few as possible stay behind.
  absl::Status result;
  for (const std::string& path : AllPaths(paths_)) {
    const absl::Status status = ReplaceKeyFile(path, bytes);
    // A folder that is missing is not a row that is missing: nobody asked for it by name.
    if (!status.ok() && result.ok()) {
      result = absl::UnavailableError(std::string(status.message()));
    }
    // A mirror that is newer than the primary would have to be explained; nothing has changed yet.
    if (!result.ok() && on_failure == OnFailure::kKeepOld) break;
  }
  if (result.ok() || on_failure == OnFailure::kTakeNew) *body_ = std::move(next);
  return result;
}

uint64_t Keyring::generation() const {
  absl::MutexLock lock(&mutex_);
  return body_->generation();
}

std::vector<SlotInfo> Keyring::slots() const {
  absl::MutexLock lock(&mutex_);
  std::vector<SlotInfo> slots;
  for (const auto& slot : body_->slots()) slots.push_back(ToSlotInfo(slot));
  return slots;
}

std::vector<EpochInfo> Keyring::epochs() const {
  absl::MutexLock lock(&mutex_);
  std::vector<EpochInfo> epochs;
  for (const auto& epoch : body_->epochs()) epochs.push_back(ToEpochInfo(epoch));
  return epochs;
}

KeyringFloor Keyring::floor() const {
  absl::MutexLock lock(&mutex_);
  KeyringFloor floor;
  floor.vault_id = vault_id_;
  floor.generation = body_->generation();
  for (const auto& epoch : body_->epochs()) {
    const EpochInfo info = ToEpochInfo(epoch);
    floor.epochs.push_back({info.id, info.fingerprint, info.status == EpochStatus::kDestroyed});
  }
  return floor;
}

absl::StatusOr<bool> Keyring::IsCurrent(const std::string& path, const std::string& bytes) const {
  const bool primary = path == paths_.primary;
  const absl::StatusOr<ParsedKeyring> copy = ParseKeyring(bytes);
  if (!copy.ok() || copy->body.vault_id() != vault_id_.view() ||
      !CheckAuthentic(*copy, *root_keys_).ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("keyring copy ", path, " is damaged or another vault's and is not replaced: ",
                     primary ? "if a mirror is right, move this file away and start again"
                             : "move it away, or take it out of keyring.mirrors, and start again"));
  }
  const uint64_t generation = copy->body.generation();
  if (generation == body_->generation()) return true;
  if (!primary && generation < body_->generation()) return false;
  return absl::FailedPreconditionError(absl::StrCat(
      "a mirror of the keyring is newer than the primary ", paths_.primary,
      ": a write did not reach the primary, or an older copy was put in its place. Compare the "
      "copies; if the mirror is right, move the primary away and start again"));
}

absl::StatusOr<std::vector<std::string>> Keyring::SyncMirrors() {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> behind;
  for (const std::string& path : AllPaths(paths_)) {
    const absl::StatusOr<std::string> bytes = ReadKeyFile(path);
    if (absl::IsNotFound(bytes.status())) {
      behind.push_back(path);
      continue;
    }
    // A file too large is none of ours.
    if (!bytes.ok() && !absl::IsDataLoss(bytes.status())) return bytes.status();
    const absl::StatusOr<bool> current = IsCurrent(path, bytes.value_or(""));
    if (!current.ok()) return current.status();
    if (!*current) behind.push_back(path);
  }
  const std::string bytes = SerializeKeyring(*body_, *root_keys_);
  for (const std::string& path : behind) {
    const absl::Status status = ReplaceKeyFile(path, bytes);
    if (!status.ok()) return absl::UnavailableError(std::string(status.message()));
  }
  return behind;
}

absl::StatusOr<uint32_t> Keyring::AddSlot(const SlotSecret& secret, const ScryptParameters& scrypt,
                                          absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const uint32_t id = body_->next_slot_id();
  auto slot = MakeSlot(vault_id_.view(), id, secret, scrypt, now, root_key_, random_);
  if (!slot.ok()) return slot.status();
  KeyringBody next = *body_;
  *next.add_slots() = *std::move(slot);
  next.set_next_slot_id(id + 1);
  absl::Status status = Apply(std::move(next), OnFailure::kKeepOld);
  if (!status.ok()) return status;
  return id;
}

absl::Status Keyring::RemoveSlot(uint32_t id) {
  absl::MutexLock lock(&mutex_);
  KeyringBody next = *body_;
  auto* slots = next.mutable_slots();
  const auto slot = std::find_if(slots->begin(), slots->end(),
                                 [id](const auto& candidate) { return candidate.id() == id; });
  if (slot == slots->end()) return absl::NotFoundError("the keyring has no such slot");
  if (slots->size() == 1) {
    return absl::FailedPreconditionError("the last slot cannot go: nothing would open the keyring");
  }
  slots->erase(slot);
  return Apply(std::move(next), OnFailure::kTakeNew);
}

absl::StatusOr<uint32_t> Keyring::NewEpoch(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  KeyringBody next = *body_;
  const uint32_t id = next.epochs(next.epochs_size() - 1).id() + 1;
  *next.add_epochs() = MakeEpoch(vault_id_.view(), id, now, *root_keys_, random_);
  absl::Status status = Apply(std::move(next), OnFailure::kKeepOld);
  if (!status.ok()) return status;
  return id;
}

absl::Status Keyring::RetireEpoch(uint32_t id, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  KeyringBody next = *body_;
  KeyringEpoch* epoch = FindEpoch(next, id);
  if (epoch == nullptr) return NoSuchEpoch();
  if (epoch->status() != storage::v1::KEYRING_EPOCH_STATUS_ACTIVE) {
    return absl::FailedPreconditionError("the epoch is not active");
  }
  const auto active = std::count_if(next.epochs().begin(), next.epochs().end(), [](const auto& e) {
    return e.status() == storage::v1::KEYRING_EPOCH_STATUS_ACTIVE;
  });
  if (active == 1) return absl::FailedPreconditionError("the only active epoch cannot be retired");
  epoch->set_status(storage::v1::KEYRING_EPOCH_STATUS_RETIRED);
  epoch->set_retired_micros(absl::ToUnixMicros(now));
  return Apply(std::move(next), OnFailure::kKeepOld);
}

absl::Status Keyring::DestroyEpoch(uint32_t id, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  KeyringBody next = *body_;
  KeyringEpoch* epoch = FindEpoch(next, id);
  if (epoch == nullptr) return NoSuchEpoch();
  if (epoch->status() == storage::v1::KEYRING_EPOCH_STATUS_ACTIVE) {
    return absl::FailedPreconditionError("an active epoch cannot be destroyed");
  }
  if (epoch->status() == storage::v1::KEYRING_EPOCH_STATUS_RETIRED) {
    epoch->set_status(storage::v1::KEYRING_EPOCH_STATUS_DESTROYED);
    epoch->set_destroyed_micros(absl::ToUnixMicros(now));
    epoch->clear_wrapped_key();
  }
  // Half a destruction is taken over too: no later write may bring the key back.
  return Apply(std::move(next), OnFailure::kTakeNew);
}

absl::StatusOr<SecretBytes> Keyring::EpochKey(uint32_t id) const {
  absl::MutexLock lock(&mutex_);
  const KeyringEpoch* epoch = FindEpoch(*body_, id);
  if (epoch == nullptr || epoch->wrapped_key().empty()) return NoSuchEpoch();
  return UnwrapEpochKey(vault_id_.view(), *epoch, *root_keys_);
}

SecretBytes Keyring::DeriveFromRoot(std::string_view label) const {
  return HkdfSha256(root_key_.view(), "", label, kKeySize);
}

EpochFingerprint FingerprintEpochKey(const SecretBytes& epoch_key) {
  EpochFingerprint fingerprint;
  const SecretBytes derived =
      HkdfSha256(epoch_key.view(), "", "piivault epoch fingerprint", fingerprint.size());
  std::copy_n(derived.data(), fingerprint.size(), fingerprint.begin());
  return fingerprint;
}

}  // namespace piivault::vault
