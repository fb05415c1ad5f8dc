#include "ops/cli/text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace piivault::ops {
namespace {

TEST(EscapeForTerminalTest, LeavesTextAsItIs) {
  EXPECT_EQ(EscapeForTerminal("Hanako 見本 ﾊﾅｺ é 😀"), "Hanako 見本 ﾊﾅｺ é 😀");
}

TEST(EscapeForTerminalTest, DisarmsControlSequences) {
  EXPECT_EQ(EscapeForTerminal("\x1b[2J"), "\\u{1b}[2J");
  EXPECT_EQ(EscapeForTerminal("a\nb\tc\x7f"), "a\\u{a}b\\u{9}c\\u{7f}");
  EXPECT_EQ(EscapeForTerminal("\xc2\x9b"
                              "31m"),
            "\\u{9b}31m");
  EXPECT_EQ(EscapeForTerminal("a\xe2\x80\xae"
                              "b"),
            "a\\u{202e}b");
}

TEST(EscapeForTerminalTest, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(EscapeForTerminal("a\xff"
                              "b"),
            "a\\u{fffd}b");
}

TEST(DisplayWidthTest, CountsColumns) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("見本"), 4u);
  EXPECT_EQ(DisplayWidth("ﾐﾎﾝ"), 3u);
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1u);
}

TEST(PrintTableTest, AlignsByDisplayWidth) {
  std::ostringstream out;
  PrintTable({"NAME", "X"}, {{"見本見本", "1"}, {"a", "2"}}, out);
  EXPECT_EQ(out.str(),
            "NAME      X\n"
            "見本見本  1\n"
            "a         2\n");
}

}  // namespace
}  // namespace piivault::ops
