#ifndef PIIVAULT_VAULT_SERVICE_SHARING_ADMINISTRATION_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_ADMINISTRATION_H_

#include <memory>

#include "vault/service/admin_call.h"
#include "vault/service/admin_handler.h"
#include "vault/service/sharing_service.h"

// The methods of SharingService that are about recipients themselves. Nothing but sharing_*.cc and
// admin_proposals.cc includes this.
namespace piivault::vault {

// Administration of recipients, each for a call that may be made.
Plan SharingRegisterRecipient(AdminCall& call);
Plan SharingGetRecipient(AdminCall& call);
Plan SharingListRecipients(AdminCall& call);
Plan SharingUpdateRecipient(AdminCall& call);
Plan SharingDisableRecipient(AdminCall& call);
Plan SharingRecordAttestation(AdminCall& call);
Plan SharingRevokeAttestation(AdminCall& call);

// The recipient that a request names under `argument`, for a change of it; named in the entry.
absl::StatusOr<storage::v1::RecipientRow> NamedRecipient(AdminCall& call, const std::string& name,
                                                         std::string_view argument);

// Puts down that the person has changed it, besides all who have before: two who change it by turns
// both stay.
absl::Status AddChanger(const std::string& person, storage::v1::RecipientRow* row);

// A recipient may get itself.
CallerRole AdmitRecipientItself(Session& session, const CallContext& context);

std::unique_ptr<Handler> NewEnrolCertificateHandler(const SharingDependencies& dependencies);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_ADMINISTRATION_H_
