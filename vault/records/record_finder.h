#ifndef PIIVAULT_VAULT_RECORDS_RECORD_FINDER_H_
#define PIIVAULT_VAULT_RECORDS_RECORD_FINDER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "authz/field_spec.h"
#include "storage/engine.h"
#include "vault/records/change_set.h"
#include "vault/records/field_terms.h"
#include "vault/records/record_loader.h"
#include "vault/records/tenant_scope.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// Where a token points, before the records are opened.
struct TokenTarget {
  bool deterministic = false;
  storage::TokenHandle handle;                  // of a random token: whose row led to the record
  std::vector<storage::RecordLocator> records;  // one; of a deterministic token: its set
  bool damaged = false;                         // the handle's row is none
};

// Ways to a tenant's records: by the caller's key, value, token, type and person.
//
// Guarantees: finds rows of this tenant alone, and of every epoch that has any. What it hands out
// are hits: a caller loads them, checks them with the functions below, and decides.
// Ownership: borrows all; made for one message of a call. Thread-compatible.
class RecordFinder {
 public:
  // At most so many records of one deterministic token are considered.
  static constexpr size_t kMaxTokenRecords = 64;

  RecordFinder(const storage::Engine& engine, const TenantScope& tenant, ChangeSet* changes)
      : engine_(engine), tenant_(tenant), changes_(*changes) {}

  // The record with this key of the caller's, loaded and checked; kNotFound, kDataLoss.
  [[nodiscard]] absl::StatusOr<LoadResult> FindRef(std::string_view type, std::string_view ref);

  // Hits of what is looked for behind `after` (nullptr: from the first), ascending, each once, at
  // most `limit`.
  [[nodiscard]] absl::StatusOr<std::vector<storage::RecordLocator>> FindTerm(
      const SearchTerm& term, const storage::RecordLocator* after, size_t limit);

  // Records of a type behind `after`, ascending.
  [[nodiscard]] absl::StatusOr<std::vector<storage::RecordLocator>> FindType(
      std::string_view type, const storage::RecordLocator* after, size_t limit);

  // Records of all types behind `after`, ascending: from the records themselves, so that no index
  // row that was taken away hides any.
  [[nodiscard]] absl::StatusOr<std::vector<storage::RecordLocator>> FindAll(
      const storage::RecordLocator* after, size_t limit);

  // Records of a person behind `after`.
  [[nodiscard]] absl::StatusOr<std::vector<storage::RecordLocator>> FindSubject(
      const storage::Id128& subject, const storage::Id128* after, size_t limit);

  // One for each token; an unknown one has no records.
  [[nodiscard]] absl::StatusOr<std::vector<TokenTarget>> FindTokens(
      absl::Span<const storage::Id128> tokens);

 private:
  absl::Status Collect(const storage::Key& prefix, const std::string& start, size_t limit,
                       std::vector<storage::RecordLocator>* out);

  const storage::Engine& engine_;
  const TenantScope& tenant_;
  ChangeSet& changes_;
};

// What a hit of a term is.
enum class Hit {
  kIs,       // the record holds the value
  kWasOnce,  // it holds one that was the same by a form that is not wanted any more
  kStray,    // neither: the row that led here was moved
};
// Errors of the value, which does not open.
[[nodiscard]] absl::StatusOr<Hit> CheckHit(const ValueRules& rules, const SearchTerm& term,
                                           LoadedRecord* record);

// What a token stands for in a record that a row of it has led to.
struct TokenField {
  // kOk; kTokenInvalid (of no field, under a handle of this record: dead, or made up); kDataLoss
  // (the row was moved).
  authz::Reason reason = authz::Reason::kDataLoss;
  RecordField field;  // where kOk

  bool ok() const { return reason == authz::Reason::kOk; }
};
TokenField FieldOfToken(const TenantKeys& keys, const TokenTarget& target,
                        const storage::Id128& token, const LoadedRecord& record);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_RECORD_FINDER_H_
