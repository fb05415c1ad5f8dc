// Commits to an engine until it is killed, and says on standard output what was acknowledged.
// Arguments: data directory, number of the first commit.
//
// Each line is "s NUMBER" before a commit is handed over, "a NUMBER INDEX" when it is acknowledged;
// every line goes out in one write(2), so that a kill cannot tear what the reader relies on.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "storage/commit_and_wait.h"
#include "storage/rocksdb_engine.h"
#include "tests/storage/write_ledger.h"

namespace piivault::storage {
namespace {

void Say(const std::string& line) {
  // Nobody reads any more: the parent is gone.
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
}

int Main(const char* path, uint64_t first) {
  EngineOptions options;
  options.path = path;
  auto engine = RocksDbEngine::Open(options);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.status().ToString().c_str());
    return 1;
  }
  Say("open\n");
  std::atomic<uint64_t> next{first};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      while (true) {
        const uint64_t number = next++;
        Say("s " + std::to_string(number) + "\n");
        auto done = CommitAndWait(**engine, WriteLedger::CommitOf(number, number % 3000));
        if (!done.ok() || (*done)->outcome != CommitOutcome::kCommitted) std::_Exit(1);
        Say("a " + std::to_string(number) + " " + std::to_string((*done)->position.index) + "\n");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace piivault::storage

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return piivault::storage::Main(argv[1], std::strtoull(argv[2], nullptr, 10));
}
