#include "vault/service/vault_page.h"

#include <algorithm>
#include <utility>

namespace piivault::vault {

absl::StatusOr<RecordPage> CollectPage(VaultCall& call, size_t size,
                                       const std::optional<storage::RecordLocator>& after,
                                       FetchHits fetch, JudgeHit judge) {
  RecordPage page;
  std::optional<storage::RecordLocator> place = after;
  for (size_t examined = 0; examined < kMaxHitsExamined;) {
    const size_t limit = std::min(size + 1 - page.records.size(), kLoadSlice);
    absl::StatusOr<std::vector<storage::RecordLocator>> hits =
        fetch(place.has_value() ? &*place : nullptr, limit);
    if (!hits.ok()) return hits.status();
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(call.deps().engine, call.scope(), *hits, &call.changes());
    if (!loaded.ok()) return loaded.status();
    for (LoadResult& result : *loaded) {
      call.Yield();
      if (result.reason == authz::Reason::kSubjectErased) continue;
      if (result.reason == authz::Reason::kNotFound) {
        CountStray(call);
        continue;
      }
      const authz::Reason reason =
          result.ok() ? judge(result.record.get()) : authz::Reason::kDataLoss;
      if (reason == authz::Reason::kNotFound) continue;
      if (reason != authz::Reason::kOk) {
        page.reason = reason;
        return page;
      }
      page.records.push_back(std::move(result.record));
    }
    if (page.records.size() > size) {
      page.records.pop_back();
      page.next = page.records.back()->locator();
      return page;
    }
    if (hits->size() < limit) return page;
    examined += hits->size();
    place = hits->back();
  }
  page.cut = true;
  page.next = place;
  return page;
}

}  // namespace piivault::vault
