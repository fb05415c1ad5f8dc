#include "vault/state/snapshot_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// The numbers of piivault.v1.Employment, which rows keep.
authz::Employment EmploymentOf(int32_t number) {
  switch (number) {
    case 1:
      return authz::Employment::kOfficer;
    case 2:
      return authz::Employment::kFullTime;
    case 3:
      return authz::Employment::kContract;
    case 4:
      return authz::Employment::kPartTime;
    case 5:
      return authz::Employment::kEquivalent;
    case 6:
      return authz::Employment::kOutsourced;
    default:
      return authz::Employment::kUnspecified;
  }
}

// The numbers of piivault.v1.PrincipalKind.
authz::PrincipalKind KindOf(int32_t number) {
  switch (number) {
    case 1:
      return authz::PrincipalKind::kStaff;
    case 2:
      return authz::PrincipalKind::kService;
    case 3:
      return authz::PrincipalKind::kTenant;
    case 4:
      return authz::PrincipalKind::kRecipient;
    default:
      return authz::PrincipalKind::kUnspecified;
  }
}

std::string Prefixed(std::string_view collection, const std::string& id) {
  return id.empty() ? std::string() : Concat({collection, id});
}

}  // namespace

absl::Time TimeOf(int64_t micros, absl::Time absent) {
  return micros == 0 ? absent : absl::FromUnixMicros(micros);
}

authz::Person ToPerson(const storage::v1::PersonRow& row) {
  authz::Person person;
  person.name = Concat({"persons/", row.name()});
  person.employment = EmploymentOf(row.employment());
  person.department = row.department();
  person.duties.assign(row.duties().begin(), row.duties().end());
  person.justification = row.justification();
  person.justification_until = TimeOf(row.justification_end_micros(), absl::InfinitePast());
  return person;
}

std::vector<authz::Attestation> ToAttestations(const storage::v1::PersonRow& row) {
  std::vector<authz::Attestation> attestations;
  attestations.reserve(static_cast<size_t>(row.attestations_size()));
  for (const storage::v1::AttestationRow& from : row.attestations()) {
    authz::Attestation to;
    to.id = Concat({"persons/", row.name(), "/attestations/", from.id()});
    to.kind =
        authz::FindAttestationKind(from.kind()).value_or(authz::AttestationKind::kUnspecified);
    to.document_sha256 = ToHex(from.document_sha256());
    to.signatory = Prefixed("persons/", from.signatory());
    to.signed_at = TimeOf(from.signed_micros(), absl::InfiniteFuture());
    to.valid_until = TimeOf(from.valid_until_micros(), absl::InfiniteFuture());
    to.revoked_at = TimeOf(from.revoked_micros(), absl::InfiniteFuture());
    to.recorded_by = Prefixed("principals/", from.recorded_by());
    attestations.push_back(std::move(to));
  }
  return attestations;
}

authz::Principal ToPrincipal(const storage::v1::PrincipalRow& row) {
  authz::Principal principal;
  principal.name = Concat({"principals/", row.name()});
  principal.kind = KindOf(row.kind());
  principal.disabled = row.disabled();
  principal.tenant = Prefixed("tenants/", row.tenant());
  principal.person = Prefixed("persons/", row.person());
  for (const storage::v1::RoleBindingRow& from : row.bindings()) {
    principal.bindings.push_back({from.role(),
                                  Prefixed("tenants/", from.tenant()),
                                  TimeOf(from.not_before_micros(), absl::InfinitePast()),
                                  TimeOf(from.not_after_micros(), absl::InfiniteFuture()),
                                  from.justification(),
                                  {from.fields().begin(), from.fields().end()},
                                  TimeOf(from.active_until_micros(), absl::InfinitePast()),
                                  from.given_for_emergencies()});
  }
  return principal;
}

bool IdentityHolds(const storage::v1::IdentityRow& row, absl::Time now) {
  return TimeOf(row.not_before_micros(), absl::InfinitePast()) <= now &&
         now <= TimeOf(row.not_after_micros(), absl::InfiniteFuture());
}

}  // namespace piivault::vault
