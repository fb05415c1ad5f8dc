#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <sstream>
#include <string>

#include "storage/rocksdb_engine.h"
#include "tests/storage/scratch_dir.h"
#include "tests/storage/write_ledger.h"

namespace piivault::storage {
namespace {

// A child that commits, and what it has said so far.
class Child {
 public:
  Child(const std::string& path, uint64_t first_number) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) std::abort();
    const std::string first = std::to_string(first_number);
    pid_ = ::fork();
    if (pid_ < 0) std::abort();
    if (pid_ == 0) {
      ::dup2(pipe_ends[1], STDOUT_FILENO);
      ::close(pipe_ends[0]);
      ::close(pipe_ends[1]);
      ::execl(PIIVAULT_ENGINE_CRASH_CHILD, PIIVAULT_ENGINE_CRASH_CHILD, path.c_str(), first.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(pipe_ends[1]);
    out_ = pipe_ends[0];
  }
  ~Child() { ::close(out_); }

  // Reads until it has said at least so many bytes, or has ended.
  void ReadBytes(size_t count) {
    while (text_.size() < count && ReadSome()) {
    }
  }
  // Kills it and reads the rest. Returns whether it lived until then.
  bool Kill() {
    ::kill(pid_, SIGKILL);
    while (ReadSome()) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  const std::string& text() const { return text_; }

 private:
  bool ReadSome() {
    char buffer[4096];
    const ssize_t got = ::read(out_, buffer, sizeof(buffer));
    if (got <= 0) return false;
    text_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  std::string text_;
};

// 002-50: a crash loses nothing and leaves nothing half written, whenever it comes.
TEST(EngineKillTest, AcknowledgedCommitsSurviveKillAndOthersAreWholeOrAbsent) {
  const int rounds = std::getenv("PIIVAULT_LONG") != nullptr ? 10'000 : 50;
  std::mt19937_64 random(3);
  ScratchDir dir;
  WriteLedger ledger;
  uint64_t next = 0;
  for (int round = 0; round < rounds; ++round) {
    Child child(dir.path(), next);
    // How much it has said decides the moment: nothing at all (it is opening), or some commits.
    child.ReadBytes(random() % 8 == 0 ? 0 : random() % 4000);
    ASSERT_TRUE(child.Kill()) << "the child ended by itself in round " << round;

    std::istringstream lines(child.text());
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string what;
      uint64_t number = 0;
      uint64_t index = 0;
      words >> what >> number >> index;
      if (what == "s") next = std::max(next, number + 1);
      if (what == "a") ledger.Acknowledge(std::to_string(number), index);
    }
    ledger.SetEnd(next);
    EngineOptions options;
    options.path = dir.path();
    auto engine = RocksDbEngine::Open(options);
    ASSERT_TRUE(engine.ok()) << engine.status() << " in round " << round;
    ASSERT_EQ(ledger.Check(**engine), "") << "round " << round;
  }
  EXPECT_GT(ledger.acknowledged(), static_cast<size_t>(rounds));
  EngineOptions options;
  options.path = dir.path();
  auto engine = RocksDbEngine::Open(options);
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ(ledger.CheckEverything(**engine), "");
}

}  // namespace
}  // namespace piivault::storage
