#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "authz/retention.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

// How long each field of an operator's policy is kept that some period is about, of a record whose
// contract has ended and with whose two matters all is over.
void BM_RetentionOf(benchmark::State& state) {
  Diagnostics diagnostics;
  const std::shared_ptr<const Policy> policy = LoadFile("ops/policies/sns-helper", &diagnostics);
  if (policy == nullptr) std::abort();
  const absl::Time made = absl::FromUnixSeconds(1'700'000'000);
  const std::vector<ToldEvent> events = {{"purpose_complete", made + absl::Hours(1)},
                                         {"supplied", made + absl::Hours(2)}};
  std::vector<MatterTimes> matters(2);
  for (MatterTimes& matter : matters) {
    matter.of_record = true;
    matter.closed = made + absl::Hours(3);
  }
  matters.front().disputed = true;
  RecordTimes times;
  times.made = made;
  times.contract_ended = made + absl::Hours(4);
  times.events = events;
  times.matters = matters;
  std::vector<FieldId> fields;
  for (FieldId field = 0; field < policy->field_count(); ++field) {
    if (IsRetained(*policy, field)) fields.push_back(field);
  }
  if (fields.empty()) std::abort();
  for (auto _ : state) {
    for (const FieldId field : fields) {
      benchmark::DoNotOptimize(RetentionOf(*policy, field, times));
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(fields.size()));
}
BENCHMARK(BM_RetentionOf);

}  // namespace
}  // namespace piivault::authz
