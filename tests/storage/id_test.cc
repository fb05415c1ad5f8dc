#include "storage/id.h"

#include <gtest/gtest.h>

#include <random>

namespace piivault::storage {
namespace {

Id128 RandomId(std::mt19937_64& random) {
  Id128 id;
  for (auto& byte : id.bytes) byte = static_cast<uint8_t>(random());
  return id;
}

TEST(IdTest, TextIsBase32OfRfc4648) {
  EXPECT_EQ(Id128{}.ToText(), std::string(26, 'a'));
  Id128 ones;
  ones.bytes.fill(0xff);
  EXPECT_EQ(ones.ToText(), std::string(25, '7') + "4");
  // As Python's base64.b32encode() has it, in lower case and without padding.
  EXPECT_EQ(Id128::FromBytes("foobarfoobarfoob")->ToText(), "mzxw6ytbojtg633cmfzgm33pmi");
}

TEST(IdTest, TextAndBackIsTheSame) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const Id128 id = RandomId(random);
    const std::string text = id.ToText();
    ASSERT_EQ(text.size(), Id128::kTextSize);
    ASSERT_EQ(Id128::FromText(text), id);
    ASSERT_EQ(Id128::FromBytes(id.view()), id);
  }
}

TEST(IdTest, OneIdHasOneText) {
  const std::string zero(26, 'a');
  for (char last : std::string("bcdefghijklmnopqrstuvwxyz234567")) {
    std::string text = zero;
    text.back() = last;
    const auto id = Id128::FromText(text);
    if (id) {
      EXPECT_EQ(id->ToText(), text);
    }
  }
  EXPECT_FALSE(Id128::FromText(std::string(25, 'a') + "b"));
  EXPECT_FALSE(Id128::FromText(std::string(25, 'a') + "7"));
  EXPECT_TRUE(Id128::FromText(std::string(25, 'a') + "e"));
}

TEST(IdTest, RefusesOtherTexts) {
  const std::string good(26, 'a');
  for (const std::string& text :
       {std::string(), std::string(25, 'a'), std::string(27, 'a'), std::string(26, 'A'),
        std::string(25, 'a') + "=", "0" + good.substr(1), "1" + good.substr(1),
        "8" + good.substr(1), std::string("\0", 1) + good.substr(1), "\xc3\xa9" + good.substr(2)}) {
    EXPECT_FALSE(Id128::FromText(text)) << text.size();
  }
  EXPECT_FALSE(Id128::FromBytes(std::string(15, 'x')));
  EXPECT_FALSE(Id128::FromBytes(std::string(17, 'x')));
}

}  // namespace
}  // namespace piivault::storage
