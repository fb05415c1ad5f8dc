#include "vault/service/matter_facts.h"

#include "absl/time/time.h"
#include "vault/state/snapshot_builder.h"

namespace piivault::vault {

void MatterFacts::Add(const storage::v1::MatterRow& row) {
  authz::MatterFact& fact = facts_.emplace_back();
  fact.kind = row.kind();
  fact.id = row.id();
  fact.state = row.state();
  fact.party = row.party();
  fact.not_after = TimeOf(row.not_after_micros(), absl::InfiniteFuture());
  if (row.purposes().empty()) return;
  fact.purposes = purposes_.emplace_front(row.purposes().begin(), row.purposes().end());
}

}  // namespace piivault::vault
