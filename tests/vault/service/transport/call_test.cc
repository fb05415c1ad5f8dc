#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using authz::Reason;

struct Outcome {
  grpc::Status status;
  v1::RevealRecordResponse response;
};

// Longer than any call here needs, on a slow machine too.
constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::milliseconds kNoDeadline{0};

Outcome Reveal(v1::VaultService::Stub& stub, std::chrono::milliseconds deadline = kPatience) {
  Outcome outcome;
  grpc::ClientContext context;
  if (deadline != kNoDeadline) context.set_deadline(std::chrono::system_clock::now() + deadline);
  v1::RevealRecordRequest request;
  request.set_name("tenants/t/subjects/s/records/r");
  outcome.status = stub.RevealRecord(&context, request, &outcome.response);
  return outcome;
}

// Calls a method by its path with raw bytes.
grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                     const std::string& bytes, std::string* answer = nullptr) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  grpc::Slice slice(bytes);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  auto reader = stub.PrepareUnaryCall(&context, path, request, &queue);
  reader->StartCall();
  reader->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  if (status.ok() && answer != nullptr && response.Dump(&slices).ok()) {
    for (const grpc::Slice& part : slices) answer->append(part.begin(), part.end());
  }
  return status;
}

TEST(CallTest, AnswerCarriesItsReceipt) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) {
    EXPECT_EQ(RequestAs<v1::RevealRecordRequest>(context).name(), "tenants/t/subjects/s/records/r");
    EXPECT_EQ(context.caller->name, kClient);
    EXPECT_EQ(context.caller->client_root, "test");
    EXPECT_EQ(context.peer.substr(0, 15), "ipv4:127.0.0.1:");
    return RevealPlan(context, "shown");
  });
  toy.Start();
  auto stub = toy.Stub();
  for (uint64_t index = 0; index < 3; ++index) {
    const Outcome outcome = Reveal(*stub);
    ASSERT_TRUE(outcome.status.ok()) << outcome.status.error_message();
    EXPECT_EQ(outcome.response.record().type(), "shown");
    ASSERT_TRUE(outcome.response.has_receipt());
    EXPECT_EQ(outcome.response.receipt().index(), index);
    EXPECT_EQ(outcome.response.receipt().generation(), toy.engine().LogEnd().generation);
  }
  EXPECT_EQ(toy.Entries().size(), 3u);
}

TEST(CallTest, CertificateHashIsTheCallers) {
  ToyServer toy;
  std::string seen;
  toy.On(kUnary, [&](CallContext& context) {
    seen = context.caller->certificate_sha256;
    return RevealPlan(context, "x");
  });
  toy.Start();
  ASSERT_TRUE(Reveal(*toy.Stub()).status.ok());
  EXPECT_EQ(seen, toy.client().sha256);
}

TEST(CallTest, ErrorCarriesReasonFieldsAndReceipt) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext&) {
    Plan plan = RefusePlan(Reason::kNdaExpired, "denied");
    plan.denied_fields = {"reader.email", "reader.name"};
    return plan;
  });
  toy.Start();
  const Outcome outcome = Reveal(*toy.Stub());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  const google::rpc::ErrorInfo info = ErrorInfoIn(outcome.status);
  EXPECT_EQ(info.reason(), "NDA_EXPIRED");
  EXPECT_EQ(info.domain(), "piivault");
  EXPECT_EQ(info.metadata().at("fields"), "reader.email,reader.name");
  EXPECT_EQ(info.metadata().at("index"), "0");
  EXPECT_EQ(info.metadata().count("log"), 1u);
  EXPECT_EQ(info.metadata().count("generation"), 1u);
  EXPECT_FALSE(HasRetryInfo(outcome.status));
  EXPECT_EQ(toy.Entries(), std::vector<std::string>{"denied"});
}

PendingCall* NextFinished(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  return static_cast<PendingCall*>(tag);
}

TEST(CallTest, NothingLeavesBeforeTheEntryIsDurable) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) {
    if (RequestAs<v1::RevealRecordRequest>(context).name() == "shown") {
      return RevealPlan(context, "shown");
    }
    Plan plan;  // refused at once, without an entry
    plan.reason = Reason::kRateLimited;
    return plan;
  });
  toy.Start();
  toy.engine().Shut();
  auto stub = toy.Stub();
  grpc::CompletionQueue queue;
  PendingCall revealing(*stub, "shown", &queue);
  toy.engine().AwaitWaiting(1);
  // A later call overtakes it on the same connection, lane and queue: so its answer would have come
  // first, had it left.
  for (int i = 0; i < 20; ++i) {
    PendingCall refused(*stub, "refused", &queue);
    ASSERT_EQ(NextFinished(queue), &refused);
    EXPECT_EQ(ReasonIn(refused.status), "RATE_LIMITED");
  }
  EXPECT_TRUE(toy.Entries().empty());
  toy.engine().Open();
  ASSERT_EQ(NextFinished(queue), &revealing);
  EXPECT_TRUE(revealing.status.ok());
  EXPECT_TRUE(revealing.response.has_receipt());
  EXPECT_EQ(toy.Entries().size(), 1u);
}

TEST(CallTest, ConflictIsDecidedAgainForTheSameMessage) {
  ToyServer toy;
  std::vector<int> attempts;
  toy.On(kUnary, [&](CallContext& context) {
    attempts.push_back(context.attempt);
    return RevealPlan(context, "shown");
  });
  toy.Start();
  toy.engine().FailNext(storage::CommitOutcome::kConflict, 2);
  const Outcome outcome = Reveal(*toy.Stub());
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_EQ(attempts, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(toy.observer().decided_again, 2);
  EXPECT_EQ(toy.Entries().size(), 1u);
}

TEST(CallTest, ConflictWithoutEndIsAbortedWithAnEntry) {
  ToyServer toy;
  int decisions = 0;
  toy.On(kUnary, [&](CallContext& context) {
    ++decisions;
    return RevealPlan(context, "shown");
  });
  toy.Start();
  toy.engine().FailNext(storage::CommitOutcome::kConflict, kMaxAttempts);
  const Outcome outcome = Reveal(*toy.Stub());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonIn(outcome.status), "CONFLICT");
  EXPECT_TRUE(HasRetryInfo(outcome.status));
  EXPECT_EQ(ErrorInfoIn(outcome.status).metadata().at("index"), "0");
  EXPECT_EQ(decisions, kMaxAttempts);
  EXPECT_EQ(toy.Entries(),
            std::vector<std::string>{"refused " + std::string(kUnary) + " CONFLICT"});
}

TEST(CallTest, ChangedCellMakesTheDecisionAnew) {
  ToyServer toy;
  const storage::Key cell = storage::MetaKey("cell");
  int decisions = 0;
  toy.On(kUnary, [&](CallContext& context) {
    // The first decision is overtaken by a change of what it rests on.
    if (++decisions == 1) {
      auto change = std::make_unique<storage::Commit>();
      change->decided_at = context.now;
      change->as_of = context.as_of;
      change->writes = {{cell, "new"}};
      change->sink = nullptr;
      struct Ignore : storage::CommitSink {
        void Done(std::vector<std::unique_ptr<storage::Commit>>) override {}
      };
      static Ignore ignore;
      change->sink = &ignore;
      EXPECT_TRUE(toy.engine().Submit(std::move(change)).ok());
    }
    Plan plan = RevealPlan(context, "shown");
    plan.reads = {storage::CellFingerprint(cell)};
    return plan;
  });
  toy.Start();
  EXPECT_TRUE(Reveal(*toy.Stub()).status.ok());
  EXPECT_EQ(decisions, 2);
}

TEST(CallTest, AHangingWriteSaysThatItMayStillHappen) {
  // Less than the client's patience, so that the server's own answer arrives however slow it is.
  ToyServer toy(
      [](GrpcServerOptions& options) { options.longest_deadline = absl::Milliseconds(500); });
  toy.On(kUnary, [](CallContext& context) {
    Plan plan = RevealPlan(context, "stored");
    plan.writes.push_back({storage::MetaKey("row"), "value"});
    return plan;
  });
  toy.Start();
  toy.engine().Shut();
  const Outcome outcome = Reveal(*toy.Stub());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(outcome.status), "OUTCOME_UNKNOWN");
  toy.engine().Open();
}

TEST(CallTest, HangingCommitEndsBeforeTheDeadline) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  auto stub = toy.Stub();
  ASSERT_TRUE(Reveal(*stub).status.ok());
  toy.engine().Shut();
  // The margin for the answer's way back is a tenth of it.
  const Outcome outcome = Reveal(*stub, std::chrono::milliseconds(2500));
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(outcome.status), "LOG_UNAVAILABLE");
  EXPECT_TRUE(HasRetryInfo(outcome.status));
  EXPECT_FALSE(outcome.response.has_record());
  EXPECT_EQ(toy.observer().lost, 1);
  // The late commit finds nobody, and the service goes on.
  toy.engine().Open();
  EXPECT_TRUE(Reveal(*stub).status.ok());
  EXPECT_EQ(toy.Entries().size(), 3u);
}

TEST(CallTest, UnknownOutcomeIsSaid) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  toy.engine().FailNext(storage::CommitOutcome::kUnknown, 1);
  const Outcome outcome = Reveal(*toy.Stub());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(outcome.status), "OUTCOME_UNKNOWN");
  EXPECT_FALSE(outcome.response.has_record());
}

TEST(CallTest, EngineThatTakesNothingRevealsNothing) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  auto stub = toy.Stub();
  toy.engine().RefuseWith(absl::ResourceExhaustedError("full"));
  Outcome outcome = Reveal(*stub);
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(outcome.status), "QUEUE_FULL");
  EXPECT_TRUE(HasRetryInfo(outcome.status));
  toy.engine().RefuseWith(absl::UnavailableError("reopening"));
  outcome = Reveal(*stub);
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(outcome.status), "LOG_UNAVAILABLE");
  EXPECT_FALSE(outcome.response.has_record());
  toy.engine().RefuseWith(absl::OkStatus());
  EXPECT_TRUE(Reveal(*stub).status.ok());
}

TEST(CallTest, CapShedsBeforeAnythingIsRead) {
  ToyServer toy([](GrpcServerOptions& options) {
    options.max_in_flight = options.max_in_flight_per_caller = 2;
  });
  std::atomic<int> decisions{0};
  toy.On(kUnary, [&](CallContext& context) {
    ++decisions;
    return RevealPlan(context, "shown");
  });
  toy.Start();
  auto stub = toy.Stub();
  toy.engine().Shut();
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back([&] { EXPECT_TRUE(Reveal(*stub).status.ok()); });
  }
  toy.engine().AwaitWaiting(2);
  const Outcome outcome = Reveal(*stub);
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(outcome.status), "QUEUE_FULL");
  EXPECT_TRUE(HasRetryInfo(outcome.status));
  EXPECT_EQ(decisions, 2);
  EXPECT_EQ(toy.observer().shed, 1);
  toy.engine().Open();
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(toy.Entries().size(), 2u);
  // A client has its answer before the server gives the place free.
  toy.observer().AwaitFinished(kUnary, Reason::kOk, 2);
  EXPECT_TRUE(Reveal(*stub).status.ok());
  toy.observer().AwaitFinished(kUnary, Reason::kOk, 3);
  EXPECT_EQ(toy.observer().in_flight, 0);
}

TEST(CallTest, UnknownMethodIsRefusedWithAnEntryThatDoesNotRepeatIt) {
  ToyServer toy;
  toy.Start();
  for (const char* path : {"/piivault.v1.VaultService/Nonsense", "/sato.hanako/+81-90-1234-5678"}) {
    const grpc::Status status = CallRaw(toy.Channel(), path, "");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(ReasonIn(status), "UNKNOWN_METHOD");
    EXPECT_EQ(ErrorInfoIn(status).metadata().count("index"), 1u);
  }
  EXPECT_EQ(toy.Entries(), (std::vector<std::string>{"refused unknown UNKNOWN_METHOD",
                                                     "refused unknown UNKNOWN_METHOD"}));
}

TEST(CallTest, MethodWithoutHandlerIsDeniedByDefault) {
  ToyServer toy;
  toy.Start();
  const grpc::Status status = CallRaw(toy.Channel(), "/piivault.v1.AdminService/CreateTenant", "");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(toy.Entries(), std::vector<std::string>{"refused piivault.v1.AdminService/CreateTenant "
                                                    "OPERATION_NOT_GRANTED"});
}

TEST(CallTest, MalformedRequestIsRefusedWithAnEntry) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) {
    ADD_FAILURE() << "a malformed request reached the handler";
    return RevealPlan(context, "shown");
  });
  toy.Start();
  const std::string truncated("\x0a\x20short", 7);
  const std::string bad_utf8("\x0a\x02\xff\xfe", 4);  // name
  for (const std::string& bytes : {truncated, bad_utf8}) {
    const grpc::Status status = CallRaw(toy.Channel(), std::string("/") + kUnary, bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonIn(status), "MALFORMED_REQUEST");
  }
  EXPECT_EQ(toy.Entries().size(), 2u);
}

TEST(CallTest, RequestBeyondTheLimitDoesNotReachTheHandler) {
  ToyServer toy([](GrpcServerOptions& options) { options.max_request_bytes = 1000; });
  toy.On(kUnary, [](CallContext& context) {
    ADD_FAILURE() << "an oversized request reached the handler";
    return RevealPlan(context, "shown");
  });
  toy.Start();
  const grpc::Status status =
      CallRaw(toy.Channel(), std::string("/") + kUnary, std::string(2000, 'x'));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(CallTest, AnswerWithoutEntryIsNotLetOut) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) {
    Plan plan = RevealPlan(context, "shown");
    plan.entry.reset();
    return plan;
  });
  toy.Start();
  const Outcome outcome = Reveal(*toy.Stub());
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_FALSE(outcome.response.has_record());
}

TEST(CallTest, WriteWithoutEntryTakesNoEffect) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) {
    Plan plan = RevealPlan(context, "shown");
    plan.entry.reset();
    plan.without_entry = true;
    plan.writes = {{storage::MetaKey("row"), "value"}};
    return plan;
  });
  toy.Start();
  EXPECT_EQ(Reveal(*toy.Stub()).status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_FALSE(toy.engine().Get(storage::MetaKey("row")).ok());
}

TEST(CallTest, AnswerOfAnotherTypeIsNotLetOut) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return StreamPlan(context, "shown"); });
  toy.Start();
  EXPECT_EQ(Reveal(*toy.Stub()).status.error_code(), grpc::StatusCode::INTERNAL);
}

TEST(CallTest, WritesAndEntryAreOneCommit) {
  ToyServer toy;
  std::atomic<bool> applied{false};
  toy.On(kUnary, [&](CallContext& context) {
    Plan plan = RevealPlan(context, "written");
    plan.writes = {{storage::MetaKey("row"), "value"}};
    plan.applied = [&](const storage::LogPosition&) { applied = true; };
    return plan;
  });
  toy.Start();
  ASSERT_TRUE(Reveal(*toy.Stub()).status.ok());
  EXPECT_EQ(*toy.engine().Get(storage::MetaKey("row")), "value");
  EXPECT_TRUE(applied);
}

TEST(CallTest, DeadlinesAreBounded) {
  ToyServer toy;
  std::vector<absl::Duration> left;
  toy.On(kUnary, [&](CallContext& context) {
    left.push_back(context.deadline - absl::Now());
    return RevealPlan(context, "x");
  });
  toy.Start();
  auto stub = toy.Stub();
  ASSERT_TRUE(Reveal(*stub, kNoDeadline).status.ok());
  ASSERT_TRUE(Reveal(*stub, std::chrono::minutes(10)).status.ok());
  ASSERT_TRUE(Reveal(*stub, std::chrono::seconds(20)).status.ok());
  EXPECT_LE(left[0], absl::Seconds(5));
  EXPECT_GT(left[1], absl::Seconds(20));
  EXPECT_LE(left[1], absl::Seconds(30));
  EXPECT_LE(left[2], absl::Seconds(21));
}

TEST(CallTest, ManyCallsOnSeveralLanesEachGetTheirOwnAnswer) {
  ToyServer toy([](GrpcServerOptions& options) { options.lanes = 3; });
  toy.On(kUnary, [](CallContext& context) {
    return RevealPlan(context, RequestAs<v1::RevealRecordRequest>(context).name());
  });
  toy.Start();
  constexpr int kThreads = 6, kCalls = 100;
  std::vector<std::thread> clients;
  for (int t = 0; t < kThreads; ++t) {
    clients.emplace_back([&toy, t] {
      auto stub = toy.Stub();
      for (int i = 0; i < kCalls; ++i) {
        grpc::ClientContext context;
        v1::RevealRecordRequest request;
        v1::RevealRecordResponse response;
        request.set_name(std::to_string(t * kCalls + i));
        ASSERT_TRUE(stub->RevealRecord(&context, request, &response).ok());
        EXPECT_EQ(response.record().type(), request.name());
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(toy.Entries().size(), static_cast<size_t>(kThreads * kCalls));
}

TEST(CallTest, StopFinishesWhatIsCommittedAndRefusesTheRest) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  auto stub = toy.Stub();
  toy.engine().Shut();
  Outcome outcome;
  std::thread client([&] { outcome = Reveal(*stub); });
  toy.engine().AwaitWaiting(1);
  std::thread stop([&] { toy.server().Stop(absl::Seconds(20)); });
  toy.engine().Open();
  client.join();
  stop.join();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
  EXPECT_EQ(Reveal(*stub).status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST(CallTest, StopDoesNotWaitForACommitThatHangs) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  auto stub = toy.Stub();
  toy.engine().Shut();
  Outcome outcome;
  std::thread client([&] { outcome = Reveal(*stub); });
  toy.engine().AwaitWaiting(1);
  toy.server().Stop(absl::Milliseconds(100));
  client.join();
  EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(outcome.response.has_record());
  toy.engine().Open();  // the engine gives the commit back to a lane that is gone
}

TEST(CallTest, CompressedRequestIsRefused) {
  ToyServer toy;
  toy.On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy.Start();
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::RevealRecordRequest request;
  v1::RevealRecordResponse response;
  request.set_name(std::string(100000, 'x'));
  EXPECT_EQ(toy.Stub()->RevealRecord(&context, request, &response).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_TRUE(toy.Entries().empty());
}

TEST(CallTest, ReflectionIsOffUnlessAskedFor) {
  const std::string path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  ToyServer toy;
  toy.Start();
  const grpc::Status status = CallRaw(toy.Channel(), path, "");
  EXPECT_EQ(ReasonIn(status), "UNKNOWN_METHOD");
}

// In a process of its own: the library, once loaded, is in every server.
TEST(ReflectionDeathTest, IsServedWhereAskedFor) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto reflect = [] {
    ToyServer toy([](GrpcServerOptions& options) { options.reflection = true; });
    toy.Start();
    const grpc::Status status = CallRaw(
        toy.Channel(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "");
    std::_Exit(status.error_code() == grpc::StatusCode::UNIMPLEMENTED ? 1 : 0);
  };
  EXPECT_EXIT(reflect(), testing::ExitedWithCode(0), "");
}

TEST(CallTest, HealthSaysWhatItWasTold) {
  ToyServer toy;
  toy.Start();
  std::string answer;
  ASSERT_TRUE(CallRaw(toy.Channel(), "/grpc.health.v1.Health/Check", "", &answer).ok());
  EXPECT_EQ(answer, "\x08\x02");  // NOT_SERVING
  toy.server().SetServing(true);
  answer.clear();
  ASSERT_TRUE(CallRaw(toy.Channel(), "/grpc.health.v1.Health/Check", "", &answer).ok());
  EXPECT_EQ(answer, "\x08\x01");
  // By the name of a service, of one that is not there, and not by a message.
  const std::string name = "piivault.v1.VaultService";
  answer.clear();
  ASSERT_TRUE(CallRaw(toy.Channel(), "/grpc.health.v1.Health/Check",
                      "\x0a" + std::string(1, static_cast<char>(name.size())) + name, &answer)
                  .ok());
  EXPECT_EQ(answer, "\x08\x01");
  EXPECT_EQ(CallRaw(toy.Channel(), "/grpc.health.v1.Health/Check", "\x0a\x01x").error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(CallRaw(toy.Channel(), "/grpc.health.v1.Health/Check", "\x0a\x05x").error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  // Nor by a large one, which is not read: its field would be one that nobody asks about.
  const std::string large = "\x12\x80\x10" + std::string(2048, 'x');
  EXPECT_EQ(CallRaw(toy.Channel(), "/grpc.health.v1.Health/Check", large).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(toy.Entries().empty());
}

}  // namespace
}  // namespace piivault::vault
