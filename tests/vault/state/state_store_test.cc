#include "vault/state/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vault/state/vault_fixture.h"

namespace piivault::vault {
namespace {

using storage::StateKey;
using storage::StateKind;
using storage::Table;

constexpr absl::StatusCode kDataLoss = absl::StatusCode::kDataLoss;

storage::v1::PersonRow Person(const std::string& name) {
  storage::v1::PersonRow row;
  row.set_name(name);
  row.set_employment(2);
  return row;
}

storage::v1::MatterRow Matter(const std::string& kind, const std::string& id) {
  storage::v1::MatterRow row;
  row.set_kind(kind);
  row.set_id(id);
  row.set_state("open");
  return row;
}

TEST(InitializeVaultTest, MakesTenantAndAdministrators) {
  TestVault vault;
  const auto state = vault.state();
  ASSERT_NE(state->FindTenant("default"), nullptr);
  EXPECT_NE(state->keys().ActiveTenant(state->FindTenant("default")->id), nullptr);
  EXPECT_EQ(state->CountAdministrators(vault.now()), 2);
  EXPECT_FALSE(state->single_operator());
  EXPECT_EQ(state->FindPrincipalByIdentity("spiffe://example.test/aoki")->name, "aoki");
  EXPECT_EQ(vault.engine().LogEnd().index, 1u);
}

TEST(InitializeVaultTest, RefusesASecondTime) {
  TestVault vault;
  InitializeOptions options;
  options.administrators = {MakeAdministrator("x"), MakeAdministrator("y")};
  EXPECT_TRUE(absl::IsAlreadyExists(
      InitializeVault(vault.engine(), vault.keyring(), options, vault.now(), SystemRandom())));
}

TEST(InitializeVaultTest, RefusesTooFewOrTheSamePersonTwice) {
  TestVault vault;
  fakes::MemoryEngine engine;
  const auto initialize = [&](InitializeOptions options) {
    return InitializeVault(engine, vault.keyring(), options, vault.now(), SystemRandom()).code();
  };
  InitializeOptions options;
  options.administrators = {MakeAdministrator("x")};
  EXPECT_EQ(initialize(options), absl::StatusCode::kInvalidArgument);
  options.administrators = {MakeAdministrator("x"), MakeAdministrator("y")};
  options.administrators[1].person = "x";
  EXPECT_EQ(initialize(options), absl::StatusCode::kInvalidArgument);
  options.administrators[1] = MakeAdministrator("y");
  options.single_operator = true;
  EXPECT_EQ(initialize(options), absl::StatusCode::kInvalidArgument);
  engine.Shutdown();
}

TEST(StateStoreTest, ChangesAreSeenAtOnceAndAfterARestart) {
  TestVault vault;
  StateChange change = vault.NewChange();
  change.PutPerson(Person("sato"));
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  ASSERT_NE(vault.state()->FindPerson("sato"), nullptr);
  ASSERT_TRUE(vault.Open().ok());
  ASSERT_NE(vault.state()->FindPerson("sato"), nullptr);
  EXPECT_EQ(vault.state()->FindPerson("sato")->version, 1u);
}

TEST(StateStoreTest, SnapshotsTakenBeforeDoNotChange) {
  TestVault vault;
  const auto before = vault.state();
  StateChange change = vault.NewChange();
  change.PutPerson(Person("sato"));
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  EXPECT_EQ(before->FindPerson("sato"), nullptr);
}

TEST(StateStoreTest, OfTwoChangesOfOneRowTheSecondConflicts) {
  TestVault vault;
  const uint64_t as_of = vault.engine().AppliedSequence();
  StateChange first = vault.NewChange();
  StateChange second = vault.NewChange();
  first.PutPerson(Person("sato"));
  second.PutPerson(Person("sato"));
  ASSERT_TRUE(vault.Commit(std::move(first), as_of).ok());
  EXPECT_TRUE(absl::IsAborted(vault.Commit(std::move(second), as_of)));
}

TEST(StateStoreTest, TwoPrincipalsCannotTakeOneIdentityAtTheSameTime) {
  TestVault vault;
  const uint64_t as_of = vault.engine().AppliedSequence();
  std::vector<StateChange> changes;
  for (const char* name : {"one", "two"}) {
    storage::v1::PrincipalRow row;
    row.set_name(name);
    row.set_kind(2);
    row.set_person("aoki");
    row.add_identities()->set_uri("dns:api.example.test");
    changes.push_back(vault.NewChange());
    changes.back().PutPrincipal(row);
  }
  ASSERT_TRUE(vault.Commit(std::move(changes[0]), as_of).ok());
  EXPECT_TRUE(absl::IsAborted(vault.Commit(std::move(changes[1]), as_of)));
  EXPECT_EQ(vault.state()->FindPrincipalByIdentity("dns:api.example.test")->name, "one");
}

TEST(StateStoreTest, BothAdministratorsCannotBeDisabledAtTheSameTime) {
  TestVault vault;
  const uint64_t as_of = vault.engine().AppliedSequence();
  std::vector<StateChange> changes;
  for (const char* name : {"aoki", "baba"}) {
    storage::v1::PrincipalRow row = vault.state()->FindPrincipal(name)->row;
    row.set_disabled(true);
    changes.push_back(vault.NewChange());
    changes.back().PutPrincipal(row);
  }
  ASSERT_TRUE(vault.Commit(std::move(changes[0]), as_of).ok());
  EXPECT_TRUE(absl::IsAborted(vault.Commit(std::move(changes[1]), as_of)));
}

TEST(StateStoreTest, ARemovedIdentityIsFree) {
  TestVault vault;
  storage::v1::PrincipalRow row = vault.state()->FindPrincipal("aoki")->row;
  row.clear_identities();
  StateChange change = vault.NewChange();
  change.PutPrincipal(row);
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  EXPECT_EQ(vault.state()->FindPrincipalByIdentity("spiffe://example.test/aoki"), nullptr);
  EXPECT_EQ(vault.state()->CountAdministrators(vault.now()), 1);
}

TEST(StateStoreTest, AdministratorsOfOnePersonCountOnce) {
  TestVault vault;
  storage::v1::PrincipalRow row = vault.state()->FindPrincipal("aoki")->row;
  row.set_name("aoki-2");
  row.mutable_identities(0)->set_uri("spiffe://example.test/aoki-2");
  StateChange change = vault.NewChange();
  change.PutPrincipal(row);
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  EXPECT_EQ(vault.state()->CountAdministrators(vault.now()), 2);
}

// Every row that decides, damaged, moved or swapped, keeps the vault from opening (I4, I11).
class TamperTest : public testing::TestWithParam<StateKind> {
 protected:
  TamperTest() {
    StateChange change = vault_.NewChange();
    storage::v1::ProposalRow proposal;
    for (const char* id : {"aaaaaaaaaaaaaaaaaaaaaaaaaa", "baaaaaaaaaaaaaaaaaaaaaaaaa"}) {
      proposal.set_id(id);
      change.PutProposal(proposal);
    }
    change.PutDenylist(std::string(32, 'a'), storage::v1::DenylistRow());
    change.PutDenylist(std::string(32, 'b'), storage::v1::DenylistRow());
    storage::v1::TenantRow tenant;
    tenant.set_name("second");
    tenant.set_id(7);
    change.PutTenant(tenant);
    change.PutPolicy(std::string(64, '1'), storage::v1::PolicyRow(), nullptr);
    change.PutPolicy(std::string(64, '2'), storage::v1::PolicyRow(), nullptr);
    const storage::TenantId first = vault_.state()->FindTenant("default")->id;
    for (const storage::TenantId owner : {first, storage::TenantId{7}}) {
      change.PutMatter(owner, Matter("instruction", "I-1"));
    }
    PutSharing(change);
    EXPECT_TRUE(vault_.Commit(std::move(change)).ok());
  }

  // Two recipients with their principals, and two revocations.
  static void PutSharing(StateChange& change) {
    for (const char* name : {"yamato", "sagawa"}) {
      storage::v1::RecipientRow recipient;
      recipient.set_tenant("default");
      recipient.set_name(name);
      recipient.set_principal(std::string("default.") + name);
      change.PutRecipient(recipient);
      storage::v1::PrincipalRow principal;
      principal.set_name(recipient.principal());
      principal.set_kind(4);
      principal.set_recipient(std::string("default/") + name);
      change.PutPrincipal(principal);
    }
    storage::v1::ExportRevocationRow revocation;
    revocation.set_tenant("default");
    revocation.set_time_micros(1);
    for (const char* id : {"aaaaaaaaaaaaaaaaaaaaaaaaaa", "caaaaaaaaaaaaaaaaaaaaaaaaa"}) {
      change.PutExportRevocation(id, revocation);
    }
  }

  // Keys and values of the kind.
  std::vector<std::pair<std::string, std::string>> Rows() {
    std::vector<std::pair<std::string, std::string>> rows;
    for (auto& row : vault_.engine().Dump(Table::kState)) {
      if (row.first.front() == static_cast<char>(GetParam())) rows.push_back(std::move(row));
    }
    return rows;
  }

  TestVault vault_;
};

TEST_P(TamperTest, RefusesAnyFlippedByte) {
  ASSERT_TRUE(vault_.Open().ok());
  const auto [key, value] = Rows().front();
  for (size_t i = 0; i < value.size(); i += 7) {
    std::string damaged = value;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    vault_.engine().Tamper({Table::kState, key}, damaged);
    EXPECT_FALSE(vault_.Open().ok()) << "byte " << i;
  }
  vault_.engine().Tamper({Table::kState, key}, value);
  EXPECT_TRUE(vault_.Open().ok());
}

TEST_P(TamperTest, RefusesTruncatedRows) {
  const auto [key, value] = Rows().front();
  vault_.engine().Tamper({Table::kState, key}, value.substr(0, value.size() - 1));
  EXPECT_EQ(vault_.Open().code(), kDataLoss);
  vault_.engine().Tamper({Table::kState, key}, "");
  EXPECT_EQ(vault_.Open().code(), kDataLoss);
}

// With another of its kind; of a kind that has one row only, with one of another kind.
TEST_P(TamperTest, RefusesSwappedRows) {
  auto rows = Rows();
  for (auto& row : vault_.engine().Dump(Table::kState)) {
    if (rows.size() < 2 && row.first != rows[0].first) rows.push_back(std::move(row));
  }
  vault_.engine().Tamper({Table::kState, rows[0].first}, rows[1].second);
  vault_.engine().Tamper({Table::kState, rows[1].first}, rows[0].second);
  EXPECT_EQ(vault_.Open().code(), kDataLoss);
}

TEST_P(TamperTest, RefusesAnotherVaultsRow) {
  TestVault other;
  const auto [key, value] = Rows().front();
  for (auto& row : other.engine().Dump(Table::kState)) {
    if (row.first == key) {
      vault_.engine().Tamper({Table::kState, key}, row.second);
      EXPECT_FALSE(vault_.Open().ok());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TamperTest,
                         testing::Values(StateKind::kVault, StateKind::kTenant, StateKind::kPerson,
                                         StateKind::kPrincipal, StateKind::kPolicy,
                                         StateKind::kProposal, StateKind::kDenylist,
                                         StateKind::kEpoch, StateKind::kTenantKey,
                                         StateKind::kMatter, StateKind::kRecipient,
                                         StateKind::kExportRevocation));

TEST(StateStoreTest, RefusesATenantWhosePolicyIsGone) {
  TestVault vault;
  storage::v1::TenantRow row = vault.state()->FindTenant("default")->row;
  row.set_policy_sha256(std::string(32, 'x'));
  StateChange change = vault.NewChange();
  change.PutTenant(row);
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  EXPECT_EQ(vault.Open().code(), kDataLoss);
}

TEST(OpenKeyHierarchyTest, RefusesAKeyringOlderThanTheDatabase) {
  TestVault vault;
  storage::v1::KeyringRow row = DescribeKeyring(vault.keyring(), 1);
  row.set_generation(row.generation() + 1);
  StateChange change = vault.NewChange();
  change.PutKeyring(row);
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(vault.Open()));
}

TEST(OpenKeyHierarchyTest, RefusesAKeyringInWhichADestroyedEpochLives) {
  TestVault vault;
  storage::v1::KeyringRow row = DescribeKeyring(vault.keyring(), 1);
  row.mutable_epochs(0)->set_destroyed(true);
  StateChange change = vault.NewChange();
  change.PutKeyring(row);
  ASSERT_TRUE(vault.Commit(std::move(change)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(vault.Open()));
}

TEST(OpenKeyHierarchyTest, RefusesAnotherVaultsKeyring) {
  TestVault vault;
  TestVault other;
  EXPECT_FALSE(OpenKeyHierarchy(vault.engine(), other.keyring()).ok());
}

}  // namespace
}  // namespace piivault::vault
