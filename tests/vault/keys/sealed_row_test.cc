#include "vault/keys/sealed_row.h"

#include <gtest/gtest.h>

#include <string>

#include "piivault/storage/v1/record.pb.h"
#include "tests/vault/keys/key_fixture.h"

namespace piivault::vault {
namespace {

using storage::v1::Provenance;

const storage::Key kKey = {storage::Table::kState, "the key"};

Provenance Message() {
  Provenance message;
  message.set_channel("web_form");
  message.set_collected_micros(17);
  return message;
}

TEST(SealedRowTest, GivesBackMessageVersionAndEpoch) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const std::string value = SealRow(*keys, SystemRandom(), kKey, 42, Message());
  const auto row = OpenRow<Provenance>(*keys, kKey, value);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->epoch, 1u);
  EXPECT_EQ(row->version, 42u);
  EXPECT_EQ(row->message.channel(), "web_form");
  EXPECT_EQ(row->message.collected_micros(), 17);
  EXPECT_EQ(SealedRowEpoch(value).value(), 1u);
  EXPECT_EQ(value.find("web_form"), std::string::npos);
}

TEST(SealedRowTest, EmptyMessagesAreSealedToo) {
  KeyFixture fixture;
  const std::string value = SealRow(*fixture.keys(), SystemRandom(), kKey, 1, Provenance());
  EXPECT_TRUE(OpenRow<Provenance>(*fixture.keys(), kKey, value).ok());
}

TEST(SealedRowTest, ARowWorksNowhereElse) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const std::string value = SealRow(*keys, SystemRandom(), kKey, 42, Message());
  const auto refused = [&](const KeySnapshot& snapshot, const storage::Key& key,
                           const std::string& bytes) {
    return OpenRow<Provenance>(snapshot, key, bytes).status() == DecryptionFailed();
  };
  EXPECT_TRUE(refused(*keys, {storage::Table::kIndex, kKey.bytes}, value));
  EXPECT_TRUE(refused(*keys, {kKey.table, "the kex"}, value));
  EXPECT_TRUE(refused(*keys, {kKey.table, "the key "}, value));
  EXPECT_TRUE(refused(*keys, {kKey.table, ""}, value));
  KeyFixture twin("seed", IdOf(0xbb));
  ASSERT_EQ(twin.keys()->active().fingerprint, keys->active().fingerprint);
  EXPECT_TRUE(refused(*twin.keys(), kKey, value));
  KeyFixture stranger("another seed");
  EXPECT_TRUE(refused(*stranger.keys(), kKey, value));
  // At another version, which is the last of the bytes before the nonce.
  std::string moved = value;
  moved[12] = 43;
  EXPECT_TRUE(refused(*keys, kKey, moved));
  // Under another live epoch.
  fixture.Rotate();
  moved = value;
  moved[4] = 2;
  EXPECT_TRUE(refused(*fixture.keys(), kKey, moved));
  EXPECT_FALSE(refused(*fixture.keys(), kKey, value));
}

TEST(SealedRowTest, EveryDamageIsRefused) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const std::string value = SealRow(*keys, SystemRandom(), kKey, 42, Message());
  ForEachDamage(value, [&](const std::string& damaged) {
    EXPECT_EQ(OpenRow<Provenance>(*keys, kKey, damaged).status(), DecryptionFailed());
  });
}

TEST(SealedRowTest, ResealingKeepsContentsAndLeavesTheOldEpoch) {
  KeyFixture fixture;
  const std::string value = SealRow(*fixture.keys(), SystemRandom(), kKey, 42, Message());
  fixture.Rotate();
  const auto resealed = ResealRow(*fixture.keys(), SystemRandom(), kKey, value);
  ASSERT_TRUE(resealed.ok());
  EXPECT_EQ(SealedRowEpoch(*resealed).value(), 2u);
  fixture.Destroy(1);
  EXPECT_EQ(OpenRow<Provenance>(*fixture.keys(), kKey, value).status(), DecryptionFailed());
  const auto row = OpenRow<Provenance>(*fixture.keys(), kKey, *resealed);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->version, 42u);
  EXPECT_EQ(row->message.channel(), "web_form");
  EXPECT_FALSE(ResealRow(*fixture.keys(), SystemRandom(), kKey, value).ok());
}

}  // namespace
}  // namespace piivault::vault
