#include "vault/rotation/epoch_rotation.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/commit_and_wait.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/sealed_row.h"
#include "vault/rotation/old_rows.h"
#include "vault/rotation/step_throttle.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

// More wraps than one step takes.
constexpr int kManyRecords = 150;
// More rows than one step looks at.
constexpr uint64_t kManyRows = 20'000;

// Calls back before the n-th draw: between what a step has read and its commit.
class InterruptedRandom : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    if (interrupt != nullptr && left-- == 0) {
      const std::function<void()> once = std::move(interrupt);
      interrupt = nullptr;
      once();
    }
    SystemRandom().Fill(out);
  }

  int left = 0;
  std::function<void()> interrupt;
};

class EpochRotationTest : public testing::Test {
 protected:
  storage::TenantId Tenant() { return vault_.TenantNumber("default"); }

  std::map<std::string, std::string> RowsUnder(const storage::Key& prefix) {
    std::map<std::string, std::string> rows;
    for (const auto& [key, value] : vault_.engine().Dump(prefix.table)) {
      if (key.starts_with(prefix.bytes)) rows[key] = value;
    }
    return rows;
  }
  std::map<std::string, std::string> IndexRows(uint32_t epoch) {
    return RowsUnder(storage::BlindIndexPrefix(Tenant(), epoch));
  }

  std::vector<std::string> CreateMany() {
    std::vector<std::string> names;
    for (int i = 0; i < kManyRecords; ++i) {
      names.push_back(vault_.Create({{"email", Email(i)}}).record().name());
    }
    return names;
  }
  // Rows of no epoch, the ids of which are as far from each other as random ones.
  void PlantEvenly(const storage::Key& prefix, uint64_t rows) {
    uint64_t id = 0;
    for (uint64_t i = 0; i < rows; ++i) {
      id += 0x9e3779b97f4a7c15;
      std::string key = prefix.bytes;
      for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(id >> shift));
      key.resize(storage::SharedKeySize(prefix.table));
      vault_.engine().Tamper({prefix.table, key}, "of no epoch");
    }
  }
  static std::string Email(int i) { return "reader" + std::to_string(i) + "@example.jp"; }

  void ExpectAllMoved(uint32_t epoch) {
    for (const auto& [key, value] : RowsUnder(storage::WrapPrefix(Tenant()))) {
      EXPECT_EQ(WrapEpoch(value).value(), epoch);
    }
    for (uint32_t older = 1; older < epoch; ++older) EXPECT_TRUE(IndexRows(older).empty());
    EXPECT_TRUE(vault_.damaged.empty());
    EXPECT_EQ(vault_.rotation().backlog(), 0u);
  }

  VaultFixture vault_;
};

TEST_F(EpochRotationTest, AWrapTakesAllIndexRowsOfItsRecordAlong) {
  vault_.Create({{"email", "a@example.jp"}, {"phone", "090-0000-0001"}}, "ref-a");
  const size_t rows = IndexRows(1).size();
  ASSERT_GE(rows, 4u);
  vault_.Rotate();
  ASSERT_TRUE(vault_.rotation().Step().value());
  EXPECT_TRUE(IndexRows(1).empty());
  EXPECT_EQ(IndexRows(2).size(), rows);
  EXPECT_EQ(vault_.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "OK");
  vault_.ReWrapAll();
  EXPECT_EQ(IndexRows(2).size(), rows);
  ExpectAllMoved(2);
}

TEST_F(EpochRotationTest, StepsAreLargerWhereNobodyIsHeldUp) {
  CreateMany();
  vault_.Rotate();
  ASSERT_TRUE(vault_.rotation().Step().value());
  EXPECT_FALSE(IndexRows(1).empty());
  vault_.rotation().set_large_steps(true);
  ASSERT_TRUE(vault_.rotation().Step().value());
  EXPECT_TRUE(IndexRows(1).empty());
}

TEST_F(EpochRotationTest, IndexRowsThatWereLeftBehindAreFoundByTheirOwn) {
  vault_.Create({{"email", "a@example.jp"}, {"phone", "090-0000-0001"}}, "ref-a");
  const auto left_behind = IndexRows(1);
  vault_.Rotate();
  vault_.ReWrapAll();
  const size_t rows = IndexRows(2).size();
  vault_.Rotate();
  ASSERT_TRUE(vault_.rotation().Step().value());
  // As an older program leaves them when it is cut off: wraps are done, the index is not.
  for (const auto& [key, value] : IndexRows(3)) {
    vault_.engine().Tamper({storage::Table::kIndex, key}, std::nullopt);
  }
  for (const auto& [key, value] : left_behind) {
    vault_.engine().Tamper({storage::Table::kIndex, key}, value);
  }
  vault_.ReWrapAll();
  EXPECT_EQ(IndexRows(3).size(), rows);
  ExpectAllMoved(3);
  EXPECT_EQ(vault_.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "OK");
}

class ConflictTest : public EpochRotationTest, public testing::WithParamInterface<int> {};

TEST_P(ConflictTest, PutsThePassBackToTheStepThatWasUnderWay) {
  CreateMany();
  vault_.Rotate();
  for (int i = 0; i < GetParam(); ++i) ASSERT_TRUE(vault_.rotation().Step().value());
  vault_.engine().FailNext(storage::CommitOutcome::kConflict, 2);
  vault_.ReWrapAll();
  ExpectAllMoved(2);
  for (int i = 0; i < kManyRecords; i += 10) {
    EXPECT_EQ(vault_.Lookup("shop", "email", Email(i), {"email"}).name(), "OK");
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, ConflictTest, testing::Range(0, 6));

TEST_F(EpochRotationTest, AFailedCommitLeavesThePassWhereItWas) {
  CreateMany();
  vault_.Rotate();
  ASSERT_TRUE(vault_.rotation().Step().value());
  vault_.engine().FailNext(storage::CommitOutcome::kUnknown, 1);
  ASSERT_TRUE(vault_.rotation().Step().value());
  EXPECT_TRUE(absl::IsUnknown(vault_.rotation().Step().status()));
  vault_.engine().FailNext(storage::CommitOutcome::kUnavailable, 1);
  EXPECT_TRUE(absl::IsUnavailable(vault_.rotation().Step().status()));
  vault_.ReWrapAll();
  ExpectAllMoved(2);
}

TEST_F(EpochRotationTest, ARecordThatChangesInsideAStepKeepsTheIndexOfItsNewValue) {
  const std::string name = vault_.Create({{"email", "a@example.jp"}}).record().name();
  InterruptedRandom random;
  vault_.Rotate(random);
  random.interrupt = [&] {
    v1::UpdateRecordRequest update;
    update.set_name(name);
    (*update.mutable_fields())["email"] = "b@example.jp";
    *update.mutable_usage() = UsageFor("shop");
    const VaultFixture::Result updated = vault_.Call("shop", "UpdateRecord", update);
    ASSERT_TRUE(updated.ok()) << updated.name();
  };
  vault_.ReWrapAll();
  ASSERT_EQ(random.interrupt, nullptr);
  EXPECT_EQ(vault_.Lookup("shop", "email", "b@example.jp", {"email"}).name(), "OK");
  EXPECT_EQ(vault_.Lookup("shop", "email", "a@example.jp", {"email"}).name(), "NOT_FOUND");
  EXPECT_EQ(IndexRows(2).size(), 2u) << "value and domain";
  ExpectAllMoved(2);
}

TEST_F(EpochRotationTest, NoDecisionRestsOnHowARowIsSealed) {
  vault_.Create({{"email", "a@example.jp"}});
  vault_.Rotate();
  auto decided = std::make_unique<storage::Commit>();
  decided->as_of = vault_.engine().AppliedSequence();
  decided->decided_at = absl::InfiniteFuture();
  const auto keyring = storage::StatePrefix(storage::StateKind::kEpoch);
  std::map<std::string, std::string> before;
  for (storage::Table table : {storage::Table::kState, storage::Table::kSubject}) {
    for (const auto& [key, value] : vault_.engine().Dump(table)) {
      if (key.starts_with(keyring.bytes)) continue;
      decided->reads.push_back(storage::CellFingerprint({table, key}));
      before[key] = value;
    }
  }
  vault_.ReWrapAll();
  size_t moved = 0;
  for (storage::Table table : {storage::Table::kState, storage::Table::kSubject}) {
    for (const auto& [key, value] : vault_.engine().Dump(table)) {
      moved += before.contains(key) && before[key] != value ? 1 : 0;
    }
  }
  EXPECT_GE(moved, 5u);
  decided->writes.push_back({storage::MetaKey("decided"), "before the rows were moved"});
  EXPECT_EQ(storage::CommitOrError(vault_.engine(), std::move(decided)).status(), absl::OkStatus());
}

TEST_F(EpochRotationTest, MovesUsesOfBreakGlassRoles) {
  vault_.Put([](StateChange& change) {
    storage::v1::BreakGlassRow row;
    row.set_id("aaaaaaaaaaaaaaaaaaaaaaaaaa");
    change.PutBreakGlass(row);
  });
  vault_.Rotate();
  vault_.ReWrapAll();
  const auto rows = RowsUnder(storage::StatePrefix(storage::StateKind::kBreakGlass));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(SealedRowEpoch(rows.begin()->second).value(), 2u);
}

TEST_F(EpochRotationTest, MovesRecipientsAndRevocationsOfTokens) {
  vault_.Put([](StateChange& change) {
    storage::v1::RecipientRow recipient;
    recipient.set_tenant("default");
    recipient.set_name("yamato");
    change.PutRecipient(recipient);
    storage::v1::ExportRevocationRow revocation;
    revocation.set_tenant("default");
    change.PutExportRevocation("aaaaaaaaaaaaaaaaaaaaaaaaaa", revocation);
  });
  vault_.Rotate();
  vault_.ReWrapAll();
  for (const auto kind : {storage::StateKind::kRecipient, storage::StateKind::kExportRevocation}) {
    const auto rows = RowsUnder(storage::StatePrefix(kind));
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(SealedRowEpoch(rows.begin()->second).value(), 2u);
  }
}

TEST_F(EpochRotationTest, FindsAPersonBehindMoreRowsThanAStepReads) {
  CreateMany();
  PlantEvenly(storage::SubjectPrefix(Tenant()), kManyRows);
  vault_.Rotate();
  vault_.ReWrapAll();
  EXPECT_EQ(vault_.damaged.size(), kManyRows);
  for (const auto& [key, value] : RowsUnder(storage::WrapPrefix(Tenant()))) {
    EXPECT_EQ(WrapEpoch(value).value(), 2u);
  }
}

TEST_F(EpochRotationTest, EstimatesManyRowsByTheFirst) {
  constexpr uint64_t kRows = kManyRows;
  const EpochRange range{EpochRange::Kind::kSealed, Tenant(), 0, storage::SubjectPrefix(Tenant())};
  PlantEvenly(range.prefix, 100);
  EXPECT_EQ(EstimateOldRows(vault_.engine(), range, 2), 100u);
  PlantEvenly(range.prefix, kRows);
  EXPECT_NEAR(static_cast<double>(EstimateOldRows(vault_.engine(), range, 2)), kRows, kRows / 50.0);
}

constexpr absl::Duration kStep = absl::Milliseconds(5);

TEST(StepThrottleTest, DoesNotRestWhileNobodyCalls) {
  StepThrottle throttle;
  throttle.Reset(1000, 10);
  for (uint64_t step = 1; step < 5; ++step) {
    EXPECT_EQ(throttle.RestAfter(kStep, 1000 + step, 10 + step), absl::ZeroDuration());
  }
  // Its own entry is on its way, and then there.
  EXPECT_EQ(throttle.RestAfter(kStep, 1004, 15), absl::ZeroDuration());
  EXPECT_EQ(throttle.RestAfter(kStep, 1006, 16), absl::ZeroDuration());
}

TEST(StepThrottleTest, RestsForEachCallUpToABoundedShare) {
  StepThrottle throttle;
  throttle.Reset(0, 0);
  EXPECT_EQ(throttle.RestAfter(kStep, 11, 1), 10 * StepThrottle::kRestForCall);
  EXPECT_EQ(throttle.RestAfter(kStep, 100'012, 2), StepThrottle::kMostRest * kStep);
  EXPECT_EQ(throttle.RestAfter(kStep, 100'013, 3), absl::ZeroDuration()) << "they have gone";
}

}  // namespace
}  // namespace piivault::vault
