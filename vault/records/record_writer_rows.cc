// The rows of RecordWriter that lead to records: refs, unique values, tokens, blind indexes.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "vault/keys/blind_index.h"
#include "vault/keys/tokens.h"
#include "vault/records/record_writer.h"
#include "vault/text.h"
#include "vault/values/dates.h"

namespace piivault::vault {

using storage::v1::FieldHeader;

namespace {

// Hits of a unique value that are looked at together, and at most.
constexpr size_t kUniqueHits = 8;
constexpr size_t kMostUniqueHits = 256;

}  // namespace

void RecordWriter::SetToken(const storage::Id128& token, storage::v1::TokenKind kind,
                            FieldHeader* header) {
  header->set_token(token.bytes.data(), token.bytes.size());
  header->set_token_kind(kind);
}

absl::StatusOr<authz::Reason> RecordWriter::TakeRef(std::string_view type, std::string_view ref) {
  const uint64_t cell = deps_.unique.Ref(tenant_.id(), type, ref);
  changes_.reads.push_back(cell);
  changes_.touches.push_back(cell);
  if (taken_.contains(RefIndexDigest(tenant_.active(), type, ref))) {
    return authz::Reason::kAlreadyExists;
  }
  absl::StatusOr<LoadResult> found =
      RecordFinder(deps_.engine, tenant_, &changes_).FindRef(type, ref);
  if (!found.ok()) return found.status();
  if (found->ok()) return authz::Reason::kAlreadyExists;
  return found->reason == authz::Reason::kNotFound ? authz::Reason::kOk : found->reason;
}

absl::StatusOr<authz::Reason> RecordWriter::TakeUnique(const authz::FieldSpec& field,
                                                       std::string_view value,
                                                       const FieldTerm& term,
                                                       const storage::RecordLocator* self) {
  const uint64_t cell = deps_.unique.Value(tenant_.id(), term);
  changes_.reads.push_back(cell);
  changes_.touches.push_back(cell);
  if (taken_.contains(term.Digest(tenant_.active()))) return authz::Reason::kAlreadyExists;
  const FieldIndex* const index = tenant_.indexes().Find(field.full_name);
  absl::StatusOr<SearchTerm> search =
      SearchTerm::Of(deps_.rules, field.full_name, *index, &IndexForm::whole, value);
  if (!search.ok()) return search.status();
  RecordFinder finder(deps_.engine, tenant_, &changes_);
  // Nearly always there are no hits, or one; what was the same by another form only is passed over.
  std::optional<storage::RecordLocator> last;
  for (size_t examined = 0; examined < kMostUniqueHits; examined += kUniqueHits) {
    absl::StatusOr<std::vector<storage::RecordLocator>> hits =
        finder.FindTerm(*search, last.has_value() ? &*last : nullptr, kUniqueHits);
    if (!hits.ok()) return hits.status();
    absl::StatusOr<std::vector<LoadResult>> loaded =
        LoadRecords(deps_.engine, tenant_, *hits, &changes_);
    if (!loaded.ok()) return loaded.status();
    for (LoadResult& result : *loaded) {
      if (result.reason == authz::Reason::kSubjectErased) continue;
      if (!result.ok()) return authz::Reason::kDataLoss;
      const storage::RecordLocator at = result.record->locator();
      if (self != nullptr && at.subject == self->subject && at.record == self->record) continue;
      const absl::StatusOr<Hit> hit = CheckHit(deps_.rules, *search, result.record.get());
      if (!hit.ok() || *hit == Hit::kStray) return authz::Reason::kDataLoss;
      if (*hit == Hit::kIs) return authz::Reason::kAlreadyExists;
    }
    if (hits->size() < kUniqueHits) return authz::Reason::kOk;
    last = hits->back();
  }
  return authz::Reason::kIndexBuilding;
}

void RecordWriter::PutToken(const RecordIdentity& id, const FieldHeader& field) {
  if (field.token_kind() != storage::v1::TOKEN_KIND_DETERMINISTIC) return;
  const std::optional<storage::Id128> token = storage::Id128::FromBytes(field.token());
  if (!token.has_value()) return;
  changes_.Put(storage::DeterministicTokenKey(id.tenant, *token, id.subject, id.record), "");
}

void RecordWriter::DeleteToken(const RecordIdentity& id, const FieldHeader& field) {
  if (field.token_kind() != storage::v1::TOKEN_KIND_DETERMINISTIC) return;
  const std::optional<storage::Id128> token = storage::Id128::FromBytes(field.token());
  if (!token.has_value()) return;
  changes_.Delete(storage::DeterministicTokenKey(id.tenant, *token, id.subject, id.record));
}

void RecordWriter::PutTerms(const RecordIdentity& id, const std::vector<FieldTerm>& terms) {
  for (const FieldTerm& term : terms) {
    const storage::IndexDigest digest = term.Digest(tenant_.active());
    changes_.Put(
        storage::BlindIndexKey(id.tenant, tenant_.active().epoch, digest, id.subject, id.record),
        "");
  }
}

void RecordWriter::DeleteTerm(const RecordIdentity& id, const FieldTerm& term) {
  for (const TenantKeys* keys : tenant_.indexed()) {
    changes_.Delete(
        storage::BlindIndexKey(id.tenant, keys->epoch, term.Digest(*keys), id.subject, id.record));
  }
}

absl::Status RecordWriter::DeleteOldTerms(LoadedRecord* record, const FieldHeader& field,
                                          const std::vector<FieldTerm>* keep) {
  // A credential is under no index.
  if (field.one_way()) return absl::OkStatus();
  const std::string name = Concat({record->type(), ".", field.name()});
  const FieldIndex* const index = tenant_.indexes().Find(name);
  const authz::FieldId id = policy_.FindField(name);
  const bool birthday =
      id != authz::kNoField && policy_.field(id).semantic == authz::SemanticType::kBirthDate;
  if (index == nullptr && !birthday) return absl::OkStatus();
  absl::StatusOr<SecretBytes> value = record->reader->DecryptField(field);
  if (!value.ok()) return value.status();
  if (birthday) ForgetBirthday(*record, value->view());
  for (const FieldTerm& term :
       RemovalTerms(deps_.rules, name, index, value->view(), KeyClassOf(field.important()))) {
    const bool stays =
        keep != nullptr && std::find(keep->begin(), keep->end(), term) != keep->end();
    if (!stays) DeleteTerm(record->identity, term);
  }
  return absl::OkStatus();
}

// A handle of their own for the tokens of each write: were numbers counted on under the first one,
// a record that was put back (an older database, a row of last week) would count the same ones
// again, and a token that is out there would come to stand for another field.
void RecordWriter::GiveRandomTokens(storage::v1::RecordHeader* header) {
  RandomTokenName next;
  bool drawn = false;
  for (FieldHeader& field : *header->mutable_fields()) {
    if (field.token_kind() != storage::v1::TOKEN_KIND_RANDOM || !field.token().empty()) continue;
    if (!std::exchange(drawn, true)) deps_.random.Fill(absl::MakeSpan(next.handle.bytes));
    SetToken(RandomTokenOf(tenant_.active(), next), field.token_kind(), &field);
    ++next.number;
  }
}

std::set<storage::TokenHandle> RecordWriter::HandlesOf(
    const storage::v1::RecordHeader& header) const {
  std::set<storage::TokenHandle> handles;
  for (const FieldHeader& field : header.fields()) {
    if (field.absent() || field.token_kind() != storage::v1::TOKEN_KIND_RANDOM) continue;
    const std::optional<storage::Id128> token = storage::Id128::FromBytes(field.token());
    if (token.has_value()) handles.insert(NameOfRandomToken(tenant_.active(), *token).handle);
  }
  return handles;
}

}  // namespace piivault::vault
