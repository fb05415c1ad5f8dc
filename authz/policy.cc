#include "authz/policy.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "authz/compiled_policy.h"
#include "authz/policy_builder.h"
#include "authz/policy_cases.h"

namespace piivault::authz {
namespace {

constexpr size_t kErrorsInStatus = 5;

}  // namespace

Policy::Policy() = default;
Policy::~Policy() = default;

std::shared_ptr<const Policy> Policy::Load(const PolicyText& text, Diagnostics* diagnostics) {
  return PolicyBuilder(text, diagnostics).Build();
}

absl::StatusOr<std::shared_ptr<const Policy>> Policy::Load(const PolicyText& text) {
  Diagnostics diagnostics;
  std::shared_ptr<const Policy> policy = Load(text, &diagnostics);
  if (policy != nullptr) return policy;
  std::string message = "the policy does not load:";
  size_t listed = 0;
  for (const Diagnostic& item : diagnostics.items()) {
    if (item.severity != Severity::kError || ++listed > kErrorsInStatus) continue;
    absl::StrAppend(&message, "\n", item.ToString());
  }
  if (listed > kErrorsInStatus) absl::StrAppend(&message, "\n…");
  return absl::InvalidArgumentError(message);
}

size_t Policy::missing_documents() const {
  return static_cast<size_t>(
      std::count_if(header_.documents.begin(), header_.documents.end(),
                    [](const DocumentSpec& d) { return d.sha256.empty() && d.waived_by.empty(); }));
}

TypeId Policy::FindType(std::string_view name) const {
  auto it = type_names_.find(name);
  return it == type_names_.end() ? kNoType : it->second;
}

FieldId Policy::FindField(TypeId type, std::string_view name) const {
  if (type >= type_field_names_.size()) return kNoField;
  auto it = type_field_names_[type].find(name);
  return it == type_field_names_[type].end() ? kNoField : it->second;
}

FieldId Policy::FindField(std::string_view full_name) const {
  auto it = field_names_.find(full_name);
  return it == field_names_.end() ? kNoField : it->second;
}

const PurposeSpec* Policy::FindPurpose(std::string_view name) const {
  auto it = purpose_names_.find(name);
  return it == purpose_names_.end() ? nullptr : &purposes_[it->second];
}

const RoleSpec* Policy::FindRole(std::string_view name) const {
  auto it = role_names_.find(name);
  return it == role_names_.end() ? nullptr : &roles_[it->second];
}

const RecipientSpec* Policy::FindRecipient(std::string_view id) const {
  for (const RecipientSpec& recipient : recipients_) {
    if (recipient.id == id) return &recipient;
  }
  return nullptr;
}

const MatterSpec* Policy::FindMatter(std::string_view name) const {
  for (const MatterSpec& matter : matters_) {
    if (matter.name == name) return &matter;
  }
  return nullptr;
}

const CollectionNoticeSpec* Policy::FindCollectionNotice(std::string_view id) const {
  for (const CollectionNoticeSpec& notice : collection_notices_) {
    if (notice.id == id) return &notice;
  }
  return nullptr;
}

const CredentialRule& Policy::CredentialRuleOf(FieldId field) const {
  static const CredentialRule& without = *new CredentialRule;
  for (const CredentialRule& rule : credential_rules_) {
    if (std::find(rule.fields.begin(), rule.fields.end(), field) != rule.fields.end()) return rule;
  }
  return without;
}

bool Policy::ForbidsEmployment(Employment employment) const {
  return std::find(forbidden_employment_.begin(), forbidden_employment_.end(), employment) !=
         forbidden_employment_.end();
}

bool Policy::Prohibits(ProhibitedType type) const {
  return std::find(prohibited_types_.begin(), prohibited_types_.end(), type) !=
         prohibited_types_.end();
}

absl::Time Policy::EndOfDay(absl::CivilDay day) const {
  return absl::FromCivil(day + 1, timezone_) - absl::Nanoseconds(1);
}

void Policy::IndexType(TypeSpec type) {
  type_names_.emplace(type.name, type.id);
  NameIndex names;
  for (FieldId id : type.fields) names.emplace(fields_[id].name, id);
  type_field_names_.push_back(std::move(names));
  types_.push_back(std::move(type));
}

void Policy::IndexField(FieldSpec field) {
  field_names_.emplace(field.full_name, field.id);
  fields_.push_back(std::move(field));
}

void Policy::IndexPurpose(PurposeSpec purpose) {
  purpose_names_.emplace(purpose.name, purpose.id);
  purposes_.push_back(std::move(purpose));
}

void Policy::IndexRole(RoleSpec role) {
  role_names_.emplace(role.name, role.id);
  roles_.push_back(std::move(role));
}

}  // namespace piivault::authz
