#include "vault/state/state_snapshot.h"

#include <set>

#include "authz/decision.h"
#include "vault/state/snapshot_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::CellFingerprint;
using storage::StateKey;
using storage::StateKind;

template <typename T>
const T* Find(const StateSnapshot::ByName<T>& map, std::string_view name) {
  auto it = map.find(name);
  return it == map.end() ? nullptr : it->second.get();
}

// Whether somebody can administer the vault as this principal.
bool Administers(const storage::v1::PrincipalRow& row, absl::Time now) {
  const authz::Principal principal = ToPrincipal(row);
  if (authz::DecideSystemRole(&principal, {authz::SystemRole::kVaultAdmin}, now) !=
      authz::Reason::kOk) {
    return false;
  }
  for (const storage::v1::IdentityRow& identity : row.identities()) {
    if (IdentityHolds(identity, now)) return true;
  }
  return false;
}

}  // namespace

uint64_t TenantCell(std::string_view tenant) {
  return CellFingerprint(StateKey(StateKind::kTenant, tenant));
}

uint64_t PersonCell(std::string_view person) {
  return CellFingerprint(StateKey(StateKind::kPerson, person));
}

uint64_t PrincipalCell(std::string_view principal) {
  return CellFingerprint(StateKey(StateKind::kPrincipal, principal));
}

uint64_t PolicyCell(std::string_view hex) {
  return CellFingerprint(StateKey(StateKind::kPolicy, hex));
}

uint64_t ProposalCell(std::string_view id) {
  return CellFingerprint(StateKey(StateKind::kProposal, id));
}

uint64_t BreakGlassCell(std::string_view id) {
  return CellFingerprint(StateKey(StateKind::kBreakGlass, id));
}

uint64_t DenylistCell(std::string_view sha256) {
  return CellFingerprint(StateKey(StateKind::kDenylist, ToHex(sha256)));
}

// The following cells have no row; their names cannot be those of rows, which hold no colon.
uint64_t IdentityCell(std::string_view uri) {
  return CellFingerprint(StateKey(StateKind::kPrincipal, Concat({"identity:", uri})));
}

uint64_t AdministratorsCell() {
  return CellFingerprint(StateKey(StateKind::kPrincipal, ":administrators"));
}

uint64_t TenantListCell() { return CellFingerprint(StateKey(StateKind::kTenant, ":list")); }

uint64_t RoleHoldersCell(std::string_view tenant, std::string_view role) {
  return CellFingerprint(StateKey(StateKind::kTenant, Concat({":holders/", tenant, "/", role})));
}

uint64_t BreakGlassListCell(std::string_view person) {
  return CellFingerprint(StateKey(StateKind::kBreakGlass, Concat({":of/", person})));
}

uint64_t VaultCell() { return CellFingerprint(StateKey(StateKind::kVault, "vault")); }

uint64_t EpochCell() { return CellFingerprint(StateKey(StateKind::kEpoch, "keyring")); }

const TenantState* StateSnapshot::FindTenant(std::string_view name) const {
  return Find(*tenants_, name);
}

const PersonState* StateSnapshot::FindPerson(std::string_view name) const {
  return Find(*persons_, name);
}

const PrincipalState* StateSnapshot::FindPrincipal(std::string_view name) const {
  return Find(*principals_, name);
}

const PrincipalState* StateSnapshot::FindPrincipalByIdentity(std::string_view uri) const {
  auto it = identities_->find(AbslView(uri));
  return it == identities_->end() ? nullptr : FindPrincipal(it->second);
}

const PolicyState* StateSnapshot::FindPolicy(std::string_view hex) const {
  return Find(*policies_, hex);
}

const ProposalState* StateSnapshot::FindProposal(std::string_view id) const {
  return Find(*proposals_, id);
}

const BreakGlassUseState* StateSnapshot::FindBreakGlass(std::string_view id) const {
  return Find(*break_glass_, id);
}

const RecipientState* StateSnapshot::FindRecipient(std::string_view tenant,
                                                   std::string_view name) const {
  return Find(*recipients_, RecipientKeyName(tenant, name));
}

const ExportRevocations& StateSnapshot::revocations(std::string_view tenant) const {
  static const ExportRevocations& kNone = *new ExportRevocations();
  const ExportRevocations* found = Find(*revocations_, tenant);
  return found == nullptr ? kNone : *found;
}

bool StateSnapshot::IsDenied(std::string_view sha256) const {
  return Find(*denylist_, sha256) != nullptr;
}

const MatterMap& StateSnapshot::matters(storage::TenantId tenant) const {
  static const MatterMap& kNone = *new MatterMap();
  const auto it = matters_->find(tenant);
  return it == matters_->end() ? kNone : *it->second;
}

int StateSnapshot::CountAdministrators(absl::Time now,
                                       const storage::v1::PrincipalRow* instead) const {
  std::set<std::string_view> persons;
  for (const auto& [name, principal] : *principals_) {
    const storage::v1::PrincipalRow& row =
        instead != nullptr && instead->name() == name ? *instead : principal->row;
    if (Administers(row, now)) persons.insert(row.person());
  }
  return static_cast<int>(persons.size());
}

}  // namespace piivault::vault
