#include "vault/records/field_terms.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vault/keys/blind_index.h"
#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

// Name of the index in its digests.
std::string IndexName(std::string_view field, bool IndexForm::*kind) {
  std::string name(field);
  if (kind == &IndexForm::domain) name += "@domain";
  return name;
}

absl::StatusOr<SecretBytes> Normalise(const ValueRules& rules, const IndexForm& form,
                                      bool IndexForm::*kind, std::string_view value) {
  return kind == &IndexForm::domain
             ? rules.NormalizeEmailDomain(value, form.normaliser)
             : rules.NormalizeForSearch(form.semantic, value, form.normaliser);
}

}  // namespace

storage::IndexDigest FieldTerm::Digest(const TenantKeys& keys) const {
  const std::pair of(keys.tenant, keys.epoch);
  if (digest_of != of) {
    digest = BlindIndexDigest(keys, normaliser, index, normalised.view(), key_class);
    digest_of = of;
  }
  return digest;
}

std::vector<FieldTerm> IndexTerms(const ValueRules& rules, std::string_view field,
                                  const IndexForm& form, std::string_view value,
                                  KeyClass key_class) {
  std::vector<FieldTerm> terms;
  for (bool IndexForm::*const kind : {&IndexForm::whole, &IndexForm::domain}) {
    if (!(form.*kind)) continue;
    // A flagged address may have no domain.
    absl::StatusOr<SecretBytes> normalised = Normalise(rules, form, kind, value);
    if (!normalised.ok()) continue;
    terms.push_back({IndexName(field, kind), *std::move(normalised), form.normaliser, key_class});
  }
  return terms;
}

std::vector<FieldTerm> IndexTerms(const ValueRules& rules, std::string_view field,
                                  const FieldIndex* index, std::string_view value,
                                  KeyClass key_class) {
  if (index == nullptr) return {};
  return IndexTerms(rules, field, index->wanted(), value, key_class);
}

std::vector<FieldTerm> RemovalTerms(const ValueRules& rules, std::string_view field,
                                    const FieldIndex* index, std::string_view value,
                                    KeyClass key_class) {
  std::vector<FieldTerm> all;
  if (index == nullptr) return all;
  for (const IndexForm& form : index->forms) {
    for (FieldTerm& term : IndexTerms(rules, field, form, value, key_class)) {
      if (std::find(all.begin(), all.end(), term) == all.end()) all.push_back(std::move(term));
    }
  }
  return all;
}

absl::StatusOr<SearchTerm> SearchTerm::Of(const ValueRules& rules, std::string_view field,
                                          const FieldIndex& index, bool IndexForm::*kind,
                                          std::string_view value) {
  SearchTerm term;
  term.field = field;
  term.kind = kind;
  term.normal = index.normal;
  term.important = index.important;
  absl::Status last;
  for (const IndexForm& form : index.forms) {
    if (!(form.*kind)) continue;
    absl::StatusOr<SecretBytes> normalised = Normalise(rules, form, kind, value);
    last = normalised.status();
    if (normalised.ok()) term.forms.push_back({form, *std::move(normalised)});
  }
  if (!last.ok()) return last;
  return term;
}

absl::InlinedVector<storage::IndexDigest, 2> SearchTerm::Digests(const TenantKeys& keys) const {
  const std::string name = IndexName(field, kind);
  absl::InlinedVector<storage::IndexDigest, 2> digests;
  for (const Form& form : forms) {
    for (const KeyClass key_class : {KeyClass::kNormal, KeyClass::kImportant}) {
      if (!(key_class == KeyClass::kNormal ? normal : important)) continue;
      digests.push_back(
          BlindIndexDigest(keys, form.form.normaliser, name, form.normalised.view(), key_class));
    }
  }
  return digests;
}

bool SearchTerm::Matches(const ValueRules& rules, std::string_view value, const Form& form) const {
  const absl::StatusOr<SecretBytes> normalised = Normalise(rules, form.form, kind, value);
  return normalised.ok() && *normalised == form.normalised;
}

bool SearchTerm::MayLeadTo(const ValueRules& rules, std::string_view value) const {
  for (const Form& by : forms) {
    const absl::StatusOr<SecretBytes> normalised = Normalise(rules, by.form, kind, value);
    if (!normalised.ok()) continue;
    for (const Form& form : forms) {
      if (form.form.normaliser == by.form.normaliser && form.normalised == *normalised) return true;
    }
  }
  return false;
}

std::string_view SearchTerm::field_name() const {
  return std::string_view(field).substr(field.find('.') + 1);
}

UniqueCells::UniqueCells(RandomSource& random)
    : key_bytes_(random.Bytes(32)), key_(key_bytes_.view()) {}

uint64_t UniqueCells::Value(storage::TenantId tenant, const FieldTerm& term) const {
  return Cell("unique value", tenant, term.index, term.normalised.view());
}

uint64_t UniqueCells::Ref(storage::TenantId tenant, std::string_view type,
                          std::string_view ref) const {
  return Cell("unique ref", tenant, type, ref);
}

uint64_t UniqueCells::Cell(std::string_view label, storage::TenantId tenant, std::string_view scope,
                           std::string_view value) const {
  SecretMemberList members(label, 64 + label.size() + scope.size() + value.size());
  members.AddU64(tenant).Add(scope).Add(value);
  const HmacKey::Tag tag = key_.Compute(members.view());
  uint64_t cell = 0;
  std::memcpy(&cell, tag.data(), sizeof cell);
  return cell;
}

}  // namespace piivault::vault
