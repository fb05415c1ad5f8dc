#include "storage/entry_codec.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/storage/commit_maker.h"
#include "tests/storage/golden.h"

namespace piivault::storage {
namespace {

EntryDraft Make(const std::string& retained, const std::string& salt, const std::string& body) {
  EntryDraft entry;
  entry.retained = retained;
  std::copy(salt.begin(), salt.end(), entry.salt.begin());
  entry.body = body;
  return entry;
}

TEST(EntryCodecTest, BytesAreThoseOnDisk) {
  const auto golden = ReadGolden("entries.txt");
  ASSERT_EQ(golden.size(), 5u);
  for (const auto& row : golden) {
    ASSERT_EQ(row.size(), 5u);
    const EntryDraft entry = Make(FromHex(row[0]), FromHex(row[1]), FromHex(row[2]));
    EXPECT_EQ(ToHex(EncodeEntry(entry)), row[3]);
    const LeafDigest leaf = LeafHash(entry);
    EXPECT_EQ(ToHex(std::string(leaf.begin(), leaf.end())), row[4]);
    const auto decoded = DecodeEntry(FromHex(row[3]));
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->retained, entry.retained);
    EXPECT_EQ(decoded->salt, entry.salt);
    EXPECT_EQ(decoded->body, entry.body);
  }
}

TEST(EntryCodecTest, CutRowsAreRefusedOrLoseBodyOnly) {
  const EntryDraft entry = DraftEntry("body");
  const std::string row = EncodeEntry(entry);
  const size_t head = 2 + entry.retained.size() + entry.salt.size();
  for (size_t size = 0; size < row.size(); ++size) {
    EXPECT_EQ(DecodeEntry(row.substr(0, size)).has_value(), size >= head) << size;
  }
}

TEST(EntryCodecTest, OtherFormatsAndLengthsAreRefused) {
  std::string row = EncodeEntry(DraftEntry("body"));
  row[0] = 2;
  EXPECT_FALSE(DecodeEntry(row));
  const std::string salt(16, 's');
  EXPECT_TRUE(DecodeEntry(std::string("\x01\x00", 2) + salt));
  // A length that is not in its shortest form, one beyond the row, one beyond 63 bits.
  EXPECT_FALSE(DecodeEntry(std::string("\x01\x80\x00", 3) + salt));
  EXPECT_FALSE(DecodeEntry(std::string("\x01\x01", 2) + salt));
  EXPECT_FALSE(DecodeEntry("\x01" + std::string(9, '\xff') + "\x01" + salt));
  EXPECT_FALSE(DecodeEntry("\x01" + std::string(20, '\xff') + salt));
}

TEST(EntryCodecTest, LeafChangesWithEveryPart) {
  const LeafDigest leaf = LeafHash(Make("r", std::string(16, 's'), "b"));
  EXPECT_NE(leaf, LeafHash(Make("x", std::string(16, 's'), "b")));
  EXPECT_NE(leaf, LeafHash(Make("r", std::string(16, 'x'), "b")));
  EXPECT_NE(leaf, LeafHash(Make("r", std::string(16, 's'), "x")));
  EXPECT_NE(leaf, LeafHash(Make("rb", std::string(16, 's'), "")));
}

}  // namespace
}  // namespace piivault::storage
