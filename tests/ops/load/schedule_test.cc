#include "ops/load/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace piivault::ops {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// Time that moves only when somebody sleeps, or is made to.
class ScheduleTest : public ::testing::Test {
 protected:
  LoadClock Clock() {
    return {.now = [this] { return now_; },
            .sleep_until =
                [this](SteadyTime time) {
                  now_ = std::max(now_, time);
                  return !stopped_;
                }};
  }

  // When calls began, and were due, in milliseconds from the start.
  struct Begun {
    int64_t at;
    int64_t due;
    bool operator==(const Begun&) const = default;
  };
  std::vector<Begun> Run(
      const Schedule& schedule, const std::function<void()>& act = [] {}) {
    std::vector<Begun> begun;
    Pace(schedule, Clock(), [&](SteadyTime due) {
      begun.push_back({Millis(now_), Millis(due)});
      act();
    });
    return begun;
  }

  int64_t Millis(SteadyTime time) const {
    return std::chrono::duration_cast<milliseconds>(time - start_).count();
  }

  const SteadyTime start_ = SteadyTime(std::chrono::hours(5));
  SteadyTime now_ = start_;
  bool stopped_ = false;
};

TEST_F(ScheduleTest, CallsAreDueAtFixedTimesUpToTheEnd) {
  const auto begun = Run({.start = start_, .rate = 100, .end = start_ + milliseconds(30)});
  EXPECT_THAT(begun, ElementsAre(Begun{0, 0}, Begun{10, 10}, Begun{20, 20}));
}

TEST_F(ScheduleTest, SoManyCalls) {
  EXPECT_THAT(Run({.start = start_, .rate = 1000, .calls = 250}), SizeIs(250));
}

TEST_F(ScheduleTest, APauseLeavesNoCallOutAndTheirTimesStay) {
  bool paused = false;
  const auto begun = Run({.start = start_, .rate = 100, .end = start_ + milliseconds(60)}, [&] {
    if (std::exchange(paused, true)) return;
    now_ += milliseconds(35);
  });
  EXPECT_THAT(begun, ElementsAre(Begun{0, 0}, Begun{35, 10}, Begun{35, 20}, Begun{35, 30},
                                 Begun{40, 40}, Begun{50, 50}));
}

TEST_F(ScheduleTest, TimesDoNotDrift) {
  const Schedule schedule{.start = start_, .rate = 3};
  EXPECT_EQ(schedule.Due(3'000'000), start_ + std::chrono::seconds(1'000'000));
}

TEST_F(ScheduleTest, PacersShareTheCalls) {
  Schedule schedule{.start = start_, .rate = 100, .stride = 2, .end = start_ + milliseconds(40)};
  EXPECT_THAT(Run(schedule), ElementsAre(Begun{0, 0}, Begun{20, 20}));
  now_ = start_;
  schedule.first = 1;
  EXPECT_THAT(Run(schedule), ElementsAre(Begun{10, 10}, Begun{30, 30}));
}

TEST_F(ScheduleTest, TheWarmUpHasNegativeNumbers) {
  now_ = start_ - milliseconds(20);
  const auto begun = Run({.start = start_, .rate = 100, .first = -2, .calls = 1});
  EXPECT_THAT(begun, ElementsAre(Begun{-20, -20}, Begun{-10, -10}, Begun{0, 0}));
}

TEST_F(ScheduleTest, EndsWhenTheRunIsStopped) {
  int calls = 0;
  EXPECT_THAT(Run({.start = start_, .rate = 100}, [&] { stopped_ = ++calls == 3; }), SizeIs(3));
}

}  // namespace
}  // namespace piivault::ops
