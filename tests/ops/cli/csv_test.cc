#include "ops/cli/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace piivault::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Row = std::vector<std::string>;

std::vector<Row> ReadAll(std::string_view text) {
  CsvReader reader(text);
  std::vector<Row> rows;
  Row row;
  while (true) {
    absl::StatusOr<bool> more = reader.Next(&row);
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return rows;
    rows.push_back(row);
  }
}

absl::Status FirstError(std::string_view text) {
  CsvReader reader(text);
  Row row;
  while (true) {
    absl::StatusOr<bool> more = reader.Next(&row);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
  }
}

TEST(CsvReaderTest, PlainRowsWithEitherLineEnd) {
  EXPECT_THAT(ReadAll("a,b\r\nc,d\n"), ElementsAre(Row{"a", "b"}, Row{"c", "d"}));
  EXPECT_THAT(ReadAll("a,b\nc,d"), ElementsAre(Row{"a", "b"}, Row{"c", "d"}));
}

TEST(CsvReaderTest, EmptyFieldsAndLines) {
  EXPECT_THAT(ReadAll(",\n\n\r\na,,c\nx,"),
              ElementsAre(Row{"", ""}, Row{"a", "", "c"}, Row{"x", ""}));
  EXPECT_THAT(ReadAll("\"\"\n"), ElementsAre(Row{""}));
  EXPECT_THAT(ReadAll(""), ElementsAre());
}

TEST(CsvReaderTest, QuotedFieldsHoldCommasQuotesAndLineEnds) {
  EXPECT_THAT(ReadAll("\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\"\r\nx,y,z\r\n"),
              ElementsAre(Row{"a,b", "say \"hi\"", "two\r\nlines"}, Row{"x", "y", "z"}));
}

TEST(CsvReaderTest, CarriageReturnAloneIsText) {
  EXPECT_THAT(ReadAll("a\rb,c\n"), ElementsAre(Row{"a\rb", "c"}));
}

TEST(CsvReaderTest, RowLineCountsLinesInsideQuotes) {
  CsvReader reader("h\n\"a\nb\nc\"\nnext\n");
  Row row;
  ASSERT_TRUE(reader.Next(&row).value());
  EXPECT_EQ(reader.row_line(), 1);
  ASSERT_TRUE(reader.Next(&row).value());
  EXPECT_EQ(reader.row_line(), 2);
  ASSERT_TRUE(reader.Next(&row).value());
  EXPECT_EQ(reader.row_line(), 5);
}

TEST(CsvReaderTest, ErrorsSayThePlaceAndNotTheContents) {
  const absl::Status open = FirstError("a,b\nc,\"secret");
  EXPECT_EQ(open.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(open.message()), HasSubstr("line 2"));
  EXPECT_THAT(std::string(open.message()), Not(HasSubstr("secret")));
  const absl::Status behind = FirstError("\"a\"b,c\n");
  EXPECT_THAT(std::string(behind.message()), HasSubstr("line 1, column 4"));
  EXPECT_FALSE(FirstError("a\"b\",c\n").ok());
}

TEST(CsvReaderTest, FieldsAreBounded) {
  const std::string long_field(CsvReader::kMaxField + 1, 'x');
  EXPECT_FALSE(FirstError(long_field).ok());
  EXPECT_FALSE(FirstError("\"" + long_field + "\"").ok());
  EXPECT_TRUE(FirstError(long_field.substr(1)).ok());
}

TEST(CsvRowTest, RoundTrips) {
  const Row row = {"plain", "a,b", "say \"hi\"", "two\r\nlines", "", "読者"};
  EXPECT_THAT(ReadAll(CsvRow(row)), ElementsAre(row));
  EXPECT_EQ(CsvRow({"a", "b"}), "a,b\r\n");
}

}  // namespace
}  // namespace piivault::ops
