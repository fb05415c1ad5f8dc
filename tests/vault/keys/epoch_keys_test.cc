#include "vault/keys/epoch_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/vault/keys/key_fixture.h"
#include "vault/keys/tokens.h"

namespace piivault::vault {
namespace {

using absl::StatusCode;

TEST(KeyHierarchyTest, KnowsTheKeysOfLiveEpochsAndInstalledTenants) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  EXPECT_EQ(keys->vault_id(), IdOf(0xaa));
  EXPECT_EQ(keys->active().id, 1u);
  EXPECT_EQ(keys->Epoch(1), &keys->active());
  EXPECT_EQ(keys->Epoch(2), nullptr);
  ASSERT_NE(keys->Tenant(1, 1), nullptr);
  EXPECT_EQ(keys->Tenant(1, 1)->tenant, 1u);
  EXPECT_EQ(keys->Tenant(1, 1)->epoch, 1u);
  EXPECT_EQ(keys->ActiveTenant(1), keys->Tenant(1, 1));
  EXPECT_EQ(keys->Tenant(1, 2), nullptr);
  EXPECT_EQ(keys->Tenant(3, 1), nullptr);
  EXPECT_EQ(keys->active().fingerprint, fixture.keyring().epochs()[0].fingerprint);
  EXPECT_EQ(KeyHierarchy::FromKeyring(fixture.keyring(), 2).status().code(), StatusCode::kNotFound);
}

TEST(KeyHierarchyTest, AllDerivedKeysDiffer) {
  KeyFixture fixture;
  fixture.Rotate();
  const auto keys = fixture.keys();
  std::vector<std::string> tags;
  const auto add_hmac = [&](const HmacKey& key) {
    const HmacKey::Tag tag = key.Compute("message");
    tags.emplace_back(tag.begin(), tag.end());
  };
  const auto add_xaes = [&](const XaesKey& key) {
    std::string sealed;
    key.SealWithNonce(std::string(24, 'n'), "", std::string(32, 'p'), &sealed);
    tags.push_back(sealed);
  };
  const auto add_block = [&](const AesBlockKey& key) {
    const AesBlockKey::Block block = key.Encrypt({});
    tags.emplace_back(block.begin(), block.end());
  };
  add_hmac(keys->request());
  for (uint32_t epoch : {1u, 2u}) {
    add_xaes(keys->Epoch(epoch)->tenant_wrap);
    add_xaes(keys->Epoch(epoch)->important_wrap);
    add_xaes(keys->Epoch(epoch)->state);
    add_xaes(keys->Epoch(epoch)->page_token);
    for (storage::TenantId tenant : {1u, 2u}) {
      add_xaes(keys->Tenant(tenant, epoch)->wrap);
      add_xaes(keys->Tenant(tenant, epoch)->important);
      add_hmac(keys->Tenant(tenant, epoch)->index);
      add_hmac(keys->Tenant(tenant, epoch)->important_index);
      add_hmac(keys->Tenant(tenant, epoch)->ref_index);
      if (epoch != 1) continue;
      add_hmac(keys->Tenant(tenant, epoch)->token);
      add_hmac(keys->Tenant(tenant, epoch)->important_token);
      add_block(keys->Tenant(tenant, epoch)->token_block);
    }
  }
  for (size_t i = 0; i < tags.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(tags[i], tags[j]) << i << " " << j;
  }
}

TEST(KeyHierarchyTest, RotationMakesNewTenantKeysAndKeepsTheTokenKeys) {
  KeyFixture fixture;
  EXPECT_EQ(fixture.Rotate(), 2u);
  const auto keys = fixture.keys();
  const TenantKeys* before = keys->Tenant(1, 1);
  const TenantKeys* after = keys->Tenant(1, 2);
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(keys->ActiveTenant(1), after);
  EXPECT_EQ(before->token.Compute("m"), after->token.Compute("m"));
  EXPECT_EQ(before->token_block.Encrypt({}), after->token_block.Encrypt({}));
  EXPECT_EQ(before->important_token.Compute("m"), after->important_token.Compute("m"));
  EXPECT_NE(before->index.Compute("m"), after->index.Compute("m"));
  EXPECT_NE(before->important_index.Compute("m"), after->important_index.Compute("m"));
  EXPECT_NE(before->token.Compute("m"), keys->Tenant(2, 2)->token.Compute("m"));
}

TEST(KeyHierarchyTest, SnapshotsDoNotChange) {
  KeyFixture fixture;
  const auto before = fixture.keys();
  fixture.Rotate();
  fixture.Destroy(1);
  fixture.hierarchy().ForgetTenant(2);
  EXPECT_EQ(before->active().id, 1u);
  EXPECT_NE(before->Tenant(2, 1), nullptr);
  EXPECT_EQ(before->Epoch(2), nullptr);
  const auto after = fixture.keys();
  EXPECT_EQ(after->Epoch(1), nullptr);
  EXPECT_EQ(after->Tenant(1, 1), nullptr);
  EXPECT_NE(after->Tenant(1, 2), nullptr);
  EXPECT_EQ(after->Tenant(2, 2), nullptr);
}

TEST(KeyHierarchyTest, RefusesEpochsThatAreNotLive) {
  KeyFixture fixture;
  EXPECT_EQ(fixture.hierarchy().SetActiveEpoch(2).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(fixture.hierarchy().MakeTenantKey(1, 2, SystemRandom()).status().code(),
            StatusCode::kFailedPrecondition);
  const TenantKeyRow row = fixture.AddTenant(5);
  EXPECT_EQ(fixture.hierarchy().CarryTenantKey(row, 2, SystemRandom()).status().code(),
            StatusCode::kFailedPrecondition);
  fixture.Rotate();
  ASSERT_TRUE(fixture.hierarchy().SetActiveEpoch(1).ok());
  ASSERT_TRUE(fixture.keyring().RetireEpoch(1, kTestTime).ok());
  ASSERT_TRUE(fixture.keyring().DestroyEpoch(1, kTestTime).ok());
  EXPECT_EQ(fixture.hierarchy().Refresh(fixture.keyring()).code(), StatusCode::kFailedPrecondition);
}

TEST(KeyHierarchyTest, ReplaceDropsWhatIsNotNamed) {
  KeyFixture fixture;
  const TenantKeyRow row = fixture.AddTenant(5);
  ASSERT_TRUE(fixture.hierarchy().ReplaceTenantKeys({row}).ok());
  EXPECT_NE(fixture.keys()->Tenant(5, 1), nullptr);
  EXPECT_EQ(fixture.keys()->Tenant(1, 1), nullptr);
}

TEST(KeyHierarchyTest, InstallsAllRowsOrNone) {
  KeyFixture fixture;
  TenantKeyRow good = fixture.hierarchy().MakeTenantKey(5, 1, SystemRandom()).value();
  TenantKeyRow bad = fixture.hierarchy().MakeTenantKey(6, 1, SystemRandom()).value();
  bad.row.back() = static_cast<char>(bad.row.back() ^ 1);
  EXPECT_EQ(fixture.hierarchy().InstallTenantKeys({good, bad}).code(), StatusCode::kDataLoss);
  EXPECT_EQ(fixture.keys()->Tenant(5, 1), nullptr);
}

TEST(TenantKeyRowTest, AnythingMovedOrAlteredIsRefused) {
  KeyFixture fixture;
  const TenantKeyRow row = fixture.AddTenant(5);
  fixture.Rotate();
  KeyHierarchy& hierarchy = fixture.hierarchy();
  ASSERT_TRUE(hierarchy.InstallTenantKeys({row}).ok());

  TenantKeyRow moved = row;
  moved.tenant = 6;
  EXPECT_EQ(hierarchy.InstallTenantKeys({moved}).code(), StatusCode::kDataLoss);
  moved = row;
  moved.epoch = 2;
  EXPECT_EQ(hierarchy.InstallTenantKeys({moved}).code(), StatusCode::kDataLoss);
  moved.row[4] = 2;
  EXPECT_EQ(hierarchy.InstallTenantKeys({moved}).code(), StatusCode::kDataLoss);
  ForEachDamage(row.row, [&](const std::string& damaged) {
    EXPECT_EQ(hierarchy.InstallTenantKeys({TenantKeyRow{5, 1, damaged}}).code(),
              StatusCode::kDataLoss);
  });
  // Put together from two rows of one tenant and epoch.
  const TenantKeyRow other = hierarchy.MakeTenantKey(5, 1, SystemRandom()).value();
  constexpr size_t kNormalEnd = 1 + 4 + 24 + 64 + 16;
  moved = row;
  moved.row.replace(kNormalEnd, std::string::npos, other.row.substr(kNormalEnd));
  ASSERT_TRUE(hierarchy.InstallTenantKeys({other}).ok());
  EXPECT_EQ(hierarchy.InstallTenantKeys({moved}).code(), StatusCode::kDataLoss);
  // The same keys, another vault.
  KeyFixture twin("seed", IdOf(0xbb));
  const TenantKeyRow theirs = twin.hierarchy().MakeTenantKey(5, 1, SystemRandom()).value();
  EXPECT_EQ(hierarchy.InstallTenantKeys({theirs}).code(), StatusCode::kDataLoss);
}

TEST(KeyHierarchyTest, ReadersSeeWholeSnapshotsWhileKeysChange) {
  KeyFixture fixture;
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop.load()) {
        const auto keys = fixture.keys();
        // An epoch becomes active only after its tenants' keys are there.
        ASSERT_NE(keys->ActiveTenant(1), nullptr);
        ASSERT_EQ(keys->Epoch(keys->active().id), &keys->active());
      }
    });
  }
  for (uint32_t epoch = 1; epoch < 10; ++epoch) {
    fixture.Rotate();
    fixture.Destroy(epoch);
  }
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace piivault::vault
