#include "vault/keys/signing_keys.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/vault/sharing/export_testing.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::SigningKeyRow;

const absl::Time kNow = absl::FromUnixSeconds(1'900'000'000);

SigningKeyRow RowOf(uint8_t byte, absl::Time created = kNow) {
  ConstantRandom random(byte);
  return NewSigningKey(random, created);
}

SigningKeyRow RetiredRowOf(uint8_t byte, absl::Time retired) {
  SigningKeyRow row = RowOf(byte, retired - absl::Hours(1));
  RetireSigningKey(retired, &row);
  return row;
}

std::string FooterOfRow(const SigningKeyRow& row) { return "{\"kid\":\"" + row.kid() + "\"}"; }

// Computed by Python's hashlib and base64, and by openssl(1), from a seed of 32 bytes 0x07.
TEST(SigningKeysTest, GoldenKey) {
  const SigningKeyRow row = RowOf(7);
  EXPECT_EQ(ToHex(row.public_key()),
            "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
  EXPECT_EQ(row.kid(), "gyuu5yxotc4il3lflvxkfgghjy");
  EXPECT_EQ(row.seed(), std::string(32, '\x07'));
  EXPECT_EQ(row.create_micros(), 1'900'000'000'000'000);
  EXPECT_EQ(row.retire_micros(), 0);
  const auto keys = SigningKeys::Create({row});
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(FooterOf(keys->active()->kid), R"({"kid":"gyuu5yxotc4il3lflvxkfgghjy"})");
}

TEST(SigningKeysTest, NoneAtFirst) {
  const SigningKeys none;
  EXPECT_EQ(none.active(), nullptr);
  EXPECT_TRUE(none.NeedsNewKey(kNow));
  EXPECT_EQ(none.FindByFooter("", kNow), nullptr);
  const auto keys = SigningKeys::Create({});
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(keys->active(), nullptr);
}

TEST(SigningKeysTest, TheActiveKeySignsAndIsFound) {
  auto made = SigningKeys::Create({RowOf(1), RetiredRowOf(2, kNow)});
  ASSERT_TRUE(made.ok());
  // As it comes into a snapshot.
  const SigningKeys keys = *std::move(made);
  const SigningKey* const active = keys.active();
  ASSERT_NE(active, nullptr);
  EXPECT_EQ(active->kid.ToText(), RowOf(1).kid());
  EXPECT_EQ(active->created, kNow);
  EXPECT_EQ(active->retired, absl::InfiniteFuture());
  const Ed25519PublicKey* const found = keys.FindByFooter(FooterOf(active->kid), kNow);
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(found->Verify("m", AsView(active->private_key->Sign("m"))));
  // For as long as it is not retired.
  EXPECT_EQ(keys.FindByFooter(FooterOf(active->kid), kNow + absl::Hours(24 * 3650)), found);
}

TEST(SigningKeysTest, ARetiredKeyVerifiesForADay) {
  const SigningKeyRow row = RetiredRowOf(2, kNow);
  EXPECT_TRUE(row.seed().empty());
  const auto keys = SigningKeys::Create({row, RowOf(1)});
  ASSERT_TRUE(keys.ok());
  const std::string footer = FooterOfRow(row);
  const absl::Time end = kNow + absl::Hours(24);
  const Ed25519PublicKey* const found = keys->FindByFooter(footer, kNow);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->bytes(), row.public_key());
  EXPECT_EQ(keys->FindByFooter(footer, end - absl::Microseconds(1)), found);
  EXPECT_EQ(keys->FindByFooter(footer, end), nullptr);
  EXPECT_EQ(keys->FindByFooter(footer, end + absl::Hours(1)), nullptr);
  EXPECT_EQ(keys->active()->kid.ToText(), RowOf(1).kid());
}

TEST(SigningKeysTest, ARetiredKeyAloneSignsNothing) {
  const auto keys = SigningKeys::Create({RetiredRowOf(2, kNow)});
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(keys->active(), nullptr);
  EXPECT_TRUE(keys->NeedsNewKey(kNow));
}

TEST(SigningKeysTest, OtherSpellingsOfAFooterAreUnknown) {
  const SigningKeyRow row = RowOf(1);
  const auto keys = SigningKeys::Create({row});
  ASSERT_TRUE(keys.ok());
  const std::string good = FooterOfRow(row);
  ASSERT_NE(keys->FindByFooter(good, kNow), nullptr);
  const std::string& kid = row.kid();
  std::vector<std::string> bad = {"",
                                  kid,
                                  good + " ",
                                  " " + good,
                                  good + "\n",
                                  good + std::string(1, '\0'),
                                  good + good,
                                  "{\"kid\": \"" + kid + "\"}",
                                  "{\"kid\":\"" + kid + "\",\"kid\":\"" + kid + "\"}",
                                  "{\"kid\":\"x\",\"kid\":\"" + kid + "\"}",
                                  "{\"kid\":{\"kid\":\"" + kid + "\"}}",
                                  "{\"kid\":[\"" + kid + "\"]}",
                                  "{'kid':'" + kid + "'}",
                                  "{\"KID\":\"" + kid + "\"}",
                                  "{\"kid\":\"" + kid + "\",\"alg\":\"none\"}",
                                  "{\"kid\":\"../" + kid + "\"}",
                                  "{\"kid\":\"" + kid + "' OR 1=1 --\"}",
                                  "{\"kid\":\"https://attacker.example/" + kid + "\"}",
                                  std::string(10'000, '{') + good};
  for (size_t size = 0; size < good.size(); ++size) bad.push_back(good.substr(0, size));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    bad.push_back(good);
    bad.back()[bit / 8] = static_cast<char>(bad.back()[bit / 8] ^ (1 << bit % 8));
  }
  for (const std::string& footer : bad) {
    EXPECT_EQ(keys->FindByFooter(footer, kNow), nullptr) << footer;
  }
}

TEST(SigningKeysTest, IsReplacedAfterThirtyDays) {
  const auto keys = SigningKeys::Create({RowOf(1)});
  ASSERT_TRUE(keys.ok());
  const absl::Time due = kNow + absl::Hours(24 * 30);
  EXPECT_FALSE(keys->NeedsNewKey(kNow));
  EXPECT_FALSE(keys->NeedsNewKey(due - absl::Microseconds(1)));
  EXPECT_TRUE(keys->NeedsNewKey(due));
}

bool IsDamaged(const std::vector<SigningKeyRow>& rows) {
  return absl::IsDataLoss(SigningKeys::Create(rows).status());
}

TEST(SigningKeysTest, DamagedRowsAreRefused) {
  const SigningKeyRow good = RowOf(1);
  const SigningKeyRow other = RowOf(2);
  EXPECT_FALSE(IsDamaged({good}));
  EXPECT_TRUE(IsDamaged({good, other})) << "two sign";
  EXPECT_TRUE(IsDamaged({good, good}));
  EXPECT_TRUE(IsDamaged({RetiredRowOf(1, kNow), RetiredRowOf(1, kNow)})) << "one key twice";
  EXPECT_TRUE(IsDamaged({SigningKeyRow()}));

  SigningKeyRow row = good;
  row.set_kid(other.kid());
  EXPECT_TRUE(IsDamaged({row})) << "another's name";
  row = good;
  row.set_public_key(other.public_key());
  EXPECT_TRUE(IsDamaged({row}));
  row.set_kid(other.kid());
  EXPECT_TRUE(IsDamaged({row})) << "another's public key and name";
  row = good;
  row.set_seed(other.seed());
  EXPECT_TRUE(IsDamaged({row})) << "another's seed";
  for (size_t size : {0, 31, 33, 64}) {
    row = good;
    row.set_seed(std::string(size, '\x01'));
    EXPECT_TRUE(IsDamaged({row})) << size;
    row = good;
    row.set_public_key(std::string(size, '\x01'));
    EXPECT_TRUE(IsDamaged({row})) << size;
  }
  row = good;
  row.set_retire_micros(row.create_micros() + 1);
  EXPECT_TRUE(IsDamaged({row})) << "retired, and its seed still there";
}

TEST(SigningKeysTest, EachKeyIsNew) {
  EXPECT_NE(NewSigningKey(SystemRandom(), kNow).kid(), NewSigningKey(SystemRandom(), kNow).kid());
}

}  // namespace
}  // namespace piivault::vault
