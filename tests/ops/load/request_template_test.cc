#include "ops/load/request_template.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "ops/load/request_source.h"
#include "piivault/v1/vault_service.pb.h"

namespace piivault::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using Repeat = RequestTemplate::Repeat;

class RequestTemplateTest : public ::testing::Test {
 protected:
  template <typename Request>
  absl::StatusOr<RequestTemplate> Create(const std::string& json,
                                         const std::optional<Repeat>& repeat = std::nullopt) {
    return RequestTemplate::Create(json, *Request::descriptor(), &table_, repeat);
  }

  // What is wrong with the request.
  template <typename Request>
  std::string ErrorOf(const std::string& json, const std::optional<Repeat>& repeat = std::nullopt) {
    const absl::Status status = Create<Request>(json, repeat).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
    return std::string(status.message());
  }

  template <typename Request>
  Request Render(const std::string& json, const std::vector<RequestTemplate::Draw>& draws,
                 const std::optional<Repeat>& repeat = std::nullopt) {
    const auto made = Create<Request>(json, repeat);
    EXPECT_TRUE(made.ok()) << made.status();
    Request request;
    if (!made.ok()) return request;
    std::string bytes = "what was there before";
    made->Render(draws, &bytes);
    EXPECT_TRUE(request.ParseFromString(bytes));
    EXPECT_EQ(request.ByteSizeLong(), bytes.size()) << "nothing stands twice";
    return request;
  }

  const DataTable table_ =
      *DataTable::Parse("name\temail\nr0\ta@example.com\nr1\tb@example.com\nr2\tc@example.com\n");
};

TEST_F(RequestTemplateTest, WithoutPlaceholdersItIsTheRequest) {
  const auto request = Render<v1::RevealRecordRequest>(
      R"({"name": "r", "fields": ["a", "b"], "usage": {"purpose": "p"}, "allowPartial": true})",
      {{}});
  v1::RevealRecordRequest expected;
  expected.set_name("r");
  expected.add_fields("a");
  expected.add_fields("b");
  expected.mutable_usage()->set_purpose("p");
  expected.set_allow_partial(true);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(request, expected));
}

TEST_F(RequestTemplateTest, FillsStringsAtAnyDepth) {
  const auto request = Render<v1::CreateRecordRequest>(
      R"({"parent": "tenants/{n}", "requestId": "id-{n}-{name}",
          "record": {"type": "reader", "provenance": {"channel": "{name}", "frontHop": 1},
                     "fields": {"email": "{email}", "note": "same", "k{n}": "v"}}})",
      {{.row = 2, .number = -17}});
  EXPECT_EQ(request.parent(), "tenants/-17");
  EXPECT_EQ(request.request_id(), "id--17-r2");
  EXPECT_EQ(request.record().type(), "reader");
  EXPECT_EQ(request.record().provenance().channel(), "r2");
  EXPECT_EQ(request.record().provenance().front_hop(), v1::FRONT_HOP_TLS);
  EXPECT_THAT(request.record().fields(),
              UnorderedElementsAre(Pair("email", "c@example.com"), Pair("note", "same"),
                                   Pair("k-17", "v")));
}

TEST_F(RequestTemplateTest, ARepeatedFieldKeepsItsOrder) {
  const auto request = Render<v1::RevealRecordRequest>(R"({"fields": ["a", "{name}", "b", "{n}"]})",
                                                       {{.row = 1, .number = 5}});
  EXPECT_THAT(request.fields(), ElementsAre("a", "r1", "b", "5"));
}

TEST_F(RequestTemplateTest, EachCopyHasARowAndANumberOfItsOwn) {
  const auto request = Render<v1::BatchCreateRecordsRequest>(
      R"({"requestId": "{n}", "records": [{"ref": "{n}", "fields": {"email": "{email}"}}]})",
      {{.row = 1, .number = 7}, {.row = 0, .number = 8}, {.row = 1, .number = 9}},
      Repeat{"records", 3});
  EXPECT_EQ(request.request_id(), "7");
  ASSERT_EQ(request.records_size(), 3);
  EXPECT_EQ(request.records(0).ref(), "7");
  EXPECT_EQ(request.records(2).ref(), "9");
  EXPECT_EQ(request.records(0).fields().at("email"), "b@example.com");
  EXPECT_EQ(request.records(1).fields().at("email"), "a@example.com");
}

TEST_F(RequestTemplateTest, RepeatsStringsAndBelowMessages) {
  const auto request = Render<v1::StreamRevealRecordsRequest>(
      R"({"parent": "t", "names": {"names": ["x/{name}"]}, "fields": ["email"]})",
      {{.row = 2}, {.row = 0}}, Repeat{"names.names", 2});
  EXPECT_THAT(request.names().names(), ElementsAre("x/r2", "x/r0"));
  EXPECT_THAT(request.fields(), ElementsAre("email"));
  const auto same =
      Render<v1::DetokenizeRequest>(R"({"tokens": ["t"]})", {{}, {}}, Repeat{"tokens", 2});
  EXPECT_THAT(same.tokens(), ElementsAre("t", "t"));
}

TEST_F(RequestTemplateTest, LongPartsHaveLongLengths) {
  std::vector<RequestTemplate::Draw> draws(1000);
  const std::string value(300, 'v');
  const auto request = Render<v1::BatchCreateRecordsRequest>(
      absl::StrCat(R"({"records": [{"fields": {"email": ")", value, R"({n}"}}]})"), draws,
      Repeat{"records", 1000});
  ASSERT_EQ(request.records_size(), 1000);
  EXPECT_EQ(request.records(999).fields().at("email"), value + "0");
}

TEST_F(RequestTemplateTest, BracesAreWrittenTwice) {
  const auto request =
      Render<v1::RevealRecordRequest>(R"({"name": "{{n}} {{{n}}}"})", {{.number = 3}});
  EXPECT_EQ(request.name(), "{n} {3}");
}

TEST_F(RequestTemplateTest, SaysWhatIsUsed) {
  const auto plain = Create<v1::RevealRecordRequest>(R"({"name": "{{n}}"})");
  EXPECT_FALSE(plain->has_number() || plain->has_column());
  EXPECT_TRUE(Create<v1::RevealRecordRequest>(R"({"name": "{n}"})")->has_number());
  EXPECT_TRUE(Create<v1::RevealRecordRequest>(R"({"name": "{email}"})")->has_column());
}

TEST_F(RequestTemplateTest, UnknownColumns) {
  EXPECT_THAT(ErrorOf<v1::RevealRecordRequest>(R"({"name": "{phone}"})"),
              HasSubstr("no column phone"));
  const auto without = RequestTemplate::Create(
      R"({"name": "{name}"})", *v1::RevealRecordRequest::descriptor(), nullptr, std::nullopt);
  EXPECT_THAT(std::string(without.status().message()), HasSubstr("give --data"));
}

TEST_F(RequestTemplateTest, SingleBraces) {
  for (const char* name : {"{", "}", "a{n", "n}", "{n}}", "{{n}"}) {
    EXPECT_THAT(ErrorOf<v1::RevealRecordRequest>(absl::StrCat(R"({"name": ")", name, R"("})")),
                HasSubstr("brace"))
        << name;
  }
}

TEST_F(RequestTemplateTest, WhatIsNoSuchRequest) {
  EXPECT_THAT(ErrorOf<v1::RevealRecordRequest>(R"({"nome": "r"})"), HasSubstr("nome"));
  EXPECT_THAT(ErrorOf<v1::RevealRecordRequest>("{"), HasSubstr("RevealRecordRequest in JSON"));
}

TEST_F(RequestTemplateTest, PlaceholdersStandInStringsOnly) {
  for (const char* json : {R"({"pageSize": {n}})", R"({"pageSize": "{n}"})"}) {
    EXPECT_THAT(ErrorOf<v1::ListRecordsRequest>(json),
                HasSubstr("placeholders stand in values of string fields"));
  }
}

TEST_F(RequestTemplateTest, ErrorsDoNotRepeatValues) {
  EXPECT_THAT(ErrorOf<v1::ListRecordsRequest>(R"({"pageSize": "hanako@example.jp"})"),
              Not(HasSubstr("hanako")));
  EXPECT_THAT(ErrorOf<v1::ListRecordsRequest>(R"({"parent": "hanako@example.jp)"),
              Not(HasSubstr("hanako")));
}

TEST_F(RequestTemplateTest, WhatCannotBeRepeated) {
  const std::string json =
      R"({"records": [{"fields": {"a": "b"}, "provenance": {}}], "usage": {}, "parent": "t"})";
  const auto error = [&](const std::string& field) {
    return ErrorOf<v1::BatchCreateRecordsRequest>(json, Repeat{field, 2});
  };
  EXPECT_THAT(error("names"), HasSubstr("names is not a field of BatchCreateRecordsRequest"));
  EXPECT_THAT(error(""), HasSubstr("is not a field"));
  EXPECT_THAT(error("parent"), HasSubstr("parent is not a repeated field"));
  EXPECT_THAT(error("usage"), HasSubstr("usage is not a repeated field"));
  EXPECT_THAT(error("parent.names"), HasSubstr("parent is not a single message"));
  EXPECT_THAT(error("records.fields"), HasSubstr("records is not a single message"));
}

TEST_F(RequestTemplateTest, NeedsOneElementToRepeat) {
  for (const char* json : {"{}", R"({"tokens": []})", R"({"tokens": ["a", "b"]})"}) {
    EXPECT_THAT(ErrorOf<v1::DetokenizeRequest>(json, Repeat{"tokens", 2}),
                HasSubstr("needs one element"));
  }
}

class RequestSourceTest : public RequestTemplateTest {
 protected:
  static std::vector<std::string> Tokens(RequestSource::Maker& maker) {
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(maker.Next().Dump(&slices).ok());
    v1::DetokenizeRequest request;
    EXPECT_TRUE(request.ParseFromArray(slices.at(0).begin(), static_cast<int>(slices[0].size())));
    return {request.tokens().begin(), request.tokens().end()};
  }

  const RequestTemplate requests_ =
      *Create<v1::DetokenizeRequest>(R"({"tokens": ["{name}:{n}"]})", Repeat{"tokens", 2});
};

TEST_F(RequestSourceTest, RowsInOrderBeginAgainAndNumbersGoOn) {
  RequestSource source(&requests_, table_.rows(), {.in_order = true, .first = 100});
  RequestSource::Maker one = source.NewMaker();
  RequestSource::Maker two = source.NewMaker();
  EXPECT_THAT(Tokens(one), ElementsAre("r0:100", "r1:101"));
  EXPECT_THAT(Tokens(two), ElementsAre("r2:102", "r0:103"));
  EXPECT_THAT(Tokens(one), ElementsAre("r1:104", "r2:105"));
  EXPECT_EQ(source.next_number(), 106);
}

TEST_F(RequestSourceTest, RandomRowsAreTheSameWithTheSameSeedAndReachAll) {
  const auto draw = [&](uint64_t seed) {
    RequestSource source(&requests_, table_.rows(), {.seed = seed});
    RequestSource::Maker maker = source.NewMaker();
    std::map<std::string, int> rows;
    std::vector<std::string> all;
    for (int i = 0; i < 300; ++i) {
      for (const std::string& token : Tokens(maker)) {
        all.push_back(token);
        ++rows[token.substr(0, 2)];
      }
    }
    for (const char* row : {"r0", "r1", "r2"}) EXPECT_GT(rows[row], 100) << row;
    return all;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

}  // namespace
}  // namespace piivault::ops
