#include "vault/values/text_encoding.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace piivault::vault {
namespace {

// 武藤 智美,①髙﨑～ｱ in CP932: NEC and IBM extensions, wave dash, half-width kana.
constexpr std::string_view kCp932Bytes =
    "\x95\x90\x93\xA1 \x92\x71\x94\xFC,\x87\x40\xFB\xFC\xED\x95\x81\x60\xB1";
constexpr std::string_view kUtf8Text = "武藤 智美,①髙﨑～ｱ";

TEST(TextEncodingTest, DetectsUtf8WithAndWithoutMark) {
  for (const TextEncoding hint : {TextEncoding::kDetect, TextEncoding::kUtf8}) {
    for (const std::string& mark : {std::string(), std::string("\xEF\xBB\xBF")}) {
      const auto text = DetectAndConvertToUtf8(mark + std::string(kUtf8Text), hint);
      ASSERT_TRUE(text.ok());
      EXPECT_EQ(text->utf8.view(), kUtf8Text);
      EXPECT_EQ(text->encoding, TextEncoding::kUtf8);
    }
  }
}

TEST(TextEncodingTest, DetectsAndConvertsCp932) {
  for (const TextEncoding hint : {TextEncoding::kDetect, TextEncoding::kCp932}) {
    const auto text = DetectAndConvertToUtf8(kCp932Bytes, hint);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(text->utf8.view(), kUtf8Text);
    EXPECT_EQ(text->encoding, TextEncoding::kCp932);
  }
}

TEST(TextEncodingTest, ConvertsAcrossPieces) {
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    bytes += kCp932Bytes;
    expected += kUtf8Text;
  }
  for (size_t shift = 0; shift < 3; ++shift) {
    const auto text =
        DetectAndConvertToUtf8(std::string(shift, 'a') + bytes, TextEncoding::kDetect);
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(text->utf8.view(), std::string(shift, 'a') + expected);
  }
}

TEST(TextEncodingTest, PlainAsciiIsUtf8) {
  const auto text = DetectAndConvertToUtf8("a,b\r\n1,2~\\\r\n", TextEncoding::kDetect);
  ASSERT_TRUE(text.ok());
  EXPECT_EQ(text->encoding, TextEncoding::kUtf8);
  const auto said = DetectAndConvertToUtf8("a,b\r\n1,2~\\\r\n", TextEncoding::kCp932);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said->utf8.view(), "a,b\r\n1,2~\\\r\n") << "backslash and tilde stay";
  EXPECT_TRUE(DetectAndConvertToUtf8("", TextEncoding::kDetect)->utf8.empty());
}

TEST(TextEncodingTest, TellsTheOffsetOfUndecodableBytesAndNotTheBytes) {
  struct Case {
    std::string bytes;
    TextEncoding hint;
    const char* message;
  };
  const std::string good(kCp932Bytes);
  ASSERT_EQ(good.size(), 19u);
  for (const Case& c : {
           Case{"Zq\xFFZq", TextEncoding::kUtf8, "not UTF-8: undecodable byte at offset 2"},
           Case{"\xEF\xBB\xBFZq\xFF", TextEncoding::kDetect,
                "not UTF-8: undecodable byte at offset 5"},
           Case{std::string(kUtf8Text), TextEncoding::kCp932,
                "not CP932: undecodable byte at offset"},
           Case{good + "\xFD", TextEncoding::kDetect, "not CP932: undecodable byte at offset 19"},
           Case{good + "\x81", TextEncoding::kDetect, "not CP932: undecodable byte at offset 19"},
           Case{good + "\x85\x60Zq", TextEncoding::kDetect,
                "not CP932: undecodable byte at offset 19"},
           Case{std::string(5000, 'a') + "\x85\x60Zq", TextEncoding::kDetect,
                "not CP932: undecodable byte at offset 5000"},
           Case{std::string("\xFF\xFEZ\0q\0", 6), TextEncoding::kDetect, "UTF-16"},
       }) {
    const auto text = DetectAndConvertToUtf8(c.bytes, c.hint);
    ASSERT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << c.message;
    const std::string message(text.status().message());
    EXPECT_NE(message.find(c.message), std::string::npos) << message;
    EXPECT_EQ(message.find("Zq"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace piivault::vault
