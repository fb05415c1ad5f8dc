#ifndef PIIVAULT_VAULT_LEDGER_NOTICE_SURVEY_H_
#define PIIVAULT_VAULT_LEDGER_NOTICE_SURVEY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// What all people have to have been told: a matter of the kind with one of these ids was opened
// with each before `before` (exclusive).
struct NoticeToAll {
  std::string kind;
  std::vector<std::string> ids;
  absl::Time before;

  // Whoever has had the other has had this one.
  bool FollowsFrom(const NoticeToAll& other) const {
    return kind == other.kind && ids == other.ids && before >= other.before;
  }
};
bool WasTold(const storage::v1::SubjectUse& use, const NoticeToAll& notice);

// Counts the people of a tenant who were not told of something in time, some at a time.
//
// Who is registered while it runs may be missed: whoever gives data asks WasTold() of each person
// as well. Thread-compatible.
class NoticeSurvey {
 public:
  // Begins anew unless what it is or was about says the same of everybody.
  void Ask(const NoticeToAll& notice);
  // Looks at the next `limit` people. DATA_LOSS for a person's row that does not open.
  [[nodiscard]] absl::Status Step(const storage::Engine& engine, const TenantScope& tenant,
                                  size_t limit);
  bool done() const { return done_; }
  uint64_t untold() const { return untold_; }

 private:
  std::optional<NoticeToAll> notice_;
  std::string next_;  // key to go on from; empty: the first
  uint64_t untold_ = 0;
  bool done_ = false;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_NOTICE_SURVEY_H_
