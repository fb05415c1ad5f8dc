#include "vault/crypto/block_cipher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "vault/crypto/random.h"

namespace piivault::vault {
namespace {

using Block = AesBlockKey::Block;

std::string Raw(std::string_view hex) { return absl::HexStringToBytes(std::string(hex)); }
Block BlockOf(std::string_view hex) {
  const std::string bytes = Raw(hex);
  Block block;
  std::copy(bytes.begin(), bytes.end(), block.begin());
  return block;
}
Block RandomBlock() {
  Block block;
  SystemRandom().Fill(absl::MakeSpan(block));
  return block;
}

const std::string kKey = Raw("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

// FIPS 197 appendix C.3.
TEST(AesBlockKeyTest, Fips197) {
  const AesBlockKey key(kKey);
  const Block plain = BlockOf("00112233445566778899aabbccddeeff");
  const Block cipher = BlockOf("8ea2b7ca516745bfeafc49904b496089");
  for (int i = 0; i < 2; ++i) {  // again: with the kept contexts
    EXPECT_EQ(key.Encrypt(plain), cipher);
    EXPECT_EQ(key.Decrypt(cipher), plain);
  }
}

TEST(AesBlockKeyTest, IsAPermutation) {
  const AesBlockKey key(kKey);
  std::set<Block> made;
  for (int i = 0; i < 1000; ++i) {
    const Block block = RandomBlock();
    EXPECT_EQ(key.Decrypt(key.Encrypt(block)), block);
    EXPECT_EQ(key.Encrypt(key.Decrypt(block)), block);
    made.insert(key.Encrypt(block));
  }
  EXPECT_EQ(made.size(), 1000u);
}

TEST(AesBlockKeyTest, EachKeyIsAnother) {
  for (size_t i = 0; i < kKey.size(); ++i) {
    std::string other = kKey;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_NE(AesBlockKey(other).Encrypt({}), AesBlockKey(kKey).Encrypt({})) << i;
  }
}

TEST(AesBlockKeyTest, OneKeyServesManyThreads) {
  const AesBlockKey key(kKey);
  const Block plain = BlockOf("00112233445566778899aabbccddeeff");
  const Block cipher = BlockOf("8ea2b7ca516745bfeafc49904b496089");
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(key.Encrypt(plain), cipher);
        ASSERT_EQ(key.Decrypt(cipher), plain);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace piivault::vault
