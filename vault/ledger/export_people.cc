#include "vault/ledger/export_people.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

// The records of all items, one after the other, and how many each has.
struct Wanted {
  std::vector<storage::RecordLocator> locators;
  std::vector<size_t> counts;
};

// The records that the person has. A person without any is looked at as one with a record that is
// not there: so its row is read and says whether it was erased.
absl::Status FindRecords(const storage::Engine& engine, const TenantScope& tenant,
                         const storage::Id128& subject, Wanted* wanted) {
  const storage::Key prefix = storage::RecordPrefix(tenant.id(), subject);
  size_t count = 0;
  const absl::Status scanned = engine.Scan(
      prefix, prefix.bytes, kMaxExportRecords + 1, [&](std::string_view key, std::string_view) {
        wanted->locators.push_back({subject, storage::IdSuffix(key)});
        ++count;
        return true;
      });
  if (!scanned.ok()) return scanned;
  if (count == 0) {
    wanted->locators.push_back({subject, {}});
    count = 1;
  }
  wanted->counts.push_back(count);
  return absl::OkStatus();
}

// Takes the records of one item over.
void TakeRecords(absl::Span<LoadResult> loaded, absl::Span<const std::string> types,
                 ExportPerson* person) {
  if (loaded.size() > kMaxExportRecords) {
    person->reason = authz::Reason::kBatchTooLarge;
    return;
  }
  for (LoadResult& result : loaded) {
    if (!result.ok()) {
      // A record that is gone is none of the person's; of damage and erasure all is said.
      if (result.reason == authz::Reason::kNotFound) continue;
      person->reason = result.reason;
      person->records.clear();
      return;
    }
    if (std::find(types.begin(), types.end(), result.record->type()) == types.end()) continue;
    person->records.push_back(std::move(result.record));
  }
  if (!person->records.empty()) person->reason = authz::Reason::kOk;
}

absl::Status LoadHoldings(const storage::Engine& engine, const TenantScope& tenant,
                          const storage::Id128& recipient_ref, std::vector<ExportPerson>* people,
                          ChangeSet* changes) {
  std::vector<storage::Key> keys;
  std::vector<ExportPerson*> owners;
  for (ExportPerson& person : *people) {
    if (!person.ok()) continue;
    keys.push_back(storage::HoldingKey(tenant.id(), person.subject_ref(), recipient_ref));
    changes->Read(keys.back());
    owners.push_back(&person);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> values = engine.MultiGet(keys);
  if (!values.ok()) return values.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!(*values)[i].has_value()) continue;
    auto row = OpenVersionedRow<storage::v1::HoldingRow>(tenant.keys(), keys[i], *(*values)[i]);
    if (!row.ok()) {
      owners[i]->reason = authz::Reason::kDataLoss;
      owners[i]->records.clear();
      continue;
    }
    owners[i]->holding = *std::move(row);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ExportPerson>> LoadExportPeople(
    const storage::Engine& engine, const TenantScope& tenant, absl::Span<const ExportItem> items,
    absl::Span<const std::string> types, const storage::Id128& recipient_ref, ChangeSet* changes) {
  Wanted wanted;
  for (const ExportItem& item : items.subspan(0, kSlicePeople)) {
    if (wanted.locators.size() >= kSliceRecords) break;
    if (item.whole_person()) {
      if (absl::Status status = FindRecords(engine, tenant, item.subject, &wanted); !status.ok()) {
        return status;
      }
    } else {
      wanted.locators.push_back({item.subject, item.record});
      wanted.counts.push_back(1);
    }
  }
  absl::StatusOr<std::vector<LoadResult>> loaded =
      LoadRecords(engine, tenant, wanted.locators, changes);
  if (!loaded.ok()) return loaded.status();
  std::vector<ExportPerson> people(wanted.counts.size());
  size_t at = 0;
  for (size_t i = 0; i < people.size(); ++i) {
    TakeRecords(absl::MakeSpan(*loaded).subspan(at, wanted.counts[i]), types, &people[i]);
    at += wanted.counts[i];
  }
  if (absl::Status status = LoadHoldings(engine, tenant, recipient_ref, &people, changes);
      !status.ok()) {
    return status;
  }
  return people;
}

}  // namespace piivault::vault
