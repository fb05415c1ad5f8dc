#include "vault/records/field_rows.h"

#include <algorithm>
#include <optional>
#include <string>

#include "vault/text.h"

namespace piivault::vault {
namespace {

// `see` null: the record is to have no rows.
absl::Status Plan(const ValueRules& rules, const TenantScope& tenant,
                  const storage::RecordLocator& locator, RecordReader& record, WhichFields which,
                  const SeeTerm* see, std::vector<storage::Mutation>* writes) {
  for (size_t i = 0; i < record.field_count(); ++i) {
    const RecordField field = record.FieldAt(i);
    if (field.absent || field.one_way) continue;
    const std::string name = Concat({record.type(), ".", field.name});
    const FieldIndex* const index = tenant.indexes().Find(name);
    if (index == nullptr || !which(*index)) continue;
    const absl::StatusOr<SecretBytes> value = record.DecryptField(field);
    if (!value.ok()) return value.status();
    std::vector<FieldTerm> wanted;
    if (see != nullptr) {
      wanted = IndexTerms(rules, name, index, value->view(), field.key_class);
      for (const FieldTerm& term : wanted) (*see)(*index, term);
    }
    for (const FieldTerm& term : RemovalTerms(rules, name, index, value->view(), field.key_class)) {
      const bool stays = std::find(wanted.begin(), wanted.end(), term) != wanted.end();
      for (const TenantKeys* const keys : tenant.indexed()) {
        std::optional<std::string> row;
        if (stays && keys == &tenant.active()) row = "";
        writes->push_back({storage::BlindIndexKey(tenant.id(), keys->epoch, term.Digest(*keys),
                                                  locator.subject, locator.record),
                           std::move(row)});
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PlanFieldRows(const ValueRules& rules, const TenantScope& tenant,
                           const storage::RecordLocator& locator, RecordReader& record,
                           WhichFields which, SeeTerm see, std::vector<storage::Mutation>* writes) {
  return Plan(rules, tenant, locator, record, which, &see, writes);
}

absl::Status PlanNoFieldRows(const ValueRules& rules, const TenantScope& tenant,
                             const storage::RecordLocator& locator, RecordReader& record,
                             WhichFields which, std::vector<storage::Mutation>* writes) {
  return Plan(rules, tenant, locator, record, which, nullptr, writes);
}

}  // namespace piivault::vault
