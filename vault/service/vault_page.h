#ifndef PIIVAULT_VAULT_SERVICE_VAULT_PAGE_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_PAGE_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "vault/records/record_loader.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

// Records of an index that the caller may see.
struct RecordPage {
  // kOk, or kDataLoss for an index row that leads to a record it does not belong to.
  authz::Reason reason = authz::Reason::kOk;
  std::vector<std::unique_ptr<LoadedRecord>> records;
  bool cut = false;  // there are more hits than one message looks at
  // Where the next page begins behind; absent at the end.
  std::optional<storage::RecordLocator> next;
};

// Index rows behind a place, ascending, at most so many.
using FetchHits = absl::FunctionRef<absl::StatusOr<std::vector<storage::RecordLocator>>(
    const storage::RecordLocator* after, size_t limit)>;
// kOk: the caller sees the record; kNotFound: it vanishes; kDataLoss: it does not belong here.
using JudgeHit = absl::FunctionRef<authz::Reason(LoadedRecord* record)>;

// Index rows that one message looks at; beyond it a page may be short.
inline constexpr size_t kMaxHitsExamined = 4000;

// Counts an index row that leads to no record of the list. Such rows are not authenticated, so that
// whoever can write to the disk can plant them; they are passed over, and a record that is there
// and damaged is DATA_LOSS all the same.
inline void CountStray(const VaultCall& call) {
  if (call.deps().stray_row) call.deps().stray_row();
}

// Collects `size` records that the caller sees, and looks for one more, so that neither the length
// of a page nor the presence of a next one says that something was left out.
[[nodiscard]] absl::StatusOr<RecordPage> CollectPage(
    VaultCall& call, size_t size, const std::optional<storage::RecordLocator>& after,
    FetchHits fetch, JudgeHit judge);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_PAGE_H_
