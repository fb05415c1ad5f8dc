#include "vault/service/call_queue.h"

#include <gtest/gtest.h>

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
const absl::Time kStart = absl::UnixEpoch();

// What comes out, as "3" for a turn and "-3" for a call that is shed.
std::vector<std::string> Drain(CallQueue& queue, absl::Time now) {
  std::vector<std::string> turns;
  while (!queue.empty()) {
    const CallQueue::Turn turn = queue.Pop(now);
    turns.push_back((turn.shed ? "-" : "") + std::to_string(turn.call));
  }
  return turns;
}

void PushMany(CallQueue& queue, const int* caller, uint64_t first, size_t count, absl::Time now) {
  for (size_t i = 0; i < count; ++i) queue.Push(caller, first + i, true, now);
}

TEST(CallQueueTest, TurnsGoRoundTheCallers) {
  CallQueue queue(kWait);
  const int many = 0, few = 0, one = 0;
  PushMany(queue, &many, 1, 4, kStart);
  PushMany(queue, &few, 11, 2, kStart);
  PushMany(queue, &one, 21, 1, kStart);
  EXPECT_EQ(Drain(queue, kStart), (std::vector<std::string>{"1", "11", "21", "2", "12", "3", "4"}));
}

TEST(CallQueueTest, ACallerThatComesBackGoesToTheEnd) {
  CallQueue queue(kWait);
  const int many = 0, one = 0;
  PushMany(queue, &many, 1, 3, kStart);
  PushMany(queue, &one, 11, 1, kStart);
  EXPECT_EQ(queue.Pop(kStart).call, 1u);
  EXPECT_EQ(queue.Pop(kStart).call, 11u);
  PushMany(queue, &one, 12, 1, kStart);
  EXPECT_EQ(Drain(queue, kStart), (std::vector<std::string>{"2", "12", "3"}));
}

TEST(CallQueueTest, FewMayWaitForAsLongAsTheyLike) {
  CallQueue queue(kWait);
  const int caller = 0;
  PushMany(queue, &caller, 1, CallQueue::kAlwaysWait, kStart);
  for (const std::string& turn : Drain(queue, kStart + absl::Hours(1))) {
    EXPECT_NE(turn.front(), '-') << turn;
  }
}

TEST(CallQueueTest, OfManyThoseThatWaitedTooLongAreShed) {
  CallQueue queue(kWait);
  const int caller = 0;
  PushMany(queue, &caller, 1, 3, kStart);
  PushMany(queue, &caller, 4, CallQueue::kAlwaysWait, kStart + kWait);
  // To the microsecond.
  EXPECT_FALSE(queue.Pop(kStart + kWait).shed);
  const absl::Time late = kStart + kWait + absl::Microseconds(1);
  EXPECT_TRUE(queue.Pop(late).shed);
  EXPECT_TRUE(queue.Pop(late).shed);
  const std::vector<std::string> rest = Drain(queue, late);
  EXPECT_EQ(rest.size(), CallQueue::kAlwaysWait);
  EXPECT_EQ(rest.front(), "4");
}

TEST(CallQueueTest, OneCallersFloodShedsNobodyElse) {
  CallQueue queue(kWait);
  const int flood = 0, other = 0;
  PushMany(queue, &flood, 1, 30, kStart);
  PushMany(queue, &other, 101, 2, kStart);
  const std::vector<std::string> turns = Drain(queue, kStart + absl::Seconds(1));
  // What is shed takes no turn: the flood is down to what it may have before it gets one.
  const std::vector<std::string> first(turns.begin(), turns.begin() + 14);
  for (const std::string& turn : first) EXPECT_EQ(turn.front(), '-') << turn;
  EXPECT_EQ(turns[14], "15");
  EXPECT_EQ(turns[15], "101");
  EXPECT_EQ(turns[16], "16");
  EXPECT_EQ(turns[17], "102");
}

TEST(CallQueueTest, WhatHasBegunIsNeverShed) {
  CallQueue queue(kWait);
  const int caller = 0;
  queue.Push(&caller, 1, false, kStart);
  PushMany(queue, &caller, 2, 20, kStart);
  const CallQueue::Turn turn = queue.Pop(kStart + absl::Seconds(1));
  EXPECT_EQ(turn.call, 1u);
  EXPECT_FALSE(turn.shed);
  EXPECT_TRUE(queue.Pop(kStart + absl::Seconds(1)).shed);
}

TEST(CallQueueTest, ManyCallersComeAndGo) {
  CallQueue queue(kWait);
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

TEST(LaneTest, ShortCallsRunWhileALargeOneWorks) {
  absl::Notification working;
  std::atomic<int> answered{0};
  std::atomic<bool> in_between{false};
  ToyServer toy;
  toy.On(kStream, [&](CallContext& context) {
    working.Notify();
    in_between = YieldUntil(context, [&] { return answered == 3; });
    return StreamPlan(context, "large");
  });
  toy.On(kUnary, [&](CallContext& context) {
    EXPECT_EQ(context.yielder, nullptr);
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
  ToyServer toy([](GrpcServerOptions& options) { options.longest_wait = absl::ZeroDuration(); });
  toy.On(kStream, [&](CallContext& context) {
    working.Notify();
    EXPECT_TRUE(YieldUntil(context, [&] { return toy.observer().in_flight == kCalls + 1; }));
    EXPECT_EQ(running, 0);
    return StreamPlan(context, "first");
  });
  toy.On(kUnary, [&](CallContext& context) {
    EXPECT_NE(context.yielder, nullptr);
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

TEST(LaneTest, AQueuedCallIsGivenUpBeforeItsDeadline) {
  absl::Notification working;
  ToyServer toy;
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
  one.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
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
