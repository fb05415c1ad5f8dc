#include "vault/service/work_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;

// Work that writes its name down.
class WorkPoolTest : public testing::Test {
 protected:
  std::optional<WorkPool::Ticket> Submit(WorkPool& pool, const std::string& caller,
                                         const std::string& name) {
    return pool.Submit(
        caller, [] {},
        [this, name] {
          absl::MutexLock lock(&mu_);
          done_.push_back(name);
        });
  }
  // Takes the pool's one thread, until `gate_`.
  void Occupy(WorkPool& pool) {
    ASSERT_TRUE(pool.Submit(
                        "occupant",
                        [this] {
                          running_.Notify();
                          gate_.WaitForNotification();
                        },
                        [] {})
                    .has_value());
    running_.WaitForNotification();
  }
  std::vector<std::string> AwaitDone(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return done_.size() >= count; };
    mu_.Await(absl::Condition(&enough));
    return done_;
  }

  absl::Notification running_;
  absl::Notification gate_;
  absl::Mutex mu_;
  std::vector<std::string> done_ ABSL_GUARDED_BY(mu_);
};

TEST_F(WorkPoolTest, TurnsGoRoundTheCallers) {
  WorkPool pool({});
  Occupy(pool);
  for (const char* name : {"a1", "a2", "a3"}) ASSERT_TRUE(Submit(pool, "a", name).has_value());
  ASSERT_TRUE(Submit(pool, "b", "b1").has_value());
  ASSERT_TRUE(Submit(pool, "c", "c1").has_value());
  gate_.Notify();
  // After the occupant, whose name comes last, the first again.
  EXPECT_THAT(AwaitDone(5), ElementsAre("a1", "b1", "c1", "a2", "a3"));
}

TEST_F(WorkPoolTest, OneCallerLeavesPlacesToOthers) {
  WorkPool pool({.threads = 1, .max_waiting = 4});
  Occupy(pool);
  EXPECT_TRUE(Submit(pool, "a", "a1").has_value());
  EXPECT_TRUE(Submit(pool, "a", "a2").has_value());
  EXPECT_FALSE(Submit(pool, "a", "a3").has_value());
  EXPECT_TRUE(Submit(pool, "b", "b1").has_value());
  EXPECT_TRUE(Submit(pool, "c", "c1").has_value());
  EXPECT_FALSE(Submit(pool, "d", "d1").has_value()) << "all places are taken";
  gate_.Notify();
  EXPECT_THAT(AwaitDone(4), ElementsAre("a1", "b1", "c1", "a2"));
}

TEST_F(WorkPoolTest, TheLastPlaceIsForWhoHasNone) {
  WorkPool pool({.threads = 1, .max_waiting = 4});
  Occupy(pool);
  EXPECT_TRUE(Submit(pool, "a", "a1").has_value());
  EXPECT_TRUE(Submit(pool, "a", "a2").has_value());
  EXPECT_TRUE(Submit(pool, "b", "b1").has_value());
  EXPECT_FALSE(Submit(pool, "b", "b2").has_value()) << "two callers take all places";
  EXPECT_TRUE(Submit(pool, "c", "c1").has_value());
  gate_.Notify();
  EXPECT_THAT(AwaitDone(4), ElementsAre("a1", "b1", "c1", "a2"));
}

TEST_F(WorkPoolTest, AnOnlyPlaceIsTaken) {
  WorkPool pool({.threads = 1, .max_waiting = 1});
  Occupy(pool);
  EXPECT_TRUE(Submit(pool, "a", "a1").has_value());
  EXPECT_FALSE(Submit(pool, "b", "b1").has_value());
  gate_.Notify();
  EXPECT_THAT(AwaitDone(1), ElementsAre("a1"));
}

TEST_F(WorkPoolTest, WhatWasDroppedLeavesItsPlaceAndDoesNotRun) {
  WorkPool pool({.threads = 1, .max_waiting = 2});
  Occupy(pool);
  auto owned = std::make_shared<int>(1);
  const auto ticket = pool.Submit(
      "a", [owned] { FAIL() << "was dropped"; }, [] { FAIL(); });
  ASSERT_TRUE(ticket.has_value());
  EXPECT_FALSE(Submit(pool, "a", "a2").has_value());
  EXPECT_EQ(owned.use_count(), 2);
  EXPECT_TRUE(pool.Drop(*ticket));
  EXPECT_EQ(owned.use_count(), 1) << "what it owned is kept";
  EXPECT_FALSE(pool.Drop(*ticket));
  EXPECT_TRUE(Submit(pool, "a", "a2").has_value());
  gate_.Notify();
  EXPECT_THAT(AwaitDone(1), ElementsAre("a2"));
}

TEST_F(WorkPoolTest, WhatWorkOwnsIsGoneBeforeItIsSaidToBeDone) {
  WorkPool pool({});
  auto owned = std::make_shared<int>(1);
  std::weak_ptr<int> watch = owned;
  absl::Notification done;
  bool gone = false;
  ASSERT_TRUE(pool.Submit(
                      "a", [owned = std::move(owned)] { EXPECT_EQ(*owned, 1); },
                      [&] {
                        gone = watch.expired();
                        done.Notify();
                      })
                  .has_value());
  done.WaitForNotification();
  EXPECT_TRUE(gone);
}

TEST_F(WorkPoolTest, TheEndDropsWhatWaits) {
  auto pool = std::make_unique<WorkPool>(WorkPool::Options{});
  Occupy(*pool);
  auto owned = std::make_shared<int>(1);
  ASSERT_TRUE(pool->Submit(
                      "a", [owned] { FAIL() << "runs at the end"; }, [] {})
                  .has_value());
  // The destructor forgets what waits before it waits for what runs.
  std::thread end([&pool] { pool.reset(); });
  while (owned.use_count() > 1) std::this_thread::yield();
  gate_.Notify();
  end.join();
}

}  // namespace
}  // namespace piivault::vault
