#include "vault/service/wire.h"

#include <gtest/gtest.h>

#include "piivault/v1/types.pb.h"
#include "piivault/v1/vault_service.pb.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using authz::Reason;

TEST(WireTest, ReceiptIsAFieldOfWhateverItIsAppendedTo) {
  const storage::LogPosition positions[] = {
      {0, 0, 0}, {0, 1, 127}, {3, 300, 1ull << 40}, {UINT32_MAX, UINT64_MAX, UINT64_MAX}};
  for (const storage::LogPosition& position : positions) {
    v1::RevealRecordResponse response;
    response.mutable_record()->set_type("reader");
    std::string bytes = response.SerializeAsString();
    const grpc::Slice receipt = ReceiptField(position);
    bytes.append(receipt.begin(), receipt.end());
    v1::RevealRecordResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes));
    EXPECT_EQ(parsed.record().type(), "reader");
    ASSERT_TRUE(parsed.has_receipt());
    EXPECT_EQ(parsed.receipt().log(), position.log);
    EXPECT_EQ(parsed.receipt().generation(), position.generation);
    EXPECT_EQ(parsed.receipt().index(), position.index);
  }
}

TEST(WireTest, WipingReachesEveryStringInPlace) {
  google::protobuf::Arena arena;
  auto* message = google::protobuf::Arena::CreateMessage<v1::BatchRevealRecordsResponse>(&arena);
  const std::string canary = "canary-value-longer-than-a-short-string";
  auto* record = message->add_results()->mutable_record();
  record->set_name(canary);
  (*record->mutable_fields())["email"].set_value(canary);
  record->add_denied()->add_fields(canary);
  const std::string_view name = record->name();
  const std::string_view value = record->fields().at("email").value();
  const std::string_view field = record->denied(0).fields(0);
  WipeMessage(message);
  const std::string zeros(canary.size(), '\0');
  EXPECT_EQ(name, zeros);
  EXPECT_EQ(value, zeros);
  EXPECT_EQ(field, zeros);
}

TEST(WireTest, WipingReachesMapsOfStrings) {
  v1::UpdateRecordRequest request;
  const std::string canary = "canary-value-longer-than-a-short-string";
  (*request.mutable_fields())["email"] = canary;
  const std::string_view value = request.fields().at("email");
  WipeMessage(&request);
  EXPECT_EQ(value, std::string(canary.size(), '\0'));
}

TEST(WireTest, WipedBufferIsOverwritten) {
  std::string memory(1000, 'c');
  {
    grpc::Slice slice(memory.data(), memory.size(), grpc::Slice::STATIC_SLICE);
    grpc::ByteBuffer buffer(&slice, 1);
    WipeBuffer(&buffer);
    EXPECT_FALSE(buffer.Valid() && buffer.Length() > 0);
  }
  EXPECT_EQ(memory, std::string(1000, '\0'));
}

TEST(WireTest, SerializedMessageIsTheMessage) {
  v1::RevealRecordResponse response;
  response.mutable_record()->set_type("reader");
  const grpc::Slice slice = SerializeMessage(response);
  EXPECT_EQ(std::string(slice.begin(), slice.end()), response.SerializeAsString());
  EXPECT_EQ(SerializeMessage(v1::RevealRecordResponse()).size(), 0u);
}

TEST(WireTest, EveryReasonHasItsCodeAndDetails) {
  for (size_t i = 1; i < authz::ReasonCount(); ++i) {
    const auto reason = static_cast<Reason>(i);
    const grpc::Status status = ErrorStatus({.reason = reason});
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(static_cast<int>(status.error_code()), static_cast<int>(authz::ReasonCode(reason)));
    EXPECT_EQ(ReasonIn(status), std::string(authz::ReasonName(reason)));
    EXPECT_EQ(ErrorInfoIn(status).metadata_size(), 0);
  }
}

TEST(WireTest, RetryDelayIsSaidWhereItHelps) {
  EXPECT_TRUE(HasRetryInfo(ErrorStatus({.reason = Reason::kQueueFull})));
  EXPECT_FALSE(HasRetryInfo(ErrorStatus({.reason = Reason::kNdaExpired})));
  EXPECT_TRUE(HasRetryInfo(
      ErrorStatus({.reason = Reason::kVolumeBudget, .retry_after = absl::Minutes(1)})));
}

TEST(MethodTableTest, RefusesWhatItCannotServe) {
  MethodTable table;
  EXPECT_EQ(table.AddService("piivault.v1.NoService").code(), absl::StatusCode::kNotFound);
  const std::string service =
      v1::RevealRecordRequest::descriptor()->file()->service(0)->full_name();
  ASSERT_TRUE(table.AddService(service).ok());
  EXPECT_EQ(table.AddService(service).code(), absl::StatusCode::kAlreadyExists);
  const auto factory = [] { return std::unique_ptr<Handler>(); };
  EXPECT_TRUE(table.Register(kUnary, factory).ok());
  EXPECT_EQ(table.Register(kUnary, factory).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(table.Register("piivault.v1.VaultService/No", factory).code(),
            absl::StatusCode::kNotFound);
  ASSERT_NE(table.Find(kStream), nullptr);
  EXPECT_TRUE(table.Find(kStream)->streaming);
  EXPECT_EQ(table.Find("x"), nullptr);
}

}  // namespace
}  // namespace piivault::vault
