// The operation table: the verbs a policy grants, and how an RPC names what it needs.
//
// A verb acts on named fields, on a record type, or on the tenant as a whole. The RPC layer keeps
// one MethodRule for each method of each service; a method without a rule is denied.
#ifndef PIIVAULT_AUTHZ_OPERATION_H_
#define PIIVAULT_AUTHZ_OPERATION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "authz/principal.h"

namespace piivault::authz {

enum class Verb : uint8_t {
  // Records.
  kCreate,
  kReadMetadata,
  kReveal,
  kRevealHistory,
  kLookup,
  kSearch,
  kList,
  kUpdate,
  kDelete,
  kTokenize,
  kDetokenize,
  kDownload,
  kVerify,
  kSendList,
  kAggregate,
  kPseudonymize,
  kBulkMove,
  // Subjects.
  kReadSubject,
  kDeleteSubject,
  kUnsubscribe,
  kStopUse,
  kResumeUse,
  kRecordConsent,
  kUpdateSubject,
  kManageMatters,
  kRightsRequest,
  // Sharing.
  kExport,
  kRedeem,
  kReadDisclosures,
  // Oversight.
  kReadAudit,
  kApproveGrant,
  kApproveException,
  kApprovePurpose,
  kSelectDestruction,
  kApproveDestruction,
};

enum class VerbTarget : uint8_t {
  kFields,  // Named fields of one type.
  kType,    // Records of one type, without their values.
  kTenant,  // The tenant or a subject as a whole.
};

enum class Need : uint8_t { kNo, kOptional, kRequired };

struct VerbInfo {
  Verb id;
  std::string_view name;
  VerbTarget target;
  Need purpose;
  bool outputs_values;  // Values leave: views apply, `read: never` and comm_secret bind.
  bool uses_data;       // A use in the sense of stop-use, restriction and unsubscription.
  bool writes;          // Values come in: the intake channel is checked.
  bool needs_index;     // Only on fields with a blind index.
  bool needs_token;     // Only on fields with tokens.
  // Verbs that whoever has this one has too, ended by repeating `id` itself.
  std::array<Verb, 2> implies;
  std::string_view meaning;
};

// In the order of Verb. `lookup` and `search` name the fields searched by; the fields that come
// back are decided on their own as `reveal`.
inline constexpr auto kVerbs = std::to_array<VerbInfo>({
    {Verb::kCreate,
     "create",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     false,
     true,
     false,
     false,
     {Verb::kCreate, Verb::kCreate},
     "store a new record with these fields"},
    {Verb::kReadMetadata,
     "read_metadata",
     VerbTarget::kType,
     Need::kNo,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadMetadata, Verb::kReadMetadata},
     "see that a record exists, its version and times, no values"},
    {Verb::kReveal,
     "reveal",
     VerbTarget::kFields,
     Need::kRequired,
     true,
     true,
     false,
     false,
     false,
     {Verb::kReadMetadata, Verb::kReveal},
     "get values back"},
    {Verb::kRevealHistory,
     "reveal_history",
     VerbTarget::kFields,
     Need::kRequired,
     true,
     true,
     false,
     false,
     false,
     {Verb::kReadMetadata, Verb::kRevealHistory},
     "get earlier values back"},
    {Verb::kLookup,
     "lookup",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     true,
     false,
     {Verb::kReadMetadata, Verb::kLookup},
     "find the one record with this exact value"},
    {Verb::kSearch,
     "search",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     true,
     false,
     {Verb::kReadMetadata, Verb::kSearch},
     "find all records with this exact value"},
    {Verb::kList,
     "list",
     VerbTarget::kType,
     Need::kOptional,
     false,
     true,
     false,
     false,
     false,
     {Verb::kReadMetadata, Verb::kList},
     "list the records of a type, no values"},
    {Verb::kUpdate,
     "update",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     false,
     true,
     false,
     false,
     {Verb::kReadMetadata, Verb::kUpdate},
     "replace or clear values"},
    {Verb::kDelete,
     "delete",
     VerbTarget::kType,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadMetadata, Verb::kDelete},
     "delete a record with its keys"},
    {Verb::kTokenize,
     "tokenize",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     false,
     true,
     false,
     true,
     {Verb::kTokenize, Verb::kTokenize},
     "hand in single values and get tokens for them"},
    {Verb::kDetokenize,
     "detokenize",
     VerbTarget::kFields,
     Need::kRequired,
     true,
     true,
     false,
     false,
     true,
     {Verb::kDetokenize, Verb::kDetokenize},
     "get values back for tokens"},
    {Verb::kDownload,
     "download",
     VerbTarget::kFields,
     Need::kRequired,
     true,
     true,
     false,
     false,
     false,
     {Verb::kReadMetadata, Verb::kList},
     "take out all records of a type"},
    {Verb::kVerify,
     "verify",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     false,
     false,
     {Verb::kVerify, Verb::kVerify},
     "ask whether a presented value is the stored one"},
    {Verb::kSendList,
     "send_list",
     VerbTarget::kFields,
     Need::kRequired,
     true,
     true,
     false,
     false,
     false,
     {Verb::kSendList, Verb::kSendList},
     "get the list of whom to send to"},
    {Verb::kAggregate,
     "aggregate",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     false,
     false,
     {Verb::kAggregate, Verb::kAggregate},
     "get counts, never single values"},
    {Verb::kPseudonymize,
     "pseudonymize",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     false,
     false,
     {Verb::kPseudonymize, Verb::kPseudonymize},
     "get a pseudonym that leads to no identity"},
    {Verb::kBulkMove,
     "bulk_move",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     false,
     false,
     {Verb::kBulkMove, Verb::kBulkMove},
     "move records to another system inside the vault"},
    {Verb::kReadSubject,
     "read_subject",
     VerbTarget::kTenant,
     Need::kNo,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadSubject, Verb::kReadSubject},
     "see a subject's state and the names of its records"},
    {Verb::kDeleteSubject,
     "delete_subject",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadSubject, Verb::kDeleteSubject},
     "erase a person with all records and keys"},
    {Verb::kUnsubscribe,
     "unsubscribe",
     VerbTarget::kType,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kUnsubscribe, Verb::kUnsubscribe},
     "stop mailing at once"},
    {Verb::kStopUse,
     "stop_use",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     false,
     false,
     false,
     false,
     {Verb::kStopUse, Verb::kStopUse},
     "stop the use of fields for purposes"},
    {Verb::kResumeUse,
     "resume_use",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     false,
     false,
     false,
     false,
     {Verb::kResumeUse, Verb::kResumeUse},
     "take back the stop of use: for the person alone"},
    {Verb::kRecordConsent,
     "record_consent",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kRecordConsent, Verb::kRecordConsent},
     "record that a person agreed or withdrew"},
    {Verb::kUpdateSubject,
     "update_subject",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadSubject, Verb::kUpdateSubject},
     "say who holds a person's account, who acts for it, which department has it"},
    {Verb::kManageMatters,
     "manage_matters",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kManageMatters, Verb::kManageMatters},
     "open cases, orders and the like, and say how they stand"},
    {Verb::kRightsRequest,
     "rights_request",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     false,
     false,
     false,
     false,
     {Verb::kRightsRequest, Verb::kRightsRequest},
     "open or work on a person's request about the own data"},
    {Verb::kExport,
     "export",
     VerbTarget::kFields,
     Need::kRequired,
     false,
     true,
     false,
     false,
     false,
     {Verb::kExport, Verb::kExport},
     "issue an export token for a recipient"},
    {Verb::kRedeem,
     "redeem",
     VerbTarget::kFields,
     Need::kRequired,
     true,
     true,
     false,
     false,
     false,
     {Verb::kRedeem, Verb::kRedeem},
     "redeem an export token"},
    {Verb::kReadDisclosures,
     "read_disclosures",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadDisclosures, Verb::kReadDisclosures},
     "see to whom a person's data was given"},
    {Verb::kReadAudit,
     "read_audit",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kReadAudit, Verb::kReadAudit},
     "read the log of this tenant"},
    {Verb::kApproveGrant,
     "approve_grant",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kApproveGrant, Verb::kApproveGrant},
     "approve a role for somebody of the own department"},
    {Verb::kApproveException,
     "approve_exception",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kApproveException, Verb::kApproveException},
     "approve a disclosure under a legal exception"},
    {Verb::kApprovePurpose,
     "approve_purpose",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kApprovePurpose, Verb::kApprovePurpose},
     "approve a use for a derived purpose"},
    {Verb::kSelectDestruction,
     "select_destruction",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kSelectDestruction, Verb::kSelectDestruction},
     "select what is due for destruction"},
    {Verb::kApproveDestruction,
     "approve_destruction",
     VerbTarget::kTenant,
     Need::kOptional,
     false,
     false,
     false,
     false,
     false,
     {Verb::kApproveDestruction, Verb::kApproveDestruction},
     "approve a destruction list"},
});
inline constexpr size_t kVerbCount = kVerbs.size();

constexpr const VerbInfo& GetVerb(Verb verb) { return kVerbs[static_cast<size_t>(verb)]; }
constexpr std::string_view VerbName(Verb verb) { return GetVerb(verb).name; }
constexpr std::optional<Verb> FindVerb(std::string_view name) {
  for (const VerbInfo& info : kVerbs) {
    if (info.name == name) return info.id;
  }
  return std::nullopt;
}

// A set of system roles, any of which suffices.
class SystemRoles {
 public:
  constexpr SystemRoles() = default;
  constexpr SystemRoles(std::initializer_list<SystemRole> roles) {
    for (SystemRole role : roles) bits_ = static_cast<uint8_t>(bits_ | Bit(role));
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool Has(SystemRole role) const { return (bits_ & Bit(role)) != 0; }

 private:
  static constexpr uint8_t Bit(SystemRole role) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(role));
  }
  uint8_t bits_ = 0;
};

// What one RPC needs: a verb of the policy, or a system role, or either where both stand.
struct MethodRule {
  std::string_view method;  // "/piivault.v1.VaultService/RevealRecord"
  std::optional<Verb> verb;
  SystemRoles system_roles;
};

namespace operation_internal {
constexpr bool VerbsInOrder() {
  for (size_t i = 0; i < kVerbs.size(); ++i) {
    if (static_cast<size_t>(kVerbs[i].id) != i) return false;
  }
  return true;
}
static_assert(VerbsInOrder(), "the table follows the order of Verb");

constexpr bool NoUseWrites() {
  for (const VerbInfo& info : kVerbs) {
    if (info.uses_data && info.writes) return false;
  }
  return true;
}
static_assert(NoUseWrites(), "decision.h's order of what is asked of uses and of writes");
}  // namespace operation_internal

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_OPERATION_H_
