#include "vault/state/field_indexes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"

namespace piivault::vault {
namespace {

std::string_view TypeOf(std::string_view full_name) {
  return full_name.substr(0, full_name.find('.'));
}

absl::StatusOr<IndexForm> FormFromRow(const storage::v1::IndexFormsRow::Form& row) {
  if (!row.whole() && !row.domain()) return IndexForm{};
  const std::optional<authz::SemanticType> semantic = authz::FindSemanticType(row.semantic());
  if (row.normaliser() > kNormaliserVersion || row.normaliser() < kOldestNormaliserVersion ||
      !semantic.has_value()) {
    return absl::FailedPreconditionError(
        "indexes were made by a version of this program that this one does not know");
  }
  return IndexForm{row.normaliser(), *semantic, row.whole(), row.domain(), row.unique()};
}

// Fields that nothing is wanted of any more, and whose values have no rows.
void DropEmpty(TenantIndexes::Fields* fields) {
  std::erase_if(*fields, [](const auto& field) {
    return !field.second.rebuilding() && field.second.wanted().none();
  });
}

}  // namespace

IndexForm FormOf(const authz::FieldSpec& field, uint32_t normaliser) {
  const bool whole = field.index || field.unique;
  if (!whole && !field.index_domain) return {};
  return {normaliser, field.semantic, whole, field.index_domain, field.unique};
}

bool FieldIndex::covers(bool IndexForm::*kind) const {
  return std::all_of(forms.begin(), forms.end(),
                     [kind](const IndexForm& form) { return form.*kind; });
}

void FieldIndex::Want(const IndexForm& form) {
  std::erase(forms, form);
  forms.push_back(form);
}

absl::StatusOr<TenantIndexes> TenantIndexes::FromRow(const storage::v1::IndexFormsRow& row) {
  TenantIndexes indexes;
  for (const storage::v1::IndexFormsRow::Field& field : row.fields()) {
    FieldIndex index;
    index.normal = field.normal();
    index.important = field.important();
    for (const storage::v1::IndexFormsRow::Form& form : field.forms()) {
      absl::StatusOr<IndexForm> read = FormFromRow(form);
      if (!read.ok()) return read.status();
      index.forms.push_back(*read);
    }
    if (index.forms.empty()) return absl::DataLossError("an index without a form");
    indexes.fields_.insert_or_assign(field.name(), std::move(index));
  }
  return indexes;
}

storage::v1::IndexFormsRow TenantIndexes::ToRow(std::string_view tenant) const {
  storage::v1::IndexFormsRow row;
  row.set_name(std::string(tenant));
  for (const auto& [name, index] : fields_) {
    storage::v1::IndexFormsRow::Field& field = *row.add_fields();
    field.set_name(name);
    field.set_normal(index.normal);
    field.set_important(index.important);
    for (const IndexForm& form : index.forms) {
      storage::v1::IndexFormsRow::Form& to = *field.add_forms();
      to.set_normaliser(form.normaliser);
      to.set_semantic(std::string(authz::GetSemanticType(form.semantic).name));
      to.set_whole(form.whole);
      to.set_domain(form.domain);
      to.set_unique(form.unique);
    }
  }
  return row;
}

const FieldIndex* TenantIndexes::Find(std::string_view full_name) const {
  const auto found = fields_.find(full_name);
  return found == fields_.end() ? nullptr : &found->second;
}

std::vector<std::string> TenantIndexes::TypesToRebuild() const {
  std::vector<std::string> types;
  for (const auto& [name, index] : fields_) {
    if (index.rebuilding()) types.emplace_back(TypeOf(name));
  }
  std::sort(types.begin(), types.end());
  types.erase(std::unique(types.begin(), types.end()), types.end());
  return types;
}

bool TenantIndexes::rebuilding() const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [](const auto& field) { return field.second.rebuilding(); });
}

TenantIndexes TenantIndexes::Under(const authz::Policy& policy,
                                   absl::FunctionRef<bool(std::string_view type)> is_new) const {
  TenantIndexes next = *this;
  for (auto& [name, index] : next.fields_) {
    if (policy.FindField(name) == authz::kNoField) index.Want({});
  }
  for (size_t i = 0; i < policy.field_count(); ++i) {
    const authz::FieldSpec& field = policy.field(static_cast<authz::FieldId>(i));
    const IndexForm form = FormOf(field);
    const auto known = next.fields_.find(field.full_name);
    if (known == next.fields_.end() && form.none()) continue;
    FieldIndex& index = known == next.fields_.end() ? next.fields_[field.full_name] : known->second;
    if (index.forms.empty() && !is_new(policy.type(field.type).name)) {
      // There may be values, of either class, and none of them has a row.
      index = {{IndexForm{}}, true, true};
    }
    index.Want(form);
    (field.important ? index.important : index.normal) = true;
  }
  DropEmpty(&next.fields_);
  return next;
}

TenantIndexes TenantIndexes::WithNormaliser(uint32_t version) const {
  TenantIndexes next = *this;
  for (auto& [name, index] : next.fields_) {
    if (index.wanted().none()) continue;
    IndexForm form = index.wanted();
    form.normaliser = version;
    index.Want(form);
  }
  return next;
}

TenantIndexes TenantIndexes::Rebuilt() const {
  TenantIndexes next = *this;
  for (auto& [name, index] : next.fields_) index.forms = {index.wanted()};
  DropEmpty(&next.fields_);
  return next;
}

}  // namespace piivault::vault
