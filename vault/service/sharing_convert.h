#ifndef PIIVAULT_VAULT_SERVICE_SHARING_CONVERT_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_CONVERT_H_

#include "absl/status/status.h"
#include "authz/policy.h"
#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/sharing_service.pb.h"

// Rows of sharing to wire messages and back.
namespace piivault::vault {

// Wire to row: what a caller says of a recipient, but for its name and category. Takes the place of
// what the row says of it. kMalformedRequest, kMatterUnknown, kProhibitedType with the path.
// REQUIRES: the row has its category.
[[nodiscard]] absl::Status FillRecipientRow(const v1::Recipient& from, const authz::Policy& policy,
                                            storage::v1::RecipientRow* row);

// Row to wire.
void FillRecipient(const storage::v1::RecipientRow& from, v1::Recipient* recipient);
void FillRecipientAttestation(const storage::v1::RecipientRow& recipient,
                              const storage::v1::RecipientRow::Attestation& from,
                              v1::RecipientAttestation* attestation);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_CONVERT_H_
