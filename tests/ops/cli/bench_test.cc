#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kReveal[] =
    R"({"name": "{name}", "fields": ["email"], "usage": {"purpose": "support"}})";
constexpr char kBatch[] =
    R"({"parent": "tenants/default", "requestId": "{n}",
        "records": [{"type": "reader", "ref": "r{n}", "fields": {"email": "{n}@example.com"}}]})";

class BenchTest : public ::testing::Test {
 protected:
  CliResult Bench(std::vector<std::string> more) {
    std::vector<std::string> arguments = vault_.Flags();
    arguments.insert(arguments.end(), {"--config", vault_.folder().File("contexts.yaml"), "bench"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunPiivault(arguments);
  }

  // The figures of a run with --json.
  google::protobuf::Struct Figures(std::vector<std::string> more, int code = kExitOk) {
    more.push_back("--json");
    const CliResult result = Bench(std::move(more));
    EXPECT_EQ(result.code, code) << result.err;
    google::protobuf::Struct figures;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(result.out, &figures).ok())
        << result.out;
    return figures;
  }

  static double Number(const google::protobuf::Struct& figures, const std::string& key) {
    const auto it = figures.fields().find(key);
    EXPECT_TRUE(it != figures.fields().end()) << key;
    return it == figures.fields().end() ? -1 : it->second.number_value();
  }

  std::string Names() { return vault_.folder().Write("names.tsv", "name\nrecords/a\nrecords/b\n"); }

  FakeVault vault_;
};

TEST_F(BenchTest, AClosedLoopMakesSoManyCalls) {
  const auto figures = Figures({"RevealRecord", "--request", kReveal, "--data", Names(), "--calls",
                                "200", "--in-flight", "8", "--connections", "3", "--threads", "3",
                                "--server-pid", absl::StrCat(getpid())});
  EXPECT_EQ(Number(figures, "ok"), 200);
  EXPECT_EQ(Number(figures, "calls"), 200);
  EXPECT_EQ(Number(figures, "connections"), 3);
  EXPECT_EQ(Number(figures, "in_flight"), 8);
  EXPECT_EQ(figures.fields().at("failures").struct_value().fields_size(), 0);
  const google::protobuf::Struct& times = figures.fields().at("latency_us").struct_value();
  EXPECT_GT(Number(times, "p50"), 0);
  EXPECT_LE(Number(times, "p50"), Number(times, "p999"));
  EXPECT_LE(Number(times, "p999"), Number(times, "max"));
  EXPECT_GT(Number(figures, "server_cpu_us_per_call"), 0);
  EXPECT_GT(Number(figures, "response_bytes"), 0);
  EXPECT_GT(Number(figures, "calls_per_second"), 0);
}

TEST_F(BenchTest, AnOpenLoopCountsFromWhenCallsWereDue) {
  const auto figures =
      Figures({"RevealRecord", "--request", kReveal, "--data", Names(), "--calls", "100", "--rate",
               "1000", "--in-flight", "220", "--threads", "2", "--warm-up", "0.01"});
  EXPECT_EQ(Number(figures, "ok"), 100);
  EXPECT_EQ(Number(figures, "late"), 0);
  EXPECT_EQ(Number(figures, "rate"), 1000);
  EXPECT_GE(Number(figures, "seconds"), 0.099) << "the last call is due after 99 ms";
  EXPECT_GT(Number(figures.fields().at("lag_us").struct_value(), "max"), 0);
}

// All calls are due within a moment, and there is room for one at a time.
TEST_F(BenchTest, AnOpenLoopCountsTheCallsThatFoundNoPlace) {
  const auto figures = Figures({"BatchCreateRecords", "--request", kBatch, "--calls", "1000",
                                "--rate", "1000000", "--in-flight", "1"});
  EXPECT_EQ(Number(figures, "calls") + Number(figures, "late"), 1000);
  EXPECT_GT(Number(figures, "late"), 0);
  EXPECT_EQ(Number(figures, "ok"), static_cast<double>(vault_.batches().size()));
}

TEST_F(BenchTest, MeasuresForSomeTime) {
  const CliResult result = Bench({"RevealRecord", "--request", kReveal, "--data", Names(),
                                  "--seconds", "0.5", "--warm-up", "0.05"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("RevealRecord, 64 in flight, 4 connections, 0.5 s"));
  EXPECT_THAT(result.out, HasSubstr("OK a second"));
  EXPECT_THAT(result.out, HasSubstr("p99.9"));
  EXPECT_THAT(result.out, Not(HasSubstr("not made")));
}

TEST_F(BenchTest, BatchesHaveItemsOfTheirOwnAndColumnsAreSaved) {
  const std::string saved = vault_.folder().File("saved.tsv");
  const auto figures =
      Figures({"BatchCreateRecords", "--request", kBatch, "--repeat", "records=10", "--calls", "20",
               "--first", "1000", "--in-flight", "4", "--threads", "2", "--save", saved, "--column",
               "name=results.name", "email=results.tokens.email"});
  EXPECT_EQ(Number(figures, "ok"), 20);
  EXPECT_EQ(Number(figures, "next_n"), 1200);
  EXPECT_THAT(vault_.stored(), SizeIs(200));
  EXPECT_EQ(vault_.stored().count("r1000"), 1u);
  EXPECT_EQ(vault_.stored().count("r1199"), 1u);
  const std::string lines = vault_.folder().Read("saved.tsv");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 201);
  EXPECT_THAT(lines, HasSubstr("name\temail\n"));
  EXPECT_THAT(lines, HasSubstr("tenants/default/subjects/s/records/r1077\ttok_r1077email\n"));
  struct stat file {};
  ASSERT_EQ(stat(saved.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);

  // What one run saved is the data of the next.
  EXPECT_EQ(Number(Figures({"RevealRecord", "--request", kReveal, "--data", saved, "--calls", "5"}),
                   "ok"),
            5);
}

TEST_F(BenchTest, RowsInOrderAreEachSentOnce) {
  std::string rows = "ref\n";
  for (int i = 0; i < 60; ++i) absl::StrAppend(&rows, "row", i, "\n");
  Figures({"BatchCreateRecords", "--request",
           R"({"requestId": "{n}", "records": [{"ref": "{ref}"}]})", "--repeat", "records=2",
           "--data", vault_.folder().Write("refs.tsv", rows), "--in-order", "--calls", "30",
           "--threads", "3", "--in-flight", "7"});
  EXPECT_THAT(vault_.stored(), SizeIs(60));
}

TEST_F(BenchTest, ItemsThatFailAreCountedInEach64thResponse) {
  vault_.RefuseRefs({"r0", "r64", "r65"});
  const auto figures =
      Figures({"BatchCreateRecords", "--request", kBatch, "--calls", "128", "--in-flight", "1"});
  EXPECT_EQ(Number(figures, "ok"), 128);
  EXPECT_EQ(Number(figures, "item_failures"), 2);
}

TEST_F(BenchTest, FailuresAreNamedByTheirReason) {
  const char* denied = R"({"name": "r", "fields": ["phone"]})";
  auto figures = Figures({"RevealRecord", "--request", denied, "--calls", "30"}, kExitDenied);
  EXPECT_EQ(Number(figures, "ok"), 0);
  EXPECT_EQ(Number(figures, "calls"), 30);
  EXPECT_EQ(Number(figures.fields().at("failures").struct_value(), "NDA_EXPIRED"), 30);
  figures = Figures({"GetRecord", "--request", "{}", "--calls", "3"}, kExitError);
  EXPECT_EQ(Number(figures.fields().at("failures").struct_value(), "UNIMPLEMENTED"), 3);
}

TEST_F(BenchTest, ShedCallsAreNoErrorAndOthersAreOneInPart) {
  const auto refuse_each_second = [this](const grpc::Status& refusal) {
    vault_.OnBatch([refusal, calls = 0](const v1::BatchCreateRecordsRequest&) mutable {
      return ++calls % 2 == 0 ? refusal : grpc::Status::OK;
    });
  };
  const std::vector<std::string> run = {"BatchCreateRecords", "--request", kBatch, "--calls", "10",
                                        "--in-flight",        "1"};
  refuse_each_second(Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "QUEUE_FULL"));
  const auto figures = Figures(run);
  EXPECT_EQ(Number(figures, "ok"), 5);
  EXPECT_EQ(Number(figures.fields().at("failures").struct_value(), "QUEUE_FULL"), 5);
  refuse_each_second(Refusal(grpc::StatusCode::NOT_FOUND, "NOT_FOUND"));
  Figures(run, kExitPartial);
}

TEST_F(BenchTest, StreamsRunToTheirEnd) {
  const std::string saved = vault_.folder().File("saved.tsv");
  const auto figures = Figures({"StreamRevealRecords", "--request",
                                R"({"names": {"names": ["r{n}"]}, "fields": ["email"]})",
                                "--repeat", "names.names=5", "--calls", "12", "--in-flight", "3",
                                "--save", saved, "--column", "name=records.name"});
  EXPECT_EQ(Number(figures, "ok"), 12);
  const std::string lines = vault_.folder().Read("saved.tsv");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 61);
  EXPECT_THAT(lines, HasSubstr("\nr59\n"));
}

TEST_F(BenchTest, AStreamThatIsRefusedHasAReason) {
  const auto figures =
      Figures({"StreamRevealRecords", "--request",
               R"({"names": {"names": ["r"]}, "fields": ["phone"]})", "--calls", "4"},
              kExitDenied);
  EXPECT_EQ(Number(figures.fields().at("failures").struct_value(), "NDA_EXPIRED"), 4);
}

TEST_F(BenchTest, KeepsTheFirstResponse) {
  const std::string file = vault_.folder().File("response");
  Figures({"RevealRecord", "--request", R"({"name": "records/a"})", "--calls", "3",
           "--save-response", file});
  v1::RevealRecordResponse response;
  ASSERT_TRUE(response.ParseFromString(vault_.folder().Read("response")));
  EXPECT_EQ(response.record().name(), "records/a");
}

TEST_F(BenchTest, AVaultThatIsNotThereFailsAtOnce) {
  const CliResult result = Bench({"RevealRecord", "--request", "{}", "--address", "127.0.0.1:1"});
  EXPECT_EQ(result.code, kExitUnavailable);
  EXPECT_THAT(result.err, HasSubstr("cannot be reached"));
}

TEST_F(BenchTest, SaysWhatIsWrong) {
  const auto error = [&](std::vector<std::string> arguments) {
    const CliResult result = Bench(std::move(arguments));
    EXPECT_EQ(result.code, kExitError);
    return result.err;
  };
  EXPECT_THAT(error({"Reveal", "--request", "{}"}), HasSubstr("METHOD is one of CreateRecord, "));
  EXPECT_THAT(error({"RevealRecord", "--request", kReveal}), HasSubstr("give --data"));
  EXPECT_THAT(error({"Detokenize", "--request", "{}", "--repeat", "tokens"}),
              HasSubstr("--repeat takes FIELD=N"));
  EXPECT_THAT(error({"Detokenize", "--request", "{}", "--repeat", "tokens=0"}),
              HasSubstr("--repeat takes FIELD=N"));
  EXPECT_THAT(error({"RevealRecord", "--request", "{}", "--threads", "5"}), HasSubstr("--threads"));
  EXPECT_THAT(error({"RevealRecord", "--request", "{}", "--column", "a=record.name"}),
              HasSubstr("--save and --column"));
  EXPECT_EQ(Bench({"RevealRecord"}).code, kExitUsage);
}

}  // namespace
}  // namespace piivault::ops
