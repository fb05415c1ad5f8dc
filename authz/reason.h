// The one list of stable reasons: why a call was refused. Decisions, the ErrorInfo of gRPC errors,
// log entries and metrics all take their reason from here.
//
// Names are interface: clients branch on them and entries keep them, so a name never changes its
// meaning and is never used again after removal. The numbers are for this process only.
#ifndef PIIVAULT_AUTHZ_REASON_H_
#define PIIVAULT_AUTHZ_REASON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace piivault::authz {

enum class Reason : uint8_t {
  kOk,
  // Who calls.
  kPrincipalUnknown,
  kPrincipalDisabled,
  kCertificateInvalid,
  kCertificateDenylisted,
  // With which role.
  kRoleNotGranted,
  kRoleExpired,
  kRoleUnknown,
  kRoleNotAssignable,
  kSystemRoleRequired,
  kPrincipalKindNotAdmitted,
  kPersonUnknown,
  kEmploymentNotAdmitted,
  kOutsourcingForbidden,
  kDutyMissing,
  kDepartmentMismatch,
  kJustificationMissing,
  kJustificationExpired,
  kEndDateMissing,
  kHoldersExceeded,
  kNdaMissing,
  kNdaExpired,
  kNdaRevoked,
  kNdaWrongSignatory,
  kAttestationMissing,
  kAttestationExpired,
  kAttestationRevoked,
  kAttestationWrongSignatory,
  // For what.
  kTenantUnknown,
  kTenantMismatch,
  kTypeUnknown,
  kOperationNotGranted,
  kUnknownMethod,
  kPurposeMissing,
  kPurposeUnknown,
  kPurposeNotGranted,
  kTicketMissing,
  kTicketInvalid,
  kArgumentMissing,
  kPurposeParentUnknown,
  kFieldUnknown,
  kFieldMissing,
  kFieldNotGranted,
  kFieldNotSearchable,
  kFieldNotTokenized,
  kFieldWithoutHistory,
  kFieldOneWay,
  kCommSecret,
  kReadNever,
  kFieldRetired,
  kChannelNotAllowed,
  kChannelMissing,
  kNoticeUnknown,
  kNoticeMissing,
  // About whom.
  kSubjectErased,
  kSubjectRestricted,
  kSubjectRequired,
  kNotOwnRecord,
  kUseStopped,
  kUnsubscribed,
  kContractEnded,
  kConsentMissing,
  kGuardianConsentMissing,
  kAgeUnknown,
  kNoticeForbids,
  kMatterUnknown,
  kMemberWithoutId,
  kEssential,
  // What people ask for.
  kRightNotGiven,
  kGroundNotAdmitted,
  kIdentityNotConfirmed,
  kRequestNotCarriedOut,
  kRequestClosed,
  // How long it is kept.
  kRetentionHold,
  kKeptByLaw,
  kRetentionOver,
  // What was submitted.
  kMalformedRequest,
  kValueInvalid,
  kValueTooLarge,
  kValueNotUtf8,
  kProhibitedType,
  kBatchTooLarge,
  kPageTokenInvalid,
  kTokenInvalid,
  kRequestIdReused,
  kCredentialWeak,
  kTooManyGroups,
  // What is there.
  kNotFound,
  kAlreadyExists,
  kAmbiguous,
  kEtagMismatch,
  kConflict,
  kHistoryFull,
  kIndexBuilding,
  // Administration.
  kNoPolicy,
  kPolicyInvalid,
  kPolicyChangeIncomplete,
  kPolicyNoticeRunning,
  kProposalRequired,
  kProposalSelfApproval,
  kProposalStale,
  kProposalExpired,
  kLastAdministrators,
  kRotationRunning,
  kReviewPending,
  kSessionLimits,
  kBreakGlassActive,
  // Sharing.
  kRecipientUnknown,
  kRecipientDisabled,
  kRecipientKindNotAdmitted,
  kRecipientNotGranted,
  kOwnRecipient,
  kProcessorsForbidden,
  kSharingRuleUnknown,
  kTokenTerms,
  kAssertionMissing,
  kAssertionInvalid,
  kAgreementMissing,
  kAgreementExpired,
  kAgreementRevoked,
  kUsersNotNotified,
  kFieldCombination,
  kApprovalMissing,
  kExportTokenInvalid,
  kTokenNotYetValid,
  kTokenExpired,
  kTokenRevoked,
  kTokenExhausted,
  kExportWithheld,
  // The service itself.
  kQueueFull,
  kRateLimited,
  kVolumeBudget,
  kDeadlineTooShort,
  kDeadlineExceeded,
  kCancelled,
  kLogUnavailable,
  kStorageUnavailable,
  kOutcomeUnknown,
  kKeysUnavailable,
  kClockJump,
  kQuarantine,
  kShuttingDown,
  kDataLoss,
  kInternal,
};

struct ReasonInfo {
  Reason id;
  std::string_view name;
  absl::StatusCode code;  // Canonical code of a call that ends with this reason.
  std::string_view meaning;
  std::string_view remedy;  // What the caller or its administrator does.
};

// Number of reasons, kOk included. Reasons are numbered 0 .. count-1.
size_t ReasonCount();
const ReasonInfo& GetReason(Reason reason);

// "NDA_EXPIRED". kOk is "OK". The view lives for ever.
std::string_view ReasonName(Reason reason);
// kOk is absl::StatusCode::kOk.
absl::StatusCode ReasonCode(Reason reason);
std::optional<Reason> FindReason(std::string_view name);

// A status with the canonical code and "NAME: meaning" as message. Errors for clients are made by
// the RPC layer; this is for the insides. REQUIRES: reason != kOk.
absl::Status ReasonStatus(Reason reason);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_REASON_H_
