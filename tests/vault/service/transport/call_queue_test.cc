#include "vault/service/call_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

constexpr absl::Duration kWait = absl::Milliseconds(50);
constexpr absl::Duration kPatience = absl::Milliseconds(200);
constexpr CallQueue::Limits kLimits = {kWait, kPatience};
const absl::Time kStart = absl::UnixEpoch();

CallQueue::Turn Pop(CallQueue& queue, absl::Time now) {
  return *queue.Pop(now, [](uint64_t) { return true; });
}

// What comes out, as "3" for a turn and "-3" for a call that is shed.
std::vector<std::string> Drain(CallQueue& queue, absl::Time now) {
  std::vector<std::string> turns;
  while (!queue.empty()) {
    const CallQueue::Turn turn = Pop(queue, now);
    turns.push_back((turn.shed ? "-" : "") + std::to_string(turn.call));
  }
  return turns;
}

void PushMany(CallQueue& queue, const int* caller, uint64_t first, size_t count, absl::Time now) {
  for (size_t i = 0; i < count; ++i) queue.Push(caller, first + i, true, now);
}

TEST(CallQueueTest, TurnsGoRoundTheCallers) {
  CallQueue queue(kLimits);
  const int many = 0, few = 0, one = 0;
  PushMany(queue, &many, 1, 4, kStart);
  PushMany(queue, &few, 11, 2, kStart);
  PushMany(queue, &one, 21, 1, kStart);
  EXPECT_EQ(Drain(queue, kStart), (std::vector<std::string>{"1", "11", "21", "2", "12", "3", "4"}));
}

TEST(CallQueueTest, ACallerThatComesBackGoesToTheEnd) {
  CallQueue queue(kLimits);
  const int many = 0, one = 0;
  PushMany(queue, &many, 1, 3, kStart);
  PushMany(queue, &one, 11, 1, kStart);
  EXPECT_EQ(Pop(queue, kStart).call, 1u);
  EXPECT_EQ(Pop(queue, kStart).call, 11u);
  PushMany(queue, &one, 12, 1, kStart);
  EXPECT_EQ(Drain(queue, kStart), (std::vector<std::string>{"2", "12", "3"}));
}

TEST(CallQueueTest, FewMayWaitForAsLongAsTheyLike) {
  CallQueue queue(kLimits);
  const int caller = 0;
  PushMany(queue, &caller, 1, CallQueue::kAlwaysWait, kStart);
  for (const std::string& turn : Drain(queue, kStart + absl::Hours(1))) {
    EXPECT_NE(turn.front(), '-') << turn;
  }
}

TEST(CallQueueTest, OfManyThoseThatWaitTooLongAreShedOnceThatLasts) {
  CallQueue queue(kLimits);
  const int caller = 0;
  PushMany(queue, &caller, 1, 100, kStart);
  // To the microsecond.
  const absl::Time late = kStart + kWait + absl::Microseconds(1);
  const absl::Time lasting = late + kPatience;
  EXPECT_FALSE(Pop(queue, kStart + kWait).shed);
  EXPECT_FALSE(Pop(queue, late).shed);
  EXPECT_FALSE(Pop(queue, lasting - absl::Microseconds(1)).shed);
  const std::vector<std::string> turns = Drain(queue, lasting);
  const auto served = std::find(turns.begin(), turns.end(), "85");
  EXPECT_EQ(turns.end() - served, CallQueue::kAlwaysWait);
  for (auto turn = turns.begin(); turn != turns.end(); ++turn) {
    EXPECT_EQ(turn->front() == '-', turn < served) << *turn;
  }
}

TEST(CallQueueTest, PatienceBeginsAnewWhenACallHasNotWaitedTooLong) {
  CallQueue queue(kLimits);
  const int caller = 0;
  const absl::Time late = kStart + kWait + absl::Microseconds(1);
  PushMany(queue, &caller, 1, 20, kStart);
  EXPECT_FALSE(Pop(queue, late).shed);
  Drain(queue, late);
  PushMany(queue, &caller, 101, 40, late);
  EXPECT_FALSE(Pop(queue, late).shed);
  const absl::Time later = late + kPatience;
  EXPECT_FALSE(Pop(queue, later).shed);
  EXPECT_TRUE(Pop(queue, later + kPatience).shed);
}

TEST(CallQueueTest, OneCallersFloodShedsNobodyElseAndHoldsNobodyUp) {
  CallQueue queue(kLimits);
  const int flood = 0, other = 0;
  PushMany(queue, &flood, 1, 2000, kStart);
  EXPECT_EQ(Pop(queue, kStart + absl::Seconds(1)).call, 1u);
  PushMany(queue, &other, 5001, 2, kStart);
  // What is shed takes a turn as what is served does.
  const std::vector<std::string> turns = Drain(queue, kStart + absl::Seconds(2));
  const std::vector<std::string> first(turns.begin(), turns.begin() + 5);
  EXPECT_EQ(first, (std::vector<std::string>{"-2", "5001", "-3", "5002", "-4"}));
}

TEST(CallQueueTest, WhatWasGivenUpIsDroppedAndTakesNoTurn) {
  CallQueue queue(kLimits);
  const int flood = 0, other = 0;
  PushMany(queue, &flood, 1, 2000, kStart);
  PushMany(queue, &other, 5001, 2, kStart);
  const auto waits = [](uint64_t call) { return call == 1999 || call > 5000; };
  std::vector<uint64_t> served;
  while (const auto turn = queue.Pop(kStart, waits)) served.push_back(turn->call);
  EXPECT_EQ(served, (std::vector<uint64_t>{1999, 5001, 5002}));
  EXPECT_TRUE(queue.empty());
}

TEST(CallQueueTest, WhatHasBegunIsNeverShed) {
  CallQueue queue(kLimits);
  const int caller = 0;
  PushMany(queue, &caller, 1, 1, kStart);
  queue.Push(&caller, 2, false, kStart);
  PushMany(queue, &caller, 3, 20, kStart);
  EXPECT_FALSE(Pop(queue, kStart + absl::Seconds(1)).shed);
  const CallQueue::Turn turn = Pop(queue, kStart + absl::Seconds(2));
  EXPECT_EQ(turn.call, 2u);
  EXPECT_FALSE(turn.shed);
  EXPECT_TRUE(Pop(queue, kStart + absl::Seconds(2)).shed);
}

TEST(CallQueueTest, ManyCallersComeAndGo) {
  CallQueue queue(kLimits);
  const std::vector<int> callers(1000);
  for (int round = 0; round < 3; ++round) {
    for (const int& caller : callers) queue.Push(&caller, 1, true, kStart);
    EXPECT_EQ(Drain(queue, kStart).size(), callers.size());
  }
}

// ---- on a lane --------------------------------------------------------------------------------

// Yields until `done`, which others bring about; gives up where they never do.
bool YieldUntil(CallContext& context, const std::function<bool()>& done) {
  for (int64_t i = 0; i < 1'000'000'000; ++i) {
    if (done()) return true;
    context.yielder->Yield();
  }
  return false;
}

// Whatever the machine has to do meanwhile.
void YieldForEver(GrpcServerOptions& options) { options.yields_for = absl::InfiniteDuration(); }

TEST(LaneTest, ShortCallsRunWhileALargeOneWorks) {
  absl::Notification working;
  std::atomic<int> answered{0};
  std::atomic<bool> in_between{false};
  ToyServer toy(&YieldForEver);
  toy.On(kStream, [&](CallContext& context) {
    working.Notify();
    in_between = YieldUntil(context, [&] { return answered == 3; });
    return StreamPlan(context, "large");
  });
  toy.On(kUnary, [&](CallContext& context) {
    // Those that run within another call run to their end.
    const int before = answered;
    context.yielder->Yield();
    EXPECT_EQ(answered, before);
    return RevealPlan(context, "short");
  });
  toy.Start();
  const auto stub = toy.Stub();
  grpc::ClientContext context;
  const auto stream = stub->StreamRevealRecords(&context, {});
  working.WaitForNotification();
  // Whole calls, with their commits and answers.
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext one;
    v1::RevealRecordResponse response;
    EXPECT_TRUE(stub->RevealRecord(&one, {}, &response).ok());
    ++answered;
  }
  v1::StreamRevealRecordsResponse message;
  EXPECT_TRUE(stream->Read(&message));
  EXPECT_TRUE(in_between);
  EXPECT_FALSE(stream->Read(&message));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(LaneTest, LargeCallsWaitForEachOtherAndAreShedWhereTheyAreMany) {
  constexpr int kCalls = 40;
  absl::Notification working;
  int running = 0;
  ToyServer toy([](GrpcServerOptions& options) {
    YieldForEver(options);
    options.waiting = {absl::ZeroDuration(), absl::ZeroDuration()};
  });
  toy.On(kStream, [&](CallContext& context) {
    working.Notify();
    EXPECT_TRUE(YieldUntil(context, [&] { return toy.observer().in_flight == kCalls + 1; }));
    EXPECT_EQ(running, 0);
    return StreamPlan(context, "first");
  });
  toy.On(kUnary, [&](CallContext& context) {
    ++running;
    return RevealPlan(context, "large");
  });
  toy.Start();
  const auto stub = toy.Stub();
  grpc::ClientContext context;
  const auto stream = stub->StreamRevealRecords(&context, {});
  working.WaitForNotification();
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<PendingCall>> calls;
  const std::string name(3000, 'x');
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(std::make_unique<PendingCall>(*stub, name, &queue));
  }
  std::map<std::string, int> reasons;
  for (int i = 0; i < kCalls; ++i) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    ++reasons[ReasonIn(static_cast<PendingCall*>(tag)->status)];
  }
  const int served = static_cast<int>(CallQueue::kAlwaysWait);
  EXPECT_EQ(reasons, (std::map<std::string, int>{{"", served}, {"QUEUE_FULL", kCalls - served}}));
  EXPECT_EQ(toy.observer().shed, kCalls - served);
  v1::StreamRevealRecordsResponse message;
  EXPECT_TRUE(stream->Read(&message));
  context.TryCancel();
  stream->Finish();
  queue.Shutdown();
}

TEST(LaneTest, OneCallersRequestsMayNotFillTheMemory) {
  absl::Notification working;
  ToyServer toy([](GrpcServerOptions& options) {
    YieldForEver(options);
    options.max_waiting_bytes = 4 * 5000;  // a quarter for one caller
  });
  toy.On(kStream, [&](CallContext& context) {
    working.Notify();
    EXPECT_TRUE(YieldUntil(context, [&] { return toy.observer().shed == 1; }));
    return StreamPlan(context, "first");
  });
  toy.On(kUnary, [&](CallContext& context) { return RevealPlan(context, "large"); });
  toy.Start();
  const auto stub = toy.Stub();
  grpc::ClientContext context;
  const auto stream = stub->StreamRevealRecords(&context, {});
  working.WaitForNotification();
  const std::string name(3000, 'x');
  grpc::CompletionQueue queue;
  PendingCall waits(*stub, name, &queue);
  PendingCall too_much(*stub, name, &queue);
  std::vector<std::string> reasons;
  const auto next = [&] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    reasons.push_back(ReasonIn(static_cast<PendingCall*>(tag)->status));
  };
  next();
  next();
  EXPECT_EQ(reasons, (std::vector<std::string>{"QUEUE_FULL", ""}));
  // What was begun or refused takes no room any more.
  PendingCall later(*stub, name, &queue);
  next();
  EXPECT_EQ(reasons.back(), "");
  context.TryCancel();
  stream->Finish();
  queue.Shutdown();
}

TEST(LaneTest, AQueuedCallIsGivenUpBeforeItsDeadline) {
  absl::Notification working;
  ToyServer toy(&YieldForEver);
  toy.On(kStream, [&](CallContext& context) {
    working.Notify();
    EXPECT_TRUE(YieldUntil(context, [&] { return toy.observer().shed == 1; }));
    return StreamPlan(context, "first");
  });
  toy.On(kUnary, [&](CallContext& context) { return RevealPlan(context, "never"); });
  toy.Start();
  const auto stub = toy.Stub();
  grpc::ClientContext context;
  const auto stream = stub->StreamRevealRecords(&context, {});
  working.WaitForNotification();
  grpc::ClientContext one;
  one.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  v1::RevealRecordRequest request;
  request.set_name(std::string(3000, 'x'));
  v1::RevealRecordResponse response;
  const grpc::Status status = stub->RevealRecord(&one, request, &response);
  EXPECT_EQ(ReasonIn(status), "QUEUE_FULL");
  v1::StreamRevealRecordsResponse message;
  EXPECT_TRUE(stream->Read(&message));
  context.TryCancel();
  stream->Finish();
  for (const std::string& entry : toy.Entries()) EXPECT_NE(entry, "never");
}

}  // namespace
}  // namespace piivault::vault
