#include "ops/load/response_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "piivault/v1/vault_service.pb.h"

namespace piivault::ops {
namespace {

using ::testing::HasSubstr;

template <typename Response>
std::string Extract(const Response& response, const std::vector<std::string>& columns) {
  const auto paths = ResponsePaths::Create(*Response::descriptor(), columns);
  EXPECT_TRUE(paths.ok()) << paths.status();
  std::string lines;
  if (paths.ok()) paths->Append(response, &lines);
  return lines;
}

template <typename Response>
std::string ErrorOf(const std::vector<std::string>& columns) {
  const absl::Status status = ResponsePaths::Create(*Response::descriptor(), columns).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

v1::BatchCreateRecordsResponse TwoRecords() {
  v1::BatchCreateRecordsResponse response;
  for (const char* ref : {"a", "b"}) {
    auto* result = response.add_results();
    result->set_ref(ref);
    result->set_name(std::string("records/") + ref);
    (*result->mutable_tokens())["email"] = std::string("tok-") + ref;
    result->add_flagged_fields("phone");
    result->add_flagged_fields("name");
  }
  response.mutable_receipt()->set_index(42);
  return response;
}

TEST(ResponsePathsTest, ALineForEachElement) {
  EXPECT_EQ(Extract(TwoRecords(), {"ref=results.ref", "name=results.name",
                                   "email=results.tokens.email", "at=receipt.index"}),
            "a\trecords/a\ttok-a\t42\nb\trecords/b\ttok-b\t42\n");
}

TEST(ResponsePathsTest, TheInnermostListMakesTheLines) {
  EXPECT_EQ(Extract(TwoRecords(), {"ref=results.ref", "flag=results.flagged_fields"}),
            "a\tphone\na\tname\nb\tphone\nb\tname\n");
}

TEST(ResponsePathsTest, WithoutAListThereIsOneLine) {
  v1::RevealRecordResponse response;
  response.mutable_record()->set_name("r");
  (*response.mutable_record()->mutable_fields())["email"].set_value("x@example.com");
  EXPECT_EQ(Extract(response, {"n=record.name", "e=record.fields.email.value"}),
            "r\tx@example.com\n");
}

TEST(ResponsePathsTest, WhatIsAbsentIsEmpty) {
  EXPECT_EQ(Extract(TwoRecords(), {"a=results.tokens.phone", "b=results.ref"}), "\ta\n\tb\n");
  EXPECT_EQ(Extract(v1::BatchCreateRecordsResponse(), {"b=results.ref"}), "");
  EXPECT_EQ(Extract(v1::RevealRecordResponse(), {"e=record.fields.email.value"}), "\n");
}

TEST(ResponsePathsTest, FailedElementsAndCellsThatCannotStandInALineAreLeftOut) {
  v1::BatchCreateRecordsResponse response = TwoRecords();
  response.mutable_results(0)->mutable_failure()->set_reason("VALUE_INVALID");
  EXPECT_EQ(Extract(response, {"ref=results.ref"}), "b\n");
  response.mutable_results(1)->set_ref("b\tc");
  EXPECT_EQ(Extract(response, {"name=results.name", "ref=results.ref"}), "");
}

TEST(ResponsePathsTest, HeadingHasTheNames) {
  EXPECT_EQ(ResponsePaths::Create(*v1::CreateRecordResponse::descriptor(),
                                  {"a=record.name", "b=tokens.email"})
                ->Heading(),
            "a\tb\n");
}

TEST(ResponsePathsTest, WhatIsNoPath) {
  using Response = v1::BatchCreateRecordsResponse;
  EXPECT_THAT(ErrorOf<Response>({"a=results.nome"}), HasSubstr("no field nome"));
  EXPECT_THAT(ErrorOf<Response>({"a=results.name.x"}), HasSubstr("no field x"));
  EXPECT_THAT(ErrorOf<Response>({"a=results"}), HasSubstr("does not end at one value"));
  EXPECT_THAT(ErrorOf<Response>({"a=results.tokens"}), HasSubstr("a key"));
  EXPECT_THAT(ErrorOf<v1::RevealRecordResponse>({"a=record.fields.email"}),
              HasSubstr("does not end at one value"));
  for (const char* column : {"", "a", "=results.ref", "a="}) {
    EXPECT_THAT(ErrorOf<Response>({column}), HasSubstr("NAME=PATH"));
  }
  EXPECT_THAT(ErrorOf<v1::CreateRecordResponse>({"a=record.fields", "b=record.flagged_fields"}),
              HasSubstr("column b goes through another repeated field"));
}

TEST(CountFailedItemsTest, CountsThoseWithAFailure) {
  v1::BatchCreateRecordsResponse response = TwoRecords();
  EXPECT_EQ(CountFailedItems(response), 0);
  response.mutable_results(1)->mutable_failure();
  EXPECT_EQ(CountFailedItems(response), 1);
  EXPECT_EQ(CountFailedItems(v1::RevealRecordResponse()), 0);
}

}  // namespace
}  // namespace piivault::ops
