#ifndef PIIVAULT_VAULT_SERVICE_MATTER_CALL_H_
#define PIIVAULT_VAULT_SERVICE_MATTER_CALL_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "piivault/v1/subject_service.pb.h"
#include "vault/service/subject_change.h"
#include "vault/service/vault_call.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// One call about a matter: whose, and of which kind.
//
// The order of use: Open(), the checks of form (Name(), CheckState(), CheckType(), NameRecords()),
// Load(), what looks things up, and a VaultCall's Finish() or FinishOfTenant().
// Ownership: borrows context and dependencies. Thread-compatible; made for one Handler::Next().
class MatterCall {
 public:
  using RecordNames = google::protobuf::RepeatedPtrField<std::string>;

  // `path` stands before the names of arguments: `matter.` or nothing. A literal, as it is kept.
  MatterCall(CallContext& context, const VaultDependencies& deps, std::string_view path)
      : call_(context, deps), path_(path) {}

  VaultCall& call() { return call_; }
  const std::optional<storage::Id128>& person_id() const { return person_id_; }
  SubjectState& person() { return person_; }
  const authz::MatterSpec& spec() const { return *spec_; }
  const MatterMap& of_tenant() { return call_.session().state().matters(call_.scope().id()); }

  // Through the decision, before anything is looked up.
  std::optional<Plan> Open(std::string_view parent, const v1::Usage& usage,
                           absl::Span<const authz::Verb> verbs);

  // The kind, which has to be of persons or of tenants, as the parent is, and the id, which go into
  // the entry.
  std::optional<Plan> Name(std::string_view kind, std::string_view id);
  // Words of the policy, which go into the entry; empty: nothing is said.
  std::optional<Plan> CheckState(const std::string& state);
  std::optional<Plan> CheckType(const std::string& type);
  // Records that it is to be about, by the names that the request has under `argument`.
  std::optional<Plan> NameRecords(const RecordNames& names, std::string_view argument);

  // The person, where it is about one. What is the tenant's is nobody's own, and rests on no
  // person's matters or consent.
  std::optional<Plan> Load(absl::Span<const authz::Verb> verbs);

  // The tenant's matter, for the read set too; null for none.
  const MatterState* FindOfTenant(std::string_view kind, std::string_view id);

  // Adds the named records that the matter is not about yet. Each must be there, and the person's
  // own: kNotFound does not tell one that is not there from one that is somebody else's, which is
  // not looked for. The entry has an item for each that is added. `row` is one of the person's
  // matters, or to become one. REQUIRES: Load().
  std::optional<Plan> LinkRecords(storage::v1::MatterRow* row);

  Plan Bad(authz::Reason reason, std::string_view argument);
  void FillMatter(const storage::v1::MatterRow& row, v1::Matter* matter) const;

  // Writes the tenant's matter, and takes away those that it takes the place of.
  Plan FinishOfTenant(google::protobuf::Message* response, const storage::v1::MatterRow& row,
                      absl::Span<const storage::v1::MatterRow> removed = {});

 private:
  VaultCall call_;
  const std::string_view path_;
  std::optional<storage::Id128> person_id_;
  const authz::MatterSpec* spec_ = nullptr;
  SubjectState person_;
  std::vector<RecordName> records_;  // views into the request
  std::string_view records_argument_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_MATTER_CALL_H_
