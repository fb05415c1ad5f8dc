#ifndef PIIVAULT_TESTS_FAKES_FORWARDING_ENGINE_H_
#define PIIVAULT_TESTS_FAKES_FORWARDING_ENGINE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/engine.h"

namespace piivault::fakes {

// Hands everything to another engine, which outlives it; to be derived from by what looks at, holds
// up or interrupts some of it.
class ForwardingEngine : public storage::Engine {
 public:
  explicit ForwardingEngine(storage::Engine& engine) : engine_(engine) {}

  absl::Status Submit(std::unique_ptr<storage::Commit> commit) override {
    return engine_.Submit(std::move(commit));
  }
  uint64_t AppliedSequence() const override { return engine_.AppliedSequence(); }
  absl::StatusOr<std::string> Get(const storage::Key& key) const override {
    return engine_.Get(key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const storage::Key> keys) const override {
    return engine_.MultiGet(keys);
  }
  absl::Status Scan(const storage::Key& prefix, std::string_view start, size_t limit,
                    Visitor visitor) const override {
    return engine_.Scan(prefix, start, limit, visitor);
  }
  absl::StatusOr<std::vector<storage::StoredEntry>> ReadEntries(uint64_t index,
                                                                size_t limit) const override {
    return engine_.ReadEntries(index, limit);
  }
  storage::LogPosition LogEnd() const override { return engine_.LogEnd(); }
  void SetReopenHook(std::function<absl::Status()> hook) override {
    engine_.SetReopenHook(std::move(hook));
  }
  void Shutdown() override { engine_.Shutdown(); }

 private:
  storage::Engine& engine_;
};

}  // namespace piivault::fakes

#endif  // PIIVAULT_TESTS_FAKES_FORWARDING_ENGINE_H_
