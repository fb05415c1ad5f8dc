#include "vault/sharing/export_token.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/vault/sharing/export_testing.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::SigningKeyRow;

// Made by Python's hashlib, struct and base64, and signed by openssl(1), from TestClaims() and
// the seed of 32 bytes 0x07.
constexpr char kToken[] =
    "v4.public.eyJhdWQiOiJ0ZW5hbnRzL2FjbWUvcmVjaXBpZW50cy9hdWRpdG9yIiwiZXhwIjoiMjAyNi0xMS0yMlQx"
    "MTowMDowMFoiLCJmaWVsZHMiOlsidXNlci5lbWFpbCIsInVzZXIubmFtZSJdLCJnZW4iOjMsImlhdCI6IjIwMjYtMT"
    "EtMjJUMDk6NTk6NThaIiwiaXNzIjoicGlpdmF1bHQ6ZWVxc2NpamJlZXFzY2lqYmVlcXNjaWpiZWUiLCJqdGkiOiJp"
    "amJlZXFzY2lqYmVlcXNjaWpiZWVxc2NpaSIsIm5iZiI6IjIwMjYtMTEtMjJUMTA6MDA6MDBaIiwicHVycG9zZSI6Im"
    "F1ZGl0Iiwic3ViIjoiOWIxMWQ0ZWUyNjVjZmZmNTEwMzNlNDg3YTZkZDIzMzNhYzEzZTg5ODVkNjM2YjZkNTlhYzI0"
    "MTlhZmI2OGM4OSIsInVzZXMiOjJ9M_Bb3iaAemHTVi1sw9B7tjm4rNaPfACoXNNEOpVQVUnKdbwOjpojrXrBqeEcSN"
    "1DzNLLXyodZrWVz8lRTxl_DQ.eyJraWQiOiJneXV1NXl4b3RjNGlsM2xmbHZ4a2ZnZ2hqeSJ9";

SigningKeyRow RowOf(uint8_t byte) {
  ConstantRandom random(byte);
  return NewSigningKey(random, TenOClock());
}

class ExportTokenTest : public ::testing::Test {
 protected:
  absl::StatusOr<ExportClaims> Open(std::string_view text) const {
    return OpenExportToken(text, keys_, vault_id_, claims_.aud, TenOClock());
  }
  std::string Seal(const ExportClaims& claims) const {
    return *SealExportToken(claims, *keys_.active(), vault_id_);
  }

  const ExportClaims claims_ = TestClaims();
  const storage::Id128 vault_id_ = claims_.iss;
  const SigningKeys keys_ = *SigningKeys::Create({RowOf(7)});
};

TEST_F(ExportTokenTest, GoldenToken) {
  const auto text = EncodeClaims(claims_);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(*text, kClaims);
  EXPECT_EQ(Seal(claims_), kToken);
  EXPECT_EQ(Seal(claims_), Seal(claims_));
  const auto claims = Open(kToken);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(*claims, claims_);
}

TEST_F(ExportTokenTest, EveryBitFlipAndEveryTruncationIsRefused) {
  const std::string good = kToken;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(Refused(Open(bad))) << bad;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_TRUE(Refused(Open(good.substr(0, size)))) << size;
  }
  EXPECT_TRUE(Refused(Open(good + "\n")));
  EXPECT_TRUE(Refused(Open(good + "=")));
}

TEST_F(ExportTokenTest, IsOfThisVaultForThisRecipient) {
  const absl::Time now = TenOClock();
  EXPECT_TRUE(OpenExportToken(kToken, keys_, vault_id_, claims_.aud, now).ok());
  EXPECT_TRUE(Refused(OpenExportToken(kToken, keys_, FilledId(0x22), claims_.aud, now)));
  for (const char* other :
       {"", "auditor", "tenants/acme/recipients/auditors", "tenants/acme2/recipients/auditor"}) {
    EXPECT_TRUE(Refused(OpenExportToken(kToken, keys_, vault_id_, other, now))) << other;
  }
  const SigningKeys others = *SigningKeys::Create({RowOf(8)});
  EXPECT_TRUE(Refused(OpenExportToken(kToken, others, vault_id_, claims_.aud, now)));
  EXPECT_TRUE(Refused(OpenExportToken(kToken, SigningKeys(), vault_id_, claims_.aud, now)));
}

// What our key has signed otherwise: claims for one under the implicit assertion of another.
TEST_F(ExportTokenTest, ClaimsAgreeWithTheImplicitAssertion) {
  const auto sign = [this](const ExportClaims& claims) {
    return SignPaseto(*keys_.active()->private_key, *EncodeClaims(claims),
                      FooterOf(keys_.active()->kid), ImplicitAssertion(vault_id_, claims_.aud));
  };
  EXPECT_TRUE(Open(sign(claims_)).ok());
  ExportClaims claims = claims_;
  claims.aud = "tenants/acme/recipients/other";
  EXPECT_TRUE(Refused(Open(sign(claims))));
  claims = claims_;
  claims.iss = FilledId(0x22);
  EXPECT_TRUE(Refused(Open(sign(claims))));
}

TEST_F(ExportTokenTest, WhatOurKeySignsElsewhereIsNoToken) {
  const SigningKey& key = *keys_.active();
  const std::string implicit = ImplicitAssertion(vault_id_, claims_.aud);
  for (const std::string& message : {std::string(), std::string("{}"), std::string("null"),
                                     absl::StrCat(kClaims, " "), absl::StrCat(kClaims, kClaims)}) {
    EXPECT_TRUE(Refused(Open(SignPaseto(*key.private_key, message, FooterOf(key.kid), implicit))));
  }
  // The right claims under another footer that names the same key.
  EXPECT_TRUE(
      Refused(Open(SignPaseto(*key.private_key, kClaims, FooterOf(key.kid) + " ", implicit))));
  EXPECT_TRUE(Refused(Open(SignPaseto(*key.private_key, kClaims, "", implicit))));
}

TEST_F(ExportTokenTest, OutlivesItsKeyByADay) {
  SigningKeyRow row = RowOf(7);
  RetireSigningKey(TenOClock(), &row);
  const SigningKeys keys = *SigningKeys::Create({row, RowOf(8)});
  const absl::Time end = TenOClock() + absl::Hours(24);
  EXPECT_TRUE(
      OpenExportToken(kToken, keys, vault_id_, claims_.aud, end - absl::Microseconds(1)).ok());
  EXPECT_TRUE(Refused(OpenExportToken(kToken, keys, vault_id_, claims_.aud, end)));
}

TEST_F(ExportTokenTest, SealsOnlyWhatOpens) {
  ExportClaims claims = claims_;
  claims.iss = FilledId(0x22);
  EXPECT_FALSE(SealExportToken(claims, *keys_.active(), vault_id_).ok());
  claims = claims_;
  claims.uses = 0;
  EXPECT_FALSE(SealExportToken(claims, *keys_.active(), vault_id_).ok());
  SigningKey retired = {keys_.active()->kid, keys_.active()->private_key->PublicKey(), std::nullopt,
                        TenOClock(), TenOClock()};
  EXPECT_FALSE(SealExportToken(claims_, retired, vault_id_).ok());

  // The most that claims can be still fits.
  claims = claims_;
  claims.fields.clear();
  for (int i = 1000; EncodeClaims(claims_).ok(); ++i) {
    claims.fields.push_back(absl::StrCat("user.f", i));
    if (!EncodeClaims(claims).ok()) break;
  }
  claims.fields.pop_back();
  EXPECT_GT(EncodeClaims(claims)->size(), kMaxClaimsSize - 16);
  EXPECT_EQ(*Open(Seal(claims)), claims);
}

TEST_F(ExportTokenTest, InspectionNeedsAGoodSignatureToo) {
  const Ed25519PublicKey& key = keys_.active()->public_key;
  const std::string footer = FooterOf(keys_.active()->kid);
  const auto lookup = [&](std::string_view given) { return given == footer ? &key : nullptr; };
  const auto claims = InspectExportToken(kToken, lookup);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(*claims, claims_);
  EXPECT_TRUE(Refused(InspectExportToken(kToken, [](std::string_view) { return nullptr; })));
  std::string other = kToken;
  other.replace(20, 1, other[20] == 'A' ? "B" : "A");
  EXPECT_TRUE(Refused(InspectExportToken(other, lookup)));
  // Claims that name another recipient than the one it was signed for.
  EXPECT_TRUE(Refused(
      InspectExportToken(SignPaseto(*keys_.active()->private_key, kClaims, footer,
                                    ImplicitAssertion(vault_id_, "tenants/acme/recipients/other")),
                         lookup)));
  EXPECT_TRUE(Refused(
      InspectExportToken(SignPaseto(*keys_.active()->private_key, "{}", footer, ""), lookup)));
}

TEST(InTimeTest, WithoutLeeway) {
  const ExportClaims claims = TestClaims();
  const absl::Duration least = absl::Microseconds(1);
  EXPECT_FALSE(InTime(claims, claims.nbf - least));
  EXPECT_TRUE(InTime(claims, claims.nbf));
  EXPECT_TRUE(InTime(claims, claims.exp - least));
  EXPECT_FALSE(InTime(claims, claims.exp));
}

TEST(SubjectsHashTest, SaysWhoInWhichOrder) {
  const storage::Id128 jti = FilledId(1), a = FilledId(2), b = FilledId(3);
  EXPECT_EQ(ToHex(AsView(TestClaims().sub)),
            "9b11d4ee265cfff51033e487a6dd2333ac13e8985d636b6d59ac2419afb68c89");
  const std::vector<std::vector<ExportSubject>> lists = {
      {},       {{a, {}}}, {{b, {}}},          {{a, {}}, {b, {}}}, {{b, {}}, {a, {}}}, {{a, b}},
      {{b, a}}, {{a, a}},  {{a, {}}, {a, {}}}, {{a, b}, {a, {}}},  {{a, {}}, {a, b}}};
  std::vector<Sha256Digest> seen;
  for (const auto& list : lists) {
    for (const storage::Id128& id : {jti, FilledId(9)}) seen.push_back(SubjectsHash(id, list));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

}  // namespace
}  // namespace piivault::vault
