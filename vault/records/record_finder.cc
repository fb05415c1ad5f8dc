#include "vault/records/record_finder.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "vault/keys/blind_index.h"
#include "vault/keys/tokens.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {
namespace {

bool Before(const storage::RecordLocator& a, const storage::RecordLocator& b) {
  return std::tie(a.subject, a.record) < std::tie(b.subject, b.record);
}

bool Same(const storage::RecordLocator& a, const storage::RecordLocator& b) {
  return a.subject == b.subject && a.record == b.record;
}

// The least key behind `key`.
std::string Behind(storage::Key key) {
  key.bytes.push_back('\0');
  return std::move(key.bytes);
}

}  // namespace

absl::Status RecordFinder::Collect(const storage::Key& prefix, const std::string& start,
                                   size_t limit, std::vector<storage::RecordLocator>* out) {
  // A key of another length was planted: it is no place to go on from.
  const size_t size = prefix.table == storage::Table::kRecord
                          ? storage::SharedKeySize(prefix.table)
                          : prefix.bytes.size() + 2 * storage::Id128::kSize;
  size_t found = 0;
  return engine_.Scan(prefix, start, std::numeric_limits<size_t>::max(),
                      [&](std::string_view key, std::string_view) {
                        if (key.size() != size) return true;
                        out->push_back(storage::LocatorSuffix(key));
                        return ++found < limit;
                      });
}

absl::StatusOr<LoadResult> RecordFinder::FindRef(std::string_view type, std::string_view ref) {
  changes_.reads.push_back(EpochCell());
  std::vector<storage::RecordLocator> hits;
  for (const TenantKeys* keys : tenant_.indexed()) {
    const storage::Key prefix =
        storage::BlindIndexPrefix(tenant_.id(), keys->epoch, RefIndexDigest(*keys, type, ref));
    if (absl::Status status = Collect(prefix, prefix.bytes, 8, &hits); !status.ok()) return status;
  }
  absl::StatusOr<std::vector<LoadResult>> loaded = LoadRecords(engine_, tenant_, hits, &changes_);
  if (!loaded.ok()) return loaded.status();
  LoadResult answer;
  for (LoadResult& result : *loaded) {
    // What is left of an erased person's record keeps nobody from using the key again.
    if (result.reason == authz::Reason::kSubjectErased) continue;
    if (!result.ok() || result.record->type() != type ||
        !ConstantTimeEquals(result.record->header().ref(), ref)) {
      return LoadResult{authz::Reason::kDataLoss, nullptr};
    }
    answer = std::move(result);
  }
  return answer;
}

absl::StatusOr<std::vector<storage::RecordLocator>> RecordFinder::FindTerm(
    const SearchTerm& term, const storage::RecordLocator* after, size_t limit) {
  changes_.reads.push_back(EpochCell());
  std::vector<storage::RecordLocator> hits;
  for (const TenantKeys* keys : tenant_.indexed()) {
    for (const storage::IndexDigest& digest : term.Digests(*keys)) {
      const storage::Key prefix = storage::BlindIndexPrefix(tenant_.id(), keys->epoch, digest);
      const std::string start =
          after == nullptr ? prefix.bytes
                           : Behind(storage::BlindIndexKey(tenant_.id(), keys->epoch, digest,
                                                           after->subject, after->record));
      if (absl::Status status = Collect(prefix, start, limit, &hits); !status.ok()) return status;
    }
  }
  // A row on its way from one epoch or form to another may have been seen in both.
  std::sort(hits.begin(), hits.end(), Before);
  hits.erase(std::unique(hits.begin(), hits.end(), Same), hits.end());
  if (hits.size() > limit) hits.resize(limit);
  return hits;
}

absl::StatusOr<std::vector<storage::RecordLocator>> RecordFinder::FindType(
    std::string_view type, const storage::RecordLocator* after, size_t limit) {
  const storage::Key prefix = storage::TypeIndexPrefix(tenant_.id(), type);
  const std::string start =
      after == nullptr
          ? prefix.bytes
          : Behind(storage::TypeIndexKey(tenant_.id(), type, after->subject, after->record));
  std::vector<storage::RecordLocator> hits;
  if (absl::Status status = Collect(prefix, start, limit, &hits); !status.ok()) return status;
  return hits;
}

absl::StatusOr<std::vector<storage::RecordLocator>> RecordFinder::FindAll(
    const storage::RecordLocator* after, size_t limit) {
  const storage::Key prefix = storage::RecordPrefix(tenant_.id());
  const std::string start =
      after == nullptr ? prefix.bytes
                       : Behind(storage::RecordKey(tenant_.id(), after->subject, after->record));
  std::vector<storage::RecordLocator> hits;
  if (absl::Status status = Collect(prefix, start, limit, &hits); !status.ok()) return status;
  return hits;
}

absl::StatusOr<std::vector<storage::RecordLocator>> RecordFinder::FindSubject(
    const storage::Id128& subject, const storage::Id128* after, size_t limit) {
  const storage::Key prefix = storage::RecordPrefix(tenant_.id(), subject);
  const std::string start =
      after == nullptr ? prefix.bytes : Behind(storage::RecordKey(tenant_.id(), subject, *after));
  std::vector<storage::RecordLocator> hits;
  if (absl::Status status = Collect(prefix, start, limit, &hits); !status.ok()) return status;
  return hits;
}

absl::StatusOr<std::vector<TokenTarget>> RecordFinder::FindTokens(
    absl::Span<const storage::Id128> tokens) {
  std::vector<TokenTarget> targets(tokens.size());
  std::vector<storage::Key> keys;
  keys.reserve(tokens.size());
  std::map<storage::TokenHandle, size_t> places;  // tokens of one handle have one row
  for (size_t i = 0; i < tokens.size(); ++i) {
    targets[i].handle = NameOfRandomToken(tenant_.active(), tokens[i]).handle;
    if (!places.try_emplace(targets[i].handle, keys.size()).second) continue;
    keys.push_back(storage::TokenHandleKey(tenant_.id(), targets[i].handle));
    changes_.Read(keys.back());
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> rows = engine_.MultiGet(keys);
  if (!rows.ok()) return rows.status();
  for (size_t i = 0; i < tokens.size(); ++i) {
    TokenTarget& target = targets[i];
    const std::optional<std::string>& row = (*rows)[places[target.handle]];
    if (!row.has_value()) {
      target.deterministic = true;
      const storage::Key prefix = storage::DeterministicTokenPrefix(tenant_.id(), tokens[i]);
      absl::Status status = Collect(prefix, prefix.bytes, kMaxTokenRecords, &target.records);
      if (!status.ok()) return status;
      continue;
    }
    const std::optional<storage::RecordLocator> record = storage::ParseTokenHandleValue(*row);
    target.damaged = !record.has_value();
    if (record.has_value()) target.records.push_back(*record);
  }
  return targets;
}

absl::StatusOr<Hit> CheckHit(const ValueRules& rules, const SearchTerm& term,
                             LoadedRecord* record) {
  const std::optional<RecordField> stored = record->reader->Field(term.field_name());
  if (!stored.has_value() || stored->absent || stored->one_way) return Hit::kStray;
  absl::StatusOr<SecretBytes> value = record->reader->DecryptField(*stored);
  if (!value.ok()) return value.status();
  if (term.Matches(rules, value->view(), term.forms.back())) return Hit::kIs;
  return term.MayLeadTo(rules, value->view()) ? Hit::kWasOnce : Hit::kStray;
}

TokenField FieldOfToken(const TenantKeys& keys, const TokenTarget& target,
                        const storage::Id128& token, const LoadedRecord& record) {
  const storage::v1::TokenKind kind =
      target.deterministic ? storage::v1::TOKEN_KIND_DETERMINISTIC : storage::v1::TOKEN_KIND_RANDOM;
  // The row that led here is bound to nothing: it is by its tokens that a record knows its handles.
  bool has_handle = false;
  for (size_t i = 0; i < record.reader->field_count(); ++i) {
    const RecordField field = record.reader->FieldAt(i);
    if (field.absent || field.token_kind != kind) continue;
    if (ConstantTimeEquals(field.token, token.view())) return {authz::Reason::kOk, field};
    const std::optional<storage::Id128> other = storage::Id128::FromBytes(field.token);
    has_handle |= !target.deterministic && other.has_value() &&
                  NameOfRandomToken(keys, *other).handle == target.handle;
  }
  return {has_handle ? authz::Reason::kTokenInvalid : authz::Reason::kDataLoss, {}};
}

}  // namespace piivault::vault
