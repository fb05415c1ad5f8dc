#include "vault/crypto/random.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace piivault::vault {
namespace {

TEST(SystemRandomTest, FillsEverySize) {
  for (size_t size : {size_t{1}, size_t{12}, size_t{255}, size_t{256}, size_t{257}, size_t{5000}}) {
    std::set<std::string> seen;
    for (int i = 0; i < 3; ++i) seen.insert(std::string(SystemRandom().Bytes(size).view()));
    if (size > 8) {
      EXPECT_EQ(seen.size(), 3u) << size;
    }
  }
  EXPECT_TRUE(SystemRandom().Bytes(0).empty());
}

TEST(SystemRandomTest, NothingIsHandedOutTwice) {
  absl::Mutex mutex;
  std::set<storage::Id128> ids;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<storage::Id128> mine;
      for (int i = 0; i < 5000; ++i) mine.push_back(SystemRandom().Id128());
      absl::MutexLock lock(&mutex);
      ids.insert(mine.begin(), mine.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), 20000u);
}

TEST(SystemRandomTest, AForkedChildDrawsOtherBytes) {
  static_cast<void>(SystemRandom().Id128());  // a block is at hand
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const storage::Id128 id = SystemRandom().Id128();
    _exit(write(pipe_ends[1], id.bytes.data(), id.bytes.size()) == 16 ? 0 : 1);
  }
  storage::Id128 of_child;
  ASSERT_EQ(read(pipe_ends[0], of_child.bytes.data(), 16), 16);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(SystemRandom().Id128(), of_child);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(RandomSourceTest, UInt64IsBigEndianOfTheBytes) {
  class Counting : public RandomSource {
   public:
    void Fill(absl::Span<uint8_t> out) override {
      for (uint8_t& byte : out) byte = next_++;
    }

   private:
    uint8_t next_ = 1;
  };
  Counting counting;
  EXPECT_EQ(counting.UInt64(), 0x0102030405060708u);
}

}  // namespace
}  // namespace piivault::vault
