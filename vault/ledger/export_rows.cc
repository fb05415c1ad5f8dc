#include "vault/ledger/export_rows.h"

#include <utility>

#include "vault/crypto/aead.h"
#include "vault/keys/sealed_row.h"

namespace piivault::vault {
namespace {

template <typename Row>
absl::StatusOr<std::optional<Numbered<Row>>> Load(const storage::Engine& engine,
                                                  const TenantScope& tenant,
                                                  const storage::Key& key, const storage::Id128& id,
                                                  ChangeSet* changes) {
  changes->Read(key);
  absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) return std::nullopt;
  if (!value.ok()) return value.status();
  absl::StatusOr<Row> row = OpenVersionedRow<Row>(tenant.keys(), key, *value);
  if (!row.ok()) return row.status();
  return Numbered<Row>{id, *std::move(row)};
}

}  // namespace

absl::StatusOr<std::optional<ExportTokenState>> LoadExportToken(const storage::Engine& engine,
                                                                const TenantScope& tenant,
                                                                const storage::Id128& id,
                                                                ChangeSet* changes) {
  return Load<storage::v1::ExportTokenRow>(engine, tenant, storage::ExportTokenKey(tenant.id(), id),
                                           id, changes);
}

void PutExportToken(const TenantScope& tenant, RandomSource& random, const ExportTokenState& token,
                    ChangeSet* changes) {
  PutVersioned(tenant, random, storage::ExportTokenKey(tenant.id(), token.id), token.row, changes);
}

absl::StatusOr<std::optional<DisclosureState>> LoadDisclosure(const storage::Engine& engine,
                                                              const TenantScope& tenant,
                                                              const storage::Id128& id,
                                                              ChangeSet* changes) {
  return Load<storage::v1::DisclosureRow>(engine, tenant, storage::DisclosureKey(tenant.id(), id),
                                          id, changes);
}

void PutDisclosure(const TenantScope& tenant, RandomSource& random,
                   const DisclosureState& disclosure, ChangeSet* changes) {
  PutVersioned(tenant, random, storage::DisclosureKey(tenant.id(), disclosure.id), disclosure.row,
               changes);
}

void PutExportPart(const TenantScope& tenant, RandomSource& random, const storage::Id128& token,
                   uint32_t part, absl::Span<const ExportItem> items, absl::Time now,
                   ChangeSet* changes) {
  storage::v1::ExportSubjectsRow row;
  row.set_create_micros(absl::ToUnixMicros(now));
  std::string& bytes = *row.mutable_items();
  bytes.reserve(items.size() * 2 * storage::Id128::kSize);
  for (const ExportItem& item : items) {
    bytes.append(item.subject.view());
    bytes.append(item.record.view());
  }
  storage::Key key = storage::ExportSubjectsKey(tenant.id(), token, part);
  std::string value = SealRow(tenant.keys(), random, key, 1, row);
  changes->Put(std::move(key), std::move(value));
}

absl::StatusOr<std::vector<ExportItem>> LoadExportPart(const storage::Engine& engine,
                                                       const TenantScope& tenant,
                                                       const storage::Id128& token, uint32_t part) {
  constexpr size_t kId = storage::Id128::kSize;
  const storage::Key key = storage::ExportSubjectsKey(tenant.id(), token, part);
  const absl::StatusOr<std::string> value = engine.Get(key);
  if (absl::IsNotFound(value.status())) return DecryptionFailed();
  if (!value.ok()) return value.status();
  const auto row = OpenRow<storage::v1::ExportSubjectsRow>(tenant.keys(), key, *value);
  if (!row.ok()) return row.status();
  const std::string_view bytes = row->message.items();
  if (bytes.empty() || bytes.size() % (2 * kId) != 0 || bytes.size() > kExportPart * 2 * kId) {
    return DecryptionFailed();
  }
  std::vector<ExportItem> items;
  items.reserve(bytes.size() / (2 * kId));
  for (size_t at = 0; at < bytes.size(); at += 2 * kId) {
    items.push_back({*storage::Id128::FromBytes(bytes.substr(at, kId)),
                     *storage::Id128::FromBytes(bytes.substr(at + kId, kId))});
  }
  return items;
}

uint64_t HoldingsCell(const TenantScope& tenant, const storage::Id128& subject_ref) {
  return storage::CellFingerprint(storage::HoldingPrefix(tenant.id(), subject_ref));
}

}  // namespace piivault::vault
