#include "vault/crypto/secret_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>
#include <ostream>
#include <string>
#include <type_traits>

namespace piivault::vault {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, std::string>);
static_assert(!std::is_convertible_v<SecretBytes, std::string_view>);
static_assert(!std::is_convertible_v<std::string, SecretBytes>);
static_assert(!Printable<SecretBytes>);

class SecretBytesTest : public testing::TestWithParam<size_t> {};

TEST_P(SecretBytesTest, HoldsClonesAndMoves) {
  const std::string text(GetParam(), 's');
  SecretBytes a = SecretBytes::CopyOf(text);
  EXPECT_EQ(a.view(), text);
  SecretBytes b = a.Clone();
  EXPECT_TRUE(a == b);
  SecretBytes c = std::move(a);
  EXPECT_EQ(c.view(), text);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the state is specified
  SecretBytes d = SecretBytes::CopyOf("other");
  d = std::move(c);
  EXPECT_EQ(d.view(), text);
  if (!text.empty()) {
    d.span()[0] = 'x';
    EXPECT_FALSE(d == b);
    d.Truncate(text.size() - 1);
    EXPECT_EQ(d.size(), text.size() - 1);
  }
}

TEST_P(SecretBytesTest, StartsAsZeros) {
  EXPECT_EQ(SecretBytes(GetParam()).view(), std::string(GetParam(), '\0'));
}

INSTANTIATE_TEST_SUITE_P(Sizes, SecretBytesTest,
                         testing::Values(0, 1, 32, 63, 64, 65, 66, 1000, 100000));

// The bytes of an object that lived in `storage`, after its end. Only inside the object itself:
// what is on the heap may not be looked at any more.
class Cell {
 public:
  SecretBytes* Make(std::string_view text) {
    return new (storage_) SecretBytes(SecretBytes::CopyOf(text));
  }
  bool Contains(std::string_view text) const {
    return std::string_view(reinterpret_cast<const char*>(storage_), sizeof(storage_)).find(text) !=
           std::string_view::npos;
  }

 private:
  alignas(SecretBytes) unsigned char storage_[sizeof(SecretBytes)] = {};
};

TEST(SecretBytesWipeTest, DestructionMoveAndTruncationLeaveNothing) {
  const std::string_view text = "thirty-two bytes that are secret";
  Cell cell;
  SecretBytes* secret = cell.Make(text);
  ASSERT_TRUE(cell.Contains(text));
  secret->~SecretBytes();
  EXPECT_FALSE(cell.Contains("thirty"));

  secret = cell.Make(text);
  SecretBytes taken = std::move(*secret);
  EXPECT_FALSE(cell.Contains("thirty"));
  *secret = std::move(taken);
  secret->Truncate(6);
  EXPECT_TRUE(cell.Contains("thirty"));
  EXPECT_FALSE(cell.Contains("secret"));
  *secret = SecretBytes();
  EXPECT_FALSE(cell.Contains("thirty"));
  secret->~SecretBytes();
}

TEST(WipeTest, OverwritesTheWholeCapacity) {
  std::string text(100, 's');
  text.resize(50);
  // What is behind the string's end still belongs to its buffer, which stays where it is.
  const char* const buffer = text.data();
  ASSERT_EQ(buffer[99], 's');
  Wipe(&text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), buffer);
  EXPECT_EQ(std::count(buffer, buffer + 100, 's'), 0);
}

TEST(ConstantTimeEqualsTest, Compares) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEquals("abc", "ab"));
  EXPECT_FALSE(ConstantTimeEquals("", "a"));
}

}  // namespace
}  // namespace piivault::vault
