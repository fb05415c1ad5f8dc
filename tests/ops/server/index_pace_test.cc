#include "ops/server/index_pace.h"

#include <gtest/gtest.h>

namespace piivault::ops {
namespace {

TEST(IndexPaceTest, RestsLongWhereNothingIsLeft) {
  IndexPace pace;
  EXPECT_EQ(pace.After(0), IndexPace::kCaughtUp);
  EXPECT_EQ(pace.After(IndexPace::kStepEntries - 1), IndexPace::kCaughtUp);
}

TEST(IndexPaceTest, PausesBetweenStepsUntilItIsFarBehind) {
  IndexPace pace;
  for (int i = 0; i < IndexPace::kPausedSteps; ++i) {
    EXPECT_EQ(pace.After(IndexPace::kStepEntries), IndexPace::kBetweenSteps) << i;
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pace.After(IndexPace::kStepEntries), absl::ZeroDuration());
  // Once it has caught up it pauses again.
  EXPECT_EQ(pace.After(1), IndexPace::kCaughtUp);
  EXPECT_EQ(pace.After(IndexPace::kStepEntries), IndexPace::kBetweenSteps);
}

}  // namespace
}  // namespace piivault::ops
