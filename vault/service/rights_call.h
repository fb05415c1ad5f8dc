#ifndef PIIVAULT_VAULT_SERVICE_RIGHTS_CALL_H_
#define PIIVAULT_VAULT_SERVICE_RIGHTS_CALL_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "piivault/v1/rights_service.pb.h"
#include "vault/rights/subject_request.h"
#include "vault/service/subject_change.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

// What the methods about people's requests have in common: whose request, which fields, and the
// decision about all of them. Open, then LoadPerson, LoadRequest or LoadToAnswer, then what the
// method does. Functions that return an optional plan return the refusal, or nothing to go on.
class RightsCall {
 public:
  RightsCall(CallContext& context, const VaultDependencies& deps) : call_(context, deps) {}

  VaultCall& call() { return call_; }
  SubjectState& person() { return person_; }
  SubjectUse& use() { return *person_.row.mutable_use(); }
  // REQUIRES: LoadRequest().
  SubjectRequestRow& request() { return *request_; }

  // Through the decision, before anything is looked up: whether the caller may work on requests
  // about some field at all. `name` is a person's or a request's.
  std::optional<Plan> OpenPerson(std::string_view name, const v1::Usage& usage);
  std::optional<Plan> OpenRequest(std::string_view name, const v1::Usage& usage);

  // The person, who has to be alive, and whether the caller may work on this one's requests about
  // some field.
  std::optional<Plan> LoadPerson();
  // And the request, with the decision about all of its fields that the policy still knows.
  std::optional<Plan> LoadRequest();
  // The same for staff and services alone: people ask, others answer.
  std::optional<Plan> LoadToAnswer();

  // Decides about fields: one that is denied refuses the whole. Puts them into the entry. `ids` may
  // be null.
  std::optional<Plan> Decide(absl::Span<const std::string_view> names,
                             std::vector<authz::FieldId>* ids);
  // Of the request's fields those that the caller may work on requests about; views into the row.
  std::set<std::string_view> VisibleFields(const SubjectRequestRow& row);

  // Refuses what the decision has let pass: the entry says whom it was about, and no more.
  Plan Refuse(authz::Reason reason, std::vector<std::string> fields = {});

  // Under which role Decide() has granted the first field.
  const authz::RoleSpec& role() const { return *role_; }
  // Whether all was granted to roles that act for people; and then for the very person.
  bool Asks() const { return asks_; }
  bool ByThePerson() const;

  // What the entry says of the request.
  void Describe(const SubjectRequestRow& row);
  void Note(std::string_view argument, const std::string& value);
  // All of it, or the visible fields alone.
  void FillRequest(const SubjectRequestRow& row, v1::SubjectRequest* request,
                   const std::set<std::string_view>* visible = nullptr);

 private:
  std::optional<Plan> Open(const std::optional<SubjectName>& subject, const v1::Usage& usage);
  // Refuses with what is said of the first type where no field of any is granted by `decide`.
  std::optional<Plan> DecideAny(
      absl::FunctionRef<authz::Decision(const authz::TypeSpec& type)> decide);

  VaultCall call_;
  storage::Id128 person_id_;
  std::string request_id_;
  SubjectState person_;
  SubjectRequestRow* request_ = nullptr;
  const authz::RoleSpec* role_ = nullptr;
  bool asks_ = true;
  bool answers_ = true;
};

// The fields that a caller names, `type.field` or `type.*`, written out, each once; views into the
// policy. Refuses what the policy does not know, by the name of the request's `argument`.
std::optional<Plan> ExpandFields(VaultCall& call,
                                 const google::protobuf::RepeatedPtrField<std::string>& patterns,
                                 std::string_view argument, std::vector<std::string_view>* names);

// Views of texts.
inline std::vector<std::string_view> ViewsOf(
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RIGHTS_CALL_H_
