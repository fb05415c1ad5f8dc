#ifndef PIIVAULT_VAULT_SERVICE_VAULT_CALL_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_CALL_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "authz/decision.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "piivault/v1/types.pb.h"
#include "vault/keys/page_token.h"
#include "vault/records/change_set.h"
#include "vault/records/record_loader.h"
#include "vault/records/record_writer.h"
#include "vault/records/tenant_scope.h"
#include "vault/service/matter_facts.h"
#include "vault/service/resource_name.h"
#include "vault/service/session.h"
#include "vault/service/subject_facts.h"
#include "vault/service/vault_service.h"
#include "vault/state/idempotency.h"

namespace piivault::vault {

inline constexpr int kMaxItems = 1000;
inline constexpr int kMaxFieldsNamed = 256;
inline constexpr int kDefaultPageSize = 100;
// Records that the tokens of one message may lead to.
inline constexpr size_t kMaxLocators = 4000;
// Records loaded at a time.
inline constexpr size_t kLoadSlice = 64;
// An answer of one message to a batch is no larger.
inline constexpr size_t kMaxAnswerBytes = size_t{8} << 20;

using FieldIds = absl::InlinedVector<authz::FieldId, 8>;
using FieldNames = absl::InlinedVector<std::string_view, 8>;

// A decision about somebody. `consent` is null: what it pointed to lives no longer than the facts.
struct PersonDecision : authz::Decision {
  std::string consent_id;  // that the vault gave the consent relied on; empty for none
};

// One message of a call about personal data while it is planned: caller, tenant, policy, what was
// read and is to be written, and the entry that grows with it.
//
// The order of use is that of the way through the vault: Open(), a Decide...() before anything is
// looked up, look-ups through scope() and changes(), Decide() for each record, Finish() or one of
// the refusals. Functions that return an optional plan return the refusal, or nothing to go on.
//
// Guarantees: every plan has an entry; a plan that comes after a look-up carries the cells of what
// was looked at, refusals too, so that a view of rows that was never true at one time is planned
// anew. Nothing that a caller submitted reaches an entry or an error but purposes that the policy
// knows, tickets that pass, and arguments that some rule of the policy asks for.
// Ownership: borrows context and dependencies. Thread-compatible; made for one Handler::Next().
class VaultCall {
 public:
  VaultCall(CallContext& context, const VaultDependencies& dependencies);

  // Caller, tenant, policy in force, keys, and the form of what `usage` says, which may be null.
  // `tenants/{tenant}`, or with OpenTenant() the bare id of a parsed name ("" for a malformed one).
  std::optional<Plan> Open(std::string_view parent, const v1::Usage* usage);
  std::optional<Plan> OpenTenant(std::string_view tenant, const v1::Usage* usage);

  // What the caller states with the use, where it is known only when the tenant is open.
  std::optional<Plan> State(const v1::Usage& usage);

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  const VaultDependencies& deps() const { return deps_; }
  const authz::Policy& policy() const { return *policy_; }
  const TenantScope& scope() const { return *scope_; }
  const std::string& tenant_id() const { return tenant_->name; }
  // The person that the caller acts for, as a subject's name; empty for none.
  std::string_view on_behalf_of() const {
    return usage_ == nullptr ? std::string_view() : usage_->on_behalf_of();
  }
  ChangeSet& changes() { return changes_; }
  storage::v1::EntryBody& entry() { return entry_; }
  absl::Time now() const { return session_.now(); }
  // The same, but no later than vault time is vouched for: for whether a law keeps something still.
  absl::Time vouched() const {
    return deps_.vouched == nullptr ? now() : std::min(now(), deps_.vouched());
  }
  RecordWriter::Deps writer_deps() const {
    return {deps_.engine, deps_.rules, deps_.unique, deps_.random};
  }

  // What is asked, but verb, type and fields. The tenant's matters that the arguments name are in
  // it, and their cells in every plan that grants.
  authz::DecisionInput Input(authz::Verb verb) const;

  // The fields of `type` by these names; kNoField for an unknown one. Refuses names that are empty,
  // repeated or too many.
  std::optional<Plan> CheckFieldNames(absl::Span<const std::string_view> names, bool required);
  void ResolveFields(authz::TypeId type, absl::Span<const std::string_view> names,
                     FieldIds* ids) const;

  // Step 3: refuses what no record could make right. Where the type is not known before the record
  // is (its name does not say it), it is enough that one type would do. `only_type` is the type
  // that the name says; then no other counts, or a caller would learn of keys in types that are
  // none of its business.
  // `adjust`, where given, completes the input of each type.
  std::optional<Plan> DecideAnyType(authz::Verb verb, absl::Span<const std::string_view> fields,
                                    bool allow_partial, std::optional<std::string_view> only_type,
                                    absl::FunctionRef<void(authz::DecisionInput*)> adjust);
  std::optional<Plan> DecideAnyType(authz::Verb verb, absl::Span<const std::string_view> fields,
                                    bool allow_partial,
                                    std::optional<std::string_view> only_type = std::nullopt) {
    return DecideAnyType(verb, fields, allow_partial, only_type, [](authz::DecisionInput*) {});
  }
  // The same for one name of several: the decision about records of its type.
  authz::Decision DecideOnlyType(authz::Verb verb, absl::Span<const std::string_view> fields,
                                 std::string_view only_type) const;
  // The same for a known type.
  std::optional<Plan> DecideType(authz::Verb verb, authz::TypeId type,
                                 absl::Span<const authz::FieldId> fields, bool allow_partial);
  // The same for what is about the tenant or a person as a whole.
  std::optional<Plan> DecideTenant(authz::Verb verb);

  // Step 4: the decision about one record or person. The first one by a role that acts for a person
  // finds whom the caller acts for; where there is none, all by such roles are refused.
  PersonDecision Decide(const authz::DecisionInput& input, const PersonFacts& person);
  PersonDecision Decide(authz::Verb verb, authz::TypeId type,
                        absl::Span<const authz::FieldId> fields, const PersonFacts& person);
  PersonDecision Decide(authz::Verb verb, authz::TypeId type,
                        absl::Span<const authz::FieldId> fields, const LoadedRecord& record);
  PersonDecision Decide(authz::Verb verb, authz::TypeId type,
                        absl::Span<const authz::FieldId> fields, const SubjectState& subject);

  // A record by its resource name, by either form; malformed names were refused before.
  absl::StatusOr<LoadResult> Resolve(const RecordName& name);
  // Parses a record name and opens its tenant.
  std::optional<Plan> OpenRecord(std::string_view name, const v1::Usage* usage, RecordName* parsed);
  std::string SubjectNameOf(const storage::Id128& subject) const;

  // Between the items of a call that may have many.
  void Yield() const { vault::Yield(context_); }

  // Role and attestation of the decision, for the entry, and the emergency that gave the role.
  void Describe(const authz::Decision& decision);
  // And the consent relied on.
  void Describe(const PersonDecision& decision);
  // The same for what shows or writes one of several: the call's role stays, and where the decision
  // was by another one, `item` names it.
  void Describe(const PersonDecision& decision, storage::v1::EntryItem* item);
  // The decision's role where it is not the one that the entry names; else empty.
  std::string_view OtherRole(const authz::Decision& decision) const;
  // The consent that the call rests on or is about; where there are several, the entry names none.
  // Under which role an item was decided, where it is not the entry's.
  void DescribeRole(const authz::RoleSpec& role, storage::v1::EntryItem* item);
  void DescribeConsent(std::string_view id);
  // An item of the entry for a record or, without one, for what was not found.
  storage::v1::EntryItem* AddItem(const LoadedRecord* record);
  storage::v1::EntryItem* AddItem(const WriteResult& result);
  // An item that came to nothing, where the call as a whole did not.
  void AddFailedItem(authz::Reason reason, const LoadedRecord* record = nullptr);
  // What became of the whole: some of it was not done, for this reason; or none of it.
  void MarkPartial(authz::Reason reason, bool anything_done = true);
  // What the decision says of each field, into the item.
  void AddFields(const authz::Decision& decision, storage::v1::EntryItem* item) const;

  // A request id that took effect before; then `*response` is filled in and the call is answered by
  // Replay(). Refuses one that was used for other content. Nothing for an empty id.
  // `content`, where given, stands for the request: what must not be held against a quick HMAC is
  // not in it.
  std::optional<Plan> FindRequest(std::string_view request_id, google::protobuf::Message* response,
                                  const google::protobuf::Message* content = nullptr);
  // This message is not the answer that is remembered: more follow.
  void ForgetRequest() { request_.reset(); }
  bool replayed() const { return request_.has_value() && request_->response.has_value(); }

  // Answers, with all that was read and written, and remembers the request id.
  Plan Finish(google::protobuf::Message* response);
  // The same with an answer that is encoded already. REQUIRES: there is no request id.
  Plan Finish(WireWriter response);

  Plan Refuse(authz::Reason reason, std::vector<std::string> fields = {});
  // As errors.h tells the reason.
  Plan Refuse(const absl::Status& status);
  // Where some items are in the entry already: nothing of any of them is told, nor entered.
  Plan RefuseAll(authz::Reason reason);
  // As the decision says, with the fields that it denies.
  Plan Refuse(const authz::Decision& decision, const LoadedRecord* record = nullptr);

  // Full names of the denied fields that the policy knows.
  std::vector<std::string> DeniedFields(const authz::Decision& decision) const;

  // Where a list goes on; refuses what was not sealed for this caller, method and `request` (which
  // has its page token and page size cleared).
  std::optional<Plan> OpenPage(const google::protobuf::Message& request, std::string_view token,
                               int page_size, std::optional<storage::RecordLocator>* after);
  std::string SealPage(const storage::RecordLocator& last);

 private:
  Plan Complete(Plan plan);
  // A plan that answers, with what is to be written.
  Plan WithWrites(Plan plan);
  // Takes what the entry releases out of the policy's budgets; refuses what exceeds one.
  std::optional<Plan> TakeBudget(std::shared_ptr<VolumeBudgets::Taken>* taken);
  // kOk, or why what the caller states is not taken.
  authz::Reason TakeUsage(const v1::Usage& usage);
  authz::Reason TakeArguments(const v1::Usage& usage);
  // Finds the person that the caller acts for, once; `concerned` may be that person.
  authz::Reason FindActor(const PersonFacts* concerned);
  // What of a role that something was decided by has to be in the entry.
  void NoteRole(const authz::RoleSpec& role);
  // Refuses everything where the call acts for a person and that one cannot be acted for.
  std::optional<Plan> CheckActor();
  // Looks up the tenant's matters that the arguments name.
  void FindMatters();

  CallContext& context_;
  const VaultDependencies& deps_;
  Session session_;
  const TenantState* tenant_ = nullptr;
  const authz::Policy* policy_ = nullptr;
  std::optional<TenantScope> scope_;
  std::string tenant_name_;  // `tenants/{tenant}`
  const v1::Usage* usage_ = nullptr;
  absl::InlinedVector<authz::Argument, 8> arguments_;
  std::optional<storage::Id128> actor_;       // whom the caller acts for
  std::optional<authz::Reason> actor_found_;  // what FindActor() has said
  MatterFacts matters_;                       // of the tenant
  ChangeSet changes_;
  storage::v1::EntryBody entry_;
  bool several_consents_ = false;
  bool acts_for_a_person_ = false;  // Describe() has named a role of kind `subject`
  std::optional<RequestRecord> request_;
  Sha256Digest page_request_{};
};

// The type that a record's name says, if it does.
inline std::optional<std::string_view> TypeIn(const RecordName& name) {
  if (!name.by_ref) return std::nullopt;
  return name.type;
}

// The names of a request; views into it.
inline FieldNames NamesOf(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return FieldNames(names.begin(), names.end());
}

// For each text of a list the place where it is first; work is done once, there.
std::vector<int> FirstPlaces(const google::protobuf::RepeatedPtrField<std::string>& list);

// Fails one item of a batch. `field` may be null.
void SetFailure(authz::Reason reason, const authz::FieldSpec* field, v1::Failure* failure);

// A record's metadata as the wire has it.
void FillRecord(std::string_view tenant, const RecordIdentity& identity,
                const storage::v1::RecordHeader& header, const Sha256Digest& row_digest,
                v1::Record* record);
void FillRecord(std::string_view tenant, const LoadedRecord& record, v1::Record* wire);
std::string EtagOf(const Sha256Digest& row_digest);

// Whether the fields that were refused stand in the answer.
enum class Denied { kNamed, kLeftOut };

// Adds a v1::RevealedRecord as field `field`: what the decision grants of the record's fields, as
// it says: plain, masked or the token. DATA_LOSS where a value does not open; then nothing of the
// record is left in `out`.
[[nodiscard]] absl::Status ReleaseRecord(const VaultCall& call, const authz::Decision& decision,
                                         LoadedRecord* record, Denied denied, int field,
                                         WireWriter* out);
// Adds one value of it as the v1::FieldValue of field `field`; false (and nothing added) where the
// record has no value to show in that view.
[[nodiscard]] absl::StatusOr<bool> ReleaseField(const VaultCall& call,
                                                const authz::FieldDecision& decision,
                                                LoadedRecord* record, int field, WireWriter* out);
// Adds a value as the v1::FieldValue of field `field`, plain or masked as the decision says.
// REQUIRES: it says one of these.
[[nodiscard]] absl::Status ShowValue(const VaultCall& call, const authz::FieldDecision& decision,
                                     std::string_view plain, int field, WireWriter* out);
// Adds a v1::Failure as field `field` for each field that the decision refuses.
void AddDenied(const VaultCall& call, const authz::Decision& decision, int field, WireWriter* out);
// Adds a v1::Failure as field `field`. `fields` without unknown names, which are the caller's text.
void AddFailure(authz::Reason reason, absl::Span<const std::string_view> fields, int field,
                WireWriter* out);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_CALL_H_
