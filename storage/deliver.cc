#include "storage/deliver.h"

#include <utility>

namespace piivault::storage {

void DeliverToSinks(std::vector<std::unique_ptr<Commit>> batch) {
  while (!batch.empty()) {
    CommitSink* const sink = batch.front()->sink;
    // Nearly always all commits have one sink, and nothing is left over.
    std::vector<std::unique_ptr<Commit>> others;
    size_t kept = 0;
    for (auto& commit : batch) {
      if (commit->sink != sink) {
        others.push_back(std::move(commit));
      } else {
        if (&batch[kept] != &commit) batch[kept] = std::move(commit);
        ++kept;
      }
    }
    batch.resize(kept);
    if (sink != nullptr) sink->Done(std::move(batch));
    batch = std::move(others);
  }
}

absl::Status CheckKeys(const Commit& commit) {
  for (const Mutation& write : commit.writes) {
    if (!FitsTable(write.key.table, write.key.bytes.size())) {
      return absl::InvalidArgumentError("a key has not the size of its table's keys");
    }
  }
  return absl::OkStatus();
}

}  // namespace piivault::storage
