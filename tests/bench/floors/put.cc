#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/floors/database.h"

namespace piivault::floors {
namespace {

constexpr size_t kLogFamily = 1;

// As an entry's: kind, log, generation, index; ascending.
std::string EntryKey(uint64_t index) {
  std::string key(21, '\0');
  key[0] = 1;
  for (size_t i = 0; i < sizeof(index); ++i) {
    key[key.size() - 1 - i] = static_cast<char>(index >> (8 * i));
  }
  return key;
}

}  // namespace

void Put(Options options) {
  const std::string dir = options.Text("dir");
  const size_t threads = options.Count("threads", 64);
  const std::string value(options.Count("value-bytes", 300), 'e');
  const double seconds = options.Number("seconds", 3);
  options.End();
  Require(rocksdb::DestroyDB(dir, {}));
  const Database database(dir, {"log"}, 64);

  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  const Clock::time_point start = Clock::now();
  for (size_t i = 0; i < threads; ++i) {
    writers.emplace_back([&] {
      rocksdb::WriteOptions synced;
      synced.sync = true;
      while (!stop.load(std::memory_order_relaxed)) {
        Require(database.db().Put(synced, database.family(kLogFamily), EntryKey(next.fetch_add(1)),
                                  value));
        done.fetch_add(1, std::memory_order_relaxed);
      }
    });
  }
  SleepUntilCounted(seconds, done);
  stop.store(true);
  for (std::thread& writer : writers) writer.join();
  const double rate = static_cast<double>(done.load()) / SecondsSince(start);
  std::printf("{\"puts_per_second\": %.1f, \"threads\": %zu, \"value_bytes\": %zu}\n", rate,
              threads, value.size());
}

}  // namespace piivault::floors
