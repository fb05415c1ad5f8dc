#ifndef PIIVAULT_VAULT_SERVICE_SHARING_ASK_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_ASK_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "authz/share_decision.h"
#include "piivault/storage/v1/export.pb.h"
#include "piivault/v1/sharing_service.pb.h"
#include "vault/ledger/export_people.h"
#include "vault/ledger/export_rows.h"
#include "vault/service/vault_call.h"
#include "vault/sharing/export_token.h"

// What issuing and redeeming a token share. Nothing but sharing_*.cc includes this.
namespace piivault::vault {

// No rule asks for more.
inline constexpr uint32_t kEnoughApprovals = 2;

// What a token asks, resolved under the policy in force. Borrows policy and row.
class ExportAsk {
 public:
  struct OfType {
    authz::TypeId type;
    std::vector<authz::FieldId> fields;
  };

  // kFieldUnknown with `*unknown`, where the policy does not know a field.
  static authz::Reason Make(const authz::Policy& policy, const storage::v1::ExportTokenRow& row,
                            ExportAsk* ask);

  absl::Span<const OfType> types() const { return types_; }
  absl::Span<const std::string> type_names() const { return type_names_; }
  // Null where none of the fields are of the type.
  const OfType* Find(authz::TypeId type) const;

  // What is asked of the decision. `issuer`: as of the principal who issued.
  authz::ShareInput Input(const authz::DecisionInput& issuer,
                          const authz::Recipient* recipient) const;

 private:
  const storage::v1::ExportTokenRow* row_ = nullptr;
  std::vector<authz::FieldId> fields_;
  std::vector<authz::FieldId> requested_;
  std::vector<authz::Argument> assertions_;
  std::vector<OfType> types_;
  std::vector<std::string> type_names_;
};

// The usage that the issuer stated, as the row keeps it.
v1::Usage UsageOf(const storage::v1::ExportTokenRow& row);

// Whether a revocation is about the token.
bool IsRevoked(const ExportRevocations& revocations, const ExportTokenState& token);
// What state it is in at `now`.
v1::ExportTokenState StateOf(const ExportTokenState& token, const ExportRevocations& revocations,
                             absl::Time now);
// What approvers approve: SHA-256 over all that the token gives, to whom, why and for how long.
Sha256Digest ApprovalHash(std::string_view tenant, const ExportTokenState& token);
// In the call's tenant, now.
v1::ExportTokenState StateNow(const VaultCall& call, const ExportTokenState& token);
void FillDescription(const VaultCall& call, const ExportTokenState& token,
                     v1::ExportToken* description);

// Whether the person has made the recipient what it is, or recorded what it rests on.
bool HasMadeOrAttested(const authz::Recipient& recipient, const std::string& person);

// How many approvals count now: a principal that is gone, disabled or another person's by now, or
// whose person has made the recipient what it is, has approved nothing. Their cells go to the read
// set.
uint32_t ApprovalsThatHold(VaultCall& call, const storage::v1::ExportTokenRow& row);

// The claims of a token that is good. REQUIRES: it has a start.
ExportClaims ClaimsOf(std::string_view tenant, std::string_view vault_id,
                      const ExportTokenState& token);

// What a decision says of one record.
struct RecordShare {
  authz::ShareDecision decision;
  std::string consent_id;  // that the vault gave the consent relied on; empty for none
};
// `held`: HeldBy() of the person.
RecordShare DecideRecord(const VaultCall& call, const ExportAsk& ask,
                         const authz::ShareInput& input, absl::Span<const authz::FieldId> held,
                         const LoadedRecord& record);
// What the recipient has had of the person, of fields that the policy knows.
std::vector<authz::FieldId> HeldBy(const authz::Policy& policy, const ExportPerson& person);

// Refuses as the decision says, naming fields, or the need that is not met. `person`, where given,
// stands in the entry.
Plan RefuseShare(VaultCall& call, const authz::ShareDecision& decision,
                 const ExportPerson* person = nullptr);
// Role, attestation and the like of the decision, for the entry.
void DescribeShare(VaultCall& call, const authz::ShareDecision& decision);
// Which token, recipient and rule the entry is about.
void DescribeToken(VaultCall& call, const ExportTokenState& token);

// The caller's own recipient, and its tenant for the call's. A refusal, or nothing.
std::optional<Plan> OpenForRecipient(VaultCall& call, const RecipientState** recipient);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_ASK_H_
