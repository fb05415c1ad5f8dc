// Calls that have work done apart from the lane's thread.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "storage/commit_and_wait.h"
#include "tests/vault/service/transport/transport_testing.h"

namespace piivault::vault {
namespace {

namespace v1 = piivault::v1;
using authz::Reason;
using testing::ElementsAre;

Plan Work(std::function<void()> work) {
  Plan plan;
  plan.work = std::move(work);
  return plan;
}

PendingCall* NextFinished(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  return static_cast<PendingCall*>(tag);
}

// What a handler and its work share.
struct Shared {
  std::atomic<int> works{0};
  std::atomic<int> decisions{0};
  std::thread::id worker;
  absl::Notification begun;
  absl::Notification gate;
};

class DeferredWorkTest : public testing::Test {
 protected:
  // Requests named "work" have work done before they answer; it waits for the gate.
  void Start(std::function<void(GrpcServerOptions&)> adjust = [](auto&) {}) {
    toy_ = std::make_unique<ToyServer>(std::move(adjust));
    toy_->On(
        kUnary,
        [shared = shared_] {
          ToyScript script;
          auto worked = std::make_shared<std::atomic<bool>>(false);
          script.next = [shared, worked](CallContext& context) {
            const std::string& name = RequestAs<v1::RevealRecordRequest>(context).name();
            ++shared->decisions;
            if (name != "work" || *worked) return RevealPlan(context, name);
            return Work([shared, worked] {
              shared->worker = std::this_thread::get_id();
              if (++shared->works == 1) shared->begun.Notify();
              shared->gate.WaitForNotification();
              *worked = true;
            });
          };
          return script;
        },
        /*works=*/true);
    toy_->Start();
    stub_ = toy_->Stub();
  }
  ~DeferredWorkTest() override {
    if (!shared_->gate.HasBeenNotified()) shared_->gate.Notify();
  }

  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::unique_ptr<ToyServer> toy_;
  std::unique_ptr<v1::VaultService::Stub> stub_;
  grpc::CompletionQueue queue_;
};

TEST_F(DeferredWorkTest, TheLaneServesOthersMeanwhile) {
  Start();
  PendingCall working(*stub_, "work", &queue_);
  shared_->begun.WaitForNotification();
  for (int i = 0; i < 20; ++i) {
    PendingCall other(*stub_, "other", &queue_);
    ASSERT_EQ(NextFinished(queue_), &other);
    EXPECT_TRUE(other.status.ok());
  }
  EXPECT_EQ(toy_->Entries().size(), 20u) << "nothing is committed before the work is done";
  shared_->gate.Notify();
  ASSERT_EQ(NextFinished(queue_), &working);
  EXPECT_TRUE(working.status.ok()) << working.status.error_message();
  EXPECT_EQ(working.response.record().type(), "work");
  EXPECT_EQ(working.response.receipt().index(), 20u);
  EXPECT_EQ(shared_->works, 1);
  EXPECT_EQ(shared_->decisions, 22);
}

TEST_F(DeferredWorkTest, AConflictNeedsNoWorkAgain) {
  ToyServer toy;
  auto attempts = std::make_shared<std::vector<int>>();
  auto works = std::make_shared<std::atomic<int>>(0);
  toy.On(kUnary, [&toy, attempts, works] {
    ToyScript script;
    auto worked = std::make_shared<std::atomic<bool>>(false);
    script.next = [&toy, attempts, works, worked](CallContext& context) {
      attempts->push_back(context.attempt);
      if (!*worked) {
        return Work([works, worked] {
          ++*works;
          *worked = true;
        });
      }
      Plan plan = RevealPlan(context, "work");
      if (attempts->size() < 4) {
        // Somebody else has written what it read.
        plan.reads = {7};
        auto commit = std::make_unique<storage::Commit>();
        commit->as_of = toy.engine().AppliedSequence();
        commit->decided_at = absl::InfiniteFuture();
        commit->touches = {7};
        storage::EntryDraft entry;
        entry.body = "other";
        commit->entry = std::move(entry);
        EXPECT_TRUE(storage::CommitOrError(toy.engine(), std::move(commit)).ok());
      }
      return plan;
    };
    return script;
  });
  toy.Start();
  auto stub = toy.Stub();
  grpc::CompletionQueue queue;
  PendingCall call(*stub, "work", &queue);
  ASSERT_EQ(NextFinished(queue), &call);
  EXPECT_TRUE(call.status.ok()) << call.status.error_message();
  EXPECT_EQ(*works, 1);
  // The work is no attempt; the conflicts are.
  EXPECT_THAT(*attempts, ElementsAre(1, 1, 2, 3));
}

TEST_F(DeferredWorkTest, WorkWithoutEndIsGivenUp) {
  ToyServer toy;
  auto works = std::make_shared<std::atomic<int>>(0);
  toy.On(kUnary, [works](CallContext&) { return Work([works] { ++*works; }); });
  toy.Start();
  auto stub = toy.Stub();
  grpc::CompletionQueue queue;
  PendingCall call(*stub, "work", &queue);
  ASSERT_EQ(NextFinished(queue), &call);
  EXPECT_EQ(ReasonIn(call.status), "CONFLICT");
  EXPECT_EQ(*works, kMaxAttempts);
}

TEST_F(DeferredWorkTest, OneCallerDoesNotTakeAllPlaces) {
  Start([](GrpcServerOptions& options) { options.work.max_waiting = 4; });
  PendingCall running(*stub_, "work", &queue_);
  shared_->begun.WaitForNotification();
  std::vector<std::unique_ptr<PendingCall>> calls;
  for (int i = 0; i < 5; ++i) {
    calls.push_back(std::make_unique<PendingCall>(*stub_, "work", &queue_));
  }
  // Two wait; the others are told so at once.
  for (int i = 0; i < 3; ++i) {
    PendingCall* refused = NextFinished(queue_);
    EXPECT_EQ(ReasonIn(refused->status), "QUEUE_FULL");
    EXPECT_TRUE(HasRetryInfo(refused->status));
  }
  const fakes::TestCertificate other = toy_->authority().IssueForUri("spiffe://test/another");
  auto other_stub = v1::VaultService::NewStub(toy_->Channel(&other));
  PendingCall others(*other_stub, "work", &queue_);
  shared_->gate.Notify();
  int answered = 0;
  for (int i = 0; i < 4; ++i) answered += NextFinished(queue_)->status.ok() ? 1 : 0;
  EXPECT_EQ(answered, 4);
}

TEST_F(DeferredWorkTest, ACallThatIsOutOfTimeEndsAndItsWorkIsNobodys) {
  Start();
  PendingCall first(*stub_, "work", &queue_);
  shared_->begun.WaitForNotification();
  // Waits behind it, and has no time.
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
  v1::RevealRecordRequest request;
  request.set_name("work");
  v1::RevealRecordResponse response;
  EXPECT_FALSE(stub_->RevealRecord(&context, request, &response).ok());
  toy_->observer().AwaitFinished(kUnary, Reason::kQueueFull, 1);
  shared_->gate.Notify();
  ASSERT_EQ(NextFinished(queue_), &first);
  EXPECT_TRUE(first.status.ok());
  PendingCall third(*stub_, "work", &queue_);
  ASSERT_EQ(NextFinished(queue_), &third);
  EXPECT_TRUE(third.status.ok());
  EXPECT_EQ(shared_->works, 2) << "the second was dropped";
}

TEST_F(DeferredWorkTest, WhoHangsUpIsDecidedAllTheSame) {
  Start();
  {
    PendingCall gone(*stub_, "work", &queue_);
    shared_->begun.WaitForNotification();
    gone.context.TryCancel();
    ASSERT_EQ(NextFinished(queue_), &gone);
    EXPECT_EQ(gone.status.error_code(), grpc::StatusCode::CANCELLED);
  }
  shared_->gate.Notify();
  // Hanging up does not keep a trial out of the log.
  toy_->observer().AwaitFinished(kUnary, Reason::kOk, 1);
  EXPECT_THAT(toy_->Entries(), ElementsAre("work"));
}

TEST_F(DeferredWorkTest, WhoHangsUpBeforeTheWorkBeginsGivesThePlaceBack) {
  Start([](GrpcServerOptions& options) { options.work.max_waiting = 4; });
  PendingCall running(*stub_, "work", &queue_);
  shared_->begun.WaitForNotification();
  std::vector<std::unique_ptr<PendingCall>> waiting;
  const auto ask = [&] {
    waiting.push_back(std::make_unique<PendingCall>(*stub_, "work", &queue_));
  };
  // Two of this caller's may wait: the third is told so, hence the other two have their places.
  for (int i = 0; i < 3; ++i) ask();
  PendingCall* const full = NextFinished(queue_);
  EXPECT_EQ(ReasonIn(full->status), "QUEUE_FULL");
  PendingCall* const gone = waiting[full == waiting[0].get() ? 1 : 0].get();
  gone->context.TryCancel();
  ASSERT_EQ(NextFinished(queue_), gone);
  // Long before its deadline, and while the thread is still taken.
  toy_->observer().AwaitFinished(kUnary, Reason::kCancelled, 1);
  EXPECT_EQ(shared_->works, 1);
  ask();
  shared_->gate.Notify();
  for (int i = 0; i < 3; ++i) {
    PendingCall* const answered = NextFinished(queue_);
    EXPECT_TRUE(answered->status.ok()) << answered->status.error_message();
  }
  EXPECT_EQ(shared_->works, 3) << "what was given back was not done";
  EXPECT_THAT(toy_->Entries(), ElementsAre("work", "work", "work"));
}

TEST_F(DeferredWorkTest, AStopWaitsForWorkWithinItsPatience) {
  Start();
  PendingCall working(*stub_, "work", &queue_);
  shared_->begun.WaitForNotification();
  std::thread stop([this] { toy_->server().Stop(absl::Seconds(30)); });
  shared_->gate.Notify();
  ASSERT_EQ(NextFinished(queue_), &working);
  EXPECT_TRUE(working.status.ok()) << working.status.error_message();
  stop.join();
}

TEST_F(DeferredWorkTest, AStopWithoutPatienceLeavesWorkToItself) {
  Start();
  PendingCall working(*stub_, "work", &queue_);
  shared_->begun.WaitForNotification();
  toy_->server().Stop(absl::ZeroDuration());
  ASSERT_EQ(NextFinished(queue_), &working);
  EXPECT_FALSE(working.status.ok());
  shared_->gate.Notify();
  EXPECT_EQ(shared_->decisions, 1) << "nobody goes on with it";
  // The server's end waits for the thread; what is done then finds nobody.
  toy_.reset();
}

TEST_F(DeferredWorkTest, AMessageOfAStreamMayNeedWorkToo) {
  ToyServer toy;
  auto shared = shared_;
  toy.On(kStream, [shared] {
    ToyScript script;
    auto worked = std::make_shared<std::atomic<bool>>(false);
    auto sent = std::make_shared<int>(0);
    script.next = [shared, worked](CallContext& context) {
      if (worked->exchange(false)) return StreamPlan(context, "part");
      return Work([shared, worked] {
        ++shared->works;
        *worked = true;
      });
    };
    script.committed = [sent](const storage::LogPosition*) { ++*sent; };
    script.has_more = [sent] { return *sent < 8; };
    return script;
  });
  toy.Start();
  auto stub = toy.Stub();
  grpc::ClientContext context;
  v1::StreamRevealRecordsRequest request;
  auto reader = stub->StreamRevealRecords(&context, request);
  v1::StreamRevealRecordsResponse response;
  int messages = 0;
  while (reader->Read(&response)) ++messages;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(messages, 8);
  EXPECT_EQ(shared->works, 8);
}

}  // namespace
}  // namespace piivault::vault
