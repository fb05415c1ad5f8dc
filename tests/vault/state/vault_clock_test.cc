#include "vault/state/vault_clock.h"

#include "gtest/gtest.h"

namespace piivault::vault {
namespace {

class VaultClockTest : public testing::Test {
 protected:
  VaultClock Make(absl::Time floor) {
    return VaultClock([this] { return wall_; }, [this] { return steady_; }, floor);
  }
  void Pass(absl::Duration time) {
    wall_ += time;
    steady_ += time;
  }

  absl::Time wall_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration steady_ = absl::Hours(3);
};

TEST_F(VaultClockTest, FollowsTheWallClock) {
  VaultClock clock = Make(absl::InfinitePast());
  EXPECT_EQ(clock.Now(), wall_);
  Pass(absl::Hours(48));
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_FALSE(clock.jumped());
}

TEST_F(VaultClockTest, TheLogVouchesForTheTimeOfItsLastEntryAndADay) {
  const absl::Time entry = wall_;
  wall_ += absl::Hours(24 * 365 * 3);
  VaultClock clock = Make(entry);
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_EQ(clock.Vouched(), entry + absl::Hours(24));
  Pass(absl::Hours(5));
  EXPECT_EQ(clock.Vouched(), entry + absl::Hours(29));
  VaultClock of_today = Make(wall_ - absl::Hours(1));
  EXPECT_EQ(of_today.Vouched(), wall_);
  VaultClock of_none = Make(absl::InfinitePast());
  EXPECT_EQ(of_none.Vouched(), wall_);
}

TEST_F(VaultClockTest, NeverRunsBackwards) {
  VaultClock clock = Make(absl::InfinitePast());
  const absl::Time before = clock.Now();
  wall_ -= absl::Minutes(4);
  EXPECT_EQ(clock.Now(), before);
  EXPECT_FALSE(clock.jumped());
  Pass(absl::Minutes(5));
  EXPECT_EQ(clock.Now(), before + absl::Minutes(1));
}

TEST_F(VaultClockTest, GoesOnWhenTheWallClockIsSetBack) {
  VaultClock clock = Make(absl::InfinitePast());
  const absl::Time before = clock.Now();
  wall_ -= absl::Hours(24);
  Pass(absl::Hours(2));
  EXPECT_EQ(clock.Now(), before + absl::Hours(2));
  EXPECT_TRUE(clock.jumped());
  clock.Confirm();
  EXPECT_EQ(clock.Now(), before + absl::Hours(2));
}

TEST_F(VaultClockTest, NeverBeforeTheLastEntry) {
  const absl::Time last_entry = wall_ + absl::Minutes(2);
  VaultClock clock = Make(last_entry);
  EXPECT_EQ(clock.Now(), last_entry);
}

TEST_F(VaultClockTest, AForwardJumpWaitsForConfirmation) {
  VaultClock clock = Make(absl::InfinitePast());
  const absl::Time before = clock.Now();
  wall_ += absl::Hours(24 * 365);
  Pass(absl::Seconds(10));
  EXPECT_EQ(clock.Now(), before + absl::Seconds(10));
  EXPECT_TRUE(clock.jumped());
  Pass(absl::Seconds(10));
  EXPECT_EQ(clock.Now(), before + absl::Seconds(20));
  clock.Confirm();
  EXPECT_EQ(clock.Now(), wall_);
  EXPECT_FALSE(clock.jumped());
}

TEST_F(VaultClockTest, FiveMinutesAreNoJump) {
  VaultClock clock = Make(absl::InfinitePast());
  clock.Now();
  wall_ += VaultClock::kMaxJump;
  EXPECT_EQ(clock.Now(), wall_);
  wall_ += VaultClock::kMaxJump + absl::Nanoseconds(1);
  clock.Now();
  EXPECT_TRUE(clock.jumped());
}

}  // namespace
}  // namespace piivault::vault
