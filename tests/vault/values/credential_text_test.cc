#include "vault/values/credential_text.h"

#include <gtest/gtest.h>

#include <string>

namespace piivault::vault {
namespace {

std::string Prepared(std::string_view text) {
  const absl::StatusOr<SecretBytes> out = PrepareCredential(text);
  return out.ok() ? std::string(out->view()) : "refused";
}

// The examples of RFC 8265, section 4.3, and what it takes over from RFC 8264.
TEST(PrepareCredentialTest, IsOpaqueString) {
  EXPECT_EQ(Prepared("correct horse battery staple"), "correct horse battery staple");
  EXPECT_EQ(Prepared("Correct Horse Battery Staple"), "Correct Horse Battery Staple");
  EXPECT_EQ(Prepared("πßå"), "πßå");
  EXPECT_EQ(Prepared("Jack of ♦s"), "Jack of ♦s");
  EXPECT_EQ(Prepared("foo\u1680bar"), "foo bar");
  EXPECT_EQ(Prepared("foo\u3000bar\u00a0"), "foo bar ");
  EXPECT_EQ(Prepared("my cat is a \tby"), "refused");
  EXPECT_EQ(Prepared(""), "refused");
  EXPECT_EQ(Prepared("line\nline"), "refused");
  EXPECT_EQ(Prepared("\xc0\xaf"), "refused");
  EXPECT_EQ(Prepared("e\u0301"), "\u00e9");
  EXPECT_EQ(Prepared("が"), Prepared("か\u3099"));
  // No compatibility forms: those are different keys.
  EXPECT_NE(Prepared("Ａ"), Prepared("A"));
}

TEST(PrepareCredentialTest, IsIdempotent) {
  for (const char* text : {"e\u0301\u3000x", "\u1e9b\u0323", "\ufb01 fi", "한국어"}) {
    const std::string once = Prepared(text);
    EXPECT_EQ(Prepared(once), once) << text;
  }
}

TEST(PrepareCredentialTest, TheLongestGrowthFits) {
  // U+1D160 becomes three characters of four bytes each.
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\U0001D160";
  EXPECT_EQ(Prepared(text).size(), 1200u);
}

TEST(CredentialShapeTest, KnowsClassesOfAllScripts) {
  const CredentialShape ascii = ShapeOf("aB1-");
  EXPECT_EQ(ascii.characters, 4u);
  for (const char* one : {"letter", "upper", "lower", "digit", "symbol"}) {
    EXPECT_TRUE(ascii.Has(one)) << one;
  }
  EXPECT_FALSE(ascii.Has("anything"));
  const CredentialShape kana = ShapeOf("かな１");
  EXPECT_EQ(kana.characters, 3u);
  EXPECT_TRUE(kana.letter && kana.digit);
  EXPECT_FALSE(kana.upper || kana.lower || kana.symbol);
  EXPECT_TRUE(ShapeOf("É").upper);
  EXPECT_TRUE(ShapeOf("é").lower);
  EXPECT_FALSE(ShapeOf("12 34").symbol) << "a space is none";
  EXPECT_TRUE(ShapeOf("♦").symbol);
}

}  // namespace
}  // namespace piivault::vault
