#include "ops/load/data_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace piivault::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(DataTableTest, CellsByRowAndColumn) {
  const auto table = DataTable::Parse("name\ttoken\n山田\tt1\n\n\tt2\r\nlast\t");
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->rows(), 3u);
  const size_t name = table->FindColumn("name").value();
  const size_t token = table->FindColumn("token").value();
  EXPECT_EQ(table->Cell(0, name), "山田");
  EXPECT_EQ(table->Cell(0, token), "t1");
  EXPECT_EQ(table->Cell(1, name), "");
  EXPECT_EQ(table->Cell(1, token), "t2");
  EXPECT_EQ(table->Cell(2, name), "last");
  EXPECT_EQ(table->Cell(2, token), "");
  EXPECT_FALSE(table->FindColumn("other").has_value());
}

TEST(DataTableTest, ARowOfAnotherWidthIsNamedByItsLineOnly) {
  for (const char* text : {"a\tb\n1\t2\nsecret\n", "a\tb\n1\t2\nsecret\t2\t3\n"}) {
    const absl::Status status = DataTable::Parse(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("line 3 "));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

TEST(DataTableTest, NeedsRowsAndDistinctColumns) {
  EXPECT_FALSE(DataTable::Parse("").ok());
  EXPECT_FALSE(DataTable::Parse("a\tb").ok());
  EXPECT_FALSE(DataTable::Parse("a\tb\n\n").ok());
  EXPECT_FALSE(DataTable::Parse("a\ta\n1\t2\n").ok());
}

}  // namespace
}  // namespace piivault::ops
