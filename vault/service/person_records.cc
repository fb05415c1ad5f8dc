#include "vault/service/person_records.h"

#include <vector>

#include "vault/records/record_finder.h"
#include "vault/service/errors.h"

namespace piivault::vault {

absl::Status ForEachRecord(VaultCall& call, absl::Span<const storage::RecordLocator> locators,
                           absl::FunctionRef<absl::Status(LoadResult&)> use) {
  for (size_t begin = 0; begin < locators.size(); begin += kLoadSlice) {
    absl::StatusOr<std::vector<LoadResult>> loaded = LoadRecords(
        call.deps().engine, call.scope(), locators.subspan(begin, kLoadSlice), &call.changes());
    if (!loaded.ok()) return loaded.status();
    for (LoadResult& result : *loaded) {
      if (absl::Status used = use(result); !used.ok()) return used;
    }
    call.Yield();
  }
  return absl::OkStatus();
}

absl::Status ForEachRecordOf(VaultCall& call, const storage::Id128& person,
                             absl::FunctionRef<absl::Status(LoadResult&)> use) {
  const absl::StatusOr<std::vector<storage::RecordLocator>> locators =
      RecordFinder(call.deps().engine, call.scope(), &call.changes())
          .FindSubject(person, nullptr, kMaxRecordsOfPerson + 1);
  if (!locators.ok()) return locators.status();
  if (locators->size() > kMaxRecordsOfPerson) return MakeError(authz::Reason::kBatchTooLarge);
  return ForEachRecord(call, *locators, use);
}

}  // namespace piivault::vault
