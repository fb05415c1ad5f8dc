#ifndef PIIVAULT_VAULT_RECORDS_RECORD_WRITER_H_
#define PIIVAULT_VAULT_RECORDS_RECORD_WRITER_H_

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "authz/policy.h"
#include "authz/reason.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/records/change_set.h"
#include "vault/records/earlier_values.h"
#include "vault/records/field_terms.h"
#include "vault/records/record_finder.h"
#include "vault/records/record_loader.h"
#include "vault/records/subject_rows.h"
#include "vault/records/tenant_scope.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// A value that was validated. Borrowed, as all views here are, until the writer has returned.
struct FieldWrite {
  const authz::FieldSpec* field = nullptr;
  std::string_view value;
  bool flagged = false;
  bool one_way = false;  // the value is a StoredCredential
};

// A record to make. Fields are of `type` and named once.
struct RecordDraft {
  const authz::TypeSpec* type = nullptr;
  std::optional<storage::Id128> subject;  // absent: a new person
  std::string_view ref;                   // empty: none
  std::string_view notice;
  std::string_view controller;  // empty: the tenant's own
  storage::v1::Provenance provenance;
  std::vector<FieldWrite> fields;
  std::optional<absl::CivilDay> born;  // what the fields say of it
};

// A change of a record.
struct RecordChange {
  std::vector<FieldWrite> set;
  std::vector<std::string_view> clear;  // field names; not in `set`
  bool clear_others = false;            // whatever is not in `set`, but credentials
  bool forget_ref = false;              // the caller's own key of the record goes
  bool new_provenance = false;          // `provenance` and, if any, `notice` replace the old ones
  std::string_view notice;
  storage::v1::Provenance provenance;
  std::optional<absl::CivilDay> born;  // what `set` says of it
  std::string_view author;             // whose change it is, a principal's bare name
  // Fields whose earlier values a law keeps, whatever the policy says of their history.
  std::vector<std::string_view> held;

  // Whether a field is left without a value.
  bool Clears(std::string_view name, bool credential = false) const;
  bool Holds(std::string_view name) const {
    return std::find(held.begin(), held.end(), name) != held.end();
  }
  // Null where the field is not set.
  const FieldWrite* WriteOf(std::string_view name) const;
};

// What a write has made, or why it was not planned.
struct WriteResult {
  // kOk; kAlreadyExists (`field` set, or null for the ref); kNotFound, kSubjectErased (the person);
  // kHistoryFull (`field` set); kIndexBuilding (`field` set: too many values were the same by a
  // form that is not wanted any more); kDataLoss.
  authz::Reason reason = authz::Reason::kOk;
  const authz::FieldSpec* field = nullptr;

  RecordIdentity identity;
  storage::v1::RecordHeader header;  // of the new version, with its tokens
  std::string subject_ref;
  Sha256Digest digest{};  // of the new row

  bool ok() const { return reason == authz::Reason::kOk; }
};

// Plans the writes of one message: each record wholly or not at all, all rows of a record together.
//
// Guarantees: a write leaves no row of an older version behind: its wrap, deterministic tokens and
// index rows of old values go in the same batch. A random token is a field's until that is cleared,
// and no other's ever after. A unique value or a ref is taken once, also within one message and
// against creates that are planned at the same time (UniqueCells).
// Earlier values are kept as earlier_values.h says; they have neither tokens nor index rows.
// The birthday in the person's row follows the birth dates that are written, and goes with the one
// that it came from.
// Does not: decide, or validate values.
// Ownership: borrows all; made for one message. Finish() ends it. Thread-compatible.
class RecordWriter {
 public:
  struct Deps {
    const storage::Engine& engine;
    const ValueRules& rules;
    const UniqueCells& unique;
    RandomSource& random;
  };

  RecordWriter(const Deps& deps, const TenantScope& tenant, const authz::Policy& policy,
               absl::Time now, ChangeSet* changes)
      : deps_(deps), tenant_(tenant), policy_(policy), now_(now), changes_(*changes) {}

  // The person that records are to be added to, as the message leaves it so far, for decisions; the
  // row is loaded once. Null with `*reason`: kNotFound, kSubjectErased, kDataLoss. Valid until the
  // next write.
  [[nodiscard]] absl::StatusOr<const SubjectState*> Person(const storage::Id128& id,
                                                           authz::Reason* reason);

  // An error is of the engine or the keys and ends the message; what concerns the one record is in
  // the result.
  [[nodiscard]] absl::StatusOr<WriteResult> Create(const RecordDraft& draft);

  // REQUIRES: `record` was loaded for this message and is not written twice in it.
  [[nodiscard]] absl::StatusOr<WriteResult> Update(LoadedRecord* record,
                                                   const RecordChange& change);

  // Removes every row of the record, and its id from the person's matters; the person's version
  // grows. DATA_LOSS where a field does not open, because then its index rows are not known.
  [[nodiscard]] absl::Status Delete(LoadedRecord* record);

  // What bears on the use of the data of the record's person, to be changed; valid until the next
  // write. Its version grows.
  storage::v1::SubjectUse& ChangeUse(const LoadedRecord& record);

  // Stores the persons that records were added to or taken from, or whose use changes. Last.
  void Finish();

 private:
  struct PreparedField;

  // A person of this message; stored at its end where it was changed.
  struct StagedPerson {
    SubjectState state;
    bool changed = false;
    bool use_changed = false;  // said in the log by itself, as no record's digest shows it
  };

  // The person a record goes to, a new one without `id`; null with a reason.
  absl::StatusOr<StagedPerson*> PersonFor(const std::optional<storage::Id128>& id,
                                          authz::Reason* reason);
  // The person of a loaded record, to be changed.
  StagedPerson& Changed(const LoadedRecord& record);
  // The birth date that a field held is no longer there.
  void ForgetBirthday(const LoadedRecord& record, std::string_view value);
  absl::StatusOr<authz::Reason> TakeRef(std::string_view type, std::string_view ref);
  // `term` is the whole value's.
  absl::StatusOr<authz::Reason> TakeUnique(const authz::FieldSpec& field, std::string_view value,
                                           const FieldTerm& term,
                                           const storage::RecordLocator* self);
  PreparedField Prepare(const FieldWrite& write, const storage::v1::FieldHeader* before,
                        uint64_t version);
  // What an update neither sets nor clears.
  static absl::StatusOr<PreparedField> CarryOver(LoadedRecord* record,
                                                 const storage::v1::FieldHeader& old);
  // Encrypts and stores row and wrap, and the token handles instead of those of `before`, which may
  // be null; fills digest and header of `result`, which takes those of the fields.
  absl::Status Store(std::vector<PreparedField>* fields, const EarlierValues& earlier,
                     const LoadedRecord* before, WriteResult* result);
  static void SetToken(const storage::Id128& token, storage::v1::TokenKind kind,
                       storage::v1::FieldHeader* header);
  // Gives the fields that are to have a random token and have none one each, under a new handle.
  void GiveRandomTokens(storage::v1::RecordHeader* header);
  // Of the random tokens that its fields have.
  std::set<storage::TokenHandle> HandlesOf(const storage::v1::RecordHeader& header) const;
  // Of deterministic tokens: random ones have no rows of their own.
  void PutToken(const RecordIdentity& identity, const storage::v1::FieldHeader& field);
  void DeleteToken(const RecordIdentity& identity, const storage::v1::FieldHeader& field);
  void DeleteRef(const RecordIdentity& identity, const storage::v1::RecordHeader& header);
  void PutTerms(const RecordIdentity& identity, const std::vector<FieldTerm>& terms);
  void DeleteTerm(const RecordIdentity& identity, const FieldTerm& term);
  // The field's old value's index rows, but those of terms in `keep`.
  absl::Status DeleteOldTerms(LoadedRecord* record, const storage::v1::FieldHeader& field,
                              const std::vector<FieldTerm>* keep);

  const Deps deps_;
  const TenantScope& tenant_;
  const authz::Policy& policy_;
  const absl::Time now_;
  ChangeSet& changes_;

  std::map<storage::Id128, StagedPerson> persons_;  // of this message
  std::set<storage::IndexDigest> taken_;            // refs and unique values of this message
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_RECORD_WRITER_H_
