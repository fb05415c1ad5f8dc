// A caller with a certificate who floods the vault with calls that are refused.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "piivault/storage/v1/entry.pb.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using authz::Reason;
using storage::v1::EntryBody;

constexpr char kRefused[] = "ROLE_NOT_GRANTED";

// Counts up, and waits for a count. Thread-safe.
class Counter {
 public:
  void Add() {
    absl::MutexLock lock(&mu_);
    ++count_;
  }
  void Await(int count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ >= count; };
    mu_.Await(absl::Condition(&enough));
  }

 private:
  absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

Plan Denied(CallContext& context, const std::string& principal, const std::string& reason,
            const std::string& purpose) {
  context.principal = principal;
  EntryBody body;
  body.set_time_micros(absl::ToUnixMicros(context.now));
  body.set_principal("principals/" + principal);
  body.set_certificate_sha256(context.caller->certificate_sha256);
  body.set_method(context.method.name);
  body.set_purpose(purpose);
  body.set_reason(reason);
  body.set_decision(storage::v1::DECISION_DENIED);
  Plan plan = RefusePlan(*authz::FindReason(reason), "");
  plan.entry->body = body.SerializeAsString();
  return plan;
}

Plan Granted(Plan plan) {
  EntryBody body;
  body.set_decision(storage::v1::DECISION_GRANTED);
  plan.entry->body = body.SerializeAsString();
  return plan;
}

// A server whose calls say in their name what becomes of them:
//   PRINCIPAL REASON PURPOSE   refused
//   granted                    answered
//   bare                       refused without an entry
//   read                       refused, with a cell that was read
class DenialsTest : public testing::Test {
 protected:
  void Start(std::function<void(GrpcServerOptions&)> adjust) {
    toy_ = std::make_unique<ToyServer>([&](GrpcServerOptions& options) {
      options.default_deadline = options.longest_deadline = absl::Minutes(1);
      options.denials.per_second = 0;
      adjust(options);
    });
    toy_->On(kUnary, [this](CallContext& context) { return Decide(context); });
    toy_->On(kStream, [this] { return DecideStream(); });
    toy_->Start();
    stub_ = toy_->Stub();
  }
  void Start(int burst, absl::Duration hold) {
    Start([&](GrpcServerOptions& options) {
      options.denials.burst = burst;
      options.denials.hold = hold;
    });
  }
  void TearDown() override {
    for (auto& call : calls_) call->context.TryCancel();
    if (toy_ != nullptr) toy_->server().Stop(absl::ZeroDuration());
    queue_.Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_.Next(&tag, &ok);) {
    }
  }

  Plan Decide(CallContext& context) {
    decided_.Add();
    const std::string& name = RequestAs<v1::RevealRecordRequest>(context).name();
    if (name == "granted") return Granted(RevealPlan(context, name));
    if (name == "bare") {
      Plan plan;
      plan.reason = Reason::kRateLimited;
      return plan;
    }
    if (name == "read") {
      Plan plan = Denied(context, "sato", kRefused, "order");
      plan.reads = {1};
      return plan;
    }
    const std::vector<std::string> words = absl::StrSplit(name, ' ');
    return Denied(context, words.at(0), words.at(1), words.at(2));
  }

  // Refused, or with the parent "later" after one message.
  ToyScript DecideStream() {
    auto sent = std::make_shared<bool>(false);
    ToyScript script;
    script.next = [this, sent](CallContext& context) {
      decided_.Add();
      if (!*sent && RequestAs<v1::StreamRevealRecordsRequest>(context).parent() == "later") {
        return Granted(StreamPlan(context, "message"));
      }
      return Denied(context, "sato", kRefused, "order");
    };
    script.committed = [sent](const storage::LogPosition*) { *sent = true; };
    script.has_more = [] { return true; };
    return script;
  }

  void Send(const std::string& name, int calls = 1) { Send(*stub_, name, calls); }
  void Send(v1::VaultService::Stub& stub, const std::string& name, int calls = 1) {
    for (int i = 0; i < calls; ++i) {
      calls_.push_back(std::make_unique<PendingCall>(stub, name, &queue_));
    }
  }
  // The next call that ends.
  PendingCall& Next() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
    ++ended_;
    return *static_cast<PendingCall*>(tag);
  }
  void AwaitAll() {
    while (ended_ < calls_.size()) Next();
  }
  // Ends the server in order, which lets go what is held.
  void Stop() { toy_->server().Stop(absl::Seconds(30)); }

  std::vector<EntryBody> Entries() {
    std::vector<EntryBody> entries;
    for (const std::string& body : toy_->Entries()) {
      EXPECT_TRUE(entries.emplace_back().ParseFromString(body));
    }
    return entries;
  }
  // How many calls name each entry as theirs.
  std::map<int64_t, uint64_t> Receipts() {
    std::map<int64_t, uint64_t> calls;
    for (const auto& call : calls_) ++calls[call->index()];
    return calls;
  }

  Counter decided_;
  std::unique_ptr<ToyServer> toy_;
  std::unique_ptr<v1::VaultService::Stub> stub_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<PendingCall>> calls_;
  size_t ended_ = 0;
};

TEST_F(DenialsTest, AFloodSharesEntriesThatCountIt) {
  constexpr int kBurst = 8, kMore = 50;
  Start(kBurst, absl::InfiniteDuration());
  Send("sato ROLE_NOT_GRANTED order", kBurst + kMore);
  // What was decided is held by the time the lane does anything else.
  decided_.Await(kBurst + kMore);
  Stop();
  AwaitAll();
  for (const auto& call : calls_) {
    EXPECT_EQ(call->status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
    EXPECT_EQ(ReasonIn(call->status), kRefused);
  }
  const std::vector<EntryBody> entries = Entries();
  ASSERT_EQ(entries.size(), kBurst + 1u);
  for (int i = 0; i < kBurst; ++i) EXPECT_EQ(entries[static_cast<size_t>(i)].count(), 0u);
  const EntryBody& shared = entries.back();
  EXPECT_EQ(shared.count(), static_cast<uint64_t>(kMore));
  EXPECT_EQ(shared.principal(), "principals/sato");
  EXPECT_EQ(shared.method(), kUnary);
  EXPECT_EQ(shared.reason(), kRefused);
  EXPECT_EQ(shared.purpose(), "order");
  EXPECT_EQ(shared.certificate_sha256(), toy_->client().sha256);
  std::map<int64_t, uint64_t> receipts = Receipts();
  EXPECT_EQ(receipts[kBurst], static_cast<uint64_t>(kMore)) << "the receipt is the shared entry's";
  receipts.erase(kBurst);
  EXPECT_EQ(receipts.size(), static_cast<size_t>(kBurst));
  toy_->observer().AwaitFinished(kUnary, Reason::kRoleNotGranted, kBurst + kMore);
}

TEST_F(DenialsTest, NothingLeavesBeforeTheSharedEntryIsDurable) {
  Start(0, absl::Milliseconds(100));
  toy_->engine().Shut();
  Send("sato ROLE_NOT_GRANTED order", 3);
  decided_.Await(3);
  toy_->engine().AwaitWaiting(1);
  // Later calls overtake them on the same connection, lane and queue.
  for (int i = 0; i < 20; ++i) {
    Send("bare");
    ASSERT_EQ(&Next(), calls_.back().get());
  }
  EXPECT_TRUE(toy_->Entries().empty());
  toy_->engine().Open();
  AwaitAll();
  std::map<int64_t, uint64_t> receipts = Receipts();
  EXPECT_EQ(receipts[-1], 20u);
  receipts.erase(-1);
  const std::vector<EntryBody> entries = Entries();
  uint64_t sum = 0;
  for (const auto& [index, calls] : receipts) {
    EXPECT_EQ(entries.at(static_cast<size_t>(index)).count(), calls);
    sum += calls;
  }
  EXPECT_EQ(sum, 3u);
}

TEST_F(DenialsTest, HeldCallsAreAnsweredWithoutFurtherCalls) {
  Start(1, absl::Milliseconds(200));
  Send("sato ROLE_NOT_GRANTED order", 10);
  AwaitAll();
  const std::vector<EntryBody> entries = Entries();
  EXPECT_LT(entries.size(), 11u);
  uint64_t sum = 0;
  for (const EntryBody& entry : entries) sum += std::max<uint64_t>(entry.count(), 1);
  EXPECT_EQ(sum, 10u);
}

TEST_F(DenialsTest, GrantsAndRefusalsThatRestOnReadsAreNeverHeld) {
  Start(0, absl::InfiniteDuration());
  Send("granted", 20);
  Send("read", 20);
  AwaitAll();
  EXPECT_EQ(toy_->Entries().size(), 40u);
  EXPECT_EQ(Receipts().count(-1), 1u) << "only those of answers, which are no errors";
}

TEST_F(DenialsTest, CallersAndReasonsDoNotMix) {
  Start(0, absl::InfiniteDuration());
  Send("sato ROLE_NOT_GRANTED order", 2);
  Send("suzuki ROLE_NOT_GRANTED order", 3);
  Send("sato NDA_EXPIRED order", 4);
  Send("sato ROLE_NOT_GRANTED support", 5);
  decided_.Await(14);
  Stop();
  AwaitAll();
  std::map<std::string, uint64_t> counts;
  for (const EntryBody& entry : Entries()) {
    counts[entry.principal() + " " + entry.reason() + " " + entry.purpose()] = entry.count();
  }
  EXPECT_EQ(counts, (std::map<std::string, uint64_t>{
                        {"principals/sato ROLE_NOT_GRANTED ", 7},  // for one purpose or the other
                        {"principals/suzuki ROLE_NOT_GRANTED order", 3},
                        {"principals/sato NDA_EXPIRED order", 4}}));
}

TEST_F(DenialsTest, TheOpeningOfAStreamIsHeldToo) {
  Start(0, absl::InfiniteDuration());
  grpc::ClientContext context;
  auto reader = stub_->StreamRevealRecords(&context, v1::StreamRevealRecordsRequest());
  decided_.Await(1);
  EXPECT_TRUE(toy_->Entries().empty());
  Stop();
  v1::StreamRevealRecordsResponse message;
  EXPECT_FALSE(reader->Read(&message));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(ReasonIn(status), kRefused);
  EXPECT_EQ(ErrorInfoIn(status).metadata().at("index"), "0");
  ASSERT_EQ(Entries().size(), 1u);
  EXPECT_EQ(Entries()[0].count(), 1u);
}

TEST_F(DenialsTest, ARefusalWithinAStreamHasItsOwnEntry) {
  Start(0, absl::InfiniteDuration());
  grpc::ClientContext context;
  v1::StreamRevealRecordsRequest request;
  request.set_parent("later");
  auto reader = stub_->StreamRevealRecords(&context, request);
  v1::StreamRevealRecordsResponse message;
  EXPECT_TRUE(reader->Read(&message));
  EXPECT_FALSE(reader->Read(&message));
  EXPECT_EQ(ReasonIn(reader->Finish()), kRefused);
  ASSERT_EQ(Entries().size(), 2u);
  EXPECT_EQ(Entries()[1].count(), 0u);
}

TEST_F(DenialsTest, HeldCallsFailWhereTheEntryCannotBeWrittenAndAreCounted) {
  Start(0, absl::Milliseconds(50));
  toy_->engine().RefuseWith(absl::UnavailableError("reopening"));
  Send("sato ROLE_NOT_GRANTED order", 5);
  AwaitAll();
  for (const auto& call : calls_) EXPECT_EQ(ReasonIn(call->status), "LOG_UNAVAILABLE");
  EXPECT_EQ(Receipts(), (std::map<int64_t, uint64_t>{{-1, 5}}));
  toy_->engine().Shut();
  toy_->engine().RefuseWith(absl::OkStatus());
  toy_->engine().AwaitWaiting(1);
  toy_->engine().Open();
  const std::vector<EntryBody> entries = Entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].count(), 5u);
  EXPECT_EQ(entries[0].reason(), "LOG_UNAVAILABLE");
  EXPECT_EQ(entries[0].decision(), storage::v1::DECISION_FAILED);
  EXPECT_EQ(entries[0].principal(), "");
  EXPECT_EQ(entries[0].method(), "");
  EXPECT_EQ(entries[0].peer(), "");
  EXPECT_EQ(entries[0].time_micros(), absl::ToUnixMicros(toy_->now()));
}

TEST_F(DenialsTest, AHeldCallWhoseOutcomeIsUnknownIsToldSo) {
  Start(0, absl::Milliseconds(50));
  toy_->engine().FailNext(storage::CommitOutcome::kUnknown, 1);
  Send("sato ROLE_NOT_GRANTED order");
  AwaitAll();
  EXPECT_EQ(ReasonIn(calls_[0]->status), "OUTCOME_UNKNOWN");
}

TEST_F(DenialsTest, HeldCallsEndBeforeTheirDeadlineWhereTheCommitHangs) {
  Start([](GrpcServerOptions& options) {
    options.denials.burst = 0;
    options.default_deadline = options.longest_deadline = absl::Milliseconds(500);
  });
  toy_->engine().Shut();
  Send("sato ROLE_NOT_GRANTED order", 3);
  AwaitAll();  // long before the client's own patience ends
  for (const auto& call : calls_) EXPECT_EQ(ReasonIn(call->status), "LOG_UNAVAILABLE");
  toy_->engine().AwaitWaiting(1);
  toy_->engine().Open();
  Stop();
  uint64_t sum = 0;
  for (const EntryBody& entry : Entries()) {
    EXPECT_EQ(entry.reason(), kRefused) << "it came through after all, and nothing beside it";
    sum += entry.count();
  }
  EXPECT_EQ(sum, 3u);
}

TEST_F(DenialsTest, ACallThatWasGivenUpIsCountedOnceItsCommitIsLost) {
  for (const char* call : {"granted", "sato ROLE_NOT_GRANTED order"}) {
    SCOPED_TRACE(call);
    Start([](GrpcServerOptions& options) {
      options.denials.burst = 0;
      options.denials.hold = absl::Milliseconds(50);
      options.default_deadline = options.longest_deadline = absl::Milliseconds(500);
    });
    GatedEngine& engine = toy_->engine();
    engine.Shut();
    Send(call);
    EXPECT_EQ(ReasonIn(Next().status), "LOG_UNAVAILABLE");
    engine.AwaitWaiting(1);
    engine.FailNext(storage::CommitOutcome::kUnknown, 1);
    engine.LetThrough();
    engine.AwaitWaiting(1);
    engine.Open();
    ASSERT_EQ(Entries().size(), 1u);
    EXPECT_EQ(Entries()[0].reason(), "LOG_UNAVAILABLE");
    EXPECT_EQ(Entries()[0].count(), 1u);
    Stop();
  }
}

TEST_F(DenialsTest, ADeadlineIsReasonToWriteEarlier) {
  Start([](GrpcServerOptions& options) {
    options.denials.burst = 0;
    options.default_deadline = options.longest_deadline = absl::Seconds(4);
  });
  Send("sato ROLE_NOT_GRANTED order", 3);
  AwaitAll();  // the hold has no end by itself
  for (const auto& call : calls_) EXPECT_EQ(ReasonIn(call->status), kRefused);
}

TEST_F(DenialsTest, OneCallerCannotTakeEveryPlace) {
  Start([](GrpcServerOptions& options) {
    options.max_in_flight = 4;
    options.denials.hold = absl::Milliseconds(50);
  });
  // Another certificate of the same name is the same caller.
  const fakes::TestCertificate renewed = toy_->authority().IssueForUri(kClient);
  const fakes::TestCertificate other = toy_->authority().IssueForUri("spiffe://test/other");
  auto renewed_stub = v1::VaultService::NewStub(toy_->Channel(&renewed));
  auto other_stub = v1::VaultService::NewStub(toy_->Channel(&other));
  toy_->engine().Shut();
  Send("granted");
  Send(*renewed_stub, "granted");
  toy_->engine().AwaitWaiting(2);
  for (v1::VaultService::Stub* stub : {stub_.get(), renewed_stub.get()}) {
    Send(*stub, "granted");
    PendingCall& shed = Next();
    EXPECT_EQ(&shed, calls_.back().get());
    EXPECT_EQ(shed.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonIn(shed.status), "QUEUE_FULL");
    EXPECT_TRUE(HasRetryInfo(shed.status));
  }
  EXPECT_EQ(toy_->observer().shed, 2);
  Send(*other_stub, "granted");
  // The third is what counts the shed ones, or the other caller's; the fourth is the rest.
  toy_->engine().AwaitWaiting(4);
  toy_->engine().Open();
  AwaitAll();
  int served = 0;
  for (const auto& call : calls_) served += call->status.ok() ? 1 : 0;
  EXPECT_EQ(served, 3);
  uint64_t counted = 0;
  for (const EntryBody& body : Entries()) {
    if (body.decision() == storage::v1::DECISION_GRANTED) continue;
    EXPECT_EQ(body.reason(), "QUEUE_FULL");
    EXPECT_EQ(body.principal(), "");
    counted += body.count();
  }
  EXPECT_GE(counted, 1u);
  Stop();
}

TEST_F(DenialsTest, APlaceIsFreeAgainWhenItsCallEnds) {
  Start([](GrpcServerOptions& options) {
    options.max_in_flight_per_caller = 1;
    options.max_streams_per_caller = 1;
    options.denials.burst = 1000;
  });
  for (int i = 1; i <= 20; ++i) {
    Send("granted");
    EXPECT_TRUE(Next().status.ok());
    toy_->observer().AwaitFinished(kUnary, Reason::kOk, i);
    grpc::ClientContext context;
    auto reader = stub_->StreamRevealRecords(&context, v1::StreamRevealRecordsRequest());
    EXPECT_EQ(ReasonIn(reader->Finish()), kRefused);
    toy_->observer().AwaitFinished(kStream, Reason::kRoleNotGranted, i);
  }
}

TEST_F(DenialsTest, HeldCallsTakeTheirCallersPlaces) {
  Start([](GrpcServerOptions& options) {
    options.max_in_flight = 8;
    options.denials.burst = 0;
  });
  Send("sato ROLE_NOT_GRANTED order", 4);
  decided_.Await(4);
  Send("sato ROLE_NOT_GRANTED order");
  EXPECT_EQ(ReasonIn(Next().status), "QUEUE_FULL");
  Stop();
  AwaitAll();
}

TEST_F(DenialsTest, ShedCallsAreCountedInOneEntry) {
  Start([](GrpcServerOptions& options) {
    options.max_in_flight = options.max_in_flight_per_caller = 1;
    options.denials.burst = 0;
  });
  Send("sato ROLE_NOT_GRANTED order");
  decided_.Await(1);
  Send("sato ROLE_NOT_GRANTED order", 30);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(ReasonIn(Next().status), "QUEUE_FULL");
  Stop();
  AwaitAll();
  std::map<std::string, uint64_t> counts;
  for (const EntryBody& entry : Entries()) counts[entry.reason()] += entry.count();
  EXPECT_EQ(counts, (std::map<std::string, uint64_t>{{"QUEUE_FULL", 30}, {kRefused, 1}}));
  EXPECT_EQ(Entries().size(), 2u);
}

TEST_F(DenialsTest, CountsOutliveAnEngineThatFails) {
  Start(0, absl::Milliseconds(30));
  GatedEngine& engine = toy_->engine();
  engine.RefuseWith(absl::ResourceExhaustedError("full"));
  Send("granted", 7);
  AwaitAll();
  engine.AwaitRefused(7 + 2);  // the count itself has met the same engine
  engine.Shut();
  engine.RefuseWith(absl::OkStatus());
  engine.AwaitWaiting(1);
  engine.FailNext(storage::CommitOutcome::kUnknown, 1);
  engine.LetThrough();
  engine.AwaitWaiting(1);
  EXPECT_TRUE(toy_->Entries().empty());
  engine.Open();
  ASSERT_EQ(Entries().size(), 1u);
  EXPECT_EQ(Entries()[0].reason(), "QUEUE_FULL");
  EXPECT_EQ(Entries()[0].count(), 7u);
  EXPECT_EQ(Entries()[0].certificate_sha256(), toy_->client().sha256) << "all were of one caller";
}

TEST_F(DenialsTest, WhatEndsWithoutAnEntryIsCounted) {
  Start(0, absl::InfiniteDuration());
  Send("bare", 3);
  AwaitAll();
  Stop();
  ASSERT_EQ(Entries().size(), 1u);
  EXPECT_EQ(Entries()[0].reason(), "RATE_LIMITED");
  EXPECT_EQ(Entries()[0].count(), 3u);
}

TEST_F(DenialsTest, NoRequestOfOneWhoMayNotCallIsParsed) {
  toy_ = std::make_unique<ToyServer>();
  toy_->refuser().screen = [](const CallContext& context) {
    EXPECT_EQ(context.request, nullptr);
    EXPECT_EQ(context.caller->name, kClient);
    return Reason::kPrincipalUnknown;
  };
  toy_->On(kUnary, [](CallContext& context) { return RevealPlan(context, "shown"); });
  toy_->Start();
  stub_ = toy_->Stub();
  for (size_t size : {100, 100'000}) {
    Send(std::string(size, 'x'));
    EXPECT_EQ(ReasonIn(Next().status), "PRINCIPAL_UNKNOWN");
  }
  EXPECT_EQ(toy_->Entries().back(), "refused " + std::string(kUnary) + " PRINCIPAL_UNKNOWN");
}

}  // namespace
}  // namespace piivault::vault
