#include "vault/service/sharing_service.h"

#include <array>
#include <string_view>

#include "authz/decision.h"
#include "vault/service/sharing_administration.h"
#include "vault/service/sharing_handlers.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::SystemRole;
using authz::SystemRoles;

constexpr std::string_view kService = "piivault.v1.SharingService";

constexpr SystemRoles kKeepers = {SystemRole::kPrivacyOfficer, SystemRole::kVaultAdmin};
constexpr SystemRoles kReaders = {SystemRole::kPrivacyOfficer, SystemRole::kVaultAdmin,
                                  SystemRole::kVaultAuditor};

constexpr auto kAdministration = std::to_array<AdminRule>({
    {"RegisterRecipient", kKeepers, SharingRegisterRecipient},
    {"GetRecipient", kReaders, SharingGetRecipient, AdmitRecipientItself},
    {"ListRecipients", kReaders, SharingListRecipients},
    {"UpdateRecipient", kKeepers, SharingUpdateRecipient},
    {"DisableRecipient", kKeepers, SharingDisableRecipient},
    {"RecordRecipientAttestation", kKeepers, SharingRecordAttestation},
    {"RevokeRecipientAttestation", kKeepers, SharingRevokeAttestation},
});

// Methods that go by something else than system roles. One that is in neither list has no handler,
// and is denied.
struct SharingRule {
  std::string_view method;
  std::unique_ptr<Handler> (*make)(const SharingDependencies& dependencies);
};

constexpr auto kOthers = std::to_array<SharingRule>({
    {"EnrolCertificate", NewEnrolCertificateHandler},
});

// Those that deal with people's data, by the policy.
struct ExportRule {
  std::string_view method;
  std::unique_ptr<Handler> (*make)(const VaultDependencies& dependencies);
};

constexpr auto kExports = std::to_array<ExportRule>({
    {"IssueExportToken", NewIssueExportToken},
    {"GetExportToken", NewGetExportToken},
    {"ApproveExportToken", NewApproveExportToken},
    {"RejectExportToken", NewRejectExportToken},
    {"RevokeExportTokens", NewRevokeExportTokens},
    {"ListExportTokens", NewListExportTokens},
    {"RedeemExportToken", NewRedeemExportToken},
    {"ListSigningKeys", NewListSigningKeys},
    {"RotateSigningKey", NewRotateSigningKey},
    {"ListDisclosures", NewListDisclosures},
    {"StreamDisclosedRecords", NewStreamDisclosedRecords},
    {"ListCorrectionNotices", NewListCorrectionNotices},
    {"AcknowledgeCorrectionNotices", NewAcknowledgeCorrectionNotices},
});

}  // namespace

absl::Status RegisterExports(const VaultDependencies& dependencies, MethodTable* methods) {
  for (const ExportRule& rule : kExports) {
    absl::Status status =
        methods->Register(Concat({kService, "/", rule.method}),
                          [&dependencies, &rule] { return rule.make(dependencies); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status RegisterSharingService(const SharingDependencies& dependencies, MethodTable* methods) {
  absl::Status status = RegisterAdminRules(kService, kAdministration, dependencies.admin, methods);
  for (const SharingRule& rule : kOthers) {
    if (!status.ok()) return status;
    status = methods->Register(Concat({kService, "/", rule.method}),
                               [&dependencies, &rule] { return rule.make(dependencies); });
  }
  return status.ok() ? RegisterExports(dependencies.vault, methods) : status;
}

}  // namespace piivault::vault
