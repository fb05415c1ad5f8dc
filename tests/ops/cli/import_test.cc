#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/strings/str_cat.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/import_plan.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

class ImportTest : public ::testing::Test {
 protected:
  CliResult Import(const std::string& file, std::vector<std::string> more) {
    std::vector<std::string> arguments = vault_.Flags();
    arguments.insert(arguments.end(), {"import", file, "--type", "reader", "--config",
                                       vault_.folder().File("contexts.yaml")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunPiivault(arguments);
  }

  // `count` rows with ref r1, r2, …
  std::string Rows(int count) {
    std::string text = "id,email,when,via\r\n";
    for (int i = 1; i <= count; ++i) {
      absl::StrAppend(&text, "r", i, ",secret", i, "@example.com,2020-01-02T03:04:05Z,web_tls\r\n");
    }
    return vault_.folder().Write("rows.csv", text);
  }

  const std::vector<std::string> columns_ = {
      "--ref-column", "id", "--collected-at-column", "when", "--channel-column", "via"};
  std::vector<std::string> With(std::vector<std::string> more) const {
    more.insert(more.begin(), columns_.begin(), columns_.end());
    return more;
  }
  std::string Out() const { return vault_.folder().File("tokens.csv"); }

  FakeVault vault_;
};

TEST_F(ImportTest, StoresEveryRowOnceAndWritesTokens) {
  const CliResult result = Import(Rows(1234), With({"--batch", "100", "--out", Out()}));
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1234 rows stored, 0 refused (utf-8"));
  EXPECT_THAT(vault_.stored(), SizeIs(1234));
  EXPECT_THAT(vault_.stored(), Each(Pair(::testing::_, 1)));
  EXPECT_THAT(vault_.batches(), SizeIs(13));
  const std::string tokens = vault_.folder().Read("tokens.csv");
  EXPECT_THAT(tokens, HasSubstr("row,ref,name,flagged,email_token\r\n"));
  EXPECT_THAT(tokens, HasSubstr(",r77,tenants/default/subjects/s/records/r77,,tok_r77email\r\n"));
  EXPECT_THAT(tokens, Not(HasSubstr("secret")));
}

TEST_F(ImportTest, ColumnsBecomeWhatTheyAreSaidToBe) {
  ASSERT_EQ(
      Import(Rows(1), With({"--map", "email=mail", "--for", "own_list", "--ticket", "T-1"})).code,
      kExitOk);
  ASSERT_THAT(vault_.batches(), SizeIs(1));
  const v1::BatchCreateRecordsRequest request = vault_.batches()[0];
  EXPECT_EQ(request.parent(), "tenants/default");
  EXPECT_EQ(request.usage().purpose(), "own_list");
  EXPECT_EQ(request.usage().ticket(), "T-1");
  EXPECT_LE(request.request_id().size(), 64u);
  const v1::NewRecord& record = request.records(0);
  EXPECT_EQ(record.type(), "reader");
  EXPECT_EQ(record.ref(), "r1");
  EXPECT_EQ(record.fields().at("mail"), "secret1@example.com");
  EXPECT_EQ(record.fields_size(), 1);
  EXPECT_EQ(record.provenance().channel(), "web_tls");
  EXPECT_EQ(record.provenance().front_hop(), v1::FRONT_HOP_TLS);
  EXPECT_EQ(record.provenance().collected_at().seconds(), 1577934245);
}

TEST_F(ImportTest, AColumnMayHoldTheBirthdayThatNoFieldHolds) {
  const std::string file = vault_.folder().Write(
      "rows.csv", "id,email,born\nr1,a@example.com,2009-04-01\nr2,b@example.com,\n");
  ASSERT_EQ(Import(file, {"--ref-column", "id", "--birth-date-column", "born"}).code, kExitOk);
  const v1::BatchCreateRecordsRequest request = vault_.batches()[0];
  EXPECT_EQ(request.records(0).birth_date(), "2009-04-01");
  EXPECT_EQ(request.records(0).fields_size(), 1);
  EXPECT_EQ(request.records(1).birth_date(), "");
  EXPECT_NE(Import(file, {"--ref-column", "id", "--birth-date-column", "birthday"}).code, kExitOk);
}

TEST_F(ImportTest, RefusedRowsAreNamedWithoutTheirValues) {
  vault_.RefuseRefs({"r3", "r9"});
  const std::string errors = vault_.folder().File("errors.csv");
  const CliResult result = Import(Rows(10), With({"--out", Out(), "--errors", errors}));
  EXPECT_EQ(result.code, kExitPartial);
  EXPECT_THAT(result.out, HasSubstr("8 rows stored, 2 refused"));
  EXPECT_THAT(result.out, HasSubstr("VALUE_INVALID: 2"));
  const std::string text = vault_.folder().Read("errors.csv");
  EXPECT_THAT(text, HasSubstr("3,4,VALUE_INVALID,email,"));
  EXPECT_THAT(text, HasSubstr("9,10,VALUE_INVALID,email,"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST_F(ImportTest, ARowThatDoesNotFitTheHeaderIsRefusedHere) {
  const std::string file =
      vault_.folder().Write("rows.csv", "id,email\nr1,a@example.com\nr2\nr3,c@example.com\n");
  const CliResult result = Import(file, {"--ref-column", "id"});
  EXPECT_EQ(result.code, kExitPartial);
  EXPECT_THAT(result.out, HasSubstr("2 rows stored, 1 refused"));
}

TEST_F(ImportTest, ALostAnswerDoesNotStoreTwice) {
  vault_.LoseAnswers(3);
  const CliResult result = Import(Rows(1000), With({"--batch", "100", "--out", Out()}));
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(vault_.stored(), SizeIs(1000));
  EXPECT_THAT(vault_.stored(), Each(Pair(::testing::_, 1)));
}

TEST_F(ImportTest, ResumeGoesOnAndStoresNothingTwice) {
  // From the fourth batch on, the vault stores but refuses to say so, in a way that is not retried.
  std::atomic<int> calls = 0;
  vault_.OnBatch([&calls](const auto&) {
    return ++calls > 3 ? grpc::Status(grpc::StatusCode::INTERNAL, "") : grpc::Status::OK;
  });
  const std::string file = Rows(1000);
  CliResult result = Import(file, With({"--batch", "100", "--in-flight", "2", "--out", Out()}));
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("--resume"));

  vault_.OnBatch(nullptr);
  EXPECT_NE(Import(file, With({"--out", Out()})).code, kExitOk) << "must not overwrite";
  result = Import(file, With({"--batch", "100", "--out", Out(), "--resume"}));
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("stored before"));
  EXPECT_THAT(vault_.stored(), SizeIs(1000));
  EXPECT_THAT(vault_.stored(), Each(Pair(::testing::_, 1)));
  const std::string tokens = vault_.folder().Read("tokens.csv");
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), '\n'), 1001);
  EXPECT_EQ(Import(file, With({"--out", Out(), "--resume"})).code, kExitError)
      << "nothing to resume";
}

TEST_F(ImportTest, ResumeRefusesAnotherFile) {
  vault_.OnBatch([](const auto&) { return grpc::Status(grpc::StatusCode::INTERNAL, ""); });
  ASSERT_NE(Import(Rows(10), With({"--out", Out()})).code, kExitOk);
  vault_.OnBatch(nullptr);
  const CliResult result = Import(Rows(11), With({"--out", Out(), "--resume"}));
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("another file"));
}

TEST_F(ImportTest, Cp932IsFoundOut) {
  // "id,name" and 見本 in CP932.
  const std::string file = vault_.folder().Write("rows.csv", "id,name\r\nr1,\x8c\xa9\x96\x7b\r\n");
  const CliResult result = Import(file, {"--ref-column", "id"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("(cp932"));
  EXPECT_EQ(vault_.batches()[0].records(0).fields().at("name"), "見本");
  EXPECT_NE(Import(file, {"--ref-column", "id", "--encoding", "utf-8"}).code, kExitOk);
}

TEST_F(ImportTest, TheSamplesAreRead) {
  for (const char* name : {"readers.csv", "readers.cp932.csv"}) {
    const CliResult result = Import(absl::StrCat(PIIVAULT_SOURCE_DIR, "/ops/samples/", name),
                                    {"--ref-column", "ref", "--collected-at-column",
                                     "registered_at", "--channel-column", "intake_channel"});
    EXPECT_EQ(result.code, kExitOk) << result.err;
    EXPECT_THAT(result.out, HasSubstr("500 rows stored"));
  }
  EXPECT_THAT(vault_.stored(), SizeIs(1000));
}

TEST(RowMapperTest, UnknownAndDoubleColumnsAreRefused) {
  const std::vector<std::string> header = {"a", "b"};
  ImportColumns unknown;
  unknown.ref = "c";
  EXPECT_FALSE(RowMapper::Create(header, unknown, {}).ok());
  ImportColumns same;
  same.renamed = {{"a", "b"}};
  EXPECT_FALSE(RowMapper::Create(header, same, {}).ok());
  EXPECT_FALSE(RowMapper::Create({"a", "a"}, {}, {}).ok());
  EXPECT_TRUE(RowMapper::Create(header, {}, {}).ok());
}

TEST(RowMapperTest, AMalformedTimeIsNamedByItsColumnOnly) {
  ImportColumns columns;
  columns.collected_at = "a";
  auto mapper = RowMapper::Create({"a", "b"}, columns, {});
  ASSERT_TRUE(mapper.ok());
  const auto record = mapper->Map({"secret", "x"});
  EXPECT_THAT(std::string(record.status().message()), HasSubstr("column a"));
  EXPECT_THAT(std::string(record.status().message()), Not(HasSubstr("secret")));
}

TEST(BatchRequestIdTest, DependsOnRunAndRows) {
  const std::vector<ImportRow> rows = {{1, 2, {}}, {2, 3, {}}};
  const std::vector<ImportRow> others = {{1, 2, {}}, {3, 4, {}}};
  EXPECT_EQ(BatchRequestId("r1", rows), BatchRequestId("r1", rows));
  EXPECT_NE(BatchRequestId("r1", rows), BatchRequestId("r2", rows));
  EXPECT_NE(BatchRequestId("r1", rows), BatchRequestId("r1", others));
}

}  // namespace
}  // namespace piivault::ops
