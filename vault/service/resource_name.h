#ifndef PIIVAULT_VAULT_SERVICE_RESOURCE_NAME_H_
#define PIIVAULT_VAULT_SERVICE_RESOURCE_NAME_H_

#include <optional>
#include <string>
#include <string_view>

#include "storage/id.h"
#include "vault/state/resource_id.h"

namespace piivault::vault {

// Resource names, strict: one text for each resource, anything else is refused. Parsed parts are
// views into the name given.

// `tenants/{id}` and so on, to the id.
std::optional<std::string_view> ParseTenantName(std::string_view name);
std::optional<std::string_view> ParsePersonName(std::string_view name);
// The id of a recipient's principal is `{tenant}.{recipient}`; no other has a dot.
std::optional<std::string_view> ParsePrincipalName(std::string_view name);
std::optional<std::string_view> ParsePolicyName(std::string_view name);      // 64 hex digits
std::optional<std::string_view> ParseProposalName(std::string_view name);    // 26 characters
std::optional<std::string_view> ParseBreakGlassName(std::string_view name);  // 26 characters

struct AttestationName {
  std::string_view person;
  std::string_view attestation;  // 26 characters
};
std::optional<AttestationName> ParseAttestationName(std::string_view name);

struct RecipientName {
  std::string_view tenant;
  std::string_view recipient;  // an id as persons have
};
// `tenants/{tenant}/recipients/{recipient}`.
std::optional<RecipientName> ParseRecipientName(std::string_view name);

struct RecipientAttestationName {
  RecipientName recipient;
  std::string_view attestation;  // 26 characters
};
// The same with `/attestations/{attestation}`.
std::optional<RecipientAttestationName> ParseRecipientAttestationName(std::string_view name);

struct SubjectName {
  std::string_view tenant;
  storage::Id128 subject;
};
// `tenants/{tenant}/subjects/{subject}`.
std::optional<SubjectName> ParseSubjectName(std::string_view name);

struct SubjectRequestName {
  SubjectName subject;
  std::string_view request;  // 26 characters
};
// `tenants/{tenant}/subjects/{subject}/requests/{request}`.
std::optional<SubjectRequestName> ParseSubjectRequestName(std::string_view name);

// `tenants/{tenant}/subjects/{subject}/records/{record}`, or by the caller's own key
// `tenants/{tenant}/records/ref:{type}:{ref}`.
struct RecordName {
  std::string_view tenant;
  bool by_ref = false;
  storage::Id128 subject;  // where not by_ref
  storage::Id128 record;
  std::string_view type;  // where by_ref
  std::string_view ref;   // not empty, at most 128 characters' worth of bytes (512)
};
std::optional<RecordName> ParseRecordName(std::string_view name);

// What is a tenant's and has an id of the vault's: `tenants/{tenant}/exportTokens/{id}` and so on.
struct TenantIdName {
  std::string_view tenant;
  storage::Id128 id;
};
std::optional<TenantIdName> ParseExportTokenName(std::string_view name);
std::optional<TenantIdName> ParseDisclosureName(std::string_view name);
std::optional<TenantIdName> ParseDestructionName(std::string_view name);
std::optional<TenantIdName> ParseCorrectionNoticeName(std::string_view name);

// The other way. Ids are trusted.
std::string TenantName(std::string_view id);
std::string PersonName(std::string_view id);
std::string PrincipalName(std::string_view id);
std::string PolicyName(std::string_view hex);
std::string ProposalName(std::string_view id);
std::string BreakGlassName(std::string_view id);
std::string MakeAttestationName(std::string_view person, std::string_view attestation);
std::string MakeRecipientAttestationName(std::string_view tenant, std::string_view recipient,
                                         std::string_view attestation);
std::string MakeExportTokenName(std::string_view tenant, const storage::Id128& token);
std::string MakeDisclosureName(std::string_view tenant, const storage::Id128& disclosure);
std::string MakeDestructionName(std::string_view tenant, const storage::Id128& destruction);
std::string MakeCorrectionNoticeName(std::string_view tenant, const storage::Id128& notice);
std::string MakeSubjectName(std::string_view tenant, const storage::Id128& subject);
std::string MakeSubjectRequestName(std::string_view tenant, const storage::Id128& subject,
                                   std::string_view request);
std::string MakeRecordName(std::string_view tenant, const storage::Id128& subject,
                           const storage::Id128& record);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RESOURCE_NAME_H_
