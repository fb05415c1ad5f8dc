#include "vault/records/field_terms.h"

#include <cstring>
#include <utility>

#include "absl/status/statusor.h"
#include "vault/keys/blind_index.h"
#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

std::vector<FieldTerm> MakeTerms(const ValueRules& rules, const authz::FieldSpec& field,
                                 std::string_view value, KeyClass key_class, bool whole,
                                 bool domain) {
  std::vector<FieldTerm> terms;
  if (whole) {
    absl::StatusOr<SecretBytes> normalised = rules.NormalizeForSearch(field.semantic, value);
    if (normalised.ok()) terms.push_back({field.full_name, *std::move(normalised), key_class});
  }
  if (domain) {
    // A flagged address may have none.
    absl::StatusOr<SecretBytes> normalised = rules.NormalizeEmailDomain(value);
    if (normalised.ok()) {
      terms.push_back({DomainIndexName(field), *std::move(normalised), key_class});
    }
  }
  return terms;
}

}  // namespace

storage::IndexDigest FieldTerm::Digest(const TenantKeys& keys) const {
  const std::pair of(keys.tenant, keys.epoch);
  if (digest_of != of) {
    digest = BlindIndexDigest(keys, kNormaliserVersion, index, normalised.view(), key_class);
    digest_of = of;
  }
  return digest;
}

absl::InlinedVector<storage::IndexDigest, 2> FieldTerm::SearchDigests(
    const TenantKeys& keys) const {
  absl::InlinedVector<storage::IndexDigest, 2> digests = {Digest(keys)};
  if (key_class == KeyClass::kImportant) {
    digests.push_back(
        BlindIndexDigest(keys, kNormaliserVersion, index, normalised.view(), KeyClass::kNormal));
  }
  return digests;
}

std::string DomainIndexName(const authz::FieldSpec& field) { return field.full_name + "@domain"; }

std::vector<FieldTerm> IndexTerms(const ValueRules& rules, const authz::FieldSpec& field,
                                  std::string_view value, KeyClass key_class) {
  return MakeTerms(rules, field, value, key_class, field.index || field.unique, field.index_domain);
}

std::vector<FieldTerm> RemovalTerms(const ValueRules& rules, const authz::FieldSpec& field,
                                    std::string_view value, KeyClass key_class) {
  const authz::SemanticTypeInfo& type = authz::GetSemanticType(field.semantic);
  return MakeTerms(rules, field, value, key_class, type.indexable && !type.low_cardinality,
                   field.semantic == authz::SemanticType::kEmailAddress);
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
