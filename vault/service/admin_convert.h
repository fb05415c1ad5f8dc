#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_CONVERT_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_CONVERT_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "google/protobuf/timestamp.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/state/state_snapshot.h"

// Rows to wire messages and back. Wire and disk formats are never mixed; this is where they meet.
namespace piivault::vault {

// Wire to row. Microseconds are what a row keeps; 0 stands for absent.
// nullopt for a time outside of 1970-01-01 to 9999-12-31, or malformed.
std::optional<int64_t> MicrosOf(const google::protobuf::Timestamp& time);

// kMalformedRequest with the path under `path` where a part does not hold. `person` and so on stay
// as far as they were filled.
absl::Status FillPerson(const piivault::v1::Person& from, storage::v1::PersonRow* row);
absl::Status FillIdentity(const piivault::v1::Identity& from, storage::v1::IdentityRow* row);
absl::Status FillBinding(const piivault::v1::RoleBinding& from, storage::v1::RoleBindingRow* row);

// Row to wire.
void FillTime(int64_t micros, google::protobuf::Timestamp* time);
void FillTenant(const storage::v1::TenantRow& from, piivault::v1::Tenant* tenant);
// `pass` null: there was none.
void FillIndexRebuild(const TenantState& from, const storage::v1::IndexPassRow* pass,
                      piivault::v1::Tenant* tenant);
void FillPersonMessage(const storage::v1::PersonRow& from, piivault::v1::Person* person);
void FillAttestation(std::string_view person, const storage::v1::AttestationRow& from,
                     piivault::v1::Attestation* attestation);
void FillPrincipal(const storage::v1::PrincipalRow& from, piivault::v1::Principal* principal);
// `state` says where it is in force.
void FillPolicy(std::string_view hex, const storage::v1::PolicyRow& from,
                const StateSnapshot& state, piivault::v1::Policy* policy);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_CONVERT_H_
