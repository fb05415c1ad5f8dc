#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using authz::Reason;

// A stream of `length` messages "message 0", ... with a closing entry.
ToyScript Counting(int length) {
  auto sent = std::make_shared<int>(0);
  ToyScript script;
  script.next = [sent](CallContext& context) {
    context.principal = "sato";
    return StreamPlan(context, absl::StrCat("message ", *sent));
  };
  script.committed = [sent](const storage::LogPosition*) { ++*sent; };
  script.has_more = [sent, length] { return *sent < length; };
  script.close = [](CallContext&) { return RefusePlan(Reason::kOk, "closed"); };
  return script;
}

struct Stream {
  explicit Stream(const ToyServer& toy) : Stream(toy.Channel()) {}
  explicit Stream(const std::shared_ptr<grpc::Channel>& channel)
      : stub(v1::VaultService::NewStub(channel)) {
    reader = stub->StreamRevealRecords(&context, v1::StreamRevealRecordsRequest());
  }
  // All messages' first types.
  std::vector<std::string> ReadAll() {
    std::vector<std::string> types;
    v1::StreamRevealRecordsResponse message;
    while (reader->Read(&message)) {
      types.push_back(message.records_size() > 0 ? message.records(0).type() : "");
      receipts.push_back(message.has_receipt() ? static_cast<int>(message.receipt().index()) : -1);
    }
    return types;
  }
  std::unique_ptr<v1::VaultService::Stub> stub;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::StreamRevealRecordsResponse>> reader;
  std::vector<int> receipts;
};

TEST(StreamTest, EachMessageIsCommittedAndCarriesItsReceipt) {
  ToyServer toy;
  toy.On(kStream, [] { return Counting(3); });
  toy.Start();
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll(), (std::vector<std::string>{"message 0", "message 1", "message 2"}));
  EXPECT_EQ(stream.receipts, (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(stream.reader->Finish().ok());
  EXPECT_EQ(toy.Entries(),
            (std::vector<std::string>{"message 0", "message 1", "message 2", "closed"}));
}

TEST(StreamTest, ACallThatIsNoStreamMayWaitAsWell) {
  ToyServer toy;
  std::atomic<int> planned{0};
  toy.On(kUnary, [&planned](CallContext& context) {
    ++planned;
    if (context.waited) return RevealPlan(context, "answered");
    Plan plan;
    plan.idle = absl::Milliseconds(20);
    return plan;
  });
  toy.Start();
  const auto reveal = [&](std::chrono::milliseconds patience) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + patience);
    v1::RevealRecordResponse response;
    return toy.Stub()->RevealRecord(&context, v1::RevealRecordRequest(), &response);
  };
  EXPECT_TRUE(reveal(std::chrono::seconds(20)).ok());
  EXPECT_EQ(planned, 2);
  EXPECT_EQ(toy.Entries(), std::vector<std::string>{"answered"});
}

TEST(StreamTest, ConflictRepeatsTheMessageNotTheStream) {
  ToyServer toy;
  toy.On(kStream, [] { return Counting(2); });
  toy.Start();
  toy.engine().FailNext(storage::CommitOutcome::kConflict, 2);
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll(), (std::vector<std::string>{"message 0", "message 1"}));
  EXPECT_TRUE(stream.reader->Finish().ok());
  EXPECT_EQ(toy.observer().decided_again, 2);
}

TEST(StreamTest, RefusalInTheMiddleEndsItWithItsReason) {
  ToyServer toy;
  toy.On(kStream, [] {
    ToyScript script = Counting(10);
    auto calls = std::make_shared<int>(0);
    script.next = [next = script.next, calls](CallContext& context) {
      return ++*calls == 2 ? RefusePlan(Reason::kNdaRevoked, "denied") : next(context);
    };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll(), std::vector<std::string>{"message 0"});
  const grpc::Status status = stream.reader->Finish();
  EXPECT_EQ(ReasonIn(status), "NDA_REVOKED");
  EXPECT_EQ(ErrorInfoIn(status).metadata().at("index"), "1") << "the refusal's, not the closing's";
  EXPECT_EQ(toy.Entries(), (std::vector<std::string>{"message 0", "denied", "closed"}));
}

TEST(StreamTest, RefusedStreamHasNoClosingEntryWhenNothingWasSent) {
  ToyServer toy;
  toy.On(kStream, [] {
    ToyScript script = Counting(3);
    script.next = [](CallContext&) { return RefusePlan(Reason::kRoleNotGranted, "denied"); };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  EXPECT_TRUE(stream.ReadAll().empty());
  const grpc::Status status = stream.reader->Finish();
  EXPECT_EQ(ReasonIn(status), "ROLE_NOT_GRANTED");
  EXPECT_EQ(ErrorInfoIn(status).metadata().at("index"), "0");
  EXPECT_EQ(toy.Entries(), std::vector<std::string>{"denied"});
}

TEST(StreamTest, MessagesCoveredByTheOpeningEntryNeedNoneOfTheirOwn) {
  ToyServer toy;
  toy.On(kStream, [] {
    ToyScript script = Counting(3);
    auto first = std::make_shared<bool>(true);
    script.next = [next = script.next, first](CallContext& context) {
      Plan plan = next(context);
      if (!std::exchange(*first, false)) {
        plan.entry.reset();
        plan.without_entry = true;
      }
      return plan;
    };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll().size(), 3u);
  EXPECT_EQ(stream.receipts, (std::vector<int>{0, -1, -1}));
  EXPECT_TRUE(stream.reader->Finish().ok());
  EXPECT_EQ(toy.Entries(), (std::vector<std::string>{"message 0", "closed"}));
}

TEST(StreamTest, ClientThatCancelsEndsItWithTheClosingEntry) {
  ToyServer toy;
  toy.On(kStream, [] { return Counting(1 << 30); });
  toy.Start();
  Stream stream(toy);
  v1::StreamRevealRecordsResponse message;
  ASSERT_TRUE(stream.reader->Read(&message));
  stream.context.TryCancel();
  stream.ReadAll();
  EXPECT_EQ(stream.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 1);
  EXPECT_EQ(toy.Entries().back(), "closed");
  EXPECT_EQ(toy.observer().in_flight, 0);
}

// A stream with nothing to say after its first message.
ToyScript Waiting() {
  ToyScript script = Counting(1 << 30);
  auto first = std::make_shared<bool>(true);
  script.next = [next = script.next, first](CallContext& context) {
    if (std::exchange(*first, false)) return next(context);
    Plan plan;
    plan.idle = absl::Hours(1);
    return plan;
  };
  return script;
}

TEST(StreamTest, ClientThatCancelsAnIdleStreamEndsIt) {
  ToyServer toy;
  toy.On(kStream, [] { return Waiting(); });
  toy.Start();
  Stream stream(toy);
  v1::StreamRevealRecordsResponse message;
  ASSERT_TRUE(stream.reader->Read(&message));
  stream.context.TryCancel();
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 1);
  EXPECT_EQ(toy.Entries(), (std::vector<std::string>{"message 0", "closed"}));
}

TEST(StreamTest, IdleStreamIsAskedAgain) {
  ToyServer toy;
  toy.On(kStream, [] {
    ToyScript script = Counting(2);
    auto asked = std::make_shared<int>(0);
    script.next = [next = script.next, asked](CallContext& context) {
      if (++*asked % 2 == 1) return next(context);
      Plan plan;
      plan.idle = absl::Milliseconds(1);
      return plan;
    };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll().size(), 2u);
  EXPECT_TRUE(stream.reader->Finish().ok());
}

TEST(StreamTest, StreamsOfAPrincipalAreCut) {
  ToyServer toy;
  toy.On(kStream, [] { return Waiting(); });
  toy.Start();
  Stream first(toy);
  Stream second(toy);
  v1::StreamRevealRecordsResponse message;
  ASSERT_TRUE(first.reader->Read(&message));
  ASSERT_TRUE(second.reader->Read(&message));
  EXPECT_EQ(toy.server().CancelStreams([](std::string_view name) { return name == "suzuki"; }), 0);
  EXPECT_EQ(toy.server().CancelStreams([](std::string_view name) { return name == "sato"; }), 2);
  EXPECT_FALSE(first.reader->Read(&message));
  EXPECT_FALSE(second.reader->Read(&message));
  EXPECT_FALSE(first.reader->Finish().ok());
  EXPECT_FALSE(second.reader->Finish().ok());
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 2);
  EXPECT_EQ(toy.server().CancelStreams([](std::string_view) { return true; }), 0);
}

TEST(StreamTest, NoMessageIsDecidedAfterTheCut) {
  ToyServer toy;
  std::atomic<int> decided{0};
  toy.On(kStream, [&] {
    ToyScript script = Counting(1 << 30);
    script.next = [next = script.next, &decided](CallContext& context) {
      ++decided;
      return next(context);
    };
    return script;
  });
  toy.Start();
  toy.engine().Shut();
  Stream stream(toy);
  toy.engine().AwaitWaiting(1);
  EXPECT_EQ(toy.server().CancelStreams([](std::string_view) { return true; }), 1);
  toy.engine().Open();
  EXPECT_TRUE(stream.ReadAll().empty());
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 1);
  EXPECT_EQ(decided, 1);
}

TEST(StreamTest, ClientThatDoesNotReadIsCutOff) {
  ToyServer toy([](GrpcServerOptions& options) { options.client_idle = absl::Milliseconds(100); });
  toy.On(kStream, [] {
    ToyScript script = Counting(1 << 30);
    script.next = [](CallContext& context) {
      return StreamPlan(context, std::string(1 << 20, 'x'));
    };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  // Nothing is read, and a message is larger than what goes out unread.
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 1);
  stream.context.TryCancel();
}

TEST(StreamTest, CertificateThatEndsMeanwhileEndsTheStream) {
  ToyServer toy;
  toy.On(kStream, [&toy] {
    ToyScript script = Counting(5);
    script.committed = [committed = script.committed, &toy](const storage::LogPosition* position) {
      committed(position);
      toy.Advance(absl::Hours(24 * 365 * 100));
    };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll(), std::vector<std::string>{"message 0"});
  EXPECT_EQ(ReasonIn(stream.reader->Finish()), "CERTIFICATE_INVALID");
  EXPECT_EQ(toy.Entries(),
            (std::vector<std::string>{
                "message 0", absl::StrCat("refused ", kStream, " CERTIFICATE_INVALID"), "closed"}));
}

TEST(StreamTest, RootsThatChangeMeanwhileEndTheStream) {
  ToyServer toy;
  const fakes::TestAuthority other("Other CA");
  toy.On(kStream, [&] {
    ToyScript script = Counting(5);
    script.committed = [&, committed = script.committed](const storage::LogPosition* position) {
      committed(position);
      EXPECT_TRUE(toy.server().SetClientRoots({{"other", other.certificate_pem(), {"*"}}}).ok());
    };
    return script;
  });
  toy.Start();
  Stream stream(toy);
  EXPECT_EQ(stream.ReadAll(), std::vector<std::string>{"message 0"});
  EXPECT_EQ(ReasonIn(stream.reader->Finish()), "CERTIFICATE_INVALID");
}

TEST(StreamTest, StreamsLeaveRoomForOtherCalls) {
  ToyServer toy(
      [](GrpcServerOptions& options) { options.max_streams = options.max_streams_per_caller = 2; });
  toy.On(kStream, [] { return Waiting(); });
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  Stream first(toy);
  auto second = std::make_unique<Stream>(toy);
  v1::StreamRevealRecordsResponse message;
  ASSERT_TRUE(first.reader->Read(&message));
  ASSERT_TRUE(second->reader->Read(&message));
  Stream third(toy);
  EXPECT_TRUE(third.ReadAll().empty());
  EXPECT_EQ(ReasonIn(third.reader->Finish()), "QUEUE_FULL");
  grpc::ClientContext context;
  v1::RevealRecordResponse response;
  EXPECT_TRUE(toy.Stub()->RevealRecord(&context, {}, &response).ok());
  second->context.TryCancel();
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 1);
  Stream fourth(toy);
  EXPECT_TRUE(fourth.reader->Read(&message));
  first.context.TryCancel();
  fourth.context.TryCancel();
}

// However many names a recipient has its authority give it.
TEST(StreamTest, OutsidersTogetherHaveTheStreamsOfOneCaller) {
  ToyServer toy([](GrpcServerOptions& options) {
    options.max_streams = 8;
    options.max_streams_per_caller = 2;
    options.tls.client_roots.front().recipients = true;
  });
  toy.On(kStream, [] { return Waiting(); });
  toy.Start();
  v1::StreamRevealRecordsResponse message;
  std::vector<std::unique_ptr<Stream>> streams;
  for (const char* name : {"spiffe://test/carrier-1", "spiffe://test/carrier-2"}) {
    const fakes::TestCertificate certificate = toy.authority().IssueForUri(name);
    streams.push_back(std::make_unique<Stream>(toy.Channel(&certificate)));
    ASSERT_TRUE(streams.back()->reader->Read(&message)) << name;
  }
  const fakes::TestCertificate third = toy.authority().IssueForUri("spiffe://test/carrier-3");
  Stream refused(toy.Channel(&third));
  if (refused.reader->Read(&message)) refused.context.TryCancel();
  EXPECT_EQ(ReasonIn(refused.reader->Finish()), "QUEUE_FULL");
  streams.front()->context.TryCancel();
  toy.observer().AwaitFinished(kStream, Reason::kCancelled, 1);
  Stream fourth(toy.Channel(&third));
  EXPECT_TRUE(fourth.reader->Read(&message));
  streams.back()->context.TryCancel();
  fourth.context.TryCancel();
}

TEST(StreamTest, HangingCommitEndsTheStream) {
  ToyServer toy(
      [](GrpcServerOptions& options) { options.stream_commit_wait = absl::Milliseconds(100); });
  toy.On(kStream, [] { return Counting(5); });
  toy.Start();
  toy.engine().Shut();
  Stream stream(toy);
  EXPECT_TRUE(stream.ReadAll().empty());
  EXPECT_EQ(ReasonIn(stream.reader->Finish()), "LOG_UNAVAILABLE");
  toy.engine().Open();
}

TEST(StreamTest, StopEndsRunningStreams) {
  ToyServer toy;
  toy.On(kStream, [] { return Waiting(); });
  toy.Start();
  Stream stream(toy);
  v1::StreamRevealRecordsResponse message;
  ASSERT_TRUE(stream.reader->Read(&message));
  toy.server().Stop(absl::Seconds(30));
  EXPECT_FALSE(stream.reader->Read(&message));
  EXPECT_EQ(ReasonIn(stream.reader->Finish()), "SHUTTING_DOWN");
  EXPECT_EQ(toy.Entries().back(), "closed");
}

}  // namespace
}  // namespace piivault::vault
