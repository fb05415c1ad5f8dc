// The tenants' matters: rows of their own that decide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/vault/state/vault_fixture.h"
#include "vault/keys/sealed_row.h"
#include "vault/state/matter_map.h"

namespace piivault::vault {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr storage::TenantId kOther = 7;

storage::v1::MatterRow Matter(const std::string& kind, const std::string& id,
                              const std::string& state = "open") {
  storage::v1::MatterRow row;
  row.set_kind(kind);
  row.set_id(id);
  row.set_state(state);
  return row;
}

class MatterRowsTest : public testing::Test {
 protected:
  MatterRowsTest() {
    StateChange change = vault_.NewChange();
    storage::v1::TenantRow tenant;
    tenant.set_name("other");
    tenant.set_id(kOther);
    change.PutTenant(tenant);
    EXPECT_TRUE(vault_.Commit(std::move(change)).ok());
  }

  storage::TenantId First() { return vault_.state()->FindTenant("default")->id; }
  void Put(storage::TenantId tenant, const storage::v1::MatterRow& row) {
    StateChange change = vault_.NewChange();
    change.PutMatter(tenant, row);
    EXPECT_TRUE(vault_.Commit(std::move(change)).ok());
  }
  // `kind/id state` of each.
  std::set<std::string> Matters(storage::TenantId tenant) {
    std::set<std::string> texts;
    vault_.state()->matters(tenant).ForEach([&](const MatterState& matter) {
      texts.insert(matter.row.kind() + "/" + matter.row.id() + " " + matter.row.state());
    });
    EXPECT_EQ(texts.size(), vault_.state()->matters(tenant).size());
    return texts;
  }
  // As somebody who writes to the disk but has no keys.
  void Move(const storage::Key& from, const storage::Key& to) {
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kState)) {
      if (key == from.bytes) vault_.engine().Tamper(to, value);
    }
  }

  TestVault vault_;
};

TEST_F(MatterRowsTest, AreSeenAtOnceAndAfterARestartEachByItsTenant) {
  Put(First(), Matter("order", "O-1"));
  Put(First(), Matter("order", "O-2"));
  Put(kOther, Matter("order", "O-1", "closed"));
  Put(First(), Matter("order", "O-1", "closed"));
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_THAT(Matters(First()), UnorderedElementsAre("order/O-1 closed", "order/O-2 open"));
    EXPECT_THAT(Matters(kOther), UnorderedElementsAre("order/O-1 closed"));
    EXPECT_EQ(vault_.state()->matters(First()).Find("order", "O-1")->version, 2u);
    EXPECT_EQ(vault_.state()->matters(First()).Find("orde", "r/O-1"), nullptr);
    EXPECT_EQ(vault_.state()->matters(99).Find("order", "O-1"), nullptr);
    ASSERT_TRUE(vault_.Open().ok());
  }
}

TEST_F(MatterRowsTest, ARemovedOneIsGone) {
  Put(First(), Matter("order", "O-1"));
  Put(kOther, Matter("order", "O-1"));
  const auto before = vault_.state();
  StateChange change = vault_.NewChange();
  change.RemoveMatter(First(), "order", "O-1");
  ASSERT_TRUE(vault_.Commit(std::move(change)).ok());
  EXPECT_NE(before->matters(First()).Find("order", "O-1"), nullptr);
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_THAT(Matters(First()), IsEmpty());
    EXPECT_THAT(Matters(kOther), UnorderedElementsAre("order/O-1 open"));
    ASSERT_TRUE(vault_.Open().ok());
  }
}

TEST_F(MatterRowsTest, OfTwoChangesOfOneTheSecondConflicts) {
  const uint64_t as_of = vault_.engine().AppliedSequence();
  StateChange first = vault_.NewChange();
  StateChange second = vault_.NewChange();
  StateChange another = vault_.NewChange();
  first.PutMatter(First(), Matter("order", "O-1"));
  second.PutMatter(First(), Matter("order", "O-1", "closed"));
  another.PutMatter(First(), Matter("order", "O-2"));
  ASSERT_TRUE(vault_.Commit(std::move(first), as_of).ok());
  EXPECT_TRUE(absl::IsAborted(vault_.Commit(std::move(second), as_of)));
  EXPECT_TRUE(vault_.Commit(std::move(another), as_of).ok());
  EXPECT_THAT(Matters(First()), UnorderedElementsAre("order/O-1 open", "order/O-2 open"));
}

TEST_F(MatterRowsTest, ADecisionThatFoundNoneConflictsWithItsOpening) {
  const uint64_t as_of = vault_.engine().AppliedSequence();
  Put(First(), Matter("order", "O-1"));
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = as_of;
  commit->decided_at = vault_.now();
  commit->reads.push_back(MatterCell(First(), "order", "O-1"));
  EXPECT_TRUE(absl::IsAborted(storage::CommitOrError(vault_.engine(), std::move(commit)).status()));
}

TEST_F(MatterRowsTest, ARowOfAnotherTenantKindOrIdIsDamage) {
  Put(First(), Matter("order", "O-1"));
  const storage::Key from = storage::MatterKey(First(), "order", "O-1");
  for (const storage::Key& to :
       {storage::MatterKey(kOther, "order", "O-1"), storage::MatterKey(First(), "case", "O-1"),
        storage::MatterKey(First(), "order", "O-2"), storage::MatterKey(99, "order", "O-1")}) {
    Move(from, to);
    EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
    vault_.engine().Tamper(to, std::nullopt);
    EXPECT_TRUE(vault_.Open().ok());
  }
}

// Sealed right, but in a place where no such row is: only a faulty program writes that.
TEST_F(MatterRowsTest, ARowThatContradictsItsKeyOrHasNoTenantIsDamage) {
  const auto plant = [&](const storage::Key& key, const storage::v1::MatterRow& row) {
    vault_.engine().Tamper(
        key, SealRowBytes(vault_.state()->keys(), SystemRandom(), key, 1, row.SerializeAsString()));
    EXPECT_TRUE(absl::IsDataLoss(vault_.Open()));
    vault_.engine().Tamper(key, std::nullopt);
  };
  plant(storage::MatterKey(99, "order", "O-1"), Matter("order", "O-1"));
  plant(storage::MatterKey(kOther, "order", "O-1"), Matter("order", "O-2"));
  plant(storage::MatterKey(kOther, "order", "O-1"), Matter("case", "O-1"));
  storage::Key longer = storage::MatterKey(kOther, "order", "O-1");
  longer.bytes.push_back('x');
  plant(longer, Matter("order", "O-1"));
  EXPECT_TRUE(vault_.Open().ok());
}

TEST(MatterMapTest, CopiesDoNotSeeEachOthersChanges) {
  const auto add = [](MatterMap* map, const std::string& id, const std::string& state) {
    auto matter = std::make_shared<MatterState>();
    matter->row = Matter("order", id, state);
    map->Put(std::move(matter));
  };
  MatterMap first;
  for (int i = 0; i < 500; ++i) add(&first, std::to_string(i), "open");
  MatterMap second(first);
  for (int i = 0; i < 500; i += 2) add(&second, std::to_string(i), "closed");
  for (int i = 1; i < 500; i += 4) second.Remove("order", std::to_string(i));
  add(&first, "more", "open");
  EXPECT_EQ(first.size(), 501u);
  EXPECT_EQ(second.size(), 375u);
  EXPECT_EQ(second.Find("order", "more"), nullptr);
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(first.Find("order", std::to_string(i))->row.state(), "open");
    const MatterState* changed = second.Find("order", std::to_string(i));
    if (i % 4 == 1) {
      EXPECT_EQ(changed, nullptr);
    } else {
      EXPECT_EQ(changed->row.state(), i % 2 == 0 ? "closed" : "open");
    }
  }
  second.Remove("order", "none");
  EXPECT_EQ(second.size(), 375u);
}

}  // namespace
}  // namespace piivault::vault
