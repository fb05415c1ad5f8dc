// Rows that were damaged or taken away while keys rotate stop nothing but themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "piivault/v1/admin_service.pb.h"
#include "tests/vault/service/vault_damage_fixture.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/records/damage.h"
#include "vault/rotation/rotation_controller.h"

namespace piivault::vault {
namespace {

using RotationDamageTest = VaultDamageTest;

TEST_F(RotationDamageTest, DamagedRowsStopNothingAndKeepTheirEpoch) {
  std::vector<std::string> names;
  for (int i = 0; i < 6; ++i) {
    names.push_back(vault_.Create({{"email", std::to_string(i) + "@example.jp"}}).record().name());
  }
  Damage(WrapOf(names[0]));
  Garble(WrapOf(names[1]));  // does not even say its epoch
  Damage(SubjectRowOf(names[2]));
  Damage(RowOf(names[3]));
  const storage::Key request = storage::RequestKey({});
  vault_.engine().Tamper(request, "garbage");
  const storage::Key denial = storage::StateKey(storage::StateKind::kDenylist, "planted");
  vault_.engine().Tamper(denial, "garbage");

  Rotate();
  EXPECT_EQ(vault_.keyring().epochs()[0].status, EpochStatus::kRetired);
  EXPECT_EQ(vault_.Lookup("shop", "email", "5@example.jp", {"email"}).name(), "OK");
  std::set<std::string> reported;
  for (const storage::Key& key : vault_.damaged) reported.insert(key.bytes);
  for (const storage::Key& key : {WrapOf(names[0]), WrapOf(names[1]), WrapOf(names[2]),
                                  SubjectRowOf(names[2]), request, denial}) {
    EXPECT_TRUE(reported.contains(key.bytes)) << RowName(key);
  }
  EXPECT_FALSE(reported.contains(WrapOf(names[3]).bytes)) << "the wrap itself is in order";
  // Two index rows, of value and domain, of each record that does not open.
  EXPECT_EQ(reported.size(), 6u + 4 * 2);
  EXPECT_EQ(vault_.damaged.size(), reported.size());
  EXPECT_EQ(Recorded(1).damaged(), reported.size());
  EXPECT_FALSE(Recorded(1).index_moved());
  // Everything else has moved.
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kWrap)) {
    if (!reported.contains(key)) {
      EXPECT_EQ(WrapEpoch(value).value(), 2u);
    }
  }

  // I13: what hangs on the epoch can still be put back, so its key stays.
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(1)));
  EXPECT_TRUE(vault_.keyring().EpochKey(1).ok());
  PutBack();
  EXPECT_EQ(vault_.Lookup("shop", "email", "0@example.jp", {"email"}).name(), "OK");
  EXPECT_TRUE(vault_.Reveal("shop", names[2], {"email"}).ok());

  // Mended or erased, and nothing is left after the next rotation.
  Garble(WrapOf(names[1]));
  ASSERT_TRUE(Erase(names[1]).ok());
  vault_.engine().Tamper(denial, std::nullopt);
  vault_.engine().Tamper(request, std::nullopt);
  Rotate();
  EXPECT_THAT(vault_.damaged, testing::IsEmpty());
  EXPECT_EQ(Recorded(1).damaged(), 0u);
  EXPECT_EQ(Recorded(2).damaged(), 0u);
  EXPECT_TRUE(vault_.rotation().Destroy(1).ok());
  EXPECT_TRUE(vault_.rotation().Destroy(2).ok());
  for (const std::string& name : {names[0], names[2], names[3], names[4]}) {
    EXPECT_TRUE(vault_.Reveal("shop", name, {"email"}).ok()) << name;
  }
}

TEST_F(RotationDamageTest, AWrapOfUnknownEpochKeepsEachEpoch) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  Rotate();
  Rotate();
  Garble(WrapOf(name));
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(1)));
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(2)));
  PutBack();
  EXPECT_TRUE(vault_.rotation().Destroy(1).ok());
}

TEST_F(RotationDamageTest, AWrapUnderAnotherKeyIsNotMoved) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  storage::Key another = WrapOf(name);
  another.bytes.back() = 7;  // of another version
  vault_.engine().Tamper(another, *vault_.engine().Get(WrapOf(name)));
  Rotate();
  EXPECT_THAT(vault_.damaged, testing::ElementsAre(another));
}

TEST_F(RotationDamageTest, LookUpsPassOverEpochsWithoutIndex) {
  vault_.Create({{"email", "a@example.jp"}});
  Rotate();
  EXPECT_TRUE(Recorded(1).index_moved());
  EXPECT_FALSE(Recorded(2).index_moved());
  EXPECT_EQ(vault_.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "OK");
  const auto epochs = [&](const KeySnapshot& keys) {
    std::vector<uint32_t> ids;
    const TenantIndexes indexes;
    const TenantScope scope = *TenantScope::Create(Tenant(), keys, indexes);
    for (const TenantKeys* tenant : scope.indexed()) ids.push_back(tenant->epoch);
    return ids;
  };
  EXPECT_THAT(epochs(*vault_.hierarchy().Current()), testing::ElementsAre(2));
  vault_.Rotate();  // nothing moved yet
  EXPECT_THAT(epochs(*vault_.hierarchy().Current()), testing::ElementsAre(2, 3));
  // What is known is in the database, for the next process.
  const auto again = *OpenKeyHierarchy(vault_.engine(), vault_.keyring());
  EXPECT_FALSE(again->Current()->HasIndex(1));
  EXPECT_TRUE(again->Current()->HasIndex(2));
  EXPECT_TRUE(again->Current()->HasIndex(3));
}

// Destroying by proposal.
class DestructionTest : public VaultDamageTest {
 protected:
  void Approve(uint32_t epoch, absl::Time expires) {
    v1::Proposal act;
    act.mutable_destroy_epoch()->set_epoch(epoch);
    storage::v1::ProposalRow row;
    row.set_id(SystemRandom().Id128().ToText());
    row.set_act(act.SerializeAsString());
    row.set_state(v1::PROPOSAL_STATE_APPROVED);
    row.set_expire_time_micros(absl::ToUnixMicros(expires));
    vault_.Put([&](StateChange& change) { change.PutProposal(row); });
  }
  EpochStatus StatusOfFirst() { return vault_.keyring().epochs()[0].status; }
};

TEST_F(DestructionTest, IsCarriedOutByWhoeverFindsTheApproval) {
  Rotate();
  Approve(1, vault_.now + absl::Hours(1));
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_EQ(StatusOfFirst(), EpochStatus::kDestroyed);
  EXPECT_TRUE(Recorded(1).destroyed());
  EXPECT_EQ(controller.Work().value(), absl::Minutes(1));
}

TEST_F(DestructionTest, ExpiresWithItsProposal) {
  Rotate();
  Approve(1, vault_.now);
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_EQ(StatusOfFirst(), EpochStatus::kRetired);
}

TEST_F(DestructionTest, WaitsForRowsThatHangOnTheEpochUntilItExpires) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  Damage(WrapOf(name));
  Rotate();
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(absl::IsFailedPrecondition(controller.CheckDestroy(1)));
  EXPECT_EQ(controller.LiveRows(1), Recorded(1).damaged());
  Approve(1, vault_.now + absl::Hours(3));
  EXPECT_TRUE(absl::IsFailedPrecondition(controller.Work().status()));
  // Not over and over: it is a scan of all rows.
  EXPECT_EQ(controller.Work().value(), absl::Minutes(1));
  ASSERT_TRUE(Erase(name).ok());
  vault_.now += RotationController::kRetryDestroy;
  for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
    vault_.engine().Tamper({storage::Table::kIndex, key}, std::nullopt);
  }
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_EQ(StatusOfFirst(), EpochStatus::kDestroyed);
}

TEST_F(DestructionTest, OnceBegunIsFinishedWhateverTheTime) {
  Rotate();
  // The key went, and the process with it before the database heard.
  ASSERT_TRUE(vault_.keyring().DestroyEpoch(1, vault_.now).ok());
  EXPECT_FALSE(Recorded(1).destroyed());
  RotationController controller(vault_.RotationParts(), absl::Hours(1000), [] {});
  EXPECT_TRUE(controller.Work().ok());
  EXPECT_TRUE(Recorded(1).destroyed());
}

// Calls back before each draw, with its size: between what a step has read and its commit.
class InterruptedRandom : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    if (before != nullptr) before(out.size());
    SystemRandom().Fill(out);
  }

  std::function<void(size_t size)> before;
};

class ErasureWhileRotatingTest : public VaultDamageTest {
 protected:
  // From the tombstone on no wrap of this person comes under an epoch where it was not.
  void ExpectNoneMoved(const std::string& name) {
    for (const auto& [key, value] : WrapsOf(name)) EXPECT_EQ(value, tombstone_wraps_[key]);
  }

  // Steps of rotation and worker, in the order of the bits of `order`, until both are done.
  void Interleave(const std::string& name, unsigned order) {
    ErasureWorker worker = vault_.NewErasureWorker();
    bool rotating = true;
    bool erasing = true;
    for (unsigned step = 0; rotating || erasing; ++step) {
      const bool erase = ((order >> (step % 4)) & 1) != 0;
      if (erasing && (erase || !rotating)) {
        erasing = worker.Step().value();
      } else {
        rotating = vault_.rotation().Step().value();
      }
      ExpectNoneMoved(name);
    }
    EXPECT_THAT(WrapsOf(name), testing::IsEmpty());
    Rotate();
    EXPECT_THAT(WrapsOf(name), testing::IsEmpty());
    EXPECT_THAT(vault_.damaged, testing::IsEmpty());
    EXPECT_EQ(vault_.Lookup("shop", "email", "kept@example.jp", {"email"}).name(), "OK");
  }

  void EraseNow(const std::string& name) {
    ASSERT_TRUE(Erase(name).ok());
    tombstone_wraps_ = WrapsOf(name);
    EXPECT_EQ(tombstone_wraps_.size(), kErasureBatch + 5);
  }

  std::map<std::string, std::string> tombstone_wraps_;
};

class ErasureBetweenStepsTest : public ErasureWhileRotatingTest,
                                public testing::WithParamInterface<std::pair<int, unsigned>> {};

TEST_P(ErasureBetweenStepsTest, NoWrapIsMovedBehindTheTombstone) {
  vault_.Create({{"email", "kept@example.jp"}});
  const std::string name = Large("gone@example.jp").record().name();
  vault_.Rotate();
  for (int i = 0; i < GetParam().first; ++i) ASSERT_TRUE(vault_.rotation().Step().ok());
  EraseNow(name);
  Interleave(name, GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Orders, ErasureBetweenStepsTest,
                         testing::Values(std::pair{0, 0u}, std::pair{0, 5u}, std::pair{0, 15u},
                                         std::pair{1, 0u}, std::pair{1, 6u}, std::pair{3, 10u}));

constexpr int kAtSalt = -1;
constexpr size_t kSaltSize = 16;

class ErasureInsideAStepTest : public ErasureWhileRotatingTest,
                               public testing::WithParamInterface<std::pair<int, unsigned>> {};

TEST_P(ErasureInsideAStepTest, NoWrapIsMovedBehindTheTombstone) {
  vault_.Create({{"email", "kept@example.jp"}});
  const std::string name = Large("gone@example.jp").record().name();
  InterruptedRandom random;
  vault_.Rotate(random);
  int left = GetParam().first;
  bool erased = false;
  random.before = [&](size_t size) {
    // The entry's salt, which comes when all rows of the step are planned, or the n-th draw.
    if (erased || (left == kAtSalt ? size != kSaltSize : left-- != 0)) return;
    erased = true;
    EraseNow(name);
  };
  while (!erased) ASSERT_TRUE(vault_.rotation().Step().value());
  random.before = nullptr;
  ExpectNoneMoved(name);
  Interleave(name, GetParam().second);
}

INSTANTIATE_TEST_SUITE_P(Draws, ErasureInsideAStepTest,
                         testing::Values(std::pair{0, 0u}, std::pair{40, 0u}, std::pair{100, 5u},
                                         std::pair{200, 15u}, std::pair{kAtSalt, 0u},
                                         std::pair{kAtSalt, 9u}));

TEST_F(ErasureWhileRotatingTest, ANoteThatWasTakenAwayIsPutThereAgain) {
  vault_.Create({{"email", "kept@example.jp"}});
  const std::string name = Large("gone@example.jp").record().name();
  EraseNow(name);
  vault_.engine().Tamper(NoteOf(name), std::nullopt);
  EXPECT_FALSE(vault_.NewErasureWorker().Step().value());
  vault_.Rotate();
  Interleave(name, 0);
}

}  // namespace
}  // namespace piivault::vault
