#include "vault/state/sharing_state.h"

#include <utility>

#include "storage/id.h"
#include "storage/keys.h"
#include "vault/state/open_rows.h"
#include "vault/state/snapshot_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::StateKey;
using storage::StateKind;
using storage::v1::PrincipalRow;
using storage::v1::RecipientRow;

// The number of piivault.v1.PRINCIPAL_KIND_RECIPIENT, which rows keep.
constexpr int32_t kRecipientKind = 4;

authz::RecipientAttestation ToAttestation(const std::string& recipient,
                                          const RecipientRow::Attestation& from) {
  authz::RecipientAttestation to;
  to.id = Concat({recipient, "/attestations/", from.id()});
  to.kind = authz::FindAttestationKind(from.kind()).value_or(authz::AttestationKind::kUnspecified);
  to.signed_at = TimeOf(from.signed_micros(), absl::InfiniteFuture());
  to.valid_until = TimeOf(from.valid_until_micros(), absl::InfiniteFuture());
  to.revoked_at = TimeOf(from.revoked_micros(), absl::InfiniteFuture());
  to.fields.assign(from.fields().begin(), from.fields().end());
  to.purposes.assign(from.purposes().begin(), from.purposes().end());
  if (!from.recorded_by_person().empty()) {
    to.recorded_by_person = Concat({"persons/", from.recorded_by_person()});
  }
  return to;
}

// Whether a principal and a recipient lead to each other.
bool Belong(const PrincipalRow& principal, const RecipientRow& recipient) {
  return principal.kind() == kRecipientKind && recipient.principal() == principal.name() &&
         principal.recipient() == RecipientKeyName(recipient.tenant(), recipient.name());
}

// A recipient whose principal is gone could not be disabled any more, and one that is gone would
// leave a principal that nobody knows to be outside.
bool PrincipalsFit(const StateSnapshot& state) {
  for (const auto& [name, recipient] : state.recipients()) {
    const PrincipalState* principal = state.FindPrincipal(recipient->row.principal());
    if (principal == nullptr || !Belong(principal->row, recipient->row)) return false;
  }
  for (const auto& [name, principal] : state.principals()) {
    // One of the kind that names no recipient was made before there were any, and may do nothing.
    if (principal->row.recipient().empty()) continue;
    const auto recipient = state.recipients().find(principal->row.recipient());
    if (recipient == state.recipients().end() || !Belong(principal->row, recipient->second->row)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string RecipientKeyName(std::string_view tenant, std::string_view recipient) {
  return Concat({tenant, "/", recipient});
}

std::string RecipientResource(std::string_view tenant, std::string_view recipient) {
  return Concat({"tenants/", tenant, "/recipients/", recipient});
}

uint64_t RecipientCell(std::string_view tenant, std::string_view recipient) {
  return storage::CellFingerprint(
      StateKey(StateKind::kRecipient, RecipientKeyName(tenant, recipient)));
}

// Has no row: names of rows hold no colon.
uint64_t ExportRevocationsCell(std::string_view tenant) {
  return storage::CellFingerprint(StateKey(StateKind::kExportRevocation, Concat({":of/", tenant})));
}

// Has no row either.
uint64_t SigningKeysCell() {
  return storage::CellFingerprint(StateKey(StateKind::kSigningKey, ":all"));
}

authz::Recipient ToRecipient(const RecipientRow& row) {
  authz::Recipient recipient;
  recipient.name = RecipientResource(row.tenant(), row.name());
  recipient.category = row.category();
  recipient.country = row.country();
  recipient.controller = row.controller();
  recipient.disabled = row.disable_time_micros() != 0;
  if (!row.registered_by_person().empty()) {
    recipient.registered_by_person = Concat({"persons/", row.registered_by_person()});
  }
  for (const std::string& person : row.changed_by_persons()) {
    recipient.changed_by_persons.push_back(Concat({"persons/", person}));
  }
  for (const RecipientRow::Attestation& attestation : row.attestations()) {
    recipient.attestations.push_back(ToAttestation(recipient.name, attestation));
  }
  for (const RecipientRow::Matter& matter : row.matters()) {
    recipient.matters.push_back({matter.kind(), matter.id()});
  }
  return recipient;
}

absl::Status ReadSharingState(const storage::Engine& engine, const KeySnapshot& keys,
                              SnapshotBuilder* builder) {
  absl::Status status = OpenAll<RecipientRow>(
      engine, keys, StateKind::kRecipient,
      [&](const std::string& name, const RecipientRow& row, uint64_t version) -> absl::Status {
        if (name != RecipientKeyName(row.tenant(), row.name()) ||
            builder->current().FindTenant(row.tenant()) == nullptr) {
          return Contradiction();
        }
        builder->PutRecipient(row, version);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (!PrincipalsFit(builder->current())) return Contradiction();
  std::vector<SigningKeyVersion> keys_found;
  status = OpenAll<storage::v1::SigningKeyRow>(
      engine, keys, StateKind::kSigningKey,
      [&](const std::string& kid, const storage::v1::SigningKeyRow& row,
          uint64_t version) -> absl::Status {
        if (row.kid() != kid) return Contradiction();
        keys_found.push_back({row, version});
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (status = builder->PutSigningKeys(keys_found); !status.ok()) return status;
  return OpenAll<storage::v1::ExportRevocationRow>(
      engine, keys, StateKind::kExportRevocation,
      [&](const std::string& id, const storage::v1::ExportRevocationRow& row,
          uint64_t version) -> absl::Status {
        if (!storage::Id128::FromText(id).has_value() ||
            builder->current().FindTenant(row.tenant()) == nullptr) {
          return Contradiction();
        }
        builder->PutExportRevocation(id, row, version);
        return absl::OkStatus();
      });
}

}  // namespace piivault::vault
