// What a sanitizer is there to find is found: mistakes planted in child processes, under the very
// options and suppressions that all other tests run with. A green run of those says something only
// while these are green.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>

#include "absl/synchronization/mutex.h"

namespace piivault {
namespace {

class SanitizersTest : public testing::Test {
 protected:
  // The child begins anew with one thread, as a program does.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

#ifdef PIIVAULT_SANITIZE_THREAD

// ThreadSanitizer goes on after a report and ends the program with this code.
constexpr int kThreadSanitizerExit = 66;

// Two threads that add to one number; what stands around the addition is the caller's.
template <typename Add>
void AddFromTwoThreads(Add add) {
  std::thread other([&add] {
    for (int i = 0; i < 1000; ++i) add();
  });
  for (int i = 0; i < 1000; ++i) add();
  other.join();
}

TEST_F(SanitizersTest, ARaceIsReported) {
  EXPECT_EXIT(
      {
        int64_t sum = 0;
        AddFromTwoThreads([&sum] { ++sum; });
        std::exit(0);
      },
      testing::ExitedWithCode(kThreadSanitizerExit), "WARNING: ThreadSanitizer: data race");
}

// With Abseil's lock, whose place our own takes in these builds: one thread forgets it.
TEST_F(SanitizersTest, ARaceBesideALockIsReported) {
  EXPECT_EXIT(
      {
        absl::Mutex mutex;
        int64_t sum = 0;
        std::thread careless([&sum] { ++sum; });
        {
          absl::MutexLock lock(&mutex);
          ++sum;
        }
        careless.join();
        std::exit(0);
      },
      testing::ExitedWithCode(kThreadSanitizerExit), "WARNING: ThreadSanitizer: data race");
}

// The counterpart: a lock that is held is seen, so that a report means a race.
TEST_F(SanitizersTest, NoRaceUnderALockIsReported) {
  EXPECT_EXIT(
      {
        absl::Mutex mutex;
        int64_t sum = 0;
        AddFromTwoThreads([&] {
          absl::MutexLock lock(&mutex);
          ++sum;
        });
        std::exit(sum == 2000 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "^$");
}

#endif  // PIIVAULT_SANITIZE_THREAD

#ifdef PIIVAULT_SANITIZE_ADDRESS

// Keeps the compiler from seeing what goes wrong.
template <typename T>
T Opaque(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

TEST_F(SanitizersTest, AReadBehindTheEndIsReported) {
  EXPECT_DEATH(
      {
        const auto bytes = std::make_unique<char[]>(16);
        std::exit(Opaque(bytes.get())[Opaque(16)]);
      },
      "AddressSanitizer: heap-buffer-overflow");
}

TEST_F(SanitizersTest, AUseAfterFreeIsReported) {
  EXPECT_DEATH(
      {
        auto bytes = std::make_unique<char[]>(16);
        const char* const gone = Opaque(bytes.get());
        bytes.reset();
        std::exit(*gone);
      },
      "AddressSanitizer: heap-use-after-free");
}

TEST_F(SanitizersTest, ALeakIsReported) {
  EXPECT_EXIT(
      {
        Opaque(new char[16]);
        std::exit(0);
      },
      [](int status) { return status != 0; }, "LeakSanitizer: detected memory leaks");
}

#endif  // PIIVAULT_SANITIZE_ADDRESS

#ifdef PIIVAULT_SANITIZE_UNDEFINED

TEST_F(SanitizersTest, AnOverflowOfASignedNumberIsReported) {
  EXPECT_DEATH(
      {
        volatile int32_t number = std::numeric_limits<int32_t>::max();
        number = number + 1;
        std::exit(0);
      },
      "runtime error: signed integer overflow");
}

TEST_F(SanitizersTest, AShiftTooFarIsReported) {
  EXPECT_DEATH(
      {
        volatile int bits = 32;
        volatile int32_t number = 1;
        number = number << bits;
        std::exit(0);
      },
      "runtime error: shift exponent 32 is too large");
}

#endif  // PIIVAULT_SANITIZE_UNDEFINED

}  // namespace
}  // namespace piivault
