#ifndef PIIVAULT_VAULT_LEDGER_EXPORT_ROWS_H_
#define PIIVAULT_VAULT_LEDGER_EXPORT_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "piivault/storage/v1/export.pb.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/change_set.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// Sealed rows of export tokens and disclosures (storage/FORMAT.md, "Sharing rows"). What is loaded
// puts its cell into the change set, absent rows too; DATA_LOSS for a row that was not sealed for
// its key. A row's version is in its message; Put() writes it as it is there.

// People or records that a token names at one time, at most.
inline constexpr size_t kExportPart = 1000;

// Somebody a token is about: one record, or where `record` is zero all of the person's records of
// the types that the token's fields are of.
struct ExportItem {
  storage::Id128 subject;
  storage::Id128 record;

  bool whole_person() const { return record == storage::Id128(); }
  bool operator==(const ExportItem&) const = default;
};

// Seals a row at the version that it says.
template <typename Row>
void PutVersioned(const TenantScope& tenant, RandomSource& random, storage::Key key, const Row& row,
                  ChangeSet* changes) {
  std::string value = SealRow(tenant.keys(), random, key, row.version(), row);
  changes->Put(std::move(key), std::move(value));
}

// A random reference as rows keep it; zero, which is nobody's, for other than 16 bytes.
inline storage::Id128 RefOf(std::string_view bytes) {
  return storage::Id128::FromBytes(bytes).value_or(storage::Id128());
}

template <typename Row>
struct Numbered {
  storage::Id128 id;
  Row row;
};
using ExportTokenState = Numbered<storage::v1::ExportTokenRow>;
using DisclosureState = Numbered<storage::v1::DisclosureRow>;

[[nodiscard]] absl::StatusOr<std::optional<ExportTokenState>> LoadExportToken(
    const storage::Engine& engine, const TenantScope& tenant, const storage::Id128& id,
    ChangeSet* changes);
void PutExportToken(const TenantScope& tenant, RandomSource& random, const ExportTokenState& token,
                    ChangeSet* changes);

[[nodiscard]] absl::StatusOr<std::optional<DisclosureState>> LoadDisclosure(
    const storage::Engine& engine, const TenantScope& tenant, const storage::Id128& id,
    ChangeSet* changes);
void PutDisclosure(const TenantScope& tenant, RandomSource& random,
                   const DisclosureState& disclosure, ChangeSet* changes);

// Parts are written once, at `now`. Without cell: whoever reads one rests on the token's row.
void PutExportPart(const TenantScope& tenant, RandomSource& random, const storage::Id128& token,
                   uint32_t part, absl::Span<const ExportItem> items, absl::Time now,
                   ChangeSet* changes);
// DATA_LOSS where it is not there.
[[nodiscard]] absl::StatusOr<std::vector<ExportItem>> LoadExportPart(const storage::Engine& engine,
                                                                     const TenantScope& tenant,
                                                                     const storage::Id128& token,
                                                                     uint32_t part);

// What recipients hold of a person: touched by whoever gives one something of the person for the
// first time, read by whoever changes what the person's records say.
uint64_t HoldingsCell(const TenantScope& tenant, const storage::Id128& subject_ref);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_EXPORT_ROWS_H_
