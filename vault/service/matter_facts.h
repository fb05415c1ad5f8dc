#ifndef PIIVAULT_VAULT_SERVICE_MATTER_FACTS_H_
#define PIIVAULT_VAULT_SERVICE_MATTER_FACTS_H_

#include <forward_list>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "authz/decision.h"
#include "piivault/storage/v1/state.pb.h"

namespace piivault::vault {

// Matters as the decision takes them. Borrows the rows, which must outlive it and stay where they
// are. Not copied: the facts refer to it.
class MatterFacts {
 public:
  MatterFacts() = default;
  MatterFacts(const MatterFacts&) = delete;
  MatterFacts& operator=(const MatterFacts&) = delete;

  void Add(const storage::v1::MatterRow& row);
  absl::Span<const authz::MatterFact> view() const { return facts_; }

 private:
  absl::InlinedVector<authz::MatterFact, 2> facts_;
  std::forward_list<std::vector<std::string_view>> purposes_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_MATTER_FACTS_H_
