#include "vault/keys/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "piivault/storage/v1/keyring.pb.h"
#include "tests/vault/keys/key_fixture.h"
#include "vault/crypto/sha256.h"
#include "vault/keys/keyring_codec.h"
#include "vault/keys/keyring_lock.h"

namespace piivault::vault {
namespace {

using absl::StatusCode;
using storage::v1::KeyringBody;
using storage::v1::KeyringFile;

class KeyringTest : public testing::Test {
 protected:
  KeyringTest() : paths_{folder_.File("keyring"), {folder_.File("m1"), folder_.File("m2")}} {}

  std::unique_ptr<Keyring> Create() {
    return Keyring::Create(paths_, IdOf(7), TestPassphrase(), kCheapScrypt, kTestTime,
                           SystemRandom())
        .value();
  }
  absl::StatusOr<std::unique_ptr<Keyring>> Open(const SlotSecret& secret = TestPassphrase(),
                                                const KeyringFloor& floor = {}) {
    warnings_.clear();
    return Keyring::Open(paths_, secret, floor, SystemRandom(), &warnings_);
  }
  StatusCode OpenCode(const SlotSecret& secret = TestPassphrase(), const KeyringFloor& floor = {}) {
    return Open(secret, floor).status().code();
  }
  std::vector<std::string> Files() const {
    return {paths_.primary, paths_.mirrors[0], paths_.mirrors[1]};
  }
  void Put(const std::string& path, std::string_view bytes) {
    ASSERT_TRUE(ReplaceKeyFile(path, bytes).ok());
  }
  void PutEverywhere(std::string_view bytes) {
    for (const std::string& path : Files()) Put(path, bytes);
  }
  std::string Bytes(const std::string& path) { return ReadKeyFile(path).value(); }

  // What a forger without the root key makes of a file: contents as he likes, a right checksum.
  template <typename Change>
  std::string Forge(std::string_view bytes, Change&& change) {
    KeyringFile file;
    KeyringBody body;
    EXPECT_TRUE(file.ParseFromString(std::string(bytes)));
    EXPECT_TRUE(body.ParseFromString(file.body()));
    change(body);
    body.SerializeToString(file.mutable_body());
    file.set_body_sha256(std::string(AsView(Sha256(file.body()))));
    return file.SerializeAsString();
  }

  TemporaryFolder folder_;
  KeyringPaths paths_;
  std::vector<absl::Status> warnings_;
};

TEST_F(KeyringTest, OpensWithWhatItHeld) {
  const auto created = Create();
  EXPECT_EQ(created->generation(), 1u);
  const auto opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_THAT(warnings_, testing::IsEmpty());
  EXPECT_EQ((*opened)->vault_id(), IdOf(7));
  EXPECT_EQ((*opened)->generation(), 1u);
  ASSERT_EQ((*opened)->epochs().size(), 1u);
  EXPECT_EQ((*opened)->epochs()[0].status, EpochStatus::kActive);
  EXPECT_EQ((*opened)->epochs()[0].created, kTestTime);
  EXPECT_TRUE(created->EpochKey(1).value() == (*opened)->EpochKey(1).value());
  EXPECT_TRUE(created->DeriveFromRoot("a") == (*opened)->DeriveFromRoot("a"));
  EXPECT_FALSE(created->DeriveFromRoot("a") == created->DeriveFromRoot("b"));
}

TEST_F(KeyringTest, RefusesToReplaceAKeyring) {
  Create();
  std::filesystem::remove(paths_.primary);
  EXPECT_EQ(
      Keyring::Create(paths_, IdOf(7), TestPassphrase(), kCheapScrypt, kTestTime, SystemRandom())
          .status()
          .code(),
      StatusCode::kAlreadyExists);
}

TEST_F(KeyringTest, SaysPreciselyWhyItDoesNotOpen) {
  EXPECT_EQ(OpenCode(), StatusCode::kNotFound);
  Create();
  EXPECT_EQ(OpenCode(TestPassphrase("wrong")), StatusCode::kPermissionDenied);
  EXPECT_EQ(OpenCode(TestPassphrase("")), StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenCode({SlotKind::kCredential, SecretBytes(15)}), StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenCode({SlotKind::kRecovery, SecretBytes(31)}), StatusCode::kInvalidArgument);
  // The passphrase's bytes open no slot of another kind.
  EXPECT_EQ(OpenCode({SlotKind::kCredential, TestPassphrase().secret.Clone()}),
            StatusCode::kPermissionDenied);
  PutEverywhere("not a keyring");
  EXPECT_EQ(OpenCode(), StatusCode::kDataLoss);
}

TEST_F(KeyringTest, NewerFormatIsRefusedAsSuch) {
  Create();
  KeyringFile file;
  ASSERT_TRUE(file.ParseFromString(Bytes(paths_.primary)));
  file.set_format_version(2);
  PutEverywhere(file.SerializeAsString());
  EXPECT_EQ(OpenCode(), StatusCode::kFailedPrecondition);
}

TEST_F(KeyringTest, EachKindOfSlotOpensUntilRemoved) {
  const auto keyring = Create();
  const SlotSecret credential = {SlotKind::kCredential,
                                 SecretBytes::CopyOf("sixteen bytes or more")};
  const SlotSecret recovery = {SlotKind::kRecovery, NewRecoveryKey(SystemRandom())};
  EXPECT_EQ(keyring->AddSlot(credential, {}, kTestTime).value(), 2u);
  EXPECT_EQ(keyring->AddSlot(recovery, {}, kTestTime).value(), 3u);
  EXPECT_EQ(OpenCode(), StatusCode::kOk);
  EXPECT_EQ(OpenCode(credential), StatusCode::kOk);
  EXPECT_EQ(OpenCode(recovery), StatusCode::kOk);
  ASSERT_EQ(keyring->slots().size(), 3u);
  EXPECT_EQ(keyring->slots()[1].kind, SlotKind::kCredential);
  EXPECT_EQ(keyring->slots()[2].kind, SlotKind::kRecovery);

  EXPECT_TRUE(keyring->RemoveSlot(1).ok());
  EXPECT_EQ(OpenCode(), StatusCode::kPermissionDenied);
  EXPECT_EQ(OpenCode(credential), StatusCode::kOk);
  EXPECT_EQ(keyring->RemoveSlot(1).code(), StatusCode::kNotFound);
  EXPECT_TRUE(keyring->RemoveSlot(3).ok());
  EXPECT_EQ(keyring->RemoveSlot(2).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenCode(credential), StatusCode::kOk);
  // Ids are not used again.
  EXPECT_EQ(keyring->AddSlot(TestPassphrase(), kCheapScrypt, kTestTime).value(), 4u);
}

TEST_F(KeyringTest, SlotSecretsMustBeFit) {
  const auto keyring = Create();
  EXPECT_EQ(keyring->AddSlot(TestPassphrase(""), kCheapScrypt, kTestTime).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keyring->AddSlot(TestPassphrase(), {3, 8, 1}, kTestTime).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(keyring->generation(), 1u);
}

TEST_F(KeyringTest, EpochsGoThroughTheirStates) {
  const auto keyring = Create();
  EXPECT_EQ(keyring->RetireEpoch(1, kTestTime).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(keyring->NewEpoch(kTestTime).value(), 2u);
  EXPECT_EQ(keyring->DestroyEpoch(1, kTestTime).code(), StatusCode::kFailedPrecondition);
  const absl::Time later = kTestTime + absl::Hours(1);
  EXPECT_TRUE(keyring->RetireEpoch(1, later).ok());
  EXPECT_EQ(keyring->RetireEpoch(1, later).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(keyring->EpochKey(1).ok());
  EXPECT_EQ(Open().value()->epochs()[0].retired, later);
  EXPECT_TRUE(keyring->DestroyEpoch(1, later).ok());
  EXPECT_TRUE(keyring->DestroyEpoch(1, later).ok()) << "again is allowed";
  EXPECT_EQ(keyring->EpochKey(1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(keyring->EpochKey(9).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(keyring->RetireEpoch(9, later).code(), StatusCode::kNotFound);
  EXPECT_EQ(keyring->DestroyEpoch(9, later).code(), StatusCode::kNotFound);
  EXPECT_EQ(keyring->NewEpoch(kTestTime).value(), 3u);
  const auto reopened = Open();
  EXPECT_EQ((*reopened)->epochs()[0].status, EpochStatus::kDestroyed);
  EXPECT_EQ((*reopened)->EpochKey(1).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE((*reopened)->EpochKey(2).value() == keyring->EpochKey(2).value());
}

TEST_F(KeyringTest, DestructionLeavesNoCopyOfTheWrappedKey) {
  const auto keyring = Create();
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  ASSERT_TRUE(keyring->RetireEpoch(1, kTestTime).ok());
  KeyringFile file;
  KeyringBody body;
  ASSERT_TRUE(file.ParseFromString(Bytes(paths_.primary)));
  ASSERT_TRUE(body.ParseFromString(file.body()));
  const std::string wrapped = body.epochs(0).wrapped_key();
  ASSERT_EQ(wrapped.size(), 72u);
  // The old files under a second name: what is left of them on the disk.
  for (const std::string& path : Files()) std::filesystem::create_hard_link(path, path + ".old");
  ASSERT_THAT(Bytes(paths_.primary + ".old"), testing::HasSubstr(wrapped));

  ASSERT_TRUE(keyring->DestroyEpoch(1, kTestTime).ok());
  for (const std::string& path : Files()) {
    EXPECT_THAT(Bytes(path), testing::Not(testing::HasSubstr(wrapped)));
    EXPECT_EQ(Bytes(path + ".old"), std::string(Bytes(path + ".old").size(), '\0'));
  }
}

TEST_F(KeyringTest, NoKeyIsInTheFile) {
  const auto keyring = Create();
  const SecretBytes key = keyring->EpochKey(1).value();
  for (const std::string& path : Files()) {
    EXPECT_EQ(Bytes(path).find(key.view()), std::string::npos);
    struct stat info;
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
}

TEST_F(KeyringTest, RollbackIsRefused) {
  auto keyring = Create();
  const std::string old = Bytes(paths_.primary);
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  const KeyringFloor floor = keyring->floor();
  EXPECT_EQ(floor.generation, 2u);
  EXPECT_EQ(OpenCode(TestPassphrase(), floor), StatusCode::kOk);
  PutEverywhere(old);
  EXPECT_EQ(OpenCode(TestPassphrase(), floor), StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenCode(), StatusCode::kOk) << "authentic all the same";
}

TEST_F(KeyringTest, EachMemberOfTheFloorCounts) {
  const auto keyring = Create();
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  const auto code_with = [&](auto change) {
    KeyringFloor floor = keyring->floor();
    change(floor);
    return OpenCode(TestPassphrase(), floor);
  };
  EXPECT_EQ(code_with([](KeyringFloor&) {}), StatusCode::kOk);
  EXPECT_EQ(code_with([](KeyringFloor& f) { f.generation = 1; }), StatusCode::kOk);
  EXPECT_EQ(code_with([](KeyringFloor& f) { f.generation = 3; }), StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_with([](KeyringFloor& f) { f.vault_id = IdOf(8); }),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_with([](KeyringFloor& f) { f.epochs[1].fingerprint[0] ^= 1; }),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_with([](KeyringFloor& f) { f.epochs[1].id = 3; }),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(code_with([](KeyringFloor& f) { f.epochs[0].destroyed = true; }),
            StatusCode::kFailedPrecondition);
}

TEST_F(KeyringTest, ForgeriesWithARightChecksumAreRefused) {
  const auto keyring = Create();
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  ASSERT_TRUE(keyring->RetireEpoch(1, kTestTime).ok());
  const std::string bytes = Bytes(paths_.primary);
  const std::vector<std::function<void(KeyringBody&)>> changes = {
      [](KeyringBody& b) { b.set_generation(b.generation() + 1); },
      [](KeyringBody& b) { b.set_next_slot_id(77); },
      [](KeyringBody& b) { b.mutable_epochs()->RemoveLast(); },
      [](KeyringBody& b) {
        b.mutable_epochs(0)->set_status(storage::v1::KEYRING_EPOCH_STATUS_ACTIVE);
      },
      [](KeyringBody& b) { b.mutable_epochs(0)->set_retired_micros(1); },
      [](KeyringBody& b) {
        std::swap(*b.mutable_epochs(0)->mutable_wrapped_key(),
                  *b.mutable_epochs(1)->mutable_wrapped_key());
      },
      [](KeyringBody& b) { b.mutable_slots(0)->set_created_micros(1); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    PutEverywhere(Forge(bytes, changes[i]));
    EXPECT_EQ(OpenCode(), StatusCode::kDataLoss) << i;
  }
  // A mirror that is left saves the day, and the forgeries are told of.
  Put(paths_.mirrors[1], bytes);
  EXPECT_EQ(OpenCode(), StatusCode::kOk);
  EXPECT_FALSE(warnings_.empty());
  PutEverywhere(Forge(bytes, [](KeyringBody&) {}));
  EXPECT_EQ(OpenCode(), StatusCode::kOk) << "unchanged contents are no forgery";
}

TEST_F(KeyringTest, EveryDamageIsNoticed) {
  const auto keyring = Create();
  const std::string bytes = Bytes(paths_.primary);
  paths_.mirrors.clear();
  ForEachDamage(bytes, [&](const std::string& damaged) {
    // The primitive below Open(), for speed.
    const auto parsed = ParseKeyring(damaged);
    if (!parsed.ok()) return;
    const auto root_key = OpenSlots(parsed->body, TestPassphrase());
    if (!root_key.ok()) return;
    EXPECT_FALSE(CheckAuthentic(*parsed, RootKeys(*root_key)).ok() &&
                 SerializeKeyring(parsed->body, RootKeys(*root_key)) != bytes);
  });
}

TEST_F(KeyringTest, ADamagedSlotIsNotTakenForAWrongPassphrase) {
  Create();
  std::string bytes = Bytes(paths_.primary);
  KeyringFile file;
  KeyringBody body;
  ASSERT_TRUE(file.ParseFromString(bytes));
  ASSERT_TRUE(body.ParseFromString(file.body()));
  const size_t at = bytes.find(body.slots(0).wrapped_root_key());
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  PutEverywhere(bytes);
  EXPECT_EQ(OpenCode(), StatusCode::kDataLoss);
}

TEST_F(KeyringTest, MirrorsStandInForThePrimary) {
  const auto keyring = Create();
  const std::string old = Bytes(paths_.primary);
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());

  Put(paths_.primary, "damaged");
  std::filesystem::remove(paths_.mirrors[0]);
  auto opened = Open(TestPassphrase(), keyring->floor());
  ASSERT_TRUE(opened.ok()) << opened.status();
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_EQ(warnings_[0].code(), StatusCode::kDataLoss);
  EXPECT_EQ(warnings_[1].code(), StatusCode::kNotFound);

  Put(paths_.primary, old);
  opened = Open(TestPassphrase(), keyring->floor());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->generation(), 2u) << "the newest copy is in force";
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_EQ(warnings_[1].code(), StatusCode::kFailedPrecondition);
}

TEST_F(KeyringTest, MissingAndOlderMirrorsAreReplaced) {
  const auto keyring = Create();
  const std::string old = Bytes(paths_.primary);
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  const std::string now = Bytes(paths_.primary);
  EXPECT_THAT(*keyring->SyncMirrors(), testing::IsEmpty());

  std::filesystem::remove(paths_.mirrors[0]);
  Put(paths_.mirrors[1], old);
  const auto opened = *Open(TestPassphrase(), keyring->floor());
  EXPECT_THAT(*opened->SyncMirrors(), testing::ElementsAre(paths_.mirrors[0], paths_.mirrors[1]));
  for (const std::string& path : Files()) EXPECT_EQ(Bytes(path), now) << path;
  EXPECT_EQ(OpenCode(TestPassphrase(), keyring->floor()), StatusCode::kOk);
  EXPECT_THAT(warnings_, testing::IsEmpty());

  std::filesystem::remove(paths_.primary);
  EXPECT_THAT(*(*Open())->SyncMirrors(), testing::ElementsAre(paths_.primary));
  EXPECT_EQ(Bytes(paths_.primary), now);
}

TEST_F(KeyringTest, WhatNeedsAPersonIsNotReplaced) {
  const auto keyring = Create();
  const std::string old = Bytes(paths_.primary);
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  const std::string now = Bytes(paths_.primary);
  std::string altered = now;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  const KeyringPaths other{folder_.File("other"), {}};
  ASSERT_TRUE(
      Keyring::Create(other, IdOf(8), TestPassphrase(), kCheapScrypt, kTestTime, SystemRandom())
          .ok());
  // The same vault's id under another root key.
  const KeyringPaths twin{folder_.File("twin"), {}};
  ASSERT_TRUE(
      Keyring::Create(twin, IdOf(7), TestPassphrase(), kCheapScrypt, kTestTime, SystemRandom())
          .ok());
  const auto refused = [&](const std::string& path, const std::string& bytes) {
    for (const std::string& copy : Files()) Put(copy, now);
    // What could be mended is not either, before the person has looked.
    std::filesystem::remove(paths_.mirrors[0]);
    Put(path, bytes);
    const absl::Status status = (*Open())->SyncMirrors().status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << path;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("start again"));
    std::ifstream in(path, std::ios::binary);
    const std::string after{std::istreambuf_iterator<char>(in), {}};
    EXPECT_TRUE(after == bytes) << path;
    EXPECT_FALSE(std::filesystem::exists(paths_.mirrors[0]));
  };
  refused(paths_.primary, old);
  refused(paths_.primary, altered);
  refused(paths_.mirrors[1], altered);
  refused(paths_.mirrors[1], "notes of somebody");
  refused(paths_.mirrors[1], std::string((1 << 20) + 1, 'x'));
  refused(paths_.mirrors[1], Bytes(other.primary));
  refused(paths_.mirrors[1], Bytes(twin.primary));
}

TEST_F(KeyringTest, AMirrorThatCannotBeWrittenIsToldApart) {
  std::filesystem::create_directory(folder_.File("disk"));
  paths_.mirrors[1] = folder_.File("disk/m2");
  const auto keyring = Create();
  std::filesystem::rename(folder_.File("disk"), folder_.File("away"));
  EXPECT_EQ(keyring->SyncMirrors().status().code(), StatusCode::kUnavailable);
}

TEST_F(KeyringTest, APrimaryThatCannotBeWrittenLeavesNoMirrorNewer) {
  std::filesystem::create_directory(folder_.File("disk"));
  paths_.primary = folder_.File("disk/keyring");
  const auto keyring = Create();
  const std::string before = Bytes(paths_.mirrors[0]);
  std::filesystem::rename(folder_.File("disk"), folder_.File("away"));
  EXPECT_EQ(keyring->NewEpoch(kTestTime).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Bytes(paths_.mirrors[0]), before);
}

TEST_F(KeyringTest, OneHolderAtATime) {
  auto first = KeyringLock::Acquire(paths_.primary);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(KeyringLock::Acquire(paths_.primary).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(KeyringLock::Acquire(paths_.mirrors[0]).ok());
  first->reset();
  EXPECT_TRUE(KeyringLock::Acquire(paths_.primary).ok());
  EXPECT_EQ(KeyringLock::Acquire(folder_.File("none/keyring")).status().code(),
            StatusCode::kUnavailable);
}

TEST_F(KeyringTest, AnEpochThatAMirrorLacksIsNotUsed) {
  std::filesystem::create_directory(folder_.File("other"));
  paths_.mirrors[1] = folder_.File("other/m2");
  const auto keyring = Create();
  std::filesystem::rename(folder_.File("other"), folder_.File("gone"));
  EXPECT_EQ(keyring->NewEpoch(kTestTime).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(keyring->epochs().size(), 1u);
  EXPECT_EQ(keyring->generation(), 1u);
  std::filesystem::rename(folder_.File("gone"), folder_.File("other"));
  EXPECT_EQ(keyring->NewEpoch(kTestTime).value(), 2u);
  // The failed write's generation is not used twice.
  EXPECT_EQ(keyring->generation(), 3u);
  EXPECT_EQ(OpenCode(TestPassphrase(), keyring->floor()), StatusCode::kOk);
  EXPECT_THAT(warnings_, testing::IsEmpty());
}

TEST_F(KeyringTest, HalfADestructionIsNotTakenBack) {
  std::filesystem::create_directory(folder_.File("other"));
  paths_.mirrors[1] = folder_.File("other/m2");
  const auto keyring = Create();
  ASSERT_TRUE(keyring->NewEpoch(kTestTime).ok());
  ASSERT_TRUE(keyring->RetireEpoch(1, kTestTime).ok());
  std::filesystem::rename(folder_.File("other"), folder_.File("gone"));
  EXPECT_EQ(keyring->DestroyEpoch(1, kTestTime).code(), StatusCode::kUnavailable);
  EXPECT_EQ(keyring->EpochKey(1).status().code(), StatusCode::kNotFound);
  std::filesystem::rename(folder_.File("gone"), folder_.File("other"));
  // A restart in between: the newest copy has no such key.
  EXPECT_EQ(Open().value()->EpochKey(1).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(keyring->DestroyEpoch(1, kTestTime).ok());
  paths_.primary = paths_.mirrors[1];
  paths_.mirrors.clear();
  EXPECT_EQ(Open().value()->EpochKey(1).status().code(), StatusCode::kNotFound);
}

TEST_F(KeyringTest, LeftoversOfACrashDoNotMatter) {
  ASSERT_TRUE(ReplaceKeyFile(paths_.primary + ".tmp", "half a wri").ok());
  const auto keyring = Create();
  EXPECT_EQ(OpenCode(), StatusCode::kOk);
  EXPECT_FALSE(std::filesystem::exists(paths_.primary + ".tmp"));
}

TEST(KeyringSlotTest, EveryFieldOfASlotIsBound) {
  KeyringBody body;
  body.set_vault_id(std::string(IdOf(7).view()));
  const SecretBytes root_key = SystemRandom().Bytes(32);
  *body.add_slots() = MakeSlot(body.vault_id(), 1, TestPassphrase(), kCheapScrypt, kTestTime,
                               root_key, SystemRandom())
                          .value();
  ASSERT_TRUE(OpenSlots(body, TestPassphrase()).value() == root_key);
  const auto refused_with = [&](auto change) {
    KeyringBody changed = body;
    change(changed);
    return !OpenSlots(changed, TestPassphrase()).ok();
  };
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_vault_id()->at(0) ^= 1; }));
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_slots(0)->set_id(2); }));
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_slots(0)->mutable_salt()->at(0) ^= 1; }));
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_slots(0)->set_scrypt_n(4); }));
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_slots(0)->set_scrypt_n(3); }));
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_slots(0)->set_scrypt_r(2); }));
  EXPECT_TRUE(refused_with([](KeyringBody& b) { b.mutable_slots(0)->set_scrypt_p(2); }));
  EXPECT_TRUE(refused_with(
      [](KeyringBody& b) { b.mutable_slots(0)->mutable_wrapped_root_key()->at(30) ^= 1; }));
}

TEST(KeyringSlotTest, ACredentialIsNotARecoveryKey) {
  // Both go through the same derivation, so that the associated data alone tells them apart.
  KeyringBody body;
  body.set_vault_id(std::string(IdOf(7).view()));
  const SecretBytes secret = SystemRandom().Bytes(32);
  const SlotSecret credential = {SlotKind::kCredential, secret.Clone()};
  const SlotSecret recovery = {SlotKind::kRecovery, secret.Clone()};
  *body.add_slots() = MakeSlot(body.vault_id(), 1, credential, {}, kTestTime,
                               SystemRandom().Bytes(32), SystemRandom())
                          .value();
  EXPECT_TRUE(OpenSlots(body, credential).ok());
  EXPECT_FALSE(OpenSlots(body, recovery).ok());
  body.mutable_slots(0)->set_kind(storage::v1::KEYRING_SLOT_KIND_RECOVERY);
  EXPECT_FALSE(OpenSlots(body, recovery).ok());
}

TEST(KeyringEpochTest, AWrappedKeyIsBoundToVaultEpochAndFingerprint) {
  const RootKeys keys(SystemRandom().Bytes(32));
  const std::string vault(IdOf(7).view());
  auto epoch = MakeEpoch(vault, 3, kTestTime, keys, SystemRandom());
  ASSERT_TRUE(UnwrapEpochKey(vault, epoch, keys).ok());
  EXPECT_FALSE(UnwrapEpochKey(IdOf(8).view(), epoch, keys).ok());
  EXPECT_FALSE(UnwrapEpochKey(vault, epoch, RootKeys(SystemRandom().Bytes(32))).ok());
  epoch.set_id(4);
  EXPECT_FALSE(UnwrapEpochKey(vault, epoch, keys).ok());
  epoch.set_id(3);
  epoch.mutable_fingerprint()->at(0) ^= 1;
  EXPECT_FALSE(UnwrapEpochKey(vault, epoch, keys).ok());
}

TEST(RecoveryKeyTest, ComesBackFromItsText) {
  const SecretBytes key = NewRecoveryKey(SystemRandom());
  const SecretBytes text = FormatRecoveryKey(key);
  EXPECT_EQ(text.size(), 14 * 4 + 13u);
  EXPECT_TRUE(ParseRecoveryKey(text.view()).value() == key);
  std::string typed(text.view());
  for (char& c : typed) c = static_cast<char>(c == '-' ? ' ' : toupper(c));
  EXPECT_TRUE(ParseRecoveryKey("  " + typed + "\r\n").value() == key);
}

TEST(RecoveryKeyTest, TypingErrorsAreNoticed) {
  FixedRandom random("recovery");
  const std::string text(FormatRecoveryKey(NewRecoveryKey(random)).view());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') continue;
    for (char c : std::string_view("abcdefghijklmnopqrstuvwxyz234567018!")) {
      if (c == text[i]) continue;
      std::string typed = text;
      typed[i] = c;
      EXPECT_EQ(ParseRecoveryKey(typed).status().code(), StatusCode::kInvalidArgument);
    }
    EXPECT_FALSE(ParseRecoveryKey(text.substr(0, i) + text.substr(i + 1)).ok());
    EXPECT_FALSE(ParseRecoveryKey(text.substr(0, i) + "a" + text.substr(i)).ok());
  }
  EXPECT_FALSE(ParseRecoveryKey("").ok());
}

}  // namespace
}  // namespace piivault::vault
