#include "storage/posting_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/storage/golden.h"

namespace piivault::storage {
namespace {

std::string Encode(const std::vector<uint64_t>& indexes) {
  std::string value;
  for (size_t i = 1; i < indexes.size(); ++i) AppendPosting(indexes[i] - indexes[i - 1], &value);
  return value;
}

TEST(PostingCodecTest, BytesAreThoseOnDisk) {
  const auto golden = ReadGolden("postings.txt");
  ASSERT_EQ(golden.size(), 8u);
  for (const auto& row : golden) {
    std::vector<uint64_t> indexes;
    for (size_t i = 1; i < row.size(); ++i) indexes.push_back(std::stoull(row[i]));
    EXPECT_EQ(ToHex(Encode(indexes)), row[0]);
    std::vector<uint64_t> decoded;
    EXPECT_TRUE(DecodePostings(indexes[0], FromHex(row[0]), &decoded));
    EXPECT_EQ(decoded, indexes);
  }
}

TEST(PostingCodecTest, WhatGoesInComesOut) {
  std::mt19937_64 random(9);
  for (uint64_t begin : {uint64_t{0}, kPostingBlock, UINT64_MAX - kPostingBlock + 1}) {
    for (uint64_t sparsity : {1, 3, 100, 2000}) {
      std::vector<uint64_t> indexes;
      for (uint64_t i = 0; i < kPostingBlock; ++i) {
        if (random() % sparsity == 0) indexes.push_back(begin + i);
      }
      if (indexes.empty()) continue;
      std::vector<uint64_t> decoded;
      ASSERT_TRUE(DecodePostings(indexes[0], Encode(indexes), &decoded));
      EXPECT_EQ(decoded, indexes);
    }
  }
}

TEST(PostingCodecTest, RowsDoNotLeaveTheirBlock) {
  std::vector<uint64_t> decoded;
  for (uint64_t first : {uint64_t{0}, uint64_t{1}, kPostingBlock - 2, kPostingBlock + 5}) {
    const uint64_t left = PostingBlockBegin(first) + kPostingBlock - 1 - first;
    EXPECT_TRUE(DecodePostings(first, Encode({first, first + left}), &decoded));
    if (left + 1 < kPostingBlock) {
      EXPECT_FALSE(DecodePostings(first, Encode({first, first + left + 1}), &decoded));
    }
    EXPECT_FALSE(DecodePostings(first, Encode({first, first + left}) + "\x01", &decoded));
  }
  EXPECT_FALSE(DecodePostings(kPostingBlock - 1, "\x01", &decoded));
}

TEST(PostingCodecTest, OtherValuesAreRefused) {
  std::vector<uint64_t> decoded;
  // No distance, one that is cut, one not in its shortest form, one that wraps around.
  EXPECT_FALSE(DecodePostings(0, std::string(1, '\0'), &decoded));
  EXPECT_FALSE(DecodePostings(0, "\x01\x80", &decoded));
  EXPECT_FALSE(DecodePostings(0, std::string("\x81\x00", 2), &decoded));
  EXPECT_FALSE(DecodePostings(9, std::string(8, '\xff') + "\x7f", &decoded));
}

}  // namespace
}  // namespace piivault::storage
