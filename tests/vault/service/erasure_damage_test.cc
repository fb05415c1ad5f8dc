// Rows that were damaged or taken away stop no erasure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vault/service/vault_damage_fixture.h"

namespace piivault::vault {
namespace {

using ErasureWorkerTest = VaultDamageTest;

TEST_F(ErasureWorkerTest, AnAlteredNoteStopsNoErasure) {
  const std::string a = Large("a@example.jp").record().name();
  const std::string b = Large("b@example.jp").record().name();
  ASSERT_TRUE(Erase(a).ok());
  ASSERT_TRUE(Erase(b).ok());
  Damage(NoteOf(a));
  Garble(NoteOf(b));
  int reports = 0;
  ErasureWorker worker =
      vault_.NewErasureWorker([&](const storage::Key&, const absl::Status&) { ++reports; });
  while (worker.Step().value()) {
  }
  EXPECT_THAT(vault_.engine().Dump(storage::Table::kWrap), testing::IsEmpty());
  EXPECT_THAT(vault_.engine().Dump(storage::Table::kRecord), testing::IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(vault_.engine().Get(NoteOf(a)).status()));
  EXPECT_GT(reports, 1);
  EXPECT_EQ(worker.failing(), 0u);
}

TEST_F(ErasureWorkerTest, APersonWhoCannotBeRemovedIsTriedAgainAndKeepsNobodyWaiting) {
  const std::string a = Large("a@example.jp").record().name();
  const std::string b = Large("b@example.jp").record().name();
  const std::string living = vault_.Create({{"email", "c@example.jp"}}).record().name();
  ASSERT_TRUE(Erase(a).ok());
  ASSERT_TRUE(Erase(b).ok());
  Damage(SubjectRowOf(a));
  vault_.engine().Tamper(NoteOf(living), *vault_.engine().Get(NoteOf(b)));
  vault_.engine().Tamper(storage::ErasureKey(7, IdOf(7)), "of no tenant");
  std::vector<std::string> reports;
  ErasureWorker worker = vault_.NewErasureWorker(
      [&](const storage::Key& note, const absl::Status&) { reports.push_back(note.bytes); });
  const auto run = [&] {
    reports.clear();
    while (worker.Step().value()) {
    }
    return reports.size();
  };
  EXPECT_EQ(run(), 3u);
  EXPECT_EQ(worker.failing(), 3u);
  EXPECT_THAT(WrapsOf(b), testing::IsEmpty());
  EXPECT_EQ(WrapsOf(a).size(), kErasureBatch + 5);
  EXPECT_TRUE(vault_.Reveal("shop", living, {"email"}).ok());

  // With pauses that grow.
  EXPECT_EQ(run(), 0u);
  vault_.now += ErasureWorker::kFirstRetry;
  EXPECT_EQ(run(), 3u);
  vault_.now += ErasureWorker::kFirstRetry;
  EXPECT_EQ(run(), 0u);
  vault_.now += ErasureWorker::kFirstRetry;
  EXPECT_EQ(run(), 3u);
  for (int i = 0; i < 10; ++i) {
    vault_.now += ErasureWorker::kLastRetry;
    EXPECT_EQ(run(), 3u);
  }
  PutBack();
  vault_.engine().Tamper(NoteOf(living), std::nullopt);
  vault_.engine().Tamper(storage::ErasureKey(7, IdOf(7)), std::nullopt);
  vault_.now += ErasureWorker::kLastRetry;
  EXPECT_EQ(run(), 0u);
  EXPECT_THAT(WrapsOf(a), testing::IsEmpty());
  EXPECT_EQ(worker.failing(), 0u);
}

TEST_F(ErasureWorkerTest, WrapsWithoutRecordGoToo) {
  const std::string name = Large("a@example.jp").record().name();
  ASSERT_TRUE(Erase(name).ok());
  vault_.engine().Tamper(RowOf(name), std::nullopt);
  ErasureWorker worker = vault_.NewErasureWorker();
  while (worker.Step().value()) {
  }
  EXPECT_THAT(WrapsOf(name), testing::IsEmpty());
}

TEST_F(ErasureWorkerTest, AnEngineThatIsAwayIsNobodysFailure) {
  const std::string name = Large("a@example.jp").record().name();
  ASSERT_TRUE(Erase(name).ok());
  ErasureWorker worker = vault_.NewErasureWorker();
  vault_.engine().FailNext(storage::CommitOutcome::kUnavailable, 1);
  EXPECT_TRUE(absl::IsUnavailable(worker.Step().status()));
  EXPECT_EQ(worker.failing(), 0u);
  EXPECT_TRUE(worker.Step().value());
}

}  // namespace
}  // namespace piivault::vault
