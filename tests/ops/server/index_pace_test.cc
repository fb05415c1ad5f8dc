#include "ops/server/index_pace.h"

#include <gtest/gtest.h>

namespace piivault::ops {
namespace {

TEST(IndexPaceTest, RestsLongWhereNothingIsLeft) {
  IndexPace pace;
  EXPECT_EQ(pace.After(0), IndexPace::kCaughtUp);
  EXPECT_EQ(pace.After(pace.step() - 1), IndexPace::kCaughtUp);
}

TEST(IndexPaceTest, PausesBetweenStepsUntilItIsFarBehind) {
  IndexPace pace;
  for (int i = 0; i < IndexPace::kPausedSteps; ++i) {
    EXPECT_EQ(pace.After(IndexPace::kSmallStep), IndexPace::kBetweenSteps) << i;
    EXPECT_EQ(pace.step(), IndexPace::kSmallStep);
  }
  for (int i = 0; i < 10; ++i) {
    const size_t step = pace.step();
    EXPECT_EQ(pace.After(step), absl::ZeroDuration());
    EXPECT_TRUE(pace.step() > step || step == IndexPace::kLargeStep);
  }
  EXPECT_EQ(pace.step(), IndexPace::kLargeStep);
  // Once it has caught up it begins anew.
  EXPECT_EQ(pace.After(IndexPace::kLargeStep - 1), IndexPace::kCaughtUp);
  EXPECT_EQ(pace.step(), IndexPace::kSmallStep);
  EXPECT_EQ(pace.After(IndexPace::kSmallStep), IndexPace::kBetweenSteps);
}

// However many entries a second there are, the index is not left behind by more and more: it takes
// as many at once as came while it was at work on the last.
TEST(IndexPaceTest, KeepsUpWithFullBatches) {
  IndexPace pace;
  size_t behind = 100'000;
  for (int step = 0; step < 10'000 && behind > 0; ++step) {
    const size_t done = std::min(behind, pace.step());
    const bool waited = pace.After(done) > absl::ZeroDuration();
    behind = behind - done + (waited ? 60 : 300);
    if (done < IndexPace::kSmallStep) break;
    ASSERT_LT(behind, 200'000u);
  }
  EXPECT_LT(behind, 1'000u);
}

}  // namespace
}  // namespace piivault::ops
