#ifndef PIIVAULT_VAULT_LEDGER_NOTICE_SURVEY_H_
#define PIIVAULT_VAULT_LEDGER_NOTICE_SURVEY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// Whether a person was told before `before` (exclusive): a matter of this kind was opened with
// them.
bool WasTold(const storage::v1::SubjectUse& use, std::string_view kind, absl::Time before);

// Counts the people of a tenant who were not told of something in time, some at a time.
//
// Who is registered while it runs may be missed: whoever gives data asks WasTold() of each person
// as well. Thread-compatible.
class NoticeSurvey {
 public:
  // Looks at the next `limit` people. DATA_LOSS for a person's row that does not open.
  [[nodiscard]] absl::Status Step(const storage::Engine& engine, const TenantScope& tenant,
                                  std::string_view kind, absl::Time before, size_t limit);
  bool done() const { return done_; }
  uint64_t untold() const { return untold_; }

 private:
  std::string next_;  // key to go on from; empty: the first
  uint64_t untold_ = 0;
  bool done_ = false;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_NOTICE_SURVEY_H_
