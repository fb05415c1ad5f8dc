// Persons, what they have signed, principals and their roles: the facts a decision is made of.
//
// Plain data without behaviour that reads a clock. Rows of the database are decoded into these by
// vault/; authz never stores or fetches them. Names are resource names ("persons/…",
// "principals/…", "tenants/…") and are only compared, never parsed.
#ifndef PIIVAULT_AUTHZ_PRINCIPAL_H_
#define PIIVAULT_AUTHZ_PRINCIPAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace piivault::authz {

enum class Employment : uint8_t {
  kUnspecified,  // Never admitted by a role that lists employments.
  kOfficer,
  kFullTime,
  kContract,
  kEquivalent,  // Equivalent to the three above; needs a written justification with an end.
  kPartTime,
  kOutsourced,
};

enum class AttestationKind : uint8_t {
  kUnspecified,
  kNdaContract,
  kPledge,
  kSecurityPledge,
  kWorkRules,
  kTraining,
  kPartnerNda,
  kSupervision,
  kAcknowledgement,  // Of the operator's text: the policy says of which
                     // (Policy::acknowledgement()).
  // Of recipients only.
  kContract,
  kMembership,  // It is one of a closed group.
};

enum class PrincipalKind : uint8_t {
  kUnspecified,
  kStaff,
  kService,
  kTenant,
  kRecipient,
};

// Roles outside every policy, without any right to data.
enum class SystemRole : uint8_t {
  kVaultAdmin,
  kVaultAuditor,
  kVaultOperator,
  kPrivacyOfficer,
};

// Names as in policies, the command line and entries: "full_time", "nda_contract", "staff",
// "vault_admin". kUnspecified has the name "unspecified", which is never found.
std::string_view EmploymentName(Employment employment);
std::string_view AttestationKindName(AttestationKind kind);
std::string_view PrincipalKindName(PrincipalKind kind);
std::string_view SystemRoleName(SystemRole role);
std::optional<Employment> FindEmployment(std::string_view name);
std::optional<AttestationKind> FindAttestationKind(std::string_view name);
std::optional<PrincipalKind> FindPrincipalKind(std::string_view name);
std::optional<SystemRole> FindSystemRole(std::string_view name);

// Whether persons never have it: contracts and memberships are between organisations.
bool IsOfRecipientsOnly(AttestationKind kind);

struct Person {
  std::string name;
  Employment employment = Employment::kUnspecified;
  std::string department;
  std::vector<std::string> duties;
  // For kEquivalent: why, and until when (inclusive).
  std::string justification;
  absl::Time justification_until = absl::InfinitePast();
};

// That a person has signed something. Recorded by somebody, never by the signatory's own say-so.
struct Attestation {
  std::string id;
  AttestationKind kind = AttestationKind::kUnspecified;
  std::string document_sha256;  // Lower-case hex.
  std::string signatory;        // Name of the person who signed.
  absl::Time signed_at = absl::InfiniteFuture();
  // Inclusive: the last instant of the last day in the policy's zone (Policy::EndOfDay), computed
  // when it is recorded.
  absl::Time valid_until = absl::InfinitePast();
  absl::Time revoked_at = absl::InfiniteFuture();  // In force until the instant before.
  std::string recorded_by;
};

struct RoleBinding {
  std::string role;    // A role of the policy, or the name of a system role.
  std::string tenant;  // The one tenant it is for; empty for system roles.
  absl::Time not_before = absl::InfinitePast();   // Inclusive.
  absl::Time not_after = absl::InfiniteFuture();  // Inclusive.
  std::string justification;
  std::vector<std::string> fields;  // "svc.name", "svc.*": only these; empty: no such limit.
  // Of a break-glass role: it does nothing from this instant on; InfinitePast: it is not taken.
  absl::Time active_until = absl::InfinitePast();
  // It was given as a break-glass role, and has to be taken also where the policy that is in force
  // now knows the role as an ordinary one.
  bool for_emergencies = false;
};

struct Principal {
  std::string name;
  PrincipalKind kind = PrincipalKind::kUnspecified;
  bool disabled = false;
  std::string tenant;  // Of kTenant principals: whose they are. Else empty.
  std::string person;  // Whom it belongs to (staff) or who answers for it. May be empty.
  std::vector<RoleBinding> bindings;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_PRINCIPAL_H_
