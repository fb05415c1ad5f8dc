#include "authz/principal.h"

#include <array>

namespace piivault::authz {
namespace {

template <typename T>
struct Named {
  T id;
  std::string_view name;
};

constexpr auto kEmployments = std::to_array<Named<Employment>>({
    {Employment::kUnspecified, "unspecified"},
    {Employment::kOfficer, "officer"},
    {Employment::kFullTime, "full_time"},
    {Employment::kContract, "contract"},
    {Employment::kEquivalent, "equivalent"},
    {Employment::kPartTime, "part_time"},
    {Employment::kOutsourced, "outsourced"},
});

constexpr auto kAttestationKinds = std::to_array<Named<AttestationKind>>({
    {AttestationKind::kUnspecified, "unspecified"},
    {AttestationKind::kNdaContract, "nda_contract"},
    {AttestationKind::kPledge, "pledge"},
    {AttestationKind::kSecurityPledge, "security_pledge"},
    {AttestationKind::kWorkRules, "work_rules"},
    {AttestationKind::kTraining, "training"},
    {AttestationKind::kPartnerNda, "partner_nda"},
    {AttestationKind::kSupervision, "supervision"},
    {AttestationKind::kAcknowledgement, "acknowledgement"},
    {AttestationKind::kContract, "contract"},
    {AttestationKind::kMembership, "membership"},
});

constexpr auto kPrincipalKinds = std::to_array<Named<PrincipalKind>>({
    {PrincipalKind::kUnspecified, "unspecified"},
    {PrincipalKind::kStaff, "staff"},
    {PrincipalKind::kService, "service"},
    {PrincipalKind::kTenant, "tenant"},
    {PrincipalKind::kRecipient, "recipient"},
});

constexpr auto kSystemRoles = std::to_array<Named<SystemRole>>({
    {SystemRole::kVaultAdmin, "vault_admin"},
    {SystemRole::kVaultAuditor, "vault_auditor"},
    {SystemRole::kVaultOperator, "vault_operator"},
    {SystemRole::kPrivacyOfficer, "privacy_officer"},
});

// `first`: index of the first name that may be found.
template <typename Table>
auto Find(const Table& table, std::string_view name, size_t first)
    -> std::optional<decltype(table[0].id)> {
  for (size_t i = first; i < table.size(); ++i) {
    if (table[i].name == name) return table[i].id;
  }
  return std::nullopt;
}

}  // namespace

std::string_view EmploymentName(Employment employment) {
  return kEmployments[static_cast<size_t>(employment)].name;
}
std::string_view AttestationKindName(AttestationKind kind) {
  return kAttestationKinds[static_cast<size_t>(kind)].name;
}
std::string_view PrincipalKindName(PrincipalKind kind) {
  return kPrincipalKinds[static_cast<size_t>(kind)].name;
}
std::string_view SystemRoleName(SystemRole role) {
  return kSystemRoles[static_cast<size_t>(role)].name;
}

std::optional<Employment> FindEmployment(std::string_view name) {
  return Find(kEmployments, name, 1);
}
std::optional<AttestationKind> FindAttestationKind(std::string_view name) {
  return Find(kAttestationKinds, name, 1);
}
std::optional<PrincipalKind> FindPrincipalKind(std::string_view name) {
  return Find(kPrincipalKinds, name, 1);
}
std::optional<SystemRole> FindSystemRole(std::string_view name) {
  return Find(kSystemRoles, name, 0);
}

bool IsOfRecipientsOnly(AttestationKind kind) {
  return kind == AttestationKind::kContract || kind == AttestationKind::kMembership;
}

}  // namespace piivault::authz
