#ifndef PIIVAULT_STORAGE_DELIVER_H_
#define PIIVAULT_STORAGE_DELIVER_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "storage/engine.h"

namespace piivault::storage {

// Gives every commit back to its sink, in order, with one CommitSink::Done() for each sink. Commits
// without a sink are dropped. The caller holds no lock.
void DeliverToSinks(std::vector<std::unique_ptr<Commit>> batch);

// INVALID_ARGUMENT where a row to write would be one of a neighbouring table: as Engine::Submit().
absl::Status CheckKeys(const Commit& commit);

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_DELIVER_H_
