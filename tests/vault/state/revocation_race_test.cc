// I10 at the level of commits: in the order of the log, no grant stands between a revocation and
// what lifts it, however reads and revocations race.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/vault/state/vault_fixture.h"

namespace piivault::vault {
namespace {

constexpr int kRevocations = 10'000;
constexpr int kReaders = 2;

storage::EntryDraft Entry(const char* what) {
  storage::EntryDraft draft;
  draft.body = what;
  return draft;
}

class RevocationRaceTest : public testing::Test {
 protected:
  RevocationRaceTest() {
    row_.set_name("sato");
    row_.set_employment(2);
    row_.add_attestations()->set_id("nda");
    Put("allow", 0);
  }

  void Put(const char* what, int64_t revoked_micros) {
    row_.mutable_attestations(0)->set_revoked_micros(revoked_micros);
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = vault_.now();
    StateChange change = vault_.NewChange();
    change.PutPerson(row_);
    change.MoveTo(commit.get());
    commit->entry = Entry(what);
    ASSERT_TRUE(storage::CommitOrError(vault_.engine(), std::move(commit)).ok());
  }

  // One read as a call does it: `as_of`, snapshot, decision, commit.
  void Read() {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = vault_.now();
    const auto state = vault_.state();
    const PersonState* person = state->FindPerson("sato");
    if (person->attestations[0].revoked_at <= vault_.now()) return;
    // What a call does meanwhile: a revocation may well come in here.
    std::this_thread::yield();
    commit->reads.push_back(person->cell);
    commit->entry = Entry("grant");
    const auto done = storage::CommitOrError(vault_.engine(), std::move(commit));
    ++(done.ok() ? granted_ : conflicts_);
  }

  TestVault vault_;
  storage::v1::PersonRow row_;
  std::atomic<int> granted_{0};
  std::atomic<int> conflicts_{0};
};

TEST_F(RevocationRaceTest, NoGrantFollowsARevocation) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      while (!stop) Read();
    });
  }
  for (int i = 0; i < kRevocations; ++i) {
    Put("revoke", absl::ToUnixMicros(vault_.now()));
    Put("allow", 0);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();

  bool revoked = false;
  int grants = 0;
  int revocations = 0;
  for (uint64_t index = 0; index < vault_.engine().LogEnd().index;) {
    const auto entries = vault_.engine().ReadEntries(index, 1000);
    ASSERT_TRUE(entries.ok());
    for (const storage::StoredEntry& entry : *entries) {
      if (entry.entry.body == "revoke") {
        revoked = true;
        ++revocations;
      } else if (entry.entry.body == "allow") {
        revoked = false;
      } else if (entry.entry.body == "grant") {
        ASSERT_FALSE(revoked) << "at " << entry.position.index;
        ++grants;
      }
    }
    index += entries->size();
  }
  EXPECT_EQ(revocations, kRevocations);
  EXPECT_EQ(grants, granted_);
  // The two met: otherwise this would show nothing.
  EXPECT_GT(granted_, 0);
  EXPECT_GT(conflicts_, 0);
}

}  // namespace
}  // namespace piivault::vault
